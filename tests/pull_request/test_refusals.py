"""Why `open` refuses, one reason at a time, on literal artifacts."""

from __future__ import annotations

import pytest

from tasks.artifacts import (
    AuditFinding,
    Branching,
    ContributionRule,
    Decision,
    ProjectTests,
    Rendering,
    RunCommand,
    SideRun,
    Survey,
    Verdict,
    Verification,
)
from tasks.pull_request import refusals
from tasks.storage.hashing import sha256
from tests.support.evidence import Case
from tests.support.stages import run_stage

WENT_WELL = SideRun(code=0, passed=3, failed=0, errors=0, skipped=0)
BRANCH = Branching(
    item="it", title="T", onto="main", base="a" * 40, head="b" * 40, tree="c" * 40, commits=(), verdict=Verdict.IMPROVED
)


@pytest.fixture
def paths(tmp_path):
    return Case().write(tmp_path)


def rule(sentence: str, about: str = "generated text") -> ContributionRule:
    return ContributionRule(path="AI_POLICY.md", line=7, about=about, sentence=sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Coding agents are forbidden to interact with this project in any way.",
        "Do not use text that an LLM has written for the description of a PR.",
        "An agent that opens pull requests on its own is not permitted here.",
        "Never paste what an LLM wrote into a pull request.",
        "**No AI text in descriptions or comments.**",
        "This text is **not allowed** to be written by AI.",
    ],
)
def test_a_sentence_that_forbids_it_is_shown_and_can_be_weighed(sentence):
    (reasons,) = refusals.of_rules([rule(sentence)], ())
    assert sentence in reasons
    assert reasons.endswith("--despite AI_POLICY.md:7")
    assert list(refusals.of_rules([rule(sentence)], {"AI_POLICY.md:7"})) == []
    assert list(refusals.of_rules([rule(sentence)], {"AI_POLICY.md:8"})) == [reasons]


@pytest.mark.parametrize(
    "sentence",
    [
        "If you use AI tools for your contributions, please read our policy.",
        "AI wrote parts of this PR",
        "Do **not** let an LLM write review comments for you.",
        'Where none was used, put "NO AI USE" here.',
        "Agents leave it to a person to mark a PR as ready.",
    ],
)
def test_a_sentence_about_something_else_is_not_in_the_way(sentence):
    assert list(refusals.of_rules([rule(sentence)], ())) == []


def test_rules_about_other_things_are_for_a_person():
    assert list(refusals.of_rules([rule("Do not open a pull request without an issue.", "issue first")], ())) == []


def test_new_failures_of_the_projects_tests(paths):
    failed = ProjectTests(
        item="it", base=WENT_WELL, head=WENT_WELL.model_copy(update={"code": 1}), new_failures=("t.py::a", "t.py::b")
    )
    failed.write(paths.state / "tests.json")
    assert list(refusals.of_tests(paths)) == ["tests of the project fail at head and not at base: t.py::a; t.py::b"]
    failed.model_copy(update={"new_failures": ()}).write(paths.state / "tests.json")
    assert list(refusals.of_tests(paths)) == ["the project's tests end with exit code 1 at head, but pass at base"]


def test_old_failures_and_tests_that_were_not_run_do_not_refuse(paths):
    assert list(refusals.of_tests(paths)) == []
    bad = WENT_WELL.model_copy(update={"code": 1, "failed": 1})
    ProjectTests(item="it", base=bad, head=bad, old_failures=("t.py::a",)).write(paths.state / "tests.json")
    assert list(refusals.of_tests(paths)) == []


def test_a_verification_that_disagrees(paths):
    ran = (RunCommand(text="pytest x", code=4),)
    Verification(item="it", commands=ran, findings=("time: claimed, not found",)).write(paths.state / "verify.json")
    (reasons,) = refusals.of_verification(paths)
    assert reasons.endswith("time: claimed, not found; `pytest x` ended with exit code 4")
    Verification(item="it", commands=(RunCommand(text="pytest x", code=0),)).write(paths.state / "verify.json")
    assert list(refusals.of_verification(paths)) == []


@pytest.mark.parametrize(
    ("kind", "into", "number", "refused"),
    [("new", "", None, False), ("skip", "", None, True), ("fold", "#12", 12, False), ("fold", "other", None, True)],
)
def test_the_surveys_decision(paths, kind, into, number, refused):
    Survey(item="it", slug=None, decision=Decision(kind=kind, into=into, reason="so it is")).write(paths.survey)
    reasons = list(refusals.of_survey(paths, number=number))
    assert [each for each in reasons if "so it is" in each] == reasons
    assert bool(reasons) is refused


def test_a_branch_must_be_there_fresh_measured_improved_and_clean(tmp_path):
    archive = tmp_path / "evidence-it.zip"
    archive.write_bytes(b"PK")
    packed = BRANCH.model_copy(update={"evidence": archive.name, "evidence_sha256": sha256(b"PK")})

    def reasons(branch: Branching | None = packed, *, fresh: bool = True, **fields: object) -> list[str]:
        varied = branch.model_copy(update=fields) if branch else None
        return list(refusals.of_branch(varied, fresh=fresh, item_id="it", folder=tmp_path))

    assert reasons() == []
    assert reasons(None) == ["the branch is not built yet: run `prprep branch it`"]
    assert reasons(fresh=False) == ["the branch is stale: run `prprep branch it`"]
    assert reasons(verdict=None) == ["the branch was not measured: run `prprep branch it`"]
    assert "is not an improvement on upstream (inconclusive)" in reasons(verdict=Verdict.INCONCLUSIVE)[0]
    mild, fatal = AuditFinding(about="unrelated", text="mild"), AuditFinding(about="scratch", text="fatal", fatal=True)
    assert reasons(findings=(mild, fatal)) == ["in the branch: fatal"]
    again = "run `prprep branch it`, which packs it again"
    archive.write_bytes(b"PK, changed")
    assert reasons() == [f"the evidence evidence-it.zip was changed: {again}"]
    archive.unlink()
    assert reasons() == [f"the evidence evidence-it.zip is missing: {again}"]


def test_a_body_whose_measured_part_was_edited(paths):
    case = Case()
    run_stage("render", case.item, paths)
    body = paths.body("merge_lines")

    def reasons_for(content: bytes | None) -> list[str]:
        return list(refusals.of_body(case.item, paths, None, content))

    assert reasons_for(body.read_bytes()) == []
    discussed = body.read_text() + "\nFixes #12, as discussed.\n"
    assert reasons_for(discussed.encode()) == []
    reasons = reasons_for(discussed.replace("−20.9 %", "−40.9 %").encode())
    assert any(
        "pr-body-merge_lines.md: this line was removed or changed: " in each and "−20.9 %" in each for each in reasons
    )
    assert any("text was added: a number that is not in the evidence (40.9 %)" in each for each in reasons)
    assert reasons[-1].endswith(
        "to restore it, delete it and run `prprep render:merge_lines`; edits that claim nothing may stay"
    )
    assert reasons_for(None) == [".codeflash/pr-body-merge_lines.md is missing: run `prprep render:merge_lines`"]
    latin = body.read_bytes() + "\nGrüße\n".encode("latin-1")
    (reason,) = reasons_for(latin)
    last = latin.count(b"\n")
    assert reason == f".codeflash/pr-body-merge_lines.md: line {last} is not UTF-8: save it as UTF-8"
    (reason,) = reasons_for(body.read_bytes() + b"a " * 40_000)
    assert reason.endswith("characters are more than GitHub accepts (65,536): shorten it")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"summary": ("Joins lines 40x faster.",)},
            "`summary:` of the manifest: a number that is not in the evidence (40x)",
        ),
        (
            {"details": "It is 1**0**0x faster."},
            "`details:` of the manifest: a number that is not in the evidence (100x)",
        ),
        (
            {"details": "Twice as fast."},
            "`details:` of the manifest: an amount in words (“Twice”), which cannot be checked",
        ),
        ({"title": "Save 77 %"}, "`title:` of the manifest: a number that is not in the evidence (77 %)"),
        ({"summary": ("Joins lines 1.26x faster.",), "details": "The loop was quadratic, O(n^2)."}, None),
    ],
)
def test_words_of_the_manifest_are_checked_too(tmp_path, fields, reason):
    case = Case(item=Case().item.model_copy(update=fields))
    paths = case.write(tmp_path)
    run_stage("render", case.item, paths)
    body = paths.body("merge_lines").read_bytes()
    assert list(refusals.of_body(case.item, paths, None, body)) == ([reason] if reason else [])
    assert Rendering.read(paths.render).needs_review == ((reason,) if reason else ())


@pytest.mark.parametrize(
    ("title", "fault"),
    [
        ("Join lines 17,500x faster", "a number that is not in the evidence (17,500x)"),
        ("Halve the time of joining", "an amount in words (“Halve”), which cannot be checked"),
        ("Join lines faster (20.9 %)", None),
    ],
)
def test_a_title_claims_nothing_beyond_the_evidence(paths, title, fault):
    branch = BRANCH.model_copy(update={"title": title})
    wanted = [f"the title “{title}”: {fault}: change `title:` of merge_lines in the manifest"] if fault else []
    assert list(refusals.of_title(branch, Case().item, paths)) == wanted


def test_a_body_that_would_be_rendered_otherwise(paths):
    case = Case()
    run_stage("render", case.item, paths)
    other = case.item.model_copy(update={"summary": ("Another mechanism.",)})
    assert list(refusals.of_body(other, paths, None, b"")) == [
        ".codeflash/pr-body-merge_lines.md would be rendered differently now: run `prprep render:merge_lines`"
    ]


def test_an_artifact_that_was_changed_is_known(paths):
    assert not refusals.is_edited(paths.compare)
    paths.compare.write_text(paths.compare.read_text().replace("improved", "regressed", 1))
    assert refusals.is_edited(paths.compare)
    paths.compare.write_text("words")
    assert refusals.is_edited(paths.compare)
