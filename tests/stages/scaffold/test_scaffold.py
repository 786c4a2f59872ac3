from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tasks.artifacts import Detection, Presence, Recording, Scaffolding
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


class Place:
    """A target repository and a manifest's folder beside it; `scaffold` runs the stage on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = TargetRepo(folder / "target", {SOURCE: "def merge_lines(lines): ...\n"})
        self.base = self.repo.head
        self.paths: ItemPaths = ProjectPaths(folder / "prprep.yaml", folder / ".codeflash").item("merge_lines")
        self.said: list[str] = []

    def head(self, files: dict[str, str | None]) -> None:
        self.repo.commit(files)

    def detection(self, presence: Presence | None = None, **fields: object) -> Detection:
        commits = {"base": self.base, "head": self.repo.head, "benchmark": presence}
        return DETECTION.model_copy(update={**commits, **fields})

    def presence(self, *sides: str) -> Presence:
        """Say where the benchmark is, by asking git: `base` and `head` for what HEAD holds now."""
        questions = {
            "worktree": ("hash-object", PATH),
            "base": ("rev-parse", f"HEAD:{PATH}"),
            "head": ("rev-parse", f"HEAD:{PATH}"),
        }
        blobs = {side: self.repo.git(*question) if side in sides else None for side, question in questions.items()}
        return Presence(path=PATH, **blobs)

    def scaffold(self, detection: Detection, item: Optimization = ITEM) -> Scaffolding:
        detection.write(self.paths.detect)
        self.said.clear()
        Recording(item=ITEM.id).write(self.paths.record, "r")
        address, cache = self.repo.path, self.folder / "cache"
        run_stage("scaffold", item, self.paths, address=address, cache=cache, report=self.said.append)
        return Scaffolding.read(self.paths.scaffold)

    @property
    def generated(self) -> Path:
        return self.folder / GENERATED


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def with_code(call: str) -> Optimization:
    return ITEM.model_copy(update={"benchmark": BenchmarkCode(call=call)})


def test_heads_benchmark_is_kept(place):
    place.head({PATH: "head\n"})
    made = place.scaffold(place.detection(place.presence("head", "worktree")))
    assert (made.origin, made.source, made.sha256, made.made_from) == (
        "head",
        place.repo.head,
        sha256("head\n"),
        "existing",
    )
    assert (made.notes, place.said, place.generated.exists()) == ((), [], False)


def test_a_benchmark_that_is_being_edited_wins_and_it_is_said(place):
    place.head({PATH: "head\n"})
    place.repo.write({PATH: "edited\n"})
    made = place.scaffold(place.detection(place.presence("head", "worktree")))
    assert (made.origin, made.source, made.sha256) == ("worktree", f"target/{PATH}", sha256("edited\n"))
    assert place.said == [f"the benchmark of the work tree is used, which differs from the committed one: {PATH}"]
    assert made.notes == tuple(place.said)


def test_a_benchmark_in_the_work_tree_alone_is_used_silently(place):
    place.repo.write({PATH: "new\n"})
    made = place.scaffold(place.detection(place.presence("worktree")))
    assert (made.origin, made.sha256, place.said) == ("worktree", sha256("new\n"), [])


def test_a_work_tree_that_is_at_base_does_not_count_as_edited(place):
    place.base = place.repo.commit({PATH: "base\n"})
    base = place.presence("base", "worktree")
    place.head({PATH: "head\n"})
    head = place.presence("head")
    made = place.scaffold(place.detection(base.model_copy(update={"head": head.head})))
    assert (made.origin, made.sha256) == ("head", sha256("head\n"))


def test_a_benchmark_at_base_alone_is_kept(place):
    place.base = place.repo.commit({PATH: "base\n"})
    presence = place.presence("base")
    place.head({PATH: None})
    made = place.scaffold(place.detection(presence))
    assert (made.origin, made.source, made.sha256) == ("base", place.base, sha256("base\n"))


def test_a_benchmark_of_a_head_made_of_picks_is_read(place):
    place.head({PATH: "head\n"})
    presence = place.presence("head")
    made = place.scaffold(place.detection(presence, picked=(place.repo.head,), head="ab" * 20))
    assert (made.origin, made.sha256) == ("head", sha256("head\n"))


def test_a_benchmark_that_the_manifest_names_but_does_not_exist_is_an_error(place):
    item = ITEM.model_copy(update={"benchmark": PATH})
    with pytest.raises(RepositoryError) as caught:
        place.scaffold(place.detection(Presence(path=PATH, base=None, head=None, worktree=None)), item)
    assert str(caught.value) == (
        f"merge_lines: {PATH}: this benchmark is neither at base, nor at head, nor in the work tree\n"
        "  correct `benchmark:` in the manifest, or leave it out to have one written"
    )


def test_one_is_written_from_the_signature_at_head(place):
    place.head({SOURCE: PLAIN})
    made = place.scaffold(place.detection())
    assert (made.path, made.origin, made.source, made.made_from, made.needs) == (
        PATH,
        "generated",
        GENERATED,
        "signature",
        "",
    )
    assert "benchmark(merge_lines, lines)" in place.generated.read_text(encoding="utf-8")
    assert made.sha256 == made.written == sha256(place.generated.read_text(encoding="utf-8"))
    assert place.said == [f"the benchmark's arguments were made up from the signature: {GENERATED}"]


def test_a_definition_outside_of_the_changed_files_is_found_by_its_import_root(place):
    place.head({SOURCE: PLAIN})
    assert place.scaffold(place.detection(functions=())).made_from == "signature"


def test_one_is_written_from_the_manifests_code(place):
    made = place.scaffold(place.detection(), with_code("merge_lines(['a'])"))
    assert (made.made_from, made.notes) == ("manifest", ())
    assert 'return merge_lines(["a"])' in place.generated.read_text(encoding="utf-8")


def test_the_manifests_code_comes_before_a_benchmark_that_exists(place):
    place.head({PATH: "head\n"})
    assert place.scaffold(place.detection(place.presence("head")), with_code("merge_lines([])")).origin == "generated"


def test_the_place_to_fill_in_is_named_and_filling_it_in_is_enough(place):
    gap = place.scaffold(place.detection())
    assert (gap.made_from, gap.needs) == ("gap", f"fill in the arguments at {GENERATED}:16")
    assert place.said == [gap.needs]
    text = place.generated.read_text(encoding="utf-8")
    assert text.splitlines()[15] == '    lines = pytest.fail("TODO: fill in lines")'
    place.generated.write_text(text.replace('pytest.fail("TODO: fill in lines")', '["a"] * 10_000'), encoding="utf-8")
    filled = place.scaffold(place.detection())
    assert (filled.origin, filled.needs, filled.made_from, filled.notes) == ("edited", "", "gap", ())
    assert '["a"] * 10_000' in place.generated.read_text(encoding="utf-8")


def test_an_unedited_file_follows_the_manifest(place):
    place.scaffold(place.detection(), with_code("merge_lines(['a'])"))
    made = place.scaffold(place.detection(), with_code("merge_lines(['b'])"))
    assert made.origin == "generated"
    assert '["b"]' in place.generated.read_text(encoding="utf-8")


def test_an_edited_file_is_kept_and_said_to_differ_as_long_as_it_does(place):
    place.scaffold(place.detection(), with_code("merge_lines(['a'])"))
    place.generated.write_text("mine = 1\n", encoding="utf-8")
    kept = place.scaffold(place.detection(), with_code("merge_lines(['a'])"))
    assert (kept.origin, kept.sha256, kept.notes) == ("edited", sha256("mine = 1\n"), ())
    for _ in range(2):
        kept = place.scaffold(place.detection(), with_code("merge_lines(['b'])"))
        assert place.generated.read_text(encoding="utf-8") == "mine = 1\n"
        assert kept.notes == (
            f"the benchmark was edited by hand and is kept, though prprep would now write another one: {GENERATED}",
        )
    place.generated.write_text("mine = 2\n", encoding="utf-8")
    assert place.scaffold(place.detection(), with_code("merge_lines(['b'])")).notes == kept.notes


def test_a_file_that_prprep_cannot_vouch_for_is_kept(place):
    place.scaffold(place.detection(), with_code("merge_lines(['a'])"))
    place.paths.scaffold.unlink()
    assert place.scaffold(place.detection(), with_code("merge_lines(['a'])")).origin == "generated"
    place.paths.scaffold.unlink()
    assert place.scaffold(place.detection(), with_code("merge_lines(['b'])")).origin == "edited"


def test_a_deleted_file_is_written_anew(place):
    place.scaffold(place.detection(), with_code("merge_lines(['a'])"))
    place.generated.write_text("mine = 1\n", encoding="utf-8")
    place.scaffold(place.detection(), with_code("merge_lines(['a'])"))
    place.generated.unlink()
    assert place.scaffold(place.detection(), with_code("merge_lines(['a'])")).origin == "generated"


def test_the_repository_stays_as_it_was(place):
    place.head({SOURCE: PLAIN})
    before = (
        place.repo.git("status", "--porcelain=v2", "--branch"),
        place.repo.git("worktree", "list"),
        place.repo.git("branch", "--all"),
    )
    place.scaffold(place.detection())
    assert before == (
        place.repo.git("status", "--porcelain=v2", "--branch"),
        place.repo.git("worktree", "list"),
        place.repo.git("branch", "--all"),
    )


@pytest.mark.slow
def test_a_function_that_head_has_no_more_is_refused_in_words(tmp_path):
    """Its calls are recorded at base, where tests reach it; a benchmark of it cannot run at head."""
    inlined = mistakes.LIGHT.replace("def total", "def summed")
    test = "from textkit import total\n\n\ndef test_total():\n    assert total(20_000)\n"
    repo = mistakes.target(
        tmp_path, {mistakes.BENCHMARK: None, "tests/test_textkit.py": test}, {mistakes.CODE: inlined}
    )
    run = mistakes.compare(
        repo, mistakes.item(benchmark=None, functions="textkit:total"), stages=("scaffold", "report")
    )
    assert (run.code, "is a defect" in run.told) == (1, False)
    assert "textkit:total exists at base but not at head" in run.failure()
    assert "blocked: scaffold" in run.told
