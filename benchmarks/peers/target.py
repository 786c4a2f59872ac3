"""A repository whose commits have known costs: functions that repeat a unit of work, and tags with other numbers of it.

The true ratio of two tags is that of their units. Every tool finds its own kind of benchmark for every function; the
functions return nothing that depends on the number of units, so that their results are equal.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

UNITS = 10_000
EFFECTS = (1, 2, 5, 20)
# Every unit costs the same: integers up to 256 are made once and for all, larger ones anew.


@dataclass(frozen=True)
class Work:
    """A function of the repository: its source, with `{units}` and a place for a `{remark}` below its first line."""

    name: str
    source: str


SMALL = Work(
    "small",
    """def small():{remark}
    seen, total = {{}}, 0
    for number in range(1_000, 1_000 + {units}):
        word = WORDS[number % 97]
        seen[word] = number
        total += number & 7
    return "done"
""",
)
LARGE = Work(
    "large",
    """def large():{remark}
    total = 0
    for number in range(1_000, 1_000 + {units}):
        for step in range(80):
            total = step ^ number
    return "done"
""",
)
ALLOCATING = Work(
    "allocating",
    """def allocating():{remark}
    for number in range(1_000, 1_000 + {units}):
        if number % 100 == 0:
            objects = []
        lists = [[number] * 5, [number] * 6, [number] * 7, [[], []]]
        objects.append([lists, {{number: number}}, (number, [number] * 9), str(number)])
    return "done"
""",
)
FUNCTIONS = (SMALL, LARGE, ALLOCATING)
"""About 1 ms, 50 ms, and 15 ms with a hundred thousand allocations, of which few live at once: otherwise the garbage
collector's time would grow faster than the units."""

HEADER = """import asyncio
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

WORDS = tuple(f"word{number}" for number in range(97))
BYTES = bytes(100_000)
"""
ASV_SETTINGS = """{
    "version": 1,
    "project": "work",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "virtualenv",
    "benchmark_dir": "asv_benchmarks",
    "env_dir": ".asv/env",
    "results_dir": ".asv/results",
    "html_dir": ".asv/html",
    "pythons": ["3.11"],
    "matrix": {},
    "install_command": ["in-dir={build_dir} python copy_work.py"],
    "uninstall_command": ["return-code=any in-dir={build_dir} python -c pass"],
    "build_command": []
}
"""
COPY = "import shutil, sysconfig\n\nshutil.copy('work.py', sysconfig.get_path('purelib'))\n"
PROJECT = """[project]
name = "work"
version = "1"
description = "Functions of a known length"

[build-system]
requires = ["flit_core>=3.11"]
build-backend = "flit_core.buildapi"

[tool.codeflash]
module-root = "."
tests-root = "tests"
benchmarks-root = "tests/benchmarks"
test-framework = "pytest"
formatter-cmds = ["disabled"]
ignore-paths = []
"""


def benchmark_of(*functions: Work) -> str:
    """Return the path of the benchmark of these functions alone."""
    return f"tests/single/test_benchmark_{'_'.join(function.name for function in functions)}.py"


BENCHMARK = "tests/benchmarks/test_benchmark_work.py"


def create(
    folder: Path,
    functions: Sequence[Work],
    tags: Mapping[str, Mapping[str, int]],
    *,
    alone: Sequence[Sequence[Work]] = (),
) -> None:
    """Create the repository in `folder`: one commit and tag after the other, each with the units of every function.

    The branch `main` stays at the first one. A comment in every function names the tag, for tools that look for changed
    functions. `alone` are groups of functions that get a benchmark of their own as well.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    files = {BENCHMARK: _tests(functions), "asv.conf.json": ASV_SETTINGS, "copy_work.py": COPY}
    files |= {"asv_benchmarks/benchmarks.py": _asv(functions), "asv_benchmarks/__init__.py": ""}
    files |= {"bench_pyperf.py": _pyperf(functions), "pyproject.toml": PROJECT}
    files |= {".gitignore": ".asv/\n__pycache__/\n*.egg-info/\n"}
    files |= {benchmark_of(*group): _tests(group) for group in alone}
    for tag, units in tags.items():
        files["work.py"] = module(functions, units, tag)
        _commit(folder, files, tag)
        if tag == next(iter(tags)):
            _git(folder, "checkout", "--quiet", "-b", "work")
    _git(folder, "checkout", "--quiet", "main")


def module(functions: Sequence[Work], units: Mapping[str, int], tag: str = "") -> str:
    remark = f"\n    # As of {tag}." if tag else ""
    sources = [function.source.format(units=units[function.name], remark=remark) for function in functions]
    return "\n\n".join([HEADER, *sources])


def peers_tags() -> dict[str, dict[str, int]]:
    """Return `base`, `identical` and `effect-P`, which has P per cent fewer units in every function."""
    effects = {f"effect-{effect}": UNITS * (100 - effect) // 100 for effect in EFFECTS}
    tags = {"base": UNITS, "identical": UNITS, **effects}
    return {tag: dict.fromkeys((function.name for function in FUNCTIONS), units) for tag, units in tags.items()}


def truth(effect: int) -> float:
    """Return the true ratio head/base."""
    return 1 - effect / 100


def _tests(functions: Sequence[Work]) -> str:
    tests = [f"def test_{work.name}(benchmark):\n    benchmark({work.name})\n" for work in functions]
    return "\n\n".join([f"from work import {_names(functions)}\n", *tests])


def _asv(functions: Sequence[Work]) -> str:
    benchmarks = [f"def time_{work.name}():\n    {work.name}()\n" for work in functions]
    return "\n\n".join([f"from work import {_names(functions)}\n", *benchmarks])


def _pyperf(functions: Sequence[Work]) -> str:
    return f"""import pyperf
from work import {_names(functions)}

runner = pyperf.Runner()
for function in ({_names(functions)},):
    runner.bench_func(function.__name__, function)
"""


def _names(functions: Sequence[Work]) -> str:
    return ", ".join(sorted(work.name for work in functions))


def _commit(folder: Path, files: dict[str, str], tag: str) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _git(folder, "add", "--all")
    _git(folder, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "-m", tag)
    _git(folder, "tag", tag)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
