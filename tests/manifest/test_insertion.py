"""One optimization more in a manifest whose every other byte stays."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from tasks.init.drafting import item_lines
from tasks.manifest.insertion import inserted

VALUES = {"commits": ["a1b2c3d"], "functions": ["a.b:c"], "title": "Say: it"}
REMARKS = {"a1b2c3d": "Its title # and more"}


def grown(text, values=VALUES):
    return inserted(text, "new", item_lines(values, REMARKS))


def added(text):
    """Give the lines that are new, and demand that no other is different."""
    before, after = text.splitlines(), grown(text).splitlines()
    new = [line for line in after if line not in before]
    kept = iter(after)
    assert all(line in kept for line in before)
    return new


ITEM = [
    "  - id: new",
    "    title: 'Say: it'",
    "    commits:",
    "      - a1b2c3d # Its title # and more",
    "    functions: a.b:c",
]
LIST = dedent("""\
    # Ours.
    version: 1   # the first

    optimizations:
      # One.
      - id:   one
        head: 'perf/one'   # quoted

      - id: two
        head: perf/two
        summary: |
          Two lines,
          with a # in them.
        # about two
    # about nothing
    """)


def test_a_list_with_comments():
    assert added(LIST) == ITEM
    text = grown(LIST)
    assert text.index("# about two") < text.index("- id: new") < text.index("# about nothing")


def test_a_mapping_by_id():
    text = "version: 1\noptimizations:\n    one: {head: perf/one}\n    two:\n        head: perf/two\ndefaults:\n  budget: 3\n"
    assert added(text) == [
        "    new:",
        "        title: 'Say: it'",
        "        commits:",
        "          - a1b2c3d # Its title # and more",
        "        functions: a.b:c",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\noptimizations:\n- id: one\n  head: x\n",
        "version: 1\noptimizations:\n- id: one\n  head: x",
        "version: 1\r\noptimizations:\r\n  - id: one\r\n    head: x\r\noutput: there\r\n",
        "version: 1\noptimizations:\n  - {id: one, head: x} # flow\n",
        "optimizations:\n  -   id: one\n      commits: [a, b]\nversion: 1\n",
        "optimizations:\n  -\n    id: one\n    head: x\nversion: 1\n",
    ],
)
def test_other_forms_of_lists(text):
    result = grown(text)
    start = text.splitlines(keepends=True)[:3]
    assert result.startswith("".join(start[:2]))
    assert result.count("\r\n") in {0, result.count("\n")}
    for line in text.splitlines():
        assert line in result.splitlines()


def test_flow_style_is_written_anew():
    text = json.dumps({"version": 1, "optimizations": [{"id": "one", "head": "x"}]})
    import yaml

    assert yaml.safe_load(grown(text)) == {
        "version": 1,
        "optimizations": [{"id": "one", "head": "x"}, {"id": "new", **VALUES, "functions": "a.b:c"}],
    }
