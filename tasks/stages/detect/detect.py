"""Take stock of one optimization: its commits, functions, domain, benchmark, and how the project is laid out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...processes.progress import silent

if TYPE_CHECKING:
    from ...git import Refs
    from ...manifest.model import Optimization
    from ...processes.progress import Report
    from ...storage.paths import ItemPaths


def run(
    item: Optimization,
    *,
    refs: Refs,
    paths: ItemPaths,
    cache: Path,
    fingerprint: str,
    report: Report = silent,
) -> None:
    """Read the item's commits, write detect.json; raise RepositoryError, CherryPickError and SourceError."""
    from ...git import Clone
    from .inventory import detection_of

    wanted = [sha for sha in (refs.upstream, refs.base, refs.head, *refs.picks) if sha]
    with Clone.open(refs.address, cache, report=report, wanted=wanted) as clone:
        detection = detection_of(item, refs=refs, clone=clone)
    report(f"{detection.target or 'no function found'}: {detection.target_reason}")
    detection.write(paths.detect, fingerprint)
