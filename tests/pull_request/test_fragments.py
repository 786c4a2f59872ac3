"""Fragments of changelogs: the names and kinds that a project's own settings and habits ask for, taken by the real tools."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.project.files import Project
from tasks.pull_request.fragments import ChangelogEntry, blurb, scriv, towncrier
from tests.support.projects import Files
from tests.support.targets import TargetRepo

ENTRY = ChangelogEntry("merge.lines", "Improve the performance of `pages.merge`.", None, "2024-01-31 12:00:05")
TYPED = """
    [tool.towncrier]
    directory = "changes"
    filename = "CHANGES.rst"
    """


def types(*names: str) -> str:
    return TYPED + "".join(
        f'\n    [[tool.towncrier.type]]\n    directory = "{name}"\n    name = "{name.title()}"\n    showcontent = true\n'
        for name in names
    )


def fragment(files: dict[str, str], entry: ChangelogEntry = ENTRY, folder: str = "changes") -> tuple[str, str]:
    written = towncrier(Project(Files(files)), folder, entry)
    ((path, content),) = written.files.items()
    return path, content


@pytest.mark.parametrize(
    ("named", "chosen"),
    [
        (("feature", "performance", "bugfix"), "performance"),
        (("bugfix", "feature"), "feature"),
        (("bugfix", "change"), "change"),
        (("doc", "misc"), "misc"),
    ],
)
def test_the_type_is_the_one_that_suits_best(named, chosen):
    assert fragment({"pyproject.toml": types(*named)})[0] == f"changes/+perf-merge-lines.{chosen}.rst"


def test_the_type_is_the_one_that_the_project_used_before():
    files = {
        "pyproject.toml": types("feature", "bugfix", "misc"),
        "changes/12.misc.rst": "Improved the performance of all.",
    }
    assert fragment(files)[0] == "changes/+perf-merge-lines.misc.rst"
    changelog = (
        "1.0\n===\n\nFeature\n-------\n\n- New.\n\nBugfix\n------\n\n- Faster: improve performance.\n- Optimize it.\n"
    )
    assert fragment({"pyproject.toml": types("feature", "bugfix"), "CHANGES.rst": changelog})[0].endswith(".bugfix.rst")


def test_the_suffix_and_the_marks_are_those_of_the_other_fragments():
    markdown = {"pyproject.toml": types("change"), "changes/12.change.md": "Words."}
    assert fragment(markdown) == ("changes/+perf-merge-lines.change.md", "Improve the performance of `pages.merge`.\n")
    assert (
        fragment({"pyproject.toml": types("change"), "changes/12.change": "Words."})[0]
        == "changes/+perf-merge-lines.change"
    )
    assert fragment({"pyproject.toml": types("change")})[1] == "Improve the performance of ``pages.merge``.\n"


def test_a_known_number_names_the_fragment_and_leaves_nothing_to_do():
    written = towncrier(
        Project(Files({"pyproject.toml": types("change")})), "changes", ChangelogEntry("it", "Words.", 12)
    )
    assert (list(written.files), written.todos) == (["changes/12.change.rst"], ())


def test_an_unknown_number_is_left_to_a_person():
    written = towncrier(Project(Files({"pyproject.toml": types("change")})), "changes", ENTRY)
    assert written.todos == (
        "rename changes/+perf-merge-lines.change.rst when the number of the issue or pull request is known: NUMBER.change.rst",
    )


def test_scriv_has_categories_of_its_own():
    settings = '[tool.scriv]\nformat = "md"\ncategories = ["Added", "Performance"]\n'
    written = scriv(Project(Files({"pyproject.toml": settings})), "changelog.d", ENTRY)
    assert written.files == {
        "changelog.d/perf-merge-lines.md": "### Performance\n\n- Improve the performance of `pages.merge`.\n"
    }
    usual = scriv(Project(Files({"pyproject.toml": "[tool.scriv]\n"})), "changelog.d", ENTRY)
    assert usual.files == {
        "changelog.d/perf-merge-lines.rst": "Changed\n-------\n\n- Improve the performance of ``pages.merge``.\n"
    }


def test_blurb_gets_a_date_and_a_section_and_no_number():
    written = blurb(
        "Misc/NEWS.d/next", ChangelogEntry("it", "Words.", dated="2024-01-31 12:00:05", files=("Lib/json/decoder.py",))
    )
    (path,) = written.files
    assert path.startswith("Misc/NEWS.d/next/Library/2024-01-31-12-00-05.gh-issue-NUMBER.")
    assert "NUMBER is the number of the issue" in written.todos[0]
    core = blurb("Misc/NEWS.d/next", ChangelogEntry("it", "Words.", files=("Objects/listobject.c",)))
    assert next(iter(core.files)).startswith("Misc/NEWS.d/next/Core_and_Builtins/")


@pytest.fixture
def tool():
    def path(name: str) -> str:
        beside = Path(sys.executable).with_name(name)
        return str(beside) if beside.exists() else shutil.which(name) or pytest.skip(f"{name} is not installed")

    return path


def test_towncrier_takes_the_fragment(tmp_path, tool):
    files = {"pyproject.toml": types("feature", "performance")}
    path, content = fragment(files)
    repo = TargetRepo(tmp_path / "repo", {**files, path: content})
    command = [tool("towncrier"), "build", "--draft", "--version", "2.0", "--name", "pages", "--date", "2024-01-31"]
    done = subprocess.run(command, cwd=repo.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Performance\n-----------\n\n- Improve the performance of ``pages.merge``.\n" in done.stdout
    assert "merge-lines" not in done.stdout


@pytest.mark.slow
def test_scriv_takes_the_fragment(tmp_path, tool):
    settings = '[tool.scriv]\nformat = "md"\nversion = "2.0"\n'
    written = scriv(Project(Files({"pyproject.toml": settings})), "changelog.d", ENTRY)
    repo = TargetRepo(tmp_path / "repo", {"pyproject.toml": settings, **written.files})
    done = subprocess.run([tool("scriv"), "collect"], cwd=repo.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "# Changed\n\n- Improve the performance of `pages.merge`.\n" in (repo.path / "CHANGELOG.md").read_text()
