"""Find out by git alone what upstream has done since an optimization was made: its functions, its patches, its conflicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ...artifacts import Drift
from ...errors import CommandFailedError, SourceError
from ...git import history, objects, patch_ids
from ...project.code.definitions import MODULE, definitions

if TYPE_CHECKING:
    from ...artifacts import ChangedFunction, Commit, Detection
    from ...git import Clone

_MOST_COMMITS: Final = 200
_MERGES_SINCE: Final = "2.38"


@dataclass(frozen=True, slots=True)
class Upstream:
    """What upstream has done since its merge base with head.

    `contained` are the optimization's commits that it has, `as_commits` those in which it has them; `arrived` says that every
    function is there as head has it, whatever the patches look like.
    """

    since: str | None
    drift: tuple[Drift, ...] = ()
    contained: tuple[Commit, ...] = ()
    as_commits: tuple[Commit, ...] = ()
    arrived: bool = False
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def upstream_since(detection: Detection, clone: Clone) -> Upstream:
    """Hold an optimization against upstream's newest commit."""
    since = clone.merge_base(detection.upstream, detection.head)
    if since is None:
        return Upstream(
            None,
            notes=(f"{detection.upstream_ref} and head have no common history: what upstream changed is not known.",),
        )
    if since == detection.head:
        return Upstream(since, contained=detection.commits, as_commits=detection.commits)
    if since == detection.upstream:
        return Upstream(since)
    contained, as_commits = _contained(detection, clone, since)
    drift, arrived, notes = _Functions(detection, clone, since).held()
    in_conflict, more = _conflicts(detection, clone, since)
    return Upstream(since, drift, contained, as_commits, arrived, in_conflict, (*notes, *more))


def is_whole(upstream: Upstream, detection: Detection) -> bool:
    """Return whether upstream has all of the optimization's commits that change something."""
    return bool(upstream.contained) and len(upstream.contained) == len(detection.commits)


# -- patches ----------------------------------------------------------------------------------------


def _contained(detection: Detection, clone: Clone, since: str) -> tuple[tuple[Commit, ...], tuple[Commit, ...]]:
    """Find the optimization's patches in upstream, one by one or all of them in one commit."""
    theirs = patch_ids.patches_since(clone.path, since, detection.upstream, detection.files)
    if not theirs:
        return (), ()
    if squashed := theirs.get(patch_ids.patch_id_between(clone.path, detection.base, detection.head) or ""):
        return detection.commits, (clone.commit(squashed),)
    own = patch_ids.patch_ids(clone.path, [commit.sha for commit in detection.commits])
    found = {commit: theirs[own[commit.sha]] for commit in detection.commits if own.get(commit.sha) in theirs}
    # Merges have no patch of their own.
    every = len(found) == len(own)
    return detection.commits if every else tuple(found), tuple(map(clone.commit, dict.fromkeys(found.values())))


def _conflicts(detection: Detection, clone: Clone, since: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        return patch_ids.conflicts(clone.path, since, detection.upstream, detection.head), ()
    except CommandFailedError:
        return (), (
            f"Whether it can be merged into {detection.upstream_ref} is not known: that takes git {_MERGES_SINCE} or newer.",
        )


# -- functions --------------------------------------------------------------------------------------


class _Functions:
    """The optimization's functions at the merge base, at upstream's newest commit, and in the commits between."""

    def __init__(self, detection: Detection, clone: Clone, since: str) -> None:
        self._detection, self._clone, self._since = detection, clone, since
        self._read: dict[tuple[str, str], bytes] = {}
        self._renamed: Mapping[str, str | None] = {
            change.base_path: change.head_path
            for change in clone.changes(since, detection.upstream)
            if change.base_path
        }

    def held(self) -> tuple[tuple[Drift, ...], bool, tuple[str, ...]]:
        """Return the drift, whether all functions are upstream as they are at head, and what could not be read."""
        functions = _counting(self._detection.functions)
        tip, head = self._detection.upstream, self._detection.head
        places = [
            place
            for each in functions
            for place in ((self._since, _at_base(each)[0]), (tip, self._now(each)), (head, each.path))
        ]
        self._load(places)
        drift, arrived, notes = [], bool(functions), []
        for function in functions:
            try:
                before, now, ours = (
                    self._code(self._since, *_at_base(function)),
                    self._upstream_code(function),
                    self._head_code(function),
                )
            except SourceError as error:
                notes.append(f"{error.where}: {error.what}; whether upstream changed {function.target} is not known.")
                arrived = False
                continue
            arrived = arrived and now == ours
            if now not in (before, ours):
                drift.append(
                    Drift(
                        function=function.target,
                        change="changed" if now else "removed",
                        commits=self._changed_by(function),
                    )
                )
        return tuple(drift), arrived, tuple(notes)

    def _now(self, function: ChangedFunction) -> str:
        """Return the path where a function's file is at upstream's newest commit, or was."""
        path = _at_base(function)[0]
        return self._renamed.get(path) or path

    def _upstream_code(self, function: ChangedFunction) -> str:
        """Read a function at upstream, under its name at base, else under the one it has at head."""
        tip, path = self._detection.upstream, self._now(function)
        return self._code(tip, path, _at_base(function)[1]) or self._code(tip, path, function.name)

    def _head_code(self, function: ChangedFunction) -> str:
        return "" if function.status == "removed" else self._code(self._detection.head, function.path, function.name)

    def _code(self, commit: str, path: str, name: str) -> str:
        source = self._read.get((commit, path))
        if source is None:
            return ""
        return "\n".join(each.code for each in definitions(source, path) if each.name == name)

    def _changed_by(self, function: ChangedFunction) -> tuple[Commit, ...]:
        """Find the commits of upstream in which a function's code changed."""
        (path, name), now = _at_base(function), self._now(function)
        listed: list[str] = []
        for each in dict.fromkeys((path, now)):
            listed += history.commits_of(self._clone.path, self._since, self._detection.upstream, each)
        listed = list(dict.fromkeys(listed))[-_MOST_COMMITS:]
        parents = self._clone.resolve([f"{commit}^1" for commit in listed])
        pairs = [(commit, parents[f"{commit}^1"] or "") for commit in listed]
        self._load([(side, each) for pair in pairs for side in pair if side for each in (path, now)])
        return tuple(
            self._clone.commit(commit) for commit, parent in pairs if self._differs(commit, parent, (path, now), name)
        )

    def _differs(self, commit: str, parent: str, paths: tuple[str, str], name: str) -> bool:
        try:
            before, after = ({self._code(side, path, name) for path in paths} - {""} for side in (parent, commit))
        except SourceError:
            return False
        return before != after

    def _load(self, places: Iterable[tuple[str, str]]) -> None:
        missing = [place for place in places if place not in self._read]
        self._read |= objects.read_files(self._clone.path, missing)


def _counting(functions: tuple[ChangedFunction, ...]) -> tuple[ChangedFunction, ...]:
    """Leave a file's own code out where something else changed too: imports at its top come and go."""
    named = tuple(each for each in functions if each.name != MODULE)
    return named or functions


def _at_base(function: ChangedFunction) -> tuple[str, str]:
    return function.base_path or function.path, function.base_name or function.name
