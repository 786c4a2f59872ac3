"""A small GitHub Enterprise server for tests: real HTTPS, REST and GraphQL, and real git repositories behind it.

It has state: pull requests can be created, edited and listed, and git provides their files, hunks and blobs. git clones
the bare repositories from `clone_url` and pushes to it with the token as password (`GIT_SSL_CAINFO` names the
certificate). `GitHub.environment` connects the real `gh` to it and to nothing else. `break_down` makes it fail.

The API covers `gh pr list|view|create|edit`, `gh api graphql`, comments on pull requests, and prprep; anything else is rejected, as an unknown field
is by GitHub.
"""

import base64
import json
import os
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import trustme

from tests.support.github_graphql import execute
from tests.support.github_state import PullRequest, Refused, Repository, comment, edit, git
from tests.support.targets import ISOLATED

__all__ = ["TOKEN", "TROUBLES", "GitHub", "PullRequest", "Refused", "Repository"]

TOKEN = "ghp_" + "0" * 36
HANG_SECONDS = 120.0


@dataclass(frozen=True)
class Trouble:
    """The response of a failing server."""

    status: int
    body: str
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    hangs: bool = False


TROUBLES = {
    "401": Trouble(
        401, json.dumps({"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"})
    ),
    "403": Trouble(403, json.dumps({"message": "Resource not accessible by personal access token"})),
    "rate limit": Trouble(
        403,
        json.dumps({"message": "API rate limit exceeded for user ID 1."}),
        headers=(("X-RateLimit-Remaining", "0"),),
    ),
    "graphql rate limit": Trouble(
        200, json.dumps({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}]})
    ),
    "404": Trouble(404, json.dumps({"message": "Not Found"})),
    "502": Trouble(502, "<html><body>Bad Gateway</body></html>", "text/html"),
    "not JSON": Trouble(200, "<html><body>Sign in to the network of this hotel</body></html>", "text/html"),
    "cut short": Trouble(200, '{"data": {"repository": {"nameWithOw'),
    "hang": Trouble(200, "{}", hangs=True),
}


class GitHub:
    """The server, as a context manager; `requests` are all requests, as (method, path, body)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.repositories: dict[str, Repository] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.login = "ada"
        self.may_comment = True
        self._trouble: Trouble | None = None
        self._over = threading.Event()
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        authority = trustme.CA()
        self.certificate = self.folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"github": self}))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def host(self) -> str:
        return f"localhost:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that connect `gh` to it, logged in, with an empty configuration."""
        settings = self.folder / "gh"
        settings.mkdir(exist_ok=True)
        return {
            "GH_CONFIG_DIR": str(settings),
            "GH_ENTERPRISE_TOKEN": TOKEN,
            "GH_HOST": self.host,
            "SSL_CERT_FILE": str(self.certificate),
            "GIT_SSL_CAINFO": str(self.certificate),
            "NO_PROXY": "localhost,127.0.0.1",
        }

    def repository(self, slug: str, *, like: Path | None = None, parent: Repository | None = None) -> Repository:
        """Add a repository, with the branches of the one at `like`."""
        owner, _, name = slug.partition("/")
        folder = self.folder / "repositories" / f"{slug}.git"
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
        git(folder, "config", "http.receivepack", "true")
        if like:
            git(folder, "fetch", "--quiet", str(like), "+refs/heads/*:refs/heads/*")
        self.repositories[slug] = Repository(self, owner, name, folder, parent=parent)
        return self.repositories[slug]

    def break_down(self, trouble: str | None) -> None:
        """Answer every request with one of TROUBLES; None ends that."""
        self._trouble = TROUBLES[trouble] if trouble else None

    # -- answering --------------------------------------------------------------------------------

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, Trouble | None]:
        """Return status and text for a request, and the trouble, if any."""
        sent = json.loads(body) if body else None
        with self._lock:
            self.requests.append((method, path, sent))
            if self._trouble:
                if self._trouble.hangs:
                    self._over.wait(HANG_SECONDS)
                return self._trouble.status, self._trouble.body, self._trouble
            try:
                _require_token(headers)
                if path == "/api/graphql":
                    return 200, json.dumps(execute(self, sent)), None
                status, content = self._rest(method, path, sent)
                return status, content if isinstance(content, str) else json.dumps(content), None
            except Refused as refusal:
                content = {"message": refusal.message, "documentation_url": "https://docs.github.com/rest"}
                return refusal.status, json.dumps(content), None

    def _rest(self, method: str, path: str, sent: Any) -> tuple[int, Any]:
        url = urlsplit(path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        match = re.fullmatch(r"/api/v3/(?:(user|)|repos/([\w.-]+/[\w.-]+)((?:/[^?]*)?))", url.path)
        if not match:
            raise Refused(404, "Not Found")
        if match[1] is not None:
            return 200, {"login": self.login}
        if not (repository := self.repositories.get(match[2])):
            raise Refused(404, "Not Found")
        if not match[3]:
            return 200, {
                "full_name": repository.slug,
                "default_branch": repository.default_branch,
                "fork": repository.parent is not None,
            }
        return _rest_of(repository, method, match[3], query, sent)


def _require_token(headers: dict[str, str]) -> None:
    if headers.get("authorization", "").partition(" ")[2] != TOKEN:
        raise Refused(401, "Bad credentials")


def _rest_of(repository: Repository, method: str, path: str, query: dict[str, str], sent: Any) -> tuple[int, Any]:
    if path == "/pulls":
        if method == "POST":
            fields = {"title": sent["title"], "body": sent.get("body") or "", "draft": bool(sent.get("draft"))}
            return 201, repository.open(
                sent["head"].rpartition(":")[2], base=sent["base"], author=repository.server.login, **fields
            ).rest()
        wanted = {"open": {"OPEN"}, "closed": {"CLOSED", "MERGED"}}.get(
            query.get("state", "open"), {"OPEN", "CLOSED", "MERGED"}
        )
        pulls = [each.rest() for each in reversed(repository.pull_requests) if each.state in wanted]
        return 200, [each for each in pulls if query.get("head") in (None, each["head"]["label"])]
    if commented := re.fullmatch(r"/issues/(comments/)?(\d+)(/comments)?", path):
        number = int(commented[2])
        if method == "GET" and commented[3] and (pull := repository.number(number)):
            return 200, _page([each.rest(pull.url) for each in pull.comments], query)
        if method == ("PATCH" if commented[1] else "POST"):
            return 201 if method == "POST" else 200, comment(repository, method, number, sent["body"])
        raise Refused(404, "Not Found")
    numbered = re.fullmatch(r"/pulls/(\d+)(/files)?", path)
    pull = repository.number(int(numbered[1])) if numbered else None
    if not numbered or not pull:
        raise Refused(404, "Not Found")
    if numbered[2]:
        pull.refresh()
        return 200, _page(pull.files(), query)
    if method == "PATCH":
        edit(pull, sent)
    return 200, pull.rest()


def _page(entries: list[Any], query: dict[str, str]) -> list[Any]:
    page, size = int(query.get("page", 1)), min(100, int(query.get("per_page", 30)))
    return entries[(page - 1) * size : page * size]


class _Handler(BaseHTTPRequestHandler):
    github: GitHub
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        chunked = self.headers.get("Transfer-Encoding", "") == "chunked"
        body = b"".join(self._chunks()) if chunked else self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        if git_path := re.fullmatch(
            r"/([^/]+/[^/]+?)(?:\.git)?(/(?:info/refs|git-(?:upload|receive)-pack))", urlsplit(self.path).path
        ):
            self._git(git_path[1], git_path[2], body)
            return
        if "application/vnd.github.v3.diff" in headers.get(
            "accept", ""
        ) or "application/vnd.github.diff" in headers.get("accept", ""):
            self._send(*self._diff(), None)
            return
        self._send(*self.github.answer(self.command, self.path, body, headers))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _git(self, slug: str, path: str, body: bytes) -> None:
        """Serve clones, fetches and pushes with git's own program; a push needs the token as password."""
        query = urlsplit(self.path).query
        self.github.requests.append((self.command, self.path, None))
        sent = self.headers.get("Authorization", "").removeprefix("Basic ")
        known = base64.b64decode(sent).decode().rpartition(":")[2] == TOKEN
        if "receive-pack" in path + query and not known:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | ISOLATED
        environment |= {
            "GIT_PROJECT_ROOT": str(self.github.folder / "repositories"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "ada",
        }
        environment |= {"REQUEST_METHOD": self.command, "PATH_INFO": f"/{slug}.git{path}", "QUERY_STRING": query}
        environment |= {"CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body))}
        environment |= {
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        response = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(response.pop("Status", "200").split()[0]))
        for name, value in {**response, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _diff(self) -> tuple[int, str]:
        match = re.search(r"/repos/([^/]+/[^/]+)/pulls/(\d+)$", self.path)
        repository = self.github.repositories.get(match[1]) if match else None
        pull = repository.number(int(match[2])) if repository and match else None
        return (200, pull.diff()) if pull else (404, '{"message": "Not Found"}')

    def _send(self, status: int, text: str, trouble: Trouble | None) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", trouble.content_type if trouble else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in trouble.headers if trouble else ():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815 - the names that http.server calls

    def handle(self) -> None:
        # A client may stop while it waits.
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass
