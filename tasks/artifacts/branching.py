"""The branch that a pull request is made from, what was found in it, and what was opened."""

from typing import Literal

from ..storage.artifact import Artifact, Record
from .comparison import Verdict


class MadeCommit(Record):
    """A commit of the branch: one that stood on upstream's tip already, one that was put there (from `source`), or one of prprep's own."""

    sha: str
    title: str
    author: str
    made: Literal["kept", "picked", "own"]
    source: str = ""


class AuditFinding(Record):
    """Something in the branch that does not belong there; a pull request with a fatal one is not opened."""

    about: Literal[
        "scratch", "size", "binary", "co-author", "title", "sign-off", "unrelated", "whitespace", "format", "lint"
    ]
    text: str
    fatal: bool = False


class Branching(Artifact):
    """The branch: `base` is the commit that it is measured against, upstream's newest or the merge base with it.

    `added` are the files of prprep's own commit, `not_run` the checks of the project that could not be run here. `comparison`
    is the digest of the branch's own comparison, "" where it was not measured.
    """

    SCHEMA = 1
    STAGE = "branch"

    item: str
    title: str
    onto: str
    base: str
    head: str
    tree: str
    commits: tuple[MadeCommit, ...]
    added: tuple[str, ...] = ()
    benchmark: str = ""
    """Why the benchmark is in the branch, or is not."""
    changelog: str = ""
    findings: tuple[AuditFinding, ...] = ()
    not_run: tuple[str, ...] = ()
    todos: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    evidence: str = ""
    """The bundle's path, relative to the manifest's folder."""
    evidence_sha256: str = ""
    verdict: Verdict | None = None
    headline: str = ""
    comparison: str = ""

    @property
    def fatal(self) -> tuple[AuditFinding, ...]:
        return tuple(finding for finding in self.findings if finding.fatal)


class Opening(Artifact):
    """What was pushed, and the pull request: `number` and `url` are empty while it is not made."""

    SCHEMA = 1

    item: str
    remote: str
    branch: str
    head: str
    number: int | None = None
    url: str = ""
    own: bool = True
    """Whether prprep opened it; False where it was there before."""
