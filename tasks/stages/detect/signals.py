"""The tokens of a change, and the words of its commit messages, that speak for a domain.

A table of rules; each looks at which features of the code came and which went, and says in words what it saw.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ...manifest.model import Domain


@dataclass(frozen=True, slots=True)
class Edit:
    """The code of one definition at base and at head, "" where it is not there; `where` is its place in words."""

    name: str
    where: str
    base: str
    head: str
    is_async: bool = False

    @property
    def is_module(self) -> bool:
        return self.name.startswith("<")


@dataclass(frozen=True, slots=True)
class Delta:
    """Which features of the code came, and which went, how often."""

    edit: Edit
    came: Counter[str]
    went: Counter[str]

    @classmethod
    def of(cls, edit: Edit) -> Delta:
        before, after = Counter(_features(edit.base)), Counter(_features(edit.head))
        return cls(edit, after - before, before - after)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a domain; of equal rules only one counts."""

    domain: Domain
    rule: int
    weight: int
    told: str


@dataclass(frozen=True, slots=True)
class Rule:
    domain: Domain
    weight: int
    sees: Callable[[Delta], str]
    """Gives what it saw, "" for nothing."""


def evidence(edits: Sequence[Edit], messages: Sequence[str]) -> list[Evidence]:
    """Apply every rule to every edit, and look for telling words in the messages."""
    deltas = [Delta.of(edit) for edit in edits]
    found = [
        Evidence(rule.domain, number, rule.weight, f"{told} in {delta.edit.where}")
        for number, rule in enumerate(RULES)
        for delta in deltas
        if (told := rule.sees(delta))
    ]
    if edits and all(edit.is_module for edit in edits) and any(each.domain == "struct" for each in found):
        found.append(Evidence("struct", -1, _MODULES_ONLY, "nothing but the code of modules changed"))
    return [*found, *_words(messages)]


# -- rules ------------------------------------------------------------------------------------------


def _comes(*features: str) -> Callable[[Delta], str]:
    return lambda delta: _told(delta.came, features, "comes")


def _comes_or_goes(*features: str) -> Callable[[Delta], str]:
    return lambda delta: _told(delta.came, features, "comes") or _told(delta.went, features, "goes")


def _told(features: Counter[str], wanted: Sequence[str], how: str) -> str:
    return next(
        (f"`{feature.removeprefix(_NAME)}` {how}" for feature in features if feature.startswith(tuple(wanted))), ""
    )


def _is_async(delta: Delta) -> str:
    return "an async function changed" if delta.edit.is_async and delta.edit.base and delta.edit.head else ""


def _generator_for_list(delta: Delta) -> str:
    lazy = next((feature for feature in ("a generator", "yield") if delta.came[feature]), "")
    return (
        f"{lazy} takes the place of a list"
        if lazy and (delta.went["a list comprehension"] or delta.went[".append("])
        else ""
    )


def _in_place(delta: Delta) -> str:
    went = [feature.removeprefix("rebinds ") for feature in delta.went if feature.startswith("rebinds ")]
    return next((f"`{name}` is changed in place" for name in went if delta.came[f"in place {name}"]), "")


def _import_leaves_module(delta: Delta) -> str:
    """See a module import less than before; where another import comes instead, one was only exchanged for it."""
    went, came = ([name for name in side.elements() if name.startswith("import ")] for side in (delta.went, delta.came))
    return _told(delta.went, ("import ",), "goes") if delta.edit.is_module and len(went) > len(came) else ""


def _import_comes_into_function(delta: Delta) -> str:
    return "" if delta.edit.is_module else _told(delta.came, ("import ",), "comes")


def _lazy_attributes(delta: Delta) -> str:
    return "a module's `__getattr__` comes" if delta.edit.name == "__getattr__" and not delta.edit.base else ""


_MODULES_ONLY: Final = 3
_NAME: Final = "name "
_PORTIONS: Final = ("chunk", "batch", "buffer")
_CACHES: Final = ("lru_cache", "cache", "cached_property")
_DTYPES: Final = ("float32", "float16", "uint8", "int32", "int16")

RULES: Final = (
    Rule("async", 5, _is_async),
    Rule(
        "async",
        5,
        _comes_or_goes("gather(", "TaskGroup(", "create_task(", "as_completed(", "to_thread(", "run_in_executor("),
    ),
    Rule("async", 3, _comes_or_goes("await", "async for", "async with")),
    Rule("struct", 3, _import_leaves_module),
    Rule("struct", 3, _import_comes_into_function),
    Rule("struct", 5, _lazy_attributes),
    Rule("mem", 4, _comes("__slots__", "slots=")),
    Rule("mem", 3, _generator_for_list),
    Rule("mem", 2, _comes("del ")),
    Rule("mem", 2, _in_place),
    Rule("mem", 2, _comes("gc.", "weakref.", "malloc_trim(")),
    Rule("mem", 2, _comes("memoryview(", "bytearray(", "mmap(", "memmap(", "frombuffer(", "array.array(")),
    Rule("mem", 2, _comes("out=", "copy=", "dtype=", "astype(", *_DTYPES)),
    Rule("mem", 2, _comes(_NAME, "chunksize=")),
    Rule("cpu", 3, _comes(*_CACHES)),
    Rule("cpu", 1, _comes("set(", "frozenset(", "a set", "bisect", "deque(", "heapq.", "re.compile(")),
    Rule("cpu", 1, lambda delta: "a loop goes" if delta.went["a loop"] else ""),
)

_WORDS: Final[tuple[tuple[Domain, int, str], ...]] = (
    ("mem", 4, r"\b(memory|peak|leak\w*|rss|oom|footprint|allocat\w+|in[- ]place)\b"),
    (
        "struct",
        4,
        r"\b(import[- ]time|start-?up|lazy[- ]import\w*|lazily import\w*|import\w* lazily|circular import\w*|cold start)\b",
    ),
    ("async", 3, r"\b(concurren\w+|event loop|asyncio|awaits?|coroutines?)\b"),
    (
        "cpu",
        4,
        r"(\b(cpu|faster|speed\w*|performan\w+|quadratic|hot (?:path|loop)|slow\w*|vectori[sz]\w+)\b|\bO\([^)]*\))",
    ),
)


def _words(messages: Sequence[str]) -> Iterator[Evidence]:
    for number, (domain, weight, pattern) in enumerate(_WORDS):
        for message in messages:
            if found := re.search(pattern, message, re.IGNORECASE):
                yield Evidence(domain, -2 - number, weight, f'"{found[0]}" in a commit message')
                break


# -- features ---------------------------------------------------------------------------------------


def _features(code: str) -> Iterator[str]:
    """Yield the features of normalised code (see `Definition`), each as often as it is there."""
    for node in _run(ast.parse(code)):
        for kind, told in _FEATURES:
            if isinstance(node, kind):
                yield from told(node)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: imports for the type checker alone do not."""
    yield node
    children: Sequence[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        children = node.orelse
    for child in children:
        yield from _run(child)


def _of_call(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    yield f"{name}("
    if isinstance(node.func, ast.Attribute):
        yield f"{node.func.attr}("
        yield f".{node.func.attr}("
    yield from (f"{keyword.arg}=" for keyword in node.keywords if keyword.arg)


def _of_import(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (f"import {alias.name}" for alias in node.names)
    elif node.module != "__future__":
        yield f"import {'.' * node.level}{node.module or ''}"


def _of_assignment(node: ast.Assign) -> Iterator[str]:
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield from ["__slots__"] if target.id == "__slots__" else []
            if isinstance(node.value, ast.BinOp) and ast.unparse(node.value.left) == target.id:
                yield f"rebinds {target.id}"


def _of_name(node: ast.Name | ast.arg) -> Iterator[str]:
    name = node.arg if isinstance(node, ast.arg) else node.id
    yield from (_NAME + name for word in _PORTIONS if word in name.lower())
    yield from [name] if name in _CACHES else []


def _of_attribute(node: ast.Attribute) -> Iterator[str]:
    yield from [node.attr] if node.attr in (*_CACHES, *_DTYPES) else []


def _plain(feature: str) -> Callable[[ast.AST], Iterator[str]]:
    return lambda _: iter([feature])


_FEATURES: Final[tuple[tuple[type | tuple[type, ...], Callable[..., Iterator[str]]], ...]] = (
    (ast.Call, _of_call),
    ((ast.Import, ast.ImportFrom), _of_import),
    (ast.Assign, _of_assignment),
    ((ast.Name, ast.arg), _of_name),
    (ast.Attribute, _of_attribute),
    (ast.AugAssign, lambda node: iter([f"in place {ast.unparse(node.target)}"])),
    (ast.Delete, lambda node: iter(f"del {ast.unparse(target)}" for target in node.targets)),
    (ast.Await, _plain("await")),
    (ast.AsyncFor, _plain("async for")),
    (ast.AsyncWith, _plain("async with")),
    ((ast.For, ast.While), _plain("a loop")),
    ((ast.Yield, ast.YieldFrom), _plain("yield")),
    (ast.GeneratorExp, _plain("a generator")),
    (ast.ListComp, _plain("a list comprehension")),
    ((ast.Set, ast.SetComp), _plain("a set")),
)
