"""prprep that repeats less and draws nothing: `python -m tests.support.briefly` as `python -m tasks`."""

from __future__ import annotations

import html
import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.charts.drawing import Chart

CONSTANTS = {
    "tasks.bench.memory.memory.REPEATS": 2,
    "tasks.bench.memory.memory.MOST_REPEATS": 4,
    "tasks.bench.outputs.exploration.INPUTS": 10,
    "tasks.bench.outputs.exploration.EDGES": 5,
    "tasks.bench.outputs.exploration.TRIES": 40,
    "tasks.bench.time.sequence.MINIMUM_LAUNCHES": 4,
    "tasks.bench.time.functions.LEAST_SECONDS": 0.1,
    "tasks.bench.observing.watching.SECONDS": 0.1,
    "tasks.stages.record.record.MOST_RUNS": 1,
}
"""How often a run repeats: two equal counts of memory are exact, and tests/bench tries as many inputs as users do.

Effects in these runs are so large that four launches show them; an item with a larger budget has more. The variable
PRPREP_BRIEFLY gives more constants other values.
"""
LAUNCH = f"""\
import os, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
os.environ["PRPREP_BRIEFLY"] = {os.environ.get("PRPREP_BRIEFLY", "{}")!r}
from tests.support.briefly import main
main()
"""
"""The programs of prprep that a run starts are as brief."""


def shorten(*, draws: bool) -> None:
    values = {**CONSTANTS, **json.loads(os.environ.get("PRPREP_BRIEFLY", "{}"))}
    values["tasks.workspace.nested._LAUNCH"] = LAUNCH
    if not draws:
        values["tasks.charts.drawing.svg_of"] = _undrawn
    for name, value in values.items():
        module, _, constant = name.rpartition(".")
        assert hasattr(importlib.import_module(module), constant), name
        setattr(sys.modules[module], constant, value)


def _undrawn(chart: Chart) -> str:
    # To draw, each process would have to start a JavaScript engine.
    return f'<svg role="img" aria-label="{html.escape(chart.alternative)}"></svg>'


def main(*, draws: bool = False) -> None:
    shorten(draws=draws)
    sys.argv[0] = "prprep"
    from tasks.__main__ import main

    main()


if __name__ == "__main__":
    main()
