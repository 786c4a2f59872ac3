from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.artifacts import (
    Commit,
    Comparison,
    ContributionRule,
    DataFile,
    Decision,
    DependencyDifference,
    Detection,
    EndingDifference,
    ImportedModule,
    Interval,
    MetricName,
    Output,
    ProjectTests,
    Rendering,
    Repeated,
    RunCommand,
    Scaffolding,
    SideRun,
    TreeSpec,
    Verdict,
    Verification,
)
from tasks.body.composing import title_line
from tasks.body.placeholders import CPU, MEMORY, template_for
from tasks.errors import MeasuringError, TemplateError
from tasks.stages.compare.findings import reason
from tasks.stages.render import STAGE
from tasks.stages.render.render import bounded, changed_commands, to_review
from tasks.storage.paths import shipped_templates
from tasks.text.shown import shown_lines
from tasks.text.templating import used
from tests.support.evidence import (
    BENCHMARK,
    CPU_IMPROVED,
    DETECTION,
    HEAD,
    IMPORT_IMPROVED,
    INCONCLUSIVE,
    INJECTION,
    ITEM,
    LAYOUT,
    MEMORY_IMPROVED,
    OWN_TESTS,
    REGRESSED,
    SCAFFOLDING,
    SHA256,
    SURVEY,
    TEST,
    UNCHANGED,
    VERIFIED,
    Case,
    change,
    comparison,
)
from tests.support.stages import run_stage

GOLDEN = Path(__file__).parents[2] / "golden"
GITHUB = MarkdownIt("commonmark").enable("table")
HOSTILE_TEXT = (
    "Joins | <b>er</b> {{ 7*7 }} {% raw %} @octocat\n\n"
    "fixes #1, closes acme/pagelayout#2\n\n| a | b |\n|---|---|\n| \x1b[31mred\x1b[0m | ``` |\n\n```\n</details><script>alert(1)</script>\n# Heading\n"
)
HOSTILE = Case(
    REGRESSED.model_copy(
        update={
            "reason": "<img src=x> | {{ reason }} @octocat",
            "headline": "time +26 % | <i>",
            "outputs": (
                Output(test=f"{TEST}[a|b`c-<b>]", verdict="different", detail="base '</details>', head '| @octocat'"),
            ),
            "repairs": ("installed `x|y` for <base> @octocat",),
            "notes": ("{% include 'x' %}",),
            "changes": tuple(change.model_copy(update={"test": f"{TEST}[a|b`c-<b>]"}) for change in REGRESSED.changes),
        }
    ),
    detection=DETECTION.model_copy(
        update={
            "title": "Joins | <b>er</b>",
            "head_ref": "feature/`rm`|<b>@octocat",
            "commits": (Commit(sha=HEAD, title="Joins | <b>er</b> {{ 7*7 }} @octocat", message=HOSTILE_TEXT),),
            "changelog": "plain CHANGES.md",
        }
    ),
)
TEMPLATE = """<!-- Thank you! -->

## What does this change?

<!-- In two sentences. -->

## Type of change

- [ ] Bug fix
- [ ] Performance improvement

## How was it tested?

## Related issue

## Release notes

```release-note
...
```

## Checklist

- [ ] A benchmark was added
- [ ] Benchmark results are included
- [ ] I have read the contribution guide
- [ ] AI was used
"""
AWAITED = f"{BENCHMARK}::test_benchmark_load_pages"
ASYNC = comparison(
    (
        change(MetricName.TIME, 0.2104, 0.0534, Verdict.IMPROVED, control=True, test=AWAITED),
        change(MetricName.CPU, 0.0031, 0.0034, Verdict.REGRESSED, control=True, primary=False, test=AWAITED),
    ),
    Verdict.IMPROVED,
    outputs=(Output(test=AWAITED, verdict="equal", inputs=12),),
)
STRUCT = comparison(
    (
        change(MetricName.IMPORT, 0.412, 0.0931, Verdict.IMPROVED, test="import pagelayout"),
        change(MetricName.START, 0.441, 0.122, Verdict.IMPROVED, test="start pagelayout --help"),
        change(MetricName.KEPT, 61_200_000, 9_300_000, Verdict.IMPROVED, primary=False, test="import pagelayout"),
    ),
    Verdict.IMPROVED,
    outputs=(),
    imported=(
        ImportedModule(name="numpy", side="base", cumulative=0.0812, own=0.0021),
        ImportedModule(name="pagelayout._lazy", side="head", cumulative=0.00031, own=0.00031),
    ),
)
SEVERAL_TESTS = comparison(
    (
        *(
            change(MetricName.TIME, base, base * ratio, verdict, control=True, test=f"{TEST}[{pages} pages]")
            for pages, base, ratio, verdict in (
                (1, 0.0021, 0.985, Verdict.INCONCLUSIVE),
                (10, 0.0208, 0.71, Verdict.IMPROVED),
                (100, 0.2371, 0.34, Verdict.IMPROVED),
            )
        ),
        change(MetricName.PEAK, 3_400_000, 4_100_000, Verdict.REGRESSED, primary=False, test=f"{TEST}[100 pages]"),
    ),
    Verdict.IMPROVED,
    outputs=tuple(
        Output(test=f"{TEST}[{pages} pages]", verdict="equal", inputs=inputs)
        for pages, inputs in ((1, 7), (10, 3), (100, 1))
    ),
)
LOSS = change(MetricName.TIME, 0.0031, 0.0034, Verdict.REGRESSED, primary=False, test=f"{BENCHMARK}::test_short_pages")
CASES = {
    "cpu-improved": Case(),
    "mem-improved": Case(MEMORY_IMPROVED, item=ITEM.model_copy(update={"domain": ("mem",)})),
    "async": Case(ASYNC, item=ITEM.model_copy(update={"domain": ("async",)})),
    "struct": Case(STRUCT, item=ITEM.model_copy(update={"domain": ("struct",)})),
    "several-tests": Case(SEVERAL_TESTS),
    "regression": Case(REGRESSED),
    "unchanged": Case(UNCHANGED),
    "inconclusive": Case(INCONCLUSIVE),
    "hostile": HOSTILE,
    "project-template": Case(
        detection=DETECTION.model_copy(
            update={
                "pull_request_template": ".github/PULL_REQUEST_TEMPLATE.md",
                "template_text": TEMPLATE,
                "changelog": "keep-a-changelog CHANGELOG.md",
            }
        ),
    ),
    "needs-a-person": Case(
        item=ITEM.model_copy(update={"summary": ("human",)}),
        detection=DETECTION.model_copy(
            update={
                "pull_request_template": "docs/pull_request_template.md",
                "template_text": "<!-- In your own words, please. -->\n",
            }
        ),
    ),
    "asv": Case(detection=DETECTION.model_copy(update={"benchmark_tool": "asv"})),
    "pyperf": Case(
        CPU_IMPROVED.model_copy(update={"verdict": Verdict.IMPROVED, "changes": (*CPU_IMPROVED.changes, LOSS)}),
        detection=DETECTION.model_copy(update={"benchmark_tool": "pyperf"}),
    ),
    "written-benchmark": Case(
        item=ITEM.model_copy(
            update={
                "title": "Merge lines once",
                "summary": ("Lines are joined **once**, with `str.join`", "Saves a copy of the page for every line"),
                "details": "The old loop was quadratic:\n\n- each `+=` copied the page\n- a page has *many* lines\n",
            }
        ),
        scaffolding=SCAFFOLDING.model_copy(
            update={
                "origin": "generated",
                "source": ".codeflash/benchmarks/merge_lines/test_x.py",
                "made_from": "manifest",
            }
        ),
        injection=INJECTION.model_copy(
            update={"head": TreeSpec(commit=HEAD, files={BENCHMARK: SHA256}, tree="b" * 40)}
        ),
        detection=DETECTION.model_copy(
            update={
                "changelog": "keep-a-changelog CHANGELOG.md",
                "layout": LAYOUT.model_copy(update={"runner": "python"}),
            }
        ),
        benchmark="from pagelayout.text import merge_lines\n\n\ndef test_benchmark_merge_lines(benchmark):\n    benchmark(merge_lines, ['a'])\n",
    ),
}


def body_of(case: Case, templates: Path | None = None) -> str:
    return bounded(case.evidence, templates).text


def headline_of(case: Case) -> str:
    return body_of(case).split("\n\n", 2)[1]


def visible(body: str) -> str:
    return re.sub(r"<details>.*?</details>", "", body, flags=re.DOTALL)


@pytest.mark.parametrize("name", CASES)
def test_whole_bodies(name):
    golden = GOLDEN / f"{name}.md"
    body = body_of(CASES[name])
    if os.environ.get("PRPREP_WRITE_GOLDEN"):
        golden.write_text(body, encoding="utf-8")
    assert body == golden.read_text(encoding="utf-8")


def test_charts_that_were_published_are_shown_and_nothing_else_changes():
    address = "https://raw.example.org/acme/evidence/main/charts"
    plain, shown = body_of(Case()), body_of(Case(item=ITEM.model_copy(update={"charts": address})))
    picture = re.search(r"<picture>.*?</picture>\n\n", shown, re.DOTALL)[0]
    assert shown.replace(picture, "") == plain
    assert re.findall(r'"(https:[^"]+)"', picture) == [f"{address}/samples-dark.svg", f"{address}/samples-light.svg"]


@pytest.mark.parametrize("name", CASES)
def test_the_markdown_is_whole(name):
    body = body_of(CASES[name])
    tokens = GITHUB.parse(body)
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    assert not levels or levels[0] == 2
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    assert sum(token.type == "table_open" for token in tokens) == len(re.findall(r"^\|:?-", body, re.MULTILINE))
    assert "|:-" not in "".join(token.content for token in tokens if token.type == "inline")
    html = {child.content for token in tokens for child in token.children or [] if child.type == "html_inline"}
    blocks = {line for token in tokens if token.type == "html_block" for line in token.content.splitlines()}
    assert html <= {"<code>", "</code>"}
    blocks.discard("<!-- Title: Joins | <b>er</b> -->")
    assert all(
        re.fullmatch(r"</?details>|<summary>[\w ,.()]+</summary>|<!-- (?:Title: [^>]+|[\w ,.!]+) -->", line)
        for line in blocks
    ), blocks
    assert body.count("<details>") == body.count("</details>")
    prose = [child.content for token in tokens for child in token.children or [] if child.type == "text"]
    assert not [text for text in prose if re.search(r"@\w|#\d", text)]
    assert "\x1b" not in body


@pytest.mark.parametrize("name", [name for name in CASES if name != "hostile"])
def test_no_raw_placeholder_and_nothing_undefined(name):
    body = body_of(CASES[name])
    assert not re.search(r"{{|}}|{%|<[a-z_]+>(?<!<details>)(?<!<summary>)|\bNone\b|Undefined", body)


@pytest.mark.parametrize("name", CASES)
def test_bodies_are_short_in_sight(name):
    body = body_of(CASES[name])
    assert len(visible(body)) <= 3_000
    assert body[: body.index("<details>")].count("\n") <= 45


# -- numbers ----------------------------------------------------------------------------------------

_UNITS = {
    "ns": 1e-9,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "%": 0.01,
    "x": 1,
    "ops/s": 1,
}
_NUMBER = re.compile(
    r"(?P<sign>[+−]?)(?P<digits>\d[\d,]*(?:\.\d+)?)(?: ?(?P<unit>ns|μs|ms|s|B|KiB|MiB|GiB|%|x|ops/s))?(?!\w|\.\d)"
)


def numbers(text: str) -> list[tuple[str, float, float]]:
    """Return every number of a text: as it is written, its value, and by how much rounding can have moved it."""
    found = []
    for match in _NUMBER.finditer(text):
        digits = match["digits"].replace(",", "")
        scale = _UNITS[match["unit"]] if match["unit"] else 1
        decimals = len(digits.partition(".")[2])
        value = float(digits) * scale * (-1 if match["sign"] == "−" else 1)
        # Intervals are rounded outwards, by up to a whole last digit.
        digit = 1.0001 if match["unit"] == "%" else 0.5001
        found.append((match[0], value, digit * 10**-decimals * scale))
    return found


def known_numbers(case: Case) -> list[float]:
    """Return every number of the artifacts, and the few that the templates make of them: ratios, differences, shares, rates."""
    made: list[float] = [case.comparison.negligible, len(case.comparison.tests)]
    for one in case.comparison.changes:
        made += [one.base, one.head, one.head - one.base, 1 / (one.base or 1), 1 / (one.head or 1)]
        made += [abs(one.head - one.base), one.launches, one.interval.confidence]
        made += [one.interval.ratio, 1 / (one.interval.ratio or 1)]
        ends = [end - 1 for each in (one.interval, one.control) if each for end in (each.ratio, each.low, each.high)]
        made += [*ends, *map(abs, ends)]
    for ran in filter(None, (case.tests.base, case.tests.head)):
        made += [ran.passed, ran.failed, ran.errors, ran.skipped]
    for each in case.verified.repeated:
        made += [end - 1 for end in (each.found.ratio, each.found.low, each.found.high)] if each.found else []
    times = [
        one.interval.ratio for one in case.comparison.changes if one.metric in {MetricName.TIME, MetricName.IMPORT}
    ]
    mean = math.prod(times) ** (1 / len(times)) if times else 1.0
    return [*made, mean, 1 / mean, len(times), *known_beside(case.comparison)]


def known_beside(comparison: Comparison) -> list[float]:
    """Return the numbers of a comparison that are not its changes: inputs, shares and their times, call sites, load."""
    made: list[float] = [
        sum(output.inputs for output in comparison.outputs),
        *(output.inputs for output in comparison.outputs),
    ]
    costs = {one.test: (one.base, one.head) for one in comparison.changes if one.metric is MetricName.TIME}
    for module in comparison.imported:
        made += [module.cumulative, module.own]
    for share in comparison.functions:
        made.append(share.samples)
        for side, cost in zip((share.base, share.head), costs[share.test], strict=True):
            made += [side.calls, side.share, side.share * cost] if side else []
    for site in comparison.sites:
        made += [site.base, site.head, site.head - site.base]
    load = comparison.load
    return [*made, len(comparison.sites), *([load.before, load.after, load.cores, load.preempted, 1] if load else [])]


@pytest.mark.parametrize("name", [name for name in CASES if name != "hostile"])
def test_every_number_is_in_an_artifact(name):
    case = CASES[name]
    strings = json.dumps(
        [part.model_dump(mode="json") for part in (case.comparison, case.detection, case.scaffolding, case.tests)],
        ensure_ascii=False,
    )
    body = re.sub(r"```.*?```", "", body_of(case), flags=re.DOTALL).replace("SHA-256", "").replace("&#8203;", "")
    for span in re.findall(r"`([^`]+)`", body):
        assert span in strings or span in {
            "prprep.yaml",
            "samples.json",
            "python -X importtime",
            "[Unreleased]",
            "str.join",
            "+=",
            "-",
            "+",
            "~",
        }, span
    text = (
        re.sub(r"`[^`]+`", "", body)
        .replace(case.comparison.platform, "")
        .replace(f"Python {case.comparison.head.python}", "")
    )
    known = known_numbers(case)
    checked = numbers(text)
    assert len(checked) > 15
    for written, value, slack in checked:
        assert any(abs(value - candidate) <= slack + abs(candidate) * 1e-9 for candidate in known), (written, value)


def test_the_number_check_would_notice_a_made_up_number():
    known = known_numbers(Case())
    (_, value, slack) = numbers("−20.4 %")[0]
    assert not any(abs(value - candidate) <= slack for candidate in known)


_EFFECT = re.compile(
    r"(?P<factor>[\d.,]+)x \w+ \((?P<amount>[\d.,]+) %[^:]*: (?P<base>[\d.,]+ \S+) → (?P<head>[\d.,]+ \S+) per"
)


@given(
    st.floats(1e-6, 100),
    st.floats(0.001, 0.985) | st.floats(1.015, 900),
    st.floats(1e-4, 0.01),
)
def test_no_two_figures_of_a_headline_contradict_each_other(base, ratio, width):
    """Factor, percentage and both times have one ratio, up to their last digit, and it lies in the interval."""
    verdict = Verdict.IMPROVED if ratio < 1 else Verdict.REGRESSED
    shown = change(MetricName.TIME, base, base * ratio, verdict, width=width)
    match = _EFFECT.search(headline_of(Case(comparison((shown,), verdict))))
    seconds = {side: numbers(match[side])[0][1] for side in ("base", "head")}
    factor, amount = float(match["factor"].replace(",", "")), float(match["amount"].replace(",", "")) / 100
    assert seconds["head"] / seconds["base"] == pytest.approx(ratio, rel=2e-3)
    assert (1 / factor if ratio < 1 else factor) == pytest.approx(ratio, rel=6e-3)
    assert 1 + (amount if ratio > 1 else -amount) == pytest.approx(ratio, abs=6e-4 * max(ratio, 1))
    assert shown.interval.low * 0.998 <= seconds["head"] / seconds["base"] <= shown.interval.high * 1.002


@given(st.text(min_size=1))
@example("-->")
@example("--!> <script>\n-->")
@example("a -")
def test_no_title_ends_its_comment(title):
    line = title_line(Case(item=ITEM.model_copy(update={"title": title})).evidence)
    assert [shown.kind for shown in shown_lines(f"{line}text")] == ["comment", "text"]


def test_the_headline_counts_the_results_that_the_claim_rests_on():
    """As the reason of the verdict does: a test may have two of them."""
    peaks = tuple(
        change(MetricName.PEAK, 3_400_000, 3_400_000, Verdict.UNCHANGED, test=f"{TEST}[{pages} pages]")
        for pages in (10, 100)
    )
    both = SEVERAL_TESTS.model_copy(update={"changes": (*SEVERAL_TESTS.changes, *peaks)})
    assert headline_of(Case(both)).endswith(" saved. In all, 2 of 5 claimed results improved.")
    assert "This holds for 2 of 5 results that the claim rests on." in reason(both.changes, both.verdict, (), 0.01)


# -- what is claimed ----------------------------------------------------------------------------------


def test_no_claim_without_the_verdict():
    for case in (Case(REGRESSED), Case(UNCHANGED), Case(INCONCLUSIVE)):
        body = body_of(case.vary(detection=DETECTION.model_copy(update={"changelog": "keep-a-changelog CHANGELOG.md"})))
        assert "improved" not in body
        assert "Changelog" not in body
        assert " saved" not in body


RAN = SideRun(code=0, passed=212, skipped=3)
BROKEN = SideRun(code=1, passed=210, failed=1, errors=2, skipped=3)
STOPPED = SideRun(code=None, passed=7, running="tests/test_text.py::test_slow")
COMMAND = "`python -m pytest --ignore=tests/benchmarks`"


@pytest.mark.parametrize(
    ("ran", "message", "review"),
    [
        (
            {"base": RAN, "head": RAN},
            f" Existing unit tests pass ({COMMAND}): 212 passed, 3 skipped at head and at base.\n",
            (),
        ),
        (
            {"base": BROKEN, "head": BROKEN, "old_failures": ("a", "b", "c", "d|e")},
            (
                "210 passed, 1 failed, 2 errors, 3 skipped at head and at base.\n"
                "- Failed on both sides: 4 (`a`, `b`, `c` and 1 more).\n"
            ),
            (),
        ),
        (
            {"base": RAN, "head": BROKEN, "new_failures": ("a", "b"), "flaky": ("c",)},
            (
                "212 passed, 3 skipped at base.\n- **New failures**, at head only: `a`, `b`.\n"
                "- Failed at head, passed when run again: `c`.\n"
            ),
            ("2 tests fail at head and not at base: a, b", "1 test fails at head, then passed when run once more: c"),
        ),
        (
            {"base": RAN, "head": STOPPED},
            (
                f" Existing unit tests ({COMMAND}): timed out after 600 s in `tests/test_text.py::test_slow`, until then "
                "7 passed at head, 212"
            ),
            ("the project's own tests did not end within 600 s at head, at tests/test_text.py::test_slow",),
        ),
        (
            {"base": SideRun(code=0), "head": SideRun(code=0), "by_test": False, "command": "make test"},
            (
                " `make test` exited with code 0 at head and exited with code 0 at base. "
                "It does not report single tests.\n"
            ),
            (),
        ),
        (
            {"why_not": "the manifest says `tests: false`"},
            " The project's own tests were not run: the manifest says `tests: false`.\n",
            (),
        ),
        (
            {"why_not": "no environment", "unable": True},
            " The project's own tests were not run: no environment.\n",
            ("the project's own tests could not be run: no environment",),
        ),
        (
            {"base": RAN, "head": RAN, "differences": (EndingDifference(test="t::new", base=None, head="passed"),)},
            "- Tests at head only: `t::new`.\n",
            (),
        ),
        (
            {"base": RAN, "head": RAN, "edited": ("tests/test_text.py",)},
            "- Test files edited by this change: `tests/test_text.py`.\n",
            (),
        ),
    ],
)
def test_own_tests_are_said_to_pass_behind_a_run_alone(ran, message, review):
    case = Case(tests=OWN_TESTS.model_copy(update={"differences": (), **ran}))
    body = body_of(case)
    assert message in body
    assert ("Existing unit tests pass" in body) is (ran.get("head") == RAN)
    assert to_review(case.evidence) == review


def test_a_body_says_how_its_commands_were_verified():
    again = Interval(ratio=0.7912, low=0.781, high=0.802, confidence=0.99)
    found = Repeated(
        test=TEST, metric=MetricName.TIME, verdict=Verdict.IMPROVED, claimed=again, found=again, agrees=True
    )
    verified = VERIFIED.model_copy(update={"repeated": (found,)})
    assert "and none failed; prprep measured again: time −20.9 %.\n\n<details>" in body_of(Case(verification=verified))
    other = found.model_copy(update={"test": TEST.replace("merge", "split")})
    two = body_of(Case(verification=verified.model_copy(update={"repeated": (found, other)})))
    assert "time −20.9 % in `test_benchmark_merge_lines`, time −20.9 % in `test_benchmark_split_lines`." in two
    four = body_of(Case(verification=verified.model_copy(update={"repeated": (found,) * 4})))
    assert "; prprep measured all 4 changes again, with the same outcome." in four
    elsewhere = verified.model_copy(update={"platform": "Abacus, 4 rows"})
    shown = (
        "This command and those below ran in a fresh clone, with fresh environments and the author's prprep on Abacus, "
        "4 rows, and none failed;"
    )
    assert shown in body_of(Case(verification=elsewhere))


DISAGREEMENT = "the body claims time −20 % for `test_x`; its commands measured +3 % in a fresh clone"


@pytest.mark.parametrize(
    ("verification", "message", "review"),
    [
        (
            VERIFIED.model_copy(update={"findings": (DISAGREEMENT,)}),
            f"**The commands ran in a fresh clone and did not confirm this body:**\n\n- {DISAGREEMENT}\n",
            (DISAGREEMENT,),
        ),
        (
            Verification(item="merge_lines", why_not="the manifest says `verify: false`"),
            "The commands have not been run: the manifest says `verify: false`.\n",
            (),
        ),
    ],
)
def test_nothing_is_said_to_be_verified_that_was_not(verification, message, review):
    case = Case(verification=verification)
    body = body_of(case)
    assert message in body
    assert "none failed" not in body
    assert to_review(case.evidence) == review


def test_other_commands_in_the_body_than_those_that_ran_need_a_look():
    case = Case(verification=Verification(item="merge_lines", commands=(RunCommand(text="make benchmark\n", code=0),)))
    assert changed_commands(case.evidence, body_of(case)) == (
        "the commands that were run in a fresh clone are not those of the body",
    )
    assert changed_commands(Case().evidence, body_of(Case())) == ()


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ((), "The results of the measured calls were not compared."),
        (
            (Output(test=TEST, verdict="equal", detail="compared without `['pid']`", partly=True),),
            (
                "Comparable results are equal on base and head for the benchmark's own inputs. "
                "In `test_benchmark_merge_lines` (1 input): compared without `['pid']`."
            ),
        ),
        (
            (Output(test=TEST, verdict="different", detail="[1] is not [2]"),),
            "**The results differ between base and head** in `test_benchmark_merge_lines`: \\[1\\] is not \\[2\\].",
        ),
        (
            (
                Output(test=TEST, verdict="not comparable", detail="a lock"),
                Output(test="test_of_an_import", verdict="not comparable", detail="nothing"),
            ),
            "The results of `test_benchmark_merge_lines` could not be compared: a lock.",
        ),
    ],
)
def test_the_body_says_which_results_are_equal(outputs, message):
    assert f"\n{message} Existing unit tests pass" in body_of(
        Case(CPU_IMPROVED.model_copy(update={"outputs": outputs}))
    )


def test_different_packages_are_shown():
    base = CPU_IMPROVED.base.model_copy(update={"packages": ("numpy==1.26.4", "pagelayout==0.4.0"), "python": "3.11.9"})
    body = body_of(Case(CPU_IMPROVED.model_copy(update={"base": base})))
    assert "Python 3.11.9 for base, 3.12.7 for head; the packages differ:\n\n| Package | Base | Head |" in body
    assert "| `numpy` | 1.26.4 | 2.1.3 |" in body
    assert "| `pytest` | not installed | 8.3.3 |" in body


def test_what_others_took_from_the_cores_is_shown():
    load = CPU_IMPROVED.load.model_copy(update={"stolen": 0.12, "throttled": 1.5})
    body = body_of(Case(CPU_IMPROVED.model_copy(update={"load": load})))
    assert "; a hypervisor took 12 % of the cores' time; a CPU quota stopped processes for 1.5 s." in body


def test_interrupted_blocks_are_mentioned_only_if_time_was_measured():
    memory_alone = body_of(Case(MEMORY_IMPROVED.model_copy(update={"load": CPU_IMPROVED.load})))
    assert "load average 0.3 before, 1.1 after." in memory_alone
    assert "; 0.4 % of the timed blocks were interrupted" in body_of(Case(CPU_IMPROVED))


def test_a_peak_of_several_processes_is_shown_as_such():
    peak, _ = MEMORY_IMPROVED.changes
    several = MEMORY_IMPROVED.model_copy(update={"changes": (peak.model_copy(update={"together": True}),)})
    body = body_of(Case(several))
    assert (
        "\n- The peak memory of several processes is that of the call's process and its child processes together"
        in body
    )
    assert "with memray" not in body
    assert "There are no commands for plain pytest: pytest-memray measures the memory of one process" in body
    assert "--memray" not in body
    alone = body_of(Case(MEMORY_IMPROVED))
    assert "There are no commands" not in alone
    assert "\n- Memory was measured with memray, in runs of its own.\n" in alone
    assert "memray sees one process" not in alone


def test_a_body_says_which_peaks_are_by_memray():
    peak, allocations = MEMORY_IMPROVED.changes
    other = peak.model_copy(update={"together": True, "test": f"{peak.test}_in_children"})
    body = body_of(Case(MEMORY_IMPROVED.model_copy(update={"changes": (peak, allocations, other)})))
    assert "- Memory was measured with memray" in body
    assert "- The peak memory of several processes" in body
    assert "  # memray sees one process: " in body
    assert "--memray" in body


@pytest.mark.parametrize(
    ("changelog", "section"),
    [
        (None, None),
        (
            "keep-a-changelog CHANGELOG.md",
            "For `CHANGELOG.md`, under `[Unreleased]`:\n\n```markdown\n### Changed\n\n- Merge lines without copying the page\n```",
        ),
        (
            "scriv changelog.d/",
            "A fragment for `changelog.d/`:\n\n```markdown\n### Changed\n\n- Merge lines without copying the page\n```",
        ),
        (
            "towncrier changes/",
            "A fragment for `changes/`, named after the number of the issue or of this pull request:\n\n```\nMerge lines without copying the page\n```",
        ),
        ("whatsnew docs/whatsnew/", "For `docs/whatsnew/`:\n\n```\n- Merge lines without copying the page\n```"),
    ],
)
def test_the_changelog_section_has_the_projects_form(changelog, section):
    body = body_of(Case(detection=DETECTION.model_copy(update={"changelog": changelog})))
    if section is None:
        assert "Changelog" not in body
    else:
        assert f"<summary>Changelog entry</summary>\n\n{section}\n\n</details>\n\n---" in body


def test_commits_beyond_three_are_counted():
    commits = tuple(Commit(sha=HEAD, title=title) for title in ("One", "Two", "Three", "Four", "Five"))
    assert "- Three (and 2 more commits)\n" in body_of(
        Case(detection=DETECTION.model_copy(update={"commits": commits}))
    )


# -- templates ----------------------------------------------------------------------------------------


def test_the_memory_variant_is_for_memray_alone():
    assert template_for(MEMORY_IMPROVED) == MEMORY
    assert [template_for(case) for case in (CPU_IMPROVED, IMPORT_IMPROVED, REGRESSED)] == [CPU] * 3


def test_every_template_of_bodies_is_known_to_freshness():
    known = {path.name for uses in STAGE.uses for name in uses.templates for path in used(name)}
    assert known == {path.name for path in shipped_templates().glob("*.md.j2")} - {"ci.md.j2"}


def test_peoples_own_templates_work_with_the_placeholders_by_name(tmp_path):
    names = [
        "SUMMARY_BULLETS", "TECHNICAL_DETAILS", "PLATFORM_DESCRIPTION", "CODEFLASH_COMPARE_OUTPUT", "CODEFLASH_COMPARE_FLAGS",
        "BASE_REF", "HEAD_REF", "RUNNER", "BENCHMARK_PATH", "TEST_ITEM_1", "TEST_ITEM_2", "CHANGELOG_SECTION",
    ]  # fmt: skip
    (tmp_path / CPU).write_text("".join(f"{name}=[{{{{{name}}}}}]\n" for name in names), encoding="utf-8")
    body = body_of(Case(CPU_IMPROVED.model_copy(update={"flags": "--memory --timeout 120"})), tmp_path)
    assert "SUMMARY_BULLETS=[- Join the lines of a page once\n- Each line" in body
    assert "TECHNICAL_DETAILS=[]\n" in body
    assert "PLATFORM_DESCRIPTION=[Apple M3 — 8 cores, 24 GiB RAM, Python 3.12.7]\n" in body
    assert "CODEFLASH_COMPARE_OUTPUT=[| `test_benchmark_merge_lines` | Base `1f3a1f3a1f3a` | Head " in body
    assert "CODEFLASH_COMPARE_FLAGS=[--memory --timeout 120]\n" in body
    assert (
        f"BASE_REF=[{DETECTION.base}]\nHEAD_REF=[{DETECTION.head}]\nRUNNER=[uv run python]\nBENCHMARK_PATH=[{BENCHMARK}]\n"
        in body
    )
    assert "TEST_ITEM_1=[Results are equal on base and head for 98 inputs: " in body
    assert "TEST_ITEM_2=[Existing unit tests pass (" in body
    assert "CHANGELOG_SECTION=[]\n" in body


def test_values_of_artifacts_are_escaped_in_peoples_own_templates(tmp_path):
    (tmp_path / CPU).write_text("{{ detection.commits[0].title }}", encoding="utf-8")
    _, _, text = body_of(HOSTILE, tmp_path).partition(" -->\n\n")
    assert text == "Joins &#124; &lt;b>er&lt;/b> {{ 7\\*7 }} @&#8203;octocat\n"


def test_a_test_item_that_is_not_there_is_an_error(tmp_path):
    (tmp_path / CPU).write_text("{{ TEST_ITEM_9 }}", encoding="utf-8")
    with pytest.raises(TemplateError, match="the placeholder `TEST_ITEM_9` has no value"):
        body_of(Case(), tmp_path)


def test_an_empty_platform_is_an_unfilled_placeholder():
    with pytest.raises(TemplateError, match="the placeholder `PLATFORM_DESCRIPTION` has no value"):
        body_of(Case(CPU_IMPROVED.model_copy(update={"platform": ""})))


def many_tests(count: int) -> Comparison:
    return comparison(
        tuple(
            change(MetricName.TIME, 0.015 + number / 1e6, 0.0118, Verdict.IMPROVED, test=f"{TEST}[{number}]")
            for number in range(count)
        ),
        Verdict.IMPROVED,
    )


def test_many_tests_are_folded():
    body = body_of(Case(many_tests(12)))
    assert "\n4 more rows are below, under “All measurements”.\n" in body
    assert body.count("\n### `test_benchmark_merge_lines[") == 12
    assert len(visible(body)) < 3_000


def test_a_body_that_would_be_too_long_shows_less():
    body = body_of(Case(many_tests(400), detection=DETECTION.model_copy(update={"commits": DETECTION.commits * 500})))
    assert len(body) <= 60_000
    assert "360 more tests were compared" in body


def test_a_body_that_cannot_be_shortened_is_an_error():
    with pytest.raises(
        TemplateError, match=r"^merge_lines: this body has 7\d,\d{3} characters and GitHub accepts 65,536\n"
    ):
        body_of(Case(item=ITEM.model_copy(update={"details": "word " * 14_000})))


# -- the project's template and its rules ---------------------------------------------------------------


OWN_WORDS = ContributionRule(
    path="CONTRIBUTING.md",
    line=9,
    about="generated text",
    sentence="Descriptions of pull requests must not be written by an LLM.",
)
IN_TEMPLATE = CASES["project-template"]


def test_the_template_can_be_left_aside(tmp_path):
    own = body_of(IN_TEMPLATE.vary(item=ITEM.model_copy(update={"template": "own"})))
    assert "Thank you!" not in own
    (tmp_path / CPU).write_text("mine {{ SUMMARY_BULLETS }}", encoding="utf-8")
    assert " -->\n\nmine - Join" in body_of(IN_TEMPLATE, tmp_path)
    forced = body_of(IN_TEMPLATE.vary(item=ITEM.model_copy(update={"template": "project"})), tmp_path)
    assert "\n\n<!-- Thank you! -->\n\n## What does this change?\n\n<!-- In two sentences. -->\n\nmine - Join" in forced


def test_the_artifact_names_the_template_and_what_is_left_to_a_person(tmp_path):
    _, rendering = render(IN_TEMPLATE, tmp_path)
    assert rendering.skeleton == ".github/PULL_REQUEST_TEMPLATE.md"
    assert rendering.todos == (
        "name the issue, or say that there is none, under “Related issue” (.github/PULL_REQUEST_TEMPLATE.md)",
        "tick if true: “I have read the contribution guide” (.github/PULL_REQUEST_TEMPLATE.md)",
        "tick if true: “AI was used” (.github/PULL_REQUEST_TEMPLATE.md)",
    )


def test_tests_are_ticked_by_a_run_alone():
    detection = DETECTION.model_copy(
        update={"pull_request_template": "t.md", "template_text": "## Checklist\n\n- [ ] All tests pass\n"}
    )
    run = SideRun(code=0, passed=3, failed=0, errors=0, skipped=0)
    evidence = replace(Case(detection=detection).evidence, tests=None)
    assert "- [ ] All tests pass" in bounded(evidence, None).text
    passed = ProjectTests(item="merge_lines", command="pytest", base=run, head=run)
    assert "- [x] All tests pass" in bounded(replace(evidence, tests=passed), None).text
    failed = passed.model_copy(update={"head": run.model_copy(update={"failed": 1})})
    assert "- [ ] All tests pass" in bounded(replace(evidence, tests=failed), None).text


def test_a_project_that_refuses_generated_text_is_quoted_until_a_person_writes():
    detection = DETECTION.model_copy(update={"contribution_rules": (OWN_WORDS,)})
    (message,) = to_review(Case(detection=detection).evidence)
    assert f"“{OWN_WORDS.sentence}” (CONTRIBUTING.md, line 9)" in message
    by_person = Case(item=ITEM.model_copy(update={"summary": ("human",)}), detection=detection)
    assert to_review(by_person.evidence) == ("the body has gaps for sentences that a person writes",)
    assert "**[To be written by a person:" in body_of(by_person)
    assert "Join the lines of a page once\n" not in visible(body_of(by_person))


def test_what_is_in_sight_shrinks_before_it_grows_long():
    unreached = tuple(f"pagelayout.text:function_{number}" for number in range(90))
    details = "A sentence about the inside of it. " * 100
    case = Case(
        CPU_IMPROVED.model_copy(update={"unreached": unreached}), item=ITEM.model_copy(update={"details": details})
    )
    body = body_of(case)
    assert len(visible(body)) <= 2_500
    assert "<summary>Technical details</summary>" in body
    assert "`pagelayout.text:function_2`" in body
    assert re.search(r"and \d+ more\.", body)


# -- how it is formatted --------------------------------------------------------------------------------


def with_detection(**fields: object) -> Case:
    return Case(detection=DETECTION.model_copy(update=fields))


@pytest.mark.parametrize(
    ("ref", "shown"),
    [(HEAD, ""), (HEAD[:9], ""), ("perf/lines", " (perf/lines)"), ("perf/10x-faster", ""), ("v1.4", " (v1.4)")],
)
def test_a_ref_is_named_unless_it_repeats_the_commit_or_claims_something(ref, shown):
    assert f"- Head is `{HEAD}`{shown}.\n" in body_of(with_detection(head_ref=ref))


@pytest.mark.parametrize(("comparison", "shown"), [(CPU_IMPROVED, " (faster-lines)"), (REGRESSED, "")])
def test_a_ref_is_named_only_if_the_evidence_shows_what_it_claims(comparison, shown):
    detection = DETECTION.model_copy(update={"head_ref": "faster-lines"})
    assert f"- Head is `{HEAD}`{shown}.\n" in body_of(Case(comparison, detection=detection))


def test_a_loss_without_spread_is_shown_once():
    loss = change(MetricName.ALLOCATIONS, 100, 112.4, Verdict.REGRESSED, primary=False, width=0.0)
    body = body_of(Case(CPU_IMPROVED.model_copy(update={"changes": (*CPU_IMPROVED.changes, loss)})))
    assert "| allocations | 100 | 112.4 | +12.4 % (regressed) | no spread |\n" in body
    assert not re.search(r"(?P<figure>[+−][\d.]+ %) \((?P=figure)\)", body)


def test_the_projects_own_version_is_no_difference_of_environments():
    head = CPU_IMPROVED.head.model_copy(update={"packages": ("numpy==2.1.3", "pagelayout==0.5.0", "pytest==8.3.3")})
    case = Case(CPU_IMPROVED.model_copy(update={"head": head}))
    assert "; the packages differ:" in body_of(case)
    layout = LAYOUT.model_copy(update={"distribution": "pagelayout"})
    body = body_of(case.vary(detection=DETECTION.model_copy(update={"layout": layout})))
    assert ", the same packages." in body


def test_the_body_of_a_special_method_has_the_name_of_its_class(tmp_path):
    case = Case(item=ITEM.model_copy(update={"functions": ("pagelayout.text:Page.__init__",)}))
    _, rendering = render(case, tmp_path)
    assert rendering.body == ".codeflash/pr-body-Page.__init__.md"


# -- the stage ----------------------------------------------------------------------------------------


def render(case: Case, folder: Path) -> tuple[Path, Rendering]:
    paths = case.write(folder)
    run_stage("render", case.item, paths)
    return paths.body("merge_lines"), Rendering.read(paths.render)


def test_the_stage_writes_the_body_and_its_artifact(tmp_path):
    body, rendering = render(Case(), tmp_path)
    assert body.read_text(encoding="utf-8") == body_of(Case())
    assert (rendering.body, rendering.template, rendering.needs_review) == (
        ".codeflash/pr-body-merge_lines.md",
        CPU,
        (),
    )
    assert rendering.headline == CPU_IMPROVED.headline


def test_a_body_that_was_edited_is_kept_beside_the_new_one(tmp_path):
    body, _ = render(Case(), tmp_path)
    body.write_text("mine", encoding="utf-8")
    render(Case(REGRESSED), tmp_path)
    assert body.read_text(encoding="utf-8") == body_of(Case(REGRESSED))
    assert body.with_name("pr-body-merge_lines.edited.md").read_text(encoding="utf-8") == "mine"
    body.write_text("mine again", encoding="utf-8")
    render(Case(), tmp_path)
    assert body.with_name("pr-body-merge_lines.edited-2.md").read_text(encoding="utf-8") == "mine again"


def test_a_body_as_prprep_left_it_is_replaced(tmp_path):
    render(Case(), tmp_path)
    body, _ = render(Case(REGRESSED), tmp_path)
    assert sorted(path.name for path in body.parent.iterdir()) == ["pr-body-merge_lines.md"]


def test_a_body_of_unknown_origin_counts_as_edited_unless_it_is_the_same(tmp_path):
    body, _ = render(Case(), tmp_path)
    case_paths = Case().write(tmp_path)
    case_paths.render.unlink()
    render(Case(), tmp_path)
    assert sorted(path.name for path in body.parent.iterdir()) == ["pr-body-merge_lines.md"]
    case_paths.render.unlink()
    body.write_text("somebody's", encoding="utf-8")
    render(Case(), tmp_path)
    assert body.with_name("pr-body-merge_lines.edited.md").exists()


def test_data_that_a_written_benchmark_reads_is_named_and_shown_if_it_is_a_short_text():
    folder = "tests/benchmarks"
    data = {
        f"{folder}/benchmark_x.json": b'["</details>", "```"]\n',
        f"{folder}/benchmark_x.npy": b"\x93NUMPY\x00",
        f"{folder}/long.txt": b"x" * 9_000,
    }
    body = body_of(CASES["written-benchmark"].vary(data=data))
    assert f"and the benchmark as `{BENCHMARK}`, with its data files." in body
    shown = body.partition("<summary>Data files of the benchmark</summary>")[2]
    for path, content in data.items():
        assert f"`{path}`: {len(content):,} bytes, SHA-256 `{hashlib.sha256(content).hexdigest()}`" in shown
    assert "````\n[&quot;" not in shown
    assert '````\n["</details>", "```"]\n````' in shown
    assert shown.count("Not shown here; it comes with the benchmark.") == 2


def test_data_that_was_edited_meanwhile_is_refused(tmp_path):
    case = CASES["written-benchmark"]
    sha256 = hashlib.sha256(case.benchmark.encode()).hexdigest()
    file = DataFile(source=".codeflash/benchmarks/merge_lines/benchmark_x.json", sha256="0" * 64, written="0" * 64)
    scaffolding = case.scaffolding.model_copy(
        update={"sha256": sha256, "data": {"tests/benchmarks/benchmark_x.json": file}}
    )
    (tmp_path / file.source).parent.mkdir(parents=True)
    (tmp_path / file.source).write_text("[1]")
    with pytest.raises(MeasuringError, match=r"benchmark_x.json: .* was edited meanwhile"):
        render(case.vary(scaffolding=scaffolding), tmp_path)


def test_a_benchmark_that_was_edited_meanwhile_is_refused(tmp_path):
    with pytest.raises(MeasuringError) as caught:
        render(CASES["written-benchmark"], tmp_path)
    assert (
        str(caught.value)
        == ".codeflash/benchmarks/merge_lines/test_x.py: the benchmark was edited meanwhile\n  run prprep again"
    )


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case(), ()),
        (
            Case(
                survey=SURVEY.model_copy(
                    update={"conflicts": ("a.py",), "decision": Decision(kind="fold", into="#4", reason="why")}
                )
            ),
            ("fold into #4 (why)", "it conflicts with origin/main in a.py"),
        ),
        (
            Case(
                item=ITEM.model_copy(update={"pr": 4}),
                survey=SURVEY.model_copy(
                    update={"decision": Decision(kind="fold", into="#4", reason="the manifest names it")}
                ),
            ),
            (),
        ),
        (Case(UNCHANGED), ("the verdict is unchanged: time −0.10 % (99 % interval −0.50 % to +0.30 %)",)),
        (
            Case(
                CPU_IMPROVED.model_copy(
                    update={"outputs": (Output(test=TEST, verdict="different"),), "needs_review": ("said by compare",)}
                )
            ),
            ("said by compare",),
        ),
        (
            Case(scaffolding=SCAFFOLDING.model_copy(update={"notes": ("the benchmark's arguments were made up",)})),
            ("the benchmark's arguments were made up",),
        ),
        (
            Case(
                detection=DETECTION.model_copy(
                    update={"dependencies": (DependencyDifference(file="uv.lock", name="numpy", base="1", head="2"),)}
                )
            ),
            ("base and head ask for different dependencies: numpy",),
        ),
    ],
)
def test_what_needs_review(case, expected):
    assert to_review(case.evidence) == expected


def test_artifacts_of_a_metric_with_no_cost_left_are_shown():
    freed = change(MetricName.ALLOCATIONS, 5, 1, Verdict.IMPROVED).model_copy(
        update={"head": 0.0, "interval": Interval(ratio=0.0, low=0.0, high=0.0, confidence=0.99)}
    )
    assert "| allocations | 5 | 0 | −100.0 % | no spread | improved |" in body_of(
        Case(comparison((freed,), Verdict.IMPROVED))
    )


def test_detection_and_scaffolding_are_read_from_their_files(tmp_path):
    paths = Case().write(tmp_path)
    assert (Detection.read(paths.detect), Scaffolding.read(paths.scaffold)) == (DETECTION, SCAFFOLDING)


def test_a_setting_in_the_reason_of_a_verdict_is_code():
    reason = "Sampling ended when the budget was spent; a larger `budget` may decide it."
    comparison = CPU_IMPROVED.model_copy(update={"verdict": Verdict.INCONCLUSIVE, "reason": reason})
    assert reason in headline_of(Case(comparison))
