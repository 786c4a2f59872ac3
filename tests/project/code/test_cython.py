from textwrap import dedent

from tasks.project.code.cython import cython_contents

SOURCE = '''\
# cython: language_level=3
"""The module's docstring: def not_there():"""
cimport numpy as np
from .core import helper as h

cdef extern from "x.h":
    double foo(double)

cdef struct Point:
    int x

cdef inline double square(double x) nogil except? -1:
    return x * x  # twice

cdef int declared(int x)

cpdef double total(double[:, ::1] values not None,
                   int n=10, *, bint fast=True) except *:
    """Sum.

    def fake(): pass
    """
    return square(values[0, n])

@cython.boundscheck(False)
def f(int n, str name="a:b(", *args, **kwargs):
    def inner(y):
        return y
    text = """
not indented: def g():
"""
    return n

cdef class Counter(Base):
    cdef public int n

    def __init__(self, int n):
        self.n = n

    @property
    def double(self):
        return self.n * 2

    cdef int _hidden(self):
        return 1

class Plain:
    async def go(self): return 1
'''


def read(source=SOURCE):
    return {each.name: each for each in cython_contents(dedent(source).encode()).definitions}


def test_definitions_with_kind_and_lines():
    assert [(name, each.kind, each.start, each.end) for name, each in read().items()] == [
        ("square", "name", 12, 13),  # only Cython code can call it
        ("total", "function", 17, 23),
        ("f", "function", 25, 32),
        ("f.inner", "function", 27, 28),
        ("Counter", "class", 34, 45),
        ("Counter.__init__", "function", 37, 38),
        ("Counter.double", "function", 40, 42),
        ("Counter._hidden", "name", 44, 45),
        ("Plain", "class", 47, 48),
        ("Plain.go", "function", 48, 48),
        ("<module>", "module", 1, 49),
    ]


def test_parameters_and_bases():
    found = read()
    assert [(each.name, each.kind, each.has_default, each.annotation) for each in found["total"].parameters] == [
        ("values", "positional", False, "double[:, ::1]"),
        ("n", "positional", True, "int"),
        ("fast", "keyword-only", True, "bint"),
    ]
    assert [(each.name, each.kind) for each in found["f"].parameters][-2:] == [("args", "*"), ("kwargs", "**")]
    assert (found["Counter"].bases, found["Counter.double"].is_property, found["Plain.go"].is_async) == (
        ("Base",),
        True,
        True,
    )


def test_comments_docstrings_and_layout_are_no_code():
    changed = SOURCE.replace("  # twice", "").replace("Sum.", "Add.").replace("    return n\n", "\n    return n\n\n")
    assert {name: each.code for name, each in read(changed).items() if name != "<module>"} == {
        name: each.code for name, each in read().items() if name != "<module>"
    }
    assert read(SOURCE.replace("x * x", "x ** 2"))["square"].code != read()["square"].code
    assert read(SOURCE.replace("return y", "return 2 * y"))["f"].code == read()["f"].code


def test_imports_are_bindings():
    (binding,) = cython_contents(SOURCE.encode()).bindings
    assert (binding.name, binding.module, binding.original) == ("h", ".core", "helper")


def test_what_is_no_definition_is_none():
    for source in (
        "cdef int (*pointer)(int)\n",
        "cdef double x = f(1)\n",
        "cdef:\n    int a\n",
        "def\n",
        "cdef f(\n",
        "",
    ):
        assert [*read(source)] == ["<module>"], source
