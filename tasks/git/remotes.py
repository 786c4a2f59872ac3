"""The remotes of the user's repository, and what their branches are now."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs
from .addresses import local_path, slug_of, without_password
from .commands import NETWORK_SECONDS, environment, is_sha
from .repository import locate


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote: its name ("" for a bare address), the address as it is configured, and the one that git would push to."""

    name: str
    address: str
    resolved: str = ""

    @property
    def slug(self) -> str | None:
        return slug_of(self.address)

    @property
    def owner(self) -> str:
        return (self.slug or "").partition("/")[0]

    @property
    def host(self) -> str:
        """The host, with its port where it has one, of an https address; that of any other without it; "" for a folder."""
        if "://" in self.address:
            url = urlsplit(self.address)
            return (url.netloc.rpartition("@")[2] if url.scheme in {"http", "https"} else url.hostname) or ""
        found = re.fullmatch(r"(?:[^@/:\s]+@)?([^:/\s]+):.+", self.address)
        return found[1] if found else ""

    def __str__(self) -> str:
        shown = without_password(self.address)
        return f"{self.name} ({shown})" if self.name else shown


def remotes(repository: Path) -> dict[str, Remote]:
    """Return the remotes by their names, `origin` first; `pushurl` before `url`, and `pushInsteadOf` as git has it."""
    told = _config(repository, r"^remote\..*\.(push)?url$")
    names = dict.fromkeys(key.removeprefix("remote.").rpartition(".")[0] for key in told)
    found = {}
    for name in sorted(names, key=lambda name: (name != "origin", name)):
        address = told.get(f"remote.{name}.pushurl") or told.get(f"remote.{name}.url") or ""
        found[name] = Remote(name, address, _said(repository, "remote", "get-url", "--push", name) or address)
    return found


def push_default(repository: Path) -> str:
    """Return the remote that the user pushes to by their configuration, "" where it names none."""
    return _config(repository, r"^remote\.pushdefault$").get("remote.pushdefault", "")


def branch_head(address: str, branch: str, *, folder: Path) -> str | None:
    """Return the commit that a branch of a remote is now, None where there is none; raise RepositoryError where it cannot be asked."""
    command = ["git", "ls-remote", "--", address, f"refs/heads/{branch}"]
    try:
        told = programs.run(command, cwd=folder, env=remote_environment(address), timeout=NETWORK_SECONDS).output
    except CommandFailedError as error:
        raise remote_error(error, address, "cannot be asked for its branches") from None
    sha = told.split("\t", 1)[0].strip()
    return sha if is_sha(sha) else None


def remote_environment(address: str) -> dict[str, str]:
    """Return git's environment for speaking to a remote with the user's own credentials; folders only where it is one."""
    own = environment(network=True)
    return own | ({"GIT_ALLOW_PROTOCOL": f"{own['GIT_ALLOW_PROTOCOL']}:file"} if local_path(address) else {})


def remote_error(error: CommandFailedError, address: str, what: str) -> RepositoryError:
    """Tell in plain words what a remote said."""
    said = without_password(error.error.strip() or error.what)
    now = "git must get there without a prompt: see your credential helper or SSH agent"
    return RepositoryError(f"{without_password(address)} {what}:\n{said}", hint=now)


def _config(repository: Path, form: str) -> dict[str, str]:
    told = _said(repository, "config", "-z", "--get-regexp", form) or ""
    return {key: value for key, _, value in (entry.partition("\n") for entry in told.split("\0")) if key}


def _said(repository: Path, *arguments: str) -> str | None:
    """Ask a question that the user's own configuration has a part in, and that goes to no network."""
    folder = locate(repository).folder
    env = environment(network=True) | {"GIT_OPTIONAL_LOCKS": "0", "GIT_DIR": os.fspath(folder)}
    finished = programs.run(["git", *arguments], cwd=folder, env=env, timeout=60, check=False)
    return finished.output.rstrip("\n") if finished.code == 0 else None
