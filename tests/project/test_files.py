from __future__ import annotations

from tasks.project import files, layout
from tests.support.projects import PROJECT
from tests.support.targets import TargetRepo


def test_folder_is_read_without_git_files_and_outside_links(tmp_path):
    (tmp_path / "secret").write_text("x")
    repo = TargetRepo(tmp_path / "repo", {"pages/__init__.py": "", "pyproject.toml": PROJECT})
    (repo.path / "way-out").symlink_to(tmp_path / "secret")
    tree = files.FolderTree(repo.path)
    assert tree.files() == ("pages/__init__.py", "pyproject.toml", "way-out")
    assert tree.read("way-out") is None
    assert layout.describe(tree).packages == ("pages",)


def test_files_of_a_commit_are_listed_once():
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
