from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tasks.artifacts import ChangedFunction, Detection, DomainProposal, Injection, Scaffolding
from tasks.bench import trees
from tasks.errors import ArtifactError, CherryPickError, MeasuringError, NeedsReviewError, RepositoryError
from tasks.git import Clone
from tasks.manifest.model import Optimization
from tasks.storage.files import fingerprint_of
from tasks.storage.paths import ItemPaths
from tests.support import evidence
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow

BENCHMARK = "tests/benchmarks/test_benchmark_f.py"
TEXT = "def test_benchmark_f(benchmark): ...\n"
LAYOUT = evidence.LAYOUT.model_copy(
    update={"kind": "flat", "import_roots": ("",), "packages": ("p",), "runner": "python"}
)


class Project:
    """A target with a base and an optimization on `opt`, and the folder of a manifest beside it."""

    def __init__(self, folder: Path) -> None:
        self.target = TargetRepo(
            folder / "target", {"p/__init__.py": "", "p/m.py": "def f(): return sum([1, 2])\n", "README": ""}
        )
        self.base = self.target.head
        self.target.branch("opt")
        self.cache, self.manifest = folder / "cache", folder / "manifest"
        self.paths = ItemPaths("f", self.manifest / ".prprep/f", self.manifest / ".codeflash")

    def optimize(self, files: dict[str, str | None] | None = None) -> str:
        return self.target.commit({"p/m.py": "def f(): return 3\n", **(files or {})}, "Make f faster")

    def sha(self, ref: str) -> str:
        return self.target.git("rev-parse", ref)

    def detected(self, head: str, *, base: str | None = None, picked: tuple[str, ...] = ()) -> None:
        changed = ChangedFunction(path="p/m.py", module="p.m", name="f", status="modified")
        Detection(
            item="f",
            title="f",
            base=base or self.base,
            head=head,
            base_ref="main",
            head_ref="opt",
            upstream=self.base,
            upstream_ref="main",
            slug=None,
            commits=(),
            picked=picked,
            files=("p/m.py", BENCHMARK),
            functions=(changed,),
            target="p.m:f",
            target_reason="",
            domain=DomainProposal(domains=("cpu",), reason="", given=True),
            benchmark=None,
            layout=LAYOUT,
        ).write(self.paths.detect)

    def scaffolded(self, origin: str, source: str, text: str = TEXT, **more: Any) -> None:
        values = {"item": "f", "path": BENCHMARK, "origin": origin, "source": source, "made_from": "existing", **more}
        Scaffolding.model_validate({"sha256": hashlib.sha256(text.encode()).hexdigest(), **values}).write(
            self.paths.scaffold
        )

    def generated(self, text: str = TEXT, **more: Any) -> None:
        place = self.paths.output / "benchmarks" / "test_benchmark_f.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        self.scaffolded("generated", str(place.relative_to(self.manifest)), text, **more)

    def run(self, **settings: Any) -> Injection:
        item = Optimization.model_validate({"id": "f", "head": "opt", **settings})
        with untouched(self.target.path):
            where = {"address": self.target.path, "cache": self.cache}
            run_stage("inject", item, self.paths, **where, fingerprint="a fingerprint")
        assert fingerprint_of(self.paths.inject) == "a fingerprint"
        return Injection.read(self.paths.inject)

    def checked_out(self, injection: Injection) -> dict[str, Path]:
        """Create both trees from the injection, as the later stages do."""
        scaffolding = Scaffolding.read(self.paths.scaffold)
        with Clone.open(str(self.target.path), self.cache) as clone:
            found = trees.contents(injection, scaffolding, clone, folder=self.manifest, worktree=self.target.path)
            sides = {"base": injection.base, "head": injection.head}
            return {name: trees.prepare(clone, spec, found, cache=self.cache) for name, spec in sides.items()}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def assert_one_benchmark(project: Project, injection: Injection, text: str = TEXT) -> dict[str, Path]:
    checkouts = project.checked_out(injection)
    assert [(tree / BENCHMARK).read_text() for tree in checkouts.values()] == [text, text]
    assert [(tree / "p/m.py").read_text() for tree in checkouts.values()] == [
        "def f(): return sum([1, 2])\n",
        "def f(): return 3\n",
    ]
    assert injection.benchmark_sha256 == hashlib.sha256(text.encode()).hexdigest()
    return checkouts


# -- inject -------------------------------------------------------------------------------------------


def test_a_generated_benchmark_goes_into_both_trees(project: Project) -> None:
    project.detected(project.optimize())
    project.generated()
    injection = project.run()
    assert (injection.strategy, injection.reason) == ("inject", "the benchmark goes into both trees")
    assert injection.repairs == (f"the benchmark {BENCHMARK} was put into both trees: base and head have none",)
    assert_one_benchmark(project, injection)


def test_the_data_of_a_generated_benchmark_goes_along(project: Project) -> None:
    text = 'DATA = Path(__file__).with_name("benchmark_f_x.json")\n' + TEXT
    path = "tests/benchmarks/benchmark_f_x.json"
    project.detected(project.optimize({path: "[0]\n"}))
    source = project.paths.output / "benchmarks" / "benchmark_f_x.json"
    source.parent.mkdir(parents=True)
    source.write_bytes(b"[1]\r\n\xff")
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    file = {"source": str(source.relative_to(project.manifest)), "sha256": sha256, "written": sha256}
    project.generated(text, data={path: file})
    injection = project.run()
    assert (
        injection.repairs[1]
        == f"{path} was put into both trees (test_benchmark_f.py reads it): base has none, head has another version"
    )
    checkouts = assert_one_benchmark(project, injection, text)
    assert [(tree / path).read_bytes() for tree in checkouts.values()] == [b"[1]\r\n\xff"] * 2
    source.write_bytes(b"[2]")
    with pytest.raises(MeasuringError, match="this file was edited or removed"):
        project.run()


def test_data_that_heads_benchmark_reads_goes_into_base(project: Project) -> None:
    text = TEXT + 'DATA = open(Path(__file__).parent / "pages" / "a.txt").read()\n'
    head = project.optimize({BENCHMARK: text, "tests/benchmarks/pages/a.txt": "a page\n"})
    project.detected(head)
    project.scaffolded("head", head, text)
    checkouts = assert_one_benchmark(project, project.run(), text)
    assert (checkouts["base"] / "tests/benchmarks/pages/a.txt").read_text() == "a page\n"


def test_a_benchmark_of_head_alone(project: Project) -> None:
    head = project.optimize({BENCHMARK: TEXT})
    project.detected(head)
    project.scaffolded("head", head)
    injection = project.run()
    assert injection.repairs == (f"the benchmark {BENCHMARK} was put into both trees: base has none",)
    assert injection.base.files == injection.head.files == {BENCHMARK: injection.benchmark_sha256}
    assert_one_benchmark(project, injection)


def test_a_benchmark_that_differs_between_the_refs(project: Project) -> None:
    project.target.checkout("main")
    base = project.target.commit({BENCHMARK: "old = 1\n"})
    project.target.git("checkout", "--quiet", "-B", "opt")
    head = project.optimize({BENCHMARK: TEXT})
    project.detected(head, base=base)
    project.scaffolded("head", head)
    injection = project.run()
    assert injection.repairs == (f"the benchmark {BENCHMARK} was put into both trees: base has another version",)
    assert_one_benchmark(project, injection)


def test_a_benchmark_in_the_work_tree_alone(project: Project) -> None:
    project.detected(project.optimize())
    project.target.write({BENCHMARK: TEXT})
    project.scaffolded("worktree", BENCHMARK)
    assert_one_benchmark(project, project.run())


def test_a_benchmark_that_both_refs_hold_is_left_alone(project: Project) -> None:
    project.target.checkout("main")
    base = project.target.commit({BENCHMARK: TEXT})
    project.target.git("checkout", "--quiet", "-B", "opt")
    head = project.optimize()
    project.detected(head, base=base)
    project.scaffolded("head", head)
    injection = project.run()
    assert injection.reason == "both refs hold the benchmark, byte for byte the same"
    assert (injection.base.files, injection.head.files, injection.repairs) == ({}, {}, ())
    assert_one_benchmark(project, injection)


def test_files_that_the_benchmark_needs_go_along(project: Project) -> None:
    conftest = "tests/benchmarks/conftest.py"
    text = "from ._pages import make\ndef test_benchmark_f(benchmark, pages): ...\n"
    beside = {
        conftest: "import pytest\n@pytest.fixture\ndef pages(): return 1\n",
        "tests/benchmarks/__init__.py": "",
        "tests/benchmarks/_pages.py": "make = 1\n",
        "tests/benchmarks/unrelated.py": "",
    }
    head = project.optimize({BENCHMARK: text, **beside})
    project.detected(head)
    project.scaffolded("head", head, text)
    injection = project.run()
    assert injection.repairs == (
        f"the benchmark {BENCHMARK} was put into both trees: base has none",
        "tests/benchmarks/__init__.py was put into both trees (the benchmark is imported as part of a package): base has none",
        "tests/benchmarks/_pages.py was put into both trees (test_benchmark_f.py imports it): base has none",
        f"{conftest} was put into both trees (it uses `pages`): base has none",
    )
    checkouts = assert_one_benchmark(project, injection, text)
    assert all((tree / conftest).read_text() == beside[conftest] for tree in checkouts.values())
    assert not (checkouts["base"] / "tests/benchmarks/unrelated.py").exists()


def test_a_conftest_of_the_work_tree_goes_along_too(project: Project) -> None:
    text = "def test_benchmark_f(benchmark, pages): ...\n"
    project.detected(project.optimize())
    project.target.write(
        {BENCHMARK: text, "tests/benchmarks/conftest.py": "import pytest\n@pytest.fixture\ndef pages(): return 1\n"}
    )
    project.scaffolded("worktree", BENCHMARK, text)
    checkouts = assert_one_benchmark(project, project.run(), text)
    assert all((tree / "tests/benchmarks/conftest.py").exists() for tree in checkouts.values())


def test_a_head_picked_from_commits_that_are_not_adjacent(project: Project) -> None:
    first = project.optimize({BENCHMARK: TEXT})
    project.target.commit({"unwanted.py": ""})
    second = project.target.commit({"p/more.py": "more = 1\n"})
    with Clone.open(str(project.target.path), project.cache) as clone:
        head = clone.cherry_pick(project.base, [first, second])
    project.detected(head, picked=(first, second))
    project.scaffolded("head", head)
    injection = project.run()
    assert (injection.head.commit, injection.head.picks) == (project.base, (first, second))
    checkouts = assert_one_benchmark(project, injection)
    assert (checkouts["head"] / "p/more.py").exists()
    assert not (checkouts["head"] / "unwanted.py").exists()


# -- cherry-pick --------------------------------------------------------------------------------------


def test_the_benchmarks_commits_are_put_onto_base(project: Project) -> None:
    project.optimize()
    first = project.target.commit({BENCHMARK: "draft = 1\n"}, "Draft a benchmark")
    second = project.target.commit({BENCHMARK: TEXT}, "Finish the benchmark")
    project.detected(second)
    project.scaffolded("head", second)
    injection = project.run(strategy="cherry-pick")
    assert (injection.strategy, injection.reason) == ("cherry-pick", "the benchmark's commits go onto base")
    assert injection.base.picks == (first, second)
    assert (injection.head.commit, injection.head.picks) == (second, ())
    assert injection.repairs == (
        f"commit {first[:12]} (Draft a benchmark) was put onto base for the benchmark that it holds",
        f"commit {second[:12]} (Finish the benchmark) was put onto base for the benchmark that it holds",
    )
    assert_one_benchmark(project, injection)
    with Clone.open(str(project.target.path), project.cache) as clone:
        assert clone.resolve(["benchmark-base", "benchmark-head"]) == {"benchmark-base": None, "benchmark-head": None}


def test_a_benchmark_that_only_base_has_is_injected_into_head(project: Project) -> None:
    project.detected(project.optimize())
    project.target.checkout("main")
    base = project.target.commit({BENCHMARK: TEXT}, "Add a benchmark")
    project.detected(project.sha("opt"), base=base)
    project.scaffolded("base", base)
    injection = project.run(strategy="cherry-pick")
    assert (injection.base.picks, injection.head.picks) == ((), (base,))
    assert_one_benchmark(project, injection)


def test_a_picked_heads_original_commits_are_picked(project: Project) -> None:
    optimized = project.optimize()
    project.target.commit({"unwanted.py": ""})
    benchmark = project.target.commit({BENCHMARK: TEXT}, "Add a benchmark")
    with Clone.open(str(project.target.path), project.cache) as clone:
        head = clone.cherry_pick(project.base, [optimized, benchmark])
    project.detected(head, picked=(optimized, benchmark))
    project.scaffolded("head", head)
    injection = project.run(strategy="cherry-pick")
    assert (injection.base.picks, injection.head.picks) == ((benchmark,), (optimized, benchmark))
    assert_one_benchmark(project, injection)


def test_nothing_is_picked_if_both_refs_hold_it(project: Project) -> None:
    project.target.checkout("main")
    base = project.target.commit({BENCHMARK: TEXT})
    project.target.git("checkout", "--quiet", "-B", "opt")
    head = project.optimize()
    project.detected(head, base=base)
    project.scaffolded("head", head)
    injection = project.run(strategy="cherry-pick")
    assert (injection.base.picks, injection.head.picks, injection.repairs) == ((), (), ())
    assert_one_benchmark(project, injection)


def test_a_commit_with_benchmark_and_optimization_is_refused(project: Project) -> None:
    head = project.optimize({BENCHMARK: TEXT})
    project.detected(head)
    project.scaffolded("head", head)
    with pytest.raises(CherryPickError) as caught:
        project.run(strategy="cherry-pick")
    assert str(caught.value) == (
        f"{BENCHMARK}: commit {head[:12]} (Make f faster) holds the benchmark and a part of the optimization (p/m.py)\n"
        "  set `strategy: inject`, or split the commit"
    )


def test_a_conflict_names_the_files(project: Project) -> None:
    project.optimize()
    project.target.commit({"README": "one\n"})
    head = project.target.commit({BENCHMARK: TEXT, "README": "two\n"}, "Add a benchmark")
    project.detected(head)
    project.scaffolded("head", head)
    with pytest.raises(CherryPickError) as caught:
        project.run(strategy="cherry-pick")
    assert caught.value.files == ("README",)
    assert (
        f"commit {head[:12]} (Add a benchmark) cannot be cherry-picked onto {project.base[:12]}: conflicts in README"
        in str(caught.value)
    )
    assert not project.paths.inject.exists()


def test_a_benchmark_that_no_commit_holds_cannot_be_picked(project: Project) -> None:
    project.detected(project.optimize())
    project.generated()
    with pytest.raises(RepositoryError) as caught:
        project.run(strategy="cherry-pick")
    assert str(caught.value) == (
        f"{BENCHMARK}: no commit holds the benchmark, so none can be cherry-picked\n"
        "  commit it on the branch of the optimization, or set `strategy: inject`"
    )


# -- errors ------------------------------------------------------------------------------------


def test_a_gap_in_the_benchmark_needs_review(project: Project) -> None:
    project.detected(project.optimize())
    needs = ".codeflash/benchmarks/test_benchmark_f.py:12: write the call to measure"
    project.scaffolded("generated", ".codeflash/benchmarks/test_benchmark_f.py", made_from="gap", needs=needs)
    with pytest.raises(NeedsReviewError) as caught:
        project.run()
    assert str(caught.value) == needs + "\n  then run prprep again"


def test_a_benchmark_edited_since_scaffold_is_an_error(project: Project) -> None:
    project.detected(project.optimize())
    project.generated()
    (project.paths.output / "benchmarks" / "test_benchmark_f.py").write_text("edited = 1\n")
    with pytest.raises(MeasuringError, match="this file was edited or removed since the item was prepared"):
        project.run()


def test_a_missing_artifact_is_an_error(project: Project) -> None:
    with pytest.raises(ArtifactError, match="this artifact does not exist"):
        project.run()
