"""What upstream changed since the merge base with head, found with git alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ...artifacts import ChangedFunction, Commit, Detection, Drift
from ...errors import CommandFailedError, SourceError
from ...git import Clone, history, objects, patch_ids
from ...project.code.definitions import MODULE, definitions

_MOST_COMMITS: Final = 200
_MERGES_SINCE: Final = "2.38"


@dataclass(frozen=True, slots=True)
class Upstream:
    """What upstream changed since its merge base with head."""

    since: str | None
    """The merge base."""
    drift: tuple[Drift, ...] = ()
    contained: tuple[Commit, ...] = ()
    """The optimization's commits whose patches upstream contains."""
    as_commits: tuple[Commit, ...] = ()
    """The commits of upstream that contain them."""
    arrived: bool = False
    """Whether every function is the same at upstream as at head, whatever the patches are."""
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def upstream_since(detection: Detection, clone: Clone) -> Upstream:
    """Compare an optimization with upstream's newest commit."""
    since = clone.merge_base(detection.upstream, detection.head)
    if since is None:
        history = "common history in this shallow clone" if clone.is_shallow else "common history"
        note = f"{detection.upstream_ref} and head have no {history}: what upstream changed is unknown."
        return Upstream(None, notes=(note,))
    if since == detection.head:
        return Upstream(since, contained=detection.commits, as_commits=detection.commits)
    if since == detection.upstream:
        return Upstream(since)
    contained, as_commits = _contained(detection, clone, since)
    drift, arrived, notes = _Functions(detection, clone, since).drift()
    try:
        conflicts = patch_ids.conflicts(clone.path, since, detection.upstream, detection.head)
    except CommandFailedError:
        conflicts, required = (), f"that takes git {_MERGES_SINCE} or newer"
        notes.append(f"Whether it can be merged into {detection.upstream_ref} is unknown: {required}.")
    return Upstream(since, tuple(drift), contained, as_commits, arrived, conflicts, tuple(notes))


def _contained(detection: Detection, clone: Clone, since: str) -> tuple[tuple[Commit, ...], tuple[Commit, ...]]:
    """Find the optimization's patches in upstream, one by one or squashed into one commit."""
    theirs = patch_ids.patches_since(clone.path, since, detection.upstream, detection.files)
    if not theirs:
        return (), ()
    if squashed := theirs.get(patch_ids.patch_id_between(clone.path, detection.base, detection.head) or ""):
        return detection.commits, (clone.commit(squashed),)
    own = patch_ids.patch_ids(clone.path, [commit.sha for commit in detection.commits])
    upstream_of = {commit: theirs[own[commit.sha]] for commit in detection.commits if own.get(commit.sha) in theirs}
    # Merges have no patch of their own.
    contained = detection.commits if len(upstream_of) == len(own) else tuple(upstream_of)
    return contained, tuple(map(clone.commit, dict.fromkeys(upstream_of.values())))


class _Functions:
    """The optimization's functions at the merge base, at upstream's newest commit, and in the commits between."""

    def __init__(self, detection: Detection, clone: Clone, since: str) -> None:
        self._detection, self._clone, self._since = detection, clone, since
        self._contents: dict[tuple[str, str], bytes] = {}
        self._renamed: Mapping[str, str | None] = {
            change.base_path: change.head_path
            for change in clone.changes(since, detection.upstream)
            if change.base_path
        }

    def drift(self) -> tuple[list[Drift], bool, list[str]]:
        """Return the drift, whether upstream has all functions as they are at head, and notes on unreadable files."""
        # Imports come and go, so a module's own code counts only if nothing else changed.
        named = [each for each in self._detection.functions if each.name != MODULE]
        functions = named or self._detection.functions
        bases = [each.at_base[0] for each in functions]
        self._load(
            [
                *((self._since, path) for path in bases),
                *((self._detection.upstream, self._path_at_upstream(path)) for path in bases),
                *((self._detection.head, each.path) for each in functions),
            ]
        )
        drift, arrived, notes = [], bool(functions), []
        for function in functions:
            try:
                before = self._code(self._since, *function.at_base)
                now = self._code_at_upstream(function)
                is_removed = function.status == "removed"
                ours = "" if is_removed else self._code(self._detection.head, function.path, function.name)
            except SourceError as error:
                notes.append(f"{error.where}: {error.what}; whether upstream changed {function.target} is unknown.")
                arrived = False
                continue
            arrived = arrived and now == ours
            if now not in (before, ours):
                commits = self._changed_by(function)
                drift.append(Drift(function=function.target, change="changed" if now else "removed", commits=commits))
        return drift, arrived, notes

    def _path_at_upstream(self, path: str) -> str:
        """Return the path of a file of the merge base at upstream's newest commit, the same if it is gone."""
        return self._renamed.get(path) or path

    def _code_at_upstream(self, function: ChangedFunction) -> str:
        """Read a function at upstream, by its name at base or else at head."""
        path, name = function.at_base
        commit, path = self._detection.upstream, self._path_at_upstream(path)
        return self._code(commit, path, name) or self._code(commit, path, function.name)

    def _code(self, commit: str, path: str, name: str) -> str:
        source = self._contents.get((commit, path))
        if source is None:
            return ""
        return "\n".join(each.code for each in definitions(source, path) if each.name == name)

    def _changed_by(self, function: ChangedFunction) -> tuple[Commit, ...]:
        """Return the commits of upstream in which a function's code changed."""
        path, name = function.at_base
        paths = tuple(dict.fromkeys((path, self._path_at_upstream(path))))
        logs = [history.commits_of(self._clone.path, self._since, self._detection.upstream, each) for each in paths]
        commits = list(dict.fromkeys(commit for log in logs for commit in log))[-_MOST_COMMITS:]
        parents = self._clone.resolve([f"{commit}^1" for commit in commits])
        pairs = [(commit, parents[f"{commit}^1"] or "") for commit in commits]
        self._load((side, each) for pair in pairs for side in pair if side for each in paths)
        return tuple(
            self._clone.commit(commit) for commit, parent in pairs if self._differs(commit, parent, paths, name)
        )

    def _differs(self, commit: str, parent: str, paths: tuple[str, ...], name: str) -> bool:
        try:
            before, after = ({self._code(side, path, name) for path in paths} - {""} for side in (parent, commit))
        except SourceError:
            return False
        return before != after

    def _load(self, files: Iterable[tuple[str, str]]) -> None:
        """Read files, each a commit and a path, in one process."""
        missing = [file for file in files if file not in self._contents]
        self._contents |= objects.read_files(self._clone.path, missing)
