"""Find the benchmark files that a project already has, and which functions they use."""

from collections.abc import Mapping
from pathlib import Path

from ..artifacts import Presence
from ..errors import SourceError
from ..git import Clone, printable
from ..project.code.sources import Sources
from ..project.code.span import Span
from ..storage.hashing import blob, read_bytes
from .benchmark_file import BenchmarkFile


def benchmark_files(files: Mapping[str, bytes], sources: Sources) -> tuple[tuple[BenchmarkFile, ...], tuple[str, ...]]:
    """Return the files with benchmarks, and a note on each file that cannot be parsed."""
    benchmarks, notes = [], []
    for path, source in sorted(files.items()):
        try:
            file = BenchmarkFile(path, source, sources)
        except SourceError as error:
            notes.append(f"{error.where}: {error.what}; whether it is a benchmark of the change is not known.")
        else:
            if file.pytest_file.has_benchmarks:
                benchmarks.append(file)
    return tuple(benchmarks), tuple(notes)


def files_below(root: str, *, clone: Clone, span: Span, worktree: Path | None) -> dict[str, bytes]:
    """Read the Python files below the benchmarks root: as edited in the work tree, else at head, else at base."""
    base, head = (
        {path: clone.read(commit, path) or b"" for path in clone.files(commit) if _is_below(path, root)}
        for commit in (span.base, span.head)
    )
    here = _in_worktree(worktree, root) if worktree else {}
    edited = {path: content for path, content in here.items() if content not in (base.get(path), head.get(path))}
    return base | head | edited


def presence(path: str, *, clone: Clone, span: Span, worktree: Path | None) -> Presence:
    """Hash a file at base, at head and in the work tree."""
    here = read_bytes(worktree / path) if worktree else None
    base, head = clone.read(span.base, path), clone.read(span.head, path)
    return Presence(path=printable(path), base=blob_of(base), head=blob_of(head), worktree=blob_of(here))


def blob_of(content: bytes | None) -> str | None:
    return None if content is None else blob(content)


def _is_below(path: str, root: str) -> bool:
    # If the root is the repository's, files in its folders have other purposes.
    return path.endswith(".py") and (path.startswith(f"{root}/") if root else "/" not in path)


def _in_worktree(worktree: Path, root: str) -> dict[str, bytes]:
    files = (worktree / root).rglob("*.py") if root else worktree.glob("*.py")
    contents = ((file.relative_to(worktree).as_posix(), read_bytes(file)) for file in files)
    return {path: content for path, content in contents if content is not None}
