"""What `prprep status` says of every item: the state, the age of the evidence, and what a run would do."""

from __future__ import annotations

import json
import os

import pytest

from benchmarks.fresh_items import make_fresh
from tasks.commands.status import evidence_age, status_table, times_table
from tasks.pipeline import staleness_of
from tasks.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

HOUR = 3_600


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("status")
    make_fresh(folder, 3)
    return folder


def table_of(folder, now):
    workspace = Workspace.open(folder / "prprep.yaml")
    return status_table(workspace, staleness_of(workspace), now=now, width=200)


def test_fresh_items_show_the_age_of_their_samples(folder):
    for number in range(3):
        samples = folder / ".prprep" / f"item_0000{number}" / "samples.json"
        os.utime(samples, (0, (100 - number) * HOUR))
    table, _, tally = table_of(folder, 100 * HOUR + 30).rpartition("\n\n")
    lines = table.splitlines()[2:]
    assert "just taken" in lines[0]
    assert "1 hour old" in lines[1]
    assert "2 hours old" in lines[2]
    assert tally == "3 items: 3 ready"


def test_what_a_run_would_do_again_is_named(folder):
    manifest = folder / "prprep.yaml"
    before = manifest.read_text()
    manifest.write_text(before + "defaults: {negligible: 0.2}\n")
    try:
        assert "stale: compare, verify, render will run again" in table_of(folder, HOUR)
    finally:
        manifest.write_text(before)


def test_the_seconds_of_stages_are_shown_over_all_items(folder):
    for number, (times, spans) in enumerate(
        (
            ({"detect": 1.0, "measure": 20.0}, {"measure": {"ran": [[10, 30]], "measured": [[12, 27]]}}),
            ({"measure": 10.0}, {"measure": {"ran": [[25, 40]], "measured": [[30, 40]]}}),
            ({"measure": 12.0, "verify": 17.0}, {"verify": {"ran": [[60, 77]], "measured": [[62, 67], [66, 70]]}}),
        )
    ):
        (folder / f".prprep/item_0000{number}/times.json").write_text(json.dumps(times))
        (folder / f".prprep/item_0000{number}/spans.json").write_text(json.dumps(spans))
    table = times_table(Workspace.open(folder / "prprep.yaml"), width=100)
    *rows, _, share = table.splitlines()[2:]
    assert [line.split() for line in rows] == [
        ["detect", "1", "1.0", "s", "1.0", "s", "1.0", "s"],
        ["measure", "3", "12.0", "s", "20.0", "s", "42.0", "s"],
        ["verify", "1", "17.0", "s", "17.0", "s", "17.0", "s"],
        ["all", "3", "21.0", "s", "29.0", "s", "60.0", "s"],
    ]
    assert share == "at work for 47.0 s, measuring for 33.0 s of them: 30 % is anything else"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "just taken"),
        (59, "just taken"),
        (60, "1 minute old"),
        (7_300, "2 hours old"),
        (90_000, "1 day old"),
        (900_000, "10 days old"),
    ],
)
def test_the_age_is_given_in_the_largest_unit_that_fits(seconds, expected):
    assert evidence_age(1_000_000, 1_000_000 + seconds) == expected


def test_without_samples_there_is_no_age(tmp_path):
    assert evidence_age(None, 0) == "–"
