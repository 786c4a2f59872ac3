"""The bundled example is the same repository on every machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.build import build, needs
from tasks.artifacts import ProjectTests
from tasks.manifest.reader import read, with_defaults
from tasks.storage.paths import ItemPaths
from tasks.workspace import nested
from tests.support.stages import run_stage

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[1]
COMMITS = {
    "main": "c341344eeddd932f1cd1593d3121eccf422f8004",
    "perf/lazy-imports": "06bd35e53f8191dc473ad85c7d379fbf5c2c24fa",
    "perf/load-annotations": "997b2467cda404b8317f99d20f30bf02d9620634",
    "perf/merge-text": "20a827e6841adb6c94d99b03503efb0f254b0865",
    "perf/table-extraction": "3942d4e6ac3bac614b50abaecb558b79db48856c",
}


def branches(repository: Path) -> dict[str, str]:
    listed = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split() for line in listed.stdout.splitlines())


def test_the_commits_are_the_same_everywhere(tmp_path):
    build(tmp_path / "repository")
    assert branches(tmp_path / "repository") == COMMITS


def test_the_users_configuration_and_mask_change_nothing(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text(
        "[core]\n autocrlf = true\n fileMode = false\n[commit]\n gpgsign = true\n[init]\n defaultBranch = trunk\n[user]\n name = Somebody\n"
    )
    attributes = tmp_path / "home" / ".config" / "git" / "attributes"
    attributes.parent.mkdir(parents=True)
    attributes.write_text("* text eol=crlf working-tree-encoding=UTF-16LE\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    mask = os.umask(0o077)
    try:
        build(tmp_path / "repository")
    finally:
        os.umask(mask)
    assert branches(tmp_path / "repository") == COMMITS


def test_a_repository_that_is_there_is_replaced_as_a_whole(tmp_path):
    build(tmp_path / "repository")
    (tmp_path / "repository" / "stray.txt").write_text("left over")
    build(tmp_path / "repository")
    assert not (tmp_path / "repository" / "stray.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["repository"]


def test_every_source_is_an_input_of_the_task():
    names = {path.name for path in needs()}
    assert {"build.py", "tables.py", "pyproject.toml", ".gitignore"} <= names
    assert len([path for path in needs() if path.suffix == ".patch"]) == 5


def test_the_example_leaves_nothing_out():
    loaded = read(CHECKOUT / "prprep.yaml")
    items = [with_defaults(item, loaded.manifest.defaults) for item in loaded.manifest.optimizations]
    assert all(item.verify and item.tests is not False for item in items)


@pytest.mark.slow
def test_the_projects_own_tests_are_the_same_at_base_and_head(tmp_path):
    """One item as the example has it, by the real graph: found by themselves, in real environments, all passed."""
    build(tmp_path / "repository")
    manifest = (CHECKOUT / "prprep.yaml").read_text(encoding="utf-8").replace("examples/repository", "repository")
    (tmp_path / "prprep.yaml").write_text(manifest, encoding="utf-8")
    nested.run(["detect:merge_text"], folder=tmp_path, cache=Path(os.environ["PRPREP_CACHE"]))
    loaded = read(tmp_path / "prprep.yaml")
    item = next(
        with_defaults(each, loaded.manifest.defaults)
        for each in loaded.manifest.optimizations
        if each.id == "merge_text"
    )
    paths = ItemPaths("merge_text", tmp_path / ".prprep" / "merge_text", tmp_path / ".codeflash")
    run_stage("tests", item, paths, address=tmp_path / "repository", cache=Path(os.environ["PRPREP_CACHE"]))
    made = ProjectTests.read(paths.tests)
    assert (made.command, made.pass_at_head, made.differences) == (
        "python -m pytest --ignore=tests/benchmarks",
        True,
        (),
    )
    assert made.base.passed == made.head.passed > 20


@pytest.mark.slow
@pytest.mark.parametrize("branch", ["perf/lazy-imports", "perf/load-annotations", "perf/table-extraction"])
def test_the_librarys_own_tests_pass_on_every_branch(branch, tmp_path):
    """Those of main and perf/merge-text are the sides of the test above."""
    build(tmp_path / "repository")
    subprocess.run(["git", "checkout", "--quiet", branch], cwd=tmp_path / "repository", check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--benchmark-disable", "-p", "no:cacheprovider"],
        cwd=tmp_path / "repository",
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
