"""Check a benchmark file against the rules by reading it."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from ...project.code.imported_names import short_name
from ...project.code.sources import LocatedDefinition
from ...project.pytest_config import PYTHON_FILES, is_test_file
from ...project.syntax import Function, callee, dotted_name, is_generator, names, parameter_names
from ..benchmark_file import PATCHERS, BenchmarkFile, BenchmarkTest, MeasuredCode, Patch, ProjectCall
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
    python_files: tuple[str, ...] = PYTHON_FILES


def findings(file: BenchmarkFile, context: LintContext) -> list[Finding]:
    """Return the violations, by line."""
    violations = [*_of_file(file, context)]
    for test in file.tests:
        subject = subject_of(test, context)
        violations += _of_marker(test)
        violations += _of_patches(test, subject, context)
        violations += _of_replacements(test, context)
        violations += _of_calls(test)
        violations += _of_name(file, test, subject)
    return sorted(set(violations), key=lambda finding: (finding.line, finding.rule, finding.message))


def subject_of(test: BenchmarkTest, context: LintContext) -> str:
    """Return the function under test: the expected one, else a called one in the test's name, else the first call."""
    called = [call.target for call in test.calls if call.is_of_function]
    if context.target and (context.target in called or not called):
        return context.target
    word = r"(^|_){}(_|$)".format
    named = [each for each in called if re.search(word(re.escape(short_name(each))), test.name, re.IGNORECASE)]
    return next(iter([*named, *called]), "")


# -- name and place -----------------------------------------------------------------------------------


def _of_file(file: BenchmarkFile, context: LintContext) -> Iterator[Finding]:
    if not file.tests:
        yield Finding("no-benchmark", 1, "", "no test takes the `benchmark` fixture and calls it")
        return
    folder, name = posixpath.split(file.path)
    root = context.root
    if root is not None and folder != root and not folder.startswith(f"{root}/".lstrip("/")):
        top = "the top folder"
        yield Finding("wrong-place", 1, "", f"it is in {folder or top}, the benchmarks root is {root or top}")
    if not is_test_file(file.path, context.python_files):
        patterns = " ".join(context.python_files)
        yield Finding("wrong-name", 1, "", f"pytest does not collect {name} (python_files: {patterns})")


def _of_marker(test: BenchmarkTest) -> Iterator[Finding]:
    if test.is_whole and not test.file.uses_codspeed:
        message = (
            "it has a marker but not the `benchmark` fixture: pytest-benchmark does not measure it, prprep and "
            "pytest-codspeed measure all of it, setup included"
        )
        yield Finding("no-benchmark", test.function.lineno, test.name, message)


def _of_name(file: BenchmarkFile, test: BenchmarkTest, subject: str) -> Iterator[Finding]:
    if not subject or len(file.tests) > 1 or not posixpath.basename(file.path).startswith("test_benchmark_"):
        return  # the project has names of its own, or the file has several cases
    name = short_name(subject).strip("_")
    if name.lower().replace("_", "") not in test.name.lower().replace("_", ""):
        message = f"it measures {_last(subject)}: test_benchmark_{name} would say so"
        yield Finding("wrong-name", test.function.lineno, test.name, message)


# -- patches ------------------------------------------------------------------------------------------


def _of_patches(test: BenchmarkTest, subject: str, context: LintContext) -> Iterator[Finding]:
    for patch in test.patches:
        is_attribute = patch.kind == "attribute"
        rule = message = ""
        if is_attribute and subject and _replaces(patch.replaced, subject.replace(":", "."), test):
            rule, message = "target-patched", f"{patch.replaced} is the function under test"
        elif patch.is_property_mock:
            if not _is_type(patch, test):
                rule = "property-on-instance"
                message = f"the property {patch.name} is patched on {patch.owner}, an instance"
        elif mocks.is_configuration(patch):
            rule, message = "configuration-patched", f"{patch.replaced} is configuration"
        elif is_attribute and _is_inside(patch, test, context):
            rule, message = "mock-not-at-boundary", f"{patch.replaced} is neither model inference nor the network"
        if rule:
            yield Finding(rule, patch.line, test.name, message)


def _is_inside(patch: Patch, test: BenchmarkTest, context: LintContext) -> bool:
    """Return whether a patch replaces code that is neither at a boundary nor part of the process."""
    return patch.replaced not in mocks.PROCESS and not mocks.boundary_of(patch, test.file, context.boundaries)


def _replaces(patched: str, target: str, test: BenchmarkTest) -> bool:
    """Return whether a patch replaces the target, in the module that defines it or in one that imports it."""
    if patched == target:
        return True
    imported = test.file.find(patched)
    replaced = imported[1] if imported else _located(patched, test)
    return replaced is not None and _key(replaced) == _key(_located(target, test))


def _key(located: LocatedDefinition | None) -> tuple[str, str] | None:
    return (located.path, located.definition.name) if located else None


def _located(spelled: str, test: BenchmarkTest) -> LocatedDefinition | None:
    """Find the definition of a dotted name, wherever in it the module ends."""
    parts = spelled.split(".")
    targets = (f"{'.'.join(parts[:count])}:{'.'.join(parts[count:])}" for count in range(len(parts) - 1, 0, -1))
    return next(filter(None, map(test.file.sources.try_find, targets)), None)


def _is_type(patch: Patch, test: BenchmarkTest) -> bool:
    """Return whether a patch's owner is a type: `type(x)`, `x.__class__`, or the name of a class."""
    if isinstance(patch.owner_node, ast.Call):
        return dotted_name(patch.owner_node.func) == "type"
    last = patch.owner.rpartition(".")[2]
    if last == "__class__":
        return True
    if found := _located(patch.owner, test):
        return found.definition.kind == "class"
    return last[:1].isupper() and not last.isupper()


def _of_replacements(test: BenchmarkTest, context: LintContext) -> Iterator[Finding]:
    for each in mocks.replacements(test, context.boundaries):
        line = int(getattr(each.node, "lineno", test.function.lineno))
        kind = "Mock" if each.is_object else mocks.returned_kind(each.node)
        real = each.real.returns if each.real and each.real.kind == "function" else ""
        if each.boundary and not mocks.allocates(each.node):
            message = f"{each.name} replaces code that allocates, but allocates nothing itself"
            yield Finding("mock-allocates-nothing", line, test.name, message)
        if kind == "Mock":
            yield Finding("mock-wrong-type", line, test.name, f"{each.name} returns a Mock, which is no real type")
        elif not mocks.fits(kind, real):
            yield Finding("mock-wrong-type", line, test.name, f"{each.name} returns {kind}, the real one {real}")


# -- what is measured ---------------------------------------------------------------------------------


def _of_calls(test: BenchmarkTest) -> Iterator[Finding]:
    functions = list(dict.fromkeys(call.target for call in test.calls if call.is_of_function))
    if len(functions) > 1:
        line = next(call.node.lineno for call in test.calls if call.target == functions[1])
        yield Finding("several-functions", line, test.name, f"{', '.join(map(_last, functions))} are measured together")
    for measured in test.measured:
        yield from _of_setup(test, measured)
        if not test.is_whole:  # a whole test returns nothing, and changes only its own objects
            yield from _of_laziness(test, measured)
            yield from _of_changes(test, measured)


def _of_setup(test: BenchmarkTest, measured: MeasuredCode) -> Iterator[Finding]:
    subjects = {id(call.node) for call in test.calls}
    place = "within the test, all of which is measured" if test.is_whole else "within the measured call"
    for node in measured.nodes:
        if not isinstance(node, ast.Call) or id(node) in subjects:
            continue
        spelled = dotted_name(node.func)
        last = spelled.rpartition(".")[2] if spelled else getattr(node.func, "attr", "")
        owner = spelled.partition(".")[0]
        lists = last == "list" and any(
            isinstance(each, ast.Call) and dotted_name(each.func) == "range" for each in node.args
        )
        if last in READING or (last in MAKING and owner in RANDOM) or lists:
            yield Finding("setup-measured", node.lineno, test.name, f"`{_shortened(node)}` makes the input {place}")
        elif (last in PATCHERS or ".patch." in spelled) and owner in MOCKING:
            yield Finding("setup-measured", node.lineno, test.name, f"`{_shortened(node)}` patches {place}")


def _of_laziness(test: BenchmarkTest, measured: MeasuredCode) -> Iterator[Finding]:
    results = _results(measured)
    for call in test.calls:
        unconsumed = not measured.body or any(node is call.node for node in results)
        if call.is_of_function and unconsumed and _is_generator(call):
            message = f"{_last(call.target)} is a generator, and nothing consumes it"
            yield Finding("lazy-result", call.node.lineno, test.name, message)
    for node in results:
        if isinstance(node, ast.Call) and dotted_name(node.func) in LAZY:
            yield Finding("lazy-result", node.lineno, test.name, f"`{_shortened(node)}` is not consumed")
        elif isinstance(node, ast.GeneratorExp):
            yield Finding("lazy-result", node.lineno, test.name, "the generator expression is not consumed")


def _results(measured: MeasuredCode) -> list[ast.expr]:
    """Return the expressions that the measured code returns or discards."""
    if isinstance(measured.code, ast.Lambda):
        return [measured.code.body]
    return [node.value for node in measured.nodes if isinstance(node, ast.Return | ast.Expr) and node.value is not None]


def _is_generator(call: ProjectCall) -> bool:
    body = ast.parse(call.definition.definition.code).body
    if not body or not isinstance(body[0], Function):
        return False
    is_context_manager = any("contextmanager" in dotted_name(callee(each)) for each in body[0].decorator_list)
    return not is_context_manager and is_generator(body[0])


def _of_changes(test: BenchmarkTest, measured: MeasuredCode) -> Iterator[Finding]:
    own = names(measured.body, ast.Store)
    if isinstance(measured.code, Function | ast.Lambda):
        own |= set(parameter_names(measured.code.args))
    for node in measured.nodes:
        for changed in _changed_by(node):
            root = changed.partition(".")[0]
            if root not in own and root in test.variables:
                message = f"`{_shortened(node)}` changes {changed}, which exists before the rounds"
                yield Finding("inputs-changed", int(getattr(node, "lineno", 1)), test.name, message)


def _changed_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATING:
        if not _restores(node):
            yield dotted_name(node.func.value)
    elif isinstance(node, ast.Delete | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Delete) else [node.target]
        yield from (dotted_name(target.value) for target in targets if isinstance(target, ast.Subscript))


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
