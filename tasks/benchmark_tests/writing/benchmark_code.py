"""Write a benchmark test from the manifest's code, from the function's signature, or from other parts."""

import ast
import builtins
import posixpath
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ...artifacts import Detection
from ...errors import SourceError, TemplateError
from ...manifest.model import BenchmarkCode
from ...project.code.imported_names import short_name
from ...project.files import TreeReader
from ...project.pytest_naming import naming_for
from ...project.syntax import bound_names, indented, last_name, names
from ...text.templating import fill
from .recorded_code import EACH_ITEM, SPACES, WIDTH, assigned
from .signatures import Call, call_of

CPU, MEMORY, ASYNC, STRUCT = (f"benchmark_{kind}.py.j2" for kind in ("cpu", "mem", "async", "struct"))
TEMPLATES = (CPU, MEMORY, ASYNC, STRUCT)
GAP_MARK = 'pytest.fail("TODO: fill in'


@dataclass(frozen=True, slots=True)
class WrittenBenchmark:
    """The text of a benchmark test; `made_from` is its source, `data` the files that it reads, by name."""

    text: str
    made_from: Literal["manifest", "recorded", "test", "signature", "gap"]
    data: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BenchmarkParts:
    """What fills the template."""

    imports: tuple[str, ...]
    setup: str
    expression: str
    gap: str = ""
    recorded: str = ""
    definitions: tuple[str, ...] = ()
    is_async: bool = False
    fixtures: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    timed: str = "one call"
    """What is timed, for the test's docstring."""
    function: str = ""
    """What the test is named after, if not the target."""
    direct: str | None = None
    """The lines that pass the call to the fixture, if they do not follow from the expression."""


def gap_line(text: str) -> int:
    """Return the 1-based line that a person has to fill in, 0 if there is none."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if GAP_MARK in line), 0)


def from_manifest(
    code: BenchmarkCode, detection: Detection, *, path: str, source: bytes | None, templates: Path | None
) -> WrittenBenchmark:
    """Write the benchmark of the manifest's `setup` and `call`; raise SourceError if they are not valid Python."""
    setup, call, statements, expression = _parsed(code, detection)
    imports, rest = _lifted(setup, statements)
    own = _own_import(detection, names([expression, *statements]) - bound_names(statements))
    known, nodes = _signature(detection, source), ast.walk(expression)
    awaits = any(isinstance(node, ast.Await | ast.AsyncFor) or getattr(node, "is_async", 0) for node in nodes)
    if known.is_async and not awaits and _calls(expression, known):
        is_generator = known.expression.startswith(EACH_ITEM)
        call, awaits = f"{EACH_ITEM}{call}]" if is_generator else f"await {call}", True
    parts = BenchmarkParts(imports=(*imports, *own), setup=indented(rest), expression=call, is_async=awaits)
    if caller := _caller(expression, detection):
        parts = replace(parts, function=short_name(caller), timed=f"a call of {caller}, a caller")
    return WrittenBenchmark(text_of(parts, detection, path=path, templates=templates), "manifest")


def named_after(name: str, code: BenchmarkCode, detection: Detection, *, source: bytes | None) -> Detection:
    """Return the detection for the manifest's code as a benchmark of several heads, whatever each of them changed.

    It is that of the item if the code would not work without its target.
    """
    _, _, statements, expression = _parsed(code, detection)
    own = _own_import(detection, names([expression, *statements]) - bound_names(statements))
    if own or _signature(detection, source).is_async:
        return detection
    return detection.model_copy(update={"item": name, "target": None})


def _parsed(code: BenchmarkCode, detection: Detection) -> tuple[str, str, list[ast.stmt], ast.expr]:
    """Return the text of `setup` and `call`, and what they are parsed into."""
    where = f"{detection.item}: benchmark"
    setup, call = textwrap.dedent(code.setup).strip("\n"), textwrap.dedent(code.call).strip()
    return setup, call, _statements(setup, f"{where}.setup"), _expression(call, f"{where}.call")


def from_signature(
    detection: Detection,
    *,
    path: str,
    source: bytes | None,
    templates: Path | None,
    learned: Mapping[str, str] | None = None,
) -> WrittenBenchmark:
    """Write a benchmark of an import or of a function without parameters; else one with a gap to fill in.

    `learned` describes recorded arguments, by parameter, that cannot be written as code.
    """
    if _is_import(detection):
        text = text_of(BenchmarkParts((), "", ""), detection, path=path, templates=templates)
        return WrittenBenchmark(text, "signature")
    call = _signature(detection, source)
    lines = [assigned(*line.split(" = ", 1)) for line in call.setup]
    gap = ""
    if call.gap:
        variables = ", ".join(call.unknown)
        line = f'{SPACES}{variables + " = " if variables else ""}{GAP_MARK} {variables or "the call"}")'
        lines.append(line.strip() if len(line) <= WIDTH else f'{variables} = {GAP_MARK} the arguments")')
        arguments = "; ".join(f"{name} was {description}" for name, description in (learned or {}).items())
        gap = f"{call.gap}. In recorded calls {arguments}" if arguments else call.gap
    parts = BenchmarkParts(
        imports=_own_import(detection, {call.name}),
        setup=textwrap.indent("\n".join(lines), SPACES),
        expression=call.expression or (f"{'await ' if call.is_async else ''}{call.name}()" if call.name else "..."),
        gap=gap,
        is_async=call.is_async,
    )
    text = text_of(parts, detection, path=path, templates=templates)
    return WrittenBenchmark(text, "gap" if gap else "signature")


def benchmark_path(detection: Detection, tree: TreeReader) -> str:
    """Return where a benchmark of the target belongs, by a name that pytest collects there."""
    stem = f"benchmark_{short_name(detection.target or detection.function)}"
    root = detection.layout.benchmarks_root
    return naming_for(tree, posixpath.join(root, "x.py")).file(root, stem)


def text_of(parts: BenchmarkParts, detection: Detection, *, path: str, templates: Path | None) -> str:
    """Fill the template of the domain; raise TemplateError if a user's own template does not make valid Python."""
    if not parts.expression:
        name = STRUCT
    elif parts.is_async:
        name = ASYNC
    else:
        name = MEMORY if detection.domain.domains[:1] == ("mem",) else CPU
    target = detection.target or detection.item
    values = {
        "item": detection.item,
        "target": target,
        "module": target.partition(":")[0],
        "name": target.partition(":")[2] or target,
        "function": parts.function or short_name(detection.target or detection.function),
        "path": path.replace("\\", "\\\\").replace('"', '\\"'),
        "imports": parts.imports,
        "definitions": "\n".join(parts.definitions).strip("\n"),
        "setup": parts.setup,
        "direct": _direct(parts.expression) if parts.direct is None else parts.direct,
        "returned": _returned(parts.expression),
        "decorators": parts.decorators,
        "timed": parts.timed,
        "fixtures": "".join(f", {name}" for name in parts.fixtures),
        "recorded": parts.recorded,
        "gap": " ".join(parts.gap.split()),
        "gap_comment": _comment(f"Fill in arguments of realistic size: {' '.join(parts.gap.split())}."),
    }
    text = fill(name, values, templates)
    try:
        ast.parse(text)
    except SyntaxError as error:
        what = f"this template does not make valid Python: {error.msg} in line {error.lineno}"
        raise TemplateError(what, where=name) from None
    return text


def _comment(text: str) -> str:
    prefix = f"{SPACES}# "
    lines = textwrap.wrap(text, WIDTH - len(prefix), break_long_words=False, break_on_hyphens=False)
    return textwrap.indent("\n".join(lines), prefix)


def _is_import(detection: Detection) -> bool:
    """Return whether an import was optimized: the target is a module, or the first domain is structure."""
    target = detection.target or ""
    return bool(target) and (":" not in target or detection.domain.domains[:1] == ("struct",))


def _signature(detection: Detection, source: bytes | None) -> Call:
    module, _, name = (detection.target or "").partition(":")
    if not name:
        return Call(gap="a call of the function that was optimized")
    if source is None:
        return Call(name.partition(".")[0], gap=f"a call of {name}, whose definition was not found in {module}")
    return call_of(source, name, path=module)


def _own_import(detection: Detection, unbound: set[str]) -> tuple[str, ...]:
    """Import the function under test, or its class, if it is among the unbound names that the code uses."""
    module, _, name = (detection.target or "").partition(":")
    top = name.partition(".")[0].partition("#")[0]
    if not top or top not in unbound:
        return ()
    line = f"from {module} import {top}"
    return (line,) if len(line) <= WIDTH else (f"from {module} import (", f"{SPACES}{top},", ")")


def _statements(code: str, where: str) -> list[ast.stmt]:
    try:
        tree = ast.parse(code)
        # Parsing alone accepts `return` and `await` outside a function.
        compile(tree, "<benchmark>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise _not_python(error, where) from None
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            what, hint = "setup cannot import from __future__", "leave that line out"
            raise SourceError(what, where=f"{where}, line {node.lineno}", hint=hint)
    return tree.body


def _expression(code: str, where: str) -> ast.expr:
    try:
        return ast.parse(f"(\n{code}\n)", mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise _not_python(error, where, shift=1, wanted="one expression") from None


def _not_python(
    error: SyntaxError | ValueError, where: str, *, shift: int = 0, wanted: str = "valid Python"
) -> SourceError:
    code = f": {error.text.strip()}" if isinstance(error, SyntaxError) and error.text else ""
    what = f"this is not {wanted} ({getattr(error, 'msg', error)}){code}"
    if line := getattr(error, "lineno", None):
        where = f"{where}, line {line - shift}"
    return SourceError(what, where=where, hint="correct it in the manifest")


def _lifted(code: str, statements: Sequence[ast.stmt]) -> tuple[tuple[str, ...], str]:
    """Separate the top-level imports, which go to the top of the file, from the rest."""
    if len({statement.lineno for statement in statements}) < len(statements):
        return (), code
    imports = [statement for statement in statements if isinstance(statement, ast.Import | ast.ImportFrom)]
    taken = {number for node in imports for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    lines = list(enumerate(code.splitlines(), 1))
    rest = "\n".join(line for number, line in lines if number not in taken).strip("\n")
    return tuple(line for number, line in lines if number in taken), rest


def _calls(expression: ast.expr, known: Call) -> bool:
    """Return whether the expression is a call of the optimized coroutine."""
    spelled = (known.expression or known.name).removeprefix("await ").removeprefix(EACH_ITEM)
    last = spelled.partition("(")[0].rpartition(".")[2]
    return isinstance(expression, ast.Call) and last_name(expression) == last


def _caller(expression: ast.expr, detection: Detection) -> str:
    """Return the name of the function that the expression calls instead of the target; "" if there is none."""
    target = (detection.target or "").partition(":")[2].split(".")
    calls = [node for node in ast.walk(expression) if isinstance(node, ast.Call)]
    if not isinstance(expression, ast.Call) or {last_name(node) for node in calls} & {target[-1], target[0]}:
        return ""
    called = last_name(expression) or ""
    is_special = target[-1].startswith("__") or hasattr(builtins, called)
    return "" if is_special or target == [""] else called


def _direct(expression: str) -> str:
    """Pass function and arguments to `benchmark` if the call has names alone, so that no wrapper is timed."""
    if not expression:
        return ""
    call = ast.parse(f"({expression}\n)", mode="eval").body
    if not isinstance(call, ast.Call) or not _is_plain(call.func):
        return ""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    if not all(map(_is_plain, values)) or any(keyword.arg is None for keyword in call.keywords):
        return ""
    arguments = [ast.unparse(node) for node in (call.func, *call.args, *call.keywords)]
    # As ruff formats it: on one line, the arguments on one line, or each on its own.
    line = f"{SPACES}benchmark({', '.join(arguments)})"
    if len(line) <= WIDTH:
        return line
    inner = SPACES * 2 + ", ".join(arguments)
    body = inner if len(inner) <= WIDTH else "\n".join(f"{SPACES * 2}{argument}," for argument in arguments)
    return f"{SPACES}benchmark(\n{body}\n{SPACES})"


def _is_plain(node: ast.expr) -> bool:
    """Return whether it makes no difference how often an expression is evaluated: a dotted name or a number."""
    if isinstance(node, ast.Attribute):
        return _is_plain(node.value)
    return isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and not isinstance(node.value, str | bytes))


def _returned(expression: str) -> str:
    if "\n" not in expression:
        return f"{SPACES * 2}return {expression}" if expression else ""
    inner = indented(f"(\n{expression}\n)", SPACES * 3).splitlines()[1:-1]
    return "\n".join([f"{SPACES * 2}return (", *inner, f"{SPACES * 2})"])
