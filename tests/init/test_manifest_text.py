"""The text of a first manifest, from literal entries."""

from __future__ import annotations

from pathlib import Path

from tasks.init.items import Aside, Entry
from tasks.init.manifest_text import Frame, manifest_text
from tasks.manifest.reader import parse

FRAME = Frame(
    ".",
    "origin/main",
    "origin's HEAD",
    "ada/kit",
    ("H.md (2 optimizations)", "git log"),
    ("H.md: it is UTF-16",),
    ("[tool.codeflash] x",),
)
SHA = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
USED = Entry(
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
UNUSED = Entry({"id": "two", "title": "Two"}, "H.md:4", problem="commit abc is not in the repository")


def read(*entries, asides=()):
    text = manifest_text(FRAME, entries, asides)
    loaded, problems = parse(text.encode(), Path("prprep.yaml"))
    return text, loaded, [problem.message for problem in problems]


def test_what_is_drafted_is_valid_and_says_what_the_entries_say():
    text, loaded, problems = read(USED, UNUSED, asides=(Aside("Gone\noptimizations:", "H.md:9", "reverted"),))
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
    assert "# Note on H.md: it is UTF-16.\n" in text
    assert max(map(len, text.splitlines())) <= 120


def test_without_entries_it_is_told_so_by_the_reader():
    assert read(UNUSED)[2]
