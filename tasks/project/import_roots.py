"""Find the folders of a project that go on `sys.path`, and the names that can be imported from them.

Each build back end has its own settings for this; without any, `src/` and the project's own folder are tried, as the
back ends do themselves.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from .files import AUXILIARY_FOLDERS, Project, is_outside, lookup, normalized, strings
from .pytest_config import is_test_file, pytest_option
from .tox_and_hatch import python_path

NOT_MODULES = frozenset(
    {
        "conftest", "dodo", "fabfile", "noxfile", "runtests", "setup", "tasks", "toxfile", "versioneer",
    },
)  # fmt: skip
CONVENTIONAL_ROOTS = ("src", "", "lib", "python")


def import_roots(project: Project) -> tuple[str, ...]:
    """Return the import roots relative to the project's folder, "" for the folder itself.

    The build back end's come first, then those of pytest's `pythonpath`, then those of PYTHONPATH in tox and hatch;
    roots without modules are left out.
    """
    of_tests = [*pytest_option(project, "pythonpath"), *python_path(project)]
    if declared := _usable(project, [*_of_build_back_end(project), *of_tests]):
        usual = _usable(project, CONVENTIONAL_ROOTS)[:1]
        # Tests may also need folders that do not have the project itself.
        is_complete = any(_own_names(project).intersection(top_level_names(project, root)) for root in declared)
        own = {name for root in usual for name in top_level_names(project, root)} & _own_names(project)
        return declared if is_complete or not own else (*usual, *declared)
    return _usable(project, CONVENTIONAL_ROOTS)[:1]


def top_level_names(project: Project, root: str) -> tuple[str, ...]:
    """Return the names that can be imported from a root (relative to the project's folder), sorted."""
    below = _below(project, root)
    if normalized(root):
        return tuple(sorted(_packages(below) | _modules(below) | _namespaces(below)))
    own = _own_names(project)
    packages = {name for name in _packages(below) if name not in AUXILIARY_FOLDERS or name in own}
    modules = _modules(below) & own if packages else _modules(below) - NOT_MODULES
    named_namespaces = _namespaces(below) & {name.partition(".")[0] for name in own}
    return tuple(sorted(packages | modules | named_namespaces))


def _usable(project: Project, roots: Sequence[str]) -> tuple[str, ...]:
    cleaned = dict.fromkeys(normalized(root) for root in roots if not is_outside(root))
    # A `src` that is a package itself is imported, not imported from.
    return tuple(
        root for root in cleaned if f"{root}/__init__.py" not in project.files and top_level_names(project, root)
    )


def _below(project: Project, root: str) -> list[list[str]]:
    start = f"{normalized(root)}/" if normalized(root) else ""
    code = (path for path in project.files if path.startswith(start) and path.endswith((".py", ".pyx")))
    return [path[len(start) :].split("/") for path in code]


def _packages(below: list[list[str]]) -> set[str]:
    inits = {"__init__.py", "__init__.pyx"}
    return {parts[0] for parts in below if len(parts) == 2 and parts[1] in inits and parts[0].isidentifier()}


def _modules(below: list[list[str]]) -> set[str]:
    names = {parts[0].partition(".")[0] for parts in below if len(parts) == 1 and not is_test_file(parts[0])}
    return {name for name in names if name.isidentifier() and not name.startswith("__")}


def _namespaces(below: list[list[str]]) -> set[str]:
    folders = {parts[0] for parts in below if len(parts) > 1 and all(map(str.isidentifier, parts[:-1]))}
    return folders - _packages(below)


def _own_names(project: Project) -> set[str]:
    """Return the import names that the project declares, and those that follow from its name."""
    name = project.name.lower()
    of_name = {re.sub(r"[-.]+", "_", name), re.split(r"[-.]", name)[0]}
    declared = [
        *strings(project.tool("setuptools", "py-modules")),
        *strings(project.tool("setuptools", "packages")),
        *strings(project.setup_keywords.get("py_modules")),
        *strings(project.setup_keywords.get("packages")),
        *strings(project.setup_cfg.get("options", "py_modules", fallback="")),
        *strings(project.tool("flit", "module", "name")),
        *strings(project.tool("uv", "build-backend", "module-name")),
        *(posixpath.basename(path) for path in _package_paths(project)),
    ]
    return {own for own in of_name | {each.partition(".")[0] for each in declared} if own}


def _of_build_back_end(project: Project) -> list[str]:
    packages = project.tool("poetry", "packages")
    poetry = packages if isinstance(packages, list) else ()
    return [
        *_of_setuptools(project),
        *(posixpath.dirname(path.rstrip("/")) for path in _package_paths(project)),
        *strings(project.tool("hatch", "build", "targets", "wheel", "sources")),
        *strings(project.tool("hatch", "build", "sources")),
        *(str(package.get("from", "")) for package in poetry if isinstance(package, Mapping)),
        *strings(project.tool("pdm", "build", "package-dir")),
        *strings(project.tool("uv", "build-backend", "module-root")),
        *strings(project.tool("maturin", "python-source")),
    ]


def _package_paths(project: Project) -> tuple[str, ...]:
    """Return the packages that are configured by path in hatchling and scikit-build-core, like `src/pagelayout`."""
    wheel = project.tool("hatch", "build", "targets", "wheel")
    named = (
        strings(lookup(wheel, "packages"))
        or strings(project.tool("hatch", "build", "packages"))
        or strings(lookup(wheel, "only-include"))
        or strings(project.tool("scikit-build", "wheel", "packages"))
    )
    return tuple(normalized(path) for path in named if not path.endswith(".py"))


def _of_setuptools(project: Project) -> Iterator[str]:
    yield from _mapped(project.tool("setuptools", "package-dir"))
    yield from strings(project.tool("setuptools", "packages", "find", "where"))
    yield from _mapped(project.setup_keywords.get("package_dir"))
    if isinstance(packages := project.setup_keywords.get("packages"), str):
        yield packages
    options = project.setup_cfg
    for line in options.get("options", "package_dir", fallback="").splitlines():
        name, _, folder = line.partition("=")
        yield from _mapped({name.strip(): folder.strip()}) if folder else ()
    yield from strings(options.get("options.packages.find", "where", fallback=""))


def _mapped(folders: object) -> Iterator[str]:
    """Map `{"": "src"}` and `{"pagelayout": "src/pagelayout"}` to `src`; a renamed package has no import root."""
    for name, folder in folders.items() if isinstance(folders, Mapping) else ():
        if isinstance(folder, str) and not name:
            yield folder
        elif isinstance(folder, str) and isinstance(name, str) and posixpath.basename(folder) == name:
            yield posixpath.dirname(folder)
