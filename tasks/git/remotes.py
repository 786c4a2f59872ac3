"""The remotes of the user's repository and their branches."""

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs
from .addresses import host_of, local_path, slug_of, without_password
from .commands import NETWORK_SECONDS, environment, is_sha
from .repository import locate


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote: name ("" for a bare address), the configured address, and the one that git would push to."""

    name: str
    address: str
    resolved: str

    @property
    def slug(self) -> str | None:
        return slug_of(self.address)

    @property
    def owner(self) -> str:
        return (self.slug or "").partition("/")[0]

    @property
    def host(self) -> str:
        """The host, with the port of an https address; "" for a folder."""
        return host_of(self.address) or ""

    def __str__(self) -> str:
        address = without_password(self.address)
        return f"{self.name} ({address})" if self.name else address


def remotes(repository: Path) -> dict[str, Remote]:
    """Return the remotes by name, `origin` first; `pushurl` wins over `url`, and `pushInsteadOf` applies."""
    config = _config(repository, r"^remote\..*\.(push)?url$")
    names = dict.fromkeys(key.removeprefix("remote.").rpartition(".")[0] for key in config)
    by_name = {}
    for name in sorted(names, key=lambda name: (name != "origin", name)):
        address = config.get(f"remote.{name}.pushurl") or config.get(f"remote.{name}.url") or ""
        by_name[name] = Remote(name, address, _output(repository, "remote", "get-url", "--push", name) or address)
    return by_name


def push_default(repository: Path) -> str:
    """Return the configured remote to push to, "" if there is none."""
    return _config(repository, r"^remote\.pushdefault$").get("remote.pushdefault", "")


def is_branch_name(name: str) -> bool:
    """Return whether git accepts a name for a branch; names that it would expand, such as @{-1}, are none."""
    command = ["git", "check-ref-format", "--branch", name]
    finished = programs.run(command, cwd=Path("/"), env=environment(), timeout=60, check=False)
    return finished.code == 0 and finished.output.rstrip("\n") == name and not name.startswith("-")


def branch_head(address: str, branch: str, *, folder: Path) -> str | None:
    """Return the commit of a remote branch, None if it does not exist; raise RepositoryError if the remote fails."""
    command = ["git", "ls-remote", "--", address, f"refs/heads/{branch}"]
    try:
        output = programs.run(command, cwd=folder, env=remote_environment(address), timeout=NETWORK_SECONDS).output
    except CommandFailedError as error:
        raise remote_error(error, address, "does not list its branches") from None
    # The name is a pattern to git.
    heads = (line.partition("\t") for line in output.splitlines())
    return next((sha for sha, _, ref in heads if ref == f"refs/heads/{branch}" and is_sha(sha)), None)


def remote_environment(address: str) -> dict[str, str]:
    """Return git's environment for a remote, with the user's credentials; folders are allowed only as `address`."""
    env = environment(network=True)
    return env | ({"GIT_ALLOW_PROTOCOL": f"{env['GIT_ALLOW_PROTOCOL']}:file"} if local_path(address) else {})


def remote_error(error: CommandFailedError, address: str, what: str) -> RepositoryError:
    message = without_password(error.error.strip() or error.what)
    hint = "git must reach it without a prompt: check your credential helper or SSH agent"
    return RepositoryError(f"{without_password(address)} {what}:\n{message}", hint=hint)


def _config(repository: Path, pattern: str) -> dict[str, str]:
    output = _output(repository, "config", "-z", "--get-regexp", pattern) or ""
    return {key: value for key, _, value in (entry.partition("\n") for entry in output.split("\0")) if key}


def _output(repository: Path, *arguments: str) -> str | None:
    """Run a command that uses the user's configuration but no network; None if it fails."""
    folder = locate(repository).folder
    env = environment(network=True) | {"GIT_OPTIONAL_LOCKS": "0", "GIT_DIR": os.fspath(folder)}
    finished = programs.run(["git", *arguments], cwd=folder, env=env, timeout=60, check=False)
    return finished.output.rstrip("\n") if finished.code == 0 else None
