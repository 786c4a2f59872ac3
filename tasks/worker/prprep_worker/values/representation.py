"""Read the call of its class that an object shows as its `repr`, such as `IPv4Address('10.0.0.1')`."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

LONGEST = 4_000
"""Characters of a `repr` that is read."""


class Call(NamedTuple):
    """The values of a call's arguments; the call makes an object only if somebody has tried it."""

    positional: tuple[Any, ...]
    named: dict[str, Any]


def call_shown_by(value: Any) -> Call | None:
    """Return the call of its class that an object's `repr` consists of, if its arguments are plain values."""
    kind = type(value)
    if kind.__repr__ is object.__repr__:
        return None
    try:
        shown = repr(value)
        call = ast.parse(shown, mode="eval").body if len(shown) <= LONGEST else None
        if not isinstance(call, ast.Call) or ast.unparse(call.func).rpartition(".")[2] != kind.__name__:
            return None
        named = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords if each.arg}
        positional = tuple(map(ast.literal_eval, call.args))
    except Exception:  # noqa: BLE001 - the project's own code, or no Python
        return None
    return Call(positional, named) if len(named) == len(call.keywords) else None
