"""Take stock of one optimization: its commits, functions, domain, benchmark, and how the project is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import BENCHMARK, REFS

if TYPE_CHECKING:
    from ...staleness import StageInputs


def run(inputs: StageInputs) -> None:
    """Read the item's commits, write detect.json; raise RepositoryError, CherryPickError and SourceError."""
    from .inventory import detection_of

    refs = inputs.value(REFS)
    wanted = [sha for sha in (refs.upstream, refs.base, refs.head, *refs.picks) if sha]
    with inputs.clone(*wanted) as clone:
        detection = detection_of(inputs.settings, refs=refs, clone=clone, benchmark=inputs.value(BENCHMARK))
    inputs.report(f"{detection.target or 'no function found'}: {detection.target_reason}")
    inputs.write(detection)
