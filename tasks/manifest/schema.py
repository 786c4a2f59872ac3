"""The JSON Schema of `prprep.yaml`, for editors: what the reader accepts, except what a schema cannot express.

That is: unique ids and items, duplicate keys, and everything that depends on git.
"""

import json
from typing import Any

from .model import Manifest

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Defaults that are worth showing in an editor.
_SHOWN_DEFAULTS = (
    *("strategy", "engine", "budget", "cores", "confidence", "negligible", "negligible_memory"),
    *("sandbox", "repo", "output"),
)
_FIRST_KEYS = ("id", "title", "summary", "details", "domain", "base", "head", "commits", "functions", "benchmark", "pr")
_HEAD_OR_COMMITS = [
    {"required": ["head"], "properties": {"head": {"type": "string"}}},
    {
        "required": ["commits"],
        "properties": {"commits": {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1}]}},
    },
]


def schema_text() -> str:
    """Return the content of `prprep.schema.json`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    whole = Manifest.model_json_schema(mode="validation")
    parts: dict[str, Any] = {name: _tidied(part) for name, part in whole.pop("$defs").items()}
    top = _tidied(whole)
    item = parts["Optimization"] = _item(parts["Optimization"])
    parts["Entry"] = {**item, "required": [name for name in item.get("required", []) if name != "id"]}
    top["properties"]["optimizations"] = _list_or_mapping(top["properties"]["optimizations"], item["properties"]["id"])
    return {"$schema": _DIALECT, "title": "prprep.yaml", **top, "$defs": dict(sorted(parts.items()))}


def _tidied(model: dict[str, Any]) -> dict[str, Any]:
    """Remove titles that repeat the keys, and defaults that say nothing."""
    properties = {
        name: {
            **_without(field, "title", *(() if name in _SHOWN_DEFAULTS else ("default",))),
            "description": " ".join(field["description"].split()),
        }
        for name, field in model["properties"].items()
    }
    return {**_without(model, "title", "properties"), "properties": properties}


def _without(table: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in keys}


def _item(item: dict[str, Any]) -> dict[str, Any]:
    """Require either `head` or `commits`; an empty value counts as missing."""
    properties = item["properties"]
    names = dict.fromkeys((*_FIRST_KEYS, *properties))
    return {**item, "properties": {name: properties[name] for name in names}, "oneOf": _HEAD_OR_COMMITS}


def _list_or_mapping(optimizations: dict[str, Any], item_id: dict[str, Any]) -> dict[str, Any]:
    as_mapping = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": _without(item_id, "description"),
        "additionalProperties": {"$ref": "#/$defs/Entry"},
    }
    return {"description": optimizations["description"], "anyOf": [_without(optimizations, "description"), as_mapping]}
