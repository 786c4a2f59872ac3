"""What a cluster costs: 500 items on 1, 4 and 16 workers whose jobs only sleep.

    python -m benchmarks.cluster [--items 500] [--runs 1x1 4x1 16x1 16x8]

A run `16x8` has 16 workers and jobs of 8 seconds. One machine cannot show how fast several measure, so a job does
nothing but sleep; all else is real: `prprep run tests --workers` packs each job, dask carries it to a worker of its
own process, and the artifact comes back and is written. Overhead is the share of prprep's wall time, from start to end,
beyond the time that the jobs alone take if all workers sleep at the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.fresh_items import make_fresh
from tasks.artifacts import ProjectTests
from tasks.cluster import entry
from tasks.cluster.addresses import Address
from tasks.cluster.extra import distributed
from tasks.cluster.worker import join
from tasks.jobs.files import Job, Result
from tasks.storage.files import write_whole
from tests.support.clusters import ClusterOfProcesses, Program

RESULTS: Final = Path(__file__).parent / "results" / "cluster.md"
RUNS: Final = ("1x1", "4x1", "16x1", "16x8")
STAGE: Final = "tests"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--runs", nargs="+", default=RUNS, help="workers x seconds of each job")
    parser.add_argument("--worker", nargs=2, metavar=("ADDRESS", "SECONDS"), help="be a worker")
    options = parser.parse_args()
    if options.worker:
        be_worker(options.worker[0], float(options.worker[1]))
    else:
        compare(options.items, [tuple(map(float, run.split("x"))) for run in options.runs])


def compare(count: int, runs: Sequence[tuple[float, ...]]) -> None:
    with tempfile.TemporaryDirectory(prefix="prprep-cluster-") as root:
        folder = Path(root, "items")
        workspace = make_fresh(folder, count)
        artifacts = [workspace.paths.item(item).tests for item in workspace.plan.items]
        lines = [*_heading(count)]
        for workers, seconds in runs:
            for artifact in artifacts:
                artifact.unlink()
            wall, cpu = timed(Path(root), folder, int(workers), seconds)
            if missing := [artifact for artifact in artifacts if not artifact.exists()]:
                raise SystemExit(f"{len(missing)} items have no result")
            lines.append(_row(count, int(workers), seconds, wall, cpu))
            print(lines[-1], flush=True)
        RESULTS.write_text("\n".join([*lines, *_ending()]) + "\n", encoding="utf-8")


def timed(root: Path, folder: Path, workers: int, seconds: float) -> tuple[float, float]:
    """Return the wall time of a run and the CPU time that prprep itself took."""
    cluster = ClusterOfProcesses(root)
    with ExitStack() as stack:
        stack.callback(cluster.end)
        cluster.scheduler()
        for number in range(workers):
            arguments = ["-m", "benchmarks.cluster", "--worker", cluster.address, str(seconds)]
            log = root / f"worker-{number}.log"
            with log.open("wb") as stream:
                worker = subprocess.Popen([sys.executable, *arguments], stdout=stream, stderr=stream)
            stack.callback(worker.wait)
            stack.callback(worker.terminate)
        for number in range(workers):
            while "working for" not in (root / f"worker-{number}.log").read_text():
                time.sleep(0.2)
        before, began = os.times(), time.monotonic()
        client: Program = cluster.client(folder, STAGE)
        code = client.process.wait()
        wall, after = time.monotonic() - began, os.times()
        if code:
            raise SystemExit(client.output)
        ran = after.children_user + after.children_system - before.children_user - before.children_system
        return wall, ran


def be_worker(address: str, seconds: float) -> None:
    """Work as `prprep worker` does, with a job that sleeps."""

    def perform(job: bytes, commits: bytes | None, _variables: dict[str, str], _label: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            write_whole(Path(folder, "job.zip"), job)
            described, _ = Job.read(Path(folder, "job.zip"))
        if commits is None and not seen:
            seen.append(described.history)
            return {"present": [], "worker": distributed().get_worker().address}
        time.sleep(seconds)
        tests = ProjectTests(item=described.item, command="sleep", found="benchmark")
        files = {"tests.json": tests.serialized(described.fingerprint).encode()}
        result = Result.of(described, "a machine that sleeps", files)
        return {"result": result.archive(files)}

    seen: list[str] = []
    entry.WORKERS[:] = [perform]
    distributed()
    with tempfile.TemporaryDirectory() as folder:
        joined = join(Address.of(address), None, Path(folder), listen="", report=partial(print, flush=True))
        asyncio.run(joined)


def _heading(count: int) -> tuple[str, ...]:
    software = f"Python {platform.python_version()}, distributed {version('distributed')}"
    return (
        "# What a cluster costs",
        "",
        f"`python -m benchmarks.cluster`, {count} items, {software}, {time.strftime('%Y-%m-%d')}. prprep, the",
        f"scheduler and all workers share {os.cpu_count()} cores with other programs, whose load is shown.",
        "Jobs only sleep; packing, sending, waiting and writing are real. Commits are sent once to each worker.",
        "",
        "| workers | job | wall time | the jobs alone | overhead | per worker and job | prprep's CPU per job | load |",
        "|---:" * 8 + "|",
    )


def _row(count: int, workers: int, seconds: float, wall: float, cpu: float) -> str:
    least = math.ceil(count / workers) * seconds
    return (
        f"| {workers} | {seconds:g} s | {wall:.1f} s | {least:.0f} s | {(wall - least) / wall:.1%} "
        f"| {(wall - least) * workers / count:.3f} s | {cpu / count:.3f} s | {os.getloadavg()[1]:.1f} |"
    )


def _ending() -> tuple[str, ...]:
    return (
        "",
        "Overhead includes the start and the end of prprep. A job of a real measurement takes 20 seconds and more.",
    )


if __name__ == "__main__":
    main()
