"""The project of a commit is built once, and every tree of the commit has a copy that is its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path
from textwrap import dedent

import pytest

from tasks.artifacts import TreeSpec
from tasks.bench import trees
from tasks.bench.trees import Checkout
from tasks.environments import builder
from tasks.environments.shared_builds import CACHE_TAG, SharedBuild, without_caches
from tasks.environments.venvs import RECORD, Venv
from tasks.errors import EnvironmentBuildError
from tasks.git import Clone
from tasks.manifest.model import EnvironmentSettings
from tasks.project.files import FolderTree
from tasks.project.layout import describe
from tests.support.projects import PROJECT, SETUPTOOLS
from tests.support.targets import TargetRepo

SETUP = """\
import os, pathlib, setuptools
with open({log!r}, "a") as log:
    log.write("built\\n")
pathlib.Path("pages/_where.py").write_text(f"ROOT = {{os.getcwd()!r}}\\n")
pathlib.Path("target/debug").mkdir(parents=True, exist_ok=True)
pathlib.Path("target/CACHEDIR.TAG").write_bytes({tag!r})
pathlib.Path("target/debug/object").write_bytes(b"large")
if not os.path.lexists("pages/linked"):
    os.symlink(os.path.abspath("pages"), "pages/linked")
root = [("ROOT", '"' + os.getcwd() + '"')]
setuptools.setup(ext_modules=[setuptools.Extension("pages.fast", ["pages/fast.c"], define_macros=root)])
"""
EXTENSION = """\
#include <Python.h>
static PyObject *root(PyObject *self, PyObject *args) { return PyUnicode_FromString(ROOT); }
static PyMethodDef methods[] = {{"root", root, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", "", -1, methods};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""
SHOWN = """\
import importlib.metadata, json, pages, pages.fast, pages._where
files = [pages.__file__, pages.fast.__file__, pages._where.ROOT, pages.fast.root()]
print(json.dumps([*files, importlib.metadata.version("pages")]))
"""
BENCHMARK = "tests/benchmarks/test_{}.py"


class Commit:
    """A commit of which trees are checked out, each with a benchmark of its own, and built."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.log, self.cache = folder / "log", folder / "cache"
        setup = SETUP.format(log=str(self.log), tag=CACHE_TAG)
        project = SETUPTOOLS + PROJECT + '[tool.setuptools]\npackages = ["pages"]\n'
        defaults = {"pyproject.toml": project, "pages/__init__.py": "", "pages/fast.c": EXTENSION, "setup.py": setup}
        self.repo = TargetRepo(folder / "repo", {**defaults, **files})

    def check_out(self, path: str, **more: str | bool) -> Checkout:
        content = dedent(f"# {path}").encode()
        open_clone = partial(Clone.open, str(self.repo.path), self.cache)
        with open_clone() as clone:
            tree = clone.tree_of(self.repo.head)
            spec = TreeSpec(commit=self.repo.head, tree=tree, files={path: sha256(content).hexdigest()})
            return trees.check_out(clone, spec, {path: content}, open_clone=open_clone, cache=self.cache, **more)

    def build(self, checkout: Checkout, *install: str, focus: tuple[str, ...] = ()) -> builder.Environment:
        settings, layout = EnvironmentSettings(install=install), describe(FolderTree(self.repo.path), focus=focus)
        build = partial(builder.build, checkout.tree, layout, settings, cache=self.cache)
        return build(renew=checkout.renew, pristine=checkout.pristine)

    @property
    def builds(self) -> int:
        """How often setup.py ran: several times for a build, equally often for every build."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


def shown(environment: builder.Environment) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    path = os.pathsep.join(map(str, environment.path_entries))
    command = [environment.python, "-c", SHOWN]
    return subprocess.run(
        command, cwd="/", env={**clean, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a C compiler")
def test_trees_of_a_commit_are_built_once_and_have_their_own_code(tmp_path):
    commit = Commit(tmp_path, {})
    checkouts = [
        commit.check_out(BENCHMARK.format("one")),
        commit.check_out(BENCHMARK.format("two")),
        commit.check_out(BENCHMARK.format("one"), copy="second", confined=True),
    ]
    with ThreadPoolExecutor(len(checkouts)) as pool:
        environments = list(pool.map(commit.build, checkouts))
    once = commit.builds
    for checkout, environment in zip(checkouts, environments, strict=True):
        tree = checkout.tree
        assert eval(shown(environment)) == [
            str(tree / "pages/__init__.py"),
            str(next(tree.glob("pages/fast.*.so"))),
            str(tree),
            str(tree),
            "1.5",
        ]
        assert (tree / "pages/linked").readlink() == tree / "pages"
        assert not (tree / "target").exists()
        assert commit.build(checkout) == environment
    assert {environment.key for environment in environments} == {environments[0].key}
    assert commit.builds == once

    # No file of a copy names another tree, and the tree of the build is gone.
    names = {path.name for path in (commit.cache / "trees").iterdir() if path.is_dir()}
    assert names == {checkout.tree.name for checkout in checkouts}
    for checkout, environment in zip(checkouts, environments, strict=True):
        own = environment.python.parents[1]
        content = b"".join(path.read_bytes() for path in own.rglob("*") if path.is_file() and not path.is_symlink())
        assert own.name.encode() in content
        assert checkout.tree.name.encode() in content
        others = {other.python.parents[1].name for other in environments} - {own.name} | names - {checkout.tree.name}
        assert not any(other.encode() in content for other in others)

    # A tree that lost what was built there gets it again, also if the shared build was never finished.
    next(checkouts[0].tree.glob("pages/fast.*.so")).unlink()
    assert shown(commit.build(checkouts[0])) == shown(environments[0])
    assert commit.builds == once
    used = {environment.python.parents[1].name for environment in environments}
    (shared,) = (path for path in (commit.cache / "environments/trees").iterdir() if path.name not in used)
    (shared / "prprep-layer.json").unlink()
    next(checkouts[0].tree.glob("pages/fast.*.so")).unlink()
    assert shown(commit.build(checkouts[0])) == shown(environments[0])
    assert commit.builds == 2 * once

    # What confined code did to its tree is undone before anything is written there.
    confined, outside = checkouts[2].tree, tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(confined / "pages")
    (confined / "pages").symlink_to(outside)
    assert shown(commit.build(checkouts[2])) == shown(environments[2])
    assert list(outside.iterdir()) == []
    assert commit.builds == 2 * once

    # Other packages or another commit are another build.
    commit.build(checkouts[0], "iniconfig")
    assert commit.builds == 3 * once
    commit.repo.commit({"pages/__init__.py": "CHANGED = True\n"})
    commit.build(commit.check_out(BENCHMARK.format("one")))
    assert commit.builds == 4 * once


@pytest.mark.slow
def test_a_file_that_may_be_part_of_the_project_is_built_with_it(tmp_path):
    files = {"setup.py": "import setuptools\nsetuptools.setup()\n"}
    commit = Commit(tmp_path, files)
    assert commit.check_out("pages/test_in_package.py").pristine is None
    assert commit.check_out("pyproject.toml").pristine is None
    assert commit.check_out("pages/tests/test_one.py").pristine is not None


@pytest.mark.slow
def test_two_projects_of_a_commit_with_the_same_name_are_built_apart(tmp_path):
    files = {
        "pages.py": "",
        "pyproject.toml": SETUPTOOLS + PROJECT,
        "setup.py": "import setuptools\nsetuptools.setup()\n",
    }
    commit = Commit(tmp_path, {f"{folder}/{path}": text for folder in "ab" for path, text in files.items()})
    checkouts = {folder: commit.check_out(f"{folder}/tests/test_one.py") for folder in "ab"}
    with ThreadPoolExecutor(len(checkouts)) as pool:
        list(pool.map(lambda folder: commit.build(checkouts[folder], focus=(f"{folder}/pages.py",)), checkouts))
    left = {folder: {path.parent.name for path in checkouts[folder].tree.glob("*/*.egg-info")} for folder in checkouts}
    assert left == {"a": {"a"}, "b": {"b"}}


@pytest.mark.slow
def test_a_build_that_fails_names_the_tree_that_it_was_for(tmp_path):
    broken = "import os, sys\nsys.exit('broken in ' + os.getcwd())\n"
    commit = Commit(tmp_path, {"setup.py": broken, "pages/more.pyx": ""})
    checkout = commit.check_out(BENCHMARK.format("one"))
    with pytest.raises(EnvironmentBuildError) as caught:
        commit.build(checkout)
    assert caught.value.where == str(checkout.tree / "pyproject.toml")
    assert f"broken in {checkout.tree}" in caught.value.what
    assert [path for path in (commit.cache / "trees").iterdir() if path.is_dir()] == [checkout.tree]


def test_a_copy_has_its_own_names_in_text_links_and_binary_files(tmp_path):
    venv, tree, own, other = (tmp_path / (letter * 32) for letter in "abcd")
    for folder in (venv, tree, own, other):
        folder.mkdir()
    (venv / "bin").mkdir()
    (venv / "bin" / "tool").write_text(f"#!{venv}/bin/python\n")
    (venv / "bin" / "tool").chmod(0o755)
    (venv / "lib").mkdir()
    (venv / "lib64").symlink_to("lib")
    (venv / "prprep-layer.json").write_text("{}")
    (venv / "lib" / "link.pth").write_text(f"../../{tree.name}/src\n")
    (tree / "made").mkdir()
    (tree / "made" / "fast.so").write_bytes(b"\0\xff" + os.fsencode(tree) + b"\0")
    (tree / "made" / "linked").symlink_to(tree / "made")
    (tree / "outside").mkdir()
    (tree / "outside" / "file").write_text("")
    build = SharedBuild(Venv(venv), tree, ("made/fast.so", "made/linked", "outside/file"))
    build.keep()
    shutil.rmtree(tree)
    (other / "outside").symlink_to(tmp_path)
    (own / "left over").write_text("")
    (own / RECORD).write_text("{}")

    # A copy that ends early, since something is in its way or the disk is full, leaves no record that it is whole.
    (other / "made" / "linked").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        build.copy_to(Venv(own), other)
    assert (other / "made" / "fast.so").exists()
    assert not (own / RECORD).exists()
    (other / "made" / "linked").rmdir()

    build.copy_to(Venv(own), other)
    assert (own / "bin" / "tool").read_text() == f"#!{own}/bin/python\n"
    assert os.access(own / "bin" / "tool", os.X_OK)
    assert (own / "lib64" / "link.pth").read_text() == f"../../{other.name}/src\n"
    assert sorted(path.name for path in own.iterdir()) == ["bin", "lib", "lib64"]
    assert (other / "made" / "fast.so").read_bytes() == b"\0\xff" + os.fsencode(other) + b"\0"
    assert (other / "made" / "linked").readlink() == other / "made"
    assert not (tmp_path / "file").exists()


def test_what_only_builds_need_is_not_copied(tmp_path):
    for path, content in {
        "target/CACHEDIR.TAG": CACHE_TAG,
        "target/debug/object": b"",
        "build/CACHEDIR.TAG": b"none",
        "build/module": b"",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    paths = ("build/CACHEDIR.TAG", "build/module", "target/CACHEDIR.TAG", "target/debug/object", "top")
    assert without_caches(tmp_path, paths) == ("build/CACHEDIR.TAG", "build/module", "top")
