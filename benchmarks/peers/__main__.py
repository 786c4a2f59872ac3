"""Compare prprep with its peers on the same pairs of commits, the tools taking turns in one run.

`python -m benchmarks.peers [--quick] [--minutes N] [--wall SECONDS] [--only TOOL] [--scenario NAME] [--tables]`

Every comparison is of one small repository with three functions, so it has three outcomes a tool. They are stored line
by line in benchmarks/results/peers.jsonl, where a later run continues; `--quick` stores nothing.
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
from dataclasses import replace
from pathlib import Path

from tasks.bench import machine
from tasks.storage import paths

from . import load, outcomes, tables, target, tools
from .outcomes import Outcome

RESULTS = Path(__file__).parents[1] / "results"
SCENARIOS = ("identical", "identical-load", "effects", "aim")
AIM_EFFECT = 2
AIM_FUNCTIONS = (target.SMALL,)


def main() -> None:
    arguments = _arguments()
    stored = RESULTS / "peers.jsonl"
    if arguments.tables:
        _write(outcomes.read(stored))
        return
    with tempfile.TemporaryDirectory(prefix="prprep-peers-") as scratch:
        run = Run(Path(scratch), arguments)
        results: list[Outcome] = []
        for scenario, effect in _plan(arguments):
            for name in run.tools(scenario):
                new = run.compare(scenario, name, effect)
                results += new
                if not arguments.quick:
                    outcomes.append(stored, new)
            if time.monotonic() > run.end:
                break
    if arguments.quick:
        print(tables.all_tables(results))
    else:
        _write(outcomes.read(stored))


class Run:
    """The repository and the environments of a run, and when it ends."""

    def __init__(self, scratch: Path, arguments: argparse.Namespace) -> None:
        self._arguments, self._scratch = arguments, scratch
        self._cache = paths.cache_folder()
        self._repository = scratch / "repository"
        self.end = time.monotonic() + 60 * arguments.minutes
        target.create(self._repository, target.FUNCTIONS, target.peers_tags(), alone=[AIM_FUNCTIONS])
        for name in tools.TOOLS if arguments.scenario != "aim" else ["prprep"]:
            if not arguments.only or name in arguments.only:
                self._warm(name)

    def tools(self, scenario: str) -> list[str]:
        """Return the tools in a random order: none is always first."""
        names = (
            ["prprep"]
            if scenario == "aim"
            else [name for name in tools.TOOLS if not self._arguments.only or name in self._arguments.only]
        )
        return random.sample(names, len(names))

    def compare(self, scenario: str, name: str, effect: int) -> list[Outcome]:
        head = f"effect-{effect}" if effect else "identical"
        before, began = os.getloadavg()[0], time.monotonic()
        functions = AIM_FUNCTIONS if scenario == "aim" else target.FUNCTIONS
        wall = 30.0 if scenario == "aim" else self._arguments.wall
        blank = Outcome(scenario, name, effect, "", None, "", 0.0, 0.0, before)
        with load.LOADS["bursts" if scenario == "identical-load" else "quiet"]():
            try:
                results = tools.TOOLS[name](self._comparison(head, wall, functions))
            except tools.BrokenError as error:
                took = time.monotonic() - began
                return [replace(blank, function=function.name, wall=took, broken=str(error)) for function in functions]
        took, inside = time.monotonic() - began, sum(each.inside for each in results)
        line = ", ".join(f"{each.function} {each.ratio:.3f} {each.claim or '-'}" for each in results if each.ratio)
        _say(f"{scenario} {head} {name}: {took:.1f} s, {line}")
        blank = replace(blank, wall=round(took, 2), inside=round(inside, 3))
        outcomes = [replace(blank, function=each.function, ratio=each.ratio, claim=each.claim) for each in results]
        narrow = [
            replace(
                blank, tool=f"{name} -f {tools.NARROW}", function=each.function, ratio=each.ratio, claim=each.narrow
            )
            for each in results
            if each.narrow is not None
        ]
        return [*outcomes, *narrow]

    def _warm(self, name: str) -> None:
        """Compare once to build the environments; the result does not count."""
        _say(f"preparing {name}")
        try:
            tools.TOOLS[name](self._comparison(f"effect-{target.EFFECTS[-1]}", 6.0, target.FUNCTIONS))
        except tools.BrokenError as error:
            _say(f"{name} gives no result: {error}")

    def _comparison(self, head: str, wall: float, functions: tuple[target.Work, ...]) -> tools.Comparison:
        folder = self._scratch / "comparison"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        benchmark = target.BENCHMARK if functions == target.FUNCTIONS else target.benchmark_of(*functions)
        return tools.Comparison(self._repository, "base", head, wall, folder, self._cache, functions, benchmark)


def _plan(arguments: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Yield scenario and effect of each comparison, endlessly unless the run is quick."""
    if arguments.quick:
        yield from [("identical", 0), ("identical-load", 0), ("effects", 2), ("effects", 5), ("effects", 20)]
        return
    if arguments.scenario == "aim":
        yield from itertools.repeat(("aim", AIM_EFFECT))
    steps = [
        step for effect in (2, 5, 1, 20) for step in (("identical", 0), ("identical-load", 0), ("effects", effect))
    ]
    yield from itertools.cycle([step for step in steps if arguments.scenario in (None, step[0])])


def _write(results: list[Outcome]) -> None:
    text = tables.all_tables(results)
    python = ".".join(map(str, sys.version_info[:3]))
    platform = machine.platform_description(python)
    heading = f"# prprep and its peers\n\n{platform}; a comparison is of three functions and counts three times."
    (RESULTS / "peers.md").write_text(f"{heading}\n\n{text}", encoding="utf-8")
    print(text)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__, formatter_class=form)
    parser.add_argument(
        "--quick", action="store_true", help="a few short comparisons, in under ten minutes; nothing is stored"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="start no comparison after this many minutes")
    parser.add_argument("--wall", type=float, help="seconds for one comparison, by default 20, and 12 with --quick")
    parser.add_argument("--only", action="append", choices=list(tools.TOOLS), help="only this tool; repeatable")
    parser.add_argument("--scenario", choices=SCENARIOS, help="only this scenario")
    parser.add_argument("--tables", action="store_true", help="only rewrite the tables, from stored outcomes")
    arguments = parser.parse_args()
    arguments.wall = arguments.wall or (12.0 if arguments.quick else 20.0)
    return arguments


if __name__ == "__main__":
    main()
