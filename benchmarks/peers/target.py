"""The repository that all tools compare: three functions, each repeating a unit of work, and commits with fewer units.

A commit `effect-P` has P per cent fewer units in every function, so that its true ratio is known; `identical` adds a
comment to every function, for tools that look for changed functions. The functions return the number of units of base.
"""

import shutil
import subprocess
from pathlib import Path

UNITS = 10_000
EFFECTS = (1, 2, 5, 20)
FUNCTIONS = ("small", "large", "allocating")
"""About 1 ms, 50 ms, and 15 ms with a hundred thousand allocations, of which few live at once: otherwise the garbage
collector's time would grow faster than the units."""

MODULE = '''"""Work."""

WORDS = tuple(f"word{{number}}" for number in range(97))


def small():{remark}
    seen, total = {{}}, 0
    for number in range({units}):
        word = WORDS[number % 97]
        seen[word] = number
        total += number & 7
    return {base}


def large():{remark}
    total = 0
    for number in range({units}):
        for step in range(80):
            total += step ^ number
    return {base}


def allocating():{remark}
    for number in range({units}):
        if number % 100 == 0:
            objects = []
        lists = [[number] * 5, [number] * 6, [number] * 7, [[], []]]
        objects.append([lists, {{number: number}}, (number, [number] * 9), str(number)])
    return {base}
'''
TEST = """from work import allocating, large, small


def test_small(benchmark):
    benchmark(small)


def test_large(benchmark):
    benchmark(large)


def test_allocating(benchmark):
    benchmark(allocating)
"""
TEST_OF_ONE = """from work import small


def test_small(benchmark):
    benchmark(small)
"""
ASV = """from work import allocating, large, small


def time_small():
    small()


def time_large():
    large()


def time_allocating():
    allocating()
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
PYPERF = """import pyperf
from work import allocating, large, small

runner = pyperf.Runner()
for function in (small, large, allocating):
    runner.bench_func(function.__name__, function)
"""
PROJECT = """[project]
name = "work"
version = "1"

[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
py-modules = ["work"]

[tool.codeflash]
module-root = "."
tests-root = "tests"
benchmarks-root = "tests/benchmarks"
test-framework = "pytest"
formatter-cmds = ["disabled"]
ignore-paths = []
"""
BENCHMARK = "tests/benchmarks/test_benchmark_work.py"
BENCHMARK_OF_ONE = "tests/single/test_benchmark_small.py"


def create(folder: Path) -> None:
    """Create the repository in `folder`, with the tags `base`, `identical` and `effect-P`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    files = {BENCHMARK: TEST, BENCHMARK_OF_ONE: TEST_OF_ONE, "asv.conf.json": ASV_SETTINGS}
    files |= {"asv_benchmarks/benchmarks.py": ASV, "asv_benchmarks/__init__.py": ""}
    files |= {"bench_pyperf.py": PYPERF, "copy_work.py": COPY, "pyproject.toml": PROJECT}
    files |= {".gitignore": ".asv/\n__pycache__/\n*.egg-info/\n"}
    _commit(folder, {**files, "work.py": module(0)}, "base")
    for effect in EFFECTS:
        _git(folder, "checkout", "--quiet", "-b", f"branch-{effect}", "base")
        _commit(folder, {"work.py": module(effect)}, f"effect-{effect}")
    _git(folder, "checkout", "--quiet", "-b", "branch-identical", "base")
    _commit(folder, {"work.py": module(0, remark="\n    # As before.")}, "identical")
    _git(folder, "checkout", "--quiet", "main")


def module(effect: int, remark: str = "") -> str:
    return MODULE.format(remark=remark, units=UNITS * (100 - effect) // 100, base=UNITS)


def truth(effect: int) -> float:
    """Return the true ratio head/base."""
    return 1 - effect / 100


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
