"""The stage: artifacts in, samples out; real repository, real environments."""

import hashlib
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.artifacts import Detection, DomainProposal, Injection, MetricName, Module, Samples, Scaffolding, TreeSpec
from tasks.bench.memory import memory
from tasks.bench.setup import ItemArtifacts, Sampling, SideEnvironment, modules_of, request_for, shorten_paths, side_of
from tasks.bench.time import timing
from tasks.environments import builder
from tasks.environments.venvs import package_differences
from tasks.errors import MeasuringError, ProvenanceError
from tasks.manifest.model import Optimization
from tasks.processes.progress import silent
from tasks.stages.measure import measure
from tasks.storage.paths import ItemPaths
from tests.support import evidence
from tests.support.projects import FLIT
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo

SLOW = "def total(numbers):\n    result = 0\n    for number in list(numbers):\n        result += number\n    return result\n"
FAST = "def total(numbers):\n    return sum(numbers)\n"
BENCHMARK = "from project import total\n\n\ndef test_benchmark_total(benchmark):\n    assert benchmark(total, range(20_000)) == 199_990_000\n"
PYPROJECT = FLIT + '[project]\nname = "project"\nversion = "1"\ndescription = "Sums"\n'
LAYOUT = evidence.LAYOUT.model_copy(update={"packages": ("project",), "benchmarks_root": "tests", "runner": "python"})
ITEM = Optimization(id="total", budget=1.0, metrics=("time", "memory"))


def detection(base="a" * 40, head="b" * 40, **changes):
    fields = {
        "item": "total",
        "title": "Sum in C",
        "base": base,
        "head": head,
        "base_ref": "main",
        "head_ref": "faster",
        "upstream": base,
        "upstream_ref": "main",
        "slug": None,
        "commits": (),
        "files": ("src/project/__init__.py",),
        "functions": (),
        "target": "project:total",
        "target_reason": "the manifest names it",
        "domain": DomainProposal(domains=("cpu",), reason="the manifest says so", given=True),
        "benchmark": None,
        "layout": LAYOUT,
    }
    return Detection(**{**fields, **changes})


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A repository, and the artifacts of the stages before this one."""
    root = tmp_path_factory.mktemp("measure")
    files = {"src/project/__init__.py": SLOW, "tests/test_benchmark_total.py": BENCHMARK, "pyproject.toml": PYPROJECT}
    repo = TargetRepo(root / "repo", files)
    base = repo.head
    head = repo.commit({"src/project/__init__.py": FAST}, "Sum in C")
    paths = ItemPaths("total", root / "repo/.prprep/total", root / "repo/.codeflash")
    sha256 = hashlib.sha256(BENCHMARK.encode()).hexdigest()
    specs = [TreeSpec(commit=commit, tree=repo.git("rev-parse", f"{commit}^{{tree}}")) for commit in (base, head)]
    path = "tests/test_benchmark_total.py"
    detection(base, head).write(paths.detect)
    Scaffolding(item="total", path=path, origin="head", source=head, sha256=sha256, made_from="existing").write(
        paths.scaffold
    )
    Injection(
        item="total",
        strategy="inject",
        reason="",
        benchmark=path,
        benchmark_sha256=sha256,
        base=specs[0],
        head=specs[1],
        repairs=("a repair",),
    ).write(paths.inject)
    return repo, paths, Path(os.environ["PRPREP_CACHE"])


def run(prepared, item=ITEM, report=silent):
    repo, paths, cache = prepared
    where = {"address": repo.path, "cache": cache}
    run_stage("measure", item, paths, **where, fingerprint="made from this", report=report)
    return Samples.read(paths.samples)


@pytest.fixture(scope="module")
def samples(prepared):
    with pytest.MonkeyPatch.context() as patch:
        # What is kept does not depend on how often it was measured.
        patch.setattr(timing, "LOOKS", (2,))
        patch.setattr(memory, "REPEATS", 1)
        return run(prepared)


@pytest.mark.slow
def test_samples_hold_every_metric_and_what_they_were_measured_in(prepared, samples):
    repo, _, _ = prepared
    test = "tests/test_benchmark_total.py::test_benchmark_total"
    assert [(measurement.test, measurement.metric) for measurement in samples.measurements] == [
        (test, MetricName.TIME),
        (test, MetricName.CPU),
        (test, MetricName.PEAK),
        (test, MetricName.ALLOCATIONS),
        (test, MetricName.LEAKED),
    ]
    assert samples.tests == (test,)
    assert [(output.verdict, output.detail) for output in samples.outputs] == [("equal", "")]
    assert samples.head.commit == repo.head
    assert samples.repairs == ("a repair",)
    assert any(package.startswith("pytest-benchmark==") for package in samples.base.packages)
    assert {module.path: module.blob for module in samples.head.modules} == {
        path: repo.git("rev-parse", f"HEAD:{path}")
        for path in ("src/project/__init__.py", "tests/test_benchmark_total.py")
    }


@pytest.mark.slow
def test_artifacts_hold_no_absolute_path(prepared, samples):
    _, paths, cache = prepared
    written = paths.samples.read_text() + (paths.state / "head.benchmark.json").read_text()
    assert samples
    assert str(cache) not in written
    assert str(paths.folder) not in written


@pytest.mark.slow
def test_profiles_and_pytest_benchmarks_own_json_are_kept(prepared, samples):
    _, paths, _ = prepared
    assert samples
    assert sorted(path.name for path in paths.profiles.iterdir()) == [
        f"{side}-test_benchmark_total.py-test_benchmark_total.{kind}"
        for side in ("base", "head")
        for kind in ("bin", "flamegraph.html")
    ]
    for side in ("base", "head"):
        (benchmark,) = json.loads((paths.state / f"{side}.benchmark.json").read_text())["benchmarks"]
        assert benchmark["fullname"] == "tests/test_benchmark_total.py::test_benchmark_total"


@pytest.mark.slow
def test_the_users_repository_stays_as_it_is(prepared, samples):
    repo, _, _ = prepared
    assert samples
    assert repo.git("status", "--porcelain") == "?? .prprep/"
    assert repo.git("worktree", "list", "--porcelain").count("worktree ") == 1
    assert repo.git("branch", "--all") == "* main"


@pytest.mark.slow
def test_paths_in_a_message_are_relative_to_the_tree(prepared, tmp_path):
    repo, paths, cache = prepared
    broken = ItemPaths("total", tmp_path / ".prprep/total", tmp_path)
    text = BENCHMARK.replace("199_990_000", "1")
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    made, injected = Scaffolding.read(paths.scaffold), Injection.read(paths.inject)
    files = {made.path: sha256}
    Detection.read(paths.detect).write(broken.detect)
    (tmp_path / "edited.py").write_text(text)
    made.model_copy(update={"origin": "edited", "source": "edited.py", "sha256": sha256}).write(broken.scaffold)
    specs = {side: getattr(injected, side).model_copy(update={"files": files}) for side in ("base", "head")}
    injected.model_copy(update={**specs, "benchmark_sha256": sha256}).write(broken.inject)
    with pytest.raises(MeasuringError) as raised:
        run((repo, broken, cache))
    assert raised.value.what.startswith("the benchmark failed on base:\n")
    assert str(cache) not in str(raised.value)
    assert not broken.samples.exists()


# -- pure parts -----------------------------------------------------------------------------------


def ground(tree, **changes):
    fields = {"python": Path("/env/bin/python"), "key": "key", "python_version": "3.12.1", "packages": ()}
    return SideEnvironment("a" * 40, Path(tree), builder.Environment(**{**fields, **changes}))


SCAFFOLDING = Scaffolding(
    item="total", path="tests/test_x.py", origin="head", source="b" * 40, sha256="0" * 64, made_from="existing"
)
INJECTION = Injection(
    item="total",
    strategy="inject",
    reason="",
    benchmark="tests/test_x.py",
    benchmark_sha256="0" * 64,
    base=TreeSpec(commit="a" * 40, tree="c" * 40),
    head=TreeSpec(commit="b" * 40, tree="d" * 40),
)


def request_of(item, proposed):
    environments_by_side = {"base": ground("/cache/trees/one"), "head": ground("/cache/trees/other")}
    found = detection(domain=DomainProposal(domains=proposed, reason="", given=True))
    return request_for(
        item,
        ItemArtifacts(found, SCAFFOLDING, INJECTION),
        environments_by_side,
        profiles=Path("/state/profiles"),
        cache=Path("/cache"),
        seed=7,
        sampling=Sampling(),
    )


def test_memory_has_no_time_limit_unless_one_is_set():
    request = request_of(Optimization(id="total"), ("cpu", "mem"))
    assert (request.metrics, request.timeout, request.memory_timeout) == (("time", "memory"), 120.0, None)
    request = request_of(Optimization(id="total", timeout=30.0), ("cpu", "mem"))
    assert (request.timeout, request.memory_timeout) == (30.0, 30.0)


def test_import_roots_of_the_tree_come_first():
    side = side_of(
        ground("/cache/trees/one", path_entries=(Path("/cache/trees/one/src"), Path("/cache/trees/one/lib"))),
        LAYOUT,
        Optimization(id="total"),
    )
    assert side.path_entries == (Path("/cache/trees/one/src"), Path("/cache/trees/one/lib"))


@pytest.mark.parametrize(
    ("target", "modules"),
    [("project.deep:Table.rows", ("project.deep",)), ("project.deep", ("project.deep",)), (None, ("project",))],
)
def test_the_import_that_is_timed_is_the_targets(target, modules):
    assert modules_of(detection(target=target)) == modules


@pytest.mark.parametrize(
    ("origin", "metrics", "is_noted"),
    [("head", ("import",), True), ("head", ("time", "import"), False), ("generated", ("import",), False)],
)
def test_a_benchmark_of_which_only_the_import_is_measured_is_noted(origin, metrics, is_noted):
    item = evidence.ITEM.model_copy(update={"metrics": metrics})
    artifacts = ItemArtifacts(
        evidence.DETECTION, evidence.SCAFFOLDING.model_copy(update={"origin": origin}), evidence.INJECTION
    )
    notes = [*measure.untimed_benchmark(item, artifacts)]
    assert [note.partition(",")[0] for note in notes] == (
        [f"Calls of {evidence.INJECTION.benchmark} were not timed"] if is_noted else []
    )


def test_files_that_only_a_build_makes_are_known():
    """A benchmark that is injected on one side, and a file that one side alone has, were not built."""
    tracked = {"base": frozenset({"a.py", "old.py"}), "head": frozenset({"a.py", "test_x.py"})}
    imported = {"base": ("a.py", "old.py", "fast.so"), "head": ("a.py", "test_x.py", "fast.so", "_version.py")}
    modules = {side: tuple(Module(name="x", path=path, blob="b") for path in paths) for side, paths in imported.items()}
    setup, measured = SimpleNamespace(tracked=tracked), SimpleNamespace(modules=modules)
    assert measure.built_files(setup, measured) == ["_version.py", "fast.so"]


def test_differing_packages_are_noted():
    base, head = ("numpy==1.26.4", "old==1", "same==1"), ("numpy==2.0.0", "new==3", "same==1")
    assert package_differences(base, head) == ("new absent → 3", "numpy 1.26.4 → 2.0.0", "old 1 → absent")
    assert package_differences(base, head, own="numpy") == ("new absent → 3", "old 1 → absent")
    assert package_differences(("pages==1.0",), ("pages==1.1.dev3",), own="pages") == ()


def test_messages_name_no_place_of_this_machine(tmp_path):
    environments_by_side = {
        "base": ground(tmp_path / "cache/trees/one"),
        "head": ground(tmp_path / "cache/trees/other"),
    }
    inside, outside = (
        tmp_path / "cache/environments/key/lib/site-packages/project/__init__.py",
        os.sep + "opt/project/__init__.py",
    )
    error = ProvenanceError(
        f"{inside} {outside} {tmp_path}/cache/trees/other/src/x.py", where=f"{tmp_path}/cache/trees/one/tests/test_x.py"
    )
    shorten_paths(error, environments_by_side, tmp_path / "cache")
    assert error.what == f"environments/key/lib/site-packages/project/__init__.py {outside} src/x.py"
    assert error.where == "tests/test_x.py"
