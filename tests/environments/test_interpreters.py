import sys
from pathlib import Path

import pytest

from tasks.environments.interpreters import choose, inspect, pep440, requires_python, resolve_path
from tasks.errors import EnvironmentBuildError
from tests.support.projects import PROJECT, project

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": PROJECT + 'requires-python = ">=3.9"\n'}, ">=3.9"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.9"\n'}, "<4,>=3.9"),
        ({"setup.cfg": "[options]\npython_requires = >=3.8\n"}, ">=3.8"),
        ({"setup.py": "setup(python_requires='>=3.7')"}, ">=3.7"),
        ({"pages.py": ""}, ""),
    ],
)
def test_requires_python_of_every_kind_of_project(tmp_path, files, expected):
    assert requires_python(project(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("poetry", "expected"),
    [
        ("^1.2.3", "<2,>=1.2.3"),
        ("^0.2.3", "<0.3,>=0.2.3"),
        ("^0", "<1,>=0"),
        ("~1.2.3", "<1.3,>=1.2.3"),
        ("~1", "<2,>=1"),
        ("*", ""),
        ("1.2", "==1.2"),
        (">=1,<2", "<2,>=1"),
        ("^1 || ^2", ""),
    ],
)
def test_poetrys_ranges(poetry, expected):
    assert pep440(poetry) == expected


def test_the_python_that_runs_prprep_is_preferred_if_allowed(tmp_path):
    chosen, note = choose(
        project(tmp_path, {"pyproject.toml": PROJECT + 'requires-python = ">=3.9"\n'}), None, cwd=tmp_path
    )
    assert chosen.version == ".".join(map(str, sys.version_info[:3]))
    assert note == ""


def test_an_interpreter_can_be_named_by_its_path(tmp_path):
    chosen, _ = choose(project(tmp_path, {}), sys.executable, cwd=tmp_path)
    assert chosen == inspect(Path(sys.executable))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, None),
        ("3.12", "3.12"),
        (".venv/bin/python", "/project/.venv/bin/python"),
        ("../other/bin/python", "/other/bin/python"),
        ("/opt/bin/python", "/opt/bin/python"),
        ("~/bin/python", str(Path.home() / "bin/python")),
    ],
)
def test_paths_are_relative_to_the_manifest(wanted, expected):
    assert resolve_path(wanted, Path("/project")) == expected


def test_the_python_version_file_comes_before_requires_python(tmp_path):
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    described = project(
        tmp_path,
        {".python-version": f"# ours\n{minor}.999\n", "pyproject.toml": PROJECT + 'requires-python = ">=3.9"\n'},
    )
    chosen, note = choose(described, None, cwd=tmp_path)
    assert (chosen.version.startswith(minor), note) == (True, "")


@pytest.mark.parametrize("named", ["./evil", "evil", "bin", "{}/tree/evil"])
def test_a_python_version_file_runs_no_program_of_the_tree(tmp_path, named):
    """Confined code may have left one, and interpreters are looked for outside of the sandbox."""
    named, ran = named.format(tmp_path), tmp_path / "ran"
    described = project(tmp_path / "tree", {".python-version": f"{named}\n", "pyproject.toml": PROJECT})
    for path in ("evil", "bin/python", "bin/python3"):
        program = tmp_path / "tree" / path
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\ntouch {ran}\nexec {sys.executable} "$@"\n')
        program.chmod(0o755)
    chosen, note = choose(described, None, cwd=tmp_path / "tree")
    assert not chosen.path.is_relative_to(tmp_path)
    assert f"requests Python {named}, which is not installed" in note
    assert not ran.exists()


def test_a_missing_python_version_is_noted(tmp_path):
    described = project(tmp_path, {".python-version": "3.99\n", "pyproject.toml": PROJECT})
    chosen, note = choose(described, None, cwd=tmp_path)
    assert note == f".python-version requests Python 3.99, which is not installed; {chosen.version} is used"


def refused_python(tmp_path, files, wanted=None):
    with pytest.raises(EnvironmentBuildError) as caught:
        choose(project(tmp_path, files), wanted, cwd=tmp_path)
    return str(caught.value)


def test_no_matching_python(tmp_path):
    ours = ".".join(map(str, sys.version_info[:3]))
    assert refused_python(tmp_path, {"pyproject.toml": PROJECT + 'requires-python = ">=3.99"\n'}) == (
        f"pyproject.toml: no installed Python satisfies requires-python >=3.99; prprep runs on {ours}\n"
        "  install one, or choose another: `env: {python: '3.12'}`, or the path of an interpreter"
    )


def test_a_missing_wanted_python(tmp_path):
    assert refused_python(tmp_path, {}, "3.99") == (
        "env: python: Python 3.99 is not installed\n  install it, or name another version or the path of an interpreter in `env: {python: ...}`"
    )


def test_a_path_that_is_not_a_python(tmp_path):
    assert "this is not a working Python interpreter" in refused_python(tmp_path, {}, "/bin/false")
    assert "was not found" in refused_python(tmp_path, {}, "./nowhere/python")
