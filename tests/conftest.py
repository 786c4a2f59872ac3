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
    "bench.imports.test_imports",
    "bench.imports.test_startup",
    "bench.memory.test_flamegraphs",
    "bench.memory.test_memory",
    "bench.outputs.test_inputs",
    "bench.test_measuring",
    "bench.test_trees",
    "bench.time.test_functions",
    "bench.time.test_instructions",
    "bench.time.test_lockstep",
    "bench.time.test_timing",
    "bench.time.test_turns",
    "bench.workers.test_memory_layout",
    "benchmark_tests.test_search",
    "benchmark_tests.writing.test_benchmark_code",
    "environments.test_interpreters",
    "git.test_git",
    "github.test_fake_github",
    "github.test_client",
    "github.test_search",
    "init.test_draft",
    "processes.test_programs",
    "project.code.test_differences",
    "project.code.test_span",
    "stages.detect.test_detect",
    "stages.detect.test_inventory",
    "stages.detect.test_optimized",
    "stages.inject.test_inject",
    "stages.scaffold.test_scaffold",
    "stages.survey.test_drift",
    "stages.survey.test_survey",
    "test_pipeline",
    "test_staleness",
    "worker.test_worker",
    "workspace.test_checks",
}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.module.__name__.removeprefix("tests.") in SLOW_MODULES:
            item.add_marker(pytest.mark.slow)
