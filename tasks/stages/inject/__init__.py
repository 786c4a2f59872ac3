from functools import partial
from pathlib import Path

from ...staleness import ALL, Item, Stage, Uses, Value
from ...storage.hashing import hash_of, read_bytes, sha256


def _takes_benchmark_from_work_tree(item: Item) -> bool:
    return item.remembered("scaffold").get("origin") == "worktree" and item.repository.worktree is not None


def _companions(item: Item) -> str:
    path, worktree = item.remembered("scaffold")["path"], item.repository.worktree or Path()
    more = tuple(item.settings["benchmark_files"])
    key = ("companions", item.repository.key, path, *more)
    return item.staleness.memo(key, partial(_hash_companions, worktree, path, more))


def _hash_companions(worktree: Path, benchmark: str, more: tuple[str, ...]) -> str:
    """Hash the files of the work tree that a benchmark there needs."""
    from ...benchmark_tests.writing.companions import companions

    content = read_bytes(worktree / benchmark) or b""
    files = companions(benchmark, content, lambda path: read_bytes(worktree / path))
    named = [(path, sha256(read_bytes(worktree / path) or b"")) for path in more]
    return hash_of([*((each.path, sha256(each.content)) for each in files), *named])


STAGE = Stage(
    name="inject",
    doc="put the same benchmark into both trees",
    version=6,
    uses=(
        Uses(
            settings=("strategy", "benchmark_files"),
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
