"""What `prprep doctor` checks, on real repositories."""

from __future__ import annotations

import shutil
import sys

import pytest

from tasks.commands import doctor
from tasks.commands.doctor import Check, of_machine
from tests.support.documents import document_of
from tests.support.github import GitHub
from tests.support.mistakes import BENCHMARK, CODE, LIGHT, MEASURES, item, manifest, ran, target
from tests.support.untouched import untouched


def doctor_output(folder, *arguments, **variables):
    done = ran(folder, "doctor", *arguments, **variables)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout


@pytest.mark.slow
def test_what_is_well_is_checked_without_measuring(tmp_path):
    repo = target(tmp_path)
    folder = manifest(repo, item())
    with untouched(repo.path):
        code, output = doctor_output(folder)
    assert code == 0
    machine, _, of_item = output.partition("\nfaster\n")
    assert machine.startswith("machine\n  ok    git version ")
    base, head = repo.git("rev-parse", "main")[:12], repo.git("rev-parse", "faster")[:12]
    lines = of_item.splitlines()
    assert lines[0] == f"  ok    base {base} (refs/heads/main), head {head} (faster), 1 commit" or head in lines[0]
    assert "  ok    changed functions: textkit:total" in lines
    assert f"  ok    benchmark: {BENCHMARK} (head)" in lines
    assert lines[-3:] == [
        "  ok    the benchmark passes on every side, each with the code of its own tree",
        "  ok    the benchmark passes lint",
        "  ok    it executes 1 of 1 statements that changed",
    ]
    assert not (folder / ".prprep/faster/samples.json").exists()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed")
def test_the_login_at_github_is_checked(tmp_path, monkeypatch):
    with GitHub(tmp_path) as github:
        for name, value in github.environment.items():
            monkeypatch.setenv(name, value)
        assert [
            check.lines()[0]
            for check in of_machine(tmp_path)
            if check.what.endswith(f"logged in to {github.host} as ada")
        ]
        monkeypatch.delenv("GH_ENTERPRISE_TOKEN")
        (check,) = [check for check in of_machine(tmp_path) if "pull requests" in check.what]
        assert check == Check(
            "note",
            f"pull requests cannot be looked for: gh is not logged in to {github.host}",
            f"run `gh auth login --hostname {github.host}`",
        )


@pytest.mark.slow
def test_a_benchmark_that_is_written_from_a_recorded_call_is_checked_too(tmp_path):
    test = "from textkit import total\n\n\ndef test_total():\n    assert total(20_000)\n"
    repo = target(tmp_path, {BENCHMARK: None, "tests/test_textkit.py": test})
    code, output = doctor_output(manifest(repo, item(benchmark=None)))
    assert code == 0
    assert "  ok    1 call of textkit:total recorded, from tests/test_textkit.py" in output
    assert "(generated)" in output


@pytest.mark.slow
def test_a_gap_is_a_failure_every_time_until_a_benchmark_is_named(tmp_path):
    repo = target(tmp_path, {BENCHMARK: None})
    folder = manifest(repo, item(benchmark=None))
    first, again = (doctor_output(folder) for _ in range(2))
    assert (first[0], again[0]) == (1, 1)
    checks = first[1].partition("\nfaster\n")[2]
    assert checks == again[1].partition("\nfaster\n")[2]
    assert "is not complete\n        fix: " in checks
    repo.write({BENCHMARK: MEASURES})
    code, output = doctor_output(manifest(repo, item()))
    assert code == 0
    assert "the benchmark passes on every side" in output


@pytest.mark.slow
def test_every_item_is_checked_up_to_its_first_failure(tmp_path):
    repo = target(tmp_path)
    repo.branch("broken", "main")
    repo.commit({CODE: LIGHT.replace("range(size)", "range(size - 1)")}, "Break it")
    folder = manifest(repo, item("broken"), item())
    code, output = doctor_output(folder)
    assert code == 1
    broken, _, faster = output.partition("\nbroken\n")[2].partition("\nfaster\n")
    assert f"  FAIL  {BENCHMARK}::test_total: the benchmark failed on head:\n" in broken
    assert "        fix: a benchmark must pass at both commits; nothing was measured" in broken
    assert "FAIL" not in faster
    code, output = doctor_output(folder, "faster", "--json")
    document = document_of(output)
    (described,) = document["items"]
    assert (code, document["exit_code"], described["id"]) == (0, 0, "faster")
    assert {"state": "ok", "what": f"benchmark: {BENCHMARK} (head)", "fix": ""} in described["checks"]
    assert document["checks"][0]["what"].startswith("git version ")
    assert doctor_output(folder, "fast")[0] == 3


@pytest.mark.slow
def test_a_missing_program_is_a_line_with_its_fix(tmp_path):
    folder = manifest(target(tmp_path), item())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    code, output = doctor_output(folder, PATH=str(tmp_path / "bin"))
    assert code == 3
    assert "  FAIL  " in output
    assert "        fix: install git" in output


def test_a_check_is_a_line_and_its_fix_another():
    assert Check("FAIL", "it is\nbroken", "mend it\n  or not").lines() == [
        "  FAIL  it is",
        "        broken",
        "        fix: mend it",
        "        or not",
    ]
    assert Check("ok", "git 2").lines() == ["  ok    git 2"]


@pytest.mark.parametrize(("free", "state"), [(1, "note"), (doctor.LEAST_FREE + 1, "ok")])
def test_room_in_the_cache(tmp_path, monkeypatch, free, state):
    usage = type(doctor.shutil.disk_usage(tmp_path))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(free + 1, 1, free))
    (check,) = [check for check in of_machine(tmp_path / "not" / "there") if check.what.startswith("cache: ")]
    assert check.state == state
