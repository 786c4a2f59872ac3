"""Keep a forked process from doing anything but compute."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any

LIMIT_BYTES = 1 << 30
"""Memory that a process may take beyond what it has."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
STOPPED = """
os.remove os.rename os.rmdir os.mkdir os.link os.symlink os.truncate os.chmod os.chown os.utime os.setxattr
os.removexattr os.lockf os.system os.exec os.posix_spawn os.spawn os.fork os.forkpty os.kill os.killpg os.startfile
subprocess.Popen pty.spawn webbrowser.open socket.connect socket.bind socket.sendto socket.sendmsg socket.getaddrinfo
socket.gethostbyname sqlite3.connect urllib.Request http.client.connect http.client.send ftplib.connect
smtplib.connect
"""
STOPPED_EVENTS = frozenset(STOPPED.split())


class Guard:
    """Stop whatever has effects outside this process, from now on; `stopped` names the first such event."""

    def __init__(self) -> None:
        self.stopped = ""
        sys.dont_write_bytecode = True
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & WRITING or path == os.devnull:
                return
        elif event not in STOPPED_EVENTS and not event.startswith(("shutil.", "tempfile.")):
            return
        self.stopped = self.stopped or event
        raise PermissionError(f"{event} is not allowed with further inputs")


def limit_memory() -> None:
    """Let the process take LIMIT_BYTES more, if the platform says how much it has, and write no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    try:
        with open("/proc/self/statm") as status:
            taken = int(status.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (taken + LIMIT_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
