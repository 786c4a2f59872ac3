from __future__ import annotations

import pytest

from tasks.artifacts import ArgumentsAsCode, Fake, FakeMethod, RecordedCall
from tasks.benchmark_tests.writing.recorded_code import compose
from tasks.project.code.definitions import definitions

SOURCE = b"""
class Table:
    def __init__(self, name, size=3): ...
    def rows(self, first, *rest, limit=None, **more): ...
    @property
    def name(self): ...
    @classmethod
    def of(cls, text): ...
    @staticmethod
    def joined(parts): ...
    def __call__(self, text): ...


def total(numbers, start=0, *, fast=True): ...


def joined(parts, sep="-", *, end='"'): ...


def format(text, app=None): ...
"""


def composed(name, arguments, kinds=None, **more):
    spelling = ArgumentsAsCode(
        scale=1,
        arguments=tuple(arguments.items()),
        **{key: more.pop(key) for key in ("imports", "needs", "files") if key in more},
    )
    call = RecordedCall(size=1, seconds=1.0, test="", described=(), kinds=kinds or {}, spelling=spelling, **more)
    definition = next(each for each in definitions(SOURCE, "app.py") if each.name == name)
    return compose(call, f"app:{name}", definition)


def test_no_variable_hides_an_import_that_it_is_made_of():
    imports = ("from app import start",)
    same = composed("total", {"numbers": "[start]", "start": "start"}, imports=imports)
    assert (same.setup, same.call) == (("numbers = [start]",), "total(numbers, start)")
    made = composed("total", {"numbers": "[1]", "start": "start.copy()"}, imports=imports)
    assert (made.setup, made.call) == (("start_ = start.copy()",), "total([1], start_)")


def test_no_import_hides_a_builtin():
    code = composed("format", {"text": "format('a' * 100)"})
    assert (code.imports, code.call) == (("import app",), "app.format(text)")
    hidden = composed("format", {"text": "'a'", "app": "list(range(9))"})
    assert (hidden.imports, hidden.call) == (("from app import format",), "format('a', app)")
    needed = composed("format", {"text": "format"}, imports=("from app import format",))
    assert (needed.imports, needed.call) == (("from app import format",), "format(text)")


@pytest.mark.parametrize(
    ("name", "arguments", "kinds", "setup", "call"),
    [
        ("total", {"numbers": "[1, 2]", "start": "0", "fast": "True"}, {"fast": "keyword"}, (), "total([1, 2])"),
        ("total", {"numbers": "[1, 2]", "start": "0", "fast": "False"}, {"fast": "keyword"}, (), "total([1, 2], fast=False)"),
        ("total", {"numbers": "list(range(9))"}, {}, ("numbers = list(range(9))",), "total(numbers)"),
        ("joined", {"parts": "[]", "sep": '"-"', "end": '"\\""'}, {"end": "keyword"}, (), "joined([])"),
        ("joined", {"parts": "[]", "sep": '"+"', "end": '"\\""'}, {"end": "keyword"}, (), 'joined([], "+")'),
        ("Table.rows", {"self": "Table('a')", "first": "1"}, {"self": "positional"}, ("table = Table('a')",), "table.rows(1)"),
        ("Table.rows", {"self": "Table('a')", "first": "1", "rest": "(2,)", "more": "{'a': 1}"},
         {"self": "positional", "rest": "args", "more": "kwargs"}, ("table = Table('a')",), "table.rows(1, *(2,), **{'a': 1})"),
        ("Table.rows", {"self": "Table('a')", "first": "1", "rest": "()", "more": "{}"},
         {"self": "positional", "rest": "args", "more": "kwargs"}, ("table = Table('a')",), "table.rows(1)"),
        ("Table.name", {"self": "Table('a')"}, {"self": "positional"}, ("table = Table('a')",), "table.name"),
        ("Table.of", {"cls": "Table", "text": "'a'"}, {"cls": "positional"}, (), "Table.of('a')"),
        ("Table.joined", {"parts": "[1]"}, {}, (), "Table.joined([1])"),
        ("Table.__call__", {"self": "html", "text": "'a'"}, {}, ("table = html",), "table('a')"),
        ("Table.__init__", {"name": "'a'", "size": "4"}, {}, (), "Table('a', 4)"),
    ],
)  # fmt: skip
def test_call_is_written_as_a_person_would(name, arguments, kinds, setup, call):
    code = composed(name, arguments, dict.fromkeys(arguments, "positional") | kinds)
    assert (code.setup, code.call) == (setup, call)
    top = name.partition(".")[0]
    assert (f"from app import {top}" in code.imports) == (top in " ".join((*setup, call)))


@pytest.mark.parametrize(
    ("value", "recorded", "imports"),
    [
        ("Table('a')", "from app.tables import Table", ("from app import Table",)),
        ("html", "from app.pages import html", ("from app.pages import html",)),
    ],
    ids=["the class, from where the target is imported", "an object, without the class"],
)
def test_only_what_is_used_is_imported_once(value, recorded, imports):
    code = composed("Table.rows", {"self": value, "first": "1"}, {"self": "positional"}, imports=(recorded,))
    assert code.imports == imports


def test_defaults_of_the_recording_commit_are_not_passed():
    """`size` had another default at base: there it was left out, and a head that complains of it is left in peace."""
    definition = next(each for each in definitions(SOURCE, "app.py") if each.name == "total")
    spelling = ArgumentsAsCode(scale=1, arguments=(("numbers", "[1]"), ("start", "7"), ("fast", "True")))
    call = RecordedCall(size=1, seconds=1.0, test="", described=(), kinds={"fast": "keyword"}, spelling=spelling)
    assert compose(call, "app:total", definition).call == "total([1], 7)"
    assert compose(call, "app:total", definition, defaults={"start": "7"}).call == "total([1], fast=True)"


def test_arguments_after_a_default_are_passed_by_name():
    assert composed("total", {"numbers": "[1]", "start": "0", "fast": "False"}).call == "total([1], fast=False)"


def test_builders_and_files_come_first():
    code = composed(
        "total", {"numbers": "rng.choices([1, 2], k=9)"}, needs=("rng", "tmp_path"), files={"a.csv": '"1,2"'}
    )
    assert code.setup == (
        "rng = random.Random(0)",
        '(tmp_path / "a.csv").write_text("1,2")',
        "numbers = rng.choices([1, 2], k=9)",
    )
    assert (code.imports, code.fixtures, code.inputs) == (
        ("from app import total", "import random"),
        ("tmp_path",),
        ("numbers",),
    )


def test_a_fake_of_an_object_is_a_class_with_named_constants():
    method = FakeMethod(method="predict", parameters=("image",), returns="[1]", bytes=33_000_000, calls=2)
    quiet = FakeMethod(method="close", parameters=(), returns="None", bytes=100, calls=1, is_async=True)
    code = composed(
        "total",
        {"numbers": "FakeModel()"},
        fakes=(Fake(name="FakeModel", parameter="numbers", methods=(method, quiet)),),
    )
    text = "\n".join(code.definitions)
    assert text.startswith("PREDICT_BYTES = 31 * 1024 * 1024\n\n\nclass FakeModel:\n")
    assert "    def predict(self, image):\n        _buffer = bytearray(PREDICT_BYTES)\n        return [1]\n" in text
    assert "    async def close(self):\n        return None\n" in text
    assert (code.patches, code.setup) == ((), ("numbers = FakeModel()",))


def test_fake_of_a_function_is_patched_in():
    method = FakeMethod(
        method="app.requests.get", parameters=("*args", "**kwargs"), returns='"text"', bytes=2_000_000, calls=1
    )
    code = composed("total", {"numbers": "[1]"}, fakes=(Fake(name="", parameter="", methods=(method,)),))
    assert code.patches == ('monkeypatch.setattr("app.requests.get", fake_get)',)
    assert code.fixtures == ("monkeypatch",)
    assert "GET_BYTES = 2 * 1024 * 1024" in code.definitions
    assert "def fake_get(*args, **kwargs):" in code.definitions
