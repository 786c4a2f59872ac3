from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from tasks.artifacts import Detection, Presence, Recording, Scaffolding, optimized_function
from tasks.body.reproduction import manifest_text
from tasks.errors import RepositoryError
from tasks.manifest.model import BenchmarkCode, Optimization
from tasks.storage.paths import ItemPaths, ProjectPaths
from tests.support import mistakes
from tests.support.evidence import DETECTION, ITEM
from tests.support.stages import run_stage
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

PATH = "tests/benchmarks/test_benchmark_merge_lines.py"
SOURCE = "src/pagelayout/text.py"
PLAIN = "def merge_lines(lines: list[str]) -> str: ...\n"
GENERATED = ".codeflash/benchmarks/merge_lines/test_benchmark_merge_lines.py"


class ScaffoldedProject:
    """A target repository and a manifest's folder beside it; `scaffold` runs the stage on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = TargetRepo(folder / "target", {SOURCE: "def merge_lines(lines): ...\n"})
        self.base = self.repo.head
        self.paths: ItemPaths = ProjectPaths(folder / "prprep.yaml", folder / ".codeflash").item("merge_lines")
        self.reported: list[str] = []

    def head(self, files: dict[str, str | None]) -> None:
        self.repo.commit(files)

    def detection(self, presence: Presence | None = None, **fields: object) -> Detection:
        commits = {"base": self.base, "head": self.repo.head, "benchmark": presence}
        return DETECTION.model_copy(update={**commits, **fields})

    def presence(self, *sides: str) -> Presence:
        """Return the benchmark's blobs; `base` and `head` both mean HEAD as it is now."""
        commands = {
            "worktree": ("hash-object", PATH),
            "base": ("rev-parse", f"HEAD:{PATH}"),
            "head": ("rev-parse", f"HEAD:{PATH}"),
        }
        blobs = {side: self.repo.git(*command) if side in sides else None for side, command in commands.items()}
        return Presence(path=PATH, **blobs)

    def scaffold(self, detection: Detection, item: Optimization = ITEM, **recorded: object) -> Scaffolding:
        detection.write(self.paths.detect)
        self.reported.clear()
        Recording(item=ITEM.id, **recorded).write(self.paths.record, "r")
        address, cache = self.repo.path, self.folder / "cache"
        run_stage("scaffold", item, self.paths, address=address, cache=cache, report=self.reported.append)
        return Scaffolding.read(self.paths.scaffold)

    @property
    def generated(self) -> Path:
        return self.folder / GENERATED


@pytest.fixture
def project(tmp_path):
    return ScaffoldedProject(tmp_path)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def with_code(call: str) -> Optimization:
    return ITEM.model_copy(update={"benchmark": BenchmarkCode(call=call)})


def test_the_code_of_a_lockstep_is_one_benchmark_whatever_its_heads_changed(project):
    """Unless it only works with the target's import: then each head has its own."""
    call = "sum(range(10))"
    texts = set()
    for target in ("pagelayout.text:merge_lines", "pagelayout.text:other", None):
        item = with_code(call).model_copy(update={"lockstep": "sums"})
        scaffolding = project.scaffold(project.detection(target=target), item)
        assert scaffolding.path.endswith("/test_benchmark_sums.py")
        texts.add((project.folder / scaffolding.source).read_text())
        assert project.scaffold(project.detection(target=target), with_code(call)).sha256 != scaffolding.sha256
    assert len(texts) == 1
    importing = with_code("merge_lines([])").model_copy(update={"lockstep": "sums"})
    assert project.scaffold(project.detection(), importing).path.endswith("/test_benchmark_merge_lines.py")


def test_heads_benchmark_is_kept(project):
    project.head({PATH: "head\n"})
    scaffolding = project.scaffold(project.detection(project.presence("head", "worktree")))
    assert (scaffolding.origin, scaffolding.source, scaffolding.sha256, scaffolding.made_from) == (
        "head",
        project.repo.head,
        sha256("head\n"),
        "existing",
    )
    assert (scaffolding.notes, project.reported, project.generated.exists()) == ((), [], False)


def test_a_benchmark_that_is_being_edited_wins_and_is_reported(project):
    project.head({PATH: "head\n"})
    project.repo.write({PATH: "edited\n"})
    scaffolding = project.scaffold(project.detection(project.presence("head", "worktree")))
    assert (scaffolding.origin, scaffolding.source, scaffolding.sha256) == (
        "worktree",
        f"target/{PATH}",
        sha256("edited\n"),
    )
    assert project.reported == [f"the benchmark of the work tree is used, which differs from the committed one: {PATH}"]
    assert scaffolding.notes == tuple(project.reported)


def test_a_benchmark_only_in_the_work_tree_is_used_silently(project):
    project.repo.write({PATH: "new\n"})
    scaffolding = project.scaffold(project.detection(project.presence("worktree")))
    assert (scaffolding.origin, scaffolding.sha256, project.reported) == ("worktree", sha256("new\n"), [])


def test_a_work_tree_that_is_at_base_does_not_count_as_edited(project):
    project.base = project.repo.commit({PATH: "base\n"})
    base = project.presence("base", "worktree")
    project.head({PATH: "head\n"})
    head = project.presence("head")
    scaffolding = project.scaffold(project.detection(base.model_copy(update={"head": head.head})))
    assert (scaffolding.origin, scaffolding.sha256) == ("head", sha256("head\n"))


def test_a_benchmark_only_at_base_is_kept(project):
    project.base = project.repo.commit({PATH: "base\n"})
    presence = project.presence("base")
    project.head({PATH: None})
    scaffolding = project.scaffold(project.detection(presence))
    assert (scaffolding.origin, scaffolding.source, scaffolding.sha256) == ("base", project.base, sha256("base\n"))


def test_a_benchmark_of_a_picked_head_is_read(project):
    project.head({PATH: "head\n"})
    presence = project.presence("head")
    scaffolding = project.scaffold(project.detection(presence, picked=(project.repo.head,), head="ab" * 20))
    assert (scaffolding.origin, scaffolding.sha256) == ("head", sha256("head\n"))


def test_a_benchmark_that_the_manifest_names_but_does_not_exist_is_an_error(project):
    item = ITEM.model_copy(update={"benchmark": PATH})
    with pytest.raises(RepositoryError) as caught:
        project.scaffold(project.detection(Presence(path=PATH, base=None, head=None, worktree=None)), item)
    assert str(caught.value) == (
        f"merge_lines: {PATH}: this benchmark is neither at base, nor at head, nor in the work tree\n"
        "  correct `benchmark:` in the manifest, or leave it out to have one written"
    )


def test_one_is_written_from_the_signature_at_head(project):
    project.head({SOURCE: PLAIN})
    scaffolding = project.scaffold(project.detection())
    assert (scaffolding.path, scaffolding.origin, scaffolding.source, scaffolding.made_from, scaffolding.needs) == (
        PATH,
        "generated",
        GENERATED,
        "gap",
        f"fill in the arguments at {GENERATED}:11",
    )
    assert "benchmark(merge_lines, lines)" in project.generated.read_text(encoding="utf-8")
    assert scaffolding.sha256 == scaffolding.written == sha256(project.generated.read_text(encoding="utf-8"))
    assert project.reported == [f"fill in the arguments at {GENERATED}:11"]


def test_an_item_is_named_after_the_changed_function_that_was_recorded(project):
    other = DETECTION.functions[0].model_copy(update={"name": "split_lines"})
    renamed = other.model_copy(update={"name": "as_words", "base_name": "words", "status": "renamed"})
    detection = project.detection(functions=(*DETECTION.functions, other, renamed))
    split, merge = "pagelayout.text:split_lines", "pagelayout.text:merge_lines"
    for target, changed, optimized in (
        (split, split, split),
        ("pagelayout.text:render", split, split),
        (merge, merge, merge),
        ("pagelayout.text:words", "pagelayout.text:words", "pagelayout.text:as_words"),
        ("", "", merge),
        ("pagelayout.text:render", "pagelayout.text:unchanged", merge),
    ):
        scaffolding = project.scaffold(detection, target=target, changed=changed)
        assert optimized_function(scaffolding, detection) == optimized
        assert yaml.safe_load(manifest_text(ITEM, detection, scaffolding))["optimizations"][0]["functions"] == [
            optimized
        ]


def test_a_definition_outside_of_the_changed_files_is_found_by_its_import_root(project):
    project.head({SOURCE: PLAIN})
    assert project.scaffold(project.detection(functions=())).made_from == "gap"
    assert "lines = pytest.fail" in project.generated.read_text(encoding="utf-8")


def test_one_is_written_from_the_manifests_code(project):
    scaffolding = project.scaffold(project.detection(), with_code("merge_lines(['a'])"))
    assert (scaffolding.made_from, scaffolding.notes) == ("manifest", ())
    assert 'return merge_lines(["a"])' in project.generated.read_text(encoding="utf-8")


def test_the_manifests_code_comes_before_a_benchmark_that_exists(project):
    project.head({PATH: "head\n"})
    assert (
        project.scaffold(project.detection(project.presence("head")), with_code("merge_lines([])")).origin
        == "generated"
    )


@pytest.mark.parametrize("source", [PLAIN, "def merge_lines(lines: Unknown): ...\n"], ids=["written", "gap"])
@pytest.mark.parametrize(
    "options",
    [
        {"pyproject.toml": "[tool.pytest.ini_options]\npython_files = 'check_*.py'\npython_functions = 'check_*'\n"},
        {"tests/pytest.ini": "[pytest]\npython_files = check_*.py\npython_functions = check_*\n"},
    ],
    ids=["project", "tests"],
)
def test_it_has_names_that_pytest_collects_in_the_project(project, source, options):
    project.head({SOURCE: source, **options})
    scaffolding = project.scaffold(project.detection())
    assert scaffolding.path == "tests/benchmarks/check_benchmark_merge_lines.py"
    assert scaffolding.source == ".codeflash/benchmarks/merge_lines/check_benchmark_merge_lines.py"
    assert "\ndef check_benchmark_merge_lines(benchmark):\n" in (project.folder / scaffolding.source).read_text()


def test_the_place_to_fill_in_is_named_and_filling_it_in_is_enough(project):
    gap = project.scaffold(project.detection())
    assert (gap.made_from, gap.needs) == ("gap", f"fill in the arguments at {GENERATED}:11")
    assert project.reported == [gap.needs]
    text = project.generated.read_text(encoding="utf-8")
    assert text.splitlines()[10] == '    lines = pytest.fail("TODO: fill in lines")'
    project.generated.write_text(text.replace('pytest.fail("TODO: fill in lines")', '["a"] * 10_000'), encoding="utf-8")
    filled = project.scaffold(project.detection())
    assert (filled.origin, filled.needs, filled.made_from, filled.notes) == ("edited", "", "gap", ())
    assert '["a"] * 10_000' in project.generated.read_text(encoding="utf-8")


def test_an_unedited_file_follows_the_manifest(project):
    project.scaffold(project.detection(), with_code("merge_lines(['a'])"))
    scaffolding = project.scaffold(project.detection(), with_code("merge_lines(['b'])"))
    assert scaffolding.origin == "generated"
    assert '["b"]' in project.generated.read_text(encoding="utf-8")


def test_an_edited_file_is_kept_and_noted_while_it_differs(project):
    project.scaffold(project.detection(), with_code("merge_lines(['a'])"))
    project.generated.write_text("mine = 1\n", encoding="utf-8")
    kept = project.scaffold(project.detection(), with_code("merge_lines(['a'])"))
    assert (kept.origin, kept.sha256, kept.notes) == ("edited", sha256("mine = 1\n"), ())
    for _ in range(2):
        kept = project.scaffold(project.detection(), with_code("merge_lines(['b'])"))
        assert project.generated.read_text(encoding="utf-8") == "mine = 1\n"
        assert kept.notes == (
            f"the benchmark was edited by hand and is kept, though prprep would now write another one: {GENERATED}",
        )
    project.generated.write_text("mine = 2\n", encoding="utf-8")
    assert project.scaffold(project.detection(), with_code("merge_lines(['b'])")).notes == kept.notes


def test_a_file_that_prprep_may_not_have_written_is_kept(project):
    project.scaffold(project.detection(), with_code("merge_lines(['a'])"))
    project.paths.scaffold.unlink()
    assert project.scaffold(project.detection(), with_code("merge_lines(['a'])")).origin == "generated"
    project.paths.scaffold.unlink()
    assert project.scaffold(project.detection(), with_code("merge_lines(['b'])")).origin == "edited"


def test_a_deleted_file_is_written_anew(project):
    project.scaffold(project.detection(), with_code("merge_lines(['a'])"))
    project.generated.write_text("mine = 1\n", encoding="utf-8")
    project.scaffold(project.detection(), with_code("merge_lines(['a'])"))
    project.generated.unlink()
    assert project.scaffold(project.detection(), with_code("merge_lines(['a'])")).origin == "generated"


def test_the_repository_stays_unchanged(project):
    project.head({SOURCE: PLAIN})
    before = (
        project.repo.git("status", "--porcelain=v2", "--branch"),
        project.repo.git("worktree", "list"),
        project.repo.git("branch", "--all"),
    )
    project.scaffold(project.detection())
    assert before == (
        project.repo.git("status", "--porcelain=v2", "--branch"),
        project.repo.git("worktree", "list"),
        project.repo.git("branch", "--all"),
    )


@pytest.mark.slow
def test_a_function_that_head_lacks_is_refused_with_a_message(tmp_path):
    """Its calls are recorded at base, where tests reach it; a benchmark of it cannot run at head."""
    inlined = mistakes.LIGHT.replace("def total", "def summed")
    test = "from textkit import total\n\n\ndef test_total():\n    assert total(20_000)\n"
    repo = mistakes.target(
        tmp_path, {mistakes.BENCHMARK: None, "tests/test_textkit.py": test}, {mistakes.CODE: inlined}
    )
    run = mistakes.compare(
        repo, mistakes.item(benchmark=None, functions="textkit:total"), stages=("scaffold", "report")
    )
    assert (run.code, "is a defect" in run.output) == (1, False)
    assert "textkit:total exists at base but not at head" in run.failure()
    assert "blocked: record" in run.output
