"""The graph as a user runs it: a small real target, measured for real, on the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import termios
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import runs
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow(0.6)

CHECKOUT = Path(__file__).parents[2]
STAGES = (
    "detect",
    "survey",
    "record",
    "scaffold",
    "inject",
    "lint",
    "tests",
    "measure",
    "codeflash",
    "compare",
    "verify",
    "render",
)
TO_COMPARE = tuple(stage for stage in STAGES if stage not in {"survey", "tests", "verify", "render"})
TOTAL = """
def total(numbers):
    sums = [0]
    for number in numbers:
        sums.append(sums[-1] + number)
    return sums[-1]
"""
LENGTHS = """
def total(words):
    return sum([len(list(word)) for word in words])
"""
FILES = {
    "sums/__init__.py": "",
    "sums/numbers.py": TOTAL,
    "sums/words.py": LENGTHS,
    "tests/benchmarks/test_benchmark_numbers.py": """
        from sums.numbers import total


        def test_benchmark_numbers(benchmark):
            assert benchmark(lambda: total(range(2_000))) == 1_999_000
        """,
    "tests/benchmarks/test_benchmark_words.py": """
        from sums.words import total


        def test_benchmark_words(benchmark):
            assert benchmark(lambda: total(["a", "bb"] * 1_000)) == 3_000
        """,
}
MANIFEST = """\
version: 1
repo: target
upstream: main
defaults: {metrics: memory, tests: false, verify: false, negligible_memory: 0}
optimizations:
  - id: numbers
    title: Sum in C
    domain: cpu
    head: perf/numbers
    functions: sums.numbers:total
  - id: words
    title: Sum lengths without a list
    domain: cpu
    head: perf/words
    functions: sums.words:total
"""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def executed(self) -> set[str]:
        return {line.split()[1] for line in self.out.splitlines() if line.startswith(".  ")}


def settings(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "400", **more}


def prprep(folder: Path, *arguments: str, code: int | None = 0) -> Ended:
    done = runs.prprep(arguments, folder=folder, env=settings())
    output = f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert code is None or done.returncode == code, output
    assert "Traceback" not in done.stdout + done.stderr, output
    return Ended(done.returncode, done.stdout, done.stderr)


def tasks_of(*items: str, stages: tuple[str, ...] = STAGES) -> set[str]:
    return {f"{stage}:{item}" for stage in stages for item in items}


def target(folder: Path) -> TargetRepo:
    repo = TargetRepo(folder, FILES)
    repo.branch("perf/numbers")
    repo.commit({"sums/numbers.py": "def total(numbers):\n    return sum(numbers)\n"}, "Sum in C")
    repo.branch("perf/words", "main")
    repo.commit({"sums/words.py": "def total(words):\n    return sum(map(len, words))\n"}, "Sum lengths without a list")
    repo.checkout("main")
    return repo


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The folder of a manifest after its first run, and how that ended; nobody changes it."""
    folder = tmp_path_factory.mktemp("graph")
    target(folder / "target")
    (folder / "prprep.yaml").write_text(MANIFEST)
    return folder, prprep(folder)


@pytest.fixture
def folder(first, tmp_path):
    """A copy of it in another place."""
    return Path(shutil.copytree(first[0], tmp_path / "copy", symlinks=True))


def edit(folder: Path, old: str, new: str) -> None:
    manifest = folder / "prprep.yaml"
    assert old in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(old, new))


def in_target(folder: Path) -> TargetRepo:
    repo = TargetRepo.__new__(TargetRepo)
    repo.path, repo._clock = folder / "target", 1_800_000_000
    return repo


# -- what runs --------------------------------------------------------------------------------------


def test_the_first_run_makes_two_bodies(first):
    folder, ended = first
    assert ended.executed == tasks_of("numbers", "words") | {"report"}
    # The second item is set up while the first one is measured.
    assert ended.out.index(".  lint:words") < ended.out.index(".  render:numbers")
    bodies = {path.name: path.read_text() for path in (folder / ".codeflash").glob("pr-body-*")}
    assert bodies.keys() == {"pr-body-total.md", "pr-body-total-words.md"}
    assert all("python" in body and "{{" not in body for body in bodies.values())
    assert "2 items: 2 ready" in ended.out
    assert "2 items: 2 ready" in (folder / ".codeflash" / "report.md").read_text()


def test_the_second_run_executes_nothing_from_any_folder(folder):
    ended = prprep(folder)
    assert (ended.executed, "2 items: 2 ready" in ended.out) == (set(), True)


def test_an_edited_benchmark_redoes_its_own_chain_and_no_other(folder):
    benchmark = folder / "target" / "tests" / "benchmarks" / "test_benchmark_numbers.py"
    benchmark.write_text(benchmark.read_text().replace("2_000", "3_000").replace("1_999_000", "4_498_500"))
    ended = prprep(folder, "compare:numbers")
    assert ended.executed == tasks_of("numbers", stages=TO_COMPARE) - {"record:numbers", "codeflash:numbers"}
    assert "stale: run prprep again" in ended.out
    # The report is written at the end in any case, and its task may run beside the last one.
    assert prprep(folder).executed - {"report"} == {"render:numbers"}
    assert prprep(folder).executed == set()


def test_a_lost_or_corrupt_database_redoes_nothing(folder):
    database = folder / ".prprep" / "doit.json"
    for damage in (
        database.unlink,
        lambda: database.write_text("{"),
        lambda: database.write_bytes(b"\xff\x00"),
        lambda: database.write_text("[1]"),
    ):
        damage()
        assert prprep(folder).executed == set()


def test_caches_may_be_lost(folder):
    for name in ("facts.json", "plan.json", "refs.json", "checked.json"):
        (folder / ".prprep" / name).unlink(missing_ok=True)
    assert prprep(folder).executed == set()
    for name in ("facts.json", "plan.json", "refs.json", "checked.json"):
        (folder / ".prprep" / name).write_text("{")
    assert prprep(folder).executed == set()


def test_a_forgotten_task_runs_again_and_its_dependents_only_if_its_result_changed(folder):
    prprep(folder, "forget", "compare:numbers")
    assert prprep(folder).executed == {"compare:numbers"}
    assert prprep(folder).executed == set()


def test_a_threshold_judges_again_and_measures_nothing(folder):
    edit(folder, "memory, tests", "memory, negligible: 0.02, tests")
    ended = prprep(folder, "-n", "0")
    assert ended.executed == tasks_of("numbers", "words", stages=("compare", "render")) | {"report"}
    assert prprep(folder, "-n", "0").executed == set()


def test_always_execute_runs_every_requested_task(folder):
    expected = tasks_of("words", stages=TO_COMPARE[: TO_COMPARE.index("lint") + 1])
    assert prprep(folder, "run", "-a", "lint:words").executed == expected


# -- what a person has to do, and what goes wrong ---------------------------------------------------

GAP = """
  - id: gap
    title: Needs a person
    domain: cpu
    head: perf/gap
    functions: sums.gap:joined
"""


def test_an_item_that_waits_for_a_person_is_no_failure(folder):
    repo = in_target(folder)
    repo.branch("perf/gap")
    repo.commit({"sums/gap.py": "def joined(parts, connection):\n    return connection.join(parts)\n"}, "Join")
    repo.checkout("main")
    repo.commit(
        {"sums/gap.py": "def joined(parts, connection):\n    return connection.join([part for part in parts])\n"},
        "Begin to join",
    )
    repo.checkout("main")
    (folder / "prprep.yaml").write_text(
        (folder / "prprep.yaml").read_text() + GAP.replace("head: perf/gap", "base: main\n    head: perf/gap")
    )
    ended = prprep(folder)
    assert ended.executed >= {"detect:gap", "scaffold:gap"}
    benchmark = folder / ".codeflash" / "benchmarks" / "gap" / "test_benchmark_joined.py"
    line = 1 + benchmark.read_text().splitlines().index(
        next(line for line in benchmark.read_text().splitlines() if "TODO" in line)
    )
    assert (
        f"needs review: fill in the arguments at .codeflash/benchmarks/gap/test_benchmark_joined.py:{line}" in ended.out
    )
    assert prprep(folder).executed == set()

    lines = benchmark.read_text().splitlines()
    indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
    lines[line - 1] = f'{indent}parts, connection = ["a"] * 1_000, ","'
    benchmark.write_text("\n".join(lines) + "\n")
    assert prprep(folder, "lint:gap").executed >= tasks_of("gap", stages=("scaffold", "inject", "lint"))
    assert prprep(folder, "lint:gap").executed == set()

    prprep(folder, "clean")
    names = {f"{name}.json" for name in (*STAGES, "samples")}
    assert [path for path in (folder / ".prprep").glob("*/*.json") if path.name in names] == []
    assert [path.name for path in (folder / ".codeflash").rglob("*") if path.is_file()] == ["test_benchmark_joined.py"]
    assert "TODO" not in benchmark.read_text()


BROKEN = """
  - id: broken
    title: Breaks the syntax
    domain: cpu
    head: perf/broken
    functions: sums.numbers:total
  - id: failing
    title: Fails its benchmark
    domain: cpu
    head: perf/failing
    functions: sums.words:total
    benchmark: tests/benchmarks/test_benchmark_words.py
"""


def test_what_goes_wrong_with_one_item_leaves_the_others_going(folder):
    repo = in_target(folder)
    repo.branch("perf/broken")
    repo.commit({"sums/numbers.py": "def total(numbers:\n    return sum(numbers)\n"}, "Break")
    repo.branch("perf/failing", "main")
    repo.commit({"sums/words.py": "def total(words):\n    return 'wrong'\n"}, "Fail")
    repo.checkout("main")
    manifest = folder / "prprep.yaml"
    head, mark, items = manifest.read_text().partition("optimizations:\n")
    manifest.write_text(
        head + mark + BROKEN.lstrip("\n") + items.replace("title: Sum in C", "title: Sum in C, once more")
    )
    ended = prprep(folder, code=1)
    output = ended.out + ended.err
    assert {"render:numbers", "lint:failing"} <= ended.executed
    # The items before them take the names of their bodies over, and one is before another that changes the same function.
    assert ended.executed & tasks_of("numbers", "words") == {
        "detect:numbers",
        "survey:words",
        "render:numbers",
        "render:words",
    }
    assert "4 items: 1 ready, 1 needs review, 2 blocked" in ended.out
    assert "blocked: detect: " in output
    assert "sums/numbers.py" in output
    assert "blocked: lint: " in output
    assert "test_benchmark_words" in output
    assert (ended.out.count("## detect:broken failed"), ended.out.count("## lint:failing failed")) == (1, 1)

    repo.checkout("perf/broken")
    repo.commit({"sums/numbers.py": "def total(numbers):\n    return sum(numbers)\n"}, "Mend")
    repo.checkout("main")
    manifest.write_text(head + mark + items)
    ended = prprep(folder)
    assert "2 items: 2 ready" in ended.out
    assert ended.executed <= {
        "detect:numbers",
        "render:numbers",
        "detect:words",
        "survey:words",
        "render:words",
        "report",
    }


def test_a_failure_that_was_taken_back_blocks_nothing(folder):
    edit(folder, "head: perf/numbers\n", "head: perf/numbers\n    env: {extras: unheard-of}\n")
    assert "1 ready, 1 blocked" in prprep(folder, code=1).out
    edit(folder, "    env: {extras: unheard-of}\n", "")
    ended = prprep(folder)
    assert ("2 items: 2 ready" in ended.out, ended.executed & tasks_of("numbers", stages=("measure",))) == (True, set())
    assert prprep(folder).executed == set()


# -- names of bodies --------------------------------------------------------------------------------


def test_an_item_that_takes_a_name_over_does_not_pass_for_a_persons_edit(folder):
    head, numbers, words = (folder / "prprep.yaml").read_text().split("  - ")

    def reordered(*items: str) -> tuple[set[str], str]:
        (folder / "prprep.yaml").write_text("  - ".join([head, *items]))
        ended = prprep(folder)
        assert {"render:numbers", "render:words"} <= ended.executed
        assert "2 items: 2 ready" in ended.out
        bodies = {path.name for path in (folder / ".codeflash").glob("pr-body-*")}
        return bodies, (folder / ".codeflash/pr-body-total.md").read_text()

    bodies, body = reordered(words, numbers)
    assert (bodies, "Sum lengths" in body) == ({"pr-body-total.md", "pr-body-total-numbers.md"}, True)
    bodies, body = reordered(numbers, words)
    assert (bodies, "Sum in C" in body) == ({"pr-body-total.md", "pr-body-total-words.md"}, True)


# -- commands ---------------------------------------------------------------------------------------


def test_info_and_list(folder):
    info = prprep(folder, "info", "compare:numbers").out
    assert all(
        name in info for name in ("compare:numbers", ".prprep/numbers/compare.json", ".prprep/numbers/samples.json")
    )
    listed = prprep(folder, "list", "--all", "--status").out
    status = {line.split()[1]: line.split()[0] for line in listed.splitlines()}
    assert {name for name in status if ":" in name} == tasks_of("numbers", "words")
    assert {letter for name, letter in status.items() if ":" in name} == {"U"}
    plain = prprep(folder, "list").out
    assert [line.split()[0] for line in plain.splitlines()] == sorted([*STAGES, "report"])


def test_doits_own_reporters(folder):
    ended = prprep(folder, "-r", "json")
    assert {
        task["name"]: task["result"] for task in json.loads(ended.out)["tasks"] if task["name"] not in STAGES
    } == dict.fromkeys([*tasks_of("numbers", "words"), "report"], "up-to-date")
    assert "2 items: 2 ready" in ended.err
    ended = prprep(folder, "-r", "executed-only")
    assert (ended.out, "2 items: 2 ready" in ended.err) == ("", True)


def test_the_manifest_is_found_from_a_subfolder_and_by_its_name(folder, tmp_path):
    below = folder / "target" / "sums"
    assert prprep(below).executed == set()
    (folder / "prprep.yaml").rename(folder / "other.yaml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert prprep(elsewhere, "-m", "../copy/other.yaml").executed == set()
    assert prprep(elsewhere, "list", "-m", "../copy/other.yaml").code == 0
    assert list(elsewhere.iterdir()) == []


def test_a_manifest_that_is_not_there(tmp_path):
    ended = prprep(tmp_path, code=3)
    assert ended.out + ended.err == (
        f"ERROR: {tmp_path}: no prprep.yaml in this folder or above it\n"
        "  `prprep init` drafts one from the repository and its notes; or name yours: prprep -m FILE\n"
    )
    ended = prprep(tmp_path, "-m", "missing", code=3)
    assert ended.out + ended.err == "ERROR: missing: no such manifest\n  give the path of a file: prprep -m FILE\n"
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_manifest_runs_nothing(folder):
    edit(folder, "domain: cpu", "domian: cpu")
    ended = prprep(folder, code=3)
    assert ended.executed == set()
    assert "domian" in ended.out + ended.err
    assert "nothing was run" in ended.out + ended.err


def test_commands_that_need_no_manifest(tmp_path):
    from tasks import __version__

    version = prprep(tmp_path, "--version").out
    assert version.startswith(f"prprep {__version__} (Python 3.")
    assert "memray 1." in version
    assert prprep(tmp_path, "schema").out == (CHECKOUT / "prprep.schema.json").read_text()
    for shell in ("bash", "zsh"):
        script = prprep(tmp_path, "tabcompletion", "--shell", shell).out
        assert "prprep" in script
        assert "doit list" not in script
    assert list(tmp_path.iterdir()) == []


COMPLETING = """
prprep() { "$PYTHON" -m tasks "$@"; }
_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD; }
source <(prprep tabcompletion)
for line in "prprep open w" "prprep explain n" "prprep try br" "prprep bra" "prprep job pack wo"; do
  COMP_WORDS=($line) COMP_CWORD=$(( $(wc -w <<<"$line") - 1 ))
  _prprep
  echo "${COMPREPLY[@]}"
done
"""


def test_the_shell_completes_items_refs_and_commands(folder):
    repo = TargetRepo(folder)
    repo.commit({"README": "Sums."}, "Start")
    repo.git("branch", "brisk")
    variables = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        ["bash", "-c", COMPLETING], cwd=folder, env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["words", "numbers", "brisk", "branch", "words"]


DROPPING = """
import os, signal, time, weakref
from tasks import cli

class Watched: ...

cli.REPEAT_SECONDS = 0.3
signal.signal(signal.SIGTERM, cli._terminated)
watched = Watched()
reference = weakref.ref(watched, lambda _: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(0.05))
del watched
time.sleep(30)
"""


def test_a_signal_that_python_drops_in_a_callback_is_not_lost():
    done = subprocess.run(
        [sys.executable, "-c", DROPPING], cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=20
    )
    assert "Exception ignored" in done.stderr
    assert done.returncode == 143


# -- in a terminal ------------------------------------------------------------------------------------

COLOUR = re.compile(r"\x1b\[(?:\d+;)*3[0-7]m")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(folder: Path, *arguments: str, width: int = 100, **variables: str) -> str:
    """Render the first item again in a pseudo terminal, and return what it shows."""
    prprep(folder, "forget", "render:numbers")
    leader, follower = os.openpty()
    termios.tcsetwinsize(follower, (40, width))
    environment = {**settings(), "TERM": "xterm-256color", **variables}
    del environment["COLUMNS"]
    command = [sys.executable, "-m", "tasks", *arguments]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=follower, stdout=follower, stderr=follower
    ) as running:
        os.close(follower)
        shown = b""
        with suppress(OSError):  # on Linux the end of a pseudo terminal is an error
            while chunk := os.read(leader, 65_536):
                shown += chunk
        os.close(leader)
    assert running.returncode == 0, shown.decode()
    return shown.decode().replace("\r\n", "\n")


def test_a_terminal_shows_results_and_a_count_instead_of_tasks(folder):
    shown = in_terminal(folder)
    text = ESCAPE.sub("", shown)
    assert ".  render" not in text
    assert "2 of 2 items done" in text
    assert re.search(r"numbers: ready; peak memory −[\d.]+ %; pr-body-total\.md", text)
    assert "words:" not in text  # nothing was done for it
    assert set(COLOUR.findall(shown)) == {"\x1b[32m"}
    assert max(map(len, text[text.rindex("#  Optimization") :].splitlines())) <= 100


def test_a_narrow_terminal_breaks_no_line(folder):
    shown = ESCAPE.sub("", in_terminal(folder, width=40))
    assert max(map(len, re.split("[\r\n]", shown))) <= 40
    assert "2 of 2 items done" in shown


def test_what_a_terminal_cannot_show_is_left_out(folder):
    plain = in_terminal(folder, "-v", NO_COLOR="1", PYTHONIOENCODING="ascii")
    assert not COLOUR.search(plain)
    assert plain.isascii()
    assert all(part in ESCAPE.sub("", plain) for part in (".  render:numbers", "numbers: ready", "2 of 2 items done"))
    dumb = in_terminal(folder, TERM="dumb")
    assert ".  render:numbers" in dumb
    assert "\x1b" not in dumb
