"""Notes are printed once per run: the first item shows them, the others refer to them."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from doit.exceptions import TaskFailed

from tasks.graph.console import Console
from tasks.graph.reporter import PlainReporter
from tasks.processes.progress import Note

GH = Note("pull requests unknown: gh was not found; install gh")


def test_a_note_is_printed_once_and_referred_to():
    stream = io.StringIO()
    console = Console(stream)
    for item in ("tables", "text"):
        with console.step(f"survey:{item}") as report:
            report("asking GitHub")
            report(GH)
    with console.step("measure:text") as report:
        report(Note("another"))
        report(GH)
    assert stream.getvalue().splitlines() == [
        "   survey:tables: asking GitHub",
        f"   survey:tables: note 1: {GH}",
        "   survey:text: asking GitHub",
        "   survey:text: see note 1",
        "   measure:text: note 2: another",
        "   measure:text: see note 1",
    ]


def test_a_note_stays_on_a_terminal_after_its_step():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    console = Console(stream)
    for item in ("tables", "text"):
        with console.step(f"survey:{item}") as report:
            report(GH)
    assert stream.getvalue().count(f"   survey:tables: note 1: {GH}") == 1
    assert f"survey:text: note 1: {GH}" not in stream.getvalue()


@pytest.mark.parametrize(
    ("second", "shown"), [("text: no git", "as measure:tables above"), ("text: no uv", "text: no uv")]
)
def test_the_same_failure_of_another_item_is_printed_once(second, shown):
    stream = io.StringIO()
    reporter = PlainReporter(stream, {"failure_verbosity": 0})
    reporter.graph = SimpleNamespace(endings={})
    for name, message in (("measure:tables", "tables: no git"), ("measure:text", second)):
        task = SimpleNamespace(name=name, title=lambda name=name: name, actions=[1])
        reporter.add_failure(task, TaskFailed(message))
    assert stream.getvalue() == f"## measure:tables failed\ntables: no git\n## measure:text failed\n{shown}\n"


@pytest.mark.parametrize("ended", [None, KeyboardInterrupt, SystemExit(143)], ids=repr)
def test_an_interrupt_after_a_failure_keeps_its_exit_code(ended):
    reporter = PlainReporter(io.StringIO(), {"failure_verbosity": 0})
    reporter.graph = SimpleNamespace(endings={}, ending=lambda: "")
    reporter.add_failure(SimpleNamespace(name="measure:a", title=lambda: "measure:a"), TaskFailed("no git"))

    def run():
        try:
            if ended:
                raise ended
        finally:
            reporter.complete_run()

    with pytest.raises((KeyboardInterrupt, SystemExit)) as caught:
        run()
    assert getattr(caught.value, "code", None) == {None: 1, KeyboardInterrupt: None}.get(ended, 143)
