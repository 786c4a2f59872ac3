"""The bullets and the text of a body, and why an item failed."""

from ..storage.artifact import Artifact


class Bullets(Artifact):
    """What the user's `summarize:` command wrote; `objections` say why it is not used, one line each."""

    SCHEMA = 1
    STAGE = "summarize"

    item: str
    command: str
    bullets: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()

    @property
    def are_used(self) -> bool:
        return bool(self.bullets) and not self.objections


class Rendering(Artifact):
    SCHEMA = 2
    STAGE = "render"

    item: str
    body: str
    """Path of the body relative to the manifest's folder."""
    sha256: str
    template: str
    needs_review: tuple[str, ...] = ()
    comparison: str = ""
    """Digest of the comparison in the body."""
    headline: str = ""
    """That comparison's headline."""
    skeleton: str = ""
    """Path of the project's pull-request template around the body, "" without one."""
    todos: tuple[str, ...] = ()
    """What only a person can do before the pull request is opened."""
    left_out: tuple[str, ...] = ()
    """What commits claim and the evidence does not show, one sentence each with the reason."""


class Failure(Artifact):
    """Why an item is blocked: the stage that failed and its one message, with the place and the hint in it."""

    SCHEMA = 1

    item: str
    stage: str
    message: str
    kind: str = ""
    """The name of the error, such as `UnreachedError`."""
    where: str = ""
    hint: str = ""


class Stamp(Artifact):
    """The fingerprint of a product that is no artifact."""


class Table(Artifact):
    """The report's table as a terminal shows it."""

    text: str
    made_from: str
    report: str = ""
    """The SHA-256 of report.md as prprep wrote it."""
    page: str = ""
    """The SHA-256 of report.html as prprep wrote it, "" if it did not."""
    page_made_from: str = ""
