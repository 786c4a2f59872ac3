"""Tests that need a working bubblewrap."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.bench.request import SideRequest
from tasks.bench.workers import sandbox
from tasks.errors import MeasuringError


def missing_bubblewrap() -> str:
    """Return why nothing can be confined: no bubblewrap, or a machine that does not let it create namespaces."""
    try:
        sandbox.check()
    except MeasuringError as error:
        return str(error)
    return ""


def demand_bubblewrap() -> None:
    if reason := missing_bubblewrap():
        pytest.skip(reason)


def confined(side: SideRequest) -> SideRequest:
    """Return a side of a pair, in the sandbox."""
    return replace(side, confined=True, environments=(side.python.parents[1], Path(sys.base_prefix)))
