"""Everything that a body shows: an item's artifacts, and the benchmark if no commit holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..artifacts import (
    SIDES,
    Bullets,
    CodeflashRun,
    Comparison,
    Detection,
    Injection,
    ProjectTests,
    Scaffolding,
    Survey,
    Verification,
)
from ..errors import MeasuringError
from ..manifest.model import Optimization
from ..storage.artifact import ArtifactReader
from ..storage.hashing import read_file, sha256

NO_CODEFLASH = CodeflashRun(item="")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a body shows.

    `benchmark` is the benchmark's text if no commit holds it, `data` its data files by their paths in the project,
    `generated` the answer of the `summarize:` command. `survey` is None while only one section is filled.
    """

    item: Optimization
    detection: Detection
    scaffolding: Scaffolding
    injection: Injection
    comparison: Comparison
    survey: Survey | None
    benchmark: str = ""
    data: Mapping[str, bytes] = field(default_factory=dict)
    codeflash: CodeflashRun = NO_CODEFLASH
    tests: ProjectTests | None = None
    verification: Verification | None = None
    generated: Bullets | None = None

    @classmethod
    def compared(cls, item: Optimization, artifacts: ArtifactReader, folder: Path) -> "Evidence":
        """Read the artifacts up to `compare`, and the benchmark if no commit holds it; `folder` is the manifest's."""
        scaffolding = artifacts.read(Scaffolding)
        return cls(
            item=item,
            detection=artifacts.read(Detection),
            scaffolding=scaffolding,
            injection=artifacts.read(Injection),
            comparison=artifacts.read(Comparison),
            survey=None,
            codeflash=artifacts.read(CodeflashRun),
            benchmark=benchmark_to_save(scaffolding, folder).decode("utf-8", "replace"),
            data={path: _read(file.source, file.sha256, folder) for path, file in scaffolding.data.items()},
        )


def benchmark_to_save(scaffolding: Scaffolding, folder: Path) -> bytes:
    """Return the benchmark if no commit holds it, else no bytes; raise MeasuringError if it was edited meanwhile."""
    return b"" if scaffolding.origin in SIDES else _read(scaffolding.source, scaffolding.sha256, folder)


def _read(source: str, expected: str, folder: Path) -> bytes:
    try:
        content = read_file(folder / source)
    except OSError as error:
        what = f"cannot read the benchmark: {error.strerror}"
        raise MeasuringError(what, where=source, hint="run prprep again") from None
    if sha256(content) != expected:
        raise MeasuringError("the benchmark was edited meanwhile", where=source, hint="run prprep again")
    return content
