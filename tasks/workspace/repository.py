"""A repository that items of a manifest are about: its address, its upstream, and the commits of its refs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import RepositoryError
from ..git.addresses import slug_of
from ..git.models import Refs
from ..git.repository import default_upstream, refs_stamp, remote_address, repository_root, resolve
from ..github.client import GitHubRepository, NotOnGitHub, github_repository
from ..processes.real_paths import expanded, real_path

if TYPE_CHECKING:
    from ..git import Clone

Settings = dict[str, Any]

_ADDRESS = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:|[\w.-]+::)", re.IGNORECASE)


class RepositoryKey(NamedTuple):
    repo: str
    upstream: str | None
    slug: str | None

    @classmethod
    def of(cls, settings: Settings, top: Settings) -> RepositoryKey:
        """Read an item's settings; the top level's `upstream` and `slug` apply to the top level's `repo` only."""
        own = settings.get("repo")
        if own is None or own == top["repo"]:
            return cls(top["repo"], settings.get("upstream") or top["upstream"], settings.get("slug") or top["slug"])
        return cls(own, settings.get("upstream"), settings.get("slug"))


class Repository:
    """A repository; a relative path is below `folder`."""

    def __init__(self, key: RepositoryKey, *, folder: Path, cache: Path) -> None:
        self.key = key
        self._folder, self.cache = folder, cache

    @cached_property
    def address(self) -> str:
        """The repository as git gets it: an absolute path, or the manifest's address."""
        if _ADDRESS.match(self.key.repo):
            return self.key.repo
        return str(real_path(self._folder / expanded(self.key.repo)))

    @property
    def local(self) -> Path | None:
        """The user's own repository, if the manifest names a folder."""
        return None if _ADDRESS.match(self.key.repo) else Path(self.address)

    @cached_property
    def worktree(self) -> Path | None:
        """The top folder of the user's work tree; None for a bare repository or an address."""
        return repository_root(self.local) if self.local else None

    @cached_property
    def remote(self) -> str | None:
        """The address of the project that pull requests go to, or the manifest's."""
        return remote_address(self.local, self.key.upstream or "") if self.local else self.address

    @property
    def slug(self) -> str | None:
        """The repository's owner/name: the manifest's, else from its remote or address."""
        return self.key.slug or slug_of(self.remote or "")

    @cached_property
    def github(self) -> GitHubRepository | NotOnGitHub:
        """Where its pull requests go, or why that is unknown."""
        return github_repository(self.remote, self.key.slug)

    @property
    def project(self) -> str | None:
        """A name of the project that does not depend on where it is on this machine."""
        return self.key.slug or (slug_of(self.remote or "") if self.local else self.address)

    def clone(self, wanted: set[str]) -> Clone:
        from ..git import Clone

        return Clone.open(self.address, self.cache, wanted=sorted(wanted))

    def stamp(self) -> list[list[object]] | None:
        """Return time stamps that change whenever a ref does; None if that needs git."""
        return refs_stamp(self.local) if self.local else None

    def resolve(self, names: set[str]) -> dict[str, str | None]:
        """Resolve refs to commits, in one git process if the repository is local; None for what does not resolve."""
        if self.local:
            return resolve(self.local, sorted(names))
        with self.clone(names) as clone:
            return clone.resolve(sorted(names))

    def upstream(self) -> str:
        """Return the ref that pull requests are against; raise RepositoryError if there is none."""
        if self.key.upstream:
            return self.key.upstream
        if self.local:
            upstream = default_upstream(self.local)
        else:
            with self.clone(set()) as clone:
                upstream = default_upstream(clone.path)
        if upstream is None:
            what = "no upstream branch was found (tried the HEAD of the project's remote, main, master)"
            raise RepositoryError(what, where=self.address, hint="name it: `upstream: BRANCH` in the manifest")
        return upstream

    def refs_of(self, settings: Settings, commits: Mapping[str, str | None], upstream: tuple[str, str]) -> Refs:
        """Return an item's refs, given the commits of all refs; `upstream` is its name and commit."""
        return Refs(
            address=self.address,
            repository=self.local,
            slug=self.slug,
            upstream_ref=upstream[0],
            upstream=upstream[1],
            base=commits.get(settings["base"] or ""),
            head=commits.get(settings["head"] or ""),
            picks=tuple(sha for sha in map(commits.get, settings["commits"]) if sha),
        )
