"""report.html: its order, its safety, and what a real browser shows of it, wide and narrow."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tasks.artifacts import Failure
from tasks.errors import MeasuringError
from tasks.pipeline import PAGE
from tasks.stages.report import page
from tasks.stages.report.body_html import html_of
from tests.stages.report.test_report import Project
from tests.support.browser import CHROMIUM, FLAGS
from tests.support.evidence import (
    CPU_IMPROVED,
    IMPORT_IMPROVED,
    INCONCLUSIVE,
    MEMORY_IMPROVED,
    REGRESSED,
    UNCHANGED,
    Case,
    change,
    comparison,
    samples_of,
)

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)"> "&\' {{ 7*7 }} </title> ]]> `code`'
LONG = "a_function_whose_name_goes_on_and_on_and_on_" * 6


class Pages(Project):
    """A project whose items have samples, too."""

    def add(self, item_id, case=None, **more):
        paths = super().add(item_id, case, **more)
        if case:
            samples_of(case.comparison).model_copy(update={"item": item_id}).write(paths.samples)
        return paths

    def html(self, *, live: bool = False) -> str:
        return page.page_text(self.staleness, PAGE, live=live)


@pytest.fixture
def pages(tmp_path):
    return Pages(tmp_path)


def every_state(pages: Pages) -> None:
    """Add an item for each verdict and state, some with long and hostile names."""
    pages.add("cpu", Case(CPU_IMPROVED))
    pages.add("memory", Case(MEMORY_IMPROVED), title="Hold one page at a time")
    pages.add("imports", Case(IMPORT_IMPROVED), title=LONG)
    pages.add("regressed", Case(REGRESSED), title="Cache what is cheap to compute")
    pages.add("unchanged", Case(UNCHANGED), title="Use a set")
    pages.add("inconclusive", Case(INCONCLUSIVE), title=HOSTILE)
    failed = pages.add("blocked", title="Join `lines` once")
    error = MeasuringError(f"`pytest` ended with exit code 4:\n{HOSTILE}\n{LONG}", where="blocked", hint="see the log")
    pages.paths.item("blocked").state.mkdir(parents=True, exist_ok=True)
    Failure(item="blocked", stage="measure", message=str(error)).write(failed.failure)
    pages.add("fresh", title="Not measured yet")
    log = "== measure, 2026-03-01 10:00:00\nlaunch 3 of 8\n"
    for item_id in ("cpu", "memory"):
        pages.paths.item(item_id).log.write_text(log)
        pages.paths.item(item_id).times.write_text('{"measure": 31.5}')
