"""The benchmark of an item."""

from typing import Literal

from pydantic import Field

from ..manifest.model import Domain
from ..storage.artifact import Artifact, Record
from .detection import Detection


class DataFile(Record):
    """A data file that prprep wrote for a benchmark; `source` is relative to the manifest's folder."""

    source: str
    sha256: str
    written: str


class Scaffolding(Artifact):
    """The benchmark: its path in the project, and the source of its bytes."""

    SCHEMA = 1
    STAGE = "scaffold"

    item: str
    path: str
    """Path in both trees."""
    test: str = ""
    """The only test in it to measure, as pytest names it (`TestClass::test_name`), "" for all."""
    origin: Literal["base", "head", "worktree", "generated", "edited"]
    """Who holds the bytes: a commit, the user's work tree, or a file below the output folder."""
    source: str
    """That commit, or the file's path relative to the manifest's folder."""
    sha256: str
    made_from: Literal["existing", "manifest", "recorded", "test", "signature", "gap"]
    needs: str = ""
    """What a person has to do before it can run, with path and line; "" if nothing."""
    written: str = ""
    """SHA-256 of the text that prprep wrote, which a person may have edited since."""
    data: dict[str, DataFile] = Field(default_factory=dict)
    """Files that the benchmark reads and no commit holds, by their paths in both trees."""
    target: str = ""
    """The changed function that the written benchmark is about, "" for the one that detect proposes."""
    domains: tuple[Domain, ...] = ()
    """What the change is about by what the benchmark's code allocates on both sides; () for what detect proposes."""
    notes: tuple[str, ...] = ()
    """What a person should know about the choice of the benchmark, one sentence each."""


def claimed_domains(scaffolding: Scaffolding, detection: Detection) -> tuple[Domain, ...]:
    """Return what an item's claim is about: as the written benchmark shows, else as detect proposes."""
    return scaffolding.domains or detection.domain.domains


def optimized_function(scaffolding: Scaffolding, detection: Detection) -> str | None:
    """Return what an item is named after: the function that the written benchmark is about, else detect's choice."""
    return scaffolding.target or detection.target
