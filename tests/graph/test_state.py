"""doit's database may be lost, corrupt or forgetful; the artifacts decide."""

from __future__ import annotations

import json

from tasks.graph.state import ArtifactChecker, DatabaseCodec, Fresh


class Dependency:
    """What doit's dependency manager does for a task, kept in a dict."""

    def __init__(self, entries):
        self.entries = entries

    def _get(self, task, key):
        return self.entries.get(task, {}).get(key)

    def save_success(self, task):
        self.entries.setdefault(task.name, {})["checker:"] = "ArtifactChecker"


class Task:
    name = "compare:a"


def ask(entries, *, fresh):
    question = Fresh(lambda: fresh)
    dependency = Dependency(entries)
    question.setup(dependency, {})
    return question(Task(), {}), dependency.entries


def test_a_lost_database_is_rebuilt_from_a_fresh_artifact():
    assert ask({}, fresh=True) == (True, {"compare:a": {"checker:": "ArtifactChecker"}})


def test_a_stale_artifact_is_stale_whatever_the_database_says():
    assert ask({"compare:a": {"checker:": "ArtifactChecker"}}, fresh=False)[0] is False


def test_a_task_that_the_user_forgot_is_stale_though_its_artifact_is_fresh():
    assert ask({"compare:a": {"forgotten": True}}, fresh=True)[0] is False


def test_a_stage_whose_inputs_cannot_be_read_is_stale():
    def fail():
        raise PermissionError(13, "Permission denied", "/a")

    question = Fresh(fail)
    question.setup(Dependency({}), {})
    assert question(Task(), {}) is False


def test_a_corrupt_database_counts_as_lost():
    for text in ("", "{", "[1]", '{"compare:a": 3}', "null"):
        assert DatabaseCodec().decode(text) == {}


def test_forgetting_leaves_a_mark(monkeypatch):
    monkeypatch.setattr(Fresh, "was_called", False)
    ledger = DatabaseCodec()
    tasks = ledger.decode('{"compare:a": {"checker:": "x"}, "compare:b": {"checker:": "x"}}')
    del tasks["compare:a"]
    assert json.loads(ledger.encode(tasks)) == {"compare:b": {"checker:": "x"}, "compare:a": {"forgotten": True}}


def test_a_failure_in_a_run_leaves_no_mark(monkeypatch):
    monkeypatch.setattr(Fresh, "was_called", True)
    ledger = DatabaseCodec()
    tasks = ledger.decode('{"compare:a": {"checker:": "x"}}')
    del tasks["compare:a"]
    assert json.loads(ledger.encode(tasks)) == {}


def test_success_takes_the_mark_away():
    ledger = DatabaseCodec()
    tasks = ledger.decode('{"compare:a": {"forgotten": true}}')
    tasks["compare:a"]["checker:"] = "x"
    assert json.loads(ledger.encode(tasks)) == {"compare:a": {"checker:": "x"}}


def test_files_are_never_called_changed_or_missing(tmp_path):
    checker = ArtifactChecker()
    missing = str(tmp_path / "missing")
    assert checker.exists(missing)
    assert checker.check_modified(missing, checker.info(missing), state=True) is False
