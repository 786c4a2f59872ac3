"""Guards: no test touches the user's cache, git configuration or login at GitHub."""

from __future__ import annotations

import os
import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a background job of a shell: what tests start and interrupt would ignore it, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore_glob = ["lint_cases/*"]
"""Benchmarks that tests look at; they are run in a project of their own."""


@pytest.fixture(autouse=True, scope="session")
def _apart(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRPREP_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GH_CONFIG_DIR", str(tmp_path_factory.mktemp("gh")))
        tokens = ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_HOST", "GH_REPO")
        # What xdist tells its processes is not for the pytest that tests start.
        xdist = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")
        for name in ("PYTEST_ADDOPTS", "PYTHONPATH", "VIRTUAL_ENV", "COLUMNS", "LINES", *xdist, *tokens):
            patch.delenv(name, raising=False)
        yield


# Modules whose tests start processes by the dozen (git, pytest, uv): none of them belongs to the layer that runs in seconds.
SLOW_MODULES = {
    "test_benchmark_code",
    "test_benchmark_search",
    "test_checks",
    "test_detect",
    "test_differences",
    "test_draft",
    "test_drift",
    "test_forge",
    "test_forge_questions",
    "test_freshness",
    "test_git",
    "test_github",
    "test_inject",
    "test_interpreters",
    "test_inventory",
    "test_measuring",
    "test_measuring_flamegraphs",
    "test_measuring_functions",
    "test_measuring_imports",
    "test_measuring_inputs",
    "test_measuring_instructions",
    "test_measuring_lockstep",
    "test_measuring_memory",
    "test_measuring_memory_layout",
    "test_measuring_startup",
    "test_measuring_timing",
    "test_measuring_turns",
    "test_optimized",
    "test_pipeline",
    "test_process",
    "test_scaffold",
    "test_span",
    "test_survey",
    "test_trees",
    "test_worker",
}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.module.__name__.rpartition(".")[2] in SLOW_MODULES:
            item.add_marker(pytest.mark.slow)
