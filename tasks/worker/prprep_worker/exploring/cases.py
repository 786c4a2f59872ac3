"""Find out which of the listed values this case of a parametrized test has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def case_of(item: Any) -> dict[str, int]:
    """Return the index of the value of each name that a mark `parametrize`, or a fixture with `params`, has.

    pytest's own indices count cases, rather than values, in some versions.
    """
    params = getattr(getattr(item, "callspec", None), "params", None) or {}
    case: dict[str, int] = {}
    for mark in item.iter_markers("parametrize"):
        names, listed = mark.args[:2] if len(mark.args) > 1 else ("", ())
        is_single = isinstance(names, str) and "," not in names
        names = [each.strip() for each in names.split(",") if each.strip()] if isinstance(names, str) else [*names]
        if isinstance(listed, (list, tuple)) and names:
            found = (index for index, each in enumerate(listed) if _is_case(each, names, params, is_single=is_single))
            index = next(found, None)
            case.update({} if index is None else dict.fromkeys(names, index))
    for name, definitions in getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).items():
        values = getattr(definitions[-1], "params", None) or ()
        if name in params and name not in case:
            case.update((name, index) for index, value in enumerate(values) if value is params[name])
    return case


def plain_values_of(item: Any) -> dict[str, Any]:
    """Return the value of each parametrized name whose value is a str, an int, a bool or None."""
    params = getattr(getattr(item, "callspec", None), "params", None) or {}
    return {name: value for name, value in params.items() if value is None or type(value) in (str, int, bool)}


def _is_case(listed: Any, names: Sequence[str], params: dict[str, Any], *, is_single: bool) -> bool:
    """Return whether the values listed for a case are those that the test has."""
    if type(listed).__name__ == "ParameterSet":
        values = listed.values
    elif is_single:
        values = (listed,)
    else:
        values = tuple(listed) if isinstance(listed, (list, tuple)) else ()
    nothing = object()
    pairs = zip(names, values)  # noqa: B905 - Python 3.9
    return len(values) == len(names) and all(params.get(name, nothing) is value for name, value in pairs)
