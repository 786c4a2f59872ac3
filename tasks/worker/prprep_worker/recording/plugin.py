"""Record the calls of one function while the project's own tests or a script run: a pytest plugin, and a program.

    pytest -p prprep_worker.recording.plugin ...
    python plugin.py script.py ... | -m module ... | -c code

PRPREP_RECORDER holds the orders as JSON: the `function` (see `WantedFunction`), the `tree`, the `depth` of the test to
be written, the file to write (`out`), the `seconds` that recording itself may cost, and the numbers of the calls that
are `wanted`, by test; without them, the largest calls are kept.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from prprep_worker.recording.function import FunctionWatch, report_effects
from prprep_worker.recording.recorder import Recorder
from prprep_worker.startup.command import run_command


@functools.cache
def recorder_of_process() -> Recorder:
    """Start recording, on the first call: one process records one function."""
    recorder = Recorder(json.loads(os.environ.pop("PRPREP_RECORDER")))
    FunctionWatch(recorder)
    report_effects(recorder)
    return recorder


if __name__ != "__main__":
    # Now, not when pytest is configured: before that a conftest may import the project, and modules copy names.
    recorder_of_process()


def pytest_runtest_logstart(nodeid: str) -> None:
    recorder_of_process().begin_test(nodeid)


def pytest_runtest_call(item: Any) -> None:
    root = getattr(item.config, "rootpath", None) or item.config.rootdir  # pytest before 6.1
    recorder_of_process().fixtures = dict(_fixtures(item, str(root)))


def _fixtures(item: Any, root: str) -> Iterator[tuple[str, tuple[object, str]]]:
    """Yield the fixtures of the project's conftest files that a test requests: name, value, and the file."""
    definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    for name, value in getattr(item, "funcargs", {}).items():
        code = getattr(getattr((definitions.get(name) or [None])[-1], "func", None), "__code__", None)
        file = getattr(code, "co_filename", "")
        if os.path.basename(file) == "conftest.py" and file.startswith(root + os.sep):
            yield name, (value, os.path.relpath(file, root).replace(os.sep, "/"))


def pytest_sessionfinish() -> None:
    recorder_of_process().write()


def main(command: list[str]) -> None:
    """Run a script, a module or code as Python itself would, and record meanwhile."""
    recorder = recorder_of_process()
    sys.path.pop(0)
    try:
        run_command(command)
    finally:
        recorder.write()


if __name__ == "__main__":
    # Not the module `__main__`: the command takes that name.
    importlib.import_module("prprep_worker.recording.plugin").main(sys.argv[1:])
