import pytest

from tasks.environments.declared import declared_requirements, extra_names, static_requirements
from tasks.environments.requirements import attempts
from tasks.environments.testing_requirements import file_for_tests, marked_as_tests
from tasks.manifest.model import EnvironmentSettings
from tasks.project.files import Project
from tests.support.projects import PROJECT, Files

ENCODE = """
    -e .[full]

    # Packaging
    build==0.8

    # Tests & linting
    requests==2.31.0  # pinned
    trio>=0.20

    # --- Docs ---
    mkdocs
"""
DEV = '[project.optional-dependencies]\ndev = ["requests==2.31.0", "mypy"]\n'


def of(**files: str) -> Project:
    return Project(Files({name.replace("__", "/"): text for name, text in files.items()}))


def lines(files: dict[str, str]) -> tuple[str, ...]:
    """Return the single requirements of the most complete attempt."""
    return attempts(Project(Files({"pyproject.toml": PROJECT, **files})), EnvironmentSettings())[0].lines


AT_START = {
    "a warning filter": {
        "pytest.ini": "[pytest]\nfilterwarnings =\n    error\n    ignore:a text:requests.ReqWarning\n"
    },
    "a warning filter of pyproject": {
        "pyproject.toml": PROJECT
        + DEV
        + "[tool.pytest.ini_options]\nfilterwarnings = ['error', 'ignore::requests.W']\n"
    },
    "importorskip": {"tests/conftest.py": "import pytest\nx = pytest.importorskip('requests.adapters')\n"},
    "an import": {"tests/conftest.py": "from requests.adapters import HTTPAdapter\n"},
    "an import in a fixture": {"conftest.py": "def session():\n    import requests\n"},
    "a plugin": {"conftest.py": "pytest_plugins = ['requests.testing']\n"},
    "an option": {"setup.cfg": "[tool:pytest]\naddopts = -v -p requests\n"},
    "a short option": {"pytest.ini": "[pytest]\naddopts = -p no:tox -prequests.plugin -k 'a b'\n"},
}


@pytest.mark.parametrize("files", AT_START.values(), ids=AT_START)
def test_what_pytest_needs_to_start_is_found_where_the_project_lists_it(files):
    assert lines({"pyproject.toml": PROJECT + DEV, **files}) == ("requests==2.31.0",)


@pytest.mark.parametrize(
    "listed",
    [
        {"requirements.txt": "# dev\nrequests==2.31.0\n"},
        {"pyproject.toml": PROJECT + "[dependency-groups]\nlint = ['requests==2.31.0']\n"},
        {"pyproject.toml": PROJECT + "[tool.poetry.dev-dependencies]\nrequests = '2.31.0'\n"},
        {"tox.ini": "[testenv]\ndeps =\n    requests==2.31.0\n"},
        {"requirements.txt": "\ufeffrequests==2.31.0\n"},
        {"setup.py": "setup(tests_require=['requests==2.31.0'])"},
        {"setup.py": "setup(extras_require={'dev': 'six\\nrequests==2.31.0'})"},
        {"hatch.toml": "[envs.default]\ndependencies = ['requests==2.31.0']"},
        {"setup.cfg": "[tox:testenv]\ndeps =\n    requests==2.31.0\n"},
        {"setup.cfg": "[options.extras_require]\ndev = requests==2.31.0\n"},
    ],
)
def test_every_list_of_the_project_counts(listed):
    assert lines({**listed, "conftest.py": "import requests, os, nothing_like_it\n"}) == ("requests==2.31.0",)


def test_nothing_is_added_that_is_installed_anyway_or_that_nobody_lists():
    text = PROJECT + 'dependencies = ["requests"]\n' + DEV
    assert lines({"pyproject.toml": text, "conftest.py": "import requests, pages, numpy\n"}) == ()
    assert lines({"conftest.py": "import requests\n"}) == ()


def test_tests_need_what_is_marked_as_theirs():
    assert marked_as_tests(of(**{"requirements.txt": ENCODE})) == ("requests==2.31.0", "trio>=0.20")
    assert lines({"requirements.txt": ENCODE}) == ("requests==2.31.0", "trio>=0.20")
    assert marked_as_tests(of(**{"requirements.txt": "# the latest of all\nnumpy\n"})) == ()


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (("requirements-dev.txt", "requirements-test.txt"), "requirements-test.txt"),
        (("requirements/tests.in", "requirements/dev.txt"), "requirements/tests.in"),
        (("test-requirements.txt", "tests/requirements.txt"), "test-requirements.txt"),
        (("tests/requirements/py.txt", "docs/requirements-test.txt"), "tests/requirements/py.txt"),
        (("requirements.dev.txt", "requirements.txt"), "requirements.dev.txt"),
        (("tests/data/requirements.txt", "requirements.txt", "constraints-test.txt"), None),
    ],
)
def test_the_file_for_tests(files, chosen):
    assert file_for_tests(of(**dict.fromkeys(files, "x"))) == ((chosen,) if chosen else ())


def test_malformed_groups_do_not_matter_to_others():
    text = PROJECT + "[dependency-groups]\nlint = [{include-group = 'gone'}]\ndev = ['six']\n"
    assert declared_requirements(of(**{"pyproject.toml": text})) == {"six": "six"}


STATIC = {
    "poetry": (
        {
            "pyproject.toml": """
                [tool.poetry.dependencies]
                python = "^3.6"
                attrs = "^20.1"
                dataclasses = {version = "*", python = "<3.7"}
                typing = {version = "^3.6", python = "<3 || ~3.4"}
                rich = {version = ">=9", optional = true, markers = "os_name == 'posix'"}
                tables = {path = "../tables"}
                pages = [{version = "1", python = "<3.9"}, {version = "2", python = ">=3.9"}]
                forked = {git = "https://example.org/forked.git", rev = "abc"}
                [tool.poetry.extras]
                color = ["rich"]
            """
        },
        (
            "attrs<21,>=20.1",
            'dataclasses; python_full_version < "3.7"',
            (
                'typing<4,>=3.6; (python_full_version < "3" or python_full_version < "3.5" and python_full_version >= '
                '"3.4")'
            ),
            'pages==1; python_full_version < "3.9"',
            'pages==2; python_full_version >= "3.9"',
            "forked @ git+https://example.org/forked.git@abc ",
            "rich>=9; (os_name == 'posix')",
        ),
    ),
    "flit": (
        {
            "pyproject.toml": (
                "[tool.flit.metadata]\nrequires = ['six']\n[tool.flit.metadata.requires-extra]\ncolor = ['rich']\n"
            )
        },
        ("six", "rich"),
    ),
    "setup.cfg": (
        {"setup.cfg": "[options]\ninstall_requires =\n    six>1\n[options.extras_require]\ncolor =\n    rich\n"},
        ("six>1", "rich"),
    ),
    "setup.py": (
        {"setup.py": "setup(install_requires=['six'], extras_require={'color': ['rich'], 'x': ['y']})"},
        ("six", "rich"),
    ),
}


@pytest.mark.parametrize(("files", "expected"), STATIC.values(), ids=STATIC)
def test_requirements_without_the_back_end(files, expected):
    assert static_requirements(of(**files), ("color",)) == (expected, ())


def test_comments_are_no_part_of_a_requirement():
    needs = "[options]\ninstall_requires =\n    six>=1  # why\n    # not this\n    attrs\n"
    assert static_requirements(of(**{"setup.cfg": needs}), ()) == (("six>=1", "attrs"), ())
    listed = {"setup.py": "setup(install_requires=['six  # why'], extras_require={'x': '# all\\nattrs'})"}
    assert static_requirements(of(**listed), ("x",)) == (("six", "attrs"), ())


def test_requirements_files_that_metadata_names():
    dynamic = PROJECT + '[tool.setuptools.dynamic]\ndependencies = {file = ["needs.txt"]}\n'
    computed = {"setup.py": "setup(install_requires=open('requirements.txt').readlines())", "requirements.txt": "six"}
    assert static_requirements(of(**{"pyproject.toml": dynamic, "needs.txt": "six"}), ()) == ((), ("needs.txt",))
    extras = dynamic + "optional-dependencies.test = {file = ['reqs/test.in']}\n"
    described = of(**{"pyproject.toml": extras, "needs.txt": "six", "reqs/test.in": "rich"})
    assert extra_names(described) == ("test",)
    assert static_requirements(described, ("test",)) == ((), ("needs.txt", "reqs/test.in"))
    assert static_requirements(of(**computed), ()) == ((), ("requirements.txt",))
    listed = {"setup.cfg": "[options]\ninstall_requires = file: needs.txt\n", "needs.txt": "six"}
    assert static_requirements(of(**listed), ()) == ((), ("needs.txt",))
