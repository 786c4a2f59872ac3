from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from tasks.artifacts import ContributionRule, Decision, Failure, PullRequest
from tasks.errors import MeasuringError
from tasks.github.cache import ResponseCache
from tasks.manifest.model import Manifest
from tasks.pipeline import REPORT, staleness_of
from tasks.stages.report import INVENTORY, report
from tasks.storage.paths import ProjectPaths
from tests.support.evidence import DETECTION, ITEM, REGRESSED, SCAFFOLDING, SURVEY, Case
from tests.support.stages import run_stage, workspace_of

if TYPE_CHECKING:
    from tasks.staleness import Staleness

WIDE = 300
GITHUB = MarkdownIt("commonmark").enable("table")


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = ProjectPaths(folder / "prprep.yaml", folder / ".codeflash")
        self.items: list = []

    def add(self, item_id: str, case: Case | None = None, *, rendered: bool = True, title: str | None = None):
        item = ITEM.model_copy(update={"id": item_id, "title": title, "functions": (f"pagelayout.text:{item_id}",)})
        self.items.append(item)
        paths = self.paths.item(item_id)
        if case:
            case.vary(item=item).write(self.folder)
            if rendered:
                run_stage("render", item, paths)
        return paths

    @property
    def manifest(self) -> Manifest:
        return Manifest(version=1, optimizations=tuple(self.items))

    @property
    def staleness(self) -> Staleness:
        return staleness_of(workspace_of(*self.items, paths=self.paths.item("any")))

    def table(self, width: int = WIDE) -> list[str]:
        return report.run(self.staleness, REPORT, width=width, last=None)[0].splitlines()

    def inventory(self) -> str:
        return report.inventory(self.staleness, INVENTORY, width=WIDE)

    @property
    def markdown(self) -> str:
        return self.paths.report.read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def status(line: str) -> str:
    return line.rsplit("  ", maxsplit=1)[-1].strip()


def test_a_body_that_was_edited_by_hand_is_shown(project):
    paths = project.add("words", Case())
    assert status(project.table()[-3]) == "ready"
    body = paths.body("words")
    body.write_bytes(body.read_bytes() + "\nGrüße\n".encode())
    assert status(project.table()[-3]) == "ready; the body was edited by hand"
    assert "- PR body: `.codeflash/pr-body-words.md`; the body was edited by hand, `prprep open` checks it\n" in (
        project.markdown
    )


def test_an_edit_that_claims_more_than_was_measured_is_to_be_reviewed(project):
    body = project.add("words", Case()).body("words")
    text = body.read_text(encoding="utf-8")
    assert text.count("20.9 % less time") == 1
    body.write_text(text.replace("20.9 % less time", "29.9 % less time"), encoding="utf-8")
    shown = project.table(width=1_000)[-3]
    assert "  needs review: in the edited body, this line was removed or changed: **1.26x faster (20.9 % less" in shown
    assert shown.endswith("… (and 2 more); the body was edited by hand")
    assert "- To review: delete the edited body and run `prprep render:words` to restore it\n" in project.markdown


def test_what_cannot_be_published_is_to_be_reviewed_whatever_it_says(project):
    paths = project.add("words", Case())
    body, copy = paths.body("words"), paths.state / "body.md"
    rendered = body.read_bytes()
    edited = rendered.replace(b"\n", b"\r\n") + b"\r\nFixes #12, as discussed.\r\n"
    body.write_bytes(edited + "Grüße\n".encode("latin-1"))
    line = edited.count(b"\n") + 1
    assert f"needs review: in the edited body, line {line} is not UTF-8" in project.table(width=1_000)[-3]
    body.write_bytes(edited + b"a " * 40_000)
    assert "characters are more than GitHub accepts (65,536)" in project.table(width=1_000)[-3]
    body.write_bytes(b"")
    project.table()
    assert project.markdown.count("- To review: in the edited body, this line was removed or changed: ") == 5
    assert re.search(r"- To review: \d+ more like these; delete the edited body and run", project.markdown)
    body.write_bytes(edited)
    assert status(project.table()[-3]) == "ready; the body was edited by hand"
    copy.write_bytes(edited)
    shown = project.table(width=1_000)[-3]
    assert (
        "needs review: the body was edited, and .prprep/words/body.md, the copy of the original, is missing or changed"
        in shown
    )
    body.write_bytes(rendered)
    assert status(project.table()[-3]) == "ready"


def test_what_was_left_out_of_a_body_is_listed(project):
    commit = DETECTION.commits[0].model_copy(update={"title": "Join 17,500% faster", "message": ""})
    project.add("words", Case(detection=DETECTION.model_copy(update={"commits": (commit,)})))
    assert status(project.table()[-3]) == "ready"
    assert (
        "- Left out of the body: “Join 17,500% faster”: a number that is not in the evidence (17,500%)\n"
        in project.markdown
    )


def test_every_state(project):
    project.add("ready", Case())
    project.add("regressed", Case(REGRESSED))
    failed = project.add("blocked", Case(), rendered=False)
    error = MeasuringError("`pytest` ended with exit code 4:\nfile not found", where="blocked", hint="see the log")
    Failure(item="blocked", stage="measure", message=str(error)).write(failed.failure)
    project.add(
        "gap",
        Case(scaffolding=SCAFFOLDING.model_copy(update={"needs": "fill in the arguments at a.py:16"})),
        rendered=False,
    )
    project.add("fresh")
    project.add("started", Case(), rendered=False)
    lines = project.table()
    assert [status(line) for line in lines[2:8]] == [
        "ready",
        "needs review: the verdict is regressed: time +26.4 % (99 % interval +25.0 % to +27.9 %)",
        "blocked: measure: blocked: `pytest` ended with exit code 4; see the log",
        "needs review: fill in the arguments at a.py:16",
        "not run yet",
        "not run yet: compared; run `prprep` to write the body",
    ]
    assert lines[-1] == "6 items: 1 ready, 2 needs review, 1 blocked, 2 not run yet"


def test_the_columns_of_the_table(project):
    project.add("merge", Case(), title="Merge lines once")
    header, _, row = project.table(width=220)[:3]
    cells = [
        "1",
        "Merge lines once",
        "test_benchmark_merge_lines.py (existing)",
        "time −20.9 % (99 % interval −21.8 % to −20.0 %)",
        "pr-body-merge.md",
        "ready",
    ]
    positions = [row.index(cell) for cell in cells]
    assert positions == [
        header.index(name) for name in ("#", "Optimization", "Benchmark test", "Compare", "PR body", "Status")
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_the_terminal(project, width):
    project.add("merge", Case(REGRESSED), title="Merge the lines of a page once instead of for every one of its words")
    lines = project.table(width=width)
    assert max(map(len, lines)) <= max(width, 6 * 12 + 10)
    assert {"Merge", "needs", "review:"} <= set(" ".join(lines).split())


def test_a_body_of_an_older_comparison_is_stale_and_the_new_headline_is_shown(project):
    paths = project.add("merge", Case())
    REGRESSED.write(paths.compare)
    (line,) = project.table()[2:3]
    assert status(line) == "stale: run prprep again"
    assert REGRESSED.headline in line


@pytest.mark.parametrize("make", [None, os.mkfifo, os.mkdir])
def test_a_body_that_is_gone_is_stale(project, make):
    paths = project.add("merge", Case())
    paths.body("merge").unlink()
    if make:
        make(paths.body("merge"))
    assert status(project.table()[2]) == "stale: the body is gone; run prprep again"


def test_an_edited_body_is_to_be_reviewed_until_it_is_deleted(project):
    paths = project.add("merge", Case())
    kept = paths.output / "pr-body-merge.edited.md"
    kept.write_text("mine", encoding="utf-8")
    assert "the body that was edited by hand is kept in pr-body-merge.edited.md" in project.table()[2]
    kept.unlink()
    assert status(project.table()[2]) == "ready"


def test_a_broken_artifact_counts_as_not_there(project):
    paths = project.add("merge", Case())
    paths.render.write_text("half", encoding="utf-8")
    assert status(project.table()[2]) == "not run yet: compared; run `prprep` to write the body"


def test_the_benchmarks_origin(project):
    for origin, words in {
        "head": "existing",
        "worktree": "existing, in the work tree",
        "generated": "created",
        "edited": "created, edited by hand",
    }.items():
        project.add(origin, Case(scaffolding=SCAFFOLDING.model_copy(update={"origin": origin})), rendered=False)
        assert f"test_benchmark_merge_lines.py ({words})" in project.table()[-3]


def test_report_md_holds_the_table_and_each_item(project):
    project.add("merge", Case(REGRESSED), title="Merge lines | <b>once</b> @octocat")
    failed = project.add("blocked", Case(), rendered=False)
    Failure(item="blocked", stage="inject", message="a.py: conflict\n```\n  mend it").write(failed.failure)
    project.table()
    tokens = GITHUB.parse(project.markdown)
    types = [token.type for token in tokens]
    assert (types.count("table_open"), types.count("tr_open"), types.count("td_open"), types.count("heading_open")) == (
        1,
        3,
        12,
        3,
    )
    assert "html_block" not in types
    assert (
        "| 1 | Merge lines &#124; &lt;b>once&lt;/b> @&#8203;octocat | `tests/benchmarks/test_benchmark_merge_lines.py` (existing) |"
        in project.markdown
    )
    assert "[.codeflash/pr-body-merge.md](<pr-body-merge.md>)" in project.markdown
    assert "- To review: the verdict is regressed: time +26.4 %" in project.markdown
    assert f"## 2. {DETECTION.title}\n\n- Task: `prprep render:blocked`\n- Status: blocked\n" in project.markdown
    assert "````text\na.py: conflict\n```\n  mend it\n````" in project.markdown


def test_the_survey_is_shown_and_a_fold_needs_review(project):
    pull = PullRequest(
        number=12, title="Rows", state="open", url="https://x/12", branch="rows", touches="function", functions=("a:b",)
    )
    fold = Decision(kind="fold", into="#12", reason="it touches the same function, a:b")
    paths = project.add("merge", Case(survey=SURVEY.model_copy(update={"pull_requests": (pull,), "decision": fold})))
    ResponseCache(project.paths.forge, now=lambda: 0.0).store_results("acme/pagelayout", {"merge": ("q", {})})
    assert status(project.table()[2]) == "needs review: fold into #12 (it touches the same function, a:b)"
    text = project.markdown.replace("&#8203;", "")  # A number without it would be linked wherever the report is shown.
    assert "- To review: fold into #12 (it touches the same function, a:b)\n" in text
    assert "- Decision: fold into #12: it touches the same function, a:b\n- Pull request #12 “Rows”" in text
    assert "(searched 1970-01-01 00:00 UTC)" in project.markdown
    paths.survey.unlink()
    project.table()
    assert "Decision" not in project.markdown


def test_report_md_lists_what_is_left_to_a_person_and_what_the_project_asks(project):
    rule = ContributionRule(
        path="AGENTS.md", line=7, about="disclosure", sentence="State <b>the</b> LLM that you used."
    )
    detection = DETECTION.model_copy(
        update={
            "pull_request_template": ".github/PULL_REQUEST_TEMPLATE.md",
            "template_text": "## Summary\n\n## Checklist\n\n- [ ] I have read *it*\n",
            "contribution_rules": (rule,),
        }
    )
    project.add("merge", Case(detection=detection))
    project.add("split", Case(detection=detection))
    assert status(project.table()[2]) == "ready"
    text = project.markdown
    assert (
        text.count(
            "- PR body: `.codeflash/pr-body-merge.md`, in the project's template `.github/PULL_REQUEST_TEMPLATE.md`\n"
        )
        == 1
    )
    assert text.count("- [ ] tick if true: “I have read it” (.github/PULL\\_REQUEST\\_TEMPLATE.md)") in {0, 2}
    assert text.count("- \\[ ] tick") + text.count("- [ ] tick") == 2
    assert (
        text.count("- [ ] disclose, in one line of your own, whether models were used: “State &lt;b>the&lt;/b> LLM")
        == 2
    )
    assert (
        text.count(
            "## What the project asks of contributions\n\n- disclosure: “State &lt;b>the&lt;/b> LLM that you used.” (AGENTS.md, line 7)"
        )
        == 1
    )


def test_what_several_surveys_share_is_written_once():
    shared, own = f"Pull requests: unknown: {'gh was not found; ' * 6}install gh", "Pull requests: none"
    rows = [report.Row(number, f"item{number}", "Faster", survey=(shared, own)) for number in (1, 2)]
    text = report.report_text(rows, ProjectPaths(Path("/project/prprep.yaml"), Path("/project/.codeflash")))
    assert text.count("gh was not found") == 6
    assert text.count("- Pull requests: see note 1 below") == 2
    assert text.endswith(f"## Notes\n\n1. {shared}\n")
    assert text.count(f"- {own}") == 2


def test_a_long_status_is_shown_once_and_then_referred_to():
    long, short = (
        "environment: uv was not found; install uv, or put its folder on PATH, and run it again later on",
        "uv",
    )
    rows = [
        report.Row(number, f"item{number}", "Faster", state=report.BLOCKED, reasons=(reason,))
        for number, reason in enumerate((long, short, long, short), 1)
    ]
    assert list(report.statuses(rows)) == [f"blocked: {long}", "blocked: uv", "blocked: same as 1", "blocked: uv"]


def test_report_md_is_written_only_if_its_text_changes(project):
    project.add("merge", Case())
    project.table()
    os.utime(project.paths.report, (1, 1))
    project.table()
    assert project.paths.report.stat().st_mtime == 1
    project.add("later")
    project.table()
    assert project.paths.report.stat().st_mtime > 1


def test_terminal_escapes_do_not_reach_the_terminal(project):
    project.add("merge", title="\x1b[31mred\x1b[0m")
    assert project.table()[2].split("  ")[1] == "red"
    assert "\x1b" not in project.markdown


def test_the_inventory(project):
    project.add(
        "merge",
        Case(
            detection=DETECTION.model_copy(update={"files": ("src/a.py", "src/b.py")}),
            scaffolding=SCAFFOLDING.model_copy(update={"domains": ("mem", "cpu")}),
        ),
        rendered=False,
        title="Merge once",
    )
    project.add("later")
    project.items[0] = project.items[0].model_copy(update={"pr": 12})
    lines = [
        " | ".join(part.strip() for part in line.split("  ") if part.strip())
        for line in project.inventory().splitlines()
    ]
    assert set(lines.pop(1)) == {"-"}
    assert lines == [
        "# | Optimization | File(s) | Commit | Domain | PR status",
        "1 | Merge once | src/a.py (+1) | 9c0de9c0de9c | mem, cpu | none",
        "2 | later | – | – | cpu | not run yet",
    ]


def test_the_inventory_says_why_it_does_not_know(project):
    project.add(
        "merge", Case(survey=SURVEY.model_copy(update={"unknown": "gh is not logged in; log in"})), rendered=False
    )
    assert "unknown: gh is not logged in; log in" in project.inventory()
    project.paths.item("merge").survey.unlink()
    assert "not looked for yet" in project.inventory()
