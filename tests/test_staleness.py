"""What is stale after which edit: exactly that, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.fresh_items import BENCHMARK, make_fresh
from tasks import pipeline
from tasks.artifacts import (
    Bullets,
    Comparison,
    DataFile,
    DependencyDifference,
    Detection,
    DomainProposal,
    MetricName,
    Presence,
    Scaffolding,
)
from tasks.errors import ArtifactError
from tasks.pipeline import STAGES, report_is_fresh, staleness_of, write_report
from tasks.processes.progress import silent
from tasks.staleness import times_imports
from tasks.storage.files import fingerprint_of
from tasks.storage.paths import shipped_templates
from tasks.text import templating
from tasks.workspace.workspace import Workspace
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[1]
NAMES = [stage.name for stage in STAGES]
ONE = "item_00001"


class Place:
    """A folder with a manifest of three items that are all fresh."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = folder / "prprep.yaml"
        self.target = folder / "target"
        make_fresh(folder, 3)

    def stale(self) -> set[str]:
        """Name the stale tasks as `stage:number`, as a new process would find them."""
        workspace = Workspace.open(self.manifest)
        staleness = staleness_of(workspace)
        tasks = {
            f"{name}:{shown(item)}" for name in NAMES for item in workspace.items if not staleness.is_fresh(name, item)
        }
        tasks |= set() if report_is_fresh(staleness) else {"report"}
        workspace.run_cache.save()
        return tasks

    def edit(self, old: str, new: str, *, item: str = ONE) -> None:
        """Change the manifest, in one item's part of it."""
        before, mark, after = self.manifest.read_text().partition(f"  - id: {item}\n")
        assert old in after
        self.manifest.write_text(before + mark + after.replace(old, new, 1))

    def add(self, line: str, *, item: str = ONE) -> None:
        mark = f"  - id: {item}\n"
        self.edit("    title:", f"    {line}\n    title:", item=item)
        assert mark in self.manifest.read_text()

    def top(self, line: str) -> None:
        """Put a line above all items."""
        self.manifest.write_text(self.manifest.read_text().replace("upstream: main\n", f"upstream: main\n{line}\n"))

    def settle(self, *stages: str) -> None:
        """Let the stages come out as they did, from what there is now."""
        workspace = Workspace.open(self.manifest)
        staleness = staleness_of(workspace)
        for item in workspace.items:
            for name in stages or NAMES:
                place = workspace.paths.item(item).artifact(name)
                head, body = place.read_text().split("\n", 1)
                header = {**json.loads(head), "fingerprint": staleness.fingerprint(name, item)}
                place.write_text(f"{json.dumps(header)}\n{body}")
                staleness.changed()
        write_report(staleness, silent)

    def state(self, name: str, item: str = ONE) -> Path:
        return self.folder / ".prprep" / item / f"{name}.json"

    def rewrite(self, model, name: str, item: str = ONE, **fields) -> None:
        """Let a stage come out otherwise, freshly."""
        place = self.state(name, item)
        model.read(place).model_copy(update=fields).write(place, fingerprint_of(place))


def shown(item: str) -> str:
    return item.removeprefix("item_0000")


def every(*names: str) -> set[str]:
    return {f"{name}:{number}" for name in names for number in range(3)}


def one(*names: str) -> set[str]:
    return {f"{name}:1" for name in names}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("fresh")).folder


@pytest.fixture
def place(made, tmp_path):
    """Another copy of the same, in another folder: nothing in it may hang on where it lies."""
    shutil.copytree(made, tmp_path / "copy", symlinks=True)
    found = Place.__new__(Place)
    found.folder = tmp_path / "copy"
    found.manifest, found.target = found.folder / "prprep.yaml", found.folder / "target"
    assert found.stale() == set()
    return found


# -- the manifest -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("summary: Sums in C.", {"render"}),
        ("details: It does.", {"render"}),
        ("tests: pytest -q", {"tests", "render"}),
        ("tests: false", {"tests", "render"}),
        ("tests_timeout: 5", {"tests", "render"}),
        ("verify: false", {"verify", "render"}),
        ("template: own", {"render"}),
        ("summarize: client --short", {"render"}),
        ("pr: 7", {"survey", "render"}),
        ("base: main", {"detect", "render"}),
        ("strategy: cherry-pick", {"inject", "verify", "render"}),
        ("engine: codeflash", {"codeflash", "verify", "render"}),
        ("budget: 3", {"measure", "verify", "render"}),
        ("timeout: 9", {"lint", "measure", "verify", "render"}),
        ("metrics: memory", {"lint", "measure", "verify", "render"}),
        ("metrics: time", {"lint", "measure", "verify", "render"}),
        ("lint: {ignore: toy-input}", {"lint", "verify", "render"}),
        ("lint: {boundaries: ourmodels}", {"lint", "verify", "render"}),
        ("confidence: 0.95", {"compare", "verify", "render"}),
        ("negligible: 0.02", {"compare", "verify", "render"}),
        ('env: {python: "3.11"}', {"lint", "tests", "measure", "verify", "render"}),
        ("env: {extras: fast}", {"lint", "tests", "measure", "verify", "render"}),
        ("env: {groups: dev}", {"lint", "tests", "measure", "verify", "render"}),
        ("env: {install: numpy}", {"lint", "tests", "measure", "verify", "render"}),
        ("env: {pass: HF_TOKEN}", {"lint", "tests", "measure", "verify", "render"}),
        ("sandbox: bwrap", {"lint", "tests", "measure", "verify", "render"}),
        ("env: {runner: uv run python}", {"detect", "render"}),
        # What is the default all the same.
        ("budget: 20", set()),
        ("strategy: auto", set()),
        ("# nothing but a comment", set()),
    ],
)
def test_a_setting_of_one_item_concerns_the_stages_that_use_it(place, line, expected):
    place.add(line)
    assert place.stale() == one(*expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("timeout: 9", {"lint", "measure", "codeflash", "verify", "render"}),
        ("metrics: memory", {"lint", "measure", "codeflash", "verify", "render"}),
        ("env: {install: numpy}", {"lint", "tests", "measure", "codeflash", "verify", "render"}),
        ("sandbox: bwrap", {"lint", "tests", "measure", "codeflash", "verify", "render"}),
        ("budget: 3", {"measure", "verify", "render"}),
        ("negligible: 0.02", {"compare", "verify", "render"}),
    ],
)
def test_with_the_engine_codeflash_it_concerns_that_too_where_codeflash_uses_it(place, line, expected):
    place.add("engine: codeflash")
    place.settle()
    place.add(line)
    assert place.stale() == one(*expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title: Sum without", "title: Add without", {"detect:1", "render:1", "report"}),
        ("domain: cpu", "domain: mem", {"detect:1", "render:1"}),
        ("head: perf", "commits: perf", {"detect:1", "render:1"}),
        ("functions: app:total", "functions: app", {"detect:1", "render:1"}),
        (f"benchmark: {BENCHMARK}", "benchmark: tests/test_other.py", {"detect:1", "scaffold:1", "render:1"}),
        (f"benchmark: {BENCHMARK}", "benchmark: {call: 'total([1])'}", {"detect:1", "scaffold:1", "render:1"}),
    ],
)
def test_an_edit_of_one_item_leaves_the_others_alone(place, old, new, expected):
    place.edit(old, new)
    assert place.stale() == expected


def test_what_detect_need_not_know_of_a_benchmark_leaves_it_fresh(place):
    place.edit(f"benchmark: {BENCHMARK}", "benchmark: {call: 'total([1])'}")
    place.settle()
    place.edit("total([1])", "total([1, 2])")
    assert place.stale() == one("scaffold", "render")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("defaults: {budget: 3}", every("measure", "verify", "render")),
        ("defaults: {negligible: 0.02}", every("compare", "verify", "render")),
        ("slug: ada/sums", every("detect", "survey")),
        ("# nothing but a comment", set()),
    ],
)
def test_a_setting_above_all_items_concerns_every_item(place, line, expected):
    place.top(line)
    assert place.stale() == expected


def test_an_item_that_sets_it_itself_does_not_follow_the_defaults(place):
    place.add("budget: 20")
    place.top("defaults: {budget: 3}")
    assert place.stale() == every("measure", "verify", "render") - one("measure", "verify", "render")


def test_the_order_of_keys_and_quotes_are_nothing(place):
    place.edit("    domain: cpu\n    head: perf\n", "    head: 'perf'\n    domain: [cpu]\n")
    assert place.stale() == set()


def test_the_order_of_items_shows_in_the_report_alone(place):
    head, *items = place.manifest.read_text().split("  - id: ")
    place.manifest.write_text("  - id: ".join([head, items[0], items[2], items[1]]))
    assert place.stale() == {"report"}


def test_another_item_concerns_itself_alone(place):
    block = "  - id: another\n    head: perf\n    functions: app:total\n"
    place.manifest.write_text(place.manifest.read_text() + block)
    assert place.stale() == {*(f"{name}:another" for name in NAMES), "report"}


def test_an_item_that_goes_leaves_the_others_alone(place):
    head, *items = place.manifest.read_text().split("  - id: ")
    place.manifest.write_text("  - id: ".join([head, *items[:2]]))
    assert place.stale() == {"report"}


# -- git and the work tree --------------------------------------------------------------------------


def commit_on(repository: Path, branch: str) -> None:
    repo = TargetRepo.__new__(TargetRepo)
    repo.path, repo._clock = repository, 1_800_000_000
    repo.checkout(branch)
    repo.commit({"more.py": "MORE = 1\n"}, "More")
    repo.checkout("main")


def test_a_moved_head_concerns_the_items_that_name_it(place):
    git(place.target, "branch", "other", "perf")
    place.edit("head: perf", "head: other")
    place.settle()
    commit_on(place.target, "other")
    assert place.stale() == {"detect:1"}


def test_a_moved_upstream_concerns_every_item(place):
    commit_on(place.target, "main")
    assert place.stale() == every("detect")


def test_a_branch_that_no_item_names_concerns_nobody(place):
    git(place.target, "branch", "other", "perf")
    commit_on(place.target, "other")
    assert place.stale() == set()


def test_another_address_of_the_remote_is_seen(place):
    git(place.target, "remote", "add", "origin", "https://github.com/ada/sums.git")
    assert place.stale() == every("detect", "survey")


def git(repository: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True)


def test_an_edited_benchmark_of_the_work_tree_is_seen(place):
    benchmark = place.target / BENCHMARK
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("def test_total(benchmark):\n    benchmark(sum, [1, 2])\n")
    assert place.stale() == every("detect")


def test_what_a_benchmark_of_the_work_tree_needs_beside_itself_is_seen(place):
    benchmark, conftest = place.target / BENCHMARK, place.target / "tests" / "conftest.py"
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("def test_total(benchmark, numbers):\n    benchmark(sum, numbers)\n")
    conftest.write_text("import pytest\n\n\n@pytest.fixture\ndef numbers():\n    return [1]\n")
    blob = subprocess.run(["git", "hash-object", benchmark], capture_output=True, text=True, check=True).stdout.strip()
    for number in range(3):
        item = f"item_0000{number}"
        place.rewrite(
            Detection, "detect", item, benchmark=Presence(path=BENCHMARK, base=None, head="0" * 40, worktree=blob)
        )
    place.rewrite(Scaffolding, "scaffold", origin="worktree", source=f"target/{BENCHMARK}")
    place.settle()
    assert place.stale() == set()
    conftest.write_text(conftest.read_text().replace("[1]", "[2]"))
    assert place.stale() == {"inject:1"}


def test_an_edit_that_keeps_size_and_time_is_seen(place):
    samples = place.state("samples")
    status = samples.stat()
    place.stale()
    samples.write_text(samples.read_text().replace("0.002", "0.003", 1))
    os.utime(samples, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert samples.stat().st_size == status.st_size
    assert place.stale() == {"measure:1", "compare:1", "report"}


def test_another_file_of_the_work_tree_is_not(place):
    (place.target / "app.py").write_text("def total(values):\n    return 0\n")
    (place.target / "notes.txt").write_text("later")
    assert place.stale() == set()


# -- benchmarks that prprep wrote -------------------------------------------------------------------


@pytest.fixture
def generated(place):
    """Item 1 with a benchmark that prprep wrote below the output folder."""
    place.edit(f"    benchmark: {BENCHMARK}", "    # found by its name")
    benchmark = place.folder / ".codeflash" / "benchmarks" / ONE / "test_benchmark_total.py"
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("def test_total(benchmark):\n    benchmark(sum, [1])\n")
    place.rewrite(Detection, "detect", benchmark=Presence(path=BENCHMARK, base=None, head=None, worktree=None))
    scaffolding(place, benchmark)
    place.settle()
    assert place.stale() == set()
    return benchmark


def scaffolding(place: Place, benchmark: Path, **fields) -> None:
    sha256 = hashlib.sha256(benchmark.read_bytes()).hexdigest()
    source = benchmark.relative_to(place.folder).as_posix()
    place.rewrite(
        Scaffolding,
        "scaffold",
        **{"origin": "generated", "source": source, "sha256": sha256, "made_from": "manifest", **fields},
    )


def test_an_edited_benchmark_that_prprep_wrote_is_seen(place, generated):
    generated.write_text(generated.read_text().replace("[1]", "[2]"))
    assert place.stale() == {"scaffold:1"}


def test_a_deleted_benchmark_that_prprep_wrote_is_written_again(place, generated):
    generated.unlink()
    assert place.stale() == {"scaffold:1"}


@pytest.mark.parametrize(
    "edit", [lambda file: file.write_bytes(b"[1, 2]"), lambda file: file.unlink()], ids=["edited", "deleted"]
)
def test_data_beside_a_benchmark_that_prprep_wrote_is_seen(place, generated, edit):
    data = generated.with_name("benchmark_total_values.json")
    data.write_bytes(b"[1]")
    sha256 = hashlib.sha256(b"[1]").hexdigest()
    file = DataFile(source=data.relative_to(place.folder).as_posix(), sha256=sha256, written=sha256)
    scaffolding(place, generated, data={"tests/benchmarks/benchmark_total_values.json": file})
    place.settle()
    assert place.stale() == set()
    edit(data)
    assert place.stale() == {"scaffold:1"}


def test_a_benchmark_that_turns_up_in_the_work_tree_is_seen(place, generated):
    benchmark = place.target / BENCHMARK
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("def test_total(benchmark):\n    benchmark(sum, [1, 2])\n")
    assert "detect:1" in place.stale()


def test_nothing_is_stale_while_a_person_has_to_fill_in_the_benchmark(place, generated):
    scaffolding(place, generated, needs="fill in the arguments", made_from="gap")
    for name in ("inject", "samples", "compare", "verify", "render"):
        place.state(name).unlink()
    assert place.stale() - {"report"} == set()
    generated.write_text(generated.read_text().replace("[1]", "[2]"))
    assert place.stale() - {"report"} == one("scaffold", "inject", "lint", "measure", "compare", "verify", "render")


def test_bullets_of_a_command_are_asked_for_again_once_their_answer_is_gone(place):
    place.add("summarize: client")
    place.settle()
    answer = place.state("summarize")
    assert "render:1" in place.stale()
    Bullets(item=ONE, command="client", bullets=("Sum once",)).write(answer, "f")
    assert place.stale() - {"report"} == set()
    answer.unlink()
    assert place.stale() - {"report"} == one("render")


# -- templates --------------------------------------------------------------------------------------


@pytest.fixture
def templates(place):
    """A folder of the user's, empty so far."""
    folder = place.folder / "mine"
    folder.mkdir()
    place.top("templates: mine")
    assert place.stale() == set()
    return folder


def test_a_template_that_replaces_a_shipped_one_makes_stale(place, templates):
    (templates / "summary.md.j2").write_text("- faster\n")
    assert place.stale() == every("render")


def test_a_template_that_says_the_same_as_the_shipped_one_changes_nothing(place, templates):
    shutil.copy(shipped_templates() / "summary.md.j2", templates)
    assert place.stale() == set()


def test_a_template_that_a_users_template_includes_is_seen(place, templates):
    (templates / "summary.md.j2").write_text("{% include 'parts/own.md.j2' %}\n")
    (templates / "parts").mkdir()
    (templates / "parts" / "own.md.j2").write_text("- faster\n")
    place.settle()
    assert place.stale() == set()
    (templates / "parts" / "own.md.j2").write_text("- much faster\n")
    assert place.stale() == every("render")


def test_a_template_that_nothing_includes_is_not(place, templates):
    (templates / "own.md.j2").write_text("- faster\n")
    (templates / "pr-body-memory.md.j2").write_text("for the items that measure memory alone\n")
    assert place.stale() == set()


def test_items_that_measure_memory_alone_use_another_template(place, templates):
    changes = Comparison.read(place.state("compare")).changes
    place.rewrite(
        Comparison,
        "compare",
        changes=tuple(change.model_copy(update={"metric": MetricName.PEAK}) for change in changes),
    )
    place.settle()
    (templates / "pr-body-memory.md.j2").write_text("for the items that measure memory alone\n")
    assert place.stale() == {"render:1"}


def test_a_template_of_benchmarks_concerns_the_items_whose_benchmark_is_written(place, templates, generated):
    (templates / "benchmark_cpu.py.j2").write_text("import pytest\n")
    assert place.stale() == {"scaffold:1"}


def test_an_edited_template_of_prprep_itself_is_seen(place, tmp_path, monkeypatch):
    shipped = shutil.copytree(shipped_templates(), tmp_path / "shipped")
    monkeypatch.setattr(templating, "shipped_templates", lambda: shipped)
    assert place.stale() == set()
    (shipped / "headline.md.j2").write_text("faster\n")
    assert place.stale() == every("render")


# -- artifacts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "detect",
            {"detect", "survey", "scaffold", "inject", "lint", "tests", "measure", "compare", "verify", "render"},
        ),
        ("survey", {"survey", "render"}),
        ("record", {"record", "lint"}),
        ("scaffold", {"scaffold", "inject", "lint", "measure", "compare", "verify", "render"}),
        ("inject", {"inject", "lint", "measure", "verify", "render"}),
        ("lint", {"lint", "compare"}),
        ("samples", {"measure", "compare"}),
        ("tests", {"tests", "render"}),
        ("codeflash", {"codeflash", "compare", "verify", "render"}),
        ("compare", {"compare", "verify", "render"}),
        ("verify", {"verify", "render"}),
        ("render", {"render"}),
    ],
)
def test_a_deleted_artifact_is_made_again_and_what_follows_stays_where_it_comes_out_the_same(place, name, expected):
    kept = place.state(name).read_text()
    place.state(name).unlink()
    assert place.stale() - {"report"} == one(*expected)
    place.state(name).write_text(kept)
    assert place.stale() == set()


def test_an_artifact_that_is_no_artifact_is_made_again(place):
    for text in ("", "{", "null\n{}", "[]\n[]"):
        place.state("compare").write_text(text)
        assert {"compare:1", "render:1"} <= place.stale()


@pytest.mark.parametrize("name", ["detect", "survey", "inject", "samples", "codeflash", "compare", "render"])
def test_an_artifact_that_somebody_changed_by_hand_is_made_again(place, name):
    written = place.state(name).read_text()
    place.state(name).write_text(written.replace(ONE, ONE + "x"))
    stage = "measure" if name == "samples" else name
    assert f"{stage}:1" in place.stale()


def test_nothing_is_read_from_an_artifact_that_somebody_changed(place):
    comparison = place.state("compare")
    comparison.write_text(comparison.read_text().replace(ONE, ONE + "x"))
    with pytest.raises(ArtifactError, match="changed since it was written"):
        Comparison.read(comparison)


def test_a_deleted_body_is_written_again(place):
    next(place.folder.glob(".codeflash/pr-body-*item_00001.md")).unlink()
    assert place.stale() - {"report"} == {"render:1"}


def test_an_edited_body_is_the_users_business_and_shown_in_the_report(place):
    next(place.folder.glob(".codeflash/pr-body-*item_00001.md")).write_text("edited\n")
    assert place.stale() == {"report"}


def test_a_deleted_report_is_written_again(place):
    (place.folder / ".codeflash" / "report.md").unlink()
    assert place.stale() == {"report"}


@pytest.mark.parametrize("name", NAMES)
def test_another_version_of_a_stage_makes_all_its_artifacts_anew(place, monkeypatch, name):
    stages = tuple(replace(each, version=each.version + 1) if each.name == name else each for each in STAGES)
    monkeypatch.setattr(pipeline, "STAGES", stages)
    assert place.stale() == every(name)


# -- what stages use of a detection -----------------------------------------------------------------


def layout(**fields):
    return lambda made: {"layout": made.layout.model_copy(update=fields)}


def fixed(**fields):
    return lambda _made: fields


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(fixed(title="Other"), set(), id="title"),
        pytest.param(fixed(notes=("one",)), set(), id="notes"),
        pytest.param(fixed(changelog="towncrier changes/"), set(), id="changelog"),
        pytest.param(
            fixed(dependencies=(DependencyDifference(file="p", name="n", base=None, head="1"),)),
            set(),
            id="dependencies",
        ),
        pytest.param(fixed(head_ref="renamed"), {"survey"}, id="head_ref"),
        pytest.param(fixed(upstream="1" * 40), {"survey"}, id="upstream"),
        pytest.param(fixed(target_reason="guessed"), set(), id="target_reason"),
        pytest.param(
            fixed(domain=DomainProposal(domains=("cpu",), reason="guessed", given=False)), set(), id="domain.reason"
        ),
        pytest.param(
            fixed(domain=DomainProposal(domains=("mem",), reason="", given=True)),
            {"lint", "measure", "compare", "verify"},
            id="domain",
        ),
        pytest.param(fixed(target="app:other"), {"lint", "verify"}, id="target in the same module"),
        pytest.param(fixed(target="other:total"), {"lint", "verify"}, id="target"),
        pytest.param(fixed(functions=()), {"survey", "inject", "lint", "measure", "compare"}, id="functions"),
        pytest.param(
            fixed(head="1" * 40), {"survey", "scaffold", "inject", "lint", "tests", "measure", "verify"}, id="head"
        ),
        pytest.param(
            fixed(base="1" * 40), {"survey", "scaffold", "inject", "lint", "tests", "measure", "verify"}, id="base"
        ),
        pytest.param(
            fixed(picked=("1" * 40,)), {"scaffold", "inject", "lint", "tests", "measure", "verify"}, id="picked"
        ),
        pytest.param(fixed(files=()), {"survey", "inject", "lint", "tests"}, id="files"),
        pytest.param(
            fixed(benchmark=Presence(path=BENCHMARK, base="1" * 40, head="0" * 40, worktree=None)),
            {"scaffold"},
            id="benchmark",
        ),
        pytest.param(layout(runner="uv run python", runner_reason="uv.lock"), {"verify"}, id="layout.runner"),
        pytest.param(layout(benchmarks_root="bench"), {"lint", "tests"}, id="layout.benchmarks_root"),
        pytest.param(layout(import_roots=("src",)), {"lint", "tests", "measure", "verify"}, id="layout.import_roots"),
        pytest.param(layout(packages=("other",)), {"lint", "tests", "measure", "verify"}, id="layout.packages"),
        pytest.param(layout(installable=True), {"lint", "tests", "measure", "verify"}, id="layout.installable"),
        pytest.param(layout(project="sub"), {"lint", "tests", "measure", "verify"}, id="layout.project"),
    ],
)
def test_a_stage_that_does_not_use_what_detect_found_anew_stays_fresh(place, change, expected):
    place.rewrite(Detection, "detect", **change(Detection.read(place.state("detect"))))
    assert place.stale() - {"report"} == one(*expected, "render")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(fixed(target="app:other"), {"lint", "verify"}, id="target in the same module"),
        pytest.param(
            fixed(functions=()), {"survey", "inject", "lint", "measure", "codeflash", "compare"}, id="functions"
        ),
        pytest.param(
            fixed(domain=DomainProposal(domains=("mem",), reason="", given=True)),
            {"lint", "measure", "codeflash", "compare", "verify"},
            id="domain",
        ),
        pytest.param(
            layout(import_roots=("src",)), {"lint", "tests", "measure", "codeflash", "verify"}, id="layout.import_roots"
        ),
    ],
)
def test_the_engine_codeflash_uses_of_a_detection_what_its_command_is_made_from(place, change, expected):
    place.add("engine: codeflash")
    place.settle()
    place.rewrite(Detection, "detect", **change(Detection.read(place.state("detect"))))
    assert place.stale() - {"report"} == one(*expected, "render")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(fixed(target="app:other"), {"record", "scaffold", "lint", "verify"}, id="target"),
        pytest.param(
            fixed(functions=()),
            {"survey", "record", "scaffold", "inject", "lint", "measure", "compare"},
            id="functions",
        ),
        pytest.param(
            fixed(domain=DomainProposal(domains=("mem",), reason="", given=True)),
            {"record", "scaffold", "lint", "measure", "compare", "verify"},
            id="domain",
        ),
        pytest.param(
            fixed(domain=DomainProposal(domains=("cpu",), reason="guessed", given=True)), set(), id="domain.reason"
        ),
        pytest.param(
            layout(benchmarks_root="bench"), {"record", "scaffold", "lint", "tests"}, id="layout.benchmarks_root"
        ),
        pytest.param(
            layout(import_roots=("src",)),
            {"record", "scaffold", "lint", "tests", "measure", "verify"},
            id="layout.import_roots",
        ),
        pytest.param(layout(runner="uv run python"), {"verify"}, id="layout.runner"),
    ],
)
def test_a_benchmark_that_prprep_writes_uses_more_of_a_detection(place, generated, change, expected):
    place.rewrite(Detection, "detect", **change(Detection.read(place.state("detect"))))
    assert place.stale() - {"report"} == one(*expected, "render")


# -- as the command line shows it -------------------------------------------------------------------


def test_the_command_line_shows_the_same(place):
    place.add("negligible: 0.02")
    command = [sys.executable, "-m", "tasks", "list", "--all", "--status"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    listed = subprocess.run(command, cwd=place.folder, env=environment, capture_output=True, text=True, check=False)
    assert (listed.returncode, listed.stderr) == (0, "")
    status = {line.split()[1]: line.split()[0] for line in listed.stdout.splitlines()}
    assert len([name for name in status if ":" in name]) == 3 * len(NAMES)
    assert {name for name, letter in status.items() if letter != "U" and ":" in name} == {
        f"{stage}:{ONE}" for stage in ("compare", "verify", "render")
    }


@pytest.mark.parametrize(
    ("metrics", "proposed", "written", "answer"),
    [
        (None, ("struct",), (), True),
        (None, ("cpu",), ("struct",), True),
        (None, ("struct",), ("cpu",), False),
        (None, None, None, False),
        (("import",), ("cpu",), (), True),
        (("time",), ("struct",), ("struct",), False),
    ],
)
def test_imports_are_timed_if_what_is_written_is_about_them(metrics, proposed, written, answer):
    """The module that is imported is an input of the stages then."""
    fields = {"detect": {"domain.domains": proposed}, "scaffold": {"domains": written}}
    for stage in STAGES:
        if stage.name in fields:
            assert fields[stage.name].keys() <= set(stage.remembers)
    item = SimpleNamespace(settings={"metrics": metrics}, remembered=fields.get)
    assert times_imports(item) is answer
