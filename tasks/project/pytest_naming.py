"""The names by which pytest collects the files, functions and classes of a project, and names that fit them."""

import posixpath
import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from .files import Project, TreeReader
from .pytest_config import PYTHON_FILES, is_test_file, pytest_arguments, pytest_option

_OPTIONS = ("python_files", "python_functions", "python_classes")
_OVERRIDE = re.compile(r"(?:--override-ini|-o)?[= ]?(python_files|python_functions|python_classes)=(.*)", re.DOTALL)


class Naming(NamedTuple):
    """Patterns, as pytest's options of these names have them; a function's or class's without `*` is a prefix."""

    files: tuple[str, ...] = PYTHON_FILES
    functions: tuple[str, ...] = ("test",)
    classes: tuple[str, ...] = ("Test",)

    def is_file(self, path: str) -> bool:
        return is_test_file(path, self.files)

    def is_function(self, name: str) -> bool:
        return _matches(name, self.functions)

    def file(self, folder: str, stem: str) -> str:
        """Return the path of a new file in a folder, `test_STEM.py` unless pytest would not collect that."""
        default = posixpath.join(folder, f"test_{stem}.py")
        if self.is_file(default):
            return default
        patterns = (posixpath.basename(pattern).removesuffix(".py") for pattern in self.files)
        names = (posixpath.join(folder, f"{_fitted(stem, pattern)}.py") for pattern in patterns)
        return next(filter(self.is_file, names), default)

    def function(self, stem: str) -> str:
        """Return the name of a new test function, `test_STEM` unless pytest would not collect that."""
        return _chosen(f"test_{stem}", lambda pattern: _fitted(stem, pattern), self.functions)

    def class_(self, name: str) -> str:
        """Return the name of a new test class, `TestNAME` unless pytest would not collect that."""
        return _chosen(f"Test{name}", lambda pattern: _around(name, pattern), self.classes)


DEFAULT = Naming()


def naming_of(project: Project) -> Naming:
    """Return the names that pytest collects in a project's folder; `-o` in its `addopts` wins."""
    found = {name: values for name in _OPTIONS if (values := pytest_option(project, name))}
    options = map(_OVERRIDE.fullmatch, pytest_arguments(project))
    overridden = {match[1]: tuple(match[2].split()) for match in options if match}
    return Naming(**{name.removeprefix("python_"): values for name, values in (found | overridden).items()})


def naming_for(tree: TreeReader, path: str) -> Naming:
    """Return the names that pytest collects in a file's folder, by the nearest configuration above it."""
    projects = Project(tree, posixpath.dirname(path)).upwards
    return next((naming for project in projects if (naming := naming_of(project)) != DEFAULT), DEFAULT)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(
        name.startswith(pattern) or (bool(set(pattern) & set("*?[")) and fnmatchcase(name, pattern))
        for pattern in patterns
    )


def _chosen(default: str, fit: Callable[[str], str], patterns: Sequence[str]) -> str:
    if _matches(default, patterns):
        return default
    return next((name for name in map(fit, patterns) if name.isidentifier() and _matches(name, patterns)), default)


def _fitted(stem: str, pattern: str) -> str:
    """Put a stem such as `benchmark_total` into a pattern, without saying `bench` twice."""
    if "bench" in pattern.lower():
        stem = stem.removeprefix("benchmark_")
    before, star, after = pattern.partition("*")
    if not star and before and not before.endswith("_"):
        before += "_"
    return f"{before}{stem}{after}"


def _around(name: str, pattern: str) -> str:
    before, _, after = pattern.partition("*")
    return f"{before}{name}{after}"
