"""Find how a project is laid out and run, and where its benchmarks belong, from its files alone."""

import posixpath
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from packaging.utils import canonicalize_name

from ..artifacts import Layout
from .benchmarks_root import benchmarks_root
from .code.sources import ENDINGS
from .files import AUXILIARY_FOLDERS, Project, TreeReader
from .import_roots import import_roots, top_level_names
from .members import described_projects, required_members
from .pytest_config import is_test_code

PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
LOCKS = {f"{tool}.lock": f"{tool} run python" for tool in ("uv", "poetry", "pdm")}
TABLES = {keys: f"{keys[0]} run python" for keys in (("uv",), ("poetry",), ("pdm",), ("hatch", "envs"))}


def describe(
    tree: TreeReader,
    *,
    focus: Sequence[str] = (),
    runner: str | None = None,
    benchmark: str = "",
    functions: Sequence[str] = (),
) -> Layout:
    """Describe the project that the `focus` files (those that changed) belong to.

    `runner`, `functions` and the path of the `benchmark` are the manifest's: if they belong to another project of the
    repository that requires the changed one, it is that project. Raise SourceError if a configuration file is
    malformed.
    """
    projects = _with_named(tree, _projects(tree, focus), benchmark, functions)
    main = projects[0]
    roots = {
        project.path(root): top_level_names(project, root) for project in projects for root in import_roots(project)
    }
    packages = {name for names in roots.values() for name in names}
    benchmarks, benchmarks_reason = benchmarks_root(main)
    runs, runs_reason = (runner, "the manifest says so") if runner else _runner(main)
    return Layout(
        kind=_kind(main, roots),
        project=main.folder,
        import_roots=tuple(roots),
        packages=tuple(sorted(packages)),
        installable=main.describes_itself,
        benchmarks_root=benchmarks,
        benchmarks_root_reason=benchmarks_reason,
        runner=runs,
        runner_reason=runs_reason,
        distribution=canonicalize_name(main.name),
    )


def _project_folders(tree: TreeReader) -> set[str]:
    return {posixpath.dirname(path) for path in tree.files() if posixpath.basename(path) in PROJECT_FILES}


def _projects(tree: TreeReader, focus: Sequence[str]) -> list[Project]:
    """Return the projects that hold the focus files, the one with most of them first."""
    folders = _project_folders(tree)
    if relevant := _most_relevant(focus):
        owners = Counter(_owner(tree, folders, path) for path in relevant)
        return [Project(tree, folder) for folder, _ in owners.most_common()]
    root = Project(tree)
    if "" in folders and import_roots(root):
        return [root]
    nested = sorted(folder for folder in folders - {""} if not AUXILIARY_FOLDERS & set(folder.split("/")))
    described = [project for folder in nested if (project := Project(tree, folder)).describes_itself]
    return described if len(described) == 1 else [root, *described]


def _with_named(tree: TreeReader, owners: list[Project], benchmark: str, functions: Sequence[str]) -> list[Project]:
    """Add the projects of the benchmark and of functions that are nowhere else."""
    if not (benchmark or functions):
        return owners
    described = described_projects(tree)
    named = [Project(tree, _owner(tree, _project_folders(tree), benchmark))] if benchmark else []
    for function in functions:
        module = function.partition(":")[0]
        if not any(_has_module(project, module) for project in [*owners, *named]):
            named += [project for project in described.values() if _has_module(project, module)][:1]
    changed = owners[0].folder
    main = [each for each in named if each.folder in described and changed in required_members(each, described)]
    return list({project.folder: project for project in [*main, *owners, *named]}.values())


def _has_module(project: Project, module: str) -> bool:
    stem = module.replace(".", "/")
    paths = (posixpath.join(root, stem + end) for root in import_roots(project) for end in ENDINGS)
    return any(path in project.files for path in paths)


def _most_relevant(focus: Sequence[str]) -> list[str]:
    """Return the code among the files, else the tests, else all of them."""
    code = [path for path in focus if path.endswith(".py")]
    inside = [path for path in code if not is_test_code(path) and not {"docs", "examples"} & set(path.split("/")[:-1])]
    return inside or code or list(focus)


def _owner(tree: TreeReader, folders: set[str], path: str) -> str:
    """Return the nearest folder above `path` that defines a project, else the outermost with a configuration file."""
    around = [project for project in Project(tree, posixpath.dirname(path)).upwards if project.folder in folders]
    described = (project.folder for project in around if project.describes_itself)
    return next(described, around[-1].folder if around else "")


def _kind(main: Project, roots: dict[str, tuple[str, ...]]) -> Literal["flat", "src", "several", "none"]:
    if not any(roots.values()):
        return "none"
    is_folder = Project(main.tree).has_folder
    folders = {name for root in roots for name in roots[root] if is_folder(posixpath.join(root, name))}
    if len(folders) > 1:
        return "several"
    return "flat" if main.folder in roots else "src"


def _runner(project: Project) -> tuple[str, str]:
    """Return the command that runs the project's Python, and the reason for it."""
    owners = list(project.upwards)
    for owner in owners:
        for lock, runner in LOCKS.items():
            if owner.has(lock):
                return runner, f"{owner.path(lock)} is there"
    for owner in owners:
        for keys, runner in TABLES.items():
            if owner.tool(*keys) is not None:
                return runner, f"{owner.path('pyproject.toml')} has [tool.{'.'.join(keys)}]"
        if owner.has("hatch.toml"):
            return "hatch run python", f"{owner.path('hatch.toml')} is there"
    return "python", "no lock file and no table of a project manager was found"
