"""Find the files that a benchmark needs beside itself: conftests, packages' __init__, helper modules, data files."""

import ast
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ...project.files import Project, upwards
from ...project.pytest_config import INNER_TEST_FOLDERS, pytest_option
from ...project.syntax import bound_names, parse_or_empty, statements_by_name, statements_of
from ..reading import PytestFile, PytestFunction
from .data_files import data_files_read

TEST_FOLDERS = INNER_TEST_FOLDERS | {"testing", "benchmarks", "benchmark", "asv_bench", "bench", "perf"}
"""Folders that hold tests and their support code."""
Read = Callable[[str], bytes | None]
"""Reads a file of one state of a repository; None if there is none."""


@dataclass(frozen=True, slots=True)
class _Files:
    """A tree whose files can be read, but not listed."""

    read: Read

    def files(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that a benchmark needs, and why; `fixtures` are those of a conftest that the benchmark uses."""

    path: str
    content: bytes
    why: str
    fixtures: frozenset[str] = frozenset()
    is_of_project: bool = False

    def is_satisfied_by(self, other: bytes | None, *, folder: str) -> bool:
        """Return whether the benchmark finds the same in a tree whose file of this path is `other`.

        The files must be equal. Of a conftest above the benchmark's folder only two parts must be: the code that pytest
        runs, and the fixtures that the benchmark uses, with what they use. A package of the project, which is compared,
        only has to exist.
        """
        if other is None or other == self.content or self.is_of_project:
            return other is not None
        if posixpath.basename(self.path) != "conftest.py" or posixpath.dirname(self.path) == folder:
            return False
        ours, theirs = (_code_of(PytestFile.of(source), self.fixtures) for source in (self.content, other))
        return ours == theirs


def companions(benchmark: str, content: bytes, read: Read) -> tuple[Companion, ...]:
    """Return what the file `benchmark` needs of what `read` reads, by path."""
    modules = _helper_modules(benchmark, {benchmark: content}, read)
    conftests = _conftests(benchmark, [content, *(module.content for module in modules)], read)
    known = {each.path: each.content for each in (*modules, *conftests)}
    modules += [each for each in _helper_modules(benchmark, known, read) if each.path not in known]
    parsed = {benchmark: parse_or_empty(content)}
    parsed |= {each.path: parse_or_empty(each.content) for each in (*modules, *conftests)}
    folders = {posixpath.dirname(path) for path in (benchmark, *(module.path for module in modules))}
    area = area_of(benchmark)
    packages = [each for folder in folders for each in _packages(folder, area, read)] if _are_in_package(parsed) else []
    needed = {each.path: each for each in (*packages, *modules, *conftests, *_data_files(benchmark, parsed, read))}
    return tuple(needed[path] for path in sorted(needed))


def area_of(benchmark: str) -> str:
    """Return the folder that holds what belongs to the tests: the outermost one above the benchmark named as such.

    What lies outside is the project, which is compared.
    """
    *folders, _ = benchmark.split("/")
    end = next((number for number, name in enumerate(folders, 1) if name.lower() in TEST_FOLDERS), len(folders))
    return "/".join(folders[:end])


# -- helper modules ---------------------------------------------------------------------------------


def _helper_modules(benchmark: str, sources: Mapping[str, bytes], read: Read) -> list[Companion]:
    """Find the modules of the benchmark's area that some files import, and those that these import."""
    modules: dict[str, Companion] = {}
    pending = list(sources.items())
    while pending:
        path, source = pending.pop()
        for module in _imported_files(path, source, benchmark):
            known = module == benchmark or module in modules or posixpath.basename(module) == "__init__.py"
            if not known and (code := read(module)) is not None:
                modules[module] = Companion(module, code, f"{posixpath.basename(path)} imports it")
                pending.append((module, code))
    return list(modules.values())


def _imported_files(path: str, source: bytes, benchmark: str) -> Iterator[str]:
    """Yield the files of the benchmark's area that the imports of a file may mean, whether they exist or not."""
    area = area_of(benchmark)
    for node in ast.walk(parse_or_empty(source)):
        # Absolute imports find siblings too: pytest puts the folder, or the package's parent, on the path.
        is_relative = isinstance(node, ast.ImportFrom) and node.level
        roots = [""] if is_relative else list(dict.fromkeys((*upwards(posixpath.dirname(path)), "")))
        for name, root in product(filter(None, _module_names(node, path)), roots):
            stem = posixpath.join(root, *name.split("."))
            if stem.startswith(area + "/" if area else ""):
                yield stem + ".py"


def _module_names(node: ast.AST, path: str) -> list[str]:
    """Return the dotted names that an import may mean; relative ones are resolved from the root of the tree."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    folders = posixpath.dirname(path).split("/")
    above = folders[: len(folders) - node.level + 1] if node.level else []
    stem = ".".join(filter(None, [*above, node.module]))
    return [stem, *(f"{stem}.{alias.name}" for alias in node.names)] if stem else [alias.name for alias in node.names]


def _data_files(benchmark: str, parsed: dict[str, ast.Module], read: Read) -> Iterator[Companion]:
    for path, module in parsed.items():
        for file in data_files_read(path, module, area=area_of(benchmark)):
            if not file.endswith(".py") and (content := read(file)) is not None:
                yield Companion(file, content, f"{posixpath.basename(path)} reads it")


# -- conftest files ---------------------------------------------------------------------------------


def own_fixture(benchmark: str, read: Read) -> str:
    """Return the file whose fixture `benchmark` replaces pytest-benchmark's, "" if there is none.

    Projects that use pytest-codspeed have one in case it is not installed, which calls the function once.
    """
    conftests = (posixpath.join(folder, "conftest.py") for folder in upwards(posixpath.dirname(benchmark)))
    for path in (benchmark, *conftests):
        fixture = PytestFile.of(read(path) or b"").fixtures.get("benchmark")
        if fixture and "benchmark" not in fixture.parameters:
            return path
    return ""


def _conftests(benchmark: str, sources: Sequence[bytes], read: Read) -> list[Companion]:
    """Find the nearest conftest of each fixture that is requested, and of the fixtures that those request.

    Conftests with code that pytest runs for every test are needed as well.
    """
    files = [PytestFile.of(source) for source in sources]
    wanted = {name for file in files for name in file.requested_fixtures} - files[0].fixtures.keys()
    wanted |= _used_by_every_test(posixpath.dirname(benchmark), read)
    conftests = []
    for folder in upwards(posixpath.dirname(benchmark)):
        path = posixpath.join(folder, "conftest.py")
        content = read(path) or b""
        file = PytestFile.of(content)
        fixtures = file.fixtures
        automatic = {name for name, each in fixtures.items() if each.is_autouse}
        used = _with_requested(wanted & fixtures.keys() | automatic, fixtures)
        if used:
            wanted = (wanted - used) | {name for each in used for name in fixtures[each].parameters} - fixtures.keys()
        if used or any(_run_by_pytest(file.module)):
            why = "it uses " + ", ".join(f"`{name}`" for name in sorted(used)) if used else "pytest runs it"
            conftests.append(Companion(path, content, why, frozenset(used)))
    return conftests


def _used_by_every_test(folder: str, read: Read) -> set[str]:
    """Return the fixtures that `usefixtures` in a configuration file names."""
    return {name for each in upwards(folder) for name in pytest_option(Project(_Files(read), each), "usefixtures")}


def _with_requested(names: set[str], fixtures: Mapping[str, PytestFunction]) -> set[str]:
    """Add the fixtures of the same file that fixtures request."""
    while more := {name for each in names for name in fixtures[each].parameters if name in fixtures} - names:
        names = names | more
    return names


def _run_by_pytest(conftest: ast.Module) -> Iterator[ast.stmt]:
    """Yield the hooks of a conftest, the names that pytest reads, and the statements that do more than bind names.

    Any of them may decide what a benchmark gets: the default of an option, parameters, variables of the environment.
    """
    for statement in conftest.body:
        names = bound_names([statement])
        if any(name.startswith("pytest_") for name in names) or _has_effects(statement):
            yield statement


def _has_effects(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If | ast.Try):
        return any(map(_has_effects, statements_of(statement)))
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.For | ast.While | ast.With):
        return True
    return not isinstance(statement, ast.Pass) and bound_names([statement]) <= {"_"}


def _code_of(file: PytestFile, fixtures: Iterable[str]) -> dict[str, str]:
    """Return the code that pytest runs anyway and that of `fixtures`, with what they use of their file, by name."""
    bound = statements_by_name(file.module)
    code: dict[str, str] = {}
    pending: list[tuple[str, Sequence[ast.AST]]] = [("", list(_run_by_pytest(file.module)))]
    pending += [(name, [file.fixtures[name].node]) for name in fixtures if name in file.fixtures]
    while pending:
        name, nodes = pending.pop()
        if name not in code:
            code[name] = "\n".join(map(ast.dump, nodes))
            used = {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}
            pending += [(each, bound[each]) for each in used & bound.keys()]
    return code


# -- packages ---------------------------------------------------------------------------------------


def _packages(folder: str, area: str, read: Read) -> Iterator[Companion]:
    for package in upwards(folder):
        path = posixpath.join(package, "__init__.py")
        if not package or (content := read(path)) is None:
            return
        is_of_project = not f"{package}/".startswith(f"{area}/")
        yield Companion(path, content, "the benchmark is imported as part of a package", is_of_project=is_of_project)


def _are_in_package(parsed: dict[str, ast.Module]) -> bool:
    """Return whether a file has a relative import, or imports its own folder by its dotted name."""
    for path, node in ((path, node) for path, module in parsed.items() for node in ast.walk(module)):
        package = posixpath.dirname(path).replace("/", ".")
        if isinstance(node, ast.ImportFrom) and node.level:
            return True
        if package and any(f"{name}.".startswith(f"{package}.") for name in _module_names(node, path)):
            return True
    return False
