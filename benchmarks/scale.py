"""What the graph costs as the manifest grows: prprep, bare doit and GNU make in one run.

`python -m benchmarks.scale [--items 100,1000,5000] [--rounds 5]`

For every size it measures a manifest with as many items, all fresh: a run with nothing to do, one task of one item, and
the list of tasks; and for comparison a doit graph and a Makefile with as many tasks over the same files. The tools take
turns within a round, so that a machine that changes its speed disturbs all of them; figures are medians with minimum
and maximum, ratios are taken round by round.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fresh_items import ITEM, make_fresh
from tasks.pipeline import STAGES

CHECKOUT = Path(__file__).resolve().parents[1]
_FILES = {stage.name: "samples" if stage.name == "measure" else stage.name for stage in STAGES}
BEFORE = {_FILES[stage.name]: tuple(_FILES[name] for name in stage.reads) for stage in STAGES}
"""What each artifact is made from, as in prprep's own graph."""
DODO = """
def nothing():
    return True

def task_stage():
    for stage, before in {before!r}.items():
        yield {{"basename": stage, "name": None}}
        for number in range({count}):
            folder = ".prprep/{item}" % number
            yield {{
                "basename": stage,
                "name": "{item}" % number,
                "actions": [nothing],
                "file_dep": [f"{{folder}}/{{name}}.json" for name in before],
                "targets": [f"{{folder}}/{{stage}}.json"],
                "uptodate": [True],
            }}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """Wall time in seconds and peak resident memory in MiB of one process."""

    seconds: float
    mebibytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", default="100,1000,5000", help="sizes, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{arguments.rounds} rounds, tools in turn; seconds as median (min to max), memory as median peak\n")
    print("| items | command | prprep | bare doit | GNU make | prprep / doit | peak memory prprep, doit, make |")
    print("|---:|:---|---:|---:|---:|---:|:---|")
    for count in map(int, arguments.items.split(",")):
        with tempfile.TemporaryDirectory(prefix="prprep-scale-") as folder:
            _measure_size(Path(folder), count, arguments.rounds)


def _measure_size(folder: Path, count: int, rounds: int) -> None:
    make_fresh(folder, count)
    (folder / "dodo.py").write_text(DODO.format(before=BEFORE, count=count, item=ITEM), encoding="utf-8")
    _write_makefile(folder, count)
    last = ITEM % (count - 1)
    prprep = [sys.executable, "-m", "tasks", "-m", str(folder / "prprep.yaml")]
    doit = [sys.executable, "-m", "doit", "-f", str(folder / "dodo.py"), "-d", str(folder)]
    make = ["make", "--silent", "-C", str(folder)] if shutil.which("make") else None
    _run(doit, folder)
    commands: dict[str, tuple[list[str], list[str], list[str] | None]] = {
        "nothing to do": (prprep, doit, make),
        f"compare:{last}": (
            [*prprep, f"compare:{last}"],
            [*doit, f"compare:{last}"],
            [*make, f".prprep/{last}/compare.json"] if make else None,
        ),
        "list --all": (
            [sys.executable, "-m", "tasks", "list", "--all", "-m", str(folder / "prprep.yaml")],
            [sys.executable, "-m", "doit", "list", "--all", "-f", str(folder / "dodo.py"), "-d", str(folder)],
            None,
        ),
    }
    for name, tools in commands.items():
        runs = _in_turn(tools, folder, rounds)
        print(_row(count, name, runs), flush=True)


def _in_turn(tools: Sequence[list[str] | None], folder: Path, rounds: int) -> list[list[Run]]:
    """Run every tool once uncounted, then in turn; return each tool's runs, none if it has no such command."""
    runs: list[list[Run]] = [[] for _ in tools]
    for number in range(rounds + 1):
        for counted, command in zip(runs, tools, strict=True):
            if command:
                run = _run(command, folder)
                counted.extend([run] if number else [])
    return runs


# A child's peak memory starts at its parent's size (getrusage(2)): so a small process starts the command, and peaks
# below that process's own 10 MiB or so do not show.
LAUNCHER = """
import os, sys, time
started = time.perf_counter()
_, status, usage = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ), 0)
print(time.perf_counter() - started, usage.ru_maxrss, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""


def _run(command: list[str], folder: Path) -> Run:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PRPREP_CACHE": str(folder / "cache")}
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    done = subprocess.run(
        launcher, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True
    )
    *error, measured = done.stderr.splitlines()
    seconds, kibibytes, code = measured.split()
    if code != "0":
        sys.exit(f"{' '.join(command)} ended with exit code {code}:\n" + "\n".join(error))
    return Run(float(seconds), int(kibibytes) / 1024)


def _row(count: int, name: str, runs: list[list[Run]]) -> str:
    times = [_spread([run.seconds for run in tool]) for tool in runs]
    ratio = _spread([ours.seconds / bare.seconds for ours, bare in zip(runs[0], runs[1], strict=True)])
    memory = ", ".join(f"{statistics.median(run.mebibytes for run in tool):.0f} MiB" if tool else "-" for tool in runs)
    return f"| {count:,} | {name} | {' | '.join(times)} | {ratio} | {memory} |"


def _spread(values: Sequence[float], show: Callable[[float], str] = "{:.2f}".format) -> str:
    return f"{show(statistics.median(values))} ({show(min(values))} to {show(max(values))})" if values else "-"


def _write_makefile(folder: Path, count: int) -> None:
    lines = [".PHONY: all", "all: " + " ".join(f".prprep/{ITEM % number}/render.json" for number in range(count))]
    for number in range(count):
        state = f".prprep/{ITEM % number}"
        for order, (stage, before) in enumerate(BEFORE.items()):
            lines += [f"{state}/{stage}.json: " + " ".join(f"{state}/{name}.json" for name in before), "\t@true"]
            # make goes by time stamps: every target must be no older than what it is made from.
            os.utime(folder / state / f"{stage}.json", (1_700_000_000 + order, 1_700_000_000 + order))
    (folder / "Makefile").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
