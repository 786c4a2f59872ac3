"""The committed schema and the tables of docs/json.md are those of the models."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tasks.json_output.schema import schema, schema_text
from tests.support.documents import COMMITTED
from tests.support.pages import document_tables

PAGE = Path(__file__).parents[2] / "docs/json.md"
FIELDS = "Generated from `tasks/json_output/models.py`.\n\n"
PARTS = {"Document": schema(), **{name: part for name, part in schema()["$defs"].items() if "properties" in part}}


def test_the_committed_schema_is_current():
    assert COMMITTED.read_text(encoding="utf-8") == schema_text()
    Draft202012Validator.check_schema(schema())


def test_the_page_documents_every_field():
    head, marker, fields = PAGE.read_text(encoding="utf-8").partition(FIELDS)
    if os.environ.get("PRPREP_WRITE_GOLDEN"):
        PAGE.write_text(f"{head}{marker}{document_tables()}", encoding="utf-8")
    assert fields == document_tables()
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", fields, re.MULTILINE)
    assert rows == [
        field for name in re.findall(r"^### (\w+)$", fields, re.MULTILINE) for field in PARTS[name]["properties"]
    ]
    assert set(re.findall(r"^### (\w+)$", fields, re.MULTILINE)) == set(PARTS)


@pytest.mark.parametrize("name", PARTS)
def test_fields_have_a_description_and_more_may_be_added(name):
    part = PARTS[name]
    assert [key for key, field in part["properties"].items() if not field.get("description")] == []
    assert set(part["required"]) == set(part["properties"])
    assert "additionalProperties" not in part


def test_the_example_of_the_page_has_the_fields_of_an_item():
    example = json.loads(re.findall(r"```json\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0])
    assert example.keys() <= PARTS["Item"]["properties"].keys()
    assert example["comparison"].keys() <= PARTS["Comparison"]["properties"].keys()
    assert example["comparison"]["changes"][0].keys() <= PARTS["Change"]["properties"].keys()
