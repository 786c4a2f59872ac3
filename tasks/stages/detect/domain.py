"""Propose the domain of a change from the features of its code and the words of its commit messages."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from ...artifacts import DomainProposal
from ...manifest.model import Domain

_ENOUGH: Final[dict[Domain, int]] = {"async": 3, "struct": 5, "mem": 2, "cpu": 1}
"""The weight of evidence that a domain needs to be proposed; of equal weights the first here wins."""
_MOST_REASONS: Final = 3


@dataclass(frozen=True)
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

    @cached_property
    def added(self) -> Counter[str]:
        """How often each feature of the code was added."""
        return Counter(_features(self.head)) - Counter(_features(self.base))

    @cached_property
    def removed(self) -> Counter[str]:
        return Counter(_features(self.base)) - Counter(_features(self.head))


class DomainEvidence(NamedTuple):
    """What one rule recognizes; its weight counts once, whatever the number of reasons."""

    domain: Domain
    weight: int
    reasons: list[str]


def propose(edits: Sequence[Edit], messages: Sequence[str]) -> DomainProposal:
    """Propose the domain with the most evidence; `cpu` without any."""
    collected = evidence(edits, messages)
    weights = {domain: sum(each.weight for each in collected if each.domain == domain) for domain in _ENOUGH}
    likely = [domain for domain, weight in weights.items() if weight >= _ENOUGH[domain]]
    if not likely:
        reason = "nothing in the change points to memory, concurrency or imports"
        return DomainProposal(domains=("cpu",), reason=reason, given=False)
    domain = max(likely, key=lambda each: weights[each])
    strongest = sorted((each for each in collected if each.domain == domain), key=lambda each: -each.weight)
    reasons = list(dict.fromkeys(reason for each in strongest for reason in each.reasons))
    return DomainProposal(domains=(domain,), reason="; ".join(reasons[:_MOST_REASONS]), given=False)


def evidence(edits: Sequence[Edit], messages: Sequence[str]) -> list[DomainEvidence]:
    """Apply every rule to every edit, and every pattern to the messages."""
    collected = []
    for domain, weight, recognize in RULES:
        if reasons := [f"{reason} in {edit.where}" for edit in edits if (reason := recognize(edit))]:
            collected.append(DomainEvidence(domain, weight, reasons))
    if edits and all(edit.is_module for edit in edits) and any(each.domain == "struct" for each in collected):
        collected.append(DomainEvidence("struct", _MODULES_ONLY, ["only module-level code changed"]))
    for domain, weight, pattern in _WORDS:
        if match := next(filter(None, (re.search(pattern, each, re.IGNORECASE) for each in messages)), None):
            collected.append(DomainEvidence(domain, weight, [f'"{match[0]}" in a commit message']))
    return collected


# -- rules ------------------------------------------------------------------------------------------


def _adds(*features: str) -> Callable[[Edit], str]:
    return lambda edit: _first_of(edit.added, features, "is added")


def _adds_or_removes(*features: str) -> Callable[[Edit], str]:
    return lambda edit: _adds(*features)(edit) or _first_of(edit.removed, features, "is removed")


def _first_of(features: Counter[str], prefixes: tuple[str, ...], change: str) -> str:
    first = next((feature for feature in features if feature.startswith(prefixes)), "")
    return first and f"`{first.removeprefix(_NAME)}` {change}"


def _changes_async_function(edit: Edit) -> str:
    return "an async function changed" if edit.is_async and edit.base and edit.head else ""


def _replaces_list_by_generator(edit: Edit) -> str:
    lazy = next((feature for feature in ("a generator", "yield") if edit.added[feature]), "")
    built_list = edit.removed["a list comprehension"] or edit.removed[".append("]
    return f"{lazy} replaces a list" if lazy and built_list else ""


def _works_in_place(edit: Edit) -> str:
    rebound = [feature.removeprefix("rebinds ") for feature in edit.removed if feature.startswith("rebinds ")]
    return next((f"`{name}` is changed in place" for name in rebound if edit.added[f"in place {name}"]), "")


def _removes_import_of_module(edit: Edit) -> str:
    """Recognize a module that imports less than before; exchanging one import for another is not enough."""
    removed, added = (
        sum(number for feature, number in side.items() if feature.startswith("import "))
        for side in (edit.removed, edit.added)
    )
    return _first_of(edit.removed, ("import ",), "is removed") if edit.is_module and removed > added else ""


def _adds_import_to_function(edit: Edit) -> str:
    return "" if edit.is_module else _adds("import ")(edit)


def _adds_lazy_attributes(edit: Edit) -> str:
    return "a module's `__getattr__` is added" if edit.name == "__getattr__" and not edit.base else ""


_MODULES_ONLY: Final = 3
_NAME: Final = "name "
_PORTIONS: Final = ("chunk", "batch", "buffer")
_CONCURRENT: Final = ("gather(", "TaskGroup(", "create_task(", "as_completed(", "to_thread(", "run_in_executor(")
_CACHES: Final = ("lru_cache", "cache", "cached_property")
_DTYPES: Final = ("float32", "float16", "uint8", "int32", "int16")

RULES: Final[tuple[tuple[Domain, int, Callable[[Edit], str]], ...]] = (
    ("async", 5, _changes_async_function),
    ("async", 5, _adds_or_removes(*_CONCURRENT)),
    ("async", 3, _adds_or_removes("await", "async for", "async with")),
    ("struct", 3, _removes_import_of_module),
    ("struct", 3, _adds_import_to_function),
    ("struct", 5, _adds_lazy_attributes),
    ("mem", 4, _adds("__slots__", "slots=")),
    ("mem", 3, _replaces_list_by_generator),
    ("mem", 2, _adds("del ")),
    ("mem", 2, _works_in_place),
    ("mem", 2, _adds("gc.", "weakref.", "malloc_trim(")),
    ("mem", 2, _adds("memoryview(", "bytearray(", "mmap(", "memmap(", "frombuffer(", "array.array(")),
    ("mem", 2, _adds("out=", "copy=", "dtype=", "astype(", *_DTYPES)),
    ("mem", 2, _adds(_NAME, "chunksize=")),
    ("cpu", 3, _adds(*_CACHES)),
    ("cpu", 1, _adds("set(", "frozenset(", "a set", "bisect", "deque(", "heapq.", "re.compile(")),
    ("cpu", 1, lambda edit: "a loop is removed" if edit.removed["a loop"] else ""),
)
"""Each with its domain, its weight and a function that describes what it recognizes, "" for nothing."""

_WORDS: Final[tuple[tuple[Domain, int, str], ...]] = (
    ("mem", 4, r"\b(memory(?:wise)?|peak|leak\w*|rss|oom|footprint|allocat\w+)\b"),
    ("mem", 1, r"\bin[- ]place\b"),
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
        yield from _CONSTRUCTS.get(type(node), ())
        yield from _named_features(node)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Walk everything but the code that is for the type checker alone."""
    yield node
    children: Sequence[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        children = node.orelse
    for child in children:
        yield from _executed(child)


def _named_features(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call():
            yield f"{ast.unparse(node.func)}("
            if isinstance(node.func, ast.Attribute):
                yield from (f"{node.func.attr}(", f".{node.func.attr}(")
            yield from (f"{keyword.arg}=" for keyword in node.keywords if keyword.arg)
        case ast.Import():
            yield from (f"import {alias.name}" for alias in node.names)
        case ast.ImportFrom() if node.module != "__future__":
            yield f"import {'.' * node.level}{node.module or ''}"
        case ast.Assign():
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            changed = ast.unparse(node.value.left) if isinstance(node.value, ast.BinOp) else ""
            yield from (name for name in names if name == "__slots__")
            yield from (f"rebinds {name}" for name in names if name == changed)
        case ast.Name(id=name) | ast.arg(arg=name):
            yield from (_NAME + name for word in _PORTIONS if word in name.lower())
            yield from [name] if name in _CACHES else []
        case ast.Attribute() if node.attr in (*_CACHES, *_DTYPES):
            yield node.attr
        case ast.AugAssign():
            yield f"in place {ast.unparse(node.target)}"
        case ast.Delete():
            yield from (f"del {ast.unparse(target)}" for target in node.targets)


_CONSTRUCTS: Final[dict[type[ast.AST], tuple[str]]] = {
    ast.Await: ("await",),
    ast.AsyncFor: ("async for",),
    ast.AsyncWith: ("async with",),
    ast.For: ("a loop",),
    ast.While: ("a loop",),
    ast.Yield: ("yield",),
    ast.YieldFrom: ("yield",),
    ast.GeneratorExp: ("a generator",),
    ast.ListComp: ("a list comprehension",),
    ast.Set: ("a set",),
    ast.SetComp: ("a set",),
}
