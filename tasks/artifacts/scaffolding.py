"""The benchmark that an item is compared by."""

from typing import Literal

from pydantic import Field

from ..storage.artifact import Artifact, Record


class DataFile(Record):
    """A file of data that prprep wrote beside a benchmark: the file's path relative to the manifest's folder, and hashes as there."""

    source: str
    sha256: str
    written: str


class Scaffolding(Artifact):
    """The benchmark: where it stands in the project, and which file to take it from."""

    SCHEMA = 1
    STAGE = "scaffold"

    item: str
    path: str
    """Where the benchmark stands in either tree."""
    origin: Literal["base", "head", "worktree", "generated", "edited"]
    """Who holds the bytes: a commit, the user's work tree, or a file below the output folder."""
    source: str
    """That commit, or the file's path relative to the manifest's folder."""
    sha256: str
    made_from: Literal["existing", "manifest", "recorded", "signature", "gap"]
    needs: str = ""
    """What a person has to do before it can run, with path and line; empty where nothing is missing."""
    written: str = ""
    """SHA-256 of the text that prprep wrote, from which a person may have edited on."""
    data: dict[str, DataFile] = Field(default_factory=dict)
    """Files that the benchmark reads and that no commit holds, by their paths in either tree."""
    notes: tuple[str, ...] = ()
    """What a person should know about the choice of the benchmark, one sentence each."""
