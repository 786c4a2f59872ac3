"""See, in each pytest process that codeflash starts, how its tests ended and which files the project's modules came from.

A plugin that pytest loads by PYTEST_PLUGINS: it acts between tests and when the session ends, never within a measured call.
Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

FOLDER, PACKAGES = "PRPREP_WITNESS", "PRPREP_WITNESS_PACKAGES"
WORST = ("passed", "skipped", "failed")

_ended: dict[str, list[str]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    known = _ended.setdefault(report.nodeid, ["passed", ""])
    if WORST.index(report.outcome) > WORST.index(known[0]):
        _ended[report.nodeid] = [report.outcome, _told(report)]


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _ended[report.nodeid] = ["failed", _told(report)]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    about = {
        "folder": os.getcwd(),
        "memory": bool(getattr(session.config.option, "memray", False)),
        "status": int(exitstatus),
        "tests": _ended,
        "modules": _modules(),
    }
    target = os.path.join(folder, f"{os.path.basename(os.getcwd())}-{os.getpid()}.json")
    with open(f"{target}.part", "w", encoding="utf-8") as stream:
        json.dump(about, stream)
    os.replace(f"{target}.part", target)


def _modules() -> dict[str, str]:
    """Return the files of the project's modules that were imported."""
    packages = set(os.environ.get(PACKAGES, "").split(os.pathsep))
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and name.partition(".")[0] in packages:
            found[name] = os.path.realpath(file)
    return found


def _told(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return what was raised, in a line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line[2:].strip() for line in lines if line.startswith("E ")]
    return (marked or lines or [""])[0 if crash else -1][:300]
