"""End prprep at random moments by SIGINT, SIGTERM and SIGKILL, and check what that leaves behind.

    python -m benchmarks.kills [--moments 200] [--minutes 25] [--append]

After each moment the user's repository must be byte for byte the same, no process of the run may be left, and the next
run must have the result of an undisturbed one. Moments lie anywhere in a run, half of them before measuring begins;
some runs rebuild their trees, some their environments as well. Linux only: it finds processes in /proc.
"""

from __future__ import annotations

import argparse
import difflib
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasks.artifacts import Comparison, Samples
from tests.support.mistakes import BENCHMARK, CODE, PYPROJECT, command, item, manifest, target, variables_of
from tests.support.untouched import snapshot

if TYPE_CHECKING:
    from tests.support.targets import TargetRepo

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
CODES: Final = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
CACHES: Final = {"whole": 8, "without trees": 1, "empty": 1}
"""What the cache holds when a run begins, and how often that is drawn."""
PATIENCE: Final = 5.0
"""Seconds after which every process of an ended run must be gone."""
LONGEST: Final = 180.0
MARK: Final = "KILLS_MOMENT"
RESULTS: Final = Path(__file__).parent / "results" / "kills.md"

# Without arguments: trying further inputs would take a third of a run.
_HEAVY = "def total():\n    lists = [list(range(1000)) for _ in range(20)]\n    return sum(lists[0])\n"
_LIGHT = "def total():\n    return sum(range(1000))\n"
_MEASURES = "from textkit import total\n\n\ndef test_total(benchmark):\n    assert benchmark(total) == 499_500\n"


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that ended, by itself or not: its exit code, its output, and the processes left of it."""

    code: int
    output: str
    left: tuple[str, ...]

    @property
    def stage(self) -> str:
        """Return the stage that was running, with the step of measuring."""
        stages = re.findall(r"^\.  (\w+)", self.output, re.MULTILINE)
        steps = re.findall(
            r"^   measure:\w+: (environment|running|results|functions|memory|install)", self.output, re.MULTILINE
        )
        if not stages:
            return "start"
        return f"measure, {steps[-1]}" if stages[-1] == "measure" and steps else str(stages[-1])


@dataclass(frozen=True, slots=True)
class Result:
    """What does not depend on the clock: the bytes of three artifacts, verdict and body without numbers."""

    artifacts: tuple[bytes, ...]
    verdict: str
    body: str


@dataclass(frozen=True, slots=True)
class Site:
    """A repository with uncommitted work, a linked worktree, a manifest next to it, and a cache of its own."""

    folder: Path
    repo: TargetRepo

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def start(self, mark: str, output: Path) -> subprocess.Popen[bytes]:
        variables = variables_of(
            {"PRPREP_CACHE": str(self.cache), "TMPDIR": str(self.folder / "temporary"), MARK: mark}
        )
        with output.open("wb") as sink:
            return subprocess.Popen(
                command("run"), cwd=self.work, env=variables, stdout=sink, stderr=sink, start_new_session=True
            )

    def run(self, *, end: tuple[signal.Signals, float] | None = None) -> Ended:
        """Run prprep on the manifest, to its end or until it gets a signal after so many seconds."""
        mark, output = uuid.uuid4().hex, self.folder / "output"
        process = self.start(mark, output)
        try:
            if end:
                _wait(process, end[1])
                process.send_signal(end[0])
            process.wait(LONGEST)
        finally:
            process.kill()
            process.wait()
        return Ended(process.returncode, output.read_text(errors="replace"), _left(mark))

    def forget(self, cache: str) -> None:
        """Delete the results of earlier runs, and the part of the cache that `cache` names."""
        folders = {"whole": (), "without trees": (self.cache / "trees", self.cache / "clones"), "empty": (self.cache,)}[
            cache
        ]
        for folder in (self.work / ".prprep", self.work / ".codeflash", self.folder / "temporary", *folders):
            shutil.rmtree(folder, ignore_errors=True)
        (self.folder / "temporary").mkdir()

    def files(self) -> dict[bytes, tuple[int, int, bytes]]:
        return snapshot(self.repo.path) | snapshot(self.folder / "linked")

    def result(self) -> Result:
        """Read the result of a run; raises if an artifact is missing or invalid."""
        state = self.work / ".prprep" / "faster"
        Samples.read(state / "samples.json")
        artifacts = tuple((state / f"{name}.json").read_bytes() for name in ("detect", "scaffold", "inject"))
        (body,) = (self.work / ".codeflash").glob("pr-body-*.md")
        return Result(
            artifacts,
            Comparison.read(state / "compare.json").verdict,
            _without_numbers(body.read_text()),
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """When and how a run was ended, and everything that was wrong afterwards."""

    number: signal.Signals
    cache: str
    delay: float
    stage: str = ""
    touched: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    message: str = ""
    different: str = ""

    @property
    def is_harmless(self) -> bool:
        return not (self.touched or self.left or self.message or self.different)

    def __str__(self) -> str:
        wrong = [*self.touched, *self.left, *filter(None, (self.message, self.different))]
        how = f"{self.number.name} after {self.delay:.2f} s, cache {self.cache}, in {self.stage}"
        return f"{how}: {'; '.join(wrong) or 'harmless'}"


@dataclass(slots=True)
class Trial:
    """Moments on one site; `lengths` are the seconds of an undisturbed run by cache: all, and until it measures."""

    site: Site
    rng: random.Random
    expected: Result
    lengths: dict[str, tuple[float, float]] = field(default_factory=dict)

    def random_moment(self) -> Moment:
        cache = self.rng.choices(list(CACHES), list(CACHES.values()))[0]
        number = self.rng.choice(SIGNALS)
        return self.try_moment(number, cache, self.rng.uniform(0, self.rng.choice(self.lengths[cache])))

    def try_moment(self, number: signal.Signals, cache: str, delay: float) -> Moment:
        self.site.forget(cache)
        before = self.site.files()
        ended = self.site.run(end=(number, delay))
        touched = tuple(f"changed: {file}" for file in _changed(before, self.site.files()))
        message = _wrong_message(ended, number)
        again = self.site.run()
        touched += tuple(f"changed by the next run: {file}" for file in _changed(before, self.site.files()))
        return Moment(number, cache, delay, ended.stage, touched, ended.left, message, self._difference(again))

    def _difference(self, again: Ended) -> str:
        if again.code != 0:
            return f"the next run ended with exit code {again.code}:\n{again.output}"
        if again.left:
            return f"processes left by the next run: {again.left}"
        try:
            result = self.site.result()
        except Exception as error:  # noqa: BLE001 - any error counts
            return f"the next run's artifacts cannot be read: {error!r}"
        parts = [part for part in ("artifacts", "verdict") if getattr(result, part) != getattr(self.expected, part)]
        lines = difflib.unified_diff(
            self.expected.body.splitlines(), result.body.splitlines(), "undisturbed", "after", lineterm="", n=0
        )
        return ", ".join([*(f"another {part}" for part in parts), *filter(None, ["\n".join(lines)])])


def _without_numbers(body: str) -> str:
    """Return a body without numbers and functions: a busy machine may leave too few samples for their shares."""
    text = re.sub(r"^\| Function \|.*?\n\n.*?\n(?=\n)", "", body, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"[-+−]?\d[\d.,]*", "0", text)
    return "\n".join(line for line in text.splitlines() if "of the measured call at base" not in line)


def site(folder: Path) -> Site:
    """Create a repository with an optimization, and with some of everything that must not change."""
    repo = target(folder, {"pyproject.toml": PYPROJECT, CODE: _HEAVY, BENCHMARK: _MEASURES}, {CODE: _LIGHT})
    repo.git("tag", "-a", "v1", "-m", "one", "main")
    repo.git("update-ref", "refs/remotes/origin/main", "main")
    repo.git("worktree", "add", "--quiet", str(folder / "linked"), "main")
    repo.write({"stashed.py": "stashed = 1\n"})
    repo.git("stash", "--quiet", "--include-untracked")
    repo.write({"staged.py": "staged = 1\n"})
    repo.git("add", "staged.py")
    repo.write({CODE: _LIGHT + "# being edited\n", "untracked.py": ""})
    manifest(repo, item(budget=0.1))
    return Site(folder, repo)


def trial(folder: Path, rng: random.Random, caches: Iterable[str] = CACHES) -> Trial:
    """Run undisturbed with each state of the cache, for the lengths and the expected result."""
    subject = site(folder)
    subject.forget("empty")
    lengths = {"empty": _timed(subject)}
    expected = subject.result()
    for cache in caches:
        if cache != "empty":
            subject.forget(cache)
            lengths[cache] = _timed(subject)
    return Trial(subject, rng, expected, lengths)


def try_moments(folder: Path, *, moments: int, seconds: float, jobs: int, seed: int) -> Iterator[Moment]:
    """Try moments on `jobs` sites at the same time, until there are enough or time is up."""
    until = time.monotonic() + seconds
    shares = [moments // jobs + (job < moments % jobs) for job in range(jobs)]

    def run_job(job: int) -> list[Moment]:
        one, done = trial(folder / f"site-{job}", random.Random(f"{seed} {job}")), []  # noqa: S311 - no secret
        while len(done) < shares[job] and time.monotonic() < until:
            done.append(one.random_moment())
            print(f"{job}.{len(done)}: {done[-1]}", flush=True)
        return done

    with ThreadPoolExecutor(jobs) as pool:
        for done in pool.map(run_job, range(jobs)):
            yield from done


def table(moments: Sequence[Moment]) -> str:
    """Return a Markdown table of the moments and what was wrong."""
    rows = [
        "| ended by | moments | repository changed | processes left | message wrong | next run different |",
        "|---|---|---|---|---|---|",
    ]
    for number in SIGNALS:
        some = [moment for moment in moments if moment.number is number]
        wrong = (
            sum(bool(getattr(moment, name)) for moment in some) for name in ("touched", "left", "message", "different")
        )
        rows.append(f"| {number.name} | {len(some)} | {' | '.join(map(str, wrong))} |")
    stages = ", ".join(f"{name} {count}" for name, count in Counter(moment.stage for moment in moments).most_common())
    caches = ", ".join(f"{name} {count}" for name, count in Counter(moment.cache for moment in moments).most_common())
    return "\n".join([*rows, "", f"Under way: {stages}. Cache: {caches}."])


def _timed(site: Site) -> tuple[float, float]:
    """Return the seconds of a whole run, and those before it measures."""
    output = site.folder / "output"
    began, measuring = time.monotonic(), 0.0
    running = site.start("undisturbed", output)
    while running.poll() is None:
        if not measuring and b"running the benchmark" in output.read_bytes():
            measuring = time.monotonic() - began
        time.sleep(0.02)
    if running.returncode != 0:
        raise RuntimeError(output.read_text())
    return time.monotonic() - began, measuring


def _wait(running: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _wrong_message(ended: Ended, number: signal.Signals) -> str:
    """Return what is wrong with how the run ended.

    Exit code 0 is right if the run ended before its moment, death by the signal if Python had not reached our code.
    """
    if ended.code not in (CODES[number], 0) and not (ended.code == -number and ended.stage == "start"):
        return f"it ended with exit code {ended.code}:\n{ended.output}"
    ours = "Traceback (most recent call last)" in ended.output and "tasks/" in ended.output
    return f"it printed a traceback:\n{ended.output}" if ours else ""


def _changed(before: dict[bytes, tuple[int, int, bytes]], after: dict[bytes, tuple[int, int, bytes]]) -> list[str]:
    return sorted(os.fsdecode(file) for file in before.keys() | after.keys() if before.get(file) != after.get(file))


def _left(mark: str) -> tuple[str, ...]:
    """Wait for the processes with the mark to end, and return the command lines of those that do not."""
    until = time.monotonic() + PATIENCE
    while (processes := tuple(_marked(mark))) and time.monotonic() < until:
        time.sleep(0.05)
    return processes


def _marked(mark: str) -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes():
                yield (
                    f"left: {process.name} "
                    + (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
                )
        except OSError:
            continue  # It has ended.


def main() -> None:
    """Try moments, print the table, and append it to the results with `--append`."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # In the background of a shell SIGINT is ignored, and the runs would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=25.0, help="no moment begins after that [default: 25]")
    parser.add_argument("--jobs", type=int, default=2, help="repositories at the same time [default: 2]")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--append", action="store_true", help=f"add the table to {RESULTS.name}")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="prprep-kills-") as folder:
        seconds = 60 * arguments.minutes
        moments = list(
            try_moments(
                Path(folder), moments=arguments.moments, seconds=seconds, jobs=arguments.jobs, seed=arguments.seed
            )
        )
    minutes = (time.monotonic() - began) / 60
    text = f"## {len(moments)} moments in {minutes:.0f} minutes, seed {arguments.seed}\n\n{table(moments)}\n"
    wrong = "\n".join(f"- {moment}" for moment in moments if not moment.is_harmless)
    text += f"\n{wrong}\n" if wrong else ""
    print(f"\n{text}")
    if arguments.append:
        RESULTS.parent.mkdir(exist_ok=True)
        head = "" if RESULTS.exists() else f"# Runs that were ended at random moments\n\n{_HOW}\n"
        with RESULTS.open("a", encoding="utf-8") as stream:
            stream.write(f"{head}\n{text}")
    raise SystemExit(1 if wrong else 0)


_HOW = """\
Written by `python -m benchmarks.kills --append`. Each moment is one run on a small repository (with a stash, a linked
worktree, staged and unstaged changes), ended after a random time, and a second run after it. The table counts what
was wrong: any file, link or time stamp of the repository changed, processes were left, a traceback or a wrong exit
code, a next run that failed or whose artifacts, verdict or body (without its numbers) differ from those of an
undisturbed run.
"""

if __name__ == "__main__":
    main()
