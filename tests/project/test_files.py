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


def test_keywords_of_setup_are_read_from_constants(tmp_path):
    (tmp_path / "setup.py").write_text(
        "from setuptools import setup, find_packages\n"
        'NAME = "toml"\n'
        'EXTRAS = {"tests": ["pytest", "simplejson"], "docs": read("docs.txt")}\n'
        'EXTRAS["dev"] = EXTRAS["tests"] + ["tox"]\n'
        'setup(name=NAME, version=version(), packages=find_packages("src"), extras_require=EXTRAS)\n'
    )
    assert files.Project(files.FolderTree(tmp_path), "").setup_keywords == {
        "name": "toml",
        "version": None,
        "packages": "src",
        "extras_require": {"tests": ["pytest", "simplejson"], "docs": None, "dev": ["pytest", "simplejson", "tox"]},
    }
