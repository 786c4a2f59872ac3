from __future__ import annotations

from tasks.project import files, layout
from tests.support.projects import PROJECT
from tests.support.targets import TargetRepo


def test_a_folder_is_read_without_gits_files_and_not_beyond_its_border(tmp_path):
    (tmp_path / "secret").write_text("x")
    repo = TargetRepo(tmp_path / "repo", {"pages/__init__.py": "", "pyproject.toml": PROJECT})
    (repo.path / "way-out").symlink_to(tmp_path / "secret")
    tree = files.FolderTree(repo.path)
    assert tree.files() == ("pages/__init__.py", "pyproject.toml", "way-out")
    assert tree.read("way-out") is None
    assert layout.describe(tree).packages == ("pages",)


def test_a_commit_is_asked_for_its_files_once():
    class Clone:
        asked = 0

        def files(self, commit):
            self.asked += 1
            return ("pages.py",) if commit == "abc" else ()

        def read(self, commit, path):
            return f"{commit} {path}".encode()

    clone = Clone()
    tree = files.CommitTree(clone, "abc")
    assert (tree.files(), tree.files(), tree.read("pages.py"), clone.asked) == (
        ("pages.py",),
        ("pages.py",),
        b"abc pages.py",
        1,
    )
