"""The memory table of one test: templates/compare-memory.md.j2."""

from textwrap import dedent

import pytest

from tasks.artifacts import MetricName, Site, Verdict
from tasks.body import placeholders, views
from tasks.text import markdown
from tasks.text.templating import fill
from tests.support.evidence import DETECTION, TEST, change

PEAK = change(MetricName.PEAK, 52_428_800, 26_911_744, Verdict.IMPROVED, width=0.0)
ALLOCATIONS = change(MetricName.ALLOCATIONS, 1_204, 1_198, Verdict.UNCHANGED, width=0.0)
LEFT = change(MetricName.LEAKED, 20_480, 20_480, Verdict.UNCHANGED, width=0.0)
SITES = (
    Site(test=TEST, place="src/pagelayout/text.py:41 → 45 merge_lines", base=40_000_000, head=15_000_000),
    Site(test=TEST, place="json/encoder.py:258 iterencode", base=0, head=4096),
)


def table(*changes, sites=()):
    values = {"test": views.MeasuredTest("test_work", changes, (), sites), "detection": DETECTION}
    return (
        markdown.tidy(fill("compare-memory.md.j2", values, filters=placeholders.FILTERS, finish=markdown.finished))
        + "\n"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            (PEAK, ALLOCATIONS),
            """
            | Ref | Peak Memory | Allocations | Delta |
            |:---|---:|---:|:---|
            | `1f3a1f3a1f3a` (base) | 50.0 MiB | 1,204 | |
            | `9c0de9c0de9c` (head) | 25.7 MiB | 1,198 | −48.6 % |
            """,
        ),
        (
            (PEAK, ALLOCATIONS, LEFT),
            """
            | Ref | Peak Memory | Allocations | Left After Each Call | Delta |
            |:---|---:|---:|---:|:---|
            | `1f3a1f3a1f3a` (base) | 50.0 MiB | 1,204 | 20.0 KiB | |
            | `9c0de9c0de9c` (head) | 25.7 MiB | 1,198 | 20.0 KiB | −48.6 % |
            """,
        ),
        ((change(MetricName.TIME, 0.2, 0.1, Verdict.IMPROVED),), "\n"),
    ],
    ids=["peak and allocations", "what is left too", "no memory"],
)
def test_the_table_has_codeflashs_shape(changes, expected):
    assert table(*changes).strip() == dedent(expected).strip()


def test_call_sites_are_folded_below_it():
    assert (
        table(PEAK, ALLOCATIONS, sites=SITES).partition("−48.6 % |\n")[2].strip()
        == dedent("""
        <details>
        <summary>Call sites whose part of the peak changed most (2)</summary>

        | Call site | Base | Head | Difference |
        |:---|---:|---:|---:|
        | `src/pagelayout/text.py:41 → 45 merge_lines` | 38.1 MiB | 14.3 MiB | −23.8 MiB |
        | `json/encoder.py:258 iterencode` | 0 B | 4.0 KiB | +4.0 KiB |

        </details>
    """).strip()
    )
