from __future__ import annotations

import ast

import pytest

from tasks.artifacts import Layout
from tasks.benchmark_tests.writing.expected_errors import ExpectedErrors
from tasks.benchmark_tests.writing.needed_code import TestModules
from tasks.project.code.sources import Sources
from tests.support.evidence import DETECTION
from tests.support.projects import Files

HELPERS = """
import contextlib

import pytest

@contextlib.contextmanager
def refused(message):
    with pytest.raises(ValueError, match=message):
        yield

def parsed(text):
    return load(text)
"""
TESTS = """
from functools import partial

import pytest as pt
from pytest import raises as fails

from tests.helpers import parsed, refused as rejected
from .gone import other

rejects = partial(pt.raises, ValueError)
loads = partial(load, strict=True)

def again(text):
    check(text)

def check(text):
    with rejected("no"):
        again(text)

class Base:
    def assert_parses(self, text):
        self.assert_parses(text)

    def assert_refused(self, text):
        self.assertRaises(ValueError, load, text)

class TestRows(Base):
    pass
"""
LAYOUT: Layout = DETECTION.layout.model_copy(update={"import_roots": ("",), "packages": ("rows",)})
FILES = Files({"tests/__init__.py": "", "tests/helpers.py": HELPERS, "tests/test_rows.py": TESTS})


@pytest.fixture(scope="module")
def expects():
    modules = TestModules(Sources(FILES, LAYOUT.import_roots), LAYOUT)
    file = modules.module("tests/test_rows.py")
    errors = ExpectedErrors(modules, file, modules.classes(file, "TestRows"))
    return lambda code: errors.are_in(ast.parse(code).body[0], frozenset({"expectation"}))


@pytest.mark.parametrize(
    "code",
    [
        "with pytest.raises(ValueError):\n    load('')",
        "with pt.raises(ValueError) as caught:\n    load('')",
        "with fails(ValueError):\n    load('')",
        "pytest.raises(ValueError, load, '')",
        "with pytest.RaisesGroup(ValueError):\n    load('')",
        "for a in b:\n    with raises(A):\n        a()",
        "async with open() as file, anything():\n    with raises(A):\n        await file.load()",
        "expectation = pytest.raises(ValueError)",
        "with expectation:\n    load('')",
        "with rejects():\n    load('')",
        "with rejected('no'):\n    load('')",
        "check('')",
        "self.assertRaises(ValueError, load, '')",
        "with self.assertRaisesRegex(ValueError, 'no'):\n    load('')",
        "with self.assertWarns(UserWarning):\n    load('')",
        "with pytest.deprecated_call():\n    load('')",
        "with warnings.catch_warnings(record=True) as caught:\n    load('')",
        "self.assert_refused('')",
        "np.testing.assert_raises(ValueError, load, '')",
        "with contextlib.suppress(ValueError):\n    load('')",
        "try:\n    load('')\nexcept ValueError:\n    pass\nelse:\n    pytest.fail('no error')",
        "try:\n    load('')\n    self.fail('no error')\nexcept ValueError:\n    pass",
        "try:\n    load('')\n    raise AssertionError\nexcept ValueError:\n    pass",
        "try:\n    load('')\n    assert False, 'no error'\nexcept ValueError:\n    pass",
    ],
)
def test_code_that_expects_an_error_is_recognized_by_name_or_by_what_it_calls(expects, code):
    assert expects(code)


@pytest.mark.parametrize(
    "code",
    [
        "load('')",
        "raises = load('')",
        "loads('')",
        "parsed('')",
        "other('')",
        "self.assert_parses('')",
        "with open('a') as file:\n    load(file)",
        "with warnings.catch_warnings():\n    load('')",
        "with warnings.catch_warnings(record=False):\n    load('')",
        "try:\n    load('')\nfinally:\n    assert True",
        "try:\n    load('')\nexcept ValueError:\n    pytest.fail('an error')",
    ],
)
def test_other_code_is_not(expects, code):
    assert not expects(code)
