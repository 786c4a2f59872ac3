"""Note, in each pytest process that codeflash starts, how its tests ended and the files of the project's modules.

A pytest plugin, loaded by PYTEST_PLUGINS: it acts between tests and at the end of the session, never within a call.
"""

from __future__ import annotations

import json
import os

import pytest

from prprep_worker.startup.import_timer import modules_of_project

FOLDER, PACKAGES = "PRPREP_WITNESS", "PRPREP_WITNESS_PACKAGES"
SEVERITY = ("passed", "skipped", "failed")

_outcomes: dict[str, list[str]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    outcome, _ = _outcomes.setdefault(report.nodeid, ["passed", ""])
    if SEVERITY.index(report.outcome) > SEVERITY.index(outcome):
        _outcomes[report.nodeid] = [report.outcome, _error(report)]


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _outcomes[report.nodeid] = ["failed", _error(report)]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    packages = set(os.environ.get(PACKAGES, "").split(os.pathsep))
    message = {
        "folder": os.getcwd(),
        "memory": bool(getattr(session.config.option, "memray", False)),
        "status": int(exitstatus),
        "tests": _outcomes,
        "modules": {module["name"]: module["path"] for module in modules_of_project(packages, ())},
    }
    path = os.path.join(folder, f"{os.path.basename(os.getcwd())}-{os.getpid()}.json")
    with open(f"{path}.part", "w", encoding="utf-8") as stream:
        json.dump(message, stream)
    os.replace(f"{path}.part", path)


def _error(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the error in one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line[2:].strip() for line in lines if line.startswith("E ")]
    return (marked or lines or [""])[0 if crash else -1][:300]
