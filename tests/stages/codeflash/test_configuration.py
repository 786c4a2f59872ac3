"""What is put into a copy's pyproject.toml so that codeflash can start."""

import tomllib

import pytest

from tasks.errors import PrprepError
from tasks.stages.codeflash.configuration import configure
from tests.stages.codeflash.test_findings import LAYOUT

BENCHMARK = "tests/benchmarks/test_total.py"
WANTED = {"module-root": ".", "tests-root": "tests", "benchmarks-root": "tests/benchmarks"}
OWN = '[project]\nname = "textkit"\n'


@pytest.mark.parametrize("text", ["", OWN, OWN.rstrip(), f"{OWN}[tool.pytest.ini_options]\ntestpaths = []\n"])
def test_a_table_is_added(text):
    made = configure(text, LAYOUT, BENCHMARK)
    found = tomllib.loads(made.text)
    assert found["tool"]["codeflash"] == WANTED
    assert found.get("project") == tomllib.loads(text).get("project")
    assert made.text.endswith(made.added)
    assert made.module_root == "."


def test_only_what_is_missing_is_added_to_a_table_that_is_there():
    text = f'{OWN}[tool.codeflash] # ours\nmodule-root = "src/textkit"\ntests-root = "tests"\n\n[tool.other]\nx = 1\n'
    made = configure(text, LAYOUT, BENCHMARK)
    assert made.added == 'benchmarks-root = "tests/benchmarks"\n'
    assert made.module_root == "src/textkit"
    found = tomllib.loads(made.text)["tool"]
    assert found == {"codeflash": {**WANTED, "module-root": "src/textkit"}, "other": {"x": 1}}


def test_a_whole_table_stays_as_it_is():
    text = f'{OWN}[tool.codeflash]\nmodule-root = "a"\ntests-root = "b"\nbenchmarks-root = "c"\n'
    made = configure(text, LAYOUT, BENCHMARK)
    assert (made.text, made.added, made.module_root) == (text, "", "a")


def test_places_are_relative_to_the_project():
    layout = LAYOUT.model_copy(update={"project": "packages/textkit"})
    made = configure("", layout, "packages/textkit/bench/test_total.py")
    assert tomllib.loads(made.text)["tool"]["codeflash"] == {
        "module-root": ".",
        "tests-root": "bench",
        "benchmarks-root": "bench",
    }


@pytest.mark.parametrize("text", ["[tool", '[tool]\ncodeflash = {module-root = "a"}\n'])
def test_tables_that_cannot_take_lines_are_refused(text):
    with pytest.raises(PrprepError) as raised:
        configure(text, LAYOUT, BENCHMARK)
    assert raised.value.hint
