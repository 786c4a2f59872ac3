"""`prprep lint`: check benchmark files of any work tree against the rules for benchmarks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from doit.cmd_base import Command

from ..artifacts import Layout, TreeSpec
from ..bench import trees
from ..bench.exclusive import cache_lock
from ..bench.observing.watching import Watched, WatchedCall, watch
from ..bench.request import Request
from ..bench.setup import SideEnvironment, side_of
from ..benchmark_tests.linting import BenchmarkFile, LintContext, findings
from ..benchmark_tests.linting.fixes import fixed
from ..benchmark_tests.writing.companions import companions
from ..environments import builder, package_dates
from ..errors import PrprepError, UsageError
from ..git import Clone
from ..git.repository import repository_root
from ..graph.console import CONSOLE
from ..graph.loader import JSON, find_manifest, flag
from ..json_output.document import Answer
from ..json_output.items import linted
from ..json_output.models import LintedFile
from ..manifest.model import Optimization
from ..manifest.reader import read
from ..processes.progress import Report
from ..project.code.sources import Sources
from ..project.files import FolderTree
from ..project.layout import describe
from ..project.pytest_config import PYTHON_FILES, is_test_file
from ..project.pytest_naming import naming_for
from ..storage.files import write_whole
from ..storage.hashing import blob, sha256
from ..storage.paths import cache_folder, relative_path
from ..text.figures import counted

SECONDS = 300.0
_PROJECT_FILES = ("pyproject.toml", "setup.py")


class Lint(Command):  # type: ignore[misc]
    doc_usage = "PATH ..."
    doc_description = (
        "PATH is a file or a folder. The exit code is 1 if a file breaks a rule; docs/rules.md lists "
        "the rules. The stage of the same name checks the benchmarks of items: `prprep lint:ID`, `prprep run lint`."
    )
    example = "prprep lint tests/benchmarks --fix"
    cmd_options = (
        flag("fix", "fix what has one right answer"),
        flag("no-run", "only read the files: no environment is built"),
        JSON,
    )
    answer: Answer

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        paths = files_of(pos_args)
        if not paths:
            what = f"no benchmark files in {', '.join(pos_args)}"
            raise UsageError(what, hint="their names begin with test_ or bench_")
        count = 0
        for path in paths:
            subject = Subject.of(path)
            if opt_values["fix"] and (fixes := fix(subject)):
                file = LintedFile(path=str(path), fixes=fixes)
            else:
                with CONSOLE.step("lint") as report:
                    file = lint(subject, cache=cache_folder(), run=not opt_values["no_run"], report=report)
            for line in lines(file):
                CONSOLE.print(line)
            self.answer["files"] = (*self.answer.get("files", ()), file)
            count += len(file.findings)
        print(f"{counted(len(paths), 'file')}, {counted(count, 'finding')}")
        return 1 if count else 0


@dataclass(frozen=True)
class Subject:
    """One benchmark file and its project, as they are in the work tree."""

    root: Path
    path: str
    layout: Layout
    file: BenchmarkFile
    context: LintContext

    @classmethod
    def of(cls, file: Path) -> "Subject":
        """Read a file and its project; raise UsageError if it does not exist, SourceError if it is not Python."""
        file = file.absolute()
        if not file.is_file():
            raise UsageError("no such file", where=str(file), hint="name a benchmark file, or a folder of them")
        projects = (folder for folder in file.parents for name in _PROJECT_FILES if (folder / name).exists())
        root = repository_root(file.parent) or next(projects, file.parent)
        path = relative_path(os.path.realpath(file), os.path.realpath(root))
        tree = FolderTree(root)
        layout = describe(tree, focus=(path,))
        benchmark = BenchmarkFile(path, file.read_bytes(), Sources(tree, layout.import_roots))
        context = LintContext(root=layout.benchmarks_root)
        return cls(root, path, layout, benchmark, context)


def files_of(names: list[str]) -> list[Path]:
    """Return the files named, and of a folder those that pytest would collect."""
    files: list[Path] = []
    for path in map(Path, names):
        if not path.is_dir():
            files.append(path)
            continue
        root = repository_root(path.absolute()) or path.absolute()
        inside = relative_path(os.path.realpath(path), os.path.realpath(root))
        forms = (*naming_for(FolderTree(root), f"{inside}/x.py").files, *PYTHON_FILES, "bench_*.py")
        files += (file for file in sorted(path.rglob("*.py")) if is_test_file(file.name, forms))
    return list(dict.fromkeys(files))


def lint(subject: Subject, *, cache: Path, run: bool, report: Report) -> LintedFile:
    calls: tuple[WatchedCall, ...] = ()
    notes: tuple[str, ...] = ()
    if run and subject.file.tests:
        try:
            calls, missing = _watched(subject, cache=cache, report=report)
            notes = (missing,) if missing else ()
        except PrprepError as error:
            # The first line of the message, and the last one if pytest's output follows.
            first, *rest = [line.strip() for line in error.what.splitlines() if line.strip()]
            reason = f"{first} {rest[-1]}" if rest else first
            notes = (f"it was only read, because it cannot be run: {reason}",)
    shown = os.path.relpath(subject.root / subject.path)
    broken = findings(subject.file, subject.context, calls)
    return LintedFile(path=shown, findings=tuple(linted(each, shown) for each in broken), notes=notes)


def fix(subject: Subject) -> tuple[str, ...]:
    """Fix in the work tree what has one right answer; raise UsageError if another file has the new name."""
    new = fixed(subject.file, subject.context)
    if not new.done:
        return ()
    target = subject.root / new.path
    if subject.path.startswith("../"):
        what = "this file is a symbolic link out of the repository"
        raise UsageError(what, where=subject.path, hint="fix the file that it leads to")
    if new.path != subject.path and target.exists():
        raise UsageError(f"{subject.path} belongs at {new.path}, which exists", hint="move one of them by hand")
    write_whole(target, new.source.decode("utf-8", "surrogateescape"))
    if new.path != subject.path:
        (subject.root / subject.path).unlink()
    return new.done


def lines(file: LintedFile) -> Iterator[str]:
    """Yield what was fixed; for each finding its line, rule and message, why the rule exists, how to fix it; notes."""
    yield from (f"{file.path}: {line}" for line in file.fixes)
    for each in file.findings:
        yield f"{each.path}:{each.line}: {each.rule}: {each.found}\n    why: {each.why}\n    fix: {each.fix}"
    yield from (f"{file.path}: note: {note}" for note in file.notes)


def sandbox_of(folder: Path) -> Literal["none", "bwrap"]:
    """Return how the code of a project may run: in a sandbox if its manifest says so for any item.

    Raise ManifestError if the manifest cannot be read.
    """
    try:
        manifest = find_manifest("", folder)
    except UsageError:
        return "none"
    settings = read(manifest).manifest
    sandboxes = {settings.defaults.sandbox, *(each.sandbox for each in settings.optimizations)}
    return "bwrap" if "bwrap" in sandboxes else "none"


def _watched(subject: Subject, *, cache: Path, report: Report) -> Watched:
    """Run the file in a tree of HEAD, with the work tree's version of the file and of what it needs."""
    if repository_root(subject.root) is None:
        raise UsageError("it is not in a git repository")
    tree = FolderTree(subject.root)
    content = {subject.path: subject.file.source}
    content |= {each.path: each.content for each in companions(subject.path, subject.file.source, tree.read)}
    open_clone = partial(Clone.open, str(subject.root), cache, report=report)
    with open_clone() as clone:
        commit = clone.resolve(["HEAD"])["HEAD"]
        if commit is None:
            raise UsageError("its repository has no commit yet")
        # All committed benchmarks share one tree, and so one environment.
        content = {path: source for path, source in content.items() if clone.blob(commit, path) != blob(source)}
        spec = TreeSpec(
            commit=commit,
            files={path: sha256(source) for path, source in content.items()},
            tree=clone.tree_of(commit),
        )
        item = Optimization(id="benchmark", head=commit, sandbox=sandbox_of(subject.root))
        confined = item.sandbox == "bwrap"
        checkout = trees.check_out(clone, spec, content, open_clone=open_clone, cache=cache, confined=confined)
        as_of = package_dates.if_old(package_dates.date_of(clone, commit))
    place = checkout.tree
    build = partial(builder.build, place, subject.layout, item.env, cache=cache, report=report, as_of=as_of)
    built = build(renew=checkout.renew, pristine=checkout.pristine)
    side = side_of(SideEnvironment(commit, place, built), subject.layout, item)
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
        lock=cache_lock(cache),
    )
    return watch(request, "head", lines={}, report=report)
