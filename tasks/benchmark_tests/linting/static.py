"""Check a benchmark file against the rules by reading it."""

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ...project.code.imported_names import short_name
from ...project.syntax import (
    Function,
    callee,
    dotted_name,
    is_generator,
    last_name,
    names,
    parameter_names,
    parse_or_empty,
)
from ..benchmark_file import BenchmarkFile, BenchmarkTest, MeasuredCode, ProjectCall
from ..patches import PATCHERS, Patch
from . import mocks

READING: Final = frozenset(
    {
        "open", "read_text", "read_bytes", "load", "loads", "imread", "read_csv", "read_parquet", "read_json",
        "deepcopy",
    },
)  # fmt: skip
RANDOM: Final = frozenset({"np", "numpy", "random", "rng", "torch", "string"})
"""Modules and objects whose functions, if named in MAKING, create inputs."""
MAKING: Final = frozenset(
    {
        "rand", "randn", "randint", "integers", "normal", "uniform", "choices", "sample", "shuffle", "arange",
        "linspace", "zeros", "ones", "full", "default_rng", "make_blobs", "make_classification",
    },
)  # fmt: skip
MUTATING: Final = frozenset(
    {
        "append", "extend", "insert", "pop", "popitem", "remove", "clear", "sort", "reverse", "add", "discard",
        "setdefault",
    },
)  # fmt: skip
MOCKING: Final = frozenset({"mock", "patch", "mocker", "monkeypatch"})
LAZY: Final = frozenset({"map", "filter", "zip", "enumerate", "iter", "reversed"})


Violation = tuple[str, int, str]
"""Rule, line, message."""


class Finding(NamedTuple):
    """A violation of a rule; `test` is "" for the whole file."""

    rule: str
    line: int
    test: str
    message: str


class LintContext(NamedTuple):
    """What is known about a benchmark besides its text.

    `target` is the function under test as `module:Qualified.name`, "" if only the file says it; `root` the benchmarks
    root, None if the file may lie anywhere; `boundaries` packages that a mock may replace besides the built-in ones;
    `recorded` the median seconds of recorded calls, 0 if there are none.
    """

    target: str = ""
    root: str | None = None
    boundaries: frozenset[str] = frozenset()
    recorded: float = 0.0


def findings(file: BenchmarkFile, context: LintContext) -> list[Finding]:
    """Return the violations, by line."""
    violations = {Finding(rule, line, "", message) for rule, line, message in _of_file(file, context)}
    for test in file.tests:
        violations |= {Finding(rule, line, test.name, message) for rule, line, message in _of_test(test, context)}
    return by_line(violations)


def by_line(violations: Iterable[Finding]) -> list[Finding]:
    return sorted(violations, key=lambda finding: (finding.line, finding.rule, finding.message))


def subject_of(test: BenchmarkTest, context: LintContext) -> str:
    """Return the function under test: the expected one, else a called one in the test's name, else the first call.

    A test that is named after the expected one, such as a private function, may call it through others.
    """
    functions = [call for call in test.calls if call.is_of_function]
    called = [call.target for call in functions]
    named = [each for each in (*filter(None, [context.target]), *called) if _is_named_after(test.name, each)]
    is_called = context.target in (*called, *named) or not called or _share_name(functions, context.target, test)
    return context.target if context.target and is_called else next(iter([*named, *called]), "")


def _is_named_after(test: str, target: str) -> bool:
    return bool(re.search(rf"(^|_){re.escape(short_name(target))}(_|$)", test, re.IGNORECASE))


def _share_name(functions: Iterable[ProjectCall], target: str, test: BenchmarkTest) -> bool:
    """Return whether a called function has the same name in code as the target: a property and its setter."""
    located = test.file.sources.try_find(target)
    if located is None or not located.definition.called:
        return False
    shared = (located.path, located.definition.called)
    return any((call.definition.path, call.definition.definition.called) == shared for call in functions)


# -- name and place -----------------------------------------------------------------------------------


def _of_file(file: BenchmarkFile, context: LintContext) -> Iterator[Violation]:
    if not file.tests:
        yield "no-benchmark", 1, "no test takes the `benchmark` fixture and calls it"
        return
    folder, name = posixpath.split(file.path)
    root = context.root
    if root is not None and folder != root and not folder.startswith(f"{root}/".lstrip("/")):
        top = "the top folder"
        yield "wrong-place", 1, f"it is in {folder or top}, the benchmarks root is {root or top}"
    if not file.naming.is_file(file.path):
        patterns = " ".join(file.naming.files)
        yield "wrong-name", 1, f"pytest does not collect {name} (python_files: {patterns})"


def _of_test(test: BenchmarkTest, context: LintContext) -> Iterator[Violation]:
    subject = subject_of(test, context)
    if test.is_whole and not test.file.uses_codspeed:
        message = (
            "it has a marker but not the `benchmark` fixture: pytest-benchmark does not measure it, prprep and "
            "pytest-codspeed measure all of it, setup included"
        )
        yield "no-benchmark", test.function.lineno, message
    yield from _of_patches(test, subject, context.boundaries)
    yield from _of_replacements(test, context.boundaries)
    yield from _of_calls(test)
    if subject:
        yield from _of_name(test, subject)


def _of_name(test: BenchmarkTest, subject: str) -> Iterator[Violation]:
    if len(test.file.tests) > 1 or not posixpath.basename(test.file.path).startswith("test_benchmark_"):
        return  # the project has names of its own, or the file has several cases
    name = short_name(subject).strip("_")
    if name.lower().replace("_", "") not in test.name.lower().replace("_", ""):
        message = f"it measures {_last(subject)}: test_benchmark_{name} would say so"
        yield "wrong-name", test.function.lineno, message


# -- patches ------------------------------------------------------------------------------------------


def _of_patches(test: BenchmarkTest, subject: str, boundaries: frozenset[str]) -> Iterator[Violation]:
    for patch in test.patches:
        line, replaced, is_attribute = patch.node.lineno, patch.replaced, patch.kind == "attribute"
        if is_attribute and subject and _replaces(replaced, subject.replace(":", "."), test):
            yield "target-patched", line, f"{replaced} is the function under test"
        elif patch.is_property_mock:
            if not _is_type(patch, test):
                message = f"the property {patch.name} is patched on {patch.owner}, an instance"
                yield "property-on-instance", line, message
        elif mocks.is_configuration(patch):
            yield "configuration-patched", line, f"{replaced} is configuration"
        elif is_attribute and replaced not in mocks.PROCESS and not mocks.boundary_of(patch, test.file, boundaries):
            yield "mock-not-at-boundary", line, f"{replaced} is neither model inference nor the network"


def _replaces(patched: str, target: str, test: BenchmarkTest) -> bool:
    """Return whether a patch replaces the target, in the module that defines it or in one that imports it."""
    if patched == target:
        return True
    imported = test.file.find(patched)
    replaced = imported[1] if imported else next(test.file.locate(patched), None)
    return replaced is not None and replaced == next(test.file.locate(target), None)


def _is_type(patch: Patch, test: BenchmarkTest) -> bool:
    """Return whether a patch's owner is a type: `type(x)`, `x.__class__`, or the name of a class."""
    if isinstance(patch.owner_node, ast.Call):
        return dotted_name(patch.owner_node.func) == "type"
    last, found = patch.owner.rpartition(".")[2], next(test.file.locate(patch.owner), None)
    is_class = found.definition.kind == "class" if found else last[:1].isupper() and not last.isupper()
    return is_class or last == "__class__"


def _of_replacements(test: BenchmarkTest, boundaries: frozenset[str]) -> Iterator[Violation]:
    for each in mocks.replacements(test, boundaries):
        line = getattr(each.node, "lineno", test.function.lineno)
        kind = "Mock" if each.is_object else mocks.returned_kind(each.node)
        real = each.real.returns if each.real and each.real.kind == "function" else ""
        if each.boundary and not mocks.allocates(each.node):
            message = f"{each.name} replaces code that allocates, but allocates nothing itself"
            yield "mock-allocates-nothing", line, message
        if kind == "Mock":
            yield "mock-wrong-type", line, f"{each.name} returns a Mock, which is no real type"
        elif not mocks.fits(kind, real):
            yield "mock-wrong-type", line, f"{each.name} returns {kind}, the real one {real}"


# -- what is measured ---------------------------------------------------------------------------------


def _of_calls(test: BenchmarkTest) -> Iterator[Violation]:
    functions = list(dict.fromkeys(call.target for call in test.calls if call.is_of_function))
    if len(functions) > 1:
        line = next(call.node.lineno for call in test.calls if call.target == functions[1])
        yield "several-functions", line, f"{', '.join(map(_last, functions))} are measured together"
    for measured in test.measured:
        yield from _of_setup(test, measured)
        if not test.is_whole:  # a whole test returns nothing, and changes only its own objects
            yield from _of_laziness(test, measured)
            yield from _of_changes(test, measured)


def _of_setup(test: BenchmarkTest, measured: MeasuredCode) -> Iterator[Violation]:
    subjects = {id(call.node) for call in test.calls}
    place = "within the test, all of which is measured" if test.is_whole else "within the measured call"
    for node in measured.nodes:
        if not isinstance(node, ast.Call) or id(node) in subjects:
            continue
        spelled, last = dotted_name(node.func), last_name(node)
        owner = spelled.partition(".")[0]
        lists = last == "list" and any(dotted_name(callee(each)) == "range" for each in node.args)
        if last in READING or (last in MAKING and owner in RANDOM) or lists:
            yield "setup-measured", node.lineno, f"`{_shortened(node)}` makes the input {place}"
        elif (last in PATCHERS or ".patch." in spelled) and owner in MOCKING:
            yield "setup-measured", node.lineno, f"`{_shortened(node)}` patches {place}"


def _of_laziness(test: BenchmarkTest, measured: MeasuredCode) -> Iterator[Violation]:
    results = _results(measured)
    for call in test.calls:
        unconsumed = not measured.body or any(node is call.node for node in results)
        if call.is_of_function and unconsumed and _is_generator(call):
            yield "lazy-result", call.node.lineno, f"{_last(call.target)} is a generator, and nothing consumes it"
    for node in results:
        if isinstance(node, ast.Call) and dotted_name(node.func) in LAZY:
            yield "lazy-result", node.lineno, f"`{_shortened(node)}` is not consumed"
        elif isinstance(node, ast.GeneratorExp):
            yield "lazy-result", node.lineno, "the generator expression is not consumed"


def _results(measured: MeasuredCode) -> list[ast.expr]:
    """Return the expressions that the measured code returns or discards."""
    if isinstance(measured.code, ast.Lambda):
        return [measured.code.body]
    return [node.value for node in measured.nodes if isinstance(node, ast.Return | ast.Expr) and node.value is not None]


def _is_generator(call: ProjectCall) -> bool:
    # Code of a Cython file may be none that Python can parse.
    node = next(iter(parse_or_empty(call.definition.definition.code.encode()).body), None)
    if not isinstance(node, Function) or not is_generator(node):
        return False
    return not any("contextmanager" in dotted_name(callee(each)) for each in node.decorator_list)


def _of_changes(test: BenchmarkTest, measured: MeasuredCode) -> Iterator[Violation]:
    own = names(measured.body, ast.Store)
    if isinstance(measured.code, Function | ast.Lambda):
        own |= set(parameter_names(measured.code.args))
    for node in measured.nodes:
        for changed in _changed_by(node):
            root = changed.partition(".")[0]
            if root not in own and root in test.variables:
                message = f"`{_shortened(node)}` changes {changed}, which exists before the rounds"
                yield "inputs-changed", getattr(node, "lineno", 1), message


def _changed_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr=method)) if method in MUTATING and not _restores(node):
            yield dotted_name(owner)
        case ast.Delete(targets=targets):
            yield from (dotted_name(target.value) for target in targets if isinstance(target, ast.Subscript))
        case ast.AugAssign(target=ast.Subscript(value=owner)):
            yield dotted_name(owner)


def _restores(call: ast.Call) -> bool:
    """Return whether a call is like `cache.pop(name, None)`, which restores the state that each round starts from."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "pop" and len(call.args) == 2


def restored(test: BenchmarkTest) -> set[str]:
    """Return the names of the objects whose state each round restores."""
    calls = (node for measured in test.measured for node in measured.nodes if isinstance(node, ast.Call))
    return {dotted_name(call.func).rpartition(".")[0] for call in calls if _restores(call)}


def _last(target: str) -> str:
    return target.rpartition(":")[2].rpartition(".")[2]


def _shortened(node: ast.AST) -> str:
    code = ast.unparse(node)
    return code if len(code) <= 60 else f"{code[:57]}..."
