"""Propose the domain of a change from the features of its code and the words of its commit messages."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ...artifacts import DomainProposal
from ...manifest.model import Domain

_ENOUGH: Final[dict[Domain, int]] = {"async": 3, "struct": 5, "mem": 2, "cpu": 1}
"""The weight of evidence that a domain needs to be proposed; of equal weights the first here wins."""
_MOST_REASONS: Final = 3


@dataclass(frozen=True, slots=True)
class Edit:
    """The code of one definition at base and at head, "" on a side that lacks it; `where` is for messages."""

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
    """How often each feature of the code was added and removed."""

    edit: Edit
    added: Counter[str]
    removed: Counter[str]

    @classmethod
    def of(cls, edit: Edit) -> Delta:
        before, after = Counter(_features(edit.base)), Counter(_features(edit.head))
        return cls(edit, after - before, before - after)


@dataclass(frozen=True, slots=True)
class DomainEvidence:
    """A reason to propose a domain; each rule counts only once."""

    domain: Domain
    rule: int
    weight: int
    reason: str


@dataclass(frozen=True, slots=True)
class DomainRule:
    domain: Domain
    weight: int
    reason: Callable[[Delta], str]
    """Describes what it recognizes; returns "" for nothing."""


def propose(edits: Sequence[Edit], messages: Sequence[str]) -> DomainProposal:
    """Propose the domain with the most evidence; `cpu` without any."""
    collected = evidence(edits, messages)
    weights = {
        domain: sum({each.rule: each.weight for each in collected if each.domain == domain}.values())
        for domain in _ENOUGH
    }
    likely = [domain for domain, weight in weights.items() if weight >= _ENOUGH[domain]]
    if not likely:
        reason = "nothing in the change points to memory, concurrency or imports"
        return DomainProposal(domains=("cpu",), reason=reason, given=False)
    domain = max(likely, key=lambda each: weights[each])
    strongest = sorted((each for each in collected if each.domain == domain), key=lambda each: -each.weight)
    reasons = list(dict.fromkeys(each.reason for each in strongest))
    return DomainProposal(domains=(domain,), reason="; ".join(reasons[:_MOST_REASONS]), given=False)


def evidence(edits: Sequence[Edit], messages: Sequence[str]) -> list[DomainEvidence]:
    """Apply every rule to every edit, and every pattern to the messages."""
    deltas = [Delta.of(edit) for edit in edits]
    collected = [
        DomainEvidence(rule.domain, number, rule.weight, f"{reason} in {delta.edit.where}")
        for number, rule in enumerate(RULES)
        for delta in deltas
        if (reason := rule.reason(delta))
    ]
    if edits and all(edit.is_module for edit in edits) and any(each.domain == "struct" for each in collected):
        collected.append(DomainEvidence("struct", -1, _MODULES_ONLY, "only module-level code changed"))
    for number, (domain, weight, pattern) in enumerate(_WORDS):
        if match := next(filter(None, (re.search(pattern, each, re.IGNORECASE) for each in messages)), None):
            collected.append(DomainEvidence(domain, -2 - number, weight, f'"{match[0]}" in a commit message'))
    return collected


# -- rules ------------------------------------------------------------------------------------------


def _adds(*features: str) -> Callable[[Delta], str]:
    return lambda delta: _first_of(delta.added, features, "is added")


def _adds_or_removes(*features: str) -> Callable[[Delta], str]:
    return lambda delta: (
        _first_of(delta.added, features, "is added") or _first_of(delta.removed, features, "is removed")
    )


def _first_of(features: Counter[str], prefixes: tuple[str, ...], change: str) -> str:
    return next(
        (f"`{feature.removeprefix(_NAME)}` {change}" for feature in features if feature.startswith(prefixes)), ""
    )


def _changes_async_function(delta: Delta) -> str:
    return "an async function changed" if delta.edit.is_async and delta.edit.base and delta.edit.head else ""


def _replaces_list_by_generator(delta: Delta) -> str:
    lazy = next((feature for feature in ("a generator", "yield") if delta.added[feature]), "")
    built_list = delta.removed["a list comprehension"] or delta.removed[".append("]
    return f"{lazy} replaces a list" if lazy and built_list else ""


def _works_in_place(delta: Delta) -> str:
    rebound = [feature.removeprefix("rebinds ") for feature in delta.removed if feature.startswith("rebinds ")]
    return next((f"`{name}` is changed in place" for name in rebound if delta.added[f"in place {name}"]), "")


def _removes_import_of_module(delta: Delta) -> str:
    """Recognize a module that imports less than before; exchanging one import for another is not enough."""
    removed, added = (
        sum(number for feature, number in side.items() if feature.startswith("import "))
        for side in (delta.removed, delta.added)
    )
    return _first_of(delta.removed, ("import ",), "is removed") if delta.edit.is_module and removed > added else ""


def _adds_import_to_function(delta: Delta) -> str:
    return "" if delta.edit.is_module else _first_of(delta.added, ("import ",), "is added")


def _adds_lazy_attributes(delta: Delta) -> str:
    return "a module's `__getattr__` is added" if delta.edit.name == "__getattr__" and not delta.edit.base else ""


_MODULES_ONLY: Final = 3
_NAME: Final = "name "
_PORTIONS: Final = ("chunk", "batch", "buffer")
_CACHES: Final = ("lru_cache", "cache", "cached_property")
_DTYPES: Final = ("float32", "float16", "uint8", "int32", "int16")

RULES: Final = (
    DomainRule("async", 5, _changes_async_function),
    DomainRule(
        "async",
        5,
        _adds_or_removes("gather(", "TaskGroup(", "create_task(", "as_completed(", "to_thread(", "run_in_executor("),
    ),
    DomainRule("async", 3, _adds_or_removes("await", "async for", "async with")),
    DomainRule("struct", 3, _removes_import_of_module),
    DomainRule("struct", 3, _adds_import_to_function),
    DomainRule("struct", 5, _adds_lazy_attributes),
    DomainRule("mem", 4, _adds("__slots__", "slots=")),
    DomainRule("mem", 3, _replaces_list_by_generator),
    DomainRule("mem", 2, _adds("del ")),
    DomainRule("mem", 2, _works_in_place),
    DomainRule("mem", 2, _adds("gc.", "weakref.", "malloc_trim(")),
    DomainRule("mem", 2, _adds("memoryview(", "bytearray(", "mmap(", "memmap(", "frombuffer(", "array.array(")),
    DomainRule("mem", 2, _adds("out=", "copy=", "dtype=", "astype(", *_DTYPES)),
    DomainRule("mem", 2, _adds(_NAME, "chunksize=")),
    DomainRule("cpu", 3, _adds(*_CACHES)),
    DomainRule("cpu", 1, _adds("set(", "frozenset(", "a set", "bisect", "deque(", "heapq.", "re.compile(")),
    DomainRule("cpu", 1, lambda delta: "a loop is removed" if delta.removed["a loop"] else ""),
)

_WORDS: Final[tuple[tuple[Domain, int, str], ...]] = (
    ("mem", 4, r"\b(memory|peak|leak\w*|rss|oom|footprint|allocat\w+|in[- ]place)\b"),
    (
        "struct",
        4,
        r"\b(import[- ]time|start-?up|(?:lazy[- ]|lazily |circular )import\w*|import\w* lazily|cold start)\b",
    ),
    ("async", 3, r"\b(concurren\w+|event loop|asyncio|awaits?|coroutines?)\b"),
    (
        "cpu",
        4,
        r"(\b(cpu|faster|speed\w*|performan\w+|quadratic|hot (?:path|loop)|slow\w*|vectori[sz]\w+)\b|\bO\([^)]*\))",
    ),
)


# -- features ---------------------------------------------------------------------------------------


def _features(code: str) -> Iterator[str]:
    """Yield the features of normalised code (see `Definition`), each as often as it occurs."""
    for node in _executed(ast.parse(code)):
        for kind, features in _FEATURES:
            if isinstance(node, kind):
                yield from features(node)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Walk everything but the code that is for the type checker alone."""
    yield node
    children: Sequence[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        children = node.orelse
    for child in children:
        yield from _executed(child)


def _call_features(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    yield f"{name}("
    if isinstance(node.func, ast.Attribute):
        yield f"{node.func.attr}("
        yield f".{node.func.attr}("
    yield from (f"{keyword.arg}=" for keyword in node.keywords if keyword.arg)


def _import_features(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (f"import {alias.name}" for alias in node.names)
    elif node.module != "__future__":
        yield f"import {'.' * node.level}{node.module or ''}"


def _assignment_features(node: ast.Assign) -> Iterator[str]:
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield from ["__slots__"] if target.id == "__slots__" else []
            if isinstance(node.value, ast.BinOp) and ast.unparse(node.value.left) == target.id:
                yield f"rebinds {target.id}"


def _name_features(node: ast.Name | ast.arg) -> Iterator[str]:
    name = node.arg if isinstance(node, ast.arg) else node.id
    yield from (_NAME + name for word in _PORTIONS if word in name.lower())
    yield from [name] if name in _CACHES else []


def _attribute_features(node: ast.Attribute) -> Iterator[str]:
    yield from [node.attr] if node.attr in (*_CACHES, *_DTYPES) else []


def _always(feature: str) -> Callable[[ast.AST], Iterator[str]]:
    return lambda _: iter([feature])


_FEATURES: Final[tuple[tuple[type | tuple[type, ...], Callable[..., Iterator[str]]], ...]] = (
    (ast.Call, _call_features),
    ((ast.Import, ast.ImportFrom), _import_features),
    (ast.Assign, _assignment_features),
    ((ast.Name, ast.arg), _name_features),
    (ast.Attribute, _attribute_features),
    (ast.AugAssign, lambda node: iter([f"in place {ast.unparse(node.target)}"])),
    (ast.Delete, lambda node: iter(f"del {ast.unparse(target)}" for target in node.targets)),
    (ast.Await, _always("await")),
    (ast.AsyncFor, _always("async for")),
    (ast.AsyncWith, _always("async with")),
    ((ast.For, ast.While), _always("a loop")),
    ((ast.Yield, ast.YieldFrom), _always("yield")),
    (ast.GeneratorExp, _always("a generator")),
    (ast.ListComp, _always("a list comprehension")),
    ((ast.Set, ast.SetComp), _always("a set")),
)
