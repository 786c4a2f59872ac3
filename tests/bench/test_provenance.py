"""Which modules belong to a side, and which stop the comparison."""

import os
from pathlib import Path

import pytest

from tasks.artifacts import Module
from tasks.bench.provenance import prove
from tasks.errors import ProvenanceError
from tests.support.pairs import pair, write

pytestmark = pytest.mark.slow

EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


@pytest.fixture
def request_(tmp_path):
    request = pair(tmp_path, packages=("project", "spaces"))
    write(
        tmp_path / "head",
        {"src/project/deep/part.py": "", "src/spaces/ours.py": "", ".venv/lib/site-packages/other.py": ""},
    )
    write(
        tmp_path / "lib/site-packages",
        {"project/__init__.py": "", "spaces/theirs.py": "", "spaces/ours.py": "", "other.py": ""},
    )
    return request


def prove_one(request, name, path):
    return prove([{"name": name, "path": str(path)}], side="head", request=request)


def test_a_file_of_the_tree_has_its_blob(request_, tmp_path):
    proved = prove_one(request_, "project.deep.part", tmp_path / "head/src/project/deep/part.py")
    assert proved == (Module(name="project.deep.part", path="src/project/deep/part.py", blob=EMPTY_BLOB),)


@pytest.mark.parametrize(
    ("name", "path"),
    [("spaces.theirs", "lib/site-packages/spaces/theirs.py"), ("other", "head/.venv/lib/site-packages/other.py")],
    ids=["another distribution's part of a namespace package", "an environment inside the tree"],
)
def test_modules_of_others_are_not_the_projects(request_, tmp_path, name, path):
    assert prove_one(request_, name, tmp_path / path) == ()


@pytest.mark.parametrize("path", ["src/project", "src/project/gone.py", "src/project/deep/part.py/inner.py"])
def test_a_module_without_a_file_is_not_measured_code(request_, tmp_path, path):
    assert prove_one(request_, "project.made", tmp_path / "head" / path) == ()


def test_links_and_parent_folders_do_not_lead_out_of_the_tree(request_, tmp_path):
    (tmp_path / "secret.py").write_text("hush")
    (tmp_path / "head/link.py").symlink_to(tmp_path / "secret.py")
    os.mkfifo(tmp_path / "head/pipe.py")
    for path in ("head/link.py", "head/../secret.py", "head/pipe.py"):
        assert prove_one(request_, "anything", tmp_path / path) == ()


@pytest.mark.parametrize(
    ("name", "path", "origin"),
    [
        ("project", "lib/site-packages/project/__init__.py", "an installed copy"),
        ("project.absent", "lib/site-packages/project/absent.py", "an installed copy"),
        ("spaces.ours", "lib/site-packages/spaces/ours.py", "an installed copy"),
        ("project", "elsewhere/project/__init__.py", "elsewhere"),
        ("project", "head/.venv/lib/site-packages/project/__init__.py", "an installed copy"),
        ("anything", "base/tests/test_benchmark.py", "the tree of base"),
    ],
)
def test_a_module_from_elsewhere_stops_the_comparison(request_, tmp_path, name, path, origin):
    with pytest.raises(ProvenanceError) as raised:
        prove_one(request_, name, tmp_path / path)
    assert (
        raised.value.what
        == f"on head `{name}` is imported from {origin} instead of the tree of head: {Path(tmp_path / path)}"
    )
