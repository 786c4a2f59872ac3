import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.artifacts import Sample, SampledCall
from tasks.bench.observing.site import RecordingSite
from tasks.bench.request import SideRequest
from tasks.project.code.sources import Sources
from tasks.project.files import FolderTree
from tasks.stages.record import lengths, sample_trial
from tasks.stages.record.sample_trial import SampleTrial

pytestmark = pytest.mark.slow

CODE = """import os
import time


def parsed(text):
    if text == "endless":
        time.sleep(60)
    if text == "fatal":
        os._exit(1)
    if text == "wrong":
        raise ValueError(text)
    return text.upper()
"""


@pytest.fixture
def trial(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_trial, "TOGETHER", 3.0)
    monkeypatch.setattr(lengths, "LATE", 3.0)
    (tmp_path / "texts.py").write_text(CODE)
    located = Sources(FolderTree(tmp_path), ("",)).find("texts:parsed")
    site = RecordingSite(SideRequest(tmp_path, Path(sys.executable), (tmp_path,)), "", 0)
    return SampleTrial("texts:parsed", located.definition, site, None, {})


def sample_of(*texts):
    calls = tuple(SampledCall(arguments=(("text", repr(text)),), size=len(text), returns="str") for text in texts)
    return Sample(calls=calls, kinds={"text": "positional"}, drawn=len(calls), looked=len(calls))


def test_a_call_that_does_not_end_or_crashes_is_left_out_and_named(trial, tmp_path):
    head = tmp_path / "head"
    head.mkdir()
    (head / "texts.py").write_text(CODE.replace('"endless"', '"nothing"').replace('"fatal"', '"crashing"'))
    site = RecordingSite(SideRequest(head, Path(sys.executable), (head,)), "", 0)
    both = replace(trial, head=site, lines={"texts.py": [5, 11]})
    kept, notes = both.kept(sample_of("a", "endless", "crashing", "cd"), constructed="")
    assert [call.arguments[0][1] for call in kept.calls] == ["'a'", "'cd'"]
    assert [note.partition(" is left out: ")[::2] for note in notes] == [
        ("a call with 'endless'", "at base it does not end within 3 s, or it crashes"),
        ("a call with 'crashing'", "at head it does not end within 3 s, or it crashes"),
    ]


def test_without_a_call_that_ends_there_is_no_sample(trial):
    kept, notes = trial.kept(sample_of("fatal"), constructed="")
    assert (kept, len(notes)) == (None, 1)


def test_calls_that_end_are_tried_together(trial, monkeypatch):
    monkeypatch.setattr(lengths, "LATE", 0.0)
    kept, notes = trial.kept(sample_of("a", "b", "cd"), constructed="")
    assert (len(kept.calls), notes) == (3, ())
