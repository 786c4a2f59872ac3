"""`prprep try` as a user runs it, on real repositories."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from tests.support.documents import document_of
from tests.support.mistakes import BENCHMARK, CODE, HEAVY, LIGHT, MEASURES, ran, target
from tests.support.untouched import untouched

BRIEF = ("--budget", "0.5")


@pytest.fixture(autouse=True)
def _short_launches(monkeypatch):
    """The faster head takes a twentieth of the time, which launches of a tenth of a second show."""
    monkeypatch.setenv("PRPREP_BRIEFLY", json.dumps({"tasks.bench.time.timing.SHORTEST_LAUNCH": 0.1}))


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    two = MEASURES + "\n\ndef test_other(benchmark):\n    assert benchmark(total, 10) == 45\n"
    repo = target(tmp_path_factory.mktemp("try"), {BENCHMARK: two})
    repo.branch("same", "main")
    repo.commit({CODE: HEAVY.replace("range(20)", "range(4 * 5)")}, "Spell a number otherwise")
    repo.checkout("faster")
    return repo


@pytest.mark.slow
def test_several_refs_and_one_test(repo):
    """One table for both heads, of one of the two tests; the second call measures nothing, the repository stays."""
    words = ("try", "main", "faster", "same", f"{BENCHMARK}::test_total", *BRIEF)
    with untouched(repo.path):
        first = ran(repo.path, *words)
        again = ran(repo.path, *words)
        as_json = ran(repo.path, *words, "--json")
    assert first.returncode == 0, first.stderr
    assert "measure:same: its times were measured with those of the other heads" in first.stderr
    table, _, between = first.stdout.partition("heads compared with each other:\n")
    assert re.search(r"^same +faster +test_total +[\d.]+x slower \(", between, re.MULTILINE)
    rows = [line for line in table.splitlines() if "  time  " in line]
    assert [row.split(" ")[0] for row in rows] == ["faster", "same"]
    assert "x faster (" in rows[0]
    assert "test_other" not in first.stdout
    assert first.stdout == again.stdout
    assert first.stdout.count("function: ") == 1  # the same for both
    reports = {path.name for path in Path(os.environ["PRPREP_CACHE"]).glob("tries/*/.codeflash/report.*")}
    assert reports == {"report.md"}
    assert "measure:" not in again.stderr
    items = document_of(as_json.stdout)["items"]
    assert [(item["id"], item["base"]["ref"], item["head"]["ref"]) for item in items] == [
        ("faster", "main", "faster"),
        ("same", "main", "same"),
    ]
    assert {item["state"] for item in items} <= {"ready", "needs review"}
    (other,) = items[1]["comparison"]["other_heads"]
    (change,) = other["changes"]
    assert (other["item"], change["test"], change["ratio"] > 5) == ("faster", f"{BENCHMARK}::test_total", True)
    assert items[0]["comparison"]["other_heads"] == []
    (faster,) = (each for each in items[0]["comparison"]["changes"] if each["metric"] == "time")
    assert (faster["verdict"], faster["test"]) == ("improved", f"{BENCHMARK}::test_total")
    assert faster["effect"].partition(" (")[0] in rows[0]


@pytest.mark.slow
def test_the_work_tree_and_an_expression(repo):
    """Uncommitted changes, a call instead of a test, and memory; the user's own defaults apply."""
    repo.checkout("main")
    repo.write({CODE: LIGHT})
    code = ("--call", "total()", "--setup", "from textkit import total", "--memory")
    done = ran(repo.path, "try", ".", *code, *BRIEF)
    assert done.returncode == 0, done.stderr
    assert "head: the work tree (" in done.stdout
    assert "less peak memory (" in done.stdout
    repo.git("checkout", "--quiet", "--", ".")
    repo.checkout("faster")


@pytest.mark.slow
def test_what_is_saved_is_an_item_of_a_manifest(repo):
    test = f"{BENCHMARK}::test_total"
    done = ran(repo.path, "try", "main", "faster", test, *BRIEF, "--save", "sums")
    manifest = repo.path / "prprep.yaml"
    assert done.stdout.endswith("wrote prprep.yaml with sums\n")
    expected = {"id": "sums", "head": "faster", "base": "main", "benchmark": test, "budget": 0.5}
    assert yaml.safe_load(manifest.read_text()) == {"version": 1, "optimizations": [expected]}
    taken = ran(repo.path, "try", "main", "faster", test, *BRIEF, "--save", "sums")
    assert (taken.returncode, "sums" in taken.stderr) == (3, True)
    more = ran(repo.path, "try", "main", "faster", test, *BRIEF, "--save", "more")
    assert more.stdout.endswith("added more to prprep.yaml\n")
    assert [each["id"] for each in yaml.safe_load(manifest.read_text())["optimizations"]] == ["sums", "more"]
    manifest.unlink()


@pytest.mark.slow
def test_a_failure_is_one_message(repo):
    done = ran(repo.path, "try", "main", "faster", f"{BENCHMARK}::test_gone", *BRIEF)
    assert done.returncode == 1
    assert "test_gone" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    assert "was not compared: lint failed (see above)" in done.stdout
    again = ran(repo.path, "try", "main", "faster", f"{BENCHMARK}::test_gone", *BRIEF, "--json")
    document = document_of(again.stdout)
    (item,) = document["items"]
    assert (document["exit_code"], document["error"], again.returncode) == (1, None, 1)
    assert (item["state"], item["failure"]["stage"], item["comparison"]) == ("blocked", "lint", None)
    assert item["next"] == f"prprep -m {document['manifest']} explain faster"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a.py", "b.py"), "only one benchmark can be named, not 2: a.py, b.py"),
        (("a.py", "--call", "f()"), "--call and a.py exclude each other"),
        (("--setup", "import a"), "--setup needs --call"),
        (("main", "faster", "--budget", "0"), "`budget` must be more than 0"),
        (("main", "faster", "--function", "a b"), "`functions` must be package.module:Qualified.name"),
        (("main", "faster", "same", "--save", "x"), "--save needs one head"),
        (("main", "faster", "--save", "a b"), "`id` must be made of letters"),
        (("main", "faster", "--save", "open"), "which is a command or a task"),
        (("main", ".", "--save", "x"), "no changes compared with"),
        ((".", "faster", "--save", "x"), "the work tree cannot be saved, only a ref"),
        (("main", "faster", "../x.py"), "`benchmark` must be the path of a .py file"),
    ],
)
def test_wrong_arguments(repo, words, message):
    if "." in words:
        repo.checkout("main")
    done = ran(repo.path, "try", *words)
    repo.checkout("faster")
    assert done.returncode == 3
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_repository(tmp_path):
    done = ran(tmp_path, "try")
    assert done.returncode == 3
    assert done.stderr.startswith(f"ERROR: {tmp_path}: this is not a git repository\n")
