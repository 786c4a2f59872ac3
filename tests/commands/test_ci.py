"""`prprep ci` as a workflow runs it, up to the point at which it would measure; tests/ci has the rest."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.support.mistakes import CODE, HEAVY, ran, target

GITHUB = {"GITHUB_EVENT_PATH": "", "GITHUB_REPOSITORY": "", "GITHUB_OUTPUT": "", "GITHUB_STEP_SUMMARY": ""}


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    repo = target(tmp_path_factory.mktemp("ci"))
    repo.branch("tidy", "main")
    repo.commit({CODE: HEAVY + "\n\nUNUSED = 1\n"}, "Tidy up")
    (repo.path / "elsewhere").symlink_to(repo.path.parent)
    return repo


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--fail-on", "regresed"), 3, '--fail-on is "regresed"\n  did you mean regressed?'),
        (("--fail-on", "improved,"), 3, '--fail-on is ""'),
        (("a.py", "--call", "f()"), 3, "--call and a.py exclude each other"),
        (("a.py",) * 51, 3, "51 benchmarks are named, a result has at most 50"),
        (("--base", "gone"), 3, '"gone" is not a branch, tag or commit'),
        (
            ("--base", "main", "--head", "faster", "--always", "../x.py"),
            3,
            "`benchmark` must be the path of a .py file",
        ),
        (("--base", "main", "--output", "elsewhere/x"), 3, "elsewhere is a symbolic link"),
        (("--post", "nowhere"), 1, "nowhere/result.json: there is no result of `prprep ci`"),
        (("--base", "main", "--comment"), 3, "only workflows of GitHub can write comments"),
    ],
)
def test_wrong_arguments(repo, words, code, message):
    done = ran(repo.path, "ci", *words, **GITHUB)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert message in done.stderr


def pull_request(repo, folder, text):
    """Write the event of a pull request with this title and body; return the variables of its workflow."""
    sides = {
        side: {"sha": repo.git("rev-parse", ref), "repo": None} for side, ref in (("base", "main"), ("head", "tidy"))
    }
    path = folder / "event.json"
    path.write_text(json.dumps({"pull_request": {"number": 3, "title": text, "body": text, **sides}}))
    return GITHUB | {"GITHUB_EVENT_PATH": str(path), "GITHUB_REPOSITORY": "acme/sums"}


def test_a_pull_request_without_a_claim_succeeds(repo, tmp_path):
    """Its text, which is that of a stranger, reaches neither the outputs nor the commands of a workflow's log."""
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    variables = pull_request(repo, tmp_path, "Tidy\n::error::x\nverdict=improved") | files
    done = ran(repo.path, "ci", "--output", str(tmp_path / "results"), "--fail-on", "regressed", **variables)
    why = "neither title, body nor commits claim a speed-up (--always or --paths measures more)"
    assert (done.returncode, done.stdout, done.stderr) == (0, f"nothing was measured: {why}\n", "")
    outputs = f"verdict=not measured\nheadline={why}\nfolder={tmp_path / 'results'}\n"
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == outputs
    summary = f"### prprep: not measured\n\nNothing was measured: {why}.\n"
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text() == (tmp_path / "results/summary.md").read_text() == summary
    assert json.loads((tmp_path / "results/result.json").read_text())["number"] == 3


@pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")
def test_benchmarks_that_fail_are_named_and_a_missing_token_is_a_warning(repo, tmp_path):
    done = ran(repo.path, "ci", "a.py::test_x", "b.py", "--comment", **pull_request(repo, tmp_path, "Faster"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    for name in ("a.py::test_x", "b.py"):
        assert f"\n{name} was not compared: scaffold failed (see above)\n" in done.stdout
    assert re.search(
        r"^warning: the comment was not written: .*not logged in.*\n  .*and a GH_TOKEN", done.stdout, re.MULTILINE
    )


def test_another_event_needs_refs(repo, tmp_path):
    (tmp_path / "event.json").write_text(json.dumps({"ref": "refs/heads/main"}))
    variables = GITHUB | {"GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "GITHUB_REPOSITORY": "acme/sums"}
    done = ran(repo.path, "ci", **variables)
    assert (done.returncode, done.stdout) == (3, "")
    assert "this workflow was not started by a pull request\n  use `on: pull_request`" in done.stderr
    done = ran(repo.path, "ci", "--base", "main", "--head", "tidy", "--paths", "docs/**", **variables)
    assert (done.returncode, done.stdout) == (
        0,
        "nothing was measured: it changes none of the files that --paths names\n",
    )
