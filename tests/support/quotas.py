"""A CPU quota for this process, in a control group of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PERIOD = 100_000
"""Microseconds."""


@contextmanager
def cpu_quota(share: float) -> Iterator[None]:
    """Allow this process so much of one core's time; skip the test if the machine does not let it make a group."""
    first, second = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
    root = first if first.exists() else second
    group, quota = root / f"prprep-tests-{os.getpid()}", round(share * PERIOD)
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        if root == first:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        elif (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{quota} {PERIOD}")
        else:
            pytest.skip("control groups have no CPU quota here")
        (group / "cgroup.procs").write_text(str(os.getpid()))
        try:
            yield
        finally:
            (root / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        group.rmdir()
