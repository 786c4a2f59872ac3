"""What `--json` writes, checked against the committed schema."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

COMMITTED = Path(__file__).parents[2] / "prprep-output.schema.json"


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(COMMITTED.read_text(encoding="utf-8")))


def document_of(stdout: str) -> dict:
    """Return the one document that standard output holds; raise if it holds anything else, or is not of the schema."""
    document = json.loads(stdout)
    _validator().validate(document)
    return document
