"""The body's commands, run for real where a reader would run them, and compared with true and false claims."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from tasks.artifacts import Comparison, Interval, MetricName, RunCommand, Verdict, Verification
from tasks.git import standalone
from tasks.manifest.model import Optimization
from tasks.stages.verify import fresh_clone, verify
from tasks.storage.hashing import digest
from tasks.storage.paths import ItemPaths
from tasks.workspace import nested
from tests.support.briefly import LAUNCH
from tests.support.evidence import CPU_IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED, Case
from tests.support.mistakes import command, ran, variables_of
from tests.support.sandboxes import demand_bubblewrap
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

CHECKOUT = Path(__file__).parents[3]
RAN = (RunCommand(text="prprep compare:a\n", code=0),)


def measured(claim: Comparison, ratio: float, verdict: Verdict) -> Comparison:
    interval = Interval(ratio=ratio, low=ratio * 0.99, high=ratio * 1.01, confidence=0.99)
    return claim.model_copy(
        update={
            "changes": tuple(
                change.model_copy(update={"interval": interval, "verdict": verdict}) for change in claim.changes
            )
        }
    )


# -- compared with the claim, by literal values ------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "ratio", "verdict", "agrees"),
    [
        (CPU_IMPROVED, 0.8, Verdict.IMPROVED, True),
        (CPU_IMPROVED, 0.97, Verdict.INCONCLUSIVE, True),  # The same direction, beyond what is negligible.
        (CPU_IMPROVED, 0.995, Verdict.UNCHANGED, False),
        (CPU_IMPROVED, 1.2, Verdict.REGRESSED, False),
        (REGRESSED, 1.2, Verdict.REGRESSED, True),
        (REGRESSED, 1.005, Verdict.UNCHANGED, False),
        (UNCHANGED, 1.002, Verdict.UNCHANGED, True),
        (UNCHANGED, 0.97, Verdict.INCONCLUSIVE, True),
        (UNCHANGED, 0.8, Verdict.IMPROVED, False),
        (INCONCLUSIVE, 0.8, Verdict.IMPROVED, True),  # Nothing was claimed.
    ],
)
def test_a_claim_has_to_be_measured_again(claim, ratio, verdict, agrees):
    verification = verify.judged("a", RAN, claim, measured(claim, ratio, verdict))
    assert [(each.metric, each.agrees) for each in verification.repeated] == [(MetricName.TIME, agrees)]
    assert verification.verified is agrees
    assert verification.needs_review == verification.findings
    assert len(verification.findings) == (0 if agrees else 1)


def test_a_disagreement_names_both_figures():
    (finding,) = verify.judged("a", RAN, CPU_IMPROVED, measured(CPU_IMPROVED, 1.2, Verdict.REGRESSED)).findings
    assert re.fullmatch(
        r"the body claims time −20\.9 % for \S+; its commands measured \+20\.0 % in a fresh clone", finding
    )


def test_a_claim_from_another_machine_names_the_one_that_repeats_it():
    judged = partial(verify.judged, "a", RAN, CPU_IMPROVED)
    again = measured(CPU_IMPROVED, 1.2, Verdict.REGRESSED)
    elsewhere, same = judged(again, here="Abacus"), judged(again, here=CPU_IMPROVED.platform)
    assert (elsewhere.platform, same.platform) == ("Abacus", "")
    assert elsewhere.findings[0].endswith("its commands measured +20.0 % in a fresh clone on Abacus")
    assert same.findings[0].endswith("its commands measured +20.0 % in a fresh clone")


BLOCK = """
# this Python needs pytest-benchmark
for side in base head; do (
  PYTHONPATH="$work/$side" python -m pytest -o 'addopts=-q' tests/test_a.py
  PYTHONPATH="$work/$side" python -m pytest tests/test_a.py --memray --benchmark-disable
); done
"""
TABLE = "Name (time in us)    Min\ntest_a    1.0\n"


@pytest.mark.parametrize(
    ("commands", "output", "untimed"),
    [
        (BLOCK, TABLE * 2, False),
        (BLOCK, TABLE, True),  # base alone
        (BLOCK, "2 passed, benchmarks were disabled\n", True),
        (BLOCK.replace("for side in base head; do (", "(").replace("; done", ""), TABLE, False),
        ("prprep compare:a\n", "", False),
        ("uv run --with pytest-benchmark python -m pytest a.py\n", "1 passed\n", True),
        ("poetry run python -m pip install pytest-benchmark\n", "", False),
        ("pytest a.py --benchmark-disable\n", "1 passed\n", False),
        ("python -m pip install --quiet pytest pytest-benchmark\n", "", False),
        ("pip install pytest && pytest a.py\n", "1 passed\n", True),
        ("uv run --with pytest python -m timeit\n", "", False),
        ("poetry add --group dev pytest\ncat pytest.ini\ncd tests/pytest\n", "", False),
        ("pytest -o 'addopts=-k \"a; #b\"' a.py --benchmark-disable\n", "1 passed\n", False),
        ("/opt/add/bin/pytest a.py\n", "1 passed\n", True),
    ],
)
def test_a_run_of_pytest_has_to_time_the_benchmark(commands, output, untimed):
    found = fresh_clone.untimed(commands, output)
    assert ("pytest" in found) is untimed
    judged = verify.judged("a", (*RAN, RunCommand(text=commands, code=0, untimed=found)), UNCHANGED, UNCHANGED)
    assert [found in finding for finding in judged.findings] == [True] * untimed
    assert judged.verified is not untimed


def test_a_missing_metric_is_a_disagreement():
    other = CPU_IMPROVED.model_copy(update={"changes": ()})
    (each,) = verify.judged("a", RAN, CPU_IMPROVED, other).repeated
    assert (each.found, each.agrees) == (None, False)


def test_commands_without_a_comparison_have_to_succeed():
    verification = verify.judged("a", (RunCommand(text="pytest\n", code=0),), CPU_IMPROVED, None)
    assert (verification.verified, verification.repeated) == (True, ())


@pytest.mark.parametrize(("code", "how"), [(2, "ended with exit code 2"), (None, "took too long")])
def test_a_failed_command_is_reported_with_its_last_line(code, how):
    verification = verify.judged(
        "a", (RunCommand(text="x\ny\n", code=code, failed="y", tail="one\nno such thing"),), CPU_IMPROVED, None
    )
    assert verification.findings == (f"a command that the body gives {how} in a fresh clone: y (no such thing)",)
    assert not verification.verified


def test_commands_that_change_the_readers_clone_are_reported():
    assert verify.judged("a", RAN, CPU_IMPROVED, None, ["files"]).findings == (
        "the commands that the body gives change the reader's clone: files",
    )


def test_why_nothing_runs(monkeypatch):
    monkeypatch.delenv(nested.MARK, raising=False)
    assert verify.why_not(Optimization(id="a", head="x")) == ""
    assert verify.why_not(Optimization(id="a", head="x", verify=False)) == "the manifest says `verify: false`"
    monkeypatch.setenv(nested.MARK, "1")
    assert verify.why_not(Optimization(id="a", head="x")) == "this prprep was started by another one"


def test_a_body_without_commands_cannot_be_verified(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "reproduce.md.j2").write_text("Ask the author.\n")
    case = Case()
    paths = case.write(tmp_path)
    run_stage("verify", case.item, paths, cache=tmp_path / "cache", templates="templates")
    verification = Verification.read(paths.verify)
    assert (verification.verified, verification.comparison) == (False, digest(paths.compare))
    assert verification.needs_review == (
        "the commands that the body gives could not be run: the body gives no commands in a block of `sh`",
    )


def test_commands_that_install_prprep_run_this_one(tmp_path):
    for name, text in (("prprep", "this one"), ("uv", "uv")):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {text}: "$@"\n')
        (tmp_path / name).chmod(0o755)
    fresh_clone.write_installers(tmp_path, tmp_path / "prprep")
    commands = "uvx prprep compare:a; pipx run prprep compare:a -v; uvx nox -s a; pipx run nox"
    done = subprocess.run(
        ["sh", "-c", commands], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "this one: compare:a",
        "this one: compare:a -v",
        "uv: tool run nox -s a",
        "uv: tool run pipx run nox",
    ]


# -- for real ---------------------------------------------------------------------------------------

BENCHMARK = "tests/benchmarks/test_benchmark_total.py"
FILES = {
    "sums/__init__.py": "",
    "sums/numbers.py": """
        def total(values=range(10_000)):
            sums = [0]
            for value in values:
                sums.append(sums[-1] + value)
            return sums[-1]
        """,
}
MANIFEST = """\
version: 1
repo: target
upstream: main
optimizations:
  - id: total
    head: perf
    domain: cpu
    functions: sums.numbers:total
    metrics: memory
    tests: false
    benchmark: {setup: "from sums.numbers import total", call: "total()"}
"""
ITEM = Optimization(id="total", head="perf", domain=("cpu",), functions=("sums.numbers:total",), metrics=("memory",))


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Compare once; every test gets what came of it."""
    folder = tmp_path_factory.mktemp("verify")
    repo = TargetRepo(folder / "target", FILES)
    repo.branch("perf")
    repo.commit({"sums/numbers.py": "def total(values=range(10_000)):\n    return sum(values)\n"})
    repo.checkout("main")
    (folder / "prprep.yaml").write_text(MANIFEST)
    done = ran(folder, "run", "compare:total")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Place:
    """A copy of what was compared, whose artifacts a test may change; the repository is always the same."""

    def __init__(self, compared: Path, folder: Path) -> None:
        self.folder, self.target, self.cache = folder / "work", compared / "target", Path(os.environ["PRPREP_CACHE"])
        self.folder.mkdir()
        for name in (".prprep", ".codeflash", "prprep.yaml"):
            source = compared / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, self.folder / name)
        manifest = (self.folder / "prprep.yaml").read_text().replace("repo: target", f"repo: {self.target}")
        (self.folder / "prprep.yaml").write_text(manifest)
        self.paths = ItemPaths("total", self.folder / ".prprep" / "total", self.folder / ".codeflash")

    def template(self, text: str) -> None:
        (self.folder / "templates").mkdir(exist_ok=True)
        (self.folder / "templates" / "reproduce.md.j2").write_text(text)

    def run(self, **settings: object) -> Verification:
        item = ITEM.model_copy(update=settings)
        templates = "templates" if (self.folder / "templates").exists() else ""
        with untouched(self.target), pytest.MonkeyPatch.context() as patch:
            patch.setattr(nested, "_LAUNCH", LAUNCH)
            run_stage("verify", item, self.paths, address=self.target, cache=self.cache, templates=templates)
        assert {path.name for path in (self.cache / "scratch").iterdir()} - {"folders.lock"} == set()
        verification = Verification.read(self.paths.verify)
        assert str(self.cache) not in verification.model_dump_json()
        return verification


@pytest.fixture
def place(compared, tmp_path):
    return Place(compared, tmp_path)


def byte_for_byte(clone: Path) -> dict[str, str]:
    files = (
        path
        for path in clone.rglob("*")
        if path.is_file() and path.relative_to(clone).parts[0] not in {".prprep", ".codeflash"}
    )
    return {str(path.relative_to(clone)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_a_true_claim_is_confirmed_and_the_readers_clone_stays_byte_for_byte_the_same(place, monkeypatch):
    monkeypatch.setattr(standalone, "repository_state", byte_for_byte)
    verification = place.run()
    assert (verification.verified, verification.findings) == (True, ())
    assert verification.comparison == digest(place.paths.compare)
    assert [(each.metric, each.verdict, each.agrees) for each in verification.repeated] == [
        (MetricName.PEAK, Verdict.IMPROVED, True)
    ]
    assert [each.text.split("\n", 1)[0] for each in verification.commands] == [
        "uvx prprep compare:total  # or: pipx run prprep compare:total",
        "work=$(mktemp -d)",
    ]
    text = "".join(each.text for each in verification.commands)
    assert not re.search(r"git (\S+ )*(stash|checkout|switch|reset|branch)", text)
    named = re.findall(r"worktree add --detach \S+ (\S+)", text)
    assert [len(commit) for commit in named] == [40, 40]
    assert "main" not in text.split()
    assert "perf" not in text.split()


@pytest.mark.slow
def test_commands_of_the_users_template_are_those_that_run(place, monkeypatch):
    monkeypatch.setenv("A_TOKEN", "secret")
    place.template(
        "With {{ BENCHMARK_PATH }}:\n\n```sh\ntest -f {{ BENCHMARK_PATH }}\ntest -z \"${A_TOKEN-}\"\npython -c 'import pytest_benchmark'\npytest --version\n```\n\n"
        "```python\nnot run\n```\n\n```bash\ncd sums\nls numbers.py\n```\n"
    )
    verification = place.run()
    assert (verification.verified, verification.repeated) == (True, ())
    assert [each.code for each in verification.commands] == [0, 0]


@pytest.mark.slow
def test_the_failed_command_is_named_with_the_end_of_its_output(place):
    place.template(
        "```sh\necho first\nfor side in base head; do (\n  cd sums || exit\n  ls no-such-file-of-$side\n); done\necho never\n```\n"
    )
    verification = place.run()
    (command,) = verification.commands
    assert (command.code, command.failed) == (2, "ls no-such-file-of-$side")
    assert "no-such-file-of-base" in command.tail
    assert "never" not in command.tail
    assert verification.needs_review == verification.findings
    assert verification.findings[0].startswith(
        "a command that the body gives ended with exit code 2 in a fresh clone: ls no-such-file-of-$side"
    )


@pytest.mark.slow
def test_commands_that_hang_are_stopped(place, monkeypatch):
    monkeypatch.setattr(verify, "SECONDS", 1.0)
    monkeypatch.setattr(verify, "BUDGETS", 0)
    place.template("```sh\nsleep 600\n```\n")
    (command,) = place.run().commands
    assert (command.code, command.failed) == (None, "sleep 600")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("git checkout --quiet -b mine", "HEAD"),
        ("echo x >> sums/numbers.py", "files"),
        ("git branch mine", "branches and tags"),
    ],
)
def test_commands_that_change_the_readers_tree_are_reported(place, command, what):
    place.template(f"```sh\n{command}\n```\n")
    verification = place.run()
    assert f"the commands that the body gives change the reader's clone: {what}" in verification.findings


@pytest.mark.slow
def test_commands_under_bubblewrap_have_no_network_and_see_no_home(place):
    demand_bubblewrap()
    commands = (
        'test "$HOME" = /tmp/home',
        f"test ! -e {CHECKOUT}/README.md",
        "python -c \"import socket, sys; s = socket.socket(); sys.exit(0 if s.connect_ex(('10.255.255.1', 9)) else 1)\"",
    )
    place.template(
        "```sh\n"
        + "\n".join(commands)
        + '\nwork=$(mktemp -d)\ngit worktree add --detach "$work"/x HEAD\ngit worktree remove --force "$work"/x\n```\n'
    )
    verification = place.run(sandbox="bwrap")
    assert verification.findings == ()
    assert verification.verified


@pytest.mark.slow
def test_nothing_that_confined_commands_leave_in_the_clone_runs_outside(place, tmp_path, monkeypatch):
    """Filters, hooks and monitors in git's folder, programs on the path, the manifest, borrowed objects."""
    demand_bubblewrap()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("hush")
    escape = tmp_path / "escape"
    escape.write_text(f"#!/bin/sh\necho $0 $PWD >> {outside}/ran\ncat\n")
    escape.chmod(0o755)
    lines = (
        f"test ! -e {outside}",
        "mkdir -p .git/info .git/hooks .git/objects/info",
        f"git config filter.x.clean {escape}",
        f"git config filter.x.process {escape}",
        f"git config core.fsmonitor {escape}",
        f"git config core.hooksPath {tmp_path}",
        f"git config diff.external {escape}",
        "echo '* filter=x' | tee .git/info/attributes > .gitattributes",
        f"echo 'exec {escape}' > .git/hooks/post-index-change; chmod +x .git/hooks/*",
        "touch sums/*.py; echo '# more' >> sums/numbers.py",
        f"echo {outside} > .git/objects/info/alternates",
        (
            "for program in prprep uv python; do "
            f'printf "#!/bin/sh\\nexec {escape}\\n" > "$(command -v $program)" || true; done'
        ),
        "echo 'optimizations: [{id: total, head: perf, summarize: touch}]' > prprep.yaml",
        'ln -sf /etc/passwd "$PRPREP_FAILED"',
        "exit 7",
    )
    place.template("```sh\n" + "\n".join(lines) + "\n```\n\n```sh\nprprep list\n```\n")
    verification = place.run(sandbox="bwrap")
    assert [path.name for path in outside.iterdir()] == ["secret"]
    confined, ours = verification.commands
    assert (confined.code, ours.code) == (7, 0), confined.failed + confined.tail + ours.tail
    assert "root:" not in verification.model_dump_json()
    changed = {finding.rpartition(": ")[2] for finding in verification.findings[1:]}
    assert changed == {"files", "configuration"}


@pytest.mark.slow
def test_it_is_run_once_and_goes_with_a_kill(place):
    """A killed run leaves no process, and the next start removes its folder."""
    words = ("run", "--manifest", str(place.folder / "prprep.yaml"), "verify:total")
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    running = subprocess.Popen(command(*words), cwd=place.folder, env=variables_of({}), **streams)
    for line in running.stderr:
        if "verify:total: running the body's commands" in line:
            break
    left = [path for path in (place.cache / "scratch").iterdir() if path.is_dir()]
    assert len(left) == 1
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stderr.close()
    assert gone(str(left[0]))
    place.template("```sh\ntrue\n```\n")
    (place.folder / "prprep.yaml").write_text((place.folder / "prprep.yaml").read_text() + "templates: templates\n")
    done = ran(place.folder, *words)
    assert re.findall(r"^\.  (\S+)", done.stdout, re.MULTILINE) == ["verify:total"]
    assert not left[0].exists()
    assert Verification.read(place.paths.verify).verified
    again = ran(place.folder, *words)
    assert again.returncode == 0, again.stderr
    assert re.findall(r"^\.  (\S+)", again.stdout, re.MULTILINE) == []


def gone(folder: str) -> bool:
    """Wait until no process works with a folder any more."""
    for _ in range(100):
        lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
        if not any(folder in line for line in lines):
            return True
        time.sleep(0.1)
    return False
