from __future__ import annotations

import pytest

from tasks.environments.requirements import attempts, group_lines, inputs
from tasks.errors import EnvironmentBuildError, SourceError
from tasks.manifest.model import EnvironmentSettings
from tests.support.projects import PROJECT, project


def test_the_projects_own_requirements_are_tried_with_its_test_extras_first(tmp_path):
    text = (
        PROJECT
        + '[project.optional-dependencies]\ntest = ["rich"]\ndocs = ["sphinx"]\n[dependency-groups]\ntests = ["iniconfig"]\n'
    )
    ways = attempts(project(tmp_path, {"pyproject.toml": text}), EnvironmentSettings(extras=("docs",)))
    assert [(way.label, way.extras, way.lines) for way in ways] == [
        ("pyproject.toml with test, tests", ("docs", "test"), ("iniconfig",)),
        ("pyproject.toml", ("docs",), ()),
    ]


def test_a_lock_file_of_poetry_pins_what_is_locked_to_one_version_of_an_index(tmp_path):
    lock = """
        [[package]]
        name = "rich"
        version = "13.0"
        [[package]]
        name = "numpy"
        version = "1"
        [[package]]
        name = "numpy"
        version = "2"
        [[package]]
        name = "ours"
        version = "1"
        source = {type = "git"}
    """
    found = project(tmp_path, {"pyproject.toml": '[tool.poetry]\nname = "pages"\n', "poetry.lock": lock})
    ways = attempts(found, EnvironmentSettings())
    assert [(way.label, way.pins) for way in ways] == [
        ("pyproject.toml, pinned as in poetry.lock", ("rich==13.0",)),
        ("pyproject.toml", ()),
    ]


def test_uv_lock_is_tried_before_the_projects_own_requirements(tmp_path):
    ways = attempts(project(tmp_path, {"pyproject.toml": PROJECT, "uv.lock": "version = 1\n"}), EnvironmentSettings())
    assert [way.label for way in ways] == ["uv.lock", "uv.lock without default groups and tests", "pyproject.toml"]


def test_requirements_files_where_nothing_else_is_there(tmp_path):
    files = {
        "requirements.txt": "rich\n",
        "requirements-dev.txt": "mypy\n",
        "pages.py": "",
        "pyproject.toml": "[tool.black]\n",
    }
    ways = attempts(project(tmp_path, files), EnvironmentSettings(install=("numpy>2", "--index https://example.org")))
    assert [(way.files, way.install, way.arguments) for way in ways] == [
        (("requirements.txt", "requirements-dev.txt"), ("numpy>2",), ("--index", "https://example.org")),
        (("requirements.txt",), ("numpy>2",), ("--index", "https://example.org")),
    ]


def test_groups_of_every_tool_come_to_requirements(tmp_path):
    text = """
        [dependency-groups]
        bench = ["rich", {include-group = "deep"}]
        deep = ["numpy>1"]
        [tool.pdm.dev-dependencies]
        lint = ["ruff"]
        [tool.poetry.group.check.dependencies]
        mypy = "^1.2"
        pytest = {version = "*", extras = ["dev"]}
    """
    found = project(tmp_path, {"pyproject.toml": text})
    assert [group_lines(found, name) for name in ("bench", "lint", "check", "none")] == [
        ("rich", "numpy>1"),
        ("ruff",),
        ("mypy<2,>=1.2", "pytest[dev]"),
        (),
    ]


MALFORMED = {
    "cycle": ('[{include-group = "bench"}]', "bench includes itself"),
    "missing": ('[{include-group = "deep"}]', "'deep' not found"),
    "requirement": ('["!!"]', "Expected package name"),
    "entry": ("[{path = '.'}]", "Invalid dependency group item"),
}


@pytest.mark.parametrize(("entries", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_group_names_file_group_and_reason(tmp_path, entries, reason):
    found = project(tmp_path, {"pyproject.toml": f"[dependency-groups]\nbench = {entries}\n"})
    with pytest.raises(
        SourceError, match=rf"pyproject\.toml: \[dependency-groups\]: .*`bench` is malformed: .*{reason}"
    ):
        group_lines(found, "bench")


UNKNOWN = {
    "extra": (
        EnvironmentSettings(extras=("tset",)),
        "env: extras: the project has no extra `tset`; did you mean `test`?\n  it has docs, test; mend `env: {extras: [...]}`",
    ),
    "group": (
        EnvironmentSettings(groups=("dev",)),
        "env: groups: the project has no dependency group `dev`\n  it has none; mend `env: {groups: [...]}`",
    ),
}


@pytest.mark.parametrize(("settings", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_extras_and_groups_are_refused_by_name(tmp_path, settings, message):
    text = PROJECT + "[project.optional-dependencies]\ntest = []\ndocs = []\n"
    with pytest.raises(EnvironmentBuildError) as caught:
        attempts(project(tmp_path, {"pyproject.toml": text}), settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ({"pyproject.toml": PROJECT}, {"pyproject.toml": PROJECT.replace("1.5", "1.6") + 'description = "x"\n'}, True),
        (
            {"pyproject.toml": PROJECT},
            {"pyproject.toml": PROJECT, "pages.py": "x = 1", "requirements-docs.txt": "sphinx"},
            True,
        ),
        ({"pyproject.toml": PROJECT}, {"pyproject.toml": PROJECT + 'dependencies = ["rich"]\n'}, False),
        ({"pyproject.toml": PROJECT}, {"pyproject.toml": PROJECT + "[dependency-groups]\ntest = ['rich']\n"}, False),
        ({"pyproject.toml": PROJECT}, {"pyproject.toml": PROJECT.replace("pages", "tables")}, False),
        ({"setup.py": "setup()"}, {"setup.py": "setup(install_requires=open('requirements.txt'))"}, False),
        ({"setup.py": "setup()", "requirements.txt": "a"}, {"setup.py": "setup()", "requirements.txt": "b"}, False),
        (
            {"requirements.txt": "-r more.txt", "more.txt": "a"},
            {"requirements.txt": "-r more.txt", "more.txt": "b"},
            False,
        ),
        (
            {
                "pyproject.toml": PROJECT,
                "uv.lock": '[[package]]\nname = "pages"\nversion = "1"\nsource = {editable = "."}\n',
            },
            {
                "pyproject.toml": PROJECT,
                "uv.lock": '[[package]]\nname = "pages"\nversion = "2"\nsource = {editable = "."}\n',
            },
            True,
        ),
        (
            {"pyproject.toml": PROJECT, "uv.lock": '[[package]]\nname = "rich"\nversion = "1"\n'},
            {"pyproject.toml": PROJECT, "uv.lock": '[[package]]\nname = "rich"\nversion = "2"\n'},
            False,
        ),
    ],
)
def test_the_inputs_are_what_decides_the_dependencies_and_no_more(tmp_path, before, after, same):
    settings = EnvironmentSettings()
    one, other = project(tmp_path / "one", before), project(tmp_path / "other", after)
    assert (inputs(one, settings) == inputs(other, settings)) is same


def test_settings_are_among_the_inputs(tmp_path):
    found = project(tmp_path, {"pyproject.toml": PROJECT})
    assert inputs(found, EnvironmentSettings()) != inputs(found, EnvironmentSettings(install=("rich",)))
    assert inputs(found, EnvironmentSettings()) == inputs(found, EnvironmentSettings(runner="uv run python"))
