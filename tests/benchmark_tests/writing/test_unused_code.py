"""What is left of a test's code without its assertions."""

from __future__ import annotations

import pytest

from tasks.artifacts import WorkloadTest
from tasks.benchmark_tests.writing.unused_code import without_idle_setup, without_unused


def left(**parts: object) -> WorkloadTest:
    return without_unused(WorkloadTest(test="tests/test_shop.py::test_load", **parts))


@pytest.mark.parametrize(
    ("code", "shorter"),
    [
        ("for kind in kinds:\n    result = load(kind)", "for kind in kinds:\n    load(kind)"),
        ("with opened(1) as shop:\n    loaded = await load(1)", "with opened(1):\n    await load(1)"),
        ("with opened(1) as shop:\n    total += shop.load(1)", None),
        ("for kind in kinds:  # all of them\n    total = load(kind)\n    total += 1", None),
        ("for kind in kinds:\n    first, second = load(kind)\n    kept = kind", None),
        ("for kind in kinds:\n    def loaded():\n        result = load(kind)\n    loaded()", None),
        ("def loaded():\n    nonlocal total\n    total = load(1)", None),
        ("result = load(1)", None),
    ],
)
def test_variables_that_only_assertions_read_are_left_out(code, shorter):
    assert left(body=(code,)).body == (shorter or code,)


def test_variables_that_anything_reads_stay():
    body = ("for kind in kinds:\n    result = load(kind)",)
    assert left(body=body, result="result").body == body


def test_definitions_and_imports_that_only_assertions_used_are_left_out():
    definitions = (
        "REGISTRY = {}",
        "REGISTRY.update(kind=Kind)",
        "class Kind:\n    pass",
        'class Shop:\n    kind: "Kind | None"\n    size = Size(1)',
        "class Named:\n    pass",
        "class Expected:\n    pass",
    )
    imports = ("from __future__ import annotations", "import json", "import pytest", "from shop import Error, Size")
    workload = left(
        definitions=definitions, imports=imports, body=("REGISTRY.clear()",), result="Shop().load('Named', tmp_path)"
    )
    assert workload.definitions == definitions[:-1]
    assert workload.imports == (imports[0], imports[3])


def test_what_uses_no_variable_of_the_measured_code_is_left_out_of_the_setup():
    setup = (
        "shop = Shop()",
        "for name in ['LANG']:\n    os.environ[name] = 'C'",
        "def scrub(name):\n    os.environ.pop(name)\n    stack.callback(restore, name)",
        "scrub('HOME')",
        "def sized(number):\n    return [number] * number",
        "rows = sized(3)",
        "shop.limit = 3",
        "stack.callback(rows.clear)",
        "shop.open()",
        "print(rows)",
        "def closed():\n    shop.close()",
        "stack.callback(closed)",
    )
    definitions = ("def restore(name):\n    os.environ[name] = '/'",)
    workload = WorkloadTest(test="", imports=("import os",), definitions=definitions, setup=setup, is_closed=True)
    measured = without_idle_setup(workload.model_copy(update={"result": "shop.load(1)"}))
    assert measured.setup == ("shop = Shop()", "shop.limit = 3", "shop.open()", *setup[-2:])
    assert (measured.imports, measured.definitions, measured.is_closed) == ((), (), True)
    measured = without_idle_setup(workload.model_copy(update={"result": "load(1)"}))
    assert (measured.setup, measured.is_closed) == ((), False)
    measured = without_idle_setup(workload.model_copy(update={"result": "shop.load(rows)"}))
    assert measured.setup == (setup[0], *setup[4:])
    assert measured.is_closed


def test_definitions_that_fixtures_are_need_what_they_use():
    fixture = "@pytest.fixture\ndef rows(tmp_path):\n    yield read(tmp_path)"
    marked = left(
        definitions=(fixture, "def read(path):\n    return json.load(path)"),
        imports=("import json", "import pytest", "import re"),
        fixtures=("rows", "capsys", "tmp_path", "client"),
        result="load(1)",
    )
    assert len(marked.definitions) == 2
    assert marked.imports == ("import json", "import pytest")
    # A project's own fixture may do something that the code relies on.
    assert marked.fixtures == ("rows", "tmp_path", "client")
