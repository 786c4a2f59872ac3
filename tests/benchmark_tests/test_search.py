from __future__ import annotations

import subprocess
from textwrap import dedent

import pytest

from tasks.benchmark_tests.search import benchmark_files, blob_of, files_below, presence
from tasks.git import Clone
from tasks.project.code.sources import Sources
from tasks.project.code.span import Span
from tests.support.projects import Files
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

TREE = Files(
    {
        "src/pages/__init__.py": "from .tables import extract\nfrom . import tables\n",
        "src/pages/tables.py": "def extract(): ...\ndef other(): ...\nclass Table:\n    def rows(self): ...\n    def cells(self): ...\n",
        "src/pages/broken.py": "def f(:\n",
    }
)
SOURCES = Sources(TREE, ("src",))


def uses(text, target):
    found, notes = benchmark_files({"b.py": dedent(text).encode()}, SOURCES)
    assert notes == ()
    return any(benchmark.uses(SOURCES.find(target)) for benchmark in found)


@pytest.mark.parametrize(
    "text",
    [
        "from pages import extract\ndef test(benchmark): benchmark(extract, 1)",
        "from pages.tables import extract as e\ndef test(benchmark): benchmark(lambda: e())",
        "import pages\ndef test(benchmark): benchmark(pages.extract)",
        "import pages.tables\ndef test(benchmark): benchmark(pages.tables.extract)",
        "import pages.tables as t\ndef test(benchmark): benchmark.pedantic(t.extract, rounds=3)",
        "from pages import tables\ndef test(benchmark): benchmark(tables.extract)",
        "def test(benchmark):\n    from pages import extract\n    benchmark(extract)",
        "from pages import extract\nimport pytest\n@pytest.mark.benchmark\ndef test(): extract()",
        "from pages import extract\nimport pages.broken\ndef test(benchmark): benchmark(extract); pages.broken.f()",
    ],
)
def test_benchmark_uses_what_it_imports_and_names(text):
    assert uses(text, "pages.tables:extract")


@pytest.mark.parametrize(
    "text",
    [
        "from pages import extract\ndef test(benchmark): benchmark(len, [])",
        "from pages.tables import other\ndef test(benchmark): benchmark(other)",
        "from elsewhere import extract\ndef test(benchmark): benchmark(extract)",
        "from .pages import extract\ndef test(benchmark): benchmark(extract)",
        "from pages import extract\ndef test(): extract()",
        "def test(benchmark, extract): benchmark(extract)",
    ],
)
def test_benchmark_does_not_use_what_it_does_not_name(text):
    assert not uses(text, "pages.tables:extract")


def test_method_is_used_by_class_and_attribute():
    text = "from pages.tables import Table\ndef test(benchmark):\n    table = Table()\n    benchmark(table.rows)"
    assert uses(text, "pages.tables:Table.rows")
    assert uses(text, "pages.tables:Table")
    assert not uses(text, "pages.tables:Table.cells")
    assert uses(
        "from pages.tables import Table\ndef test(benchmark): benchmark(Table.cells, 1)", "pages.tables:Table.cells"
    )


def test_unparsable_file_is_a_note():
    found, notes = benchmark_files({"tests/b.py": b"def f(:\n"}, SOURCES)
    assert found == ()
    assert len(notes) == 1
    assert notes[0].startswith("tests/b.py:1: this file cannot be read by Python ")
    assert notes[0].endswith("; whether it is a benchmark of the change is not known.")


# -- where they are -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    repo = TargetRepo(
        tmp_path_factory.mktemp("search") / "target",
        {"perf/both.py": "b = 1\n", "perf/gone.py": "g = 1\n", "perf/in/deep.py": "d = 1\n", "top.py": "t = 1\n"},
    )
    repo.git("tag", "base")
    repo.commit(
        {
            "perf/both.py": "b = 2\n",
            "perf/gone.py": None,
            "perf/new.py": "n = 2\n",
            "performance.py": "",
            "perf/notes.txt": "",
        }
    )
    repo.write({"perf/both.py": "b = 1\n", "perf/new.py": "n = 3\n", "perf/here.py": "h = 3\n"})
    return repo


def span_of(repo):
    return Span(base=repo.git("rev-parse", "base"), head=repo.head, commits=())


def test_edited_files_win_over_head_and_head_over_base(repo, tmp_path):
    with Clone.open(str(repo.path), tmp_path / "cache") as clone:
        files = files_below("perf", clone=clone, span=span_of(repo), worktree=repo.path)
        assert files == {
            "perf/both.py": b"b = 2\n",  # the work tree holds what base has: it is not being edited
            "perf/gone.py": b"g = 1\n",
            "perf/in/deep.py": b"d = 1\n",
            "perf/new.py": b"n = 3\n",
            "perf/here.py": b"h = 3\n",
        }
        assert "perf/here.py" not in files_below("perf", clone=clone, span=span_of(repo), worktree=None)
        assert files_below("nowhere", clone=clone, span=span_of(repo), worktree=repo.path) == {}
        assert set(files_below("", clone=clone, span=span_of(repo), worktree=repo.path)) == {"top.py", "performance.py"}


@pytest.mark.parametrize(
    "path", ["perf/both.py", "perf/gone.py", "perf/new.py", "perf/here.py", "perf", "perf/nowhere.py"]
)
def test_presence_has_the_hashes_of_git(repo, tmp_path, path):
    def at(commit):
        done = subprocess.run(
            ["git", "rev-parse", f"{commit}:{path}"], cwd=repo.path, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 and path.endswith(".py") else None

    here = repo.git("hash-object", path) if (repo.path / path).is_file() else None
    with Clone.open(str(repo.path), tmp_path / "cache") as clone:
        found = presence(path, clone=clone, span=span_of(repo), worktree=repo.path)
        assert (found.path, found.base, found.head, found.worktree) == (path, at("base"), at("HEAD"), here)
        assert presence(path, clone=clone, span=span_of(repo), worktree=None).worktree is None


def test_the_hash_of_a_blob():
    assert blob_of(None) is None
    assert blob_of(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
