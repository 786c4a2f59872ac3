"""Read the benchmark where it stands in no commit, so that a reader has to save it first."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ..errors import MeasuringError

if TYPE_CHECKING:
    from ..artifacts import Scaffolding
    from ..storage.paths import ItemPaths


def benchmark_to_save(scaffolding: Scaffolding, paths: ItemPaths) -> bytes:
    """Return the benchmark's bytes, none where it can be taken from a commit; raise MeasuringError where it was edited meanwhile."""
    return b"" if scaffolding.origin in {"base", "head"} else _read(scaffolding.source, scaffolding.sha256, paths)


def data_to_save(scaffolding: Scaffolding, paths: ItemPaths) -> dict[str, bytes]:
    """Return the files that go with a benchmark, by their paths; raise MeasuringError as `benchmark_to_save` does."""
    return {path: _read(file.source, file.sha256, paths) for path, file in scaffolding.data.items()}


def _read(source: str, sha256: str, paths: ItemPaths) -> bytes:
    try:
        content = (paths.folder / source).read_bytes()
    except OSError as error:
        raise MeasuringError(
            f"the benchmark cannot be read: {error.strerror}", where=source, hint="run doit again"
        ) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise MeasuringError("the benchmark was edited meanwhile", where=source, hint="run doit again")
    return content
