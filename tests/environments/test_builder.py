import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest

from tasks.environments import builder, installer, measuring_packages, pip_fallback
from tasks.environments.installer import run_uv
from tasks.errors import EnvironmentBuildError
from tasks.manifest.model import EnvironmentSettings
from tasks.project import files, layout
from tests.support.projects import FLIT, HATCHLING, POETRY, PROJECT, SETUPTOOLS
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

slow = pytest.mark.slow(1.5)
SIMPLE = FLIT + PROJECT + 'description = "Pages"\n'
"""Where the back end does not matter."""
PYTHON = ".".join(map(str, sys.version_info[:3]))


def build(tree: Path, cache: Path, settings: EnvironmentSettings | None = None, **more) -> builder.Environment:
    described = layout.describe(files.FolderTree(tree))
    return builder.build(tree, described, settings or EnvironmentSettings(), cache=cache, **more)


def ask(environment: builder.Environment, code: str, cwd: Path = Path("/")):
    """Run code in the environment, as measuring does, and return the JSON that it prints."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    path = os.pathsep.join(map(str, environment.path_entries))
    command = [environment.python, "-c", f"import json; {code}"]
    compiled = {"PYTHONPYCACHEPREFIX": str(environment.pycache)} if environment.pycache else {}
    done = subprocess.run(
        command, cwd=cwd, env={**clean, **compiled, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def layers(cache: Path, kind: str) -> list[Path]:
    return sorted((cache / "environments" / kind).iterdir())


def names(environment: builder.Environment) -> set[str]:
    return {package.partition("==")[0] for package in environment.packages}


BACK_ENDS = {
    "flat, setuptools": {
        "pyproject.toml": SETUPTOOLS + PROJECT + 'dependencies = ["iniconfig"]\n',
        "pages/__init__.py": "",
    },
    "src, hatchling": {
        "pyproject.toml": HATCHLING + PROJECT + 'dependencies = ["iniconfig"]\n',
        "src/pages/__init__.py": "",
    },
    "poetry-core": {
        "pyproject.toml": POETRY
        + '[tool.poetry]\nname = "pages"\nversion = "1.5"\ndescription = ""\nauthors = []\n'
        + 'packages = [{include = "pages", from = "lib"}]\n[tool.poetry.dependencies]\npython = "^3.9"\niniconfig = "^2"\n',
        "lib/pages/__init__.py": "",
    },
    "setup.py": {
        "setup.py": "from setuptools import setup, find_packages\nneeds = ['iniconfig']\n"
        "setup(name='pages', version='1.5', packages=find_packages(), install_requires=needs)\n",
        "pages/__init__.py": "",
    },
}


@slow
@pytest.mark.parametrize("files", BACK_ENDS.values(), ids=BACK_ENDS)
def test_every_back_end_imports_the_tree_and_its_dependencies(tmp_path, files):
    tree = TargetRepo(tmp_path / "tree", files).path
    environment = build(tree, tmp_path / "cache")
    printed = ask(
        environment,
        "import pages, iniconfig, pytest, pytest_benchmark, memray; from importlib.metadata import version;"
        "print(json.dumps([pages.__file__, iniconfig.__file__, version('pages')]))",
    )
    assert Path(printed[0]).is_relative_to(tree)
    assert Path(printed[1]).is_relative_to(tmp_path / "cache" / "environments" / "dependencies")
    assert printed[2] == "1.5"
    assert {"pages==1.5"} <= set(environment.packages)
    assert environment.python_version == PYTHON
    assert list(environment.packages) == sorted(environment.packages)


@slow
def test_requirements_alone(tmp_path):
    files = {
        "requirements.txt": "-r requirements/more.txt\n",
        "requirements/more.txt": "iniconfig\n",
        "pages/__init__.py": "",
    }
    tree = TargetRepo(tmp_path / "tree", files).path
    environment = build(tree, tmp_path / "cache")
    assert environment.path_entries == (tree,)
    assert ask(environment, "import pages, iniconfig; print(json.dumps(pages.__file__))") == str(
        tree / "pages/__init__.py"
    )
    assert "iniconfig" in names(environment)


@slow
def test_trees_share_equal_dependencies_and_import_their_own_code(tmp_path):
    files = BACK_ENDS["src, hatchling"]
    repo = TargetRepo(tmp_path / "repo", files)
    repo.commit(
        {"pyproject.toml": files["pyproject.toml"].replace("1.5", "2.0"), "src/pages/__init__.py": "new = True\n"}
    )
    trees = [tmp_path / "base", tmp_path / "head"]
    for tree, commit in zip(trees, ("HEAD~1", "HEAD"), strict=True):
        repo.git("worktree", "add", "--detach", str(tree), commit)
    messages: list[str] = []
    base, head = (build(tree, tmp_path / "cache", report=messages.append) for tree in trees)
    assert len(layers(tmp_path / "cache", "dependencies")) == 1
    assert [line for line in messages if line.startswith("installing the dependencies")] == [
        "installing the dependencies: pyproject.toml"
    ]
    assert [ask(side, "import pages; print(json.dumps(pages.__file__))") for side in (base, head)] == [
        str(tree / "src/pages/__init__.py") for tree in trees
    ]
    assert base.key != head.key
    assert set(base.packages) ^ set(head.packages) == {"pages==1.5", "pages==2.0"}

    again: list[str] = []
    assert build(trees[0], tmp_path / "cache", report=again.append) == base
    assert again == []


@slow
def test_trees_over_one_lock_file_build_its_dependencies_once(tmp_path):
    """A second tree of the same files has only its own project to install, and the same tree nothing."""
    files = {"pyproject.toml": SIMPLE + 'dependencies = ["iniconfig"]\n', "pages/__init__.py": ""}
    locked = {**files, "pylock.toml": '[[packages]]\nname = "iniconfig"\nversion = "2.0.0"\n'}
    messages: list[str] = []
    for number in (0, 1, 0, 1):
        tree = tmp_path / f"tree{number}"
        for path, content in {**locked, "pages/__init__.py": f"NUMBER = {number}\n"}.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(content)
        assert "iniconfig==2.0.0" in build(tree, tmp_path / "cache", report=messages.append).packages
    assert sum(line.startswith("installing the dependencies") for line in messages) == 1
    assert sum(line.startswith("installing the project") for line in messages) == 2
    assert len(layers(tmp_path / "cache", "dependencies")) == 1


@slow
def test_an_incomplete_layer_is_rebuilt(tmp_path):
    tree = TargetRepo(tmp_path / "tree", {"pages.py": ""}).path
    cache = tmp_path / "cache"
    first = build(tree, cache)
    (measuring,) = layers(cache, "measuring")
    (measuring / "prprep-layer.json").unlink()
    shutil.rmtree(next(measuring.glob("lib/python*/site-packages/pytest")))
    assert build(tree, cache) == first
    assert ask(first, "import pytest; print(json.dumps(pytest.__name__))") == "pytest"


@slow
@pytest.mark.parametrize(
    ("build_file", "text"),
    [
        (
            "pyproject.toml",
            SETUPTOOLS
            + '[project]\nname = "iniconfig"\nversion = "9.9"\n[tool.setuptools]\npackages = ["iniconfig"]\n',
        ),
        (
            "setup.py",
            "from setuptools import setup\nname = 'ini' + 'config'\nsetup(name=name, version='9.9', packages=[name])\n",
        ),
    ],
    ids=["named_in_pyproject", "named_only_by_its_build"],
)
def test_a_project_that_pytest_requires_comes_from_its_tree(tmp_path, build_file, text):
    files = {
        build_file: text,
        "iniconfig/__init__.py": "class IniConfig: ...\nclass ParseError(Exception): ...\n",
        "unrelated/__init__.py": "",
    }
    tree = TargetRepo(tmp_path / "tree", files).path
    environment = build(tree, tmp_path / "cache")
    assert ask(environment, "import iniconfig; print(json.dumps(iniconfig.__file__))") == str(
        tree / "iniconfig/__init__.py"
    )
    assert [package for package in environment.packages if package.startswith("iniconfig")] == ["iniconfig==9.9"]


@slow
def test_versions_from_git_tags_are_right_in_a_worktree(tmp_path):
    files = {
        "pyproject.toml": '[build-system]\nrequires = ["setuptools>=77", "setuptools-scm>=8"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "pages"\ndynamic = ["version"]\n[tool.setuptools_scm]\n',
        "pages/__init__.py": "",
    }
    repo = TargetRepo(tmp_path / "repo", files)
    repo.git("tag", "v3.1")
    clone = tmp_path / "clone.git"
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(clone))
    repo.git("--git-dir", str(clone), "worktree", "add", "--detach", str(tmp_path / "tree"), "v3.1")
    assert "pages==3.1" in build(tmp_path / "tree", tmp_path / "cache").packages


@slow
def test_uv_lock_pins_versions_and_workspace_members_come_from_the_tree(tmp_path):
    member = HATCHLING + '[project]\nname = "tables"\nversion = "1"\n'
    root = HATCHLING + PROJECT + 'requires-python = ">=3.9"\ndependencies = ["iniconfig", "tables"]\n'
    root += '[tool.uv.sources]\ntables = {workspace = true}\n[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    files = {
        "pyproject.toml": root.replace('"iniconfig"', '"iniconfig==2.0.0"'),
        "src/pages/__init__.py": "",
        "packages/tables/pyproject.toml": member,
        "packages/tables/tables/__init__.py": "",
    }
    repo = TargetRepo(tmp_path / "tree", files)
    run_uv(["lock", "--quiet"], cwd=repo.path)
    repo.commit({"pyproject.toml": root})
    environment = build(repo.path, tmp_path / "cache")
    assert {"iniconfig==2.0.0", "tables==1", "pages==1.5", "pytest-benchmark"} <= {
        *environment.packages,
        *names(environment),
    }
    assert ask(environment, "import tables; print(json.dumps(tables.__file__))") == str(
        repo.path / "packages/tables/tables/__init__.py"
    )
    assert environment.notes == ()


@slow
def test_an_unusable_lock_is_replaced_by_the_requirements_and_noted(tmp_path):
    files = {"pyproject.toml": SIMPLE, "src/pages/__init__.py": "", "uv.lock": "version = 99\n"}
    environment = build(TargetRepo(tmp_path / "tree", files).path, tmp_path / "cache")
    assert environment.notes == (
        "uv.lock could not be installed: the lock file cannot be used",
        "uv.lock without default groups and tests could not be installed: the lock file cannot be used",
        "the dependencies are those of pyproject.toml",
    )
    assert build(tmp_path / "tree", tmp_path / "cache").notes == environment.notes


@slow
def test_unavailable_test_packages_are_left_out_and_noted(tmp_path):
    text = SIMPLE + '[dependency-groups]\ntest = ["iniconfig<1,>2"]\n'
    code = "try:\n    import setuptools\nexcept ImportError:\n    pass\n"
    files = {"pyproject.toml": text, "pages/__init__.py": code}
    environment = build(TargetRepo(tmp_path / "tree", files).path, tmp_path / "cache")
    # As in the environments of Python's own `venv`.
    has_setuptools = any(each.startswith("setuptools==") for each in environment.packages)
    assert has_setuptools == environment.python_version.startswith(("3.9.", "3.10.", "3.11."))
    assert environment.notes == (
        "pyproject.toml with test could not be installed: the requirements conflict",
        "the dependencies are those of pyproject.toml",
    )


@slow
def test_pins_of_a_lock_file(tmp_path):
    lock = '[[package]]\nname = "iniconfig"\nversion = "2.0.0"\n'
    files = {
        "pyproject.toml": SIMPLE + 'dependencies = ["iniconfig"]\n',
        "pages/__init__.py": "",
        "pdm.lock": lock,
    }
    assert "iniconfig==2.0.0" in build(TargetRepo(tmp_path / "tree", files).path, tmp_path / "cache").packages


PINS = {
    "pytest-benchmark 3.4.1, which needs py": (("pytest-benchmark==3.4.1", "iniconfig==1.1.1"), ()),
    "memray 1.9.1": (("memray==1.9.1", "iniconfig==2.0.0"), ()),
    "a pytest of the time": (("iniconfig==1.1.1", "pytest==6.2.5"), ()),
    "a pytest that is too old for this Python": (
        ("iniconfig==1.1.1", "pytest==3.7.1"),
        (f"too old to measure with on Python {PYTHON}, so replaced: pytest==3.7.1",),
    ),
    "what no memray supports": (
        ("rich==9.13.0", "typing-extensions==3.10.0.2"),
        ("memray would need other versions than the project has, and use the project's: ",),
    ),
}


@slow
@pytest.mark.parametrize(("pins", "notes"), PINS.values(), ids=PINS)
def test_packages_for_measuring_never_replace_pins(tmp_path, pins, notes):
    """Pins that the project requires are installed; pins that only its lock names do not conflict."""
    lock = "".join("[[package]]\nname = {!r}\nversion = {!r}\n".format(*pin.split("==")) for pin in pins)
    required = "".join(f'{pin.partition("==")[0]} = "*"\n' for pin in pins if "pytest" not in pin)
    text = POETRY + '[tool.poetry]\nname = "pages"\nversion = "1"\ndescription = ""\nauthors = []\n'
    text += f'[tool.poetry.dependencies]\npython = ">=3.9"\n{required}'
    files = {"pyproject.toml": text, "pages/__init__.py": "", "poetry.lock": lock}
    environment = build(TargetRepo(tmp_path / "tree", files).path, tmp_path / "cache")
    assert {"pages==1", *(pin for pin in pins if pin != "pytest==3.7.1")} <= set(environment.packages)
    assert {"pytest", "pytest-benchmark", "memray"} <= names(environment)
    assert [note[: len(start)] for note, start in zip(environment.notes, notes, strict=True)] == list(notes)
    works = (
        "import py, pages, pytest, pytest_benchmark.plugin, memray, iniconfig; print(json.dumps(iniconfig.__file__))"
    )
    assert Path(ask(environment, works)).is_relative_to(tmp_path / "cache" / "environments")
    collected = subprocess.run(
        [environment.python, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", tmp_path / "tree"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert collected.returncode == 5, collected.stdout + collected.stderr  # no tests, and no error


@slow
def test_an_old_project_that_today_does_not_build_is_built_with_packages_of_its_time(tmp_path):
    """Its build back end is of that time, too: newer ones reject this description."""
    text = (
        POETRY.replace("poetry-core", "poetry-core>=1")
        + '[tool.poetry]\nname = "pages"\nversion = "1.5"\nauthors = []\n'
    )
    text += 'description = """Pages\nand tables"""\n[tool.poetry.dependencies]\npython = "^3.9"\niniconfig = "*"\n'
    tree = TargetRepo(tmp_path / "tree", {"pyproject.toml": text, "pages/__init__.py": ""}).path
    of_pages = (
        "import pages; from importlib.metadata import version; print(json.dumps([pages.__file__, version('pages')]))"
    )

    old = build(tree, tmp_path / "cache", as_of=date(2021, 3, 4))
    assert {"iniconfig==1.1.1", "pages==1.5", "pytest==6.2.2"} <= set(old.packages)
    assert "Only packages that were uploaded until 2021-03-04 (the date of the commits) are used." in old.notes
    assert ask(old, of_pages) == [str(tree / "pages/__init__.py"), "1.5"]
    assert old.python_version.startswith("3.9.") or sys.version_info[:2] == (3, 9)

    new = build(tree, tmp_path / "cache")
    assert "iniconfig" in names(new)
    assert new.path_entries == (tree,)
    assert new.notes[-1] == builder.UNBUILT
    assert ask(new, of_pages) == [str(tree / "pages/__init__.py"), "1.5"]


@slow
def test_a_project_whose_build_fails_after_many_warnings_is_used_from_its_tree(tmp_path):
    setup = (
        "import sys\nfrom setuptools import setup\nprint('a warning\\n' * 60, file=sys.stderr)\n"
        "setup(name='pages', version='1', packages=['pages', 'pages.gone'], install_requires=['iniconfig'])\n"
    )
    tree = TargetRepo(tmp_path / "tree", {"setup.py": setup, "pages/__init__.py": ""}).path
    built = build(tree, tmp_path / "cache")
    assert "iniconfig" in names(built)
    assert (built.path_entries, built.notes[-1]) == ((tree,), builder.UNBUILT)


@slow
def test_packages_of_an_index_without_upload_times_are_exempt_from_the_date(tmp_path, monkeypatch):
    index = tmp_path / "index" / "acme-pages"
    index.mkdir(parents=True)
    wheel = "acme_pages-1.0-py3-none-any.whl"
    with zipfile.ZipFile(index / wheel, "w") as archive:
        archive.writestr("acme_pages.py", "")
        archive.writestr("acme_pages-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme-pages\nVersion: 1.0\n")
        archive.writestr(
            "acme_pages-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("acme_pages-1.0.dist-info/RECORD", "")
    (index / "index.html").write_text(f'<html><body><a href="{wheel}">{wheel}</a></body></html>')
    monkeypatch.setenv("UV_INDEX", index.parent.as_uri())
    text = SIMPLE.replace("3.11", "3.2").replace("1.5", "1") + 'dependencies = ["iniconfig", "acme-pages"]\n'
    tree = TargetRepo(tmp_path / "tree", {"pyproject.toml": text, "pages/__init__.py": ""}).path
    environment = build(tree, tmp_path / "cache", as_of=date(2022, 6, 1))
    assert {"iniconfig==1.1.1", "acme-pages==1.0"} <= set(environment.packages)
    assert "except of acme-pages" in environment.notes[0]


@slow
def test_settings_add_extras_groups_and_requirements(tmp_path):
    text = (
        SIMPLE + '[project.optional-dependencies]\nfast = ["iniconfig==2.0.0"]\n[dependency-groups]\nbench = ["six"]\n'
    )
    tree = TargetRepo(tmp_path / "tree", {"pyproject.toml": text, "pages/__init__.py": ""}).path
    settings = EnvironmentSettings(extras=("fast",), groups=("bench",), install=("attrs",))
    assert {"iniconfig==2.0.0", "six", "attrs"} <= {
        *(environment := build(tree, tmp_path / "cache", settings)).packages,
        *names(environment),
    }


EXTENSION = {
    "setup.py": "from setuptools import setup, Extension\nsetup(name='pages', version='1', packages=['pages'],\n"
    "      ext_modules=[Extension('pages.fast', ['pages/fast.c'])])\n",
    "pages/__init__.py": "from .fast import answer\n",
    "pages/fast.c": """
        #include <Python.h>
        static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(41); }
        static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
        static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", "", -1, methods};
        PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
    """,
}


@slow
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a C compiler")
def test_extensions_are_built_per_tree_and_rebuilt_if_deleted(tmp_path):
    base = TargetRepo(tmp_path / "base", EXTENSION).path
    head = TargetRepo(
        tmp_path / "head", {**EXTENSION, "pages/fast.c": EXTENSION["pages/fast.c"].replace("41", "42")}
    ).path
    answers = "import pages; print(json.dumps(pages.answer()))"
    assert [ask(build(tree, tmp_path / "cache"), answers) for tree in (base, head)] == [41, 42]
    next(base.glob("pages/*.so")).unlink()
    assert ask(build(base, tmp_path / "cache"), answers) == 41


@slow
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a C compiler")
def test_extensions_of_an_old_back_end_are_copied_into_the_tree(tmp_path):
    """It has no editable installs, and the tree precedes the installed copy."""
    old = {"pyproject.toml": '[build-system]\nrequires = ["setuptools==62.6", "wheel"]\n', **EXTENSION}
    old["setup.py"] = old["setup.py"].replace("version='1',", "version='1', install_requires=['iniconfig'],")
    tree = TargetRepo(tmp_path / "tree", old).path
    environment = build(tree, tmp_path / "cache")
    assert environment.notes == (builder.COPIED,)
    answers = "import pages, pages.fast, iniconfig; from importlib.metadata import version;"
    answers += "print(json.dumps([pages.answer(), version('pages'), pages.__file__, pages.fast.__file__]))"
    *found, package, extension = ask(environment, answers)
    assert found == [41, "1"]
    assert Path(package).is_relative_to(tree)
    assert Path(extension).is_relative_to(tree)
    assert {"pages==1", "iniconfig"} <= {*environment.packages, *names(environment)}


CMAKE = """
cmake_minimum_required(VERSION 3.15)
project(pages LANGUAGES C)
find_package(Python COMPONENTS Interpreter Development.Module REQUIRED)
Python_add_library(fast MODULE pages/fast.c WITH_SOABI)
install(TARGETS fast DESTINATION pages)
"""


@slow
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a C compiler")
def test_extensions_of_scikit_build_core_are_those_of_the_tree(tmp_path):
    """Its editable installs import them from the environment."""
    back_end = '[build-system]\nrequires = ["scikit-build-core"]\nbuild-backend = "scikit_build_core.build"\n'
    files = {"pyproject.toml": back_end + PROJECT, "CMakeLists.txt": CMAKE, "pages/fast.c": EXTENSION["pages/fast.c"]}
    tree = TargetRepo(tmp_path / "tree", {**files, "pages/__init__.py": EXTENSION["pages/__init__.py"]}).path
    environment = build(tree, tmp_path / "cache")
    assert environment.notes == (builder.COPIED,)
    *found, extension = ask(environment, "import pages; print(json.dumps([pages.answer(), pages.fast.__file__]))")
    assert found == [41]
    assert Path(extension).is_relative_to(tree)


@slow
def test_compiled_modules_are_copied_through_no_link_out_of_the_tree(tmp_path):
    for name in ("plain", "linked", "into"):
        (tmp_path / "installed" / name).mkdir(parents=True)
        (tmp_path / "installed" / name / "fast.so").write_bytes(b"code")
    for folder in ("tree/src/plain", "tree/src/linked", "outside"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "tree" / "src" / "linked" / "fast.so").symlink_to(tmp_path / "outside" / "not-yet")
    (tmp_path / "tree" / "src" / "into").symlink_to(tmp_path / "outside")
    builder.take_compiled(tmp_path / "installed", tmp_path / "tree", ("", "src"))
    assert (tmp_path / "tree" / "src" / "plain" / "fast.so").read_bytes() == b"code"
    assert list((tmp_path / "outside").iterdir()) == []


@slow
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a C compiler")
def test_meson_finds_its_tools_when_the_project_is_imported(tmp_path):
    files = {
        "pyproject.toml": '[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n' + PROJECT,
        "meson.build": "project('pages', 'c')\npython = import('python').find_installation(pure: false)\n"
        "python.install_sources('pages/__init__.py', subdir: 'pages')\n"
        "python.extension_module('fast', 'pages/fast.c', subdir: 'pages', install: true)\n",
        **{name: text for name, text in EXTENSION.items() if name.startswith("pages/")},
    }
    tree = TargetRepo(tmp_path / "tree", files).path
    environment = build(tree, tmp_path / "cache")
    assert ask(environment, "import pages; print(json.dumps([pages.answer(), pages.__file__]))") == [
        41,
        str(tree / "pages/__init__.py"),
    ]


FAILURES = {
    "no such requirement": (
        {
            "pyproject.toml": HATCHLING + PROJECT + 'dependencies = ["pages-that-nobody-wrote-42"]\n',
            "pages/__init__.py": "",
        },
        "installing the dependencies (pyproject.toml) failed: a requirement is not in the package index",
    ),
    "a missing header": (
        {**EXTENSION, "pages/fast.c": '#include "nowhere/missing.h"\n'},
        "building the project failed: a header file is missing: nowhere/missing.h",
    ),
    "a build that fails, and would compile": (
        {"setup.py": "raise SystemExit('this project does not build')\n", "pages.py": "", "fast.pyx": ""},
        "building the project failed: the project's own build back end fails",
    ),
}


@slow
@pytest.mark.parametrize(("files", "first"), FAILURES.values(), ids=FAILURES)
def test_failed_builds_have_cause_place_and_hint(tmp_path, files, first):
    tree = TargetRepo(tmp_path / "tree", files).path
    with pytest.raises(EnvironmentBuildError) as caught:
        build(tree, tmp_path / "cache")
    assert caught.value.what.splitlines()[0] == first
    assert caught.value.where == str(tree / ("setup.py" if "setup.py" in files else "pyproject.toml"))
    assert "env:" in caught.value.hint


@slow
def test_without_network_nothing_else_is_tried(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    text = SIMPLE + '[dependency-groups]\ntest = ["rich"]\n'
    messages: list[str] = []
    with pytest.raises(EnvironmentBuildError, match="the package index cannot be reached"):
        build(TargetRepo(tmp_path / "tree", {"pyproject.toml": text}).path, tmp_path / "cache", report=messages.append)
    assert messages == ["installing the dependencies: pyproject.toml with test"]


@slow
def test_a_project_in_a_folder_is_installed_and_other_roots_are_on_the_path(tmp_path):
    contents = {
        "packages/pages/pyproject.toml": HATCHLING + PROJECT,
        "packages/pages/src/pages/__init__.py": "",
        "packages/pages/src/pages/core.py": "",
        "packages/tables/setup.cfg": "[metadata]\nname = tables\n",
        "packages/tables/tables/__init__.py": "",
    }
    tree = TargetRepo(tmp_path / "tree", contents).path
    described = layout.describe(files.FolderTree(tree), focus=[name for name in contents if name.endswith(".py")])
    environment = builder.build(tree, described, EnvironmentSettings(), cache=tmp_path / "cache")
    assert environment.path_entries == (tree / "packages/tables",)
    printed = ask(environment, "import pages, tables; print(json.dumps([pages.__file__, tables.__file__]))")
    assert printed == [
        str(tree / "packages/pages/src/pages/__init__.py"),
        str(tree / "packages/tables/tables/__init__.py"),
    ]


def test_a_side_without_the_projects_folder(tmp_path):
    described = layout.describe(
        files.FolderTree(TargetRepo(tmp_path / "head", {"py/setup.py": "", "py/pages.py": ""}).path)
    )
    base = TargetRepo(tmp_path / "base", {"README.md": ""}).path
    with pytest.raises(EnvironmentBuildError) as caught:
        builder.build(base, described, EnvironmentSettings(), cache=tmp_path / "cache")
    assert (
        str(caught.value)
        == f"{base}: this side has no folder py, where the project is\n  name a later `base` that has it"
    )


def test_an_unwritable_cache(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(Exception) as caught:
        build(TargetRepo(tmp_path / "tree", {"pages.py": ""}).path, tmp_path / "cache")
    assert type(caught.value).__module__ == "tasks.errors"
    assert "PRPREP_CACHE" in str(caught.value)


@slow
def test_an_existing_environment_is_used_unchanged(tmp_path):
    """Its own copy of the project is not what is measured; what it lacks for measuring goes beside it."""
    for name, version in (("installed", 1), ("tree", 2)):
        folder = tmp_path / name
        (folder / "pages").mkdir(parents=True)
        (folder / "pages/__init__.py").write_text(f"VERSION = {version}\n")
        (folder / "pyproject.toml").write_text(SIMPLE.replace("1.5", f"{version}"))
    existing = tmp_path / "existing"
    run_uv(["venv", "--quiet", "--python", sys.executable, existing], cwd=tmp_path)
    run_uv(
        [
            "pip",
            "install",
            "--quiet",
            "--python",
            existing / "bin/python",
            "iniconfig==2.0.0",
            "-e",
            tmp_path / "installed",
        ],
        cwd=tmp_path,
    )
    with untouched(existing):
        environment = build(
            tmp_path / "tree", tmp_path / "cache", EnvironmentSettings(python=str(existing / "bin/python"))
        )
        printed = ask(
            environment, "import pages, iniconfig, pytest, pytest_benchmark; print(json.dumps(pages.VERSION))"
        )
    assert printed == 2
    assert {"iniconfig==2.0.0", "pages==2"} <= set(environment.packages)
    assert "pages==1" not in environment.packages
    assert environment.notes == (f"the environment {existing} was used as it is",)
    assert (
        build(tmp_path / "tree", tmp_path / "cache", EnvironmentSettings(python=str(existing / "bin/python")))
        == environment
    )


@slow
def test_without_uv_environments_are_built_by_venv_and_pip(tmp_path, monkeypatch):
    (tmp_path / "tree/pages").mkdir(parents=True)
    (tmp_path / "tree/pages/__init__.py").write_text("VERSION = 2\n")
    described = SIMPLE.replace("1.5", "2") + 'dependencies = ["iniconfig==2.0.0"]\n'
    (tmp_path / "tree/pyproject.toml").write_text(described + '[project.optional-dependencies]\ntest = ["pyyaml"]\n')
    (tmp_path / "tree/uv.lock").write_text("version = 1\n")
    monkeypatch.setenv("PIP_NO_COMPILE", "1")
    monkeypatch.setattr(installer, "uv_program", lambda: str(tmp_path / "no-uv"))
    # Small ones: to pip, what is to be installed is all the same.
    monkeypatch.setattr(measuring_packages, "requirements", lambda _: (("six>=1",), ("iniconfig>=1", "py>=1")))
    installer.uv_runs.cache_clear()
    try:
        environment = build(tmp_path / "tree", tmp_path / "cache")
    finally:
        installer.uv_runs.cache_clear()
    printed = ask(
        environment,
        "import pages, iniconfig, yaml, six, py; print(json.dumps([pages.VERSION, pages.__file__]))",
    )
    assert printed == [2, str(tmp_path / "tree/pages/__init__.py")]
    assert {"iniconfig==2.0.0", "pages==2"} <= set(environment.packages)
    assert environment.notes[0] == pip_fallback.NOTE
    assert any("uv.lock could not be installed" in note for note in environment.notes)
