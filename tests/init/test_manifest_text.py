"""The text of a first manifest, from literal items."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.init.candidate import Candidate
from tasks.init.items import ProposedItem, Selection
from tasks.init.manifest_text import Preamble, manifest_text, yaml_scalar
from tasks.manifest.document import Document
from tasks.manifest.model import BenchmarkCode
from tasks.manifest.reader import parse

PREAMBLE = Preamble(
    ".",
    "origin/main",
    "origin's HEAD",
    "ada/kit",
    ("H.md (2 optimizations)", "git log"),
    ("H.md: the file is UTF-16",),
    ("[tool.codeflash] x",),
)
SHA = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
USED = ProposedItem(
    {
        "id": "one",
        "commits": [SHA],
        "title": "Say: 'it' # so",
        "functions": ["a:b"],
        "domain": ["mem", "cpu"],
        "summary": ["- Do [it]."],
        "pr": 7,
    },
    "H.md:3",
    comments=("claimed: 3x",),
    warnings=("there is no function f\n- id: evil",),
    remarks={SHA: "A title\n# of two lines"},
)
UNUSED = ProposedItem({"id": "two", "title": "Two"}, "H.md:4", problem="commit abc is not in the repository")


GONE = Candidate("H.md:9", "Gone\noptimizations:", reason="reverted")


def read(*items, left_out=()):
    text = manifest_text(PREAMBLE, Selection(items, left_out))
    loaded, problems = parse(text.encode(), Path("prprep.yaml"))
    return text, loaded, [problem.message for problem in problems]


def test_a_draft_is_valid_and_has_the_values_of_its_items():
    text, loaded, problems = read(USED, UNUSED, left_out=(GONE,))
    assert problems == []
    (item,) = loaded.manifest.optimizations
    assert (item.id, item.title, item.commits, item.functions) == ("one", "Say: 'it' # so", (SHA,), ("a:b",))
    assert (item.domain, item.summary, item.pr, loaded.manifest.upstream) == (
        ("mem", "cpu"),
        ("- Do [it].",),
        7,
        "origin/main",
    )
    assert text.startswith("# yaml-language-server: $schema=prprep.schema.json\n")
    assert f"      - {SHA} # A title # of two lines\n" in text
    assert "  # There is no function f - id: evil.\n  # Claimed: 3x.\n  - id: one\n" in text
    assert (
        "  # NOT USED: commit abc is not in the repository.\n  # - id: two\n  #   title: Two\n  #   head: ...\n" in text
    )
    assert "# - Gone optimizations: (H.md:9): reverted\n" in text
    assert "# Warning: H.md: the file is UTF-16.\n" in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_draft_shows_how_to_describe_a_benchmark_that_can_be_used_as_it_is():
    text, _, _ = read(USED)
    (line,) = (line for line in text.splitlines() if line.startswith("#   benchmark: "))
    used = text.replace("  - id: one\n", f"  - id: one\n    {line.removeprefix('#').strip()}\n")
    loaded, problems = parse(used.encode(), Path("prprep.yaml"))
    assert problems == []
    (item,) = loaded.manifest.optimizations
    assert item.benchmark == BenchmarkCode(setup="from my_project.text import merge", call="merge('word ' * 1_000)")
    assert "`setup` is not timed, `call` is measured" in text


def test_without_items_the_manifest_is_invalid():
    assert read(UNUSED)[2]


@pytest.mark.parametrize(
    "text", ["8069420", "12345e6", "1e10", "0x12", "0o17", "+12", ".5", "no", "~", "null", "true", "2020-01-01", "a: b"]
)
def test_text_that_yaml_might_read_as_something_else_is_quoted(text):
    assert Document(f"key: {yaml_scalar(text)}\n".encode()).content == {"key": text}
    assert Document(f"key: {yaml_scalar(7)}\n".encode()).content == {"key": 7}
