"""Tests that need a working bubblewrap."""

from __future__ import annotations

import pytest

from tasks.bench.workers import sandbox
from tasks.errors import MeasuringError


def demand_bubblewrap() -> None:
    """Skip the test on a machine without bubblewrap, or that does not let it create namespaces."""
    try:
        sandbox.check()
    except MeasuringError as error:
        pytest.skip(str(error))
