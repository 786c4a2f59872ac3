import pytest

from tasks.environments.declared import group_lines, seeded_packages
from tasks.environments.requirements import attempts, dependencies_hash
from tasks.errors import EnvironmentBuildError, SourceError
from tasks.manifest.model import EnvironmentSettings
from tests.support.projects import PROJECT, project


def test_requirements_with_test_extras_come_first(tmp_path):
    text = (
        PROJECT
        + '[project.optional-dependencies]\ntest = ["rich"]\ndocs = ["sphinx"]\n[dependency-groups]\ntests = ["iniconfig"]\n'
    )
    candidates = attempts(project(tmp_path, {"pyproject.toml": text}), EnvironmentSettings(extras=("docs",)))
    assert [(attempt.label, attempt.extras, attempt.lines) for attempt in candidates] == [
        ("pyproject.toml with test, tests", ("docs", "test"), ("iniconfig",)),
        ("pyproject.toml", ("docs",), ()),
    ]


def test_poetry_lock_pins_index_packages_with_one_version(tmp_path):
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
    described = project(tmp_path, {"pyproject.toml": '[tool.poetry]\nname = "pages"\n', "poetry.lock": lock})
    candidates = attempts(described, EnvironmentSettings())
    assert [(attempt.label, attempt.pins) for attempt in candidates if not attempt.unbuilt] == [
        ("pyproject.toml, pinned as in poetry.lock", ("rich==13.0",)),
        ("pyproject.toml", ()),
    ]


def test_a_version_of_the_manifest_replaces_the_locked_one(tmp_path):
    lock = '[[package]]\nname = "pytest"\nversion = "6.2.5"\n[[package]]\nname = "PyYAML"\nversion = "6.0"\n'
    described = project(tmp_path, {"pyproject.toml": '[tool.poetry]\nname = "pages"\n', "poetry.lock": lock})
    settings = EnvironmentSettings(install=("pytest>=7", "pyyaml"))
    assert attempts(described, settings)[0].pins == ("PyYAML==6.0",)


def test_uv_lock_comes_before_the_requirements(tmp_path):
    candidates = attempts(
        project(tmp_path, {"pyproject.toml": PROJECT, "uv.lock": "version = 1\n"}), EnvironmentSettings()
    )
    assert [attempt.label for attempt in candidates] == [
        "uv.lock",
        "uv.lock without default groups and tests",
        "pyproject.toml",
    ]


def test_requirements_files_alone(tmp_path):
    files = {
        "requirements.txt": "rich\n",
        "requirements-dev.txt": "mypy\n",
        "pages.py": "",
        "pyproject.toml": "[tool.black]\n",
    }
    candidates = attempts(
        project(tmp_path, files), EnvironmentSettings(install=("numpy>2", "--index https://example.org"))
    )
    assert [(attempt.files, attempt.install, attempt.arguments) for attempt in candidates] == [
        (("requirements.txt", "requirements-dev.txt"), ("numpy>2",), ("--index", "https://example.org")),
        (("requirements.txt",), ("numpy>2",), ("--index", "https://example.org")),
    ]


def test_groups_of_every_tool(tmp_path):
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
    described = project(tmp_path, {"pyproject.toml": text})
    assert [group_lines(described, name) for name in ("bench", "lint", "check", "none")] == [
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
    described = project(tmp_path, {"pyproject.toml": f"[dependency-groups]\nbench = {entries}\n"})
    with pytest.raises(
        SourceError, match=rf"pyproject\.toml: \[dependency-groups\]: .*`bench` is malformed: .*{reason}"
    ):
        group_lines(described, "bench")


UNKNOWN = {
    "extra": (
        EnvironmentSettings(extras=("tset",)),
        "env: extras: the project has no extra `tset`; did you mean `test`?\n  it has docs, test; correct `env: {extras: [...]}`",
    ),
    "group": (
        EnvironmentSettings(groups=("dev",)),
        "env: groups: the project has no dependency group `dev`\n  it has none; correct `env: {groups: [...]}`",
    ),
}


@pytest.mark.parametrize(("settings", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_extras_and_groups(tmp_path, settings, message):
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
        (
            {"setup.py": "setup(install_requires=open('deps/core.txt'))", "deps/core.txt": "a"},
            {"setup.py": "setup(install_requires=open('deps/core.txt'))", "deps/core.txt": "b"},
            False,
        ),
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
def test_the_hash_depends_only_on_what_decides_the_dependencies(tmp_path, before, after, same):
    settings = EnvironmentSettings()
    one, other = project(tmp_path / "one", before), project(tmp_path / "other", after)
    assert (dependencies_hash(one, settings) == dependencies_hash(other, settings)) is same


def test_the_hash_depends_on_settings(tmp_path):
    described = project(tmp_path, {"pyproject.toml": PROJECT})
    assert dependencies_hash(described, EnvironmentSettings()) != dependencies_hash(
        described, EnvironmentSettings(install=("rich",))
    )
    assert dependencies_hash(described, EnvironmentSettings()) == dependencies_hash(
        described, EnvironmentSettings(runner="uv run python")
    )


@pytest.mark.parametrize(
    ("path", "code", "minor", "found"),
    [
        ("pages/__init__.py", "try:\n    import setuptools\nexcept ImportError:\n    pass\n", 11, ("setuptools",)),
        ("pages/__init__.py", "from pkg_resources import parse_version\n", 9, ("setuptools",)),
        ("pages/__init__.py", "def version():\n    import os, pkg_resources as resources\n", 9, ("setuptools",)),
        ("pages/__init__.py", "import setuptools\n", 12, ()),
        ("pages/__init__.py", "from tables import setuptools\n", 11, ()),
        ("pages/__init__.py", "import setuptools_scm\n", 11, ()),
        ("setup.py", "import setuptools\n", 11, ()),
        ("tests/test_a.py", "import setuptools\n", 11, ()),
    ],
)
def test_what_a_venv_has_without_asking_is_installed_if_the_code_imports_it(tmp_path, path, code, minor, found):
    assert seeded_packages(project(tmp_path, {path: code}), minor) == found
