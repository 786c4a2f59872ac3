"""The JSON Schema of the document, and the tables of docs/json.md: both come from the models."""

import json
import re
from collections.abc import Iterator
from typing import Any

from .models import Document

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBERS = {2: "two", 3: "three"}


def schema_text() -> str:
    """Return the content of `prprep-output.schema.json`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Return the schema; it allows fields that a later prprep adds."""
    whole = _without_titles(Document.model_json_schema(mode="serialization"))
    return {"$schema": _DIALECT, "title": "What `prprep COMMAND --json` writes", **whole}


def fields_text() -> str:
    """Return a table of fields for every part of the document, for docs/json.md."""
    whole = schema()
    parts = {"Document": whole, **{name: part for name, part in whole["$defs"].items() if "properties" in part}}
    return "\n".join(line for name in _order(parts) for line in _section(name, parts[name], whole["$defs"]))


def _order(parts: dict[str, Any]) -> list[str]:
    """Return the parts in the order in which the fields of the document lead to them."""
    order = ["Document"]
    for name in order:
        named = re.findall(r'"#/\$defs/(\w+)"', json.dumps(parts[name]["properties"]))
        order += dict.fromkeys(each for each in named if each in parts and each not in order)
    return order


def _section(name: str, part: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    yield from (f"### {name}", "", part["description"], "", "| field | value | meaning |", "|---|---|---|")
    for field, value in part["properties"].items():
        yield f"| `{field}` | {_value(value, parts)} | {value.get('description', '')} |"
    yield ""


def _value(value: dict[str, Any], parts: dict[str, Any]) -> str:
    """Say which values a field has: `list of strings`, `number or null`, a link to another table."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if "properties" in parts[name] else _value(parts[name], parts)
    if "anyOf" in value:
        return " or ".join(_value(each, parts) for each in value["anyOf"])
    if constants := value.get("enum", [value["const"]] if "const" in value else []):
        return ", ".join(f"`{each}`" for each in constants)
    if "prefixItems" in value:
        return f"{_NUMBERS[len(value['prefixItems'])]} {_value(value['prefixItems'][0], parts)}s"
    if value["type"] == "array":
        plural = "" if "$ref" in value["items"] else "s"
        return f"list of {_value(value['items'], parts)}{plural}"
    return str(value["type"])


def _without_titles(value: Any) -> Any:
    """Remove pydantic's titles, which repeat the keys; `title` is a key of our own, too."""
    if isinstance(value, list):
        return [_without_titles(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_titles(each) for key, each in value.items() if not (key == "title" and isinstance(each, str))}
