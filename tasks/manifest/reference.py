"""The tables of docs/manifest.md, from the models."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .model import EnvironmentSettings, LintSettings, Manifest, Measuring, Optimization

_HEAD = ("| key | meaning | default |", "|---|---|---|")
_NESTED: dict[str, type[BaseModel]] = {"env": EnvironmentSettings, "lint": LintSettings}


def tables_text() -> str:
    """Return the part of docs/manifest.md from "Top level" on."""
    own = [name for name in Optimization.model_fields if name not in Measuring.model_fields]
    sections = {
        "Top level": _rows(Manifest, [*Manifest.model_fields]),
        "What an item says about itself": _rows(Optimization, own),
        "What an item or `defaults` can set": _rows(Measuring, [*Measuring.model_fields]),
    }
    return "\n".join(line for title, rows in sections.items() for line in ("", f"## {title}", "", *_HEAD, *rows)) + "\n"


def _rows(model: type[BaseModel], names: list[str]) -> Iterator[str]:
    for name in names:
        if nested := _NESTED.get(name):
            for inner, field in nested.model_fields.items():
                yield _row(f"{name}: {{{field.alias or inner}}}", field)
        else:
            yield _row(name, model.model_fields[name])


def _row(key: str, field: FieldInfo) -> str:
    meaning, _, default = (field.description or "").partition("; default: ")
    if field.is_required():
        default = "required"
    elif not default:
        default = _shown(field.default)
    meaning, default = (re.sub(r"\b([a-z-]+\.md)\b", r"[\1](\1)", text) for text in (meaning, default))
    return f"| `{key}` | {meaning} | {default} |"


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "none"
    return f"`{value:g}`" if isinstance(value, float) else f"`{str(value).lower() if value is True else value}`"
