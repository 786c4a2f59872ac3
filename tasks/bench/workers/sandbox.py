"""Run the target's processes under bubblewrap: no network, and of this machine only what they need.

They may write to their tree, where Python keeps compiled files, to what measuring takes from them, and to a /tmp and a home of
their own. Everything else that they see is read-only: their environments, the interpreter, the system's programs and libraries.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import MeasuringError
from ...processes import programs

if TYPE_CHECKING:
    from ..request import Request, SideRequest

HOME: Final = "/tmp/home"  # noqa: S108 - in a /tmp that begins empty

_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/sys/devices/system")
# What programs look up; no folder as a whole: some files of /etc hold passwords.
_LOOKED_UP: Final = (
    *(
        "alternatives",
        "ld.so.cache",
        "ld.so.conf",
        "ld.so.conf.d",
        "localtime",
        "timezone",
        "passwd",
        "group",
        "nsswitch.conf",
        "hosts",
    ),
    *(
        "os-release",
        "locale.alias",
        "mime.types",
        "fonts",
        "ssl/certs",
        "ssl/openssl.cnf",
        "ca-certificates",
        "pki/tls/certs",
        "protocols",
    ),
)
_INSTALL: Final = "install it (`apt-get install bubblewrap`), or take `sandbox` out of the item; nothing was measured"
_ALLOW: Final = "let users make namespaces (`sysctl kernel.unprivileged_userns_clone=1`), or take `sandbox` out; nothing was measured"


def check() -> str:
    """Return bubblewrap's full path; raise MeasuringError where it is not there or may not make namespaces."""
    program = _found()
    if not program:
        raise MeasuringError(
            "`sandbox: bwrap` asks for bubblewrap, which is not installed on this machine", hint=_INSTALL
        )
    if why := _why_not(program):
        raise MeasuringError(f"`sandbox: bwrap` is not possible on this machine: {why}", hint=_ALLOW)
    return program


def wrapper(place: SideRequest, folder: Path, *, worker: Path, writable: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return what goes before a command of a side that runs in `folder`; nothing where the side is not confined.

    `worker` holds our programs; `writable` are folders beside the tree that the command writes to.
    """
    if not place.confined:
        return ()
    base = (check(), *_NAMESPACES, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", HOME)  # noqa: S108
    seen = [
        word for path in (*_SYSTEM, *(f"/etc/{name}" for name in _LOOKED_UP)) for word in ("--ro-bind-try", path, path)
    ]
    for option, folders in (("--ro-bind", (worker, *place.environments)), ("--bind", (place.tree, *writable))):
        seen += [word for path in folders for word in _bound(option, path)]
    return (*base, *seen, "--chdir", str(folder), "--")


def variables(place: SideRequest, folder: Path) -> dict[str, str]:
    """Return the variables that a confined side has otherwise; PWD is bubblewrap's own doing, and lengthens the environment."""
    return {"HOME": HOME, "TMPDIR": "/tmp", "PWD": str(folder)} if place.confined else {}  # noqa: S108


def compile_environments(request: Request) -> None:
    """Let Python compile what its environments hold, where it will not be able to write there: imports are timed warm."""
    for place in {place.python: place for place in map(request.side, request.roles) if place.confined}.values():
        installed = [path for folder in place.environments for path in sorted(folder.glob("lib/python*/site-packages"))]
        command: tuple[str | Path, ...] = (place.python, "-I", "-S", "-m", "compileall", "-q", "-j", "0", *installed)
        programs.run(command, cwd=place.tree, env=programs.target_environment(), check=False)


# Not the user's name in them: that would need a map of users that not every system allows.
_NAMESPACES: Final = ("--unshare-all", "--die-with-parent", "--hostname", "sandbox")


def _bound(option: str, path: Path) -> Iterator[str]:
    """Show a folder under its own name, and under its real one where links lead to it."""
    for name in dict.fromkeys((str(path.absolute()), os.path.realpath(path))):
        yield from (option, os.path.realpath(path), name)


def _found() -> str:
    return next(
        (place for place in ("/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap") if os.access(place, os.X_OK)), ""
    )


@cache
def _why_not(program: str) -> str:
    """Try it once: containers and kernels may forbid namespaces."""
    tried = [program, *_NAMESPACES, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return (
        ""
        if done.returncode == 0
        else done.stderr.strip().removeprefix("bwrap: ") or f"bwrap ended with exit code {done.returncode}"
    )
