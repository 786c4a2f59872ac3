"""Pull requests and upstream changes that concern an optimization, and the decision that follows."""

from typing import Literal

from ..storage.artifact import Artifact, Record
from .detection import Commit


class PullRequest(Record):
    """A pull request of the project's repository that may be about the same.

    `touches` is the closest thing that it shares with the optimization; `functions` are the optimization's, like
    `pagelayout.tables:Table.rows`, whose lines it changes.
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
    """A function of the optimization that upstream changed or removed since the merge base, with the commits."""

    function: str
    change: Literal["changed", "removed"]
    commits: tuple[Commit, ...]


class Decision(Record):
    """Open a new pull request, fold into another (`into`: `#12`, or an item's id), or open none."""

    kind: Literal["new", "fold", "skip"]
    into: str = ""
    reason: str


class Survey(Artifact):
    """What GitHub and git say about one optimization.

    `unknown` says why GitHub did not answer, "" if it did; `answered` is the hash of its answer or of that reason,
    `older` whether a cached answer was used; `contained` are commits whose patch upstream already has, `conflicts`
    the files that do not merge with upstream's newest commit.
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
