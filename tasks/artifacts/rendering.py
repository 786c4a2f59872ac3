"""The rendered body, and why an item failed."""

from ..storage.artifact import Artifact


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


class Failure(Artifact):
    """Why an item is blocked: the stage that failed and its one message."""

    SCHEMA = 1

    item: str
    stage: str
    message: str


class Stamp(Artifact):
    """The fingerprint of a product that is no artifact."""


class Table(Artifact):
    """The report's table as a terminal shows it."""

    text: str
    made_from: str
