"""The stage: refs in, detect.json out; a real repository."""

from __future__ import annotations

import pytest

from tasks.artifacts import Detection
from tasks.errors import RepositoryError
from tasks.manifest.model import Optimization
from tasks.pipeline import staleness_of
from tasks.processes.progress import silent
from tasks.stages.detect import detect
from tasks.storage.files import fingerprint_of
from tasks.storage.hashing import digest
from tasks.storage.paths import ItemPaths
from tests.support.histories import history, refs_of
from tests.support.stages import inputs_of, workspace_of
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow

A = "src/pages/a.py"
ITEM = Optimization(id="it", head="faster")


def run(repo, paths, item=ITEM, report=silent, refs=None):
    workspace = workspace_of(item, paths=paths, address=repo.path, cache=repo.path.parent / "cache")
    workspace._refs = {item.id: refs or refs_of(repo, item)}
    detect.run(inputs_of("detect", staleness_of(workspace), item.id, fingerprint="a fingerprint", report=report))


@pytest.fixture
def repo(tmp_path):
    return history(tmp_path, {A: "def f():\n    return 1\n"}, {A: "def f():\n    return 2\n"})


@pytest.fixture
def paths(tmp_path):
    return ItemPaths("it", tmp_path / "work/.prprep/it", tmp_path / "work/.codeflash")


def test_the_artifact_has_the_target_and_the_fingerprint(repo, paths):
    lines = []
    with untouched(repo.path):
        run(repo, paths, report=lines.append)
    assert Detection.read(paths.detect).target == "pages.a:f"
    assert fingerprint_of(paths.detect) == "a fingerprint"
    assert lines[-1] == "pages.a:f: it is the only public function that changed (1 line)"


def test_the_artifact_is_reproducible_and_has_no_absolute_paths(repo, paths, tmp_path):
    run(repo, paths)
    first = digest(paths.detect)
    run(repo, paths)
    assert digest(paths.detect) == first
    assert str(tmp_path) not in paths.detect.read_text()


def test_a_failure_leaves_no_artifact(repo, paths):
    repo.branch("nothing", "main")
    repo.git("commit", "--quiet", "--allow-empty", "-m", "Nothing")
    with pytest.raises(RepositoryError, match="nothing changed"):
        run(repo, paths, Optimization(id="it", head="nothing"))
    assert not paths.detect.exists()


def test_a_commit_that_the_clone_lacks_is_fetched(repo, paths):
    run(repo, paths)
    repo.commit({A: "def f():\n    return 3\n", "src/pages/b.py": "def g(): ...\n"}, "More")
    run(repo, paths)
    assert [function.name for function in Detection.read(paths.detect).functions] == ["f", "g"]


def test_without_a_function_the_reason_is_reported(repo, paths):
    repo.branch("docs", "main")
    repo.commit({"README.md": "# Pages\n"}, "Explain")
    lines = []
    run(repo, paths, Optimization(id="it", head="docs"), report=lines.append)
    assert lines[-1] == "no function found: no function of the project changed"
    detection = Detection.read(paths.detect)
    assert (detection.target, detection.function, detection.benchmark.path) == (
        None,
        "it",
        "tests/benchmarks/test_benchmark_it.py",
    )
