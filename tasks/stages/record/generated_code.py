"""Find changes to the code that a function writes: its own calls do not show what they make faster."""

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator

from ...artifacts import ChangedFunction
from ...project.code.sources import LocatedDefinition, Sources
from ...project.syntax import Scope, bound_names, last_name, parse_or_empty, string_value, without_docstring

COMPILING = frozenset({"exec", "eval", "compile"})
CODE = re.compile(
    r"^\s*(return|raise|yield|await|lambda|import|from|del)\s.*[=(\[.]|^[^()]*\w\(.*\)|[\w\])]\s*==?\s*\S", re.DOTALL
)
BLOCK = re.compile(r"^\s*(if|for|elif|with|while|except|else|try|def|class)\b.*:\s*$", re.DOTALL)
"""Texts that are Python code, or a part of it."""
MESSAGE_CALLS = frozenset({"print", "warn", "debug", "info", "warning", "error", "exception", "log"})
"""Calls whose texts are for people."""
PATTERN_METHODS = frozenset(
    {"compile", "escape", "findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn"}
)
"""Functions of `re`, and methods like them: their texts are patterns, or are searched."""
OF_PATTERN = re.compile(r"\\[bBdDsSwW]")
"""What only a regular expression has."""


def writes_changed_code(functions: Iterable[ChangedFunction], base: Sources, head: Sources) -> str:
    """Return the target of a function that writes other code at head, in a package that runs such code; else ""."""
    for function in functions:
        before = base.try_find(f"{function.module}:{function.at_base[1]}") if function.at("base") else None
        after = head.try_find(function.target)
        if before is None or after is None or function.only_moved:
            continue
        texts = _code_texts(before), _code_texts(after)
        # What writes blocks may combine them in another way.
        is_other = texts[0] != texts[1] or any(map(BLOCK.match, texts[1]))
        if is_other and before.definition.code != after.definition.code and _compiles(after, head):
            return function.target
    return ""


def _compiles(located: LocatedDefinition, sources: Sources) -> bool:
    """Return whether a file next to a definition, or its own, runs or compiles code."""
    folder = posixpath.dirname(located.path)
    paths = (path for path in sources.tree.files() if posixpath.dirname(path) == folder and path.endswith(".py"))
    modules = (parse_or_empty(sources.tree.read(path) or b"") for path in paths)
    return any(not _names_called(module).isdisjoint(COMPILING - bound_names([module])) for module in modules)


def _names_called(module: ast.Module) -> set[str]:
    calls = (node.func for node in ast.walk(module) if isinstance(node, ast.Call))
    return {each.id for each in calls if isinstance(each, ast.Name)}


def _code_texts(located: LocatedDefinition) -> list[str]:
    module = ast.parse(located.definition.code)
    texts = (text for text in _texts(module) if not OF_PATTERN.search(text))
    return [text for text in texts if BLOCK.match(text) or CODE.search(text)]


def _texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts in code, those of f-strings with a name for each value; no docstrings, and none for people."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(string_value(part) or "x" for part in parts)
        case ast.Raise() | ast.Assert():
            return
        case ast.Call() if last_name(node) in MESSAGE_CALLS:
            return
        case ast.Call(func=ast.Attribute(attr=name)) if name in PATTERN_METHODS:
            return
        case _:
            body = without_docstring(node) if isinstance(node, Scope) else None
            inner = ast.iter_child_nodes(node) if body is None else body
            for each in inner:
                yield from _texts(each)
