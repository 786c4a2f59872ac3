"""The branch of a pull request, the findings of its audit, and the opened pull request."""

from typing import Literal

from ..storage.artifact import Artifact, Record
from .comparison import Verdict


class MadeCommit(Record):
    """A commit of the branch: already on upstream's tip, picked from `source`, or prprep's own."""

    sha: str
    title: str
    author: str
    made: Literal["kept", "picked", "own"]
    source: str = ""


class AuditFinding(Record):
    """Something that does not belong in the branch; `prprep open` refuses a branch with a fatal finding."""

    about: Literal[
        "scratch", "size", "binary", "co-author", "title", "sign-off", "unrelated", "whitespace", "format", "lint"
    ]
    text: str
    fatal: bool = False


class Branching(Artifact):
    """The branch; `base`, to which it is compared, is upstream's newest commit or the merge base with it.

    `added` are the files of prprep's own commit, `not_run` the project's checks that could not run here. `comparison`
    is the digest of the branch's own comparison, "" if it was not measured.
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
    """The pushed branch and the pull request; `number` and `url` are empty until it exists."""

    SCHEMA = 1

    item: str
    remote: str
    branch: str
    head: str
    number: int | None = None
    url: str = ""
    own: bool = True
    """Whether prprep opened it; False if it existed before."""
