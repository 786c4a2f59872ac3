"""Read the definitions of Cython files: names, lines, parameters and code.

Cython's grammar is not Python's, so definitions are found by their first lines and by indentation.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from textwrap import dedent

from .definitions import MODULE, Binding, Definition, ModuleContents, Parameter, contents

_TEXT_OR_COMMENT = re.compile(
    r"""(?P<text>[rbuf]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"{3}(?:\\.|[^\\])*?\"{3}|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    |(?P<comment>\#[^\n]*)""",
    re.VERBOSE | re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?P<indent>[ \t]*)(?P<kind>async[ \t]+def|def|cp?def[ \t]+class|class|cp?def)[ \t]+(?P<rest>\S.*)", re.DOTALL
)
_NO_FUNCTION = re.compile(
    r"(extern|struct|enum|union|packed|cppclass|public[ \t]+(struct|enum|union)|api[ \t]+struct)\b"
)
_IMPORT = re.compile(r"(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]")


def cython_contents(source: bytes) -> ModuleContents:
    """Return definitions and bindings of a file; functions that only Cython code can call have the kind "name"."""
    text = source.decode("utf-8", "replace").replace("\r\n", "\n")
    bare = _TEXT_OR_COMMENT.sub(lambda match: "" if match["comment"] else match[0], text).split("\n")
    masked = _TEXT_OR_COMMENT.sub(_masked, text).split("\n")
    found = list(_blocks(masked))
    definitions = [_definition(block, found, bare) for block in found]
    inside = {line for block in found for line in block.lines}
    own = [line for number, line in enumerate(bare) if number not in inside]
    module = Definition(MODULE, "module", 1, max(len(bare), 1), code=_normalized(own))
    imports = "\n".join(line for line in own if _IMPORT.match(line) and "(" not in line)
    return ModuleContents((*definitions, module), (*_bindings(imports),))


def _masked(match: re.Match[str]) -> str:
    """Replace a text or a comment by something of the same number of lines without brackets and colons."""
    return "" if match["comment"] else '""' + "\n" * match[0].count("\n")


def _bindings(imports: str) -> tuple[Binding, ...]:
    return contents(imports.encode(), "imports of a Cython file").bindings if imports else ()


@dataclass(frozen=True, slots=True)
class _Block:
    """A definition: its first lines up to the colon (`header`), and the numbers of its lines from 0."""

    name: str
    kind: str
    header: str
    lines: range
    start: int

    @property
    def is_class(self) -> bool:
        return self.kind.endswith("class")


def _blocks(masked: list[str]) -> Iterator[_Block]:
    outer: list[tuple[int, _Block]] = []
    for number, line in enumerate(masked):
        match = _HEADER.match(line)
        if match is None:
            continue
        header, last = _logical_line(masked, number)
        kind = " ".join(match["kind"].split())
        name = _name(kind, header)
        if not name:
            continue
        indent = len(match["indent"].expandtabs())
        outer = [(width, block) for width, block in outer if width < indent and number in block.lines]
        start = number
        while start and masked[start - 1].lstrip().startswith("@"):
            start -= 1
        qualified = f"{outer[-1][1].name}.{name}" if outer else name
        block = _Block(qualified, kind, header, range(start, _end(masked, last, indent)), start)
        outer.append((indent, block))
        yield block


def _logical_line(masked: list[str], number: int) -> tuple[str, int]:
    """Join the lines of a header until its brackets are closed; return it and the number of its last line."""
    header = ""
    for last in range(number, min(number + 200, len(masked))):
        header += masked[last] + " "
        if sum(map(header.count, "([{")) <= sum(map(header.count, ")]}")) and not masked[last].endswith("\\"):
            return header.strip(), last
    return header.strip(), number


def _name(kind: str, header: str) -> str:
    """Return the name that a header defines, "" for a declaration or a block of declarations."""
    rest = header.split(kind.rpartition(" ")[2], 1)[1].strip()
    if kind.endswith(("class", "def")) and not kind.startswith(("cdef", "cpdef")):
        match = re.match(r"\w+", rest)
        return match[0] if match else ""
    if kind.endswith("class"):
        match = re.match(r"([\w.]+)", rest)
        return match[1].rpartition(".")[2] if match and ":" in rest else ""
    match = re.match(r"[^(=]*?(\w+)\s*\(", rest)
    is_function = match and not _NO_FUNCTION.match(rest) and _after_brackets(rest).rstrip().endswith(":")
    return match[1] if match and is_function else ""


def _after_brackets(rest: str) -> str:
    return rest[rest.rindex(")") :] if ")" in rest else ""


def _end(masked: list[str], last: int, indent: int) -> int:
    """Return the number of the line after a block."""
    end, depth = last + 1, 0
    for number in range(last + 1, len(masked)):
        line = masked[number]
        if line.strip():
            if depth <= 0 and len(line.expandtabs()) - len(line.expandtabs().lstrip()) <= indent:
                break
            end = number + 1
        depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
    return end


def _definition(block: _Block, blocks: list[_Block], bare: list[str]) -> Definition:
    inner = [each for each in blocks if each.name.startswith(f"{block.name}.") and each.start in block.lines]
    inside = {line for each in inner for line in each.lines}
    decorators = [line.strip()[1:] for line in bare[block.start : block.lines.stop] if line.strip().startswith("@")]
    only_cython = block.kind == "cdef"
    definition = Definition(
        block.name,
        "class" if block.is_class else "name" if only_cython else "function",
        block.start + 1,
        block.lines.stop,
        code=_normalized([bare[line] for line in block.lines if line not in inside]),
        is_async=block.kind.startswith("async"),
        is_property=any(each.startswith("property") or each.endswith(".setter") for each in decorators),
    )
    if block.is_class:
        bases = re.search(r"\(([^)]*)\)", block.header)
        return replace(definition, bases=tuple(filter(None, map(str.strip, bases[1].split(","))) if bases else ()))
    return replace(definition, parameters=tuple(_parameters(block.header)))


def _parameters(header: str) -> Iterator[Parameter]:
    opening = header.index("(") + 1 if "(" in header else len(header)
    keyword_only = False
    for text in _arguments(header[opening:]):
        declared, equals, _ = text.partition("=")
        stars = re.match(r"\*{0,2}", declared)
        star = stars[0] if stars else ""
        named, _, annotation = declared.lstrip("* ").partition(":") if "[" not in declared else (declared, "", "")
        name = re.sub(r"\s+(not|or)\s+None\s*$", "", named.strip())
        words = re.findall(r"\w+", name)
        if declared.strip() in {"*", "/"} or not words:
            keyword_only = keyword_only or declared.strip() == "*"
            continue
        kind = star or ("keyword-only" if keyword_only else "positional")
        keyword_only = keyword_only or star == "*"
        declared_type = annotation.strip() or name[: name.rindex(words[-1])].strip()
        yield Parameter(words[-1], kind, bool(equals), declared_type)  # type: ignore[arg-type]


def _arguments(text: str) -> Iterator[str]:
    """Split what follows an opening bracket at its commas, up to the closing one."""
    depth, current = 0, ""
    for character in text:
        if depth == 0 and character in ",)":
            if current.strip():
                yield current.strip()
            current = ""
            if character == ")":
                return
            continue
        depth += (character in "([{") - (character in ")]}")
        current += character


def _normalized(lines: list[str]) -> str:
    """Return code without comments, docstring, empty lines and indentation of the whole."""
    text = "\n".join(line.rstrip() for line in lines if line.strip())
    text = re.sub(
        r"(:\s*\n\s*)[rbu]?(\"{3}(?:\\.|[^\\])*?\"{3}|'''(?:\\.|[^\\])*?''')[ \t]*(?=\n|$)", r"\1pass", text, count=1
    )
    return dedent(text)
