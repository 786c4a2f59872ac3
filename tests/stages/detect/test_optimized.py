from __future__ import annotations

import pytest

from tasks.benchmark_tests.benchmark_file import BenchmarkFile
from tasks.git import Clone
from tasks.project.code.sources import Sources
from tasks.project.files import CommitTree
from tasks.stages.detect.optimized import guess
from tests.support.histories import found

pytestmark = pytest.mark.slow

A, B = "src/pages/a.py", "src/pages/b.py"


def guessed(tmp_path, base, head, domains=("cpu",), benchmarks=()):
    differences, _ = found(tmp_path, base, head)
    repo = tmp_path / "target"
    with Clone.open(str(repo), tmp_path / "cache") as clone:
        refs = clone.resolve(["main", "faster"])
        before, after = (Sources(CommitTree(clone, str(refs[name])), ("src",)) for name in ("main", "faster"))
        files = [BenchmarkFile(path, source, after) for path, source in benchmarks]
        return guess(differences, domains=domains, benchmarks=files, base=before, head=after)


BASES = "from collections.abc import Mapping\n\nclass Base:\n    def key(self):\n        return 1\n\n"


@pytest.mark.parametrize(
    ("before", "after", "target"),
    [
        ("class C(Base): ...\n", "class C(Base):\n    def key(self):\n        return 2\n", "pages.a:C.key"),
        (
            "class C(Mapping): ...\n",
            "class C(Mapping):\n    def __contains__(self, key):\n        return True\n",
            "pages.a:C.__contains__",
        ),
        ("class C(Base): ...\n", "class C(Base):\n    def other(self):\n        return 2\n", None),
        ("", "class C(Base):\n    def key(self):\n        return 2\n", None),
        ("", "def key():\n    return 2\n", None),
    ],
    ids=["of a class of the project", "of another's class", "a new method", "a new class", "a new function"],
)
def test_a_method_that_base_inherits_is_at_base_too(tmp_path, before, after, target):
    found_target, reason = guessed(tmp_path, {A: BASES + before}, {A: BASES + after})
    assert found_target == target
    assert reason.startswith("head overrides the method" if target else "functions were only added")


@pytest.mark.parametrize(
    ("code", "target", "reason"),
    [
        ("def f():\n    x = {}\n", "pages.a:f", "it is the only public function that changed (1 line)"),
        (
            "def f():\n    x = {}\ndef g():\n    x = {}\n    y = {}\n",
            "pages.a:g",
            "it is the public function that changed most (2 lines)",
        ),
        (
            "def f():\n    x = {}\ndef _g():\n    x = {}\n    y = {}\n",
            "pages.a:f",
            "it is the public function that changed most (1 line)",
        ),
        (
            "class C:\n    def _m(self):\n        x = {}\n",
            "pages.a:C._m",
            "it is the only function that changed (1 line)",
        ),
        (
            "class C:\n    def __iter__(self):\n        x = {}\n",
            "pages.a:C.__iter__",
            "it is the only public function that changed (1 line)",
        ),
        (
            "class C:\n    def __init__(self):\n        x = {}\n",
            "pages.a:C",
            "it is the only public class that changed (1 line, in C.__init__)",
        ),
        ("class C:\n    x = {}\n", "pages.a:C", "it is the only public class that changed (1 line)"),
        (
            "def f():\n    def _g():\n        x = {}\n",
            "pages.a:f",
            "it is the only public function that changed (1 line, in f._g)",
        ),
        (
            "class C:\n    def m(self):\n        class D:\n            def n(self):\n                x = {}\n",
            "pages.a:C.m",
            "it is the only public function that changed (1 line, in C.m.D.n)",
        ),
    ],
)
def test_the_public_function_that_changed_most_is_taken(tmp_path, code, target, reason):
    assert guessed(tmp_path, {A: code.replace("{}", "1")}, {A: code.replace("{}", "2")}) == (target, reason)


def test_a_function_with_a_benchmark_goes_before_one_that_changed_more(tmp_path):
    code = "def f():\n    x = {}\ndef g():\n    x = {}\n    y = {}\n"
    benchmark = ("perf/test_f.py", b"from pages.a import f\ndef test(benchmark): benchmark(f)\n")
    chosen = guessed(tmp_path, {A: code.replace("{}", "1")}, {A: code.replace("{}", "2")}, benchmarks=(benchmark,))
    assert chosen == ("pages.a:f", "it changed, and perf/test_f.py calls it")


def test_what_is_on_one_side_only_cannot_be_compared(tmp_path):
    base, head = "def f():\n    x = 1\ndef h():\n    return 1\n", "def f():\n    x = 2\ndef g():\n    return [{}, {}]\n"
    assert guessed(tmp_path, {A: base}, {A: head})[0] == "pages.a:f"


def test_only_added_and_removed_functions(tmp_path):
    chosen = guessed(tmp_path, {A: "def f(): return 1\n"}, {A: "def g(): return [2]\n"})
    assert chosen == (None, "functions were only added and removed: none that changed exists at both base and head")


def test_no_function_at_all(tmp_path):
    assert guessed(tmp_path, {}, {"README.md": "# Pages\n"}) == (None, "no function of the project changed")


def test_a_renamed_function_is_named_as_at_head(tmp_path):
    code = "def {}(x):\n    y = x\n    z = y\n    return z\n"
    head = code.replace("return z", "return y").format("g")
    assert guessed(tmp_path, {A: code.format("f")}, {A: head})[0] == "pages.a:g"


def test_a_function_that_only_moved_is_not_optimized(tmp_path):
    code = "def f(x):\n    y = x\n    z = y\n    return z\n"
    moved = {A: "", "src/pages/b.py": code}
    assert guessed(tmp_path / "alone", {A: code}, moved) == (
        None,
        "functions were only moved: their code is the same",
    )
    other = "def other():\n    return {}\n"
    both = guessed(tmp_path / "with", {A: code + other.format(1)}, {**moved, A: other.format(2)})
    assert both == ("pages.a:other", "it is the only public function that changed (1 line)")


SETTER = """
class Table:
    @property
    def rows(self):
        return self.kept

    @rows.setter
    def rows(self, rows):
        self.kept = list(rows)

    def __total(self):
        return sum(self.kept)
"""
SHOW = """
from functools import singledispatch

@singledispatch
def show(value):
    return str(value)

@show.register
def _(value: int):
    return str(value)

@show.register
def _(value: list):
    return ", ".join(map(show, value))
"""


@pytest.mark.parametrize(
    ("before", "old", "new", "target"),
    [
        (SETTER, "list(rows)", "rows", "pages.a:Table.rows.setter"),
        (SETTER, "return self.kept", "return tuple(self.kept)", "pages.a:Table.rows"),
        (SETTER, "sum(self.kept)", "sum(self.rows)", "pages.a:Table.__total"),
        (SHOW, "(value: int):\n    return str", "(value: int):\n    return repr", "pages.a:show.register(int)"),
        (SHOW, "(value):\n    return str", "(value):\n    return repr", "pages.a:show"),
        ("key = lambda row: row.name\n", "row.name", "row.id", "pages.a:key"),
        ("@app.get\ndef _():\n    return 1\n\ndef _private():\n    return 3\n", "return", "yield", "pages.a:_"),
    ],
)
def test_the_target_is_a_definition_rather_than_a_name(tmp_path, before, old, new, target):
    assert guessed(tmp_path, {A: before}, {A: before.replace(old, new)})[0] == target


@pytest.mark.parametrize("domain", ["struct", "cpu"])
def test_if_only_imports_changed_the_module_is_guessed(tmp_path, domain):
    target, reason = guessed(
        tmp_path, {A: "import json\nimport re\n", B: "import re\n"}, {A: "import io\n", B: ""}, domains=(domain,)
    )
    assert target == "pages.a"
    assert (
        reason
        == {
            "struct": "the domain is struct, and this module's own code changed most",
            "cpu": "only the module's own code changed, which runs when it is imported",
        }[domain]
    )


def test_the_import_of_a_module_where_only_functions_changed(tmp_path):
    base, head = {A: "def f():\n    x = 1\n"}, {A: "def f():\n    x = 2\n"}
    assert guessed(tmp_path, base, head, domains=("struct", "cpu")) == (
        "pages.a",
        "the domain is struct, and the function that changed most is in this module",
    )
    assert guessed(tmp_path / "b", {A: "x = 1\n"}, {B: "def f():\n    x = 2\n"}, domains=("struct",)) == (
        None,
        "the domain is struct, but no changed module exists on both sides",
    )


def test_the_function_that_uses_a_changed_constant(tmp_path):
    code = "import re\nWORD = re.compile('{}')\ndef _f(): return WORD\ndef other(): ...\ndef words(text):\n    def one(): return WORD\n    return one\n"
    chosen = guessed(tmp_path, {A: code.replace("{}", "a+")}, {A: code.replace("{}", "a++")})
    assert chosen == ("pages.a:words", "it uses what changed in its module: WORD")
