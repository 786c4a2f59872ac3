"""What goes on around an optimization: pull requests, what upstream has done since, and what follows from it."""

from typing import Literal

from ..storage.artifact import Artifact, Record
from .detection import Commit


class PullRequest(Record):
    """A pull request of the target repository that may be about the same.

    `touches` is the nearest thing that it has in common with the optimization; `functions` are those of the optimization,
    like `pagelayout.tables:Table.rows`, whose lines it changes.
    """

    number: int
    title: str
    state: Literal["open", "draft", "merged", "closed"]
    url: str
    branch: str
    author: str = ""
    touches: Literal["branch", "function", "file", "words"]
    functions: tuple[str, ...] = ()
    same_commit: bool = False
    """Whether it holds the optimization's last commit."""


class Drift(Record):
    """A function of the optimization that upstream has changed or removed since the merge base, and the commits that did."""

    function: str
    change: Literal["changed", "removed"]
    commits: tuple[Commit, ...]


class Decision(Record):
    """What becomes of the optimization: a pull request of its own, a part of another (`into`: `#12`, or an item's id), or none."""

    kind: Literal["new", "fold", "skip"]
    into: str = ""
    reason: str


class Survey(Artifact):
    """The answers of the forge and of git, for one optimization.

    `unknown` says why the forge did not answer, "" where it did; `answered` is the hash of what it said, or of why it did not, and
    `older` whether that is an answer that it gave earlier; `contained` are commits whose patch upstream already has,
    `conflicts` the files in which the optimization and upstream's newest commit cannot be merged.
    """

    SCHEMA = 1
    STAGE = "survey"

    item: str
    slug: str | None
    host: str | None = None
    answered: str = ""
    older: bool = False
    upstream_ref: str = ""
    default_branch: str | None = None
    pull_requests: tuple[PullRequest, ...] = ()
    unknown: str = ""
    drift: tuple[Drift, ...] = ()
    contained: tuple[Commit, ...] = ()
    conflicts: tuple[str, ...] = ()
    decision: Decision
    notes: tuple[str, ...] = ()
