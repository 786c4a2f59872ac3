"""The table of lines of code that hold a part of the peak."""

from tasks.artifacts import Site
from tasks.body import placeholders, views
from tasks.text import markdown
from tasks.text.templating import fill
from tests.support.evidence import TEST

SITES = (
    Site(test=TEST, place="src/pagelayout/text.py:41 → 45 merge_lines", base=40_000_000, head=15_000_000),
    Site(test=TEST, place="json/encoder.py:258 iterencode", base=0, head=4096),
)


def table(sites):
    values = {"test": views.MeasuredTest("test_work", (), (), sites)}
    return fill("compare-sites.md.j2", values, filters=placeholders.FILTERS, finish=markdown.finished)


def test_a_site_of_one_side_costs_nothing_on_the_other():
    assert table(SITES).splitlines()[2:] == [
        "| Call site | Base | Head | Difference |",
        "|:---|---:|---:|---:|",
        "| `src/pagelayout/text.py:41 → 45 merge_lines` | 38.1 MiB | 14.3 MiB | −23.8 MiB |",
        "| `json/encoder.py:258 iterencode` | 0 B | 4.0 KiB | +4.0 KiB |",
    ]
    assert table(()) == ""
