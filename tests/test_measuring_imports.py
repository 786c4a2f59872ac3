"""Import time in fresh interpreters."""

import random
from statistics import median

import pytest

from tasks.artifacts import MetricName
from tasks.errors import MeasuringError, ProvenanceError
from tasks.measuring import imports
from tests.pairs import pair

SLOW = "import time\n\ntime.sleep(0.03)\nprint('to standard output')\n"


def measured(request, lines=None):
    return imports.measure_imports(request, random.Random(request.seed), (lines if lines is not None else []).append)


@pytest.fixture
def once(monkeypatch):
    monkeypatch.setattr(imports, "LOOKS", (1,))


def test_a_slower_import_is_seen(tmp_path, once):
    request = pair(tmp_path, base={"src/project/__init__.py": SLOW}, metrics=("import",), modules=("project",), budget=60.0)
    lines = []
    (measurement,), modules = measured(request, lines)
    (launch,) = measurement.launches
    assert (measurement.test, measurement.metric) == ("import project", MetricName.IMPORT)
    assert len(launch.base) == len(launch.head) == 2
    assert median(launch.base) >= 0.03 > median(launch.head)
    assert [module.path for module in modules["head"]] == ["src/project/__init__.py"]
    assert lines == ["import: launch 1 of at most 1"]


def test_compiled_files_are_there_before_the_first_sample(tmp_path, once):
    request = pair(tmp_path, metrics=("import",), modules=("project",))
    assert not list(tmp_path.rglob("*.pyc"))
    measured(request)
    assert len({path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("project/__pycache__/*.pyc")}) == 2


def test_interpreters_run_abba_with_one_seed(tmp_path, once, monkeypatch):
    order = []
    original = imports._import

    def spy(request, side, settings):
        order.append((side, settings.seed))
        return original(request, side, settings)

    monkeypatch.setattr(imports, "_import", spy)
    (measurement,), _ = measured(pair(tmp_path, metrics=("import",), modules=("project",)))
    launch = measurement.launches[0]
    other = "head" if launch.first == "base" else "base"
    assert order[2:] == [(side, launch.seed) for side in (launch.first, other, other, launch.first)]


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("raise SystemExit(3)", "importing project failed on head: SystemExit: 3"),
        ("import absent", "importing project failed on head: ModuleNotFoundError: No module named 'absent'"),
        ("import os\nos._exit(4)", "importing project failed on head: the interpreter ended with exit code 4"),
    ],
)
def test_an_import_that_fails_is_an_error(tmp_path, code, what):
    with pytest.raises(MeasuringError) as raised:
        measured(pair(tmp_path, head={"src/project/__init__.py": code}, metrics=("import",), modules=("project",)))
    assert raised.value.what.splitlines()[0] == what


def test_an_import_from_the_wrong_place_is_stopped(tmp_path):
    head = {"src/project/__init__.py": f"import sys\nsys.path.insert(0, {str(tmp_path / 'base/src')!r})\nimport sibling\n"}
    with pytest.raises(ProvenanceError, match="on head `sibling` is imported from the tree of base"):
        measured(pair(tmp_path, head=head, base={"src/sibling.py": ""}, metrics=("import",), modules=("project",)))


@pytest.mark.slow
def test_the_time_limit_keeps_what_was_complete(tmp_path):
    code = {"src/project/__init__.py": "import time\n\ntime.sleep(0.3)\n"}
    (measurement,), _ = measured(pair(tmp_path, base=code, head=code, metrics=("import",), modules=("project",), timeout=6.0, budget=60.0))
    assert measurement.stopped == "timeout"
    assert 1 <= len(measurement.launches) <= 4
