"""What the import of modules costs whose own code changed."""

import random
from dataclasses import replace

import pytest

from tasks.artifacts import MetricName
from tasks.bench.imports import costs, imports
from tasks.bench.setup import _changed_modules
from tasks.errors import ProvenanceError
from tests.support import evidence
from tests.support.pairs import pair

pytestmark = pytest.mark.slow

INIT = "src/project/__init__.py"
TABLE = "TABLE = {number: str(number) * 20 for number in range(20_000)}\n"


@pytest.fixture(autouse=True)
def once(monkeypatch):
    monkeypatch.setattr(imports, "LOOKS", (1,))
    monkeypatch.setattr(costs, "REPEATS", 1)


def cost(folder, head):
    request = pair(folder, head={INIT: head}, changed_modules=("project",), budget=60.0)
    return costs.import_costs(request, random.Random(1), lambda _: None)


def test_a_table_that_the_import_builds(tmp_path):
    result = cost(tmp_path, TABLE)
    measured = {each.metric: each for each in result.measurements}
    assert {each.test for each in result.measurements} == {"import project"}
    assert all(each.is_cost for each in result.measurements)
    (kept,) = measured[MetricName.KEPT].launches
    assert kept.base[0] < 100_000
    assert 2_000_000 < kept.head[0] - kept.base[0] < 10_000_000
    (timed,) = measured[MetricName.IMPORT].launches
    assert min(timed.head) > max(timed.base)
    assert result.notes == ()


def test_a_module_that_cannot_be_imported_alone_is_noted(tmp_path):
    result = cost(tmp_path, "raise RuntimeError('settings are not configured')\n")
    assert result.measurements == ()
    (note,) = result.notes
    assert note.startswith(
        "What the import costs is not known: importing project failed on head: RuntimeError: settings"
    )


def test_a_module_of_another_tree_is_an_error(tmp_path):
    request = pair(tmp_path, changed_modules=("project",), packages=("project",))
    misplaced = replace(request.head, path_entries=request.base.path_entries)
    with pytest.raises(ProvenanceError):
        costs.import_costs(replace(request, head=misplaced), random.Random(1), lambda _: None)


def test_a_module_that_is_imported_for_ever_is_noted(tmp_path):
    request = pair(tmp_path, head={INIT: "import time\ntime.sleep(600)\n"}, changed_modules=("project",), timeout=1.0)
    result = costs.import_costs(request, random.Random(1), lambda _: None)
    assert [note.startswith("What the import costs is not known: ") for note in result.notes] == [True]


def test_modules_of_both_sides_whose_own_code_changed():
    functions = [
        ("a", "<module>", "modified"),
        ("a", "f", "modified"),
        ("b", "<module>", "added"),
        ("c", "g", "removed"),
    ]
    changed = tuple(
        evidence.DETECTION.functions[0].model_copy(update={"module": module, "name": name, "status": status})
        for module, name, status in functions
    )
    assert _changed_modules(evidence.DETECTION.model_copy(update={"functions": changed})) == ("a",)
