from __future__ import annotations

import sys

import pytest

from tasks.bench.workers.workers import WORKER_FOLDER

sys.path.append(str(WORKER_FOLDER))
from prprep_worker.values.texts import joined_runs, numbered_lines


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "\n".join(f'r{number} = "something"' for number in range(100)),
            """"\\n".join(f'r{number} = "something"' for number in range(100))""",
        ),
        (
            "".join(f"{{row {number}: {number} of 7}}\n" for number in range(7, 12)),
            """"".join(f"{{row {number}: {number} of 7}}\\n" for number in range(7, 12))""",
        ),
    ],
)
def test_numbered_lines_are_written_by_their_pattern(text, code):
    assert numbered_lines(text) == code
    assert eval(code) == text
    longer = eval(numbered_lines(text, 10))
    assert longer.startswith(text)
    assert longer.count("\n") + (not text.endswith("\n")) == 10 * len(text.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        "a1\na2\na3",
        "a1\na2\na3\na5",
        "a1 b2\na2 b3\na3 b4\na4 b5",
        "a\nb\nc\nd",
        "a01\na02\na03\na04",
        "1\n2\n\n3",
        "a\na1\na2\na3",
    ],
)
def test_other_lines_are_not_numbered(text):
    assert numbered_lines(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 1_000 + "a" + "](u)" * 1_000, '"[" * 1_000 + "a" + "](u)" * 1_000'),
        (b"GET / " + b"\x00\xff" * 99, 'b"GET / " + b"\\x00\\xff" * 99'),
        ("((" * 50 + "))" * 50, '"(" * 100 + ")" * 100'),
        ("x.y" * 80 + "end of it", '"x.y" * 80 + "end of it"'),
    ],
)
def test_a_text_of_a_few_runs_is_written_by_them(text, code):
    assert joined_runs(text) == code
    assert eval(code) == text
    assert len(eval(joined_runs(text, 3))) > 2.5 * len(text)


@pytest.mark.parametrize(
    "text", ["word " * 90, "".join(letter * 9 for letter in "abcdefghij"), "no run at all " * 2, ""]
)
def test_other_texts_are_not_written_by_runs(text):
    assert joined_runs(text) is None
