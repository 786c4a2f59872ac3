"""Hold a benchmark file against the rules by reading it alone."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ...project.code.imported_names import short_name
from ...project.pytest_config import PYTHON_FILES, is_test_file
from ...project.syntax import Function, dotted_name
from ..benchmark_file import PATCHERS
from . import mocks

if TYPE_CHECKING:
    from ...project.code.sources import LocatedDefinition
    from ..benchmark_file import BenchmarkFile, BenchmarkTest, MeasuredCode, Patch, ProjectCall

READING: Final = frozenset(
    {"open", "read_text", "read_bytes", "load", "loads", "imread", "read_csv", "read_parquet", "read_json", "deepcopy"},
)
MAKING: Final = frozenset(
    {
        "rand", "randn", "randint", "integers", "normal", "uniform", "choices", "sample", "shuffle", "arange", "linspace", "zeros", "ones",
        "full", "default_rng", "make_blobs", "make_classification",
    },
)  # fmt: skip
MAKERS: Final = frozenset({"np", "numpy", "random", "rng", "torch", "string"})
CHANGING: Final = frozenset(
    {
        "append",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "clear",
        "sort",
        "reverse",
        "add",
        "discard",
        "setdefault",
    },
)
PATCHING: Final = frozenset({"mock", "patch", "mocker", "monkeypatch"})
LAZY: Final = frozenset({"map", "filter", "zip", "enumerate", "iter", "reversed"})


class Finding(NamedTuple):
    """What breaks a rule: the rule's name, the line, the test ("" for the file), and what was found there."""

    rule: str
    line: int
    test: str
    found: str


class LintContext(NamedTuple):
    """What is known of a benchmark beside its text.

    `target` is the function under test as `module:Qualified.name`, "" where only the file tells it; `root` the project's
    benchmarks root, None where none is known; `boundaries` are packages that a mock may stand for beside the table's.
    """

    target: str = ""
    root: str | None = None
    boundaries: frozenset[str] = frozenset()
    recorded: float = 0.0
    python_files: tuple[str, ...] = PYTHON_FILES


def findings(file: BenchmarkFile, expected: LintContext) -> list[Finding]:
    """Return what breaks the rules, in the order of lines."""
    found = [*_about_file(file, expected)]
    for test in file.tests:
        subject = subject_of(test, expected)
        found += _about_marker(test)
        found += _about_patches(test, subject, expected)
        found += _about_standins(test, expected)
        found += _about_calls(test)
        found += _about_name(file, test, subject)
    return sorted(set(found), key=lambda finding: (finding.line, finding.rule, finding.found))


def subject_of(test: BenchmarkTest, expected: LintContext) -> str:
    """Return the function under test: the one expected where the test calls it, the one that it calls, or that it is named after."""
    called = [each.target for each in test.calls if each.is_of_function]
    if expected.target and (expected.target in called or not called):
        return expected.target
    named = [
        target
        for target in called
        if re.search(rf"(^|_){re.escape(short_name(target))}(_|$)", test.name, re.IGNORECASE)
    ]
    return next(iter([*named, *called]), "")


# -- name and place -----------------------------------------------------------------------------------


def _about_file(file: BenchmarkFile, expected: LintContext) -> Iterator[Finding]:
    if not file.tests:
        yield Finding("no-benchmark", 1, "", "no test takes the `benchmark` fixture and calls it")
        return
    folder = posixpath.dirname(file.path)
    if expected.root is not None and folder != expected.root and not folder.startswith(f"{expected.root}/".lstrip("/")):
        root = expected.root or "the top folder"
        yield Finding("wrong-place", 1, "", f"it is in {folder or 'the top folder'}, the benchmarks root is {root}")
    name = posixpath.basename(file.path)
    if not is_test_file(file.path, expected.python_files):
        patterns = " ".join(expected.python_files)
        yield Finding("wrong-name", 1, "", f"pytest does not collect {name} (python_files: {patterns})")


def _about_marker(test: BenchmarkTest) -> Iterator[Finding]:
    if test.is_whole and not test.file.uses_codspeed:
        told = "it has a marker and not the fixture `benchmark`: pytest-benchmark measures nothing of it"
        yield Finding(
            "no-benchmark",
            test.function.lineno,
            test.name,
            f"{told}, prprep and pytest-codspeed all of it, setup included",
        )


def _about_name(file: BenchmarkFile, test: BenchmarkTest, subject: str) -> Iterator[Finding]:
    if not subject or len(file.tests) > 1 or not posixpath.basename(file.path).startswith("test_benchmark_"):
        return  # the file follows a naming of its own, or is for several cases
    name = short_name(subject).strip("_")
    if name.lower().replace("_", "") not in test.name.lower().replace("_", ""):
        yield Finding(
            "wrong-name",
            test.function.lineno,
            test.name,
            f"it measures {_last(subject)}: test_benchmark_{name} would say so",
        )


# -- patches ------------------------------------------------------------------------------------------


def _about_patches(test: BenchmarkTest, subject: str, expected: LintContext) -> Iterator[Finding]:
    target = subject.replace(":", ".")
    for patch in test.patches:
        line = patch.line
        if patch.kind == "attribute" and subject and _is_target(patch.replaced, target, test):
            yield Finding("target-patched", line, test.name, f"{patch.replaced} is the function under test")
        elif patch.is_property_mock:
            if not _on_type(patch.owner, patch.owner_node, test):
                told = f"the property {patch.name} is patched on {patch.owner}, an instance"
                yield Finding("property-on-instance", line, test.name, told)
        elif mocks.is_configuration(patch):
            yield Finding("configuration-patched", line, test.name, f"{patch.replaced} is configuration")
        elif _is_elsewhere(patch, test, expected):
            yield Finding(
                "mock-not-at-boundary", line, test.name, f"{patch.replaced} is neither model inference nor the network"
            )


def _is_elsewhere(patch: Patch, test: BenchmarkTest, expected: LintContext) -> bool:
    """Return whether code is replaced that is neither at a boundary nor something of the process's own."""
    if patch.kind != "attribute" or patch.replaced in mocks.PROCESS:
        return False
    return not mocks.boundary_of(patch, test.file, expected.boundaries)


def _is_target(patched: str, target: str, test: BenchmarkTest) -> bool:
    """Return whether the target itself is replaced: where it is defined, or where the benchmark takes it from."""
    if patched == target:
        return True
    found = test.file.find(patched) or _sought(patched, test)
    known = test.file.sources.try_find(":".join(_split(target, test)))
    return bool(found and known and (found[1].path, found[1].definition.name) == (known.path, known.definition.name))


def _sought(spelled: str, test: BenchmarkTest) -> tuple[str, LocatedDefinition] | None:
    parts = spelled.split(".")
    for count in range(len(parts) - 1, 0, -1):
        target = f"{'.'.join(parts[:count])}:{'.'.join(parts[count:])}"
        if found := test.file.sources.try_find(target):
            return target, found
    return None


def _split(target: str, test: BenchmarkTest) -> tuple[str, str]:
    found = _sought(target, test)
    module, _, name = (found[0] if found else target).partition(":")
    return module, name


def _on_type(owner: str, node: ast.expr | None, test: BenchmarkTest) -> bool:
    """Tell a type from an instance: `type(x)`, `x.__class__`, or a name that is a class."""
    if isinstance(node, ast.Call):
        return bool(dotted_name(node.func) == "type")
    last = owner.rpartition(".")[2]
    if last == "__class__":
        return True
    found = _sought(owner, test)
    if found:
        return found[1].definition.kind == "class"
    return last[:1].isupper() and not last.isupper()


# -- stand-ins ----------------------------------------------------------------------------------------


def _about_standins(test: BenchmarkTest, expected: LintContext) -> Iterator[Finding]:
    for each in mocks.standins(test, expected.boundaries):
        line = int(getattr(each.node, "lineno", test.function.lineno))
        kind = "Mock" if each.is_object else mocks.returned_kind(each.node)
        wanted = each.real.returns if each.real and each.real.kind == "function" else ""
        if each.at_boundary and not mocks.allocates(each.node):
            yield Finding(
                "mock-allocates-nothing",
                line,
                test.name,
                f"{each.name} stands for what allocates, and allocates nothing itself",
            )
        if kind == "Mock":
            yield Finding("mock-wrong-type", line, test.name, f"{each.name} returns a Mock, which is no real type")
        elif not mocks.fits(kind, wanted):
            yield Finding("mock-wrong-type", line, test.name, f"{each.name} returns {kind}, the real one {wanted}")


# -- what is measured ---------------------------------------------------------------------------------


def _about_calls(test: BenchmarkTest) -> Iterator[Finding]:
    functions = list(dict.fromkeys(each.target for each in test.calls if each.is_of_function))
    if len(functions) > 1:
        line = next(each.node.lineno for each in test.calls if each.target == functions[1])
        yield Finding("several-functions", line, test.name, f"{', '.join(map(_last, functions))} are measured together")
    for measured in test.measured:
        yield from _about_setup(test, measured)
        if test.is_whole:
            continue  # what it returns is nothing, and what it changes is its own
        yield from _about_laziness(test, measured)
        yield from _about_changes(test, measured)


def _about_setup(test: BenchmarkTest, measured: MeasuredCode) -> Iterator[Finding]:
    subjects = {id(each.node) for each in test.calls}
    place = "within the test, all of which its marker has measured" if test.is_whole else "within the measured call"
    for node in (node for part in measured.body for node in ast.walk(part)):
        if not isinstance(node, ast.Call) or id(node) in subjects:
            continue
        spelled = dotted_name(node.func)
        last = spelled.rpartition(".")[2] if spelled else getattr(node.func, "attr", "")
        owner = spelled.partition(".")[0]
        makes = last in MAKING and owner in {"np", "numpy", "random", "rng", "torch", "string"}
        if last in READING or makes or (last == "list" and _is_range(node)):
            yield Finding("setup-measured", node.lineno, test.name, f"`{_shortened(node)}` makes the input {place}")
        elif (last in PATCHERS or ".patch." in spelled) and owner in PATCHING:
            yield Finding("setup-measured", node.lineno, test.name, f"`{_shortened(node)}` patches {place}")


def _is_range(node: ast.Call) -> bool:
    return bool(node.args) and isinstance(node.args[0], ast.Call) and dotted_name(node.args[0].func) == "range"


def _about_laziness(test: BenchmarkTest, measured: MeasuredCode) -> Iterator[Finding]:
    for each in test.calls:
        if each.is_of_function and _yields(each) and _is_idle(each.node, measured):
            yield Finding(
                "lazy-result",
                each.node.lineno,
                test.name,
                f"{_last(each.target)} is a generator, and nothing consumes it",
            )
    for node in _given(measured):
        if isinstance(node, ast.Call) and dotted_name(node.func) in LAZY:
            yield Finding("lazy-result", node.lineno, test.name, f"`{_shortened(node)}` is made and not consumed")
        elif isinstance(node, ast.GeneratorExp):
            yield Finding("lazy-result", node.lineno, test.name, "the generator expression is made and not consumed")


def _given(measured: MeasuredCode) -> list[ast.expr]:
    """Return what the measured code returns, or leaves as it is."""
    if isinstance(measured.code, ast.Lambda):
        return [measured.code.body]
    inner = [each for part in measured.body for each in ast.walk(part)]
    return [each.value for each in inner if isinstance(each, ast.Return | ast.Expr) and each.value is not None]


def _is_idle(call: ast.Call, measured: MeasuredCode) -> bool:
    return not measured.body or any(node is call for node in _given(measured))


def _yields(called: ProjectCall) -> bool:
    waiting = list(ast.iter_child_nodes(_definition_node(called)))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return False


def _definition_node(called: ProjectCall) -> ast.AST:
    definition = called.definition.definition
    body = ast.parse(definition.code).body if definition.code else []
    if not body or not isinstance(body[0], Function):
        return ast.Pass()
    return ast.Pass() if any("contextmanager" in dotted_name(each) for each in body[0].decorator_list) else body[0]


def _about_changes(test: BenchmarkTest, measured: MeasuredCode) -> Iterator[Finding]:
    own = _bound_within(measured)
    for node in (node for part in measured.body for node in ast.walk(part) if isinstance(node, ast.expr | ast.stmt)):
        for changed in _changed_by(node):
            root = changed.partition(".")[0]
            if root not in own and root in test.variables:
                told = f"`{_shortened(node)}` changes {changed}, which was made before the rounds"
                yield Finding("inputs-changed", node.lineno, test.name, told)


def _changed_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        if not _restores(node):
            yield dotted_name(node.func.value)
    elif isinstance(node, ast.Delete | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Delete) else [node.target]
        yield from (dotted_name(target.value) for target in targets if isinstance(target, ast.Subscript))


def _restores(call: ast.Call) -> bool:
    """Tell `cache.pop(name, None)`, which brings back the state from which every round is to begin."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "pop" and len(call.args) == 2


def restored(test: BenchmarkTest) -> set[str]:
    """Return the names of what every round brings back to the state that it begins from."""
    nodes = (node for measured in test.measured for part in measured.body for node in ast.walk(part))
    return {
        dotted_name(node.func).rpartition(".")[0] for node in nodes if isinstance(node, ast.Call) and _restores(node)
    }


def _bound_within(measured: MeasuredCode) -> set[str]:
    bound = {
        node.id
        for part in measured.body
        for node in ast.walk(part)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    if isinstance(measured.code, Function | ast.Lambda):
        arguments = measured.code.args
        bound |= {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    return bound


def _last(target: str) -> str:
    return target.rpartition(":")[2].rpartition(".")[2]


def _shortened(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."
