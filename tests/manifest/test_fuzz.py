"""Whatever a file holds, the reader returns a manifest or explains what is wrong."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tasks.errors import ManifestError
from tasks.manifest.model import EnvironmentSettings, Manifest, Optimization
from tasks.manifest.reader import read
from tasks.manifest.schema import schema

pytestmark = pytest.mark.slow

KEYS = sorted(
    {
        *Manifest.model_fields,
        *Optimization.model_fields,
        *EnvironmentSettings.model_fields,
        "pass",
        "setup",
        "call",
        "zzz",
    }
)
TOKENS = [
    *(
        "\n",
        "\n  ",
        "\n    ",
        "\n  - ",
        "- ",
        ": ",
        "? ",
        ", ",
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "|\n",
        ">-\n",
        "#",
        " ",
        "\t",
        "\r",
        "\r\n",
    ),
    *(
        "&a ",
        "*a",
        "*b",
        "<<: ",
        "!",
        "!!int ",
        "!!python/name:os ",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "\\",
        "\x00",
        "\x85",
        "\u2028",
        "\ufeff",
    ),
    *(
        "~",
        "12",
        "1e9",
        ".nan",
        "true",
        "é",
        "😀",
        "version: 1\n",
        "optimizations:\n",
        "id: a",
        "head: x",
        *(f"{key}: " for key in KEYS),
    ),
]
VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        -1,
        12,
        0.5,
        1e3,
        "",
        "a",
        "x y",
        "-x",
        "a..b",
        "a/b",
        "../a",
        "a.py",
        "pkg.mod:f",
        "mem",
        "time",
        "auto",
        "native",
        "run",
    ]
)
NESTED = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)


GOOD: dict[str, list[object]] = {
    "repo": [".", "../x"], "upstream": ["main", None], "slug": ["a/b"], "output": ["out", "./out/"], "templates": ["t", None], "charts": ["https://example.com/charts", None],
    "defaults": [{}, {"budget": 2}], "strategy": ["auto", "inject"], "engine": ["native"], "metrics": ["time", ["time", "memory"], None],
    "timeout": [1, 2.5, None], "budget": [3], "cores": [1, "all", "auto"], "confidence": [0.9], "negligible": [0, 0.05], "negligible_memory": [0, 1024], "sandbox": ["none", "bwrap"], "env": [{}, {"python": "3.12", "extras": "x"}, {"pass": "A_KEY"}],
    "push": ["origin", None], "commit_benchmark": ["auto"],
    "template": ["auto", "own"], "summarize": ["client --short", None],
    "lint": [{}, {"ignore": "toy-input"}], "drive": ["python x.py", None], "boundary_bytes": [0, None], "benchmark_files": ["tests/a.json", ["a", "b/c"], []],
    "tests": ["pytest -q", None, False], "tests_timeout": [5], "verify": [True, False], "title": ["T", None], "summary": ["one", ["one", "two"], []], "details": ["", None],
    "domain": ["mem", ["mem", "cpu"], []], "base": ["v1", None], "head": ["x"], "commits": [[]], "functions": ["a.b:c", ["a", "a:b"]],
    "benchmark": ["t/a.py", {"call": "f()"}, None], "pr": [3, None], "id": ["a"], "version": [1],
    "workers": ["tls://bench:8786", None],
}  # fmt: skip


def mapping_of(model: type) -> st.SearchStrategy[dict[str, object]]:
    """Return mappings most of whose values are valid."""
    pairs = st.sampled_from(sorted(model.model_fields.keys() - {"optimizations"})).flatmap(
        lambda key: st.tuples(st.just(key), st.one_of(*[st.sampled_from(GOOD[key])] * 4, NESTED))
    )
    return st.lists(pairs, max_size=3).map(dict)


ITEMS = mapping_of(Optimization).map(lambda values: {"id": "a", "head": "x", **values})
ENTRIES = (
    st.lists(ITEMS, min_size=1, max_size=1)
    | st.dictionaries(st.sampled_from(["a", "a", "b", "run"]), ITEMS, max_size=1)
    | NESTED
)
MANIFESTS = st.builds(
    lambda values, items: {"version": 1, **values, "optimizations": items}, mapping_of(Manifest), ENTRIES
)


def is_accepted(content: bytes) -> bool:
    """Read it; if it is refused, check that every problem has a position in the file."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "prprep.yaml"
        manifest.write_bytes(content)
        error = error_of(manifest)
    if error is None:
        return True
    lines = content.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert error.problems
    assert all(0 <= problem.line <= lines and problem.column >= 0 for problem in error.problems)
    str(error).encode()
    return False


def error_of(manifest: Path) -> ManifestError | None:
    try:
        read(manifest)
    except ManifestError as error:
        return error
    return None


@given(st.binary(max_size=200))
@example(b"\xed\xa0\x80")
@example(b'a: "\\ud800"')
def test_any_bytes(content):
    is_accepted(content)


@given(st.text(max_size=200))
def test_any_text(content):
    is_accepted(content.encode(errors="surrogatepass"))


@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
@example("optimizations:\n&a *a: x")
@example("? *a\n: &a x")
@example("{? {a: [&a x]} : *a, <<: [*a, ~]}")
@example("&a &b x")
def test_anything_like_yaml(text):
    is_accepted(text.encode())


@given(MANIFESTS)
def test_reader_and_schema_agree(content):
    entries = content["optimizations"]
    if isinstance(entries, dict) and any(
        isinstance(entry, dict) and entry.get("id", key) != key for key, entry in entries.items()
    ):
        entries.clear()  # An id that contradicts its key is beyond a schema.
    accepted = is_accepted(json.dumps(content).encode())
    assert accepted == Draft202012Validator(schema()).is_valid(content)


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_manifest_cut_short(cut):
    whole = 'version: 1\nrepo: "."\ndefaults: {env: {python: "3.12"}}\noptimizations:\n' + "".join(
        f"  - id: item_{number}\n    head: topic/{number}\n    summary:\n      - 'One: {number}'\n    functions: [a.b:c]\n"
        for number in range(4)
    )
    is_accepted(whole[:cut].encode())
