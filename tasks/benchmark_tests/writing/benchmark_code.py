"""Write a benchmark test: from the manifest's code, from the function's signature, or from other parts."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...errors import SourceError, TemplateError
from ...project.code.imported_names import short_name
from .recorded_code import SPACES, WIDTH, assigned
from .sample_values import SIZE
from .signatures import Call, call_of

if TYPE_CHECKING:
    from ...artifacts import Detection
    from ...manifest.model import BenchmarkCode

CPU, MEMORY, ASYNC, STRUCT = (
    "benchmark_cpu.py.j2",
    "benchmark_mem.py.j2",
    "benchmark_async.py.j2",
    "benchmark_struct.py.j2",
)
TEMPLATES = (CPU, MEMORY, ASYNC, STRUCT)
GAP_MARK = 'pytest.fail("TODO: fill in'


@dataclass(frozen=True, slots=True)
class WrittenBenchmark:
    """The text of a benchmark test, and what it was made from."""

    text: str
    made_from: Literal["manifest", "recorded", "signature", "gap"]
    review: str = ""
    """What somebody should look at who knows the function."""
    data: Mapping[str, bytes] = field(default_factory=dict)
    """Files that it reads, beside it."""


@dataclass(frozen=True, slots=True)
class BenchmarkParts:
    """What differs between one benchmark and the next."""

    imports: tuple[str, ...]
    setup: str
    expression: str
    gap: str = ""
    made_up: str = ""
    recorded: str = ""
    definitions: tuple[str, ...] = ()
    is_async: bool = False
    fixtures: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    timed: str = "one call"
    """What is timed, in the words of the test's docstring."""
    direct: str | None = None
    """The lines that hand the call to the fixture, where the expression alone does not tell them."""


def gap_line(text: str) -> int:
    """Return the 1-based line that a person has to fill in, 0 where none is left."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if GAP_MARK in line), 0)


def from_manifest(
    code: BenchmarkCode, detection: Detection, *, path: str, source: bytes | None, templates: Path | None
) -> WrittenBenchmark:
    """Write the benchmark that the manifest's `setup` and `call` describe; raise SourceError where they are no Python."""
    where = f"{detection.item}: benchmark"
    setup, call = textwrap.dedent(code.setup).strip("\n"), textwrap.dedent(code.call).strip()
    statements = _parsed(setup, f"{where}.setup").body
    expression = _expression(call, f"{where}.call")
    imports, rest = _lifted(setup, statements)
    own = _own_import(detection, _names(expression, *statements), _bound(statements))
    known = _signature(detection, source)
    awaits = any(
        isinstance(node, ast.Await | ast.AsyncFor) or getattr(node, "is_async", 0) for node in ast.walk(expression)
    )
    if known and known.is_async and not awaits and _calls(expression, known):
        call, awaits = f"await {call}", True
    parts = BenchmarkParts(imports=(*imports, *own), setup=_indented(rest), expression=call, is_async=awaits)
    return WrittenBenchmark(text_of(parts, detection, path=path, templates=templates), "manifest")


def from_signature(
    detection: Detection,
    *,
    path: str,
    source: bytes | None,
    templates: Path | None,
    learned: Mapping[str, str] | None = None,
) -> WrittenBenchmark:
    """Write the benchmark with arguments made up from the signature, or with the one place to fill in.

    `learned` says of parameters what recorded calls gave them, where that has no spelling as code.
    """
    if _is_import(detection):
        return WrittenBenchmark(
            text_of(BenchmarkParts((), "", ""), detection, path=path, templates=templates), "signature"
        )
    call = _signature(detection, source) or Call(
        name="", expression="", gap="a call of the function that was optimized"
    )
    made_up = "" if call.gap or not call.setup else _sizes(call)
    lines = [assigned(*line.split(" = ", 1)) for line in call.setup]
    if call.gap:
        given = f"{', '.join(call.unknown)} = " if call.unknown else ""
        lines.append(f'{given}{GAP_MARK} {", ".join(call.unknown) or "the call"}")')
    parts = BenchmarkParts(
        imports=_own_import(detection, {call.name}, set()),
        setup=textwrap.indent("\n".join(lines), SPACES),
        expression=call.expression or _call_to_be(call),
        gap=_with_learned(call.gap, learned or {}),
        made_up=made_up,
        is_async=call.is_async,
    )
    text = text_of(parts, detection, path=path, templates=templates)
    if call.gap:
        return WrittenBenchmark(text, "gap")
    review = (
        "the benchmark's arguments were made up from the signature"
        if made_up
        else "the benchmark calls the function with its defaults alone"
    )
    return WrittenBenchmark(text, "signature", review)


def _with_learned(gap: str, learned: Mapping[str, str]) -> str:
    told = "; ".join(f"{name} was {what}" for name, what in learned.items())
    return f"{gap}. In recorded calls {told}" if gap and told else gap


def _sizes(call: Call) -> str:
    sized = any("SIZE" in line for line in call.setup)
    return f"{SIZE:,} items in every container, {SIZE:,} words in every text" if sized else "a plain value for each"


def _call_to_be(call: Call) -> str:
    """Write what stands for a call that a person has to spell out."""
    return f"{'await ' if call.is_async else ''}{call.name}()" if call.name else "..."


def file_name(detection: Detection) -> str:
    return f"test_benchmark_{short_name(detection.target or detection.function)}.py"


def text_of(parts: BenchmarkParts, detection: Detection, *, path: str, templates: Path | None) -> str:
    """Fill the template of the domain; raise TemplateError where a user's own makes no Python of it."""
    from ...text.templating import fill

    name = _template(parts, detection)
    target = detection.target or detection.item
    values = {
        "item": detection.item,
        "target": target,
        "module": target.partition(":")[0],
        "name": target.partition(":")[2] or target,
        "function": short_name(detection.target or detection.function),
        "path": path.replace("\\", "\\\\").replace('"', '\\"'),
        "imports": parts.imports,
        "definitions": "\n".join(parts.definitions).strip("\n"),
        "constants": f"SIZE = {SIZE:_}" if "SIZE" in parts.setup and (parts.made_up or parts.gap) else "",
        "setup": parts.setup,
        "direct": _direct(parts.expression) if parts.direct is None else parts.direct,
        "returned": _returned(parts.expression),
        "decorators": parts.decorators,
        "timed": parts.timed,
        "fixtures": "".join(f", {name}" for name in parts.fixtures),
        "recorded": parts.recorded,
        "gap": " ".join(parts.gap.split()),
        "made_up": parts.made_up,
    }
    text = fill(name, values, templates)
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise TemplateError(
            f"this template makes no valid Python: {error.msg} in line {error.lineno}", where=name
        ) from None
    return text


def _template(parts: BenchmarkParts, detection: Detection) -> str:
    if not parts.expression:
        return STRUCT
    if parts.is_async:
        return ASYNC
    return MEMORY if detection.domain.domains[:1] == ("mem",) else CPU


def _is_import(detection: Detection) -> bool:
    """Return whether it is the import that was optimized: a module alone, or structure as the first domain."""
    return bool(detection.target) and (
        ":" not in (detection.target or "") or detection.domain.domains[:1] == ("struct",)
    )


def _signature(detection: Detection, source: bytes | None) -> Call | None:
    module, _, name = (detection.target or "").partition(":")
    if not name:
        return None
    if source is None:
        return Call(
            name=name.partition(".")[0],
            expression="",
            gap=f"a call of {name}, whose definition was not found in {module}",
        )
    return call_of(source, name, path=module)


def _own_import(detection: Detection, used: set[str], bound: set[str]) -> tuple[str, ...]:
    """Import the real function, or the class that it belongs to, where the code uses it and does not do so itself."""
    module, _, name = (detection.target or "").partition(":")
    top = name.partition(".")[0]
    if not top or top not in used or top in bound:
        return ()
    line = f"from {module} import {top}"
    return (line,) if len(line) <= WIDTH else (f"from {module} import (", f"{SPACES}{top},", ")")


def _parsed(code: str, where: str) -> ast.Module:
    try:
        tree = ast.parse(code)
        # Parsing alone lets `return` and `await` outside of a function pass.
        compile(tree, "<benchmark>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise _no_python(error, where) from None
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            raise SourceError(
                "setup cannot import from __future__", where=f"{where}, line {node.lineno}", hint="leave that line out"
            )
    return tree


def _expression(code: str, where: str) -> ast.expr:
    try:
        return ast.parse(f"(\n{code}\n)", mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise _no_python(error, where, shift=1, wanted="one expression") from None


def _no_python(
    error: SyntaxError | ValueError, where: str, *, shift: int = 0, wanted: str = "valid Python"
) -> SourceError:
    line = getattr(error, "lineno", None)
    place = f"{where}, line {line - shift}" if line else where
    shown = f": {error.text.strip()}" if isinstance(error, SyntaxError) and error.text else ""
    return SourceError(
        f"this is not {wanted} ({getattr(error, 'msg', error)}){shown}", where=place, hint="correct it in the manifest"
    )


def _lifted(code: str, statements: Sequence[ast.stmt]) -> tuple[tuple[str, ...], str]:
    """Part the top-level imports from the rest, to stand at the top of the file."""
    lines = code.splitlines()
    starts = [statement.lineno for statement in statements]
    if len(set(starts)) < len(starts):
        return (), code
    imports = [statement for statement in statements if isinstance(statement, ast.Import | ast.ImportFrom)]
    taken = {number for node in imports for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    rest = [line for number, line in enumerate(lines, 1) if number not in taken]
    return tuple(lines[number - 1] for number in sorted(taken)), "\n".join(rest).strip("\n")


def _names(*nodes: ast.AST) -> set[str]:
    return {node.id for root in nodes for node in ast.walk(root) if isinstance(node, ast.Name)}


def _bound(statements: Sequence[ast.stmt]) -> set[str]:
    """Return the names that the statements bind themselves."""
    bound: set[str] = set()
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
    return bound


def _calls(expression: ast.expr, known: Call) -> bool:
    """Return whether the expression is itself the call of the optimized coroutine."""
    last = (known.expression or known.name).removeprefix("await ").partition("(")[0].rpartition(".")[2]
    if not isinstance(expression, ast.Call):
        return False
    called = expression.func
    return last in {getattr(called, "id", None), getattr(called, "attr", None)}


def _indented(code: str) -> str:
    """Indent by one level, all but the inside of strings that span lines."""
    inside: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.start[0] != token.end[0] and token.type not in {
            tokenize.NEWLINE,
            tokenize.NL,
            tokenize.INDENT,
            tokenize.DEDENT,
        }:
            inside |= set(range(token.start[0] + 1, token.end[0] + 1))
    lines = enumerate(code.splitlines(), 1)
    return "\n".join(line if number in inside or not line.strip() else SPACES + line for number, line in lines)


def _direct(expression: str) -> str:
    """Hand function and arguments to `benchmark` where the call is no more than names: no wrapper is timed with it."""
    if not expression:
        return ""
    call = ast.parse(f"({expression}\n)", mode="eval").body
    if not isinstance(call, ast.Call) or not _is_plain(call.func):
        return ""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if not all(_is_plain(argument) for argument in given) or any(keyword.arg is None for keyword in call.keywords):
        return ""
    keywords = [f"{keyword.arg}={ast.unparse(keyword.value)}" for keyword in call.keywords]
    words = [ast.unparse(node) for node in (call.func, *call.args)] + keywords
    return _wrapped("benchmark", words)


def _wrapped(function: str, words: Sequence[str]) -> str:
    """Write a call as ruff formats it: on one line, its arguments on one line, or each on its own."""
    line = f"{SPACES}{function}({', '.join(words)})"
    if len(line) <= WIDTH:
        return line
    inner = SPACES * 2 + ", ".join(words)
    body = inner if len(inner) <= WIDTH else "\n".join(f"{SPACES * 2}{word}," for word in words)
    return f"{SPACES}{function}(\n{body}\n{SPACES})"


def _is_plain(node: ast.expr) -> bool:
    """Tell a name, a dotted name or a number: evaluated once or every time, it is the same."""
    if isinstance(node, ast.Attribute):
        return _is_plain(node.value)
    return isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and not isinstance(node.value, str | bytes))


def _returned(expression: str) -> str:
    if "\n" in expression:
        expression = f"(\n{_indented(expression)}\n)"
    lines = _indented(_indented(f"return {expression}"))
    return lines if expression else ""
