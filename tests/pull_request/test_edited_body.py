"""What a person may do to a body that was rendered, and what keeps it from going out."""

from __future__ import annotations

import pytest

from tasks.body.claims import CitableEvidence
from tasks.pull_request.edited_body import GAP, objections
from tasks.stages.render.render import bounded
from tests.support.evidence import CPU_IMPROVED, ITEM, Case

RENDERED = bounded(Case().evidence, None).text
BOXES = "- [ ] I have read the rules\n- [x] Tests pass\n"


def objections_to(edited, rendered=RENDERED):
    return list(objections(rendered, edited, CitableEvidence(CPU_IMPROVED, rendered)))


def test_a_body_as_it_was_rendered_may_go():
    assert objections_to(RENDERED) == []


def test_a_gap_has_to_be_filled_and_may_be():
    gapped = bounded(Case(item=ITEM.model_copy(update={"summary": ("human",)})).evidence, None).text
    assert GAP in gapped
    assert objections_to(gapped, gapped) == ["it still has a gap that a person must fill"]
    filled = "\n".join(
        "Lines are joined once, as I found while profiling." if GAP in line else line for line in gapped.splitlines()
    )
    assert objections_to(filled, gapped) == []


@pytest.mark.parametrize(
    "edited",
    [BOXES.replace("[ ]", "[x]"), BOXES.replace("[ ]", "[X]"), BOXES.replace("[x]", "[ ]"), BOXES + "Thanks to #12.\n"],
)
def test_boxes_and_text_may_be_changed(edited):
    assert objections_to(edited, BOXES) == []


@pytest.mark.parametrize(
    ("added", "figure"),
    [
        ("It is 3.5x faster.", "3.5x"),
        ("Saves 12 MiB.", "12 MiB"),
        ("Now takes 0.4 ms.", "0.4 ms"),
        ("A gain of 55 % in all.", "55 %"),
    ],
)
def test_figures_that_nothing_holds_may_not_be_added(added, figure):
    (objection,) = objections_to(f"{RENDERED}\n{added}\n")
    assert objection == f"a figure was added that is not in the evidence ({figure}): {added}"


@pytest.mark.parametrize(
    "added",
    [
        "It is 1.26x faster.",
        "Saves 3.136 ms a call.",
        "A gain of 20.9 %.",
        "See `x -n 3s` and https://example.org/50%.",
    ],
)
def test_figures_that_the_evidence_holds_may_be_repeated(added):
    assert objections_to(f"{RENDERED}\n{added}\n") == []


def test_what_was_measured_stays():
    table_row = next(line for line in RENDERED.splitlines() if "(head)" in line)
    assert objections_to(RENDERED.replace(table_row + "\n", ""))[0].startswith(
        "this line of it was removed or changed: | "
    )
    changed = objections_to(RENDERED.replace("11.85 ms", "1.85 ms"))
    assert any("(1.85 ms)" in each for each in changed)
    assert any(each.startswith("this line of it was removed or changed") for each in changed)
