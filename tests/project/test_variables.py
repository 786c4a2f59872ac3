import pytest

from tasks.project.files import Project
from tasks.project.variables import project_variables
from tests.support.projects import Files

PYPROJECT = "pyproject.toml"


@pytest.mark.parametrize(
    ("files", "values"),
    [
        (
            {PYPROJECT: '[tool.pytest.ini_options]\nenv = ["A=1", "D:B=two words", "R:C={raw}"]\n'},
            {"A": "1", "B": "two words", "C": "{raw}"},
        ),
        (
            {PYPROJECT: '[tool.pytest_env]\nA = 1\nB = {value = "x", skip_if_set = true}\nC = {unset = true}\n'},
            {"A": "1", "B": "x"},
        ),
        ({"pytest.ini": "[pytest]\nenv =\n    A=1\n    U:B=\n"}, {"A": "1"}),
        ({"setup.cfg": "[tool:pytest]\nenv =\n    A = a=b\n"}, {"A": "a=b"}),
        ({"tox.ini": "[testenv]\nsetenv =\n    A = 1\n    py312: B = 2\n    # C = 3\n"}, {"A": "1"}),
        ({"tox.ini": "[testenv]\nset_env = A=1\n"}, {"A": "1"}),
        ({"tox.toml": '[env_run_base]\nset_env = {A = "1"}\n'}, {"A": "1"}),
        ({PYPROJECT: '[tool.tox.env_run_base.set_env]\nA = "1"\n'}, {"A": "1"}),
        (
            {
                PYPROJECT: (
                    '[tool.hatch.envs.default.env-vars]\nA = "1"\nB = "2"\n[tool.hatch.envs.test.env-vars]\nA = "3"\n'
                )
            },
            {"A": "3", "B": "2"},
        ),
        ({"hatch.toml": '[envs.hatch-test.env-vars]\nA = "1"\n'}, {"A": "1"}),
        ({"pytest.ini": "[pytest]\nenv = A=1\n", "tox.ini": "[testenv]\nsetenv = A=2\n"}, {"A": "1"}),
        ({PYPROJECT: '[tool.pytest.ini_options]\nenv = "A=1"\n', "app/setup.py": ""}, {"A": "1"}),
        ({"noxfile.py": "session.env['A'] = '1'\n"}, {}),
    ],
)
def test_variables_that_a_project_sets(files, values):
    assert project_variables(Project(Files(files), "app" if "app/setup.py" in files else "")).values == values


@pytest.mark.parametrize("path", ["{envdir}/src", "{env:PYTHONPATH:{toxinidir}}/src"])
def test_notes_list_the_variables_that_are_set_and_those_that_are_not(path):
    tox = (
        f"[testenv]\nsetenv =\n    ITEMS=3000\n    HERE={{toxinidir}}/x\n    PYTHONPATH={path}\n"
        "    COVERAGE_FILE=.c\n    PATHS=a\n"
    )
    found = project_variables(Project(Files({"tox.ini": tox})))
    assert found.values == {"ITEMS": "3000", "PATHS": "a"}
    assert found.notes == (
        "The benchmark ran with the variables that the project sets for its tests: ITEMS=3000, PATHS=a (tox.ini).",
        "tox.ini sets HERE for the tests, which the benchmark does not get: its value depends on the tool.",
        (
            "tox.ini sets PYTHONPATH for the tests, which the benchmark does not get: it is about tools that prprep "
            "runs itself."
        ),
        (
            "tox.ini sets COVERAGE_FILE for the tests, which the benchmark does not get: it is about tools that prprep "
            "runs itself."
        ),
    )


def test_what_an_installed_plugin_expands_is_not_missing():
    files = {"pytest.ini": "[pytest]\nenv = A={HOME}\n"}
    assert len(project_variables(Project(Files(files))).notes) == 1
    required = {**files, "requirements-test.txt": "pytest-env\n"}
    assert project_variables(Project(Files(required))).notes == ()
