from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tasks.manifest.document import Document
from tasks.manifest.reader import read_leniently
from tasks.manifest.schema import schema, schema_text
from tests.manifest.test_explanations import IDS, ITEM, TOP, as_json

COMMITTED = Path(__file__).parents[2] / "prprep.schema.json"

# Beyond a JSON Schema: JSON has no infinity, and an enumeration is case sensitive.
BEYOND_SCHEMAS = {"timeout: .inf", "Compare"}

ACCEPTED = [
    "version: 1\noptimizations: [{id: a, head: x}]",
    "version: 1\noptimizations: {a: {head: x}, b: {id: b, commits: y}}",
    "version: 1\noptimizations: [{id: a, commits: [x, y], base: v1.0~2}]",
    "version: 1\noptimizations: [{id: a, head: x, commits: []}]",
    "version: 1\noptimizations: [{id: a, head: ~, commits: x, title: ~, benchmark: ~, metrics: ~, pr: ~}]",
    "version: 1\noptimizations: [{id: a, head: x, summary: one, domain: mem, functions: p.m:f, metrics: time, env: {extras: e, groups: g, install: i}}]",
    "version: 1\noptimizations: [{id: a, head: x, summary: [1st, 2nd, 3rd], domain: [mem, cpu], functions: [p.m:C.f, p], metrics: [time, memory]}]",
    "version: 1\noptimizations: [{id: a, head: x, benchmark: ./tests/..bench/test_a.py, details: '', timeout: 1e2, budget: 3, pr: 12}]",
    "version: 1\noptimizations: [{id: a, head: x, benchmark: {call: f()}, strategy: cherry-pick, engine: codeflash, tests: pytest -q}]",
    "version: 1\ndefaults: {tests: false, verify: false}\noptimizations: {a: {head: x, tests: true, tests_timeout: 60}, b: {head: x, tests: ~}}",
    "version: 1\nrepo: ../other repo\nupstream: origin/main\nslug: a/b.c\noutput: out/\ntemplates: ./t\noptimizations: {a: {head: x}}",
    "version: 1\ndefaults: {sandbox: bwrap, env: {pass: HF_TOKEN}}\noptimizations: {a: {head: x, sandbox: none, env: {pass: [A_KEY, _b2]}}}",
    "version: 1\nrepo: git@example.org:a/b.git\ndefaults: {budget: 2.5, env: {python: '3.12', runner: uv run python}}\noptimizations: {a: {head: x}}",
]

REFUSED = [
    *(
        f"version: 1\noptimizations:\n  - id: a\n    {line}\n    head: x\n"
        for line, _ in ITEM
        if line not in BEYOND_SCHEMAS
    ),
    *(
        f"version: 1\noptimizations: [{{id: {item_id}, head: x}}]\n"
        for item_id, _ in IDS
        if item_id not in BEYOND_SCHEMAS
    ),
    *(
        f"version: 1\noptimizations: {{ {item_id}: {{head: x}} }}\n"
        for item_id, _ in IDS
        if item_id not in BEYOND_SCHEMAS | {"12"}
    ),
    *(f"optimizations: {{a: {{head: x}}}}\n{lines}\n" for lines, _ in TOP),
    "version: 1",
    "version: 1\noptimizations: []",
    "version: 1\noptimizations: {}",
    "version: 1\noptimizations:",
    "version: 1\noptimizations: [a]",
    "version: 1\noptimizations: [{head: x}]",
    "version: 1\noptimizations: [{id: a}]",
    "version: 1\noptimizations: {a: }",
    "version: 1\noptimizations: [{id: a, head: x, commits: [y]}]",
    "version: 1\noptimizations: [{id: a, head: ~, commits: []}]",
    "[]",
]


def accepted_by_reader(folder, text):
    manifest = folder / "prprep.yaml"
    manifest.write_text(text)
    return read_leniently(manifest)[1] == []


def accepted_by_schema(text):
    return Draft202012Validator(schema()).is_valid(as_json(Document(text.encode()).content))


def test_the_committed_schema_is_current():
    assert COMMITTED.read_text(encoding="utf-8") == schema_text()


def test_it_is_a_valid_schema():
    Draft202012Validator.check_schema(schema())


def test_every_key_has_a_description():
    parts = [schema(), *schema()["$defs"].values()]
    undescribed = [key for part in parts for key, field in part["properties"].items() if not field.get("description")]
    assert undescribed == []


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted_by_reader_and_schema(tmp_path, text):
    assert (accepted_by_reader(tmp_path, text), accepted_by_schema(text)) == (True, True)


@pytest.mark.parametrize("text", REFUSED)
def test_refused_by_reader_and_schema(tmp_path, text):
    assert (accepted_by_reader(tmp_path, text), accepted_by_schema(text)) == (False, False)
