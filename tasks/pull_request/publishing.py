"""Push a branch and make or change a pull request: the one module of prprep that publishes anything, for `prprep open` alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import CommandFailedError, PrprepError
from ..git.commands import NETWORK_SECONDS
from ..git.remotes import remote_environment, remote_error
from ..processes import programs

GH_SECONDS: Final = 120.0
_LEFT_OUT: Final = ("GIT_", "GH_REPO", "GH_FORCE_TTY", "GH_DEBUG", "CLICOLOR_FORCE")


@dataclass(frozen=True, slots=True)
class Push:
    """A commit of the private clone, to become a remote's branch; `replaces` is the commit there that prprep itself pushed before."""

    clone: Path
    commit: str
    address: str
    branch: str
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What the pull request says: its title, and the file with its body."""

    title: str
    body: Path


@dataclass(frozen=True, slots=True)
class Forge:
    """gh, for one repository of one host."""

    host: str
    slug: str
    folder: Path

    def login(self) -> str:
        """Return the name that gh is logged in with."""
        return str(self._json("api", "user").get("login", ""))

    def view(self, number: int) -> dict[str, Any]:
        """Return a pull request's state, head and author."""
        fields = "number,state,url,headRefName,headRepositoryOwner,isCrossRepository,author"
        return dict(self._json("pr", "view", str(number), *self._named, "--json", fields))

    def open_for(self, branch: str, owner: str) -> dict[str, Any] | None:
        """Return the open pull request that is made from a branch; None where there is none."""
        fields = "number,url,headRefName,headRepositoryOwner"
        listed = self._json("pr", "list", *self._named, "--head", branch, "--state", "open", "--json", fields)
        owned = (
            each
            for each in listed
            if (each.get("headRepositoryOwner") or {}).get("login", owner).lower() == owner.lower()
        )
        return next(owned, None)

    def create(self, words: Words, *, head: str, base: str, draft: bool) -> str:
        """Open a pull request and give its address."""
        more = ["--draft"] if draft else []
        said = self._said("pr", "create", *self._named, "--head", head, "--base", base, *_spelled(words), *more)
        return next(iter(re.findall(r"https://\S+/pull/\d+", said)), said.strip())

    def edit(self, number: int, words: Words) -> None:
        """Return a pull request another title and body."""
        self._said("pr", "edit", str(number), *self._named, *_spelled(words))

    @property
    def _named(self) -> tuple[str, str]:
        return "--repo", f"{self.host}/{self.slug}"

    def _json(self, *arguments: str) -> Any:
        said = self._said(*arguments)
        try:
            return json.loads(said)
        except ValueError:
            raise PrprepError(
                f"{self.host} did not answer as GitHub does", hint="see whether you reach it: gh auth status"
            ) from None

    def _said(self, *arguments: str) -> str:
        own = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
        env = own | {"GH_HOST": self.host, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
        try:
            return programs.run(["gh", *arguments], cwd=self.folder, env=env, timeout=GH_SECONDS).output
        except CommandFailedError as error:
            said = error.error.strip() or error.what
            now = error.hint or f"see `gh auth status --hostname {self.host}`"
            raise PrprepError(f"gh {' '.join(arguments[:2])}: {said}", where=self.slug, hint=now) from None


def push(asked: Push) -> None:
    """Push the branch: never over commits that are not ours; raise RepositoryError where the remote does not take it."""
    ref = f"refs/heads/{asked.branch}"
    lease = [f"--force-with-lease={ref}:{asked.replaces}"] if asked.replaces else []
    command = ["git", f"--git-dir={asked.clone}", "push", "--porcelain", "--no-follow-tags", *lease]
    command += ["--", asked.address, f"{asked.commit}:{ref}"]
    try:
        programs.run(command, cwd=asked.clone, env=remote_environment(asked.address), timeout=NETWORK_SECONDS)
    except CommandFailedError as error:
        raise remote_error(error, asked.address, f"did not take the branch {asked.branch}") from None


def _spelled(words: Words) -> Sequence[str]:
    return "--title", words.title, "--body-file", str(words.body)
