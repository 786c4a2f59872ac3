"""action.yml: its steps run as a runner runs them, on a repository with four pull requests, and what linters say of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from tests.support.actions import Job, environment
from tests.support.github import TOKEN, GitHub
from tests.support.mistakes import BENCHMARK, CODE, HEAVY, target
from tests.support.runs import CHECKOUT

PARTS = ("action.yml", "constraints.txt", "tasks", "templates", "pyproject.toml", "README.md", "LICENSE")
WORKFLOWS = re.findall(r"^```yaml\n(name:.*?)^```", (CHECKOUT / "docs/ci.md").read_text(), re.DOTALL | re.MULTILINE)
SLUG = "acme/sums"
TITLES = {
    "faster": "Make total() faster",
    "slower": "perf: sum twice",
    "same": "Speed up total()",
    "docs": "Explain it",
}


def program(name: str) -> str:
    """Return the path of a program of the `dev` extra."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, f"{name} is not installed: pip install --editable '.[dev]'"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", [*range(len(WORKFLOWS)), "action"])
def test_linters_find_nothing(tmp_path, number):
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    path = CHECKOUT / "action.yml" if number == "action" else folder / "workflow.yml"
    if number != "action":
        path.write_text(WORKFLOWS[number].replace("OWNER/prprep@REF", f"acme/prprep@{40 * '0'}"))
    schema = f"vendor.github-{'actions' if number == 'action' else 'workflows'}"
    for command in (
        [program("check-jsonschema"), "--builtin-schema", schema, path],
        [program("zizmor"), "--offline", "--no-progress", "--quiet", path],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_in_the_documentation_pass_inputs_that_exist():
    inputs = yaml.safe_load((CHECKOUT / "action.yml").read_text())["inputs"]
    steps = [step for text in WORKFLOWS for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    ours = [step for step in steps if step["uses"].startswith("OWNER/prprep@")]
    assert len(ours) == len(WORKFLOWS) == 2
    assert {name for step in ours for name in step["with"]} <= set(inputs)


OTHER = "tests/benchmarks/test_benchmark_words.py"
WORDS = "def words():\n    return list(range(1000))\n"
MEASURES_WORDS = """
from textkit.words import words


def test_words(benchmark):
    assert len(benchmark(words)) == 1000
"""


class Repository:
    """The pull requests on a server, a clone as actions/checkout makes it, and an installed action."""

    def __init__(self, folder: Path, github: GitHub) -> None:
        self.folder, self.github = folder, github
        defaults = "version: 1\ndefaults: {metrics: memory, budget: 0.5}\noptimizations: [{id: sums, head: faster}]\n"
        start = {"prprep.yaml": defaults, "README.md": "Sums\n", "textkit/words.py": WORDS, OTHER: MEASURES_WORDS}
        repo = target(folder / "made", start)
        for name, files in {
            "slower": {CODE: HEAVY.replace("range(20)", "range(80)")},
            "same": {CODE: HEAVY.replace("range(20)", "range(4 * 5)")},
            "docs": {"README.md": "Sums of numbers\n"},
        }.items():
            repo.branch(name, "main")
            repo.commit(files, "Change")
        self.server = github.repository(SLUG, like=repo.path)
        self.pulls = {name: self.server.open(name, title=title) for name, title in TITLES.items()}
        self.pulls["same"].head_owner = "eve"
        self.workspace = folder / "workspace"
        repo.git("clone", "--quiet", str(self.server.folder), str(self.workspace))
        self.action = folder / "action"
        self.action.mkdir()
        for part in PARTS:
            copy = shutil.copytree if (CHECKOUT / part).is_dir() else shutil.copy
            copy(CHECKOUT / part, self.action / part)  # the installation builds in its place
        self._share_packages()
        job = self.job({})
        assert job.run({}, only="Install prprep"), job.log

    def _share_packages(self) -> None:
        """Let the action's environment see the packages of this one, which have the pinned versions: a minute less."""
        venv = self.folder / "runner" / "temp" / "prprep-venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        (packages,) = venv.glob("lib/python*/site-packages")
        (packages / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n")

    def job(self, payload: dict[str, object]) -> Job:
        event = self.folder / "event.json"
        event.write_text(json.dumps(payload))
        connected = {name: value for name, value in self.github.environment.items() if "TOKEN" not in name}
        variables = environment(
            **connected,
            GITHUB_EVENT_PATH=str(event),
            GITHUB_REPOSITORY=SLUG,
            GITHUB_SERVER_URL=f"https://{self.github.host}",
            TOKEN_OF_JOB=TOKEN,
        )
        python = {"python": {"python-path": sys.executable}}
        return Job(self.action, self.folder / "runner", self.workspace, variables, python)

    def measure(self, name: str, **given: str) -> tuple[Job, bool]:
        shutil.rmtree(self.folder / "runner" / "temp" / "prprep-results", ignore_errors=True)
        job = self.job({"pull_request": self.pulls[name].rest()})
        succeeded = job.run({"benchmark": f"{BENCHMARK}::test_total\n", "comment": "true", **given}, only="Measure")
        return job, job.run({"comment": "true"}, only="Comment") and succeeded


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("action")
    with GitHub(folder / "github") as github:
        github.login = "github-actions[bot]"
        yield Repository(folder, github)


needs_gh = pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")


@pytest.mark.slow
@needs_gh
def test_pull_requests_of_the_repository(repository):
    """Faster, slower and neither: summary, outputs, comment, artifact and whether the job fails."""
    job, succeeded = repository.measure("faster", benchmark=f"{BENCHMARK}::test_total\n{OTHER}")
    assert succeeded, job.log
    assert job.outputs[""]["verdict"] == "improved"
    assert job.outputs[""]["headline"].startswith("peak memory −99.")
    assert job.summary.startswith(f"### prprep: improved\n\n#### `{BENCHMARK}::test_total`: improved\n\n**1,")
    assert f"#### `{OTHER}`: not measured\n" in job.summary
    assert "the benchmark executes no changed code (textkit:total)" in job.summary
    (comment,) = repository.pulls["faster"].comments
    assert comment.body == f"<!-- prprep ci -->\n{job.summary}"
    folder = Path(job.outputs[""]["folder"])
    merge_base = repository.server.commit("main")
    assert (folder / "summary.md").read_text() == job.summary
    assert json.loads((folder / "result.json").read_text())["base"] == merge_base
    assert len(list(folder.glob("*/samples.json"))) == 1
    assert f"prprep try {merge_base} {repository.pulls['faster'].head_oid} {BENCHMARK}::test_total" in job.summary

    for fail_on, expected in (("", True), ("inconclusive,regressed", False)):
        job, succeeded = repository.measure("slower", **{"fail-on": fail_on})
        assert (succeeded, job.outputs[""]["verdict"]) == (expected, "regressed"), job.log
        assert job.summary.startswith("### prprep: regressed\n")
    assert len(repository.pulls["slower"].comments) == 1
    assert "measure:" not in job.log  # the samples are in the cache

    job, succeeded = repository.measure("docs", **{"fail-on": "regressed"})
    assert (succeeded, job.outputs[""]["verdict"]) == (True, "not measured"), job.log
    assert "Nothing was measured: neither title, body nor commits claim a speed-up" in job.summary
    assert repository.pulls["docs"].comments == []


@pytest.mark.slow
@needs_gh
def test_a_pull_request_of_a_fork(repository):
    """Without permission the first workflow warns; the second one writes the comment from the artifact."""
    pull = repository.pulls["same"]
    repository.github.may_comment = False
    job, succeeded = repository.measure("same")
    repository.github.may_comment = True
    assert (succeeded, job.outputs[""]["verdict"], pull.comments) == (True, "unchanged", []), job.log
    assert re.search(r"^::warning title=prprep::.*pull-requests: write.*docs/ci.md", job.log, re.MULTILINE), job.log
    folder = job.outputs[""]["folder"]
    run = {"event": "pull_request", "head_sha": pull.head_oid, "head_repository": {"full_name": "eve/sums"}}
    second = repository.job({"workflow_run": run})
    assert second.run({"post": folder}, only="Comment"), second.log
    assert [each.author for each in pull.comments] == ["github-actions[bot]"]
    assert pull.comments[0].body.startswith("<!-- prprep ci -->\n### prprep: unchanged\n\n**No difference shown: ")
    assert second.run({"post": folder}, only="Comment")
    assert len(pull.comments) == 1


def test_the_step_that_measures_gets_no_token():
    measure = next(
        step
        for step in yaml.safe_load((CHECKOUT / "action.yml").read_text())["runs"]["steps"]
        if step.get("id") == "measure"
    )
    assert "token" not in json.dumps(measure).lower()
