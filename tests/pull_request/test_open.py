"""`prprep branch` and `prprep open` as a user runs them: a real target, measured, and the real git and gh against a server over HTTPS."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.artifacts import Branching, Failure, Opening, ProjectTests, SideRun
from tasks.commands import ENTRIES
from tasks.pipeline import NAMES, staleness_of
from tasks.pull_request.opening import Opener
from tasks.storage.hashing import digest_of
from tasks.workspace.workspace import Workspace
from tests.pull_request.test_publishing import publishes, recorded_by, recorders
from tests.support.documents import document_of
from tests.support.github import TOKEN, GitHub, Refused
from tests.support.runs import prprep
from tests.support.targets import TargetRepo
from tests.support.untouched import snapshot

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")]

CHECKOUT = Path(__file__).parents[2]
FILES = {
    "sums/__init__.py": "",
    "sums/numbers.py": """
        def total(numbers):
            result = 0
            for number in numbers:
                result = sum([result, number])
            return result
        """,
    "tests/benchmarks/test_benchmark_total.py": """
        from sums.numbers import total


        def test_benchmark_total(benchmark):
            assert benchmark(lambda: total(range(2_000))) == 1_999_000
        """,
    "CHANGELOG.md": """
        # Changelog

        The format is that of [Keep a Changelog](https://keepachangelog.com).

        ## [Unreleased]

        ## [1.0] - 2020-01-01

        ### Added

        - Sums.
        """,
}
MANIFEST = """\
version: 1
repo: target
upstream: main
defaults: {budget: 1, metrics: memory, negligible_memory: 0, verify: false}
optimizations:
  - {id: total, title: Sum in C, domain: cpu, head: perf/total, functions: "sums.numbers:total"}
"""


@dataclass(frozen=True)
class Prepared:
    """A folder with fresh evidence and a branch, the server that it belongs to, and a log of calls of git and gh."""

    folder: Path
    github: GitHub
    variables: dict[str, str]
    log: Path

    @property
    def recording(self) -> dict[str, str]:
        """Variables with which calls of git and gh are logged.

        git's own programs come before PATH for what git starts, so only what prprep and its tools start is seen.
        """
        return {"PATH": f"{self.log.parent}{os.pathsep}{os.environ['PATH']}"}

    def prprep(self, *arguments: str, code: int = 0, **more: str) -> str:
        done = prprep(arguments, folder=self.folder, env={**self.variables, **more})
        output = done.stdout + done.stderr
        assert done.returncode == code, output
        assert "Traceback" not in output, output
        return output

    def refuses(self, reason: str) -> None:
        """Demand that `open` refuses for this reason, and that it asks the server for nothing before."""
        workspace = Workspace.open(self.folder / "prprep.yaml")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables.items():
                patch.setenv(name, value)
            reasons = Opener(staleness_of(workspace), "total").refusals(NAMES)
        assert [each for each in reasons if re.search(reason, each)], reasons
        assert self.github.requests == []

    @property
    def state(self) -> Path:
        return self.folder / ".prprep" / "total"

    @property
    def repository(self):
        return self.github.repositories["acme/sums"]

    @property
    def branch(self) -> Branching:
        return Branching.read(self.state / "branch.json")


def variables_for(github: GitHub, folder: Path) -> dict[str, str]:
    """Return an environment in which git and gh are logged in to the server, and nowhere else."""
    settings = folder / "gitconfig"
    helper = f'!f() {{ test "$1" = get && printf "username=ada\\npassword={TOKEN}\\n"; }}; f'.replace(
        "\\", "\\\\"
    ).replace('"', '\\"')
    settings.write_text(
        f'[user]\n\tname = Bea\n\temail = bea@example.org\n[http]\n\tsslCAInfo = {github.certificate}\n[credential]\n\thelper = "{helper}"\n'
    )
    return {
        **os.environ,
        **github.environment,
        "GIT_CONFIG_GLOBAL": str(settings),
        "PYTHONPATH": str(CHECKOUT),
        "COLUMNS": "400",
    }


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Evidence, body and branch, made once; nobody changes them."""
    folder = tmp_path_factory.mktemp("open")
    target = TargetRepo(folder / "work" / "target", FILES)
    with GitHub(folder / "github") as github:
        github.repository("acme/sums", like=target.path)
        target.git("remote", "add", "origin", github.repositories["acme/sums"].clone_url)
        target.branch("perf/total")
        target.commit({"sums/numbers.py": "def total(numbers):\n    return sum(numbers)\n"}, "Sum in C")
        target.checkout("main")
        (folder / "work" / "prprep.yaml").write_text(MANIFEST)
        log = recorders(folder / "bin")
        prepared = Prepared(folder / "work", github, variables_for(github, folder), log)
        prepared.prprep("run", **prepared.recording)
        prepared.prprep("branch", "total", **prepared.recording)
        yield prepared


@pytest.fixture
def case(prepared, tmp_path):
    """A copy of what was prepared, to be changed; the server holds no pull request and no branch but main."""
    shutil.copytree(prepared.folder, tmp_path / "work")
    prepared.repository.pull_requests.clear()
    for branch in prepared.repository.git("for-each-ref", "--format=%(refname)", "refs/heads/perf").split():
        prepared.repository.git("update-ref", "-d", branch)
    prepared.github.requests.clear()
    return Prepared(tmp_path / "work", prepared.github, prepared.variables, prepared.log)


def test_no_other_command_hands_a_push_to_git_or_a_change_to_gh(case):
    own = sorted(entry.name for entry in ENTRIES if not entry.location.partition(":")[0].endswith("doit_commands"))
    calls = {name: [name] for name in own if name not in {"open", "lint", "branch"}}
    calls |= {
        "lint": ["lint", "--no-run", "target/tests/benchmarks"],
        "branch": ["branch", "total", "--into", "ready", "--patches", "patches"],
    }
    for arguments in [*calls.values(), ["run"], ["list", "--all", "--status"]]:
        done = prprep(arguments, folder=case.folder, env={**case.variables, **case.recording})
        assert "Traceback" not in done.stderr, done.stderr
        if arguments[0] in {"run", "branch"}:
            assert done.returncode == 0, done.stdout + done.stderr
    recorded = recorded_by(case.log)  # with those of the run that prepared the evidence
    assert {words[0] for words in recorded} == {"git", "gh"}
    assert len(recorded) > 20
    assert [words for words in recorded if publishes(words)] == []
    assert case.repository.commit("perf/total") == case.repository.commit("ready") == ""
    assert case.repository.pull_requests == []
    assert TargetRepo(case.folder / "target").git("rev-parse", "ready")


def test_it_is_opened_once_and_then_updated(case):
    output = case.prprep("open", "total", "--yes", "--draft")
    (opened,) = case.repository.pull_requests
    body = (case.folder / ".codeflash" / "pr-body-total.md").read_text()
    assert (opened.title, opened.base_ref, opened.head_ref, opened.is_draft) == ("Sum in C", "main", "perf/total", True)
    assert opened.body.strip() == body.strip()
    assert body.startswith(f"<!-- Title: {opened.title} -->\n\n**")
    assert opened.head_oid == case.branch.head
    assert opened.url in output
    assert "open a draft pull request in acme/sums" in output
    assert Opening.read(case.state / "opened.json").number == 1
    again = case.prprep("open", "total", "--yes")
    assert "(up to date)" in again
    assert "update #1 in acme/sums" in again
    assert len(case.repository.pull_requests) == 1


def test_without_a_terminal_the_plan_is_printed_and_nothing_pushed(case):
    output = case.prprep("open", "total", code=3)
    assert f"push {case.branch.head[:12]} to origin" in output
    assert "title     Sum in C" in output
    assert "stdin is not a terminal; pass --yes" in output
    assert case.repository.pull_requests == []
    assert case.repository.commit("perf/total") == ""


def test_a_failure_after_the_push_is_reported_and_continued_from(case):
    def refuse(*_, **__):
        raise Refused(422, "the moon is full")

    case.repository.open = refuse
    try:
        output = case.prprep("open", "total", "--yes", code=1)
    finally:
        del case.repository.open
    assert "the branch perf/total was pushed, but the pull request was not opened" in output
    assert "the moon is full" in output
    assert case.repository.commit("perf/total") == case.branch.head
    assert f"{case.repository.url}/pull/1\n" in case.prprep("open", "total", "--yes")


def test_a_tampered_number_is_refused(case):
    artifact = case.state / "compare.json"
    artifact.write_text(re.sub(r'"ratio": [0-9.]+', '"ratio": 0.01', artifact.read_text(), count=1))
    case.refuses(r"compare\.json was changed by hand")


def test_a_tampered_number_with_the_right_digest_is_refused_too(case):
    artifact = case.state / "compare.json"
    head, _, body = artifact.read_text().partition("\n")
    changed = re.sub(r'"headline": "[^"]+"', '"headline": "time \\\\u221299.9 %"', body, count=1)
    assert changed != body
    artifact.write_text(json.dumps({**json.loads(head), "digest": digest_of(changed.encode())}) + "\n" + changed)
    case.refuses(r"compare\.json does not match the samples \(headline\)")


def test_a_tampered_sample_is_refused(case):
    artifact = case.state / "samples.json"
    artifact.write_text(artifact.read_text().replace('"iterations": ', '"iterations":  ', 1))
    case.refuses(r"samples\.json was changed by hand")


def test_a_ref_that_moved_is_refused(case):
    target = TargetRepo(case.folder / "target")
    target.checkout("perf/total")
    target.commit({"sums/numbers.py": "def total(numbers):\n    return sum(list(numbers))\n"}, "Sum a list")
    case.refuses(r"detect is stale \(the commit of head is [0-9a-f]+")


def test_upstream_that_moved_is_refused(case):
    TargetRepo(case.folder / "target").commit({"README.md": "Sums.\n"}, "Words")
    case.refuses(r"detect is stale \(the commit of upstream is [0-9a-f]+")


def test_an_edited_body_is_refused(case):
    body = case.folder / ".codeflash" / "pr-body-total.md"
    body.write_text(body.read_text().replace("%", " percent", 1))
    case.refuses(r"pr-body-total\.md: this line was removed or changed: ")


def test_what_was_checked_is_published_whatever_happens_to_the_file(case):
    body = case.folder / ".codeflash" / "pr-body-total.md"
    checked = body.read_text()
    workspace = Workspace.open(case.folder / "prprep.yaml")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in case.variables.items():
            patch.setenv(name, value)
        opener = Opener(staleness_of(workspace), "total")
        assert opener.refusals(NAMES) == []
        plan = opener.plan()
        body.write_text("It is 1000x faster.")
        opener.publish(plan)
    (opened,) = case.repository.pull_requests
    assert opened.body.strip() == checked.strip()


def test_missing_or_changed_evidence_is_refused(case):
    archive = case.folder / case.branch.evidence
    archive.write_bytes(archive.read_bytes() + b"x")
    case.refuses(r"evidence-total\.zip was changed: run `prprep branch total`")
    archive.unlink()
    case.refuses(r"evidence-total\.zip is missing")


def test_a_name_that_git_does_not_accept_for_a_branch_is_refused(case):
    output = case.prprep("open", "total", "--yes", "--branch", "*", code=3)
    assert '"*" is not a valid branch name\n  choose another: --branch NAME' in output
    assert case.repository.pull_requests == []


def test_a_failed_stage_is_refused(case):
    Failure(item="total", stage="measure", message="the benchmark failed").write(case.state / "failure.json")
    (case.state / "samples.json").unlink()
    case.refuses(r"measure failed: the benchmark failed")


def test_a_refusal_is_printed_and_nothing_reaches_the_server(case):
    run = SideRun(code=0, passed=3, failed=0, errors=0, skipped=0)
    failed = run.model_copy(update={"code": 1, "failed": 1})
    tests = ProjectTests(
        item="total", command="pytest", base=run, head=failed, new_failures=("tests/test_numbers.py::test_none",)
    )
    tests.write(case.state / "tests.json", "fresh")
    output = case.prprep("open", "total", "--yes", code=1)
    assert "nothing was opened:\n  - " in output
    assert "tests of the project fail at head and not at base: tests/test_numbers.py::test_none" in output
    assert case.github.requests == []
    assert not (case.state / "opened.json").exists()


def test_no_branch_is_refused(case):
    (case.state / "branch.json").unlink()
    case.refuses("the branch is not built yet: run `prprep branch total`")


def test_a_branch_of_the_same_name_is_not_overwritten(case):
    case.repository.git("update-ref", "refs/heads/perf/total", "main")
    output = case.prprep("open", "total", "--yes", code=1)
    assert "has a branch perf/total with other commits" in output
    assert case.repository.commit("perf/total") == case.repository.commit("main")
    assert f"{case.repository.url}/pull/1\n" in case.prprep("open", "total", "--yes", "--branch", "sum-in-c")
    assert case.repository.commit("sum-in-c") == case.branch.head


def test_an_error_of_the_server_is_printed_and_nothing_is_pushed(case):
    case.github.break_down("401")
    try:
        output = case.prprep("open", "total", "--yes", code=1)
    finally:
        case.github.break_down(None)
    assert "401" in output
    assert case.repository.commit("perf/total") == ""


def test_the_branch_is_delivered_on_request_and_nothing_else_changes(case):
    repository = case.folder / "target"
    before = snapshot(repository)
    delivered = prprep(["branch", "total", "--patches", "patches", "--json"], folder=case.folder, env=case.variables)
    (item,) = document_of(delivered.stdout)["items"]
    assert (item["branch"]["head"], item["branch"]["title"]) == (case.branch.head, "Sum in C")
    assert (item["branch"]["onto"], item["branch"]["verdict"]) == (case.branch.onto, "improved")
    assert snapshot(repository) == before
    assert [path.name for path in sorted((case.folder / "patches").iterdir())] == [
        "0001-Sum-in-C.patch",
        "0002-Add-a-changelog-entry-for-total.patch",
    ]
    case.prprep("branch", "total", "--into", "perf/ready")
    after = snapshot(repository)
    changed = {
        os.fsdecode(os.path.relpath(path, os.fsencode(repository)))
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }
    folders = {".git/refs/heads/perf", ".git/logs/refs/heads/perf", ".git/objects/pack", ".git/objects"}
    assert {path for path in changed - folders if not re.match(r"\.git/objects/(pack/pack-|[0-9a-f]{2})", path)} == {
        ".git/refs/heads/perf/ready",
        ".git/logs/refs/heads/perf/ready",
    }
    assert TargetRepo(repository).git("rev-parse", "perf/ready") == case.branch.head
    assert "no branch perf/ready already" not in case.prprep("branch", "total", "--into", "perf/ready", code=1)
