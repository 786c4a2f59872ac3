"""The JSON Schema of the document, from the models."""

import json
from typing import Any

from .models import Document

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """Return the content of `prprep-output.schema.json`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Return the schema; it allows fields that a later prprep adds."""
    whole = _without_titles(Document.model_json_schema(mode="serialization"))
    return {"$schema": _DIALECT, "title": "What `prprep COMMAND --json` writes", **whole}


def _without_titles(value: Any) -> Any:
    """Remove pydantic's titles, which repeat the keys; `title` is a key of our own, too."""
    if isinstance(value, list):
        return [_without_titles(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_titles(each) for key, each in value.items() if not (key == "title" and isinstance(each, str))}
