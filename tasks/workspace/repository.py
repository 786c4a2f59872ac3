"""One repository that items of a manifest are about: where it lies, its upstream, and what names in it stand for now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import RepositoryError
from ..git.addresses import slug_of
from ..git.models import Refs
from ..git.repository import default_upstream, refs_stamp, remote_address, repository_root, resolve
from ..github.client import GitHubRepository, NotOnGitHub, github_repository

if TYPE_CHECKING:
    from ..git import Clone
    from .plan import Settings

_ADDRESS = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:|[\w.-]+::)", re.IGNORECASE)


class RepositoryKey(NamedTuple):
    """What the manifest says of a repository: `repo`, and, where it is said, `upstream` and `slug`."""

    repo: str
    upstream: str | None
    slug: str | None

    @classmethod
    def of(cls, settings: Settings, top: Settings) -> RepositoryKey:
        """Read what an item says; the top level's `upstream` and `slug` belong to its own `repo` alone."""
        own = settings.get("repo")
        if own is None or own == top["repo"]:
            return cls(top["repo"], settings.get("upstream") or top["upstream"], settings.get("slug") or top["slug"])
        return cls(own, settings.get("upstream"), settings.get("slug"))


class Repository:
    """A repository at work, below `folder` where its path is relative."""

    def __init__(self, key: RepositoryKey, *, folder: Path, cache: Path) -> None:
        self.key = key
        self._folder, self._cache = folder, cache

    @cached_property
    def address(self) -> str:
        """The repository as git is told it: an absolute path, or the address that the manifest gives."""
        if _ADDRESS.match(self.key.repo):
            return self.key.repo
        return str((self._folder / Path(self.key.repo).expanduser()).resolve())

    @property
    def local(self) -> Path | None:
        """The user's own repository, where the manifest names a folder of this machine."""
        return None if _ADDRESS.match(self.key.repo) else Path(self.address)

    @cached_property
    def worktree(self) -> Path | None:
        """The top folder of the user's work tree; None for a bare repository or an address."""
        return repository_root(self.local) if self.local else None

    @cached_property
    def remote(self) -> str | None:
        """The address that the repository was cloned from, or the one that the manifest gives."""
        return remote_address(self.local, self.key.upstream or "") if self.local else self.address

    @property
    def slug(self) -> str | None:
        """The repository's owner/name on its forge: as the manifest has it, else from its remote or its address."""
        return self.key.slug or slug_of(self.remote or "")

    @cached_property
    def place(self) -> GitHubRepository | NotOnGitHub:
        """Where its pull requests go, or why that is not known."""
        return github_repository(self.remote, self.key.slug)

    @property
    def project(self) -> str | None:
        """Name the project the same wherever it lies on this machine."""
        return self.key.slug or (slug_of(self.remote or "") if self.local else self.address)

    def clone(self, wanted: set[str]) -> Clone:
        from ..git import Clone

        return Clone.open(self.address, self._cache, wanted=sorted(wanted))

    def stamp(self) -> list[list[object]] | None:
        """Return what changes whenever a ref does, None where that takes git."""
        return refs_stamp(self.local) if self.local else None

    def resolve(self, names: set[str]) -> dict[str, str | None]:
        """Resolve names to commits, in one git process where the repository is on this machine."""
        if self.local:
            return resolve(self.local, sorted(names))
        with self.clone(names) as clone:
            return clone.resolve(sorted(names))

    def upstream(self) -> str:
        """Name the ref that pull requests are against; raise RepositoryError where none can be found."""
        if self.key.upstream:
            return self.key.upstream
        if self.local:
            found = default_upstream(self.local)
        else:
            with self.clone(set()) as clone:
                found = default_upstream(clone.path)
        if found is None:
            raise RepositoryError(
                "no branch that pull requests could be against was found (origin's HEAD, main, master)",
                where=self.address,
                hint="name it: `upstream: BRANCH` in the manifest",
            )
        return found

    def refs_of(self, settings: Settings, found: Mapping[str, str | None], upstream: tuple[str, str]) -> Refs:
        """Return an item's refs from what names stand for; `upstream` is its name and commit."""
        return Refs(
            address=self.address,
            repository=self.local,
            slug=self.slug,
            upstream_ref=upstream[0],
            upstream=upstream[1],
            base=found.get(settings["base"] or ""),
            head=found.get(settings["head"] or ""),
            picks=tuple(sha for sha in map(found.get, settings["commits"]) if sha),
        )
