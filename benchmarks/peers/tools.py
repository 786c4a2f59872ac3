"""Run each tool on two commits for about a given time, and read its output."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.stages.codeflash.environment import REQUIREMENTS
from tasks.stages.codeflash.reading import SECONDS, FigureTable, read, tables, value

from . import environments, target
from .outcomes import Claim, FunctionResult, claimed_by_table

CHECKOUT = Path(__file__).parents[2]
SIDES = ("base", "head")
NARROW = "1.01"
"""asv's factor for small effects; its default is 1.1."""


class BrokenError(Exception):
    """The tool ended without a result; the message is its last output."""


@dataclass
class Comparison:
    """Two tags of a repository to compare in about `wall` seconds; `folder` is empty and for this comparison only."""

    repository: Path
    base: str
    head: str
    wall: float
    folder: Path
    cache: Path
    functions: tuple[target.Work, ...] = target.FUNCTIONS
    benchmark: str = target.BENCHMARK
    checkout: Path = CHECKOUT
    """Of prprep, whose code is run."""
    budget: float | None = None
    """Of prprep, in seconds; by default what leaves time for everything around the samples."""
    trees: dict[str, Path] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [function.name for function in self.functions]

    def checked_out(self) -> dict[str, Path]:
        """Return a plain tree of each commit, for tools that do not create them."""
        for side, tag in zip(SIDES, (self.base, self.head), strict=True):
            self.trees[side] = self.folder / side
            archive = subprocess.run(
                ["git", "archive", tag], cwd=self.repository, check=True, capture_output=True
            ).stdout
            self.trees[side].mkdir()
            subprocess.run(["tar", "--extract", "--directory", str(self.trees[side])], input=archive, check=True)
        return self.trees


def prprep(comparison: Comparison) -> list[FunctionResult]:
    """Run the pipeline up to the comparison."""
    manifest = comparison.folder / "prprep.yaml"
    item = {
        "id": "item",
        "base": comparison.base,
        "head": comparison.head,
        "benchmark": comparison.benchmark,
        "domain": "cpu",
        "metrics": ["time"],
        "budget": comparison.budget or _budget(comparison),
    }
    manifest.write_text(
        json.dumps({"version": 1, "repo": str(comparison.repository), "upstream": "main", "optimizations": [item]})
    )
    command = [sys.executable, "-m", "tasks", "--manifest", str(manifest), "compare:item"]
    _run(
        command,
        cwd=comparison.folder,
        env=environments.variables(PYTHONPATH=str(comparison.checkout), PRPREP_CACHE=str(comparison.cache)),
    )
    changes = json.loads(_body(comparison.folder / ".prprep/item/compare.json"))["changes"]
    measurements = json.loads(_body(comparison.folder / ".prprep/item/samples.json"))["measurements"]
    inside = {each["test"]: _inside_prprep(each["launches"]) for each in measurements if each["metric"] == "time"}
    claims: dict[str, Claim] = {"improved": "less", "regressed": "more"}
    return [
        FunctionResult(
            _function(each["test"]),
            each["interval"]["ratio"],
            claims.get(each["verdict"], ""),
            inside[each["test"]],
            interval=(each["interval"]["low"], each["interval"]["high"]),
        )
        for each in changes
        if each["metric"] == "time"
    ]


def _budget(comparison: Comparison) -> float:
    return comparison.wall / 1.5 if len(comparison.functions) == 1 else max(1.0, (comparison.wall - 6) / 1.6)


def pytest_benchmark(comparison: Comparison) -> list[FunctionResult]:
    """Run all of base, then all of head, while time allows; what the table shows beyond 1 % is a claim."""
    programs, files = environments.environment(environments.PEERS, comparison.cache), {}
    most = max(0.2, (comparison.wall - 3.0) / (2 * len(comparison.functions)))
    for side, tree in comparison.checked_out().items():
        files[side] = comparison.folder / f"{side}.json"
        options = (
            f"--benchmark-json={files[side]}",
            f"--benchmark-max-time={most:.2f}",
            "--benchmark-min-rounds=3",
            "-q",
        )
        env = environments.variables(programs, PYTHONPATH=str(tree))
        _run([str(programs / "python"), "-m", "pytest", comparison.benchmark, *options], cwd=tree, env=env)
    command = [str(programs / "pytest-benchmark"), "compare", *map(str, files.values())]
    table = _run(command, cwd=comparison.folder, env=environments.variables(programs))
    if "test_" not in table:
        raise BrokenError(table[-300:])
    stats = {side: _pytest_benchmark_stats(file) for side, file in files.items()}
    results = []
    for name, base in stats["base"].items():
        head = stats["head"][name]
        inside = sum(each["total"] * each["iterations"] for each in (base, head))
        results.append(_by_table(name, head["median"] / base["median"], inside))
    return results


def pyperf(comparison: Comparison) -> list[FunctionResult]:
    """Run all of base, then all of head, in five processes each; "faster" or "slower" of `compare_to` is a claim."""
    programs, files = environments.environment(environments.PEERS, comparison.cache), {}
    values = max(2, round((comparison.wall / (2 * len(comparison.functions) * 5) - 0.35) / 0.13))
    for side, tree in comparison.checked_out().items():
        files[side] = comparison.folder / f"{side}.json"
        options = (
            "--quiet",
            "--inherit-environ",
            "PYTHONPATH",
            "-p",
            "5",
            "-w",
            "1",
            "-n",
            str(values),
            "-o",
            str(files[side]),
        )
        _run(
            [str(programs / "python"), "bench_pyperf.py", *options],
            cwd=tree,
            env=environments.variables(programs, PYTHONPATH=str(tree)),
        )
    output = _run(
        [str(programs / "pyperf"), "compare_to", *map(str, files.values())],
        cwd=comparison.folder,
        env=environments.variables(programs),
    )
    results = []
    for name in comparison.names:
        (base, within), (head, also) = (_pyperf_values(files[side], name) for side in SIDES)
        line = next((line for line in output.splitlines() if line.startswith(f"{name}: ")), "")
        claim: Claim = "less" if line.endswith("faster") else "more" if line.endswith("slower") else ""
        results.append(FunctionResult(name, head / base, claim, within + also))
    return results


def asv(comparison: Comparison) -> list[FunctionResult]:
    """Run `asv continuous` with interleaved rounds; rows marked + or - are claims, by two factors."""
    programs = environments.environment(environments.PEERS, comparison.cache)
    shutil.rmtree(comparison.repository / ".asv/results", ignore_errors=True)
    env = environments.variables(programs, HOME=str(_home(comparison)))
    _run([str(programs / "asv"), "machine", "--yes"], cwd=comparison.repository, env=env)
    most = max(0.1, comparison.wall / (2 * 2 * len(comparison.functions)) - 0.5)
    options = ("--interleave-rounds", "-a", f"repeat=(2,1000,{most:.2f})", "-a", "warmup_time=0.1")
    output = _run(
        [str(programs / "asv"), "continuous", comparison.base, comparison.head, *options],
        cwd=comparison.repository,
        env=env,
        allowed=(0, 1),
    )
    narrow = _run(
        [str(programs / "asv"), "compare", "--factor", NARROW, comparison.base, comparison.head],
        cwd=comparison.repository,
        env=env,
    )
    return _asv_results(comparison, output, narrow)


def codeflash(comparison: Comparison) -> list[FunctionResult]:
    """Run `codeflash compare`, which has no time limit; a speed-up of the median beyond 1 % is a claim."""
    programs, report = environments.environment(REQUIREMENTS, comparison.cache), comparison.folder / "report.md"
    env = environments.variables(programs, HOME=str(_home(comparison)))
    _run(
        [str(programs / "codeflash"), "compare", comparison.base, comparison.head, "--output", str(report)],
        cwd=comparison.repository,
        env=env,
    )
    if not report.exists():
        raise BrokenError("no report was written")
    return codeflash_results(report.read_text("utf-8"))


TOOLS: Mapping[str, Callable[[Comparison], list[FunctionResult]]] = {
    "prprep": prprep,
    "codeflash compare": codeflash,
    "asv continuous": asv,
    "pytest-benchmark compare": pytest_benchmark,
    "pyperf compare_to": pyperf,
}


def codeflash_results(report: str) -> list[FunctionResult]:
    """Read codeflash's Markdown: each test's medians, and the seconds inside from mean and rounds."""
    inside = {table.test: _inside_codeflash(table) for table in tables(report)[1] if table.column("rounds")}
    whole = [each for each in read(report).figures if each.metric == "time" and not each.function]
    return [_by_table(_function(each.test), each.head / each.base, inside[each.test]) for each in whole]


def _inside_codeflash(table: FigureTable) -> float:
    mean, rounds = table.column("mean"), table.column("rounds")
    return sum(
        (value(row[mean or 0], SECONDS) or 0.0) * (value(row[rounds or 0], {}) or 0.0) for row in table.sides().values()
    )


def asv_claims(output: str) -> dict[str, Claim]:
    """Read the rows of asv's table that are marked as changed."""
    claims: dict[str, Claim] = {}
    for line in output.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 5 and cells[0] in {"+", "-"}:  # mark, before, after, ratio, name
            claims[_function(cells[4].split()[0])] = "more" if cells[0] == "+" else "less"
    return claims


def _asv_results(comparison: Comparison, output: str, narrow: str) -> list[FunctionResult]:
    claims, narrow_claims, rows = asv_claims(output), asv_claims(narrow), {}
    for side, tag in zip(SIDES, (comparison.base, comparison.head), strict=True):
        resolve = ["git", "rev-parse", f"{tag}^{{commit}}"]
        commit = subprocess.run(resolve, cwd=comparison.repository, check=True, capture_output=True, text=True).stdout
        files = list((comparison.repository / ".asv/results").glob(f"*/{commit[:8]}-*.json"))
        if not files:
            raise BrokenError(output[-300:])
        results = json.loads(files[0].read_text())
        rows[side] = {
            _function(name): dict(zip(results["result_columns"], row, strict=False))
            for name, row in results["results"].items()
        }
    results = []
    for name in comparison.names:
        base, head = (rows[side][name] for side in SIDES)
        inside = sum(sum(row["samples"][0]) * row["stats_number"][0] for row in (base, head))
        results.append(
            FunctionResult(
                name, head["result"][0] / base["result"][0], claims.get(name, ""), inside, narrow_claims.get(name, "")
            )
        )
    return results


def _pytest_benchmark_stats(file: Path) -> dict[str, dict[str, float]]:
    return {_function(each["name"]): each["stats"] for each in json.loads(file.read_text())["benchmarks"]}


def _pyperf_values(file: Path, name: str) -> tuple[float, float]:
    """Return the mean that `compare_to` shows, and the seconds inside the function."""
    document = json.loads(file.read_text())
    for benchmark in document["benchmarks"]:
        meta = {**document.get("metadata", {}), **benchmark.get("metadata", {})}
        if meta.get("name") == name:
            values = [value for run in benchmark["runs"] for value in run.get("values", ())]
            return sum(values) / len(values), sum(values) * meta.get("loops", 1)
    raise BrokenError(f"{name} is not among its results")


def _inside_prprep(launches: Sequence[Mapping[str, Any]]) -> float:
    """Return the seconds in all samples."""
    return sum(
        sum(each[side]) * _iterations(each["iterations"], side)
        for each in launches
        for side in ("base", "head", "control")
    )


def _iterations(stored: int | Mapping[str, int], side: str) -> int:
    """Return the calls of one sample of a side; earlier versions had one number for all sides."""
    return stored if isinstance(stored, int) else stored.get(side, 1)


def _by_table(name: str, ratio: float, inside: float) -> FunctionResult:
    return FunctionResult(name, ratio, claimed_by_table(ratio), inside)


def _function(test: str) -> str:
    """Return the function of a tool's test: `benchmarks.time_small`, `test_small`."""
    return re.split(r"[.:]", test)[-1].removeprefix("test_").removeprefix("time_")


def _home(comparison: Comparison) -> Path:
    home = comparison.cache / "peers" / "home"
    home.mkdir(parents=True, exist_ok=True)
    return home


def _body(artifact: Path) -> str:
    """Return an artifact without its first line, the fingerprint."""
    return artifact.read_text("utf-8").partition("\n")[2]


def _run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], allowed: tuple[int, ...] = (0,)) -> str:
    run = subprocess.run(
        command, cwd=cwd, env=dict(env), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if run.returncode not in allowed:
        raise BrokenError((run.stdout + run.stderr)[-300:])
    return run.stdout
