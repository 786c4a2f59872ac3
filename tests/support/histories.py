"""Two commits of a small src project, and what is found out about them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.git import Clone, Refs, resolve, slug
from tasks.manifest.model import Optimization
from tasks.project.code.differences import differences
from tasks.project.files import CommitTree
from tasks.project.layout import describe
from tasks.stages.detect.detect import detection_of
from tests.support.targets import TargetRepo

if TYPE_CHECKING:
    from tasks.artifacts import Detection
    from tasks.project.code.differences import Difference

PROJECT = '[project]\nname = "pages"\nversion = "1.5"\n'
Files = dict[str, str | bytes | None]


def history(folder: Path, base: Files, head: Files, message: str = "Change") -> TargetRepo:
    """Commit `base` on main and `head` on the branch `faster`, which stays checked out; bytes are written as they are."""
    repo = TargetRepo(folder / "target")
    commit(repo, {"pyproject.toml": PROJECT, "src/pages/__init__.py": "", **base}, "Start")
    repo.branch("faster")
    commit(repo, head, message)
    return repo


def commit(repo: TargetRepo, files: Files, message: str = "Change") -> str:
    for name, content in files.items():
        if isinstance(content, bytes):
            path = repo.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return repo.commit({name: text for name, text in files.items() if not isinstance(text, bytes)}, message)


def found(folder: Path, base: Files, head: Files) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Return differences and notes."""
    repo = history(folder, base, head)
    with Clone.open(str(repo.path), folder / "cache") as clone:
        commits = clone.resolve(["main", "faster"])
        layout = describe(CommitTree(clone, str(commits["faster"])))
        return differences(clone, str(commits["main"]), str(commits["faster"]), layout)


def change_lines(folder: Path, base: Files, head: Files) -> list[str]:
    """Return the differences as `status module:name`, with the name at base where it is another one."""
    functions = [difference.function for difference in found(folder, base, head)[0]]
    return [
        f"{function.status} {function.target}"
        + (f" from {function.base_name}" if function.base_name not in (None, function.name) else "")
        for function in functions
    ]


def refs_of(repo: TargetRepo, item: Optimization, *, upstream: str = "main") -> Refs:
    names = [name for name in (upstream, item.base, item.head, *item.commits) if name]
    found = resolve(repo.path, names)
    return Refs(
        address=str(repo.path),
        repository=repo.path,
        slug=slug(repo.path),
        upstream_ref=upstream,
        upstream=str(found[upstream]),
        base=found[item.base] if item.base else None,
        head=found[item.head] if item.head else None,
        picks=tuple(sha for sha in map(found.get, item.commits) if sha),
    )


def detected(repo: TargetRepo, item: Optimization | None = None, **refs: str) -> Detection:
    item = item or Optimization(id="it", head="faster")
    with Clone.open(str(repo.path), repo.path.parent / "cache") as clone:
        benchmark = item.benchmark if isinstance(item.benchmark, str) else item.benchmark is not None
        return detection_of(item, refs=replace(refs_of(repo, item), **refs), clone=clone, benchmark=benchmark)  # type: ignore[arg-type]
