"""Serve the report on the loopback interface: the page, news of it, and the flame graphs that it links to."""

import errno
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from ..errors import UsageError
from .watch import State, Watch

HOST = "127.0.0.1"
HEARTBEAT_SECONDS = 10.0
"""After so long without news a comment is sent, which notices a page that was closed."""
_HTML = "text/html; charset=utf-8"


@contextmanager
def serving(watch: Watch, port: int) -> Iterator[str]:
    """Serve in the background, and yield the address; raise UsageError if the port is in use."""
    try:
        server = _Server((HOST, port), partial(_Handler, watch=watch))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        what = f"port {port} is in use" if error.errno == errno.EADDRINUSE else f"port {port} needs other rights"
        hint = "`prprep report --serve --port 0` takes any free port; or end what uses this one"
        raise UsageError(what, hint=hint) from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/"
    finally:
        watch.end()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A page that is closed while it is sent is no error.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, *arguments: Any, watch: Watch) -> None:
        self._watch = watch
        super().__init__(*arguments)

    def do_GET(self) -> None:
        # Another site may have its name point to this machine; a browser then asks for that name.
        port = int(self.server.server_address[1])  # type: ignore[index]
        if self.headers.get("Host") not in {f"{HOST}:{port}", f"localhost:{port}"}:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == "/":
            self._send(self._watch.state.html.encode(), _HTML)
        elif self.path == "/events":
            self._send_news()
        elif profile := self._watch.profile(unquote(self.path)):
            # A page of another program about foreign code: it may run its scripts, and reach nothing else.
            self._send(profile.read_bytes(), _HTML, policy="sandbox allow-scripts; default-src 'unsafe-inline' data:")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send(self, content: bytes, kind: str, *, policy: str = "") -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(content)

    def _send_news(self) -> None:
        """Send the state whenever it changes, until the page is closed or the server ends."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        sent: State | None = None
        while not self._watch.is_over:
            state = self._watch.state
            if state is sent:
                self.wfile.write(b": still here\n\n")
            else:
                news = json.dumps({"version": state.version, "running": state.running})
                self.wfile.write(f"data: {news}\n\n".encode())
                sent = state
            self.wfile.flush()
            self._watch.await_news(sent, HEARTBEAT_SECONDS)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature of the base class
        """Print no line for each request."""
