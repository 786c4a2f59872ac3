"""Judge what the changed functions returned within a benchmark's call that itself returns only None or a count."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...artifacts import Output, Side
from ...text.figures import counted
from .descriptions import DescriptionComparison, Difference, Node, spelled_difference, unstable_parts

ARGUMENTS = "arguments"
"""The type of a value that describes the arguments after a call that returned None."""

BASE_PROCESSES = "two processes on base"

Function = dict[str, Any]
"""`calls`, `values`, the `tree` of these, and `opaque`, as `prprep_worker.benchmark.returned` describes them."""


def with_functions(output: Output, described: Mapping[Side, Node], witness: Node | None) -> Output:
    """Complete the output of a call with equal results by a comparison of what the changed functions returned in it."""
    base, head, again = (_functions(each) for each in (described["base"], described["head"], witness or {}))
    value = described["base"]["tree"]
    compared, private, others = list[str](), list[str](), list[str]()
    for name, ours in base.items():
        theirs, count = head.get(name, {"calls": 0}), ours["calls"]
        if theirs["calls"] != count:
            others.append(
                f"`{name}` is called {counted(count, 'time')} at base, {counted(theirs['calls'], 'time')} at head"
            )
            continue
        one, other = _equally_long(ours["tree"], theirs["tree"])
        runs = [_equally_long(ours["tree"], again[name]["tree"])] if name in again else []
        comparison = DescriptionComparison(unstable=unstable_parts(runs))
        if difference := comparison.first_difference(one, other):
            detail = _spelled(name, one, difference)
            if not _is_private(name) or ours["is_direct"]:
                return output.model_copy(update={"verdict": "different", "detail": detail})
            private.append(f"{detail}, but is private")
        elif one["items"] == [value] and value["type"] != "NoneType":
            continue  # the measured call is that of this function
        elif ours["opaque"] or theirs["opaque"] or not comparison.is_decided or ours["values"] != theirs["values"]:
            others.append(_incomparable(name, ours["values"], theirs["values"]))
        elif any(item["type"] != "NoneType" for item in one["items"]):
            limits = [*_limits(ours, one), *comparison.qualifications(f"differs between {BASE_PROCESSES}")]
            compared.append(f"`{name}` in {counted(count, 'call')}" + (f" ({'; '.join(limits)})" if limits else ""))
            is_partial = comparison.is_partial or one["size"] < ours["values"]
            output = output.model_copy(update={"partly": output.partly or is_partial})
    if value["type"] != "NoneType":
        others = []
    elif not compared:
        detail = _joined("the call returns None on both sides", *private, *others)
        return output.model_copy(update={"verdict": "not comparable", "detail": detail})
    else:
        output = output.model_copy(update={"partly": True})
    own = f"the call itself returns {value.get('value')}, so prprep compared the results of"
    details = [f"{own} {', '.join(compared)}"] if compared else []
    return output.model_copy(update={"detail": _joined(output.detail, *details, *private, *others)})


def _is_private(function: str) -> bool:
    """Return whether only the project's own code should call a function, such as `pkg.module:_Table.rows`."""
    return any(part.startswith("_") and not part.endswith("__") for part in re.split(r"[.:]", function))


def _functions(described: Node) -> dict[str, Function]:
    return {each["name"]: each for each in described.get("functions", ())}


def _equally_long(one: Node, other: Node) -> tuple[Node, Node]:
    """Return the values that were described on both sides: the time for describing them is limited."""
    size = min(one["size"], other["size"])
    return {**one, "items": one["items"][:size], "size": size}, {**other, "items": other["items"][:size], "size": size}


def _incomparable(name: str, base: int, head: int) -> str:
    if base == head:
        return f"what `{name}` returned is not comparable"
    return f"`{name}` returns {counted(base, 'value')} at base, {counted(head, 'value')} at head"


def _limits(function: Function, compared: Node) -> Iterator[str]:
    if compared["size"] < function["values"]:
        yield f"only the first {compared['size']:,} of {function['values']:,} values"


def _spelled(name: str, tree: Node, difference: Difference) -> str:
    """Spell a difference, the value that differs, and the path in it."""
    path, base, head = difference
    if not path:
        return f"`{name}` is {spelled_difference(difference)}"
    number, _, inner = path.removeprefix("[").partition("]")
    of_arguments = tree["items"][int(number)]["type"] == ARGUMENTS
    if not inner and ARGUMENTS in {base, head}:  # the other side returned something
        base, head = ("None" if each == ARGUMENTS else each for each in (base, head))
        of_arguments = False
    leaves = "leaves its arguments different: " if of_arguments else "returns "
    of = f" (value {int(number) + 1:,} of {tree['size']:,})" if tree["size"] > 1 else ""
    return f"`{name}` {leaves}{spelled_difference((inner, base, head))}{of}"


def _joined(*details: str) -> str:
    return "; ".join(filter(None, details))
