"""Compare commits whose true ratio is known, on a quiet machine and under load, prprep and its peers in turns.

`python -m benchmarks.truth [--minutes N] [--budget SECONDS] [--load NAME] [--group NAME] [--ratio P/Q] [--tool NAME]
[--before CHECKOUT] [--label TEXT] [--tables]`

A comparison measures one to three calls (see `work.py`) at one of nine ratios under one of six loads. Outcomes are
stored line by line in benchmarks/results/truth.jsonl, where a later run continues; tables in truth.md.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from tasks.bench import machine
from tasks.storage import paths

from ..peers import load, target, tools
from . import outcomes, tables, work
from .outcomes import Outcome

RESULTS = Path(__file__).parents[1] / "results"
PEERS = tuple(name for name in tools.TOOLS if name != "prprep")
PEERS_LOADS = ("quiet", "busy")
"""The peers are compared under two loads only: they need as long as prprep."""


def main() -> None:
    arguments = _arguments()
    stored = RESULTS / "truth.jsonl"
    if not arguments.tables:
        with tempfile.TemporaryDirectory(prefix="prprep-truth-") as scratch:
            run = Run(Path(scratch), arguments)
            for step in _plan(arguments):
                if time.monotonic() > run.end:
                    break
                outcomes.append(stored, run.compare(*step))
    _write(outcomes.read(stored))


class Run:
    """The repositories of a run, one for each group of calls, and when it ends."""

    def __init__(self, scratch: Path, arguments: argparse.Namespace) -> None:
        self._scratch, self._arguments = scratch, arguments
        self._cache = paths.cache_folder()
        self._cost = work.cost_of_short()
        for name, calls in work.GROUPS.items():
            target.create(scratch / name, [call.work for call in calls], work.tags(calls))
            synchronous = [call for call in calls if call.name not in work.ASYNCHRONOUS]
            target.create(scratch / f"{name}-peers", [call.work for call in synchronous], work.tags(tuple(synchronous)))
        self.end = time.monotonic() + 60 * arguments.minutes

    def compare(self, tool: str, group: str, ratio: Fraction, condition: str) -> list[Outcome]:
        """Compare once, and return an outcome for each call."""
        calls = [call for call in work.GROUPS[group] if "prprep" in tool or call.name not in work.ASYNCHRONOUS]
        comparison = self._comparison(tool, group, ratio, calls)
        before, began = os.getloadavg()[0], time.monotonic()
        results, broken = {}, ""
        with load.LOADS[condition]():
            try:
                run = tools.TOOLS["prprep" if tool.startswith("prprep") else tool]
                results = {each.function: each for each in run(comparison)}
            except tools.BrokenError as error:
                broken = str(error)
        took = time.monotonic() - began
        made = []
        for call in calls:
            result, units = results.get(call.name), call.units(ratio)
            truth = self._cost.truth(units) if call is work.SHORT else units["head"] / units["base"]
            made.append(
                Outcome(
                    tool=tool,
                    call=call.name,
                    condition=condition,
                    ratio=str(ratio),
                    truth=round(truth, 6),
                    estimate=result and result.ratio,
                    interval=result and result.interval,
                    claim=result.claim if result else "",
                    wall=round(took / len(calls), 2),
                    inside=round(result.inside, 3) if result else 0.0,
                    budget=self._arguments.budget,
                    load=before,
                    broken=broken,
                    shifted=work.Cost(call.unit, call.nothing).truth(units) if call.nothing else None,
                )
            )
        _say(f"{tool}, {group} {ratio} {condition}: {took:.0f} s; {'; '.join(map(str, made))}")
        return made

    def _comparison(self, tool: str, group: str, ratio: Fraction, calls: list[work.Call]) -> tools.Comparison:
        folder = self._scratch / "comparison"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        is_ours = tool.startswith("prprep")
        return tools.Comparison(
            self._scratch / (group if is_ours else f"{group}-peers"),
            work.tag("base", ratio),
            work.tag("head", ratio),
            # As long as prprep needs for the budget, with everything around the samples.
            self._arguments.budget * 1.6 + 6,
            folder,
            self._cache,
            tuple(call.work for call in calls),
            checkout=self._arguments.before if tool == outcomes.BEFORE else tools.CHECKOUT,
            budget=self._arguments.budget,
        )


def _plan(arguments: argparse.Namespace) -> Iterator[tuple[str, str, Fraction, str]]:
    """Yield tool, group, ratio and load endlessly, each round in another random order."""
    ours = ["prprep", *([outcomes.BEFORE] if arguments.before else [])]
    while True:
        steps = [
            (tool, group, ratio, condition)
            for group, ratio, condition in itertools.product(work.GROUPS, work.RATIOS, load.LOADS)
            for tool in (*ours, *(PEERS if condition in PEERS_LOADS else ()))
            if arguments.load in (None, condition) and arguments.group in (None, group)
            if arguments.ratio in (None, ratio) and (not arguments.tool or tool in arguments.tool)
        ]
        yield from random.sample(steps, len(steps))


def _write(results: list[Outcome]) -> None:
    platform = machine.platform_description(".".join(map(str, sys.version_info[:3])))
    text = f"# Known ratios\n\n{platform}.\n\n{tables.all_tables(results)}"
    (RESULTS / "truth.md").write_text(text, encoding="utf-8")
    print(text)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__, formatter_class=form)
    parser.add_argument("--minutes", type=float, default=60.0, help="start no comparison after this many minutes")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of samples of one comparison (10)")
    parser.add_argument("--load", choices=list(load.LOADS), help="only under this load")
    parser.add_argument("--group", choices=list(work.GROUPS), help="only these calls")
    parser.add_argument("--ratio", type=Fraction, choices=work.RATIOS, help="only this ratio")
    parser.add_argument("--tool", action="append", choices=["prprep", outcomes.BEFORE, *PEERS], help="repeatable")
    parser.add_argument("--before", type=Path, help="a checkout of an earlier prprep, compared in the same run")
    parser.add_argument("--tables", action="store_true", help="only rewrite the tables, from stored outcomes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
