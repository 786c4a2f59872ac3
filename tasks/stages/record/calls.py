"""Record the calls of one function while tests or a command run, and choose among them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ...artifacts import Recording
from ...bench.observing.recording import COMMAND, TestRun, Wanted, record, record_command
from ...bench.observing.site import RecordingSite
from ...bench.workers.channel import Message
from ...project.code.imported_names import short_name
from .candidates import Candidate
from .choosing import CallChooser
from .sides import SECONDS_FOR_TESTS, Sides

MOST_SECONDS = 120.0
"""For all recording of a function, and for trying tests instead, unless the item's `timeout` is shorter."""


def recorded_calls(
    sides: Sides, called: Candidate, tests: Sequence[TestRun], wanted: Wanted, *, changed: Candidate
) -> Recording:
    """Record the calls of a function, and choose among them; `changed` is what it is called for."""
    item = sides.inputs.settings
    stem = f"benchmark_{short_name(called.watched)}"
    base, head = (replace(side.site, stem=stem) for side in (sides.base, sides.head))
    of_sides = partial(CallChooser, lines=sides.lines, documents=sides.documents, is_added=sides.is_added)
    chooser = of_sides(item, called, changed, base, head=head)
    if item.drive:
        seconds, report = sides.seconds_for(MOST_SECONDS), sides.inputs.report
        recordings, notes = record_command(base, called.function, item.drive, seconds=seconds, report=report)
        return chooser.recording(recordings, notes, runs=(COMMAND,))
    runs = tuple(each[0].partition("::")[0] for each in tests)
    in_tests = partial(_in_tests, sides, (base, head), called, tests, wanted)
    recording = chooser.recording(*in_tests(), runs=runs)
    if recording.call or recording.sample or not recording.calls or sides.seconds_left < SECONDS_FOR_TESTS:
        return recording
    # What tests get from the project's functions may have no other code.
    again = chooser.recording(*in_tests(makers=True), runs=runs)
    return again if again.call or again.sample else recording


def _in_tests(
    sides: Sides,
    sites: tuple[RecordingSite, RecordingSite],
    called: Candidate,
    tests: Sequence[TestRun],
    wanted: Wanted,
    *,
    makers: bool = False,
) -> tuple[list[Message], list[str]]:
    """Record calls in tests on the `sites` of base and head; return a recording of each file, and notes."""
    seconds, report = sides.seconds_for(MOST_SECONDS), sides.inputs.report
    base, head = sites
    record_calls = partial(record, wanted=wanted, makers=makers, seconds=seconds, report=report)
    recordings, notes = record_calls(base, called.function, sides.old(tests))
    new, there = sides.new(tests), sides.at_head(called)
    if new and there:
        more, why_not = record_calls(head, there.function, new)
        recordings, notes = [*recordings, *more], [*notes, *why_not]
    return recordings, notes
