"""Everything that a body shows: an item's artifacts, and the benchmark if no commit holds it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

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
from ..storage.paths import ItemPaths

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
    def compared(cls, item: Optimization, paths: ItemPaths) -> "Evidence":
        """Read the artifacts up to `compare`, and the benchmark if no commit holds it."""
        scaffolding = Scaffolding.read(paths.scaffold)
        return cls(
            item=item,
            detection=Detection.read(paths.detect),
            scaffolding=scaffolding,
            injection=Injection.read(paths.inject),
            comparison=Comparison.read(paths.compare),
            survey=None,
            codeflash=CodeflashRun.read(paths.codeflash),
            benchmark=benchmark_to_save(scaffolding, paths).decode("utf-8", "replace"),
            data=data_to_save(scaffolding, paths),
        )


def benchmark_to_save(scaffolding: Scaffolding, paths: ItemPaths) -> bytes:
    """Return the benchmark if no commit holds it, else no bytes; raise MeasuringError if it was edited meanwhile."""
    return b"" if scaffolding.origin in SIDES else _read(scaffolding.source, scaffolding.sha256, paths)


def data_to_save(scaffolding: Scaffolding, paths: ItemPaths) -> dict[str, bytes]:
    """Return the benchmark's data files by path; raise MeasuringError as `benchmark_to_save` does."""
    return {path: _read(file.source, file.sha256, paths) for path, file in scaffolding.data.items()}


def _read(source: str, sha256: str, paths: ItemPaths) -> bytes:
    try:
        content = (paths.folder / source).read_bytes()
    except OSError as error:
        what = f"cannot read the benchmark: {error.strerror}"
        raise MeasuringError(what, where=source, hint="run prprep again") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise MeasuringError("the benchmark was edited meanwhile", where=source, hint="run prprep again")
    return content
