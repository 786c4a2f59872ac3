"""Hold benchmark files of a work tree against the rules, wherever they come from: `prprep lint PATH`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..artifacts import TreeSpec
from ..bench import trees
from ..bench.machine import lock_path
from ..bench.observing.watching import watch
from ..bench.request import Request, SideRequest
from ..benchmark_tests.linting import RULES, BenchmarkFile, LintContext, findings
from ..benchmark_tests.linting.fixes import fixed
from ..benchmark_tests.writing.companions import companions
from ..environments import builder
from ..errors import PrprepError, UsageError
from ..git import Clone
from ..git.repository import repository_root
from ..manifest.model import EnvironmentSettings
from ..project.code.sources import Sources
from ..project.files import FolderTree, Project
from ..project.layout import describe
from ..project.pytest_config import PYTHON_FILES, is_test_file, python_files
from ..storage.files import write_whole

if TYPE_CHECKING:
    from ..artifacts import Layout
    from ..bench.observing.watching import WatchedCall
    from ..benchmark_tests.linting import Finding
    from ..processes.progress import Report

HEAD = "HEAD"
SECONDS = 300.0


@dataclass(frozen=True)
class Subject:
    """One file that is held against the rules, and the project that it belongs to, as they are in the work tree."""

    root: Path
    path: str
    layout: Layout
    file: BenchmarkFile
    expected: LintContext

    @classmethod
    def of(cls, place: Path, *, ignored_root: bool = False) -> Subject:
        """Read a file and its project; raise UsageError where there is none, SourceError where it is no Python."""
        place = place.absolute()
        if not place.is_file():
            raise UsageError(
                "there is no such file", where=str(place), hint="name a benchmark file, or a folder of them"
            )
        root = repository_root(place.parent) or _project_root(place)
        path = os.path.relpath(os.path.realpath(place), os.path.realpath(root)).replace(os.sep, "/")
        tree = FolderTree(root)
        layout = describe(tree, focus=(path,))
        file = BenchmarkFile(path, place.read_bytes(), Sources(tree, layout.import_roots))
        context = LintContext(
            root=None if ignored_root else layout.benchmarks_root,
            python_files=python_files(Project(tree, layout.project)),
        )
        return cls(root, path, layout, file, context)


def files_of(places: list[str]) -> list[Path]:
    """Return the files that are named, and of a folder those that pytest would collect."""
    found: list[Path] = []
    for place in map(Path, places):
        below = [each for each in sorted(place.rglob("*.py")) if is_test_file(each.name, (*PYTHON_FILES, "bench_*.py"))]
        found += below if place.is_dir() else [place]
    return list(dict.fromkeys(found))


def lint(subject: Subject, *, cache: Path, run: bool, report: Report) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return what breaks the rules, and notes on what could not be looked at."""
    seen: tuple[WatchedCall, ...] = ()
    notes: tuple[str, ...] = ()
    if run and subject.file.tests:
        try:
            seen = _watched(subject, cache=cache, report=report)
        except PrprepError as error:
            notes = (f"it was only read, since it could not be run: {_shortened(error.what)}",)
    return findings(subject.file, subject.expected, seen), notes


def fix(subject: Subject) -> tuple[str, ...]:
    """Mend in the work tree what has one right answer; raise UsageError where a file of the new name is there."""
    new = fixed(subject.file, subject.expected)
    if not new.done:
        return ()
    target = subject.root / new.path
    if new.path != subject.path:
        if target.exists():
            raise UsageError(
                f"{subject.path} belongs to {new.path}, where another file is", hint="move one of them by hand"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, new.source.decode("utf-8", "surrogateescape"))
    if new.path != subject.path:
        (subject.root / subject.path).unlink()
    return new.done


def lines(subject: Subject, found: tuple[Finding, ...], notes: tuple[str, ...]) -> Iterator[str]:
    """Spell findings for a terminal: place, rule, what was found; why it matters, and how it is mended."""
    shown = os.path.relpath(subject.root / subject.path)
    for each in found:
        rule = RULES[each.rule]
        yield f"{shown}:{each.line}: {each.rule}: {each.found}"
        yield f"    why: {rule.why}"
        yield f"    fix: {rule.fix}"
    yield from (f"{shown}: note: {note}" for note in notes)


def _shortened(told: str) -> str:
    """Return the first line of a message and, where pytest's own text follows, the last one of that."""
    first, *rest = [line.strip() for line in told.splitlines() if line.strip()]
    return f"{first} {rest[-1]}" if rest else first


def _project_root(place: Path) -> Path:
    described = {
        path.parent
        for folder in place.parents
        for name in ("pyproject.toml", "setup.py")
        if (path := folder / name).exists()
    }
    return max(described, key=lambda folder: len(folder.parts), default=place.parent)


def _watched(subject: Subject, *, cache: Path, report: Report) -> tuple[WatchedCall, ...]:
    """Run the file in a tree of the repository's HEAD, with what the work tree has of the file and what it needs."""
    if repository_root(subject.root) is None:
        raise UsageError("it lies in no git repository")
    tree = FolderTree(subject.root)
    content = {subject.path: subject.file.source}
    content |= {each.path: each.content for each in companions(subject.path, subject.file.source, tree)}
    with Clone.open(str(subject.root), cache, report=report) as clone:
        commit = clone.resolve([HEAD])[HEAD]
        if commit is None:
            raise UsageError("its repository has no commit yet")
        spec = TreeSpec(
            commit=commit,
            files={path: hashlib.sha256(source).hexdigest() for path, source in content.items()},
            tree=clone.tree_of(commit),
        )
        place = trees.prepare(clone, spec, content, cache=cache)
    built = builder.build(place, subject.layout, EnvironmentSettings(), cache=cache, report=report)
    roots = tuple(dict.fromkeys((*(place / root for root in subject.layout.import_roots), *built.path_entries)))
    side = SideRequest(place, built.python, roots, pycache=built.pycache)
    request = Request(
        base=side,
        head=side,
        benchmark=subject.path,
        metrics=("time",),
        profiles=place,
        seed=1,
        packages=subject.layout.packages,
        project=subject.layout.project,
        timeout=SECONDS,
        lock=lock_path(cache),
    )
    return watch(request, "head", lines={}, report=report)
