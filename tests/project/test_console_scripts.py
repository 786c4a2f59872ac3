"""The commands that a project installs."""

import subprocess
import sys

import pytest

from tasks.errors import SourceError
from tasks.project.console_scripts import commands_of, common_commands
from tasks.project.files import FolderTree
from tasks.project.layout import describe
from tests.support.pairs import write

PACKAGE = {"pagelayout/__init__.py": "", "pagelayout/cli.py": ""}


def names(folder, files):
    tree = FolderTree(write(folder, PACKAGE | files))
    return [(command[2], command[1].partition("from ")[2]) for command in commands_of(tree, describe(tree))]


def pyproject(table):
    return {"pyproject.toml": f'[project]\nname = "pagelayout"\nversion = "1"\n{table}\n'}


MAIN = ("pagelayout", "pagelayout.cli import main; sys.exit(main())")


@pytest.mark.parametrize(
    "files",
    [
        pyproject('[project.scripts]\npagelayout = "pagelayout.cli:main"'),
        pyproject('[project.scripts]\npagelayout = " pagelayout.cli : main [extra, more]"'),
        {
            "pyproject.toml": '[tool.poetry]\nname = "pagelayout"\n[tool.poetry.scripts]\npagelayout = "pagelayout.cli:main"\n'
        },
        {
            "pyproject.toml": '[tool.poetry.scripts]\npagelayout = { reference = "pagelayout.cli:main", type = "console" }\n'
            'file = { reference = "bin/file.sh", type = "file" }\n[tool.poetry]\nname = "pagelayout"\n'
        },
        {
            "pyproject.toml": '[tool.poetry]\nname = "pagelayout"\n[tool.poetry.scripts]\npagelayout = { callable = "pagelayout.cli:main" }\n'
        },
        {
            "pyproject.toml": '[build-system]\nrequires = ["flit"]\n[tool.flit.metadata]\nmodule = "pagelayout"\n'
            '[tool.flit.scripts]\npagelayout = "pagelayout.cli:main"\n'
        },
        {
            "setup.cfg": "[metadata]\nname = pagelayout\n[options.entry_points]\nconsole_scripts =\n    pagelayout=pagelayout.cli:main\n"
        },
        {
            "setup.py": "setup(entry_points={'console_scripts': ['pagelayout = pagelayout.cli:main'], 'other': ['a = b:c']})\n"
        },
        {"setup.py": "setup(entry_points={'console_scripts': '''\\n pagelayout=pagelayout.cli:main\\n'''})\n"},
    ],
)
def test_scripts_of_every_build_tool_are_found(tmp_path, files):
    assert names(tmp_path, files) == [MAIN]


@pytest.mark.parametrize(
    "files",
    [
        {},
        pyproject(""),
        pyproject("[project.scripts]"),
        pyproject('[project.scripts]\nno-attribute = "pagelayout.cli"\nno-string = 3\ncode = "os:system(1)"'),
        pyproject('[project.gui-scripts]\nwindow = "pagelayout.cli:main"'),
        {"setup.py": "setup(entry_points=ENTRY_POINTS)\n"},
        {"setup.py": "setup(entry_points={'console_scripts': [make()]})\n"},
    ],
)
def test_other_entry_points_are_left_out(tmp_path, files):
    assert names(tmp_path, files) == []


def test_script_named_after_the_project_comes_first(tmp_path):
    table = '[project.scripts]\nzoom = "pagelayout.zoom:main"\nPageLayout = "pagelayout.cli:app.run"\nabout = "pagelayout:about"'
    assert names(tmp_path, pyproject(table)) == [
        ("PageLayout", "pagelayout.cli import app; sys.exit(app.run())"),
        ("zoom", "pagelayout.zoom import main; sys.exit(main())"),
        ("about", "pagelayout import about; sys.exit(about())"),
    ]


def test_common_commands_have_the_same_entry_point(tmp_path):
    base = FolderTree(
        write(
            tmp_path / "base",
            PACKAGE | pyproject('[project.scripts]\na = "pagelayout:a"\nb = "pagelayout:b"\nc = "pagelayout:c"'),
        )
    )
    head = FolderTree(
        write(
            tmp_path / "head",
            PACKAGE | pyproject('[project.scripts]\nc = "pagelayout:c"\na = "pagelayout.a:a"\nb = "pagelayout:b"'),
        )
    )
    assert [command[2] for command in common_commands(base, head, describe(head))] == ["c", "b"]


def test_malformed_file_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="not valid TOML"):
        names(tmp_path, {"pyproject.toml": "[project"})


def test_command_runs_like_the_installed_script(tmp_path):
    code = "import sys\n\nclass app:\n    def run():\n        print(sys.argv, '' in sys.path)\n        return 3\n"
    table = '[project.scripts]\npagelayout = "pagelayout.cli:app.run"'
    tree = FolderTree(write(tmp_path, {**PACKAGE, "pagelayout/cli.py": code, **pyproject(table)}))
    (command,) = commands_of(tree, describe(tree))
    done = subprocess.run(
        [sys.executable, *command], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("['pagelayout', '--help'] False\n", 3)
