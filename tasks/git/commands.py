"""Run git so that nothing of the user's configuration, hooks or environment takes part."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from ..errors import CommandFailedError, RepositoryError
from ..processes import programs

OLDEST: Final = (2, 34)
"""The first with cherry-picks by the ort strategy, GIT_CONFIG_COUNT and sparse work trees without a single file."""

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
    # Objects from elsewhere stay a pack: unpacking would touch the times of equal objects in borrowed stores.
    "transfer.unpackLimit": "1",
}


def environment(*, network: bool = False) -> dict[str, str]:
    """Return git's environment: GIT_* removed, no system or user configuration, no prompts, no protocols.

    With `network` the user's own configuration stays in force (credential helpers, insteadOf, proxies
    stand there), hooks and fsmonitor off all the same, and a stalled connection ends by itself.
    """
    dropped = ("GIT_", "LC_", "LANGUAGE", "SSH_ASKPASS")
    own = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    own |= {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    if not network:
        # No protocol at all: a partial clone must not fetch what it lacks while it is only asked something.
        closed = {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
        }
        return own | closed | _configured(CLOSED)
    own |= {
        key: os.environ[key]
        for key in ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")
        if key in os.environ
    }
    own.setdefault(
        "GIT_SSH_COMMAND", own.get("GIT_SSH", "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=30")
    )
    open_settings = {
        key: value for key, value in CLOSED.items() if key not in ("core.attributesFile", "core.excludesFile")
    }
    limits = {"http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60"}
    return (
        own
        | {"GIT_ALLOW_PROTOCOL": "https:http:ssh:git", "GCM_INTERACTIVE": "never"}
        | _configured(open_settings | limits)
    )


def _configured(settings: dict[str, str]) -> dict[str, str]:
    pairs = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        pairs |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return pairs


@cache
def require_version() -> None:
    """Raise RepositoryError where git is too old for what is asked of it here."""
    told = programs.run(["git", "--version"], cwd=Path("/"), env=environment(), timeout=60).output
    found = re.search(r"(\d+)\.(\d+)", told)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise RepositoryError(f"git is too old ({told.strip()})", hint=f"install git {oldest} or newer")


def run_git(
    git_folder: Path, arguments: Sequence[str | Path], *, stdin: bytes = b"", extra: dict[str, str] | None = None
) -> bytes:
    """Run a git command on the repository at `git_folder` and give its output; raise CommandFailedError."""
    command = ["git", f"--git-dir={git_folder}", *arguments]
    return programs.run_bytes(
        command, cwd=git_folder, env=environment() | (extra or {}), timeout=LOCAL_SECONDS, stdin=stdin
    )


def first_line(git_folder: Path, arguments: Sequence[str]) -> str | None:
    """Return the first line of the output, None where the command says that there is no answer."""
    finished = programs.run(
        ["git", f"--git-dir={git_folder}", *arguments], cwd=git_folder, env=environment(), timeout=60, check=False
    )
    return finished.output.partition("\n")[0] or None if finished.code == 0 else None


def resolve_refs(git_folder: Path, refs: Sequence[str]) -> dict[str, str | None]:
    """Resolve refs to commits in one process; None where a ref does not exist, is ambiguous or is none.

    Git's own rules, and `origin/x` where `x` itself does not resolve.
    """
    askable = [ref for ref in dict.fromkeys(refs) if _askable(ref)]
    forms = [form for ref in askable for form in (ref, f"refs/remotes/origin/{ref}")]
    commits = _peeled(git_folder, forms)
    found = {ref: commits[2 * place] or commits[2 * place + 1] for place, ref in enumerate(askable)}
    return {ref: found.get(ref) for ref in refs}


def _peeled(git_folder: Path, forms: list[str]) -> list[str | None]:
    """Return the commit of each form; a partial clone gives up at an object that it lacks, so that is narrowed down to."""
    if not forms:
        return []
    questions = b"".join(os.fsencode(form) + b"^{commit}\n" for form in forms)
    try:
        answer = run_git(git_folder, ["cat-file", "--batch-check=%(objectname) %(objecttype)"], stdin=questions)
    except CommandFailedError as error:
        if "promisor" not in error.error:
            what = f"git could not read this repository: {error.error.strip() or error.what}"
            raise RepositoryError(what, where=str(git_folder), hint="`git log` in it must work") from None
        half = len(forms) // 2
        return [*_peeled(git_folder, forms[:half]), *_peeled(git_folder, forms[half:])] if half else [None]
    lines = [line.decode("ascii", "replace").split(" ") for line in answer.split(b"\n")[: len(forms)]]
    return [line[0] if len(line) == 2 and line[1] == "commit" and is_sha(line[0]) else None for line in lines]


def _askable(ref: str) -> bool:
    return (
        bool(ref)
        and not ref.startswith(("-", "^", ":"))
        and not any(character in ref for character in "\n\r\0")
        and ref == ref.strip()
    )


def is_sha(text: str) -> bool:
    """Return whether `text` is a full SHA-1."""
    return len(text) == 40 and all(character in "0123456789abcdef" for character in text)


def list_refs(git_folder: Path) -> dict[bytes, str]:
    """Return every ref with what it points to, broken ones left out."""
    lines = run_git(git_folder, ["for-each-ref", "--format=%(refname)%00%(objectname)"]).split(b"\n")
    return {name: sha.decode("ascii") for name, _, sha in (line.partition(b"\0") for line in lines if line)}
