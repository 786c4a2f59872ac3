"""Run git without the user's configuration, hooks and environment."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs

OLDEST: Final = (2, 34)
"""The first version with cherry-picks by the ort strategy, GIT_CONFIG_COUNT and sparse work trees without any file."""

_SHA256_DIGITS: Final = 64

NETWORK_SECONDS: Final = 3600.0
LOCAL_SECONDS: Final = 1800.0

CLOSED: Final = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.quotePath": "false",
    "core.untrackedCache": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "safe.directory": "*",
    "protocol.ext.allow": "never",
    # Received objects stay a pack: unpacking would change the times of equal objects in borrowed stores.
    "transfer.unpackLimit": "1",
}

QUIET: Final = {key: CLOSED[key] for key in ("gc.auto", "maintenance.auto", "core.hooksPath", "core.fsmonitor")}
"""Settings for repositories in which the project's own tools, or a reader, run git."""


def environment(*, network: bool = False) -> dict[str, str]:
    """Return git's environment: no GIT_* variables, no system or user configuration, no prompts, no protocols.

    With `network`, the user's configuration applies (credential helpers, insteadOf, proxies) except for hooks and
    fsmonitor, and a stalled connection times out.
    """
    removed = ("GIT_", "LC_", "LANGUAGE", "SSH_ASKPASS")
    env = {name: value for name, value in os.environ.items() if not name.startswith(removed)}
    env |= {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    if not network:
        # No protocol at all: a partial clone must not fetch missing objects during a query.
        return env | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
            **config_variables(CLOSED),
        }
    passed = ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")
    env |= {name: os.environ[name] for name in passed if name in os.environ}
    ssh = env.get("GIT_SSH", "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=30")
    env.setdefault("GIT_SSH_COMMAND", ssh)
    settings = {"http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60"}
    settings |= {key: CLOSED[key] for key in CLOSED if key not in ("core.attributesFile", "core.excludesFile")}
    return env | {"GIT_ALLOW_PROTOCOL": "https:http:ssh:git", "GCM_INTERACTIVE": "never", **config_variables(settings)}


def config_variables(settings: Mapping[str, str]) -> dict[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


@cache
def require_version() -> None:
    output = programs.run(["git", "--version"], cwd=Path("/"), env=environment(), timeout=60).output
    match = re.search(r"(\d+)\.(\d+)", output)
    if match and (int(match[1]), int(match[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise RepositoryError(f"git is too old ({output.strip()})", hint=f"install git {oldest} or newer")


def run_git(
    git_folder: Path, arguments: Sequence[str | Path], *, stdin: bytes = b"", extra: Mapping[str, str] | None = None
) -> bytes:
    """Run a git command on the repository at `git_folder` and return its output; raise CommandFailedError."""
    command, env = ["git", f"--git-dir={git_folder}", *arguments], environment() | dict(extra or {})
    return programs.run(command, cwd=git_folder, env=env, timeout=LOCAL_SECONDS, stdin=stdin, limit=None).raw


def run_git_in(
    folder: Path, *arguments: str | Path, extra: Mapping[str, str] | None = None, check: bool = True
) -> programs.CompletedProgram:
    """Run a git command in a folder; raise CommandFailedError, with `check` for an exit code too."""
    env = environment() | dict(extra or {})
    return programs.run(["git", *arguments], cwd=folder, env=env, timeout=LOCAL_SECONDS, check=check)


def first_line(git_folder: Path, arguments: Sequence[str]) -> str | None:
    """Return the first line of a command's output, None if it fails or prints nothing."""
    finished = run_git_in(git_folder, f"--git-dir={git_folder}", *arguments, check=False)
    return finished.output.partition("\n")[0] or None if finished.code == 0 else None


def resolve_refs(git_folder: Path, refs: Sequence[str]) -> dict[str, str | None]:
    """Resolve refs to commits in one process; None for a ref that is missing, ambiguous or not a commit.

    By git's rules, with `origin/x` as a fallback for `x`.
    """
    valid = [ref for ref in dict.fromkeys(refs) if _is_valid(ref)]
    forms = [form for ref in valid for form in (ref, f"refs/remotes/origin/{ref}")]
    commits = _peel(git_folder, forms)
    resolved = {ref: commits[2 * index] or commits[2 * index + 1] for index, ref in enumerate(valid)}
    return {ref: resolved.get(ref) for ref in refs}


def _peel(git_folder: Path, forms: list[str]) -> list[str | None]:
    """Return the commit of each form; a partial clone fails at a missing object, which bisection isolates."""
    if not forms:
        return []
    lines = b"".join(os.fsencode(form) + b"^{commit}\n" for form in forms)
    try:
        output = run_git(git_folder, ["cat-file", "--batch-check=%(objectname) %(objecttype)"], stdin=lines)
    except CommandFailedError as error:
        if "promisor" not in error.error:
            what = f"git could not read this repository: {error.error.strip() or error.what}"
            raise RepositoryError(what, where=str(git_folder), hint="check that `git log` works in it") from None
        half = len(forms) // 2
        return [*_peel(git_folder, forms[:half]), *_peel(git_folder, forms[half:])] if half else [None]
    parts = [line.decode("ascii", "replace").split(" ") for line in output.split(b"\n")[: len(forms)]]
    if any(len(part) == 2 and part[1] == "commit" and len(part[0]) == _SHA256_DIGITS for part in parts):
        raise sha256_error(git_folder)
    return [part[0] if len(part) == 2 and part[1] == "commit" and is_sha(part[0]) else None for part in parts]


def sha256_error(repository: Path) -> RepositoryError:
    what = "repositories with SHA-256 object names are not supported, as on GitHub"
    hint = "convert it: `git init NEW`, then `git fast-export --all | git -C NEW fast-import`"
    return RepositoryError(what, where=str(repository), hint=hint)


def _is_valid(ref: str) -> bool:
    return bool(ref) and ref == ref.strip() and not ref.startswith(("-", "^", ":")) and not set("\n\r\0") & set(ref)


def is_sha(text: str) -> bool:
    return len(text) == 40 and all(character in "0123456789abcdef" for character in text)


def list_refs(git_folder: Path, *options: str) -> dict[bytes, str]:
    """Return the object of every ref, without broken refs."""
    lines = run_git(git_folder, ["for-each-ref", "--format=%(refname)%00%(objectname)", *options]).split(b"\n")
    return {name: sha.decode("ascii") for name, _, sha in (line.partition(b"\0") for line in lines if line)}


def replace_refs(git_folder: Path, gone: Iterable[bytes], changed: Mapping[bytes, str]) -> None:
    """Delete refs, then set others, in a transaction of its own each: `a/b` may replace `a`."""
    deletions = b"".join(b"delete %s\0\0" % name for name in sorted(gone))
    updates = b"".join(b"update %s\0%s\0\0" % (name, sha.encode()) for name, sha in changed.items())
    for lines in filter(None, (deletions, updates)):
        run_git(git_folder, ["update-ref", "--no-deref", "-z", "--stdin"], stdin=lines)
