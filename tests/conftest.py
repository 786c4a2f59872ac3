"""Guards: no test touches the user's cache, git configuration or login at GitHub."""

from __future__ import annotations

import gc
import os
import signal
import sys

import pytest
from hypothesis import settings

settings.register_profile("few", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile("many", max_examples=5000, deadline=None)
settings.load_profile("few")
"""`python -m benchmarks.fuzz` runs the same tests with many examples."""

# Without bytecode each of the thousand processes that tests start would compile prprep and pytest anew.
sys.dont_write_bytecode = False

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a background job of a shell: what tests start and interrupt would ignore it, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore_glob = ["lint_cases/*"]
"""Benchmarks that tests look at; they are run in a project of their own."""


def pytest_collection_modifyitems(items):
    """Start the files that take longest by `slow(minutes)` first, or one process ends alone with them."""
    minutes = {}
    for item in items:
        mark = item.get_closest_marker("slow")
        own = (mark.args[0] if mark.args else 0.1) if mark else 0
        minutes[item.path] = max(own, minutes.get(item.path, 0))
    items.sort(key=lambda item: -minutes[item.path])


def pytest_collection_finish():
    """Leave modules and thousands of tests out of every later collection of garbage, which takes half a second else."""
    gc.collect()
    gc.freeze()


def _own_core_last(worker: str) -> str:
    """Return our cores, with another one last for each process of xdist: what is measured runs on the last core."""
    cores = sorted(os.sched_getaffinity(0))
    first = int(worker.removeprefix("gw")) % len(cores) + 1
    return ",".join(map(str, cores[first:] + cores[:first]))


@pytest.fixture(autouse=True, scope="session")
def _apart(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_getaffinity"):
            patch.setenv("PRPREP_CORES", _own_core_last(worker))
        patch.setenv("PRPREP_CACHE", str(tmp_path_factory.mktemp("cache")))
        # The processes of pytest-xdist measure side by side: nothing here is about the size of a figure.
        patch.setenv("PRPREP_LOCK", str(tmp_path_factory.mktemp("lock") / "machine.lock"))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GH_CONFIG_DIR", str(tmp_path_factory.mktemp("gh")))
        tokens = ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_HOST", "GH_REPO")
        # The variables of processes of xdist are not for the pytest that tests start.
        xdist = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")
        for name in (
            "PYTEST_ADDOPTS",
            "PYTHONPATH",
            "PYTHONDONTWRITEBYTECODE",
            "VIRTUAL_ENV",
            "COLUMNS",
            "LINES",
            *xdist,
            *tokens,
        ):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Return a folder with a manifest of two items for which nothing is to be done; the module's tests leave it so."""
    from benchmarks.fresh_items import make_fresh

    folder = tmp_path_factory.mktemp("fresh")
    make_fresh(folder, 2)
    return folder
