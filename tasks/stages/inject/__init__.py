"""inject: make the two trees, with the same benchmark in both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...staleness import ALL, Item, Stage, Uses, Value
from ...storage.hashing import hash_of, read_bytes, sha256


def _takes_benchmark_from_work_tree(item: Item) -> bool:
    return item.remembered("scaffold").get("origin") == "worktree" and item.repository.worktree is not None


def _companions(item: Item) -> str:
    path = item.remembered("scaffold")["path"]
    key = ("companions", item.repository.key, path)
    found: str = item.staleness.memo(key, partial(_hash_companions, item.repository.worktree or Path(), path))
    return found


def _hash_companions(tree: Path, benchmark: str) -> str:
    """Hash what a benchmark that is being edited in the work tree needs beside itself there."""
    from ...benchmark_tests.writing.companions import companions

    files = companions(benchmark, read_bytes(tree / benchmark) or b"", _WorkTree(tree))
    return hash_of([(each.path, sha256(each.content)) for each in files])


@dataclass(frozen=True, slots=True)
class _WorkTree:
    root: Path

    def read(self, path: str) -> bytes | None:
        return read_bytes(self.root / path)


STAGE = Stage(
    name="inject",
    doc="make the two trees, with the same benchmark in both",
    version=3,
    uses=(
        Uses(
            settings=("strategy",),
            artifacts={
                "detect": ("base", "head", "picked", "files", "functions.path", "functions.base_path"),
                "scaffold": ALL,
            },
        ),
        Uses(
            values=(Value("the files that the benchmark needs in the work tree", _companions),),
            when=_takes_benchmark_from_work_tree,
        ),
    ),
)
