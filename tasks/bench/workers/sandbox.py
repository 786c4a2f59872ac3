"""Run the project's processes under bubblewrap: without network, and with only the files that they need.

They may write to their tree, where Python keeps compiled files, to the results of measuring, and to a /tmp and a home
of their own. All else is read-only: their environments, the interpreter, the system's programs and libraries.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from ...errors import MeasuringError
from ...processes import programs
from ..request import Request, SideRequest

HOME: Final = "/tmp/home"  # noqa: S108 - in a /tmp that begins empty

_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/sys/devices/system")
# Single files that programs read: other files of /etc hold passwords.
_ETC: Final = (
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone", "passwd", "group",
    "nsswitch.conf", "hosts", "os-release", "locale.alias", "mime.types", "fonts", "ssl/certs", "ssl/openssl.cnf",
    "ca-certificates", "pki/tls/certs", "protocols",
)  # fmt: skip
_INSTALL: Final = "install it (`apt-get install bubblewrap`), or remove `sandbox` from the item; nothing was measured"
_ALLOW: Final = (
    "allow namespaces for users (`sysctl kernel.unprivileged_userns_clone=1`), or remove `sandbox` from the item; "
    "nothing was measured"
)


def check() -> str:
    """Return bubblewrap's full path; raise MeasuringError if it is not installed or may not create namespaces."""
    program = _program()
    if not program:
        raise MeasuringError("`sandbox: bwrap` needs bubblewrap, which is not installed on this machine", hint=_INSTALL)
    if reason := _why_not(program):
        raise MeasuringError(f"`sandbox: bwrap` is not possible on this machine: {reason}", hint=_ALLOW)
    return program


def wrapper(side: SideRequest, folder: Path, *, worker: Path, writable: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return what goes before a command of a side to confine it in `folder`; nothing if the side is not confined.

    `worker` holds our programs; the command may also write to the folders `writable`.
    """
    if not side.confined:
        return ()
    base = (check(), *_NAMESPACES, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", HOME)  # noqa: S108
    system = [word for path in (*_SYSTEM, *(f"/etc/{name}" for name in _ETC)) for word in ("--ro-bind-try", path, path)]
    own = [word for path in (worker, *side.environments) for word in _bound("--ro-bind", path)]
    own += [word for path in (side.tree, *writable) for word in _bound("--bind", path)]
    return (*base, *system, *own, "--chdir", str(folder), "--")


def variables(side: SideRequest, folder: Path) -> dict[str, str]:
    """Return the variables of a confined side; bubblewrap sets PWD anyway, which lengthens the environment."""
    return {"HOME": HOME, "TMPDIR": "/tmp", "PWD": str(folder)} if side.confined else {}  # noqa: S108


def compile_environments(request: Request) -> None:
    """Compile the modules in the environments of confined sides, which cannot write there: imports are timed warm.

    What sides share is compiled once. The base Python is left alone: its packages are on no environment's path.
    """
    compiled = set[tuple[Path, Path | None]]()
    for side in [side for side in map(request.side, request.roles) if side.confined]:
        environments = [folder for folder in side.environments if _is_environment(folder)]
        installed = {path for folder in environments for path in folder.glob("lib/python*/site-packages")}
        new = sorted(path for path in installed if (path, side.pycache) not in compiled)
        compiled |= {(path, side.pycache) for path in new}
        # In an environment of the user's compiled files belong elsewhere.
        prefix = ("-X", f"pycache_prefix={side.pycache}") if side.pycache else ()
        command = (side.python, "-I", "-S", *prefix, "-m", "compileall", "-q", "-j", "0", *new)
        if new:
            programs.run(command, cwd=side.tree, env=programs.project_environment(), check=False)


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").is_dir()


# Without the user's name: that would need a map of users, which not every system allows.
_NAMESPACES: Final = ("--unshare-all", "--die-with-parent", "--hostname", "sandbox")


def _bound(option: str, path: Path) -> Iterator[str]:
    """Bind a folder under its own name, and under its real one if links lead to it."""
    for name in dict.fromkeys((str(path.absolute()), os.path.realpath(path))):
        yield from (option, os.path.realpath(path), name)


def _program() -> str:
    places = ("/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap")
    return next((place for place in places if os.access(place, os.X_OK)), "")


@cache
def _why_not(program: str) -> str:
    """Try it: containers and kernels may forbid namespaces."""
    command = [program, *_NAMESPACES, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return ""
    return done.stderr.strip().removeprefix("bwrap: ") or f"bwrap ended with exit code {done.returncode}"
