from __future__ import annotations

import pytest

from tasks.errors import SourceError
from tasks.git import Clone
from tasks.project.code.definitions import definitions
from tasks.project.code.differences import differences
from tasks.project.code.modules import module_of
from tasks.project.code.sources import Sources
from tasks.project.files import CommitTree
from tasks.project.layout import describe
from tests.support.histories import history
from tests.support.projects import Files

TREE = Files(
    {
        "src/pages/__init__.py": """
            from .tables import extract, Table as Grid
            from pages.layout import *
            from . import io as streams
            import pages.deep.inner
            from numpy import asarray
            from ._fast import merge
            VERSION = "1"
            """,
        "src/pages/tables.py": """
            from functools import lru_cache

            def extract(pages):
                def one(page): ...
                return pages

            class Base:
                def __init__(self): ...
                def rows(self): ...

            class Table(Base):
                size = property(lambda self: 1)
                @property
                def cells(self): ...
                @cells.setter
                def cells(self, to): ...

            class Wide(Table[int]): ...

            if True:
                def twice(): return 1
            def twice(): return 2
            cached = lru_cache(extract)
            """,
        "src/pages/layout.py": "def arrange(): ...\nfrom .loop import gone\n",
        "src/pages/loop.py": "from .layout import gone\n",
        "src/pages/io.py": "async def load(): ...\n",
        "src/pages/io/__init__.py": "def load_package(): ...\n",
        "src/pages/deep/inner.py": "from ..tables import extract as e\nfrom ... import too_far\ndef f(): ...\n",
        "src/pages/broken.py": "def f(:\n",
        "other/single.py": "def f(): ...\n",
    }
)
ROOTS = ("src", "other")


@pytest.mark.parametrize(
    ("target", "path", "name", "kind", "start"),
    [
        ("pages.tables:extract", "src/pages/tables.py", "extract", "function", 3),
        ("pages.tables:extract.one", "src/pages/tables.py", "extract.one", "function", 4),
        ("pages.tables:Table", "src/pages/tables.py", "Table", "class", 11),
        ("pages.tables:Table.cells", "src/pages/tables.py", "Table.cells", "function", 13),
        ("pages.tables:Table.cells.setter", "src/pages/tables.py", "Table.cells.setter", "function", 15),
        ("pages.tables:twice", "src/pages/tables.py", "twice", "function", 22),
        ("pages.tables:twice#1", "src/pages/tables.py", "twice#1", "function", 21),
        ("single:f", "other/single.py", "f", "function", 1),
        ("pages.deep.inner:f", "src/pages/deep/inner.py", "f", "function", 1 + 2),
        # by way of imports
        ("pages:extract", "src/pages/tables.py", "extract", "function", 3),
        ("pages:Grid.cells", "src/pages/tables.py", "Table.cells", "function", 13),
        ("pages:arrange", "src/pages/layout.py", "arrange", "function", 1),
        ("pages:streams.load_package", "src/pages/io/__init__.py", "load_package", "function", 1),
        ("pages:deep.inner.f", "src/pages/deep/inner.py", "f", "function", 3),
        ("pages.deep.inner:e", "src/pages/tables.py", "extract", "function", 3),
        ("pages:tables.extract", "src/pages/tables.py", "extract", "function", 3),
        # inherited
        ("pages.tables:Table.rows", "src/pages/tables.py", "Base.rows", "function", 9),
        ("pages:Grid.rows", "src/pages/tables.py", "Base.rows", "function", 9),
        ("pages.tables:Wide.rows", "src/pages/tables.py", "Base.rows", "function", 9),
        # bound otherwise
        ("pages.tables:cached", "src/pages/tables.py", "cached", "name", 23),
        ("pages.tables:Table.size", "src/pages/tables.py", "Table.size", "function", 12),
        ("pages:asarray", "src/pages/__init__.py", "asarray", "name", 5),
        ("pages:merge", "src/pages/__init__.py", "merge", "name", 6),
        ("pages:VERSION", "src/pages/__init__.py", "VERSION", "name", 7),
        # modules
        ("pages.tables", "src/pages/tables.py", "<module>", "module", 1),
        ("pages", "src/pages/__init__.py", "<module>", "module", 1),
        ("pages.io", "src/pages/io/__init__.py", "<module>", "module", 1),
    ],
)
def test_target_is_found_in_the_file_that_defines_it(target, path, name, kind, start):
    found = Sources(TREE, ROOTS).find(target)
    assert found
    shift = (
        1 if path in {"src/pages/__init__.py", "src/pages/tables.py"} and kind != "module" else 0
    )  # these texts begin with an empty line
    assert (found.path, found.definition.name, found.definition.kind, found.definition.start) == (
        path,
        name,
        kind,
        start + shift,
    )


@pytest.mark.parametrize(
    "target",
    [
        "pages.tables:Extract",
        "pages.tables:Table.columns",
        "pages:gone",
        "pages.layout:gone",
        "pages.deep.inner:too_far",
        "pages.tables:extract.two",
        "pages.nothing:extract",
        "nothing",
        "src.pages.tables:extract",
        "pages.deep",
    ],
)
def test_missing_target_is_not_found(target):
    found = Sources(TREE, ROOTS).find(target)
    assert found is None or found.definition.kind == "name"
    assert found is None or target in {"pages.layout:gone", "pages:gone", "pages.deep.inner:too_far"}


def test_unreadable_module_is_an_error():
    with pytest.raises(SourceError) as raised:
        Sources(TREE, ROOTS).find("pages.broken:f")
    assert raised.value.where == "src/pages/broken.py:1"
    assert Sources(TREE, ROOTS).try_find("pages.broken:f") is None
    assert Sources(TREE, ROOTS).try_find("pages:extract") == Sources(TREE, ROOTS).find("pages:extract")


@pytest.mark.parametrize(
    ("target", "near"),
    [
        ("pages.tables:extrct", ("pages.tables:extract", "pages.tables:extract.one")),
        ("pages.tables:EXTRACT", ("pages.tables:extract", "pages.tables:extract.one")),
        ("pages.tables:rows", ("pages.tables:Base.rows",)),
        ("pages.tables:Tabel.rows", ("pages.tables:Base.rows", "pages.tables:Table.size")),
        ("pages.table:extract", ("pages.tables:extract",)),
        ("pages.table", ("pages.tables", "pages.loop")),
        ("pages.table:extrct", ("pages.tables:extract", "pages.tables:extract.one")),
        ("zebra:extract", ()),
        ("pages.tables:zebra", ()),
    ],
)
def test_near_names(target, near):
    assert Sources(TREE, ROOTS).near_names(target) == near


def test_users_of_names_are_found():
    tree = Files(
        {
            "a.py": "X = 1\nY = 2\ndef f(): return X\nclass C:\n    def m(self):\n        def n(): return Y\n        return n\ndef g(X=1): ...\n"
        }
    )
    sources = Sources(tree, ("",))
    assert [definition.name for definition in sources.users("a.py", frozenset({"X"}))] == ["f"]
    assert [definition.name for definition in sources.users("a.py", frozenset({"X", "Y"}))] == ["f", "C.m.n"]


def test_definitions_and_differences_agree(tmp_path):
    assert module_of("src/pages/a.py", ("src",)) == "pages.a"
    assert [definition.name for definition in definitions(b"def f(): ...", "a.py")] == ["f", "<module>"]
    repo = history(tmp_path, {"src/pages/a.py": "def f(): return 1\n"}, {"src/pages/a.py": "def f(): return 2\n"})
    with Clone.open(str(repo.path), tmp_path / "cache") as clone:
        commits = clone.resolve(["main", "faster"])
        tree = CommitTree(clone, str(commits["faster"]))
        changed, notes = differences(clone, str(commits["main"]), str(commits["faster"]), describe(tree))
        assert Sources(tree, ("src",)).find("pages.a:f")
    assert ([difference.function.target for difference in changed], notes) == (["pages.a:f"], ())
