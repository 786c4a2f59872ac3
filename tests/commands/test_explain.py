"""What `prprep explain` says of an item, and the log that it shows the end of."""

from __future__ import annotations

import pytest

from tasks.errors import CommandFailedError, PrprepError
from tasks.storage.journal import MAX_BYTES, Journal, tail
from tests.support.documents import document_of
from tests.support.mistakes import BENCHMARK, CODE, LIGHT, compare, ran, target


def explain(run, *arguments):
    done = ran(run.folder, "explain", *arguments)
    return done.returncode, done.stdout, done.stderr


def states(run):
    code, out, _ = explain(run, "faster")
    assert code == 0
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in out.split("\n\n")[0].splitlines()[1:]}


def edit(run, old, new):
    manifest = run.folder / "prprep.yaml"
    assert old in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(old, new))


@pytest.mark.slow
def test_an_edit_is_explained_with_old_and_new_value(tmp_path):
    repo = target(tmp_path)
    run = compare(repo, stages=("inject",))
    done = ("detect", "record", "scaffold", "inject")
    to_do = ("survey", "lint", "tests", "measure", "codeflash", "compare", "verify", "render")
    assert states(run) == {**dict.fromkeys(done, "fresh"), **dict.fromkeys(to_do, "not run yet")}
    before = repo.git("rev-parse", "faster")
    repo.commit({CODE: LIGHT + "\n\nOTHER = 1\n"}, "Add something")
    after = repo.git("rev-parse", "faster")
    after_commit = states(run)
    assert after_commit["detect"] == f"stale: the commit of head is {after}, was {before}"
    assert after_commit["scaffold"] == "fresh, checked again after detect"
    edit(run, '"domain": "cpu"', '"domain": "mem", "title": "Less"')
    assert states(run)["detect"].startswith(
        "stale: `title` is Less, was not set; `domain` is mem, was cpu; the commit of head is "
    )


@pytest.mark.slow
def test_a_failure_is_explained_with_the_end_of_the_log(tmp_path):
    run = compare(target(tmp_path, head={CODE: LIGHT, BENCHMARK: "import nothing_like_it\n"}))
    assert run.code == 1
    code, out, _ = explain(run)
    assert code == 0
    assert "  lint       failed\n" in out
    assert "\nlint failed:\n" in out
    log = out.partition("the end of .prprep/faster/log.txt:")[2]
    assert "environment of head" in log
    assert "No module named 'nothing_like_it'" in log
    assert out.endswith("\nnext: prprep render:faster\n")
    (item,) = document_of(explain(run, "--json")[1])["items"]
    assert (item["state"], item["next"]) == ("blocked", "prprep render:faster")
    assert f"\nlint failed:\n  {item['failure']['message'].splitlines()[0]}\n" in out
    assert item["failure"]["log_end"].splitlines()[-1].strip() in log


@pytest.mark.slow
def test_an_unknown_item_is_refused(tmp_path):
    run = compare(target(tmp_path), stages=("detect",))
    assert explain(run, "fastr") == (
        3,
        "",
        'ERROR: prprep.yaml has no optimization "fastr"\n  did you mean faster?\n  its optimizations: faster\n',
    )
    (run.folder / ".prprep/faster/made-from.json").write_text("{")
    edit(run, '"domain": "cpu"', '"domain": "mem"')
    assert states(run)["detect"] == "stale: what it was made from is not recorded"


def test_a_log_has_all_that_the_programs_wrote_and_stays_short(tmp_path):
    journal = Journal(tmp_path / "item" / "log.txt")
    journal.begin("measure")
    heard = []
    journal.listening(heard.append)("environment of base")
    error = PrprepError("it failed", hint="mend it")
    error.__cause__ = CommandFailedError(("tool", "-x"), code=1, output="first\n" * 40, error="last")
    journal.failed(error)
    lines = tail(tmp_path / "item" / "log.txt", 100).splitlines()
    assert lines[0].startswith("== measure, ")
    assert heard == [lines[1]] == ["environment of base"]
    assert lines[2:5] == ["it failed", "  mend it", "$ tool -x"]
    assert lines[5:] == ["first"] * 40 + ["", "last"]
    journal.write("x" * 80 + "\n" + ("y" * 99 + "\n") * (MAX_BYTES // 100))
    journal.begin("compare")
    written = (tmp_path / "item" / "log.txt").read_text()
    assert len(written) < MAX_BYTES // 2 + 100
    assert written.startswith("y" * 99 + "\n")


def test_a_log_that_cannot_be_written_disturbs_nothing(tmp_path):
    (tmp_path / "item").write_text("a file where the folder should be")
    journal = Journal(tmp_path / "item" / "log.txt")
    journal.begin("measure")
    journal.failed(PrprepError("it failed"))
    assert tail(tmp_path / "item" / "log.txt", 5) == ""
