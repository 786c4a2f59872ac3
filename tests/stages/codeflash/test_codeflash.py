"""The stage: nothing unless the item asks for it; and (slow) the real codeflash on real repositories."""

import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.artifacts import CodeflashRun, TreeSpec
from tasks.environments import builder
from tasks.environments.venvs import Venv
from tasks.git import Clone
from tasks.manifest.model import EnvironmentSettings, Optimization
from tasks.processes.locks import file_lock
from tasks.processes.progress import silent
from tasks.stages.codeflash import codeflash, environment
from tasks.stages.codeflash.environment import build_layer
from tasks.stages.codeflash.reading import read
from tasks.stages.codeflash.running import CodeflashOutcome, CodeflashRequest, clear, compare
from tasks.stages.compare.compare import with_codeflash
from tasks.stages.render.render import bounded
from tasks.storage.paths import ProjectPaths
from tests.stages.codeflash.test_findings import LAYOUT, OUTCOME, REQUEST
from tests.support.evidence import CPU_IMPROVED, DETECTION, INJECTION, SCAFFOLDING, SHA256, Case
from tests.support.projects import FLIT
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo
from tests.support.untouched import snapshot

BENCHMARK = "tests/benchmarks/test_benchmark_unique.py"
SLOW = "def unique(values):\n    found = []\n    for value in values:\n        if value not in found:\n            found.append(value)\n    return found\n"
FAST = "def unique(values):\n    return list(dict.fromkeys(values))\n"
MEASURES = "from textkit import unique\n\n\ndef test_benchmark_unique(benchmark):\n    assert len(benchmark(unique, list(range(600)) * 2)) == 600\n"
METHOD = "\n\nclass Bag:\n    def total(self, first):\n        return first + sum(list(range(50_000)))\n"
MEASURES_METHOD = "from textkit import Bag\n\n\ndef test_benchmark_total(benchmark):\n    assert benchmark(Bag().total, 1) == 1_249_975_001\n"
PROJECT = f'{FLIT}\n[project]\nname = "textkit"\nversion = "1"\ndescription = "Lists"\n'


def test_nothing_runs_unless_the_item_asks_for_it(tmp_path):
    paths = ProjectPaths(tmp_path / "prprep.yaml", tmp_path / ".codeflash").item("total")
    run_stage("codeflash", Optimization(id="total", head="x"), paths, cache=tmp_path / "cache")
    assert CodeflashRun.read(paths.codeflash) == CodeflashRun(item="total")
    assert not (tmp_path / "cache").exists()


def test_the_artifact_holds_the_report_unchanged_with_its_command():
    layer = environment.CodeflashLayer(Venv(Path("/nowhere")), "0.20.6", ("a note",))
    outcome = dataclasses.replace(
        OUTCOME,
        configuration='[tool.codeflash]\nmodule-root = "."\n',
        variables={"PYTHONPATH": "src", "PYTHONMALLOC": "malloc"},
    )
    artifact = codeflash.artifact_of("total", REQUEST, outcome, layer)
    assert (artifact.markdown, artifact.version, artifact.flags) == (
        OUTCOME.markdown,
        "0.20.6",
        "--memory --timeout 120",
    )
    assert artifact.command == f"codeflash compare {'a' * 40} {'b' * 40} --memory --timeout 120"
    assert artifact.variables == "PYTHONPATH=src PYTHONMALLOC=malloc"
    assert artifact.notes[-1] == "a note"
    assert ['module-root = "."' in each for each in artifact.repairs] == [True, False]
    assert "PYTHONMALLOC=malloc" in artifact.repairs[1]


def test_a_report_without_tests_is_no_markdown_for_a_body():
    layer = environment.CodeflashLayer(Venv(Path("/nowhere")), "0.20.6")
    artifact = codeflash.artifact_of(
        "total", REQUEST, dataclasses.replace(OUTCOME, markdown="_No benchmark results to compare._"), layer
    )
    assert (artifact.markdown, artifact.figures) == ("", ())
    assert artifact.findings


def test_leftovers_of_killed_runs_are_removed_and_locked_folders_stay(tmp_path):
    for name in ("left", "held", ".removed-1-2-left"):
        (tmp_path / name / "home").mkdir(parents=True)
        (tmp_path / name / "home" / "trace.db").write_text("x")
    with file_lock(tmp_path / "held.lock", busy=None):
        clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["held", "held.lock", "left.lock"]


# -- the real package -----------------------------------------------------------------------------

slow = pytest.mark.slow


@dataclasses.dataclass
class Target:
    """A src project, unique() made a hundred times faster at head, installed (editable) from a tree of head."""

    repo: TargetRepo
    base: str
    heads: dict[str, str]
    cache: Path
    layer: environment.CodeflashLayer

    def request(self, head="fast", **more) -> CodeflashRequest:
        settings = {
            "functions": REQUEST.functions,
            "metrics": ("time",),
            "layout": LAYOUT,
            "files": {BENCHMARK: MEASURES.encode()},
            **more,
        }
        return CodeflashRequest(self.base, self.heads[head], benchmark=BENCHMARK, **settings)

    def compare(self, head="fast", **more) -> CodeflashOutcome:
        with Clone.open(str(self.repo.path), self.cache) as clone:
            return compare(
                self.request(head, **more), clone, venv=self.layer.venv, folder=self.cache / "codeflash" / "run"
            )

    def artifact(self, outcome: CodeflashOutcome, **more) -> CodeflashRun:
        return codeflash.artifact_of("unique", self.request(**more), outcome, self.layer)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    root = tmp_path_factory.mktemp("codeflash")
    repo = TargetRepo(
        root / "target", {"pyproject.toml": PROJECT, "src/textkit/__init__.py": SLOW + METHOD, "README.md": "textkit\n"}
    )
    base, heads = repo.head, {}
    wrong = FAST.replace("values))", "values))[1:]")
    changes = {
        "fast": FAST + METHOD,
        "wrong": wrong + METHOD,
        "method": SLOW + METHOD.replace("list(range(50_000))", "range(50_000)"),
    }
    for name, text in changes.items():
        repo.branch(name, base)
        heads[name] = repo.commit({"src/textkit/__init__.py": text}, name)
    repo.checkout("main")
    tree, cache = root / "tree", root / "cache"
    subprocess.run(["git", "clone", "--quiet", "--branch", "fast", repo.path, tree], check=True)
    below = builder.build(tree, LAYOUT, EnvironmentSettings(), cache=cache)
    return Target(repo, base, heads, cache, build_layer(below, tree, LAYOUT, cache=cache, report=silent))


@pytest.fixture(scope="module")
def fast(target):
    """The run that goes well, and what is there of the user's and of the cache before and after it."""
    before = snapshot(target.repo.path), _listed(target.cache), CONFIGURATION.exists()
    return target.compare(), before


CONFIGURATION = Path.home() / ".config" / "codeflash"


def _listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in {"codeflash", "clones"})


@slow
def test_each_side_is_measured_on_its_own_code_although_head_is_installed(target, fast):
    outcome, _ = fast
    artifact = target.artifact(outcome)
    assert (outcome.code, artifact.findings) == (0, ())
    assert artifact.flags == f"--inject {BENCHMARK} --timeout 120"
    assert [seen.side for seen in outcome.processes] == ["base", "head"]
    whole = next(figure for figure in artifact.figures if not figure.function)
    # Quadratic against linear on 1,200 values: dozens of times, on any machine.
    assert whole.base > 5 * whole.head
    assert {figure.function for figure in artifact.figures} == {"", "unique"}
    assert f"`{target.base[:12]}` (base)" in artifact.markdown
    assert artifact.markdown == outcome.markdown


@slow
def test_nothing_is_left_behind_and_the_users_repository_stays(target, fast):
    _, before = fast
    assert (snapshot(target.repo.path), _listed(target.cache), CONFIGURATION.exists()) == before
    assert [path.name for path in (target.cache / "codeflash").iterdir()] == ["run.lock"]


@slow
def test_the_bodys_commands_repeat_it_in_a_clone(target, fast, tmp_path):
    run = target.artifact(fast[0])
    specs = {"base": TreeSpec(commit=target.base, files={BENCHMARK: SHA256}, tree="a" * 40)}
    specs["head"] = specs["base"].model_copy(update={"commit": target.heads["fast"]})
    layout = LAYOUT.model_copy(update={"runner": "python"})
    case = Case(
        comparison=with_codeflash(CPU_IMPROVED, run),
        codeflash=run,
        scaffolding=SCAFFOLDING.model_copy(update={"origin": "generated"}),
        detection=DETECTION.model_copy(update={"base": target.base, "head": target.heads["fast"], "layout": layout}),
        injection=INJECTION.model_copy(update=specs),
    )
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", target.repo.path, clone], check=True)
    (clone / BENCHMARK).parent.mkdir(parents=True)
    (clone / BENCHMARK).write_text(MEASURES)
    blocks = re.findall(r"```sh\n(.*?)```", bounded(case.evidence, None).text, re.DOTALL)
    (commands,) = (block for block in blocks if "codeflash.main compare" in block)
    path = f"{target.layer.venv.python.parent}{os.pathsep}{os.environ['PATH']}"
    settings = {
        **os.environ,
        "PATH": path,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run(["bash", "-c", commands], cwd=clone, env=settings, capture_output=True, text=True, check=True)
    artifact = read(done.stdout[done.stdout.index("## Benchmark") :]).of("test_benchmark_unique", "time")
    assert artifact.base > 5 * artifact.head
    assert (
        subprocess.run(["git", "worktree", "list"], cwd=clone, capture_output=True, text=True, check=True).stdout.count(
            "\n"
        )
        == 1
    )


@slow
def test_without_its_import_root_the_installed_code_is_measured_twice_and_that_is_reported(target):
    """The first of codeflash's silent failures, as its users meet it: a src project, installed editable from head."""
    outcome = target.compare(layout=LAYOUT.model_copy(update={"import_roots": ()}))
    artifact = target.artifact(outcome)
    whole = next(figure for figure in artifact.figures if not figure.function)
    assert outcome.code == 0
    assert whole.base < 5 * whole.head
    assert [finding.partition(":")[0] for finding in artifact.findings] == [
        "codeflash did not measure base's code",
        "codeflash did not measure head's code",
    ]
    assert "textkit came from src/textkit/__init__.py, not from base's worktree" in artifact.findings[0]


@slow
def test_a_head_with_a_wrong_result_is_reported_although_codeflash_exits_with_0(target):
    outcome = target.compare("wrong")
    artifact = target.artifact(outcome)
    assert (outcome.code, "🟢" in artifact.markdown) == (0, True)
    (finding,) = artifact.findings
    assert finding.startswith(f"{BENCHMARK}::test_benchmark_unique failed under codeflash on head (assert 599 == 600")
    assert "which its report does not mention" in finding


@slow
def test_a_changed_method_is_measured_although_codeflash_looks_only_for_functions(target):
    """By itself it times nothing then, and writes no report even with memory."""
    function = REQUEST.functions[0].model_copy(update={"path": "src/textkit/__init__.py", "name": "Bag.total"})
    request = {"functions": (function,), "metrics": ("time", "memory"), "files": {BENCHMARK: MEASURES_METHOD.encode()}}
    outcome = target.compare("method", **request)
    artifact = target.artifact(outcome, head="method", **request)
    assert (outcome.code, artifact.findings) == (0, ())
    assert artifact.flags == f"--inject {BENCHMARK} --functions src/textkit/__init__.py::total --memory --timeout 120"
    whole = {figure.metric: figure for figure in artifact.figures if not figure.function}
    assert set(whole) == {"time", "peak memory", "allocations"}
    # A list of 50,000 numbers, and none.
    assert whole["peak memory"].base > 10 * whole["peak memory"].head
    assert any("traces top-level functions only, and none changed" in note for note in artifact.notes)


@slow
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_in_the_sandbox_it_sees_only_what_it_needs(target):
    hidden = target.repo.path / "README.md"
    looks = MEASURES.replace("def test", f"import os\n\nassert not os.path.exists({str(hidden)!r})\n\n\ndef test")
    outcome = target.compare(confined=True, files={BENCHMARK: looks.encode()})
    assert (outcome.code, target.artifact(outcome).findings) == (0, ())
    assert hidden.exists()


@slow
def test_a_run_that_takes_too_long_is_stopped_with_its_child_processes(target, monkeypatch):
    monkeypatch.setattr("tasks.stages.codeflash.command.longest", lambda metrics, timeout: 3.0)
    waits = MEASURES.replace("def test", "import time\n\ntime.sleep(600)\n\n\ndef test")
    outcome = target.compare(files={BENCHMARK: waits.encode()})
    assert (outcome.code, outcome.markdown) == (None, None)
    assert target.artifact(outcome).findings[0].startswith("codeflash compare took longer than 3 s and was stopped")
    assert not (target.cache / "codeflash" / "run").exists()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(target.cache / "codeflash" / "run") not in running
