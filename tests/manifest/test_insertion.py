"""One more optimization in a manifest; every other byte stays."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from tasks.init.manifest_text import item_lines
from tasks.manifest.insertion import inserted

VALUES = {"commits": ["a1b2c3d"], "functions": ["a.b:c"], "title": "Say: it"}
REMARKS = {"a1b2c3d": "Its title # and more"}


def insert(text, values=VALUES):
    return inserted(text, "new", item_lines(values, REMARKS))


def added(text):
    """Return the new lines, and check that all others are the same."""
    before, after = text.splitlines(), insert(text).splitlines()
    new = [line for line in after if line not in before]
    rest = iter(after)
    assert all(line in rest for line in before)
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
    text = insert(LIST)
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
def test_other_styles_of_lists(text):
    result = insert(text)
    start = text.splitlines(keepends=True)[:3]
    assert result.startswith("".join(start[:2]))
    assert result.count("\r\n") in {0, result.count("\n")}
    for line in text.splitlines():
        assert line in result.splitlines()


def test_flow_style_is_rewritten():
    text = json.dumps({"version": 1, "optimizations": [{"id": "one", "head": "x"}]})
    import yaml

    assert yaml.safe_load(insert(text)) == {
        "version": 1,
        "optimizations": [{"id": "one", "head": "x"}, {"id": "new", **VALUES, "functions": "a.b:c"}],
    }
