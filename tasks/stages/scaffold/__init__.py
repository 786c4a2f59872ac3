"""scaffold: keep the benchmark that exists, or write one."""

from __future__ import annotations

from ...staleness import ALL, Fields, Item, Stage, Uses, writes_benchmark
from ...storage.hashing import sha256_of


def _files_unchanged(item: Item, fields: Fields) -> bool:
    """Return whether the benchmark that was written, and the data beside it, are as scaffold left them."""
    if fields.get("origin") not in {"generated", "edited"}:
        return True
    files = [fields, *(fields.get("data") or {}).values()]
    return all(sha256_of(item.workspace.folder / file["source"]) == file["sha256"] for file in files)


STAGE = Stage(
    name="scaffold",
    doc="keep the benchmark that exists, or write one",
    version=8,
    uses=(
        Uses(settings=("benchmark",), artifacts={"detect": ("base", "head", "picked", "benchmark")}),
        Uses(
            artifacts={
                "detect": (
                    "target",
                    "functions.module",
                    "functions.path",
                    "functions.status",
                    "domain.domains",
                    "layout.project",
                    "layout.packages",
                    "layout.import_roots",
                    "layout.benchmarks_root",
                ),
                "record": ALL,
            },
            templates=(
                "benchmark_cpu.py.j2",
                "benchmark_mem.py.j2",
                "benchmark_async.py.j2",
                "benchmark_struct.py.j2",
            ),
            when=writes_benchmark,
        ),
    ),
    remembers=("needs", "origin", "path", "source", "sha256", "data"),
    intact=_files_unchanged,
    otherwise="the benchmark that was written is edited or gone",
    gap=lambda fields: bool(fields.get("needs")),
)
