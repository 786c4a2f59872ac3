"""`--json`: standard output is one document of the committed schema, whatever happens."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.fresh_items import BENCHMARK, make_fresh
from tasks.artifacts import Comparison, Detection, Failure, Opening, Scaffolding
from tasks.cli import PrprepMain
from tasks.pipeline import NAMES, staleness_of
from tasks.storage.paths import ProjectPaths
from tasks.workspace.workspace import Workspace
from tests.support.documents import document_of
from tests.support.mistakes import ran
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

LINT_CASES = Path(__file__).parents[1] / "lint_cases"
ID = "item_00000"


@pytest.fixture
def folder(tmp_path):
    make_fresh(tmp_path, 2)
    return tmp_path


@pytest.fixture
def prprep(monkeypatch, capsys):
    """Run a command with --json; return its document and standard error."""

    def run(folder, *arguments, option="--json"):
        monkeypatch.chdir(folder)
        try:
            code = PrprepMain().run([*arguments, option])
        except SystemExit as ended:
            code = ended.code
        except KeyboardInterrupt:
            code = 130
        out, err = capsys.readouterr()
        document = document_of(out)
        assert document["exit_code"] == code
        return document, err

    return run


def started(folder, *arguments):
    """Run a command with --json in a process of its own, as one that runs tasks locks the folder until it ends."""
    done = ran(folder, *arguments, "--json")
    document = document_of(done.stdout)
    assert document["exit_code"] == done.returncode, done.stderr
    return document, done.stderr


def paths_of(folder, item_id=ID):
    return ProjectPaths(folder / "prprep.yaml", folder / ".codeflash").item(item_id)


def rewrite(model, path, **changes):
    """Write an artifact with other fields, under the same fingerprint."""
    fingerprint = json.loads(path.read_text().partition("\n")[0])["fingerprint"]
    artifact = model.read(path).model_copy(update=changes)
    artifact.write(path, fingerprint)
    return artifact


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (("status",), [ID, "item_00001"]),
        (("status", "--times"), [ID, "item_00001"]),
        (("explain", "item_00001"), ["item_00001"]),
        (("inventory", ID), [ID]),
        (("inventory",), [ID, "item_00001"]),
        ((), [ID, "item_00001"]),
        (("run", "-n", "2", "-r", "console"), [ID, "item_00001"]),
        (("compare:item_00001",), ["item_00001"]),
        (("*:item_00001", "render:item_00000"), ["item_00001", ID]),
        (("detect", "render:item_00000"), [ID, "item_00001"]),
    ],
    ids=" ".join,
)
def test_commands_describe_the_items_that_they_are_about(fresh, arguments, ids):
    document, _ = started(fresh, *arguments)
    names = {"status", "explain", "inventory"}
    assert document["command"] == (arguments[0] if arguments and arguments[0] in names else "run")
    assert (document["version"], document["exit_code"], document["error"]) == (1, 0, None), document["error"]
    assert (document["manifest"], document["report"]) == (str(fresh / "prprep.yaml"), ".codeflash/report.md")
    assert [item["id"] for item in document["items"]] == ids
    assert document["tasks"] == []


def test_a_ready_item_has_everything_that_its_artifacts_have(prprep, fresh):
    item = prprep(fresh, "status")[0]["items"][0]
    assert (item["state"], item["next"], item["failure"]) == ("ready", f"prprep branch {ID}", None)
    assert [stage["name"] for stage in item["stages"]] == [*NAMES]
    assert {stage["state"] for stage in item["stages"]} == {"fresh"}
    assert (item["head"]["ref"], item["upstream"]["ref"]) == ("perf", "main")
    assert item["functions"] == [{"target": "app:total", "path": "app.py", "status": "modified", "lines": [1, 2]}]
    assert (item["benchmark"]["path"], item["benchmark"]["origin"]) == (BENCHMARK, "head")
    assert (item["survey"]["decision"], item["survey"]["unknown"]) == ("new", "no remote")
    comparison = item["comparison"]
    assert (comparison["verdict"], comparison["headline"], comparison["fresh"]) == ("improved", "time −49.7 %", True)
    (change,) = comparison["changes"]
    effect = change.pop("effect")
    assert effect == "1.99x faster (49.8 % less time, 99 % interval 49.2 % to 50.3 %)"
    assert change == {
        "test": "test_total", "metric": "time", "unit": "s", "base": 0.002016, "head": 0.001013, "ratio": 0.5025,
        "low": 0.4975, "high": 0.5078, "confidence": 0.99, "verdict": "improved", "negligible": 0.01, "primary": True,
        "control_row": False, "samples": 192, "launches": 8,
    }  # fmt: skip
    assert item["paths"]["samples"] == f".prprep/{ID}/samples.json"
    assert (fresh / item["paths"]["body"]).exists()
    assert item["measured_at"].endswith("+00:00")


def test_target_and_domains_are_those_of_the_written_benchmark(prprep, folder):
    detection = Detection.read(paths_of(folder).detect)
    item = prprep(folder, "status")[0]["items"][0]
    assert (item["target"], item["target_reason"]) == (detection.target, detection.target_reason)
    assert (item["domains"], item["domain_reason"]) == (["cpu"], detection.domain.reason)
    rewrite(Scaffolding, paths_of(folder).scaffold, target="app:mean", domains=("mem",))
    item = prprep(folder, "status")[0]["items"][0]
    assert (item["target"], item["domains"]) == ("app:mean", ["mem"])
    assert item["target_reason"].endswith(f"detect proposes {detection.target}: {detection.target_reason}")
    assert item["domain_reason"].endswith(f"detect proposes cpu: {detection.domain.reason}")


def test_an_item_that_is_added_names_the_next_command(prprep, folder):
    target = TargetRepo(folder / "target")
    target.branch("other")
    target.commit({"app.py": "def total(values):\n    return sum(list(values))\n"}, "Sum a list")
    document, shown = prprep(folder, "add", "other", "--id", "listed")
    (item,) = document["items"]
    assert (document["command"], document["manifest"]) == ("add", str(folder / "prprep.yaml"))
    assert (item["id"], item["state"], item["next"]) == ("listed", "not run yet", "prprep render:listed")
    assert item["branch"] is None
    assert shown.startswith("added to prprep.yaml:\n")
    again, _ = prprep(folder, "add", "other")
    assert (again["exit_code"], again["items"]) == (3, [])
    assert again["error"]["what"] == '"other" is in the manifest already, as listed'


def test_the_only_commit_of_an_item_has_the_state_of_its_comparison(prprep, fresh):
    (item,) = prprep(fresh, "bisect", ID)[0]["items"]
    assert (item["state"], item["next"], item["comparison"]["verdict"]) == ("ready", "", "improved")


def test_what_is_stale_says_why_and_what_to_run(prprep, folder):
    made_from = staleness_of(Workspace.open(folder / "prprep.yaml")).made_from("compare", ID)
    paths_of(folder).made_from.write_text(json.dumps({"compare": made_from}))
    with (folder / "prprep.yaml").open("a") as manifest:
        manifest.write("defaults: {negligible: 0.2}\n")
    for command in ("status", "explain"):
        item = prprep(folder, command)[0]["items"][0]
        assert (item["state"], item["next"]) == ("stale", f"prprep render:{ID}")
        assert item["reasons"] == ["compare, verify, render will run again"]
        assert item["comparison"]["fresh"] is False
        stages = {stage["name"]: stage for stage in item["stages"]}
        assert stages["compare"]["why"] == ["`negligible` is 0.2, was 0.01"]
        assert (stages["measure"]["state"], stages["compare"]["state"]) == ("fresh", "stale")


def test_a_comparison_of_older_commits_is_not_fresh(prprep, folder):
    repository = TargetRepo(folder / "target")
    repository.checkout("perf")
    repository.commit({"app.py": "def total(values):\n    return sum(iter(values))\n"}, "Iterate")
    item = prprep(folder, "status")[0]["items"][0]
    assert (item["state"], item["reasons"]) == ("stale", ["detect will run again"])
    (compare,) = [stage for stage in item["stages"] if stage["name"] == "compare"]
    assert (compare["state"], compare["checked_after"], item["comparison"]["fresh"]) == ("fresh", "detect", False)


@pytest.mark.slow
def test_a_failed_run_says_which_tasks_ended_how(folder):
    (folder / "templates").mkdir()
    (folder / "templates/pr-body-cpu.md.j2").write_text("{{ nothing_like_it }}")
    with (folder / "prprep.yaml").open("a") as manifest:
        manifest.write("templates: templates\n")
    document, err = started(folder, f"render:{ID}")
    assert (document["exit_code"], document["error"]) == (1, None)
    (task,) = [each for each in document["tasks"] if each["ending"] == "failed"]
    assert task["name"] == f"render:{ID}"
    assert "nothing_like_it" in task["message"]
    (item,) = document["items"]
    assert (item["state"], item["failure"]["stage"], item["failure"]["message"]) == (
        "blocked",
        "render",
        task["message"],
    )
    assert item["next"] == f"prprep render:{ID}"
    assert task["message"].startswith(item["failure"]["where"] + ": ")
    assert task["message"].endswith("\n  " + item["failure"]["hint"])
    assert item["failure"]["log"] == item["paths"]["log"] == f".prprep/{ID}/log.txt"
    assert "nothing_like_it" in item["failure"]["log_end"]
    assert f"## render:{ID} failed" in err
    assert [stage["state"] for stage in item["stages"] if stage["name"] == "render"] == ["failed"]


@pytest.mark.slow
def test_tasks_that_ran_are_listed(folder):
    paths_of(folder).detect.unlink()
    document, err = started(folder, "inventory", ID)
    names = (f"detect:{ID}", f"survey:{ID}")
    assert document["tasks"] == [{"name": name, "ending": "done", "message": ""} for name in names]
    assert f"detect:{ID}: " in err


def test_an_item_that_waits_for_a_person_names_no_command(prprep, folder):
    rewrite(Scaffolding, paths_of(folder).scaffold, needs="fill in the arguments at a.py:16", source="a.py")
    item = prprep(folder, "status")[0]["items"][0]
    assert item["benchmark"]["needs"] == "fill in the arguments at a.py:16"
    assert (item["state"], item["reasons"], item["next"]) == ("needs review", ["fill in the arguments at a.py:16"], "")
    states = {stage["name"]: stage["state"] for stage in item["stages"]}
    assert (states["scaffold"], states["measure"], states["render"]) == ("fresh", "stale", "stale")


def test_an_opened_pull_request_is_named(prprep, folder):
    Opening(item=ID, remote="origin", branch="perf/x", head="0" * 40, number=7, url="https://example.org/7").write(
        paths_of(folder).opened
    )
    assert prprep(folder, "status")[0]["items"][0]["pull_request"] == "https://example.org/7"


def test_a_ratio_that_json_cannot_hold_is_null(prprep, folder):
    path = paths_of(folder).compare
    change = Comparison.read(path).changes[0]
    endless = change.interval.model_copy(update=dict.fromkeys(("ratio", "low", "high"), math.inf))
    rewrite(Comparison, path, changes=(change.model_copy(update={"base": 0.0, "interval": endless}),))
    (change,) = prprep(folder, "status")[0]["items"][0]["comparison"]["changes"]
    assert (change["base"], change["ratio"], change["high"]) == (0.0, None, None)


def test_secrets_are_masked(prprep, folder, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "s3cr3t-and-long-enough")
    Failure(item=ID, stage="measure", message="it said s3cr3t-and-long-enough").write(paths_of(folder).failure)
    manifest = folder / "prprep.yaml"
    manifest.write_text(manifest.read_text().replace("Sum without a list, number 0", "Sum s3cr3t-and-long-enough"))
    document, _ = prprep(folder, "status")
    assert "s3cr3t" not in json.dumps(document)
    assert document["items"][0]["title"] == "Sum ***"


@pytest.mark.parametrize(
    ("arguments", "command", "error"),
    [
        (("mesure",), "", {"what": '"mesure" is neither a command nor a task', "hint": "did you mean measure?"}),
        (("status", "--foo"), "status", {"what": "`prprep status`: option --foo not recognized"}),
        (("--foo",), "run", {"what": "`prprep run`: option --foo not recognized"}),
        (("list",), "list", {"what": "`prprep list`: option --json not recognized"}),
        (("-m", "nowhere", "status"), "status", {"what": "no such manifest", "where": "nowhere"}),
        (("explain", "tabel"), "explain", {"what": 'prprep.yaml has no optimization "tabel"'}),
        (("render:item_0000",), "run", {"what": 'prprep.yaml has no optimization "item_0000"'}),
        (("inventory", "tabel"), "inventory", {"what": 'prprep.yaml has no optimization "tabel"'}),
        (("lint", "nowhere.py"), "lint", {"what": "no such file"}),
        (("try", "a.py", "b.py"), "try", {"what": "only one benchmark can be named, not 2: a.py, b.py"}),
    ],
    ids=lambda value: " ".join(value) if type(value) is tuple else "",
)
def test_an_error_is_data(prprep, fresh, arguments, command, error):
    document, err = prprep(fresh, *arguments)
    assert (document["exit_code"], document["command"]) == (3, command)
    hint = error.pop("hint", "")
    assert {key: document["error"][key] for key in error} == error
    assert document["error"]["hint"].startswith(hint)
    assert err.startswith("ERROR: ")


@pytest.mark.parametrize("arguments", [("status",), (), ("doctor",)], ids=" ".join)
def test_mistakes_of_a_manifest_have_their_places(prprep, folder, arguments):
    (folder / "prprep.yaml").write_text("version: 1\noptimizations:\n  - id: a\n    hed: x\n")
    document, err = prprep(folder, *arguments)
    error = document["error"]
    assert (document["exit_code"], error["where"]) == (3, "prprep.yaml")
    assert document["manifest"] == str(folder / "prprep.yaml")
    assert [(each["line"], each["column"]) for each in error["problems"]] == [(4, 5), (1, 1)]
    assert error["problems"][0]["suggestion"] == "did you mean `head`?"
    assert "prprep.yaml:4:5: " in err
    assert bool(document["checks"]) == (arguments == ("doctor",))


def test_without_a_manifest(prprep, tmp_path):
    document, _ = prprep(tmp_path, "status")
    assert (document["manifest"], document["error"]["where"]) == (None, str(tmp_path))
    assert "`prprep init`" in document["error"]["hint"]


def test_a_defect_and_an_interrupt_are_documents_too(prprep, fresh, monkeypatch):
    monkeypatch.setattr("tasks.commands.status.items_of", lambda *_: 1 / 0)
    document, err = prprep(fresh, "status")
    assert (document["exit_code"], document["error"]["what"]) == (2, "this is a defect of prprep")
    assert "ZeroDivisionError" in err

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tasks.commands.status.items_of", interrupt)
    document, _ = prprep(fresh, "status")
    assert (document["exit_code"], document["error"]["what"]) == (130, "interrupted")


def test_the_option_may_be_short_and_come_first(prprep, fresh):
    assert prprep(fresh, "status", option="--js")[0]["items"]
    assert prprep(fresh, "--json", "status")[0]["command"] == "status"


def test_lint_describes_files(prprep, tmp_path):
    for name in ("test_benchmark_wrong_name", "no_benchmark"):
        source = (LINT_CASES / f"faulty/{name}.py").read_text()
        (tmp_path / f"test_{name.removeprefix('test_')}.py").write_text(source)
    document, err = prprep(tmp_path, "lint", "--no-run", ".")
    assert document["exit_code"] == 1
    findings = {file["path"]: file["findings"] for file in document["files"]}
    assert set(findings) == {"test_no_benchmark.py", "test_benchmark_wrong_name.py"}
    (finding, *_) = findings["test_no_benchmark.py"]
    assert finding["path"] == "test_no_benchmark.py"
    assert f"{finding['path']}:{finding['line']}: {finding['rule']}: {finding['found']}" in err
    assert all(finding[key] for key in ("rule", "found", "why", "fix"))
