"""The JSON Schema of `prprep.yaml`, for editors: what the reader accepts, as far as a schema can say it.

What it cannot say: ids and items that are unique, keys that are given twice, what only git knows.
"""

from __future__ import annotations

import json
from typing import Any

from .model import Manifest

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Defaults that say more than "nothing": an editor shows them.
_TOLD_DEFAULTS = ("strategy", "engine", "budget", "confidence", "negligible", "sandbox", "repo", "output")


def schema_text() -> str:
    """Return the schema as it stands in `prprep.schema.json`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Make the schema (draft 2020-12) from the models."""
    made = Manifest.model_json_schema(mode="validation")
    parts: dict[str, Any] = {name: _tidied(part) for name, part in made.pop("$defs").items()}
    top = _tidied(made)
    parts["Entry"] = _entry(parts["Optimization"])
    parts["Optimization"] = _listed(parts["Optimization"])
    top["properties"]["optimizations"] = _list_or_mapping(
        top["properties"]["optimizations"], parts["Optimization"]["properties"]["id"]
    )
    title = {"$schema": _DIALECT, "title": "prprep.yaml"}
    return {**title, **top, "$defs": dict(sorted(parts.items()))}


def _tidied(model: dict[str, Any]) -> dict[str, Any]:
    """Take out the titles that repeat the keys, and defaults that say nothing."""
    properties = {}
    for name, field in model["properties"].items():
        told = {
            key: value
            for key, value in field.items()
            if key != "title" and (key != "default" or name in _TOLD_DEFAULTS)
        }
        properties[name] = told
    return {
        **{key: value for key, value in model.items() if key not in {"title", "properties"}},
        "properties": properties,
    }


def _listed(item: dict[str, Any]) -> dict[str, Any]:
    """Demand a head or commits, and no contradiction; an empty value is none."""
    head = {"required": ["head"], "properties": {"head": {"type": "string"}}}
    commits = {
        "required": ["commits"],
        "properties": {"commits": {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1}]}},
    }
    properties = item["properties"]
    first = ("id", "title", "summary", "details", "domain", "base", "head", "commits", "functions", "benchmark", "pr")
    ordered = {name: properties[name] for name in (*first, *(name for name in properties if name not in first))}
    return {**item, "properties": ordered, "oneOf": [head, commits]}


def _entry(item: dict[str, Any]) -> dict[str, Any]:
    """Return the form of an item that stands under its id."""
    entry = _listed(item)
    return {**entry, "required": [name for name in entry.get("required", []) if name != "id"]}


def _list_or_mapping(optimizations: dict[str, Any], item_id: dict[str, Any]) -> dict[str, Any]:
    """Let the items be a list, or a mapping by id."""
    listed = {key: value for key, value in optimizations.items() if key != "description"}
    mapped = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {key: value for key, value in item_id.items() if key != "description"},
        "additionalProperties": {"$ref": "#/$defs/Entry"},
    }
    return {"description": optimizations["description"], "anyOf": [listed, mapped]}
