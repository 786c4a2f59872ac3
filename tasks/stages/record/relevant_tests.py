"""Choose the test files that are run to see what reaches the changed functions."""

import ast
import posixpath
from collections.abc import Collection, Sequence

from ...benchmark_tests.benchmark_file import BenchmarkFile
from ...errors import SourceError
from ...project.code.sources import LocatedDefinition, Sources
from ...project.pytest_config import PYTHON_FILES, UNITTEST_FILES, in_auxiliary_folder, is_test_file

MOST_FILES = 200


def relevant_tests(
    sources: Sources,
    definitions: Collection[LocatedDefinition],
    *,
    packages: Collection[str],
    patterns: Sequence[str] = PYTHON_FILES,
) -> tuple[str, ...]:
    """Return the project's test files that may call one of these definitions, the most promising first.

    These are the files that name a definition, then those that use its module, then all that import the project's
    `packages`. Among equals, files named after the module come first, then files in fewer folders.
    """
    patterns = (*patterns, *UNITTEST_FILES)
    tests = [path for path in sources.tree.files() if is_test_file(path, patterns) and not in_auxiliary_folder(path)]
    ranks = {path: _usage(path, sources, definitions, packages) for path in tests}
    names = {name for definition in definitions for name in _module_names(definition.path)}

    def order(path: str) -> tuple[int, bool, int, str]:
        named = any(name in posixpath.basename(path) for name in names)
        return -ranks[path], not named, path.count("/"), path

    return tuple(sorted((path for path in tests if ranks[path]), key=order)[:MOST_FILES])


def _module_names(path: str) -> set[str]:
    module = posixpath.basename(path).removesuffix(".py")
    return {module, posixpath.basename(posixpath.dirname(path))} - {""} if module == "__init__" else {module}


def _usage(path: str, sources: Sources, definitions: Collection[LocatedDefinition], packages: Collection[str]) -> int:
    """Rank a test file by what it uses: 3 for a definition, 2 for its module, 1 for the project, 0 for none."""
    try:
        file = BenchmarkFile(path, sources.tree.read(path) or b"", sources)
    except SourceError:
        return 0
    for located in definitions:
        called = located.definition.called or located.definition.name
        if file.uses(located) or called.rpartition(".")[2] in file.attributes_used:
            return 3
    if any(used == located.path for used, _ in file.definitions_used for located in definitions):
        return 2
    imported = {module.partition(".")[0] for module, _ in file.imports.values()}
    is_inside = any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(file.module))
    return int(is_inside or not imported.isdisjoint(packages))
