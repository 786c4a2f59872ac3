import pytest

from tasks.project.files import Project
from tasks.project.members import declared_by_members, described_projects, required_members
from tests.support.projects import Files

APP = {"libs/app/pyproject.toml": '[project]\nname = "The.App"\n'}


def requires(files, project="", member="libs/app"):
    tree = Files({**APP, **files})
    return member in required_members(Project(tree, project), described_projects(tree))


@pytest.mark.parametrize(
    "files",
    [
        {
            "pyproject.toml": (
                '[project]\nname = "a"\ndependencies = ["the-app>=1"]\n[tool.uv.sources]\n'
                "the-app = {workspace = true}\n"
            )
        },
        {"pyproject.toml": '[project]\nname = "a"\n[project.optional-dependencies]\nfast = ["the_app"]\n'},
        {"pyproject.toml": '[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\nthe-app = {path = "libs/app"}\n'},
        {"pyproject.toml": '[project]\nname = "a"\ndependencies = ["the-app @ file:///${PROJECT_ROOT}/libs/app"]\n'},
        {"pyproject.toml": '[project]\nname = "a"\n[dependency-groups]\ndev = ["the-app"]\n'},
        {"setup.py": 'setup(name="a", install_requires=["the-app"])\n'},
        {"setup.py": "", "setup.cfg": "[metadata]\nname = a\n[options]\ninstall_requires =\n    the-app\n"},
        {"setup.py": "", "requirements-dev.txt": "-e ./libs/app[fast]\n"},
        {"setup.py": "", "requirements.txt": "file:libs/app ; python_version > '3'\n"},
        {
            "pyproject.toml": '[project]\nname = "a"\ndependencies = ["between"]\n',
            "libs/between/pyproject.toml": '[project]\nname = "between"\ndependencies = ["a", "the-app"]\n',
        },
    ],
)
def test_a_project_requires_a_member_by_name_or_path(files):
    assert requires(files)


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": '[project]\nname = "a"\ndependencies = ["app", "the-apps"]\n'},
        {"setup.py": "", "requirements.txt": "libs\n./libs/other\n"},
        {"setup.py": ""},
    ],
)
def test_other_requirements_are_no_member(files):
    assert not requires(files)


def test_what_required_members_require_themselves():
    root = '[project]\nname = "a"\ndependencies = ["the-app"]\n'
    app = '[project]\nname = "the-app"\ndependencies = ["rich>=13"]\n'
    other = '[project]\nname = "other"\ndependencies = ["numpy"]\n'
    files = {"pyproject.toml": root, "libs/app/pyproject.toml": app, "libs/other/pyproject.toml": other}
    assert declared_by_members(Project(Files(files))) == {"libs/app/pyproject.toml": {"rich": "rich>=13"}}
    assert declared_by_members(Project(Files({"pyproject.toml": root}))) == {}
    broken = {**files, "tests/data/x/pyproject.toml": "[project\n", "tests/data/y/setup.cfg": "no section\n"}
    assert declared_by_members(Project(Files(broken))) == {"libs/app/pyproject.toml": {"rich": "rich>=13"}}
