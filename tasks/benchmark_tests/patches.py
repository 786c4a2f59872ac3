"""Read what a test replaces: by `unittest.mock`, by pytest's `monkeypatch`, or by an assignment."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..project.code.imported_names import Imports, absolute_name
from ..project.syntax import Function, dotted_name, keywords, last_name, string_value

PATCHERS: Final = frozenset({"patch", "setattr", "delattr", "setitem", "delitem", "setenv", "delenv"})
MOCKS: Final = frozenset(
    {"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "NonCallableMagicMock", "create_autospec"}
)
_MOCK_PATCHER: Final = re.compile(r"(?:^|\.)(patch(?:\.(?:object|dict|multiple))?)$")


@dataclass(frozen=True, slots=True)
class Patch:
    """One replacement of `owner.name`; imported owners are spelled in full (`pages.tables`).

    `kind` is "attribute", "item" (of a mapping) or "environment"; `new` is the replacement, None for a bare Mock.
    """

    node: ast.expr | ast.stmt
    owner: str
    name: str
    kind: str = "attribute"
    owner_node: ast.expr | None = None
    new: ast.expr | None = None
    is_property_mock: bool = False

    @property
    def replaced(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


def patches(function: Function, imported: Imports) -> Iterator[Patch]:
    """Yield what a function of a file with these imports replaces."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and node.args and (patcher := _patcher(node, imported)):
            yield from _patched(node, patcher, imported)
        elif isinstance(node, ast.Assign):  # an assignment to an import's attribute is a patch that nobody undoes
            for target in node.targets:
                owner = target.value if isinstance(target, ast.Attribute) else None
                if owner and (whole := absolute_name(dotted_name(owner), imported)):
                    yield Patch(node, whole, last_name(target), owner_node=owner, new=node.value)


def _patcher(node: ast.Call, imported: Imports) -> str:
    """Return the function that a call patches with, like `patch.object` or `setenv`; "" if it patches nothing."""
    spelled = dotted_name(node.func)
    if match := _MOCK_PATCHER.search(spelled):
        first = spelled.partition(".")[0]
        is_mock = first in {"patch", "mock", "mocker", "unittest"} or "mock" in absolute_name(first, imported)
        return match[1] if is_mock else ""
    owner, _, last = spelled.rpartition(".")
    return last if owner in {"monkeypatch", "mp", "m"} and last in PATCHERS else ""


def _patched(node: ast.Call, patcher: str, imported: Imports) -> Iterator[Patch]:
    first, named = node.args[0], keywords(node)
    spelled = dotted_name(first) or ast.unparse(first)
    owner = absolute_name(spelled, imported) or spelled
    if patcher in {"setenv", "delenv"}:
        name = string_value(first) or ast.unparse(first)
        yield Patch(node, "os.environ", name, "environment", new=_argument(node, 1))
    elif patcher in {"patch.dict", "setitem", "delitem"}:
        owner = string_value(first) or owner
        kind = "environment" if owner in {"os.environ", "environ"} else "item"
        yield Patch(node, owner, string_value(_argument(node, 1)), kind, first, named.get("values"))
    elif patcher == "patch.multiple":
        for name, value in named.items():
            yield Patch(node, owner, name, owner_node=first, new=value)
    else:
        yield _attribute_patch(node, owner)


def _attribute_patch(node: ast.Call, owner: str) -> Patch:
    first, named = node.args[0], keywords(node)
    is_property = last_name(named.get("new_callable", first)) == "PropertyMock"
    if replaced := string_value(first):
        owner, _, name = replaced.rpartition(".")
        new = _argument(node, 1) or named.get("new") or _mock(node)
        return Patch(node, owner, name, new=new, is_property_mock=is_property)
    name = string_value(_argument(node, 1) or named.get("name") or named.get("attribute"))
    new = _argument(node, 2) or named.get("value") or named.get("new") or _mock(node)
    is_property = is_property or (isinstance(new, ast.Call) and last_name(new) == "PropertyMock")
    return Patch(node, owner, name, "attribute", first, new, is_property)


def _argument(node: ast.Call, index: int) -> ast.expr | None:
    return node.args[index] if index < len(node.args) else None


def _mock(node: ast.Call) -> ast.expr | None:
    """Return the Mock that `patch(..., return_value=...)` or `side_effect=` creates."""
    effects = [each for each in node.keywords if each.arg in {"return_value", "side_effect"}]
    return ast.Call(ast.Name("MagicMock"), [], effects) if effects else None
