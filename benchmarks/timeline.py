"""How much of a run is not measuring, with many items over one lock file.

`python -m benchmarks.timeline [--items 50] [--budget 5] [--no-verify] [--checkout PATH] [--folder FOLDER] [TASK ...]`

Every item is a branch that makes one function of a small library faster, with a benchmark that prprep writes. The
library has a lock file, tests, and a generated module, and it builds with setuptools. The cache is empty at first. The
table is that of `prprep status --times`; builds are counted in the logs of the items. With `--checkout` another version
of prprep runs, to compare two of them; with tasks such as `lint tests` the run ends there. On a machine with other
comparisons, PRPREP_LOCK with a file of its own keeps it from waiting for them.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from tasks.environments.installer import run_uv
from tests.support.targets import TargetRepo

CHECKOUT = Path(__file__).resolve().parents[1]
PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "textkit"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["iniconfig"]
[dependency-groups]
test = ["pytest", "pytest-benchmark"]
[tool.setuptools]
packages = ["textkit"]
"""
SETUP = """\
import pathlib, setuptools
pathlib.Path("textkit/_built.py").write_text("BUILT = True\\n")
setuptools.setup()
"""
SLOW = """\
def words(lines):
    found = []
    for line in lines:
        for word in line.split():
            if word not in found:
                found.append(word)
    return found
"""
FAST = """\
def words(lines):
    return list(dict.fromkeys(word for line in lines for word in line.split()))
"""
TEST = """\
import pytest
from textkit import part_{0:02}

@pytest.mark.parametrize("count", range(4))
def test_words(count):
    assert part_{0:02}.words(["a b"] * count + ["c"]) == (["a", "b", "c"] if count else ["c"])
"""
ITEM = """\
  - id: words-{0:02}
    domain: cpu
    head: perf/words-{0:02}
    functions: textkit.part_{0:02}:words
    benchmark:
      setup: |
        from textkit.part_{0:02} import words

        lines = [f"word{{number % 700}} another{{number}}" for number in range(900)]
      call: words(lines)
"""
STAGE_OF_LOG = re.compile(r"^== (\w+),")
BUILD, NESTED_BUILD = "installing the project", re.compile(r"^\w+:[\w-]+: installing the project")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=50)
    parser.add_argument("--budget", type=float, default=5.0, help="seconds of samples for each item")
    parser.add_argument("--no-verify", action="store_true", help="do not run the bodies' commands")
    parser.add_argument("--checkout", type=Path, default=CHECKOUT, help="the version of prprep that runs")
    parser.add_argument("--folder", type=Path, help="where to leave everything")
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="run these only")
    arguments = parser.parse_args()
    temporary = tempfile.TemporaryDirectory(prefix="prprep-timeline-")
    with nullcontext(str(arguments.folder)) if arguments.folder else temporary as name:
        folder = Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        write(folder, arguments.items, budget=arguments.budget, verify=not arguments.no_verify)
        began, used = time.monotonic(), os.times()
        run(folder, arguments.checkout, "run", *arguments.tasks)
        seconds, now = time.monotonic() - began, os.times()
        cores = now.children_user + now.children_system - used.children_user - used.children_system
        print(run(folder, arguments.checkout, "status", "--times"))
        print(f"the run took {seconds:.0f} s, and {cores:.0f} s of a core's time")
        for what, count in builds(folder).items():
            print(f"{count} builds of the project by {what}")


def write(folder: Path, count: int, *, budget: float, verify: bool) -> None:
    """Write the repository with a branch for each item, and the manifest."""
    files: dict[str, str | None] = {"pyproject.toml": PYPROJECT, "setup.py": SETUP, "textkit/__init__.py": ""}
    files[".gitignore"] = "textkit/_built.py\n*.egg-info/\nbuild/\n__pycache__/\n"
    for number in range(count):
        files |= {f"textkit/part_{number:02}.py": SLOW, f"tests/test_part_{number:02}.py": TEST.format(number)}
    repository = TargetRepo(folder / "repository", files)
    run_uv(["lock", "--quiet"], cwd=repository.path)
    repository.commit({})
    for number in range(count):
        repository.checkout("main")
        repository.branch(f"perf/words-{number:02}")
        repository.commit({f"textkit/part_{number:02}.py": FAST}, f"Collect the words of part {number} in a dictionary")
    repository.checkout("main")
    defaults = f"{{budget: {budget:g}, verify: {str(verify).lower()}}}"
    top = f"version: 1\nrepo: repository\nupstream: main\ndefaults: {defaults}\noptimizations:\n"
    (folder / "prprep.yaml").write_text(top + "".join(map(ITEM.format, range(count))), encoding="utf-8")


def run(folder: Path, checkout: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PRPREP_CACHE": str(folder / "cache")}
    arguments = [sys.executable, "-m", "tasks", command[0], "-m", str(folder / "prprep.yaml"), *command[1:]]
    with (folder / "output").open("a", encoding="utf-8") as output:
        done = subprocess.run(
            arguments, cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=output, text=True, check=False
        )
        output.write(done.stdout)
    if done.returncode:
        sys.exit(f"prprep ended with exit code {done.returncode}: see {folder / 'output'}")
    return done.stdout


def builds(folder: Path) -> Counter[str]:
    """Count how often each stage built the project, and how often the commands that `verify` runs did."""
    counts: Counter[str] = Counter()
    for log in sorted((folder / ".prprep").glob("*/log.txt")):
        stage = ""
        for line in log.read_text(encoding="utf-8").splitlines():
            if heading := STAGE_OF_LOG.match(line):
                stage = heading[1]
            elif line.startswith(BUILD):
                counts[stage] += 1
            elif NESTED_BUILD.match(line):
                counts["the commands of verify"] += 1
    return counts


if __name__ == "__main__":
    main()
