from __future__ import annotations

import pytest

from tasks.errors import SourceError
from tasks.project import layout
from tests.support.projects import PROJECT, Files


def describe(files, focus=(), runner=None):
    return layout.describe(Files(files), focus=focus, runner=runner)


LAYOUTS = {
    "flat": (
        {"pyproject.toml": PROJECT, "pages/__init__.py": "", "tests/__init__.py": "", "setup.py": ""},
        "flat",
        ("",),
        ("pages",),
    ),
    "src by convention": (
        {"pyproject.toml": PROJECT, "src/pages/__init__.py": "", "tests/test_it.py": ""},
        "src",
        ("src",),
        ("pages",),
    ),
    "folders of tests beside the convention": (
        {
            "pyproject.toml": PROJECT + '[tool.pytest.ini_options]\npythonpath = ["support"]\n',
            "tox.ini": "[testenv]\nsetenv =\n    PYTHONPATH = {toxinidir}{/}more:{env:PYTHONPATH:}:/opt\n",
            "hatch.toml": '[envs.default.env-vars]\nPYTHONPATH = "{root}/hatched"\n',
            "pages/__init__.py": "",
            **{f"{folder}/{folder}_plugin.py": "" for folder in ("support", "more", "hatched")},
        },
        "flat",
        ("", "support", "more", "hatched"),
        ("hatched_plugin", "more_plugin", "pages", "support_plugin"),
    ),
    "src as a package": ({"src/__init__.py": "", "src/pages.py": ""}, "flat", ("",), ("src",)),
    "setuptools package-dir": (
        {"pyproject.toml": PROJECT + '[tool.setuptools.package-dir]\n"" = "lib"\n', "lib/pages/__init__.py": ""},
        "src",
        ("lib",),
        ("pages",),
    ),
    "setuptools where": (
        {
            "pyproject.toml": PROJECT + '[tool.setuptools.packages.find]\nwhere = ["python"]\n',
            "python/pages/core.py": "",
        },
        "src",
        ("python",),
        ("pages",),
    ),
    "setup.cfg": (
        {
            "setup.cfg": "[metadata]\nname = pages\n[options]\npackage_dir =\n    = source\n",
            "source/pages/__init__.py": "",
        },
        "src",
        ("source",),
        ("pages",),
    ),
    "setup.py": (
        {
            "setup.py": 'from setuptools import *\nsetup(name="pages", packages=find_packages("source"))',
            "source/pages/__init__.py": "",
        },
        "src",
        ("source",),
        ("pages",),
    ),
    "hatch packages": (
        {
            "pyproject.toml": PROJECT + '[tool.hatch.build.targets.wheel]\npackages = ["code/pages"]\n',
            "code/pages/__init__.py": "",
        },
        "src",
        ("code",),
        ("pages",),
    ),
    "poetry from": (
        {
            "pyproject.toml": '[tool.poetry]\nname = "pages"\npackages = [{include = "pages", from = "source"}]\n',
            "source/pages/__init__.py": "",
        },
        "src",
        ("source",),
        ("pages",),
    ),
    "uv_build module-root": (
        {
            "pyproject.toml": PROJECT + '[tool.uv.build-backend]\nmodule-root = ""\n',
            "pages/__init__.py": "",
            "src/main.rs": "",
        },
        "flat",
        ("",),
        ("pages",),
    ),
    "maturin": (
        {"pyproject.toml": PROJECT + '[tool.maturin]\npython-source = "py"\n', "py/pages/__init__.py": ""},
        "src",
        ("py",),
        ("pages",),
    ),
    "pytest pythonpath": (
        {"pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["app"]\n', "app/pages.py": ""},
        "src",
        ("app",),
        ("pages",),
    ),
    "pytest.ini pythonpath": (
        {"pytest.ini": "[pytest]\npythonpath = app\n", "app/pages.py": ""},
        "src",
        ("app",),
        ("pages",),
    ),
    "one module": (
        {"pyproject.toml": PROJECT, "pages.py": "", "conftest.py": "", "setup.py": "", "noxfile.py": ""},
        "flat",
        ("",),
        ("pages",),
    ),
    "modules beside a package": (
        {"pyproject.toml": PROJECT, "pages/__init__.py": "", "release.py": ""},
        "flat",
        ("",),
        ("pages",),
    ),
    "namespace": ({"pyproject.toml": PROJECT, "src/corp/pages/__init__.py": ""}, "src", ("src",), ("corp",)),
    "namespace in a flat project": (
        {"pyproject.toml": '[project]\nname = "corp.pages"\n', "corp/pages/__init__.py": "", "docs/conf.py": ""},
        "flat",
        ("",),
        ("corp",),
    ),
    "several packages": (
        {
            "pyproject.toml": PROJECT,
            "src/pages/__init__.py": "",
            "src/tables/__init__.py": "",
            "src/tables/sub/__init__.py": "",
        },
        "several",
        ("src",),
        ("pages", "tables"),
    ),
    "nothing": ({"README.md": ""}, "none", (), ()),
    "roots that leave the tree": (
        {
            "pyproject.toml": PROJECT + '[tool.setuptools.packages.find]\nwhere = ["../other", "/etc"]\n',
            "pages/__init__.py": "",
        },
        "flat",
        ("",),
        ("pages",),
    ),
}


@pytest.mark.parametrize(("files", "kind", "roots", "packages"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(files, kind, roots, packages):
    found = describe(files)
    assert (found.kind, found.import_roots, found.packages) == (kind, roots, packages)


def test_package_named_like_a_side_folder_is_found_by_the_project_name():
    files = {"pyproject.toml": '[project]\nname = "benchmark"\n', "benchmark/__init__.py": "", "tests/__init__.py": ""}
    assert describe(files).packages == ("benchmark",)


@pytest.mark.parametrize(
    ("files", "installable"),
    [
        ({"pyproject.toml": PROJECT}, True),
        ({"pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n'}, True),
        ({"pyproject.toml": '[tool.poetry]\nname = "pages"\n'}, True),
        ({"setup.py": ""}, True),
        ({"setup.cfg": "[metadata]\nname = pages\n"}, True),
        ({"setup.cfg": "[flake8]\nmax-line-length = 100\n", "pages.py": ""}, False),
        ({"pyproject.toml": "[tool.black]\nline-length = 100\n", "requirements.txt": "numpy"}, False),
    ],
)
def test_installable_projects(files, installable):
    assert describe(files).installable is installable


MONOREPO = {
    "pyproject.toml": '[tool.uv.workspace]\nmembers = ["packages/*"]\n',
    "uv.lock": "",
    "packages/pages/pyproject.toml": PROJECT + '[tool.codeflash]\nbenchmarks-root = "bench"\n',
    "packages/pages/src/pages/__init__.py": "",
    "packages/pages/src/pages/tests/pyproject.toml": "[tool.black]\n",
    "packages/pages/src/pages/tests/test_core.py": "",
    "packages/tables/setup.py": "",
    "packages/tables/tables/__init__.py": "",
    "packages/tables/tests/test_tables.py": "",
}


def test_nearest_project_above_the_change_is_taken():
    found = describe(MONOREPO, focus=["packages/pages/src/pages/__init__.py", "README.md"])
    assert (found.project, found.kind, found.import_roots) == ("packages/pages", "src", ("packages/pages/src",))
    assert (found.benchmarks_root, found.runner) == ("packages/pages/bench", "uv run python")
    assert found.runner_reason == "uv.lock is there"


def test_folder_that_only_configures_tools_is_no_project():
    assert describe(MONOREPO, focus=["packages/pages/src/pages/tests/test_core.py"]).project == "packages/pages"


def test_code_counts_more_than_tests_and_documents():
    focus = [
        "docs/index.md",
        "packages/pages/tests/test_a.py",
        "packages/pages/tests/test_b.py",
        "packages/tables/tables/__init__.py",
    ]
    assert describe(MONOREPO, focus=focus).project == "packages/tables"


def test_change_in_two_projects_has_the_import_roots_of_both():
    found = describe(MONOREPO, focus=["packages/pages/src/pages/__init__.py", "packages/tables/tables/__init__.py"])
    assert (found.kind, found.import_roots) == ("several", ("packages/pages/src", "packages/tables"))


def test_without_a_change_a_monorepo_has_the_import_roots_of_all():
    found = describe(MONOREPO)
    assert (found.project, found.installable, found.packages) == ("", False, ("pages", "tables"))


def test_without_a_change_a_repository_with_one_nested_project_is_that_project():
    assert (
        describe({"README.md": "", "python/pyproject.toml": PROJECT, "python/pages/__init__.py": ""}).project
        == "python"
    )


@pytest.mark.parametrize(
    ("files", "runner", "reason"),
    [
        ({"uv.lock": ""}, "uv run python", "uv.lock is there"),
        ({"pyproject.toml": "[tool.uv]\n"}, "uv run python", "pyproject.toml has [tool.uv]"),
        ({"poetry.lock": "", "pyproject.toml": "[tool.uv]\n"}, "poetry run python", "poetry.lock is there"),
        ({"pyproject.toml": "[tool.poetry]\n"}, "poetry run python", "pyproject.toml has [tool.poetry]"),
        ({"pdm.lock": ""}, "pdm run python", "pdm.lock is there"),
        ({"pyproject.toml": "[tool.pdm]\n"}, "pdm run python", "pyproject.toml has [tool.pdm]"),
        ({"pyproject.toml": "[tool.hatch.envs.default]\n"}, "hatch run python", "pyproject.toml has [tool.hatch.envs]"),
        (
            {"pyproject.toml": "[tool.hatch.version]\n"},
            "python",
            "no lock file and no table of a project manager was found",
        ),
    ],
)
def test_the_runner_and_its_reason(files, runner, reason):
    found = describe(files)
    assert (found.runner, found.runner_reason) == (runner, reason)


def test_the_manifests_runner_wins():
    found = describe({"uv.lock": ""}, runner="python3 -X dev")
    assert (found.runner, found.runner_reason) == ("python3 -X dev", "the manifest says so")


@pytest.mark.parametrize(
    ("files", "root", "reason"),
    [
        (
            {"pyproject.toml": '[tool.codeflash]\nbenchmarks-root = "./perf/"\n', "benchmarks/test_a.py": ""},
            "perf",
            "[tool.codeflash] benchmarks-root in pyproject.toml",
        ),
        (
            {
                "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests", "checks/benchmarks"]\n',
                "tests/test_a.py": "",
            },
            "checks/benchmarks",
            "pytest's testpaths name it",
        ),
        ({"benchmarks/test_a.py": "", "tests/test_b.py": ""}, "benchmarks", "the folder exists and has test files"),
        (
            {"tests/benchmarks/cpu/test_a.py": "", "benchmarks/test_b.py": ""},
            "tests/benchmarks",
            "the folder exists and has test files",
        ),
        (
            {"benchmarks/bench_a.py": "", "tests/test_b.py": ""},
            "tests/benchmarks",
            "the usual place; nothing in the project says otherwise",
        ),
        (
            {"tests/speed/test_benchmark_a.py": "", "tests/speed/test_benchmark_b.py": "", "tests/test_bench.py": ""},
            "tests/speed",
            "most benchmark files are there (2 of 3)",
        ),
        (
            {"pytest.ini": "[pytest]\ntestpaths = unit\n", "unit/test_a.py": ""},
            "unit/benchmarks",
            "pytest's testpaths name unit",
        ),
        ({"test/test_a.py": ""}, "test/benchmarks", "the project's tests are in test"),
        (
            {"units/testsuite/test_a.py": "", "units/testsuite/deep/test_b.py": ""},
            "units/testsuite/benchmarks",
            "the project's tests are in units/testsuite",
        ),
        (
            {"units/testsuite/test_a.py": "", "units/testsuite/benchmarks/test_b.py": ""},
            "units/testsuite/benchmarks",
            "the folder exists and has test files",
        ),
        ({"latest/test_a.py": ""}, "tests/benchmarks", "the usual place; nothing in the project says otherwise"),
        ({"units/unittests/test_a.py": ""}, "units/unittests/benchmarks", "the project's tests are in units/unittests"),
        (
            {"units/test_a.py": "", "vendor/tests/bench/test_b.py": "", "pages/test_c.py": ""},
            "tests/benchmarks",
            "the usual place; nothing in the project says otherwise",
        ),
        ({}, "tests/benchmarks", "the usual place; nothing in the project says otherwise"),
    ],
)
def test_the_benchmarks_root_and_its_reason(files, root, reason):
    found = describe(files)
    assert (found.benchmarks_root, found.benchmarks_root_reason) == (root, reason)


def test_the_roots_benchmarks_root_holds_for_a_nested_project():
    files = {
        "pyproject.toml": '[tool.codeflash]\nbenchmarks-root = "speed"\n',
        "py/pyproject.toml": PROJECT,
        "py/pages.py": "",
    }
    assert describe(files, focus=["py/pages.py"]).benchmarks_root == "speed"


REFUSED = {
    "TOML": (
        {"pyproject.toml": '[project]\nname = "pages\n'},
        "pyproject.toml:2:14: this file is not valid TOML: Illegal character '\\n'\n  fix the file, or name commits in which it is valid",
    ),
    "not UTF-8": (
        {"pyproject.toml": "[project]\nname = 'pages\udcff'\n"},
        "pyproject.toml, byte 23: this file is not UTF-8\n  save it as UTF-8",
    ),
    "INI": (
        {"setup.cfg": "[metadata]\nname = pages\noops\n"},
        "setup.cfg:3: this file is not a valid INI file\n  fix the file, or name commits in which it is valid",
    ),
    "benchmarks-root outside": (
        {"pyproject.toml": '[tool.codeflash]\nbenchmarks-root = "../speed"\n'},
        (
            "pyproject.toml: [tool.codeflash] benchmarks-root is '../speed', which is not a folder of the project\n"
            '  write it relative to this file, like benchmarks-root = "tests/benchmarks"'
        ),
    ),
}


@pytest.mark.parametrize(("files", "message"), REFUSED.values(), ids=REFUSED)
def test_malformed_files_are_one_message(files, message):
    tree = Files(files)
    tree.read = lambda path: None if path not in files else files[path].encode(errors="surrogateescape")
    with pytest.raises(SourceError) as caught:
        layout.describe(tree)
    assert str(caught.value) == message


def test_values_of_the_wrong_type_are_ignored():
    text = """
        project = 3
        [tool]
        uv = 1
        hatch = []
        setuptools = {package-dir = "src", packages = {find = []}}
        [tool.pytest]
        ini_options = {testpaths = 3, pythonpath = {}}
        [tool.poetry]
        packages = ["pages"]
        dependencies = []
    """
    assert describe({"pyproject.toml": text, "pages/__init__.py": ""}).packages == ("pages",)
