"""One moment of `benchmarks.kills`, and what it notices; tests/peers/test_mistakes_running.py has other moments."""

import random
import signal
import subprocess
import sys
import time

import pytest

from benchmarks import kills

pytestmark = pytest.mark.slow(0.5)


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    return kills.Trial(kills.site(tmp_path_factory.mktemp("site")), random.Random(7), kills.Result((), "", ""))


def test_a_run_that_is_ended_harms_nothing(trial):
    """An undisturbed run would show only what tests/peers/test_mistakes_running.py does: the next one has its result."""
    moment = trial.try_moment(signal.SIGKILL, "empty", 1.0)
    assert (moment.touched, moment.left, moment.message) == ((), (), ""), str(moment)
    assert moment.different.startswith("another artifacts, another verdict, "), moment.different
    result = trial.site.result()
    assert (result.verdict, len(result.artifacts)) == ("improved", 3)
    trial.expected = result
    assert trial._difference(kills.Ended(0, "", ())) == ""


def test_changes_processes_and_differences_are_noticed(trial, monkeypatch):
    site = trial.site
    before = site.files()
    (site.repo.path / "untracked.py").write_text("changed = 1\n")
    assert kills._changed(before, site.files()) == [str(site.repo.path / "untracked.py")]
    (site.repo.path / "untracked.py").write_text("")
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={kills.MARK: "left-behind"})
    try:
        monkeypatch.setattr(kills, "PATIENCE", 0.2)
        time.sleep(0.2)
        assert [line.split()[1] for line in kills._left("left-behind")] == [str(left.pid)]
    finally:
        left.kill()
        left.wait()
    assert kills._left("left-behind") == ()
    site.forget("whole")
    assert "cannot be read" in trial._difference(kills.Ended(0, "", ()))
    assert "exit code 1" in trial._difference(kills.Ended(1, "", ()))


def test_the_ending_of_a_run_is_judged_by_code_and_traceback():
    ended = kills.Ended(130, ".  detect:faster\n.  measure:faster\n   measure:faster: functions: sampling base\n", ())
    assert ended.stage == "measure, functions"
    assert kills._wrong_message(ended, signal.SIGINT) == ""
    assert "exit code 130" in kills._wrong_message(ended, signal.SIGTERM)
    assert "traceback" in kills._wrong_message(
        kills.Ended(143, "Traceback (most recent call last):\n  File tasks/x", ()), signal.SIGTERM
    )


def test_the_table_counts_by_signal():
    moments = [
        kills.Moment(signal.SIGINT, "whole", 1.0, "start"),
        kills.Moment(signal.SIGKILL, "empty", 2.0, "measure, memory", touched=("a", "b"), left=("1",)),
        kills.Moment(signal.SIGKILL, "whole", 2.0, "start", different="another body"),
    ]
    assert kills.table(moments).splitlines()[2:] == [
        "| SIGINT | 1 | 0 | 0 | 0 | 0 |",
        "| SIGTERM | 0 | 0 | 0 | 0 | 0 |",
        "| SIGKILL | 2 | 1 | 1 | 0 | 1 |",
        "",
        "Under way: start 2, measure, memory 1. Cache: whole 2, empty 1.",
    ]
