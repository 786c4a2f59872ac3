from __future__ import annotations

import pytest

from tasks.errors import SourceError
from tasks.project import dependencies
from tests.support.projects import Files


def differences(base, head):
    return [
        (one.file, one.name, one.base, one.head)
        for one in dependencies.dependency_differences(Files(base), Files(head))
    ]


DIFFERENCES = {
    "pyproject": (
        "pyproject.toml",
        """
        [build-system]
        requires = ["hatchling"]
        [project]
        requires-python = ">=3.9"
        dependencies = ["NumPy >=1.26", "rich"]
        [project.optional-dependencies]
        test = ["pytest"]
        [dependency-groups]
        dev = ["mypy", {include-group = "x"}]
        """,
        """
        [build-system]
        requires = ["hatchling>=1.2"]
        [project]
        requires-python = ">=3.10"
        version = "2"
        dependencies = ["numpy>=2", "rich"]
        [project.optional-dependencies]
        test = ["pytest>=8"]
        [dependency-groups]
        dev = ["mypy<2"]
        """,
        [
            ("hatchling (build)", "hatchling", "hatchling>=1.2"),
            ("mypy (group dev)", "mypy", "mypy<2"),
            ("numpy", "NumPy>=1.26", "numpy>=2"),
            ("pytest (extra test)", "pytest", "pytest>=8"),
            ("python", ">=3.9", ">=3.10"),
        ],
    ),
    "poetry": (
        "pyproject.toml",
        '[tool.poetry.dependencies]\npython = "^3.9"\nnumpy = "^1.2"\n[tool.poetry.group.test.dependencies]\npytest = "*"\n',
        '[tool.poetry.dependencies]\npython = "^3.9"\nnumpy = {version = "^2", optional = true}\n',
        [("numpy", "^1.2", '{"optional": true, "version": "^2"}'), ("pytest (group test)", "*", None)],
    ),
    "requirements": (
        "requirements/base.txt",
        "numpy==1.0 --hash=sha256:aa \\\n  --hash=sha256:bb\n# rich\n-r other.txt\n",
        "numpy==1.0 --hash=sha256:cc\nrich # why\n-e ./vendored\n",
        [("-e ./vendored", None, "-e ./vendored"), ("rich", None, "rich")],
    ),
    "setup.cfg": (
        "setup.cfg",
        "[options]\ninstall_requires =\n    numpy\n    rich\n",
        "[options]\ninstall_requires =\n    numpy>2\n    rich\n[options.extras_require]\ntest = pytest\n",
        [("numpy", "numpy", "numpy>2"), ("pytest (extra test)", None, "pytest")],
    ),
    "comments": (
        "setup.cfg",
        "[options]\ninstall_requires =\n    numpy  # fast\n    rich # old\n",
        "[options]\ninstall_requires =\n    numpy  # faster\n    rich>1 # new\n",
        [("rich", "rich", "rich>1")],
    ),
    "setup.py": (
        "setup.py",
        'from setuptools import setup\nsetup(install_requires=["numpy"])',
        'from setuptools import setup\nsetup(install_requires=["numpy<2"])',
        [("numpy", "numpy", "numpy<2")],
    ),
    "setup.py, one text": (
        "setup.py",
        'setup(install_requires="numpy\\nrich", extras_require={"x": "six"})',
        'setup(install_requires="numpy<2\\nrich", extras_require={"x": "six\\nattrs"})',
        [("attrs (extra x)", None, "attrs"), ("numpy", "numpy", "numpy<2")],
    ),
    "a byte-order mark": ("requirements.txt", "\ufeffnumpy\n", "\ufeffnumpy<2\n", [("numpy", "numpy", "numpy<2")]),
    "uv.lock": (
        "uv.lock",
        '[[package]]\nname = "numpy"\nversion = "1"\n[[package]]\nname = "rich"\nversion = "1"\n',
        '[[package]]\nname = "numpy"\nversion = "1"\n[[package]]\nname = "numpy"\nversion = "2"\n',
        [("numpy", "1", "1 | 2"), ("rich", "1", None)],
    ),
    "pylock.toml": (
        "pylock.toml",
        '[[packages]]\nname = "numpy"\nversion = "1"\n',
        '[[packages]]\nname = "numpy"\nversion = "2"\n',
        [("numpy", "1", "2")],
    ),
}


@pytest.mark.parametrize(("file", "base", "head", "expected"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_dependencies_that_differ(file, base, head, expected):
    assert differences({file: base}, {file: head}) == [(file, *line) for line in expected]


def test_file_at_head_only():
    assert differences({}, {"requirements-dev.txt": "mypy"}) == [("requirements-dev.txt", "mypy", None, "mypy")]


def test_equal_malformed_files_and_test_data_are_ignored():
    broken = {"pyproject.toml": "= 1"}
    assert differences(broken, broken) == []
    assert differences({}, {"tests/fixtures/broken/pyproject.toml": "= 1"}) == []


def test_malformed_file_that_differs_is_an_error():
    with pytest.raises(SourceError, match="not valid TOML") as caught:
        differences({}, {"poetry.lock": "[[package]]\n<<<<<<< ours\n"})
    assert caught.value.where == "poetry.lock:2:1"
