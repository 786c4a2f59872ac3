"""Texts that are too long for a line are written line by line."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize

from hypothesis import given
from hypothesis import strategies as st

from tasks.benchmark_tests.writing.long_texts import with_texts_in_lines
from tasks.project.formatting import formatted
from tests.support.projects import project

SQL = "SELECT a,\n       SUM(a) OVER (PARTITION BY b ORDER BY c) AS \"sum\",\n       'x'\n  FROM table\n"


def benchmark(value: object) -> str:
    return (
        f'def test_benchmark(benchmark):\n    """Time one call."""\n    text = {value!r}\n    benchmark(format, text)\n'
    )


def test_each_line_of_a_text_has_its_own_literal(tmp_path):
    divided = with_texts_in_lines(benchmark(SQL), 88)
    text, _ = formatted(divided, "tests/test_a.py", project(tmp_path, {"pyproject.toml": ""}))
    assert textwrap.dedent("\n".join(text.splitlines()[2:8])) == textwrap.dedent(
        r"""
        text = (
            "SELECT a,\n"
            '       SUM(a) OVER (PARTITION BY b ORDER BY c) AS "sum",\n'
            "       'x'\n"
            "  FROM table\n"
        )
        """
    ).strip("\n")


@given(
    st.one_of(
        st.text(min_size=80),
        st.binary(min_size=80),
        st.lists(st.text(alphabet="ab \n\"'\\é", min_size=40), min_size=2),
        st.dictionaries(st.text(), st.text(alphabet="ab \n", min_size=40), min_size=2),
    ),
    st.sampled_from([79, 88]),
)
def test_the_value_stays_the_same_in_shorter_lines(value, width):
    text = with_texts_in_lines(benchmark(value), width)
    (function,) = ast.parse(text).body
    assert ast.literal_eval(function.body[1].value) == value
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    assert max(len(each.string) for each in tokens if each.type == tokenize.STRING) <= width


def test_docstrings_and_formatted_texts_stay_as_they_are():
    text = f'"""{"a docstring " * 9}"""\n\nlines = [f"{"row " * 30}{{number}}" for number in range(9)]\n'
    assert with_texts_in_lines(text, 88) == text
