from __future__ import annotations

import re
import sys
from collections import defaultdict
from textwrap import dedent

import pytest

from tasks.git import Clone
from tasks.project.code.differences import differences
from tasks.project.files import CommitTree
from tasks.project.layout import describe
from tests.support.histories import change_lines, found, history
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

A = "src/pages/a.py"
B = "src/pages/b.py"
RUNNING = f"Python {sys.version_info.major}.{sys.version_info.minor}"

LONG = """
def {name}(lines):
    merged = []
    for line in lines:
        if line:
            merged.append(line.strip())
    return merged
"""
OTHER = """
def {name}(path, mode):
    with open(path, mode) as stream:
        header = stream.readline()
        rest = stream.read()
    return header, rest
"""


IN_ONE_FILE = [
    ("def f(): return 1\ndef g(): return 1\n", "def f(): return 1\ndef g(): return 2\n", ["modified g"]),
    ("class C:\n    def m(self): return 1\n", "class C:\n    def m(self): return 2\n", ["modified C.m"]),
    ("class C:\n    x = 1\n    def m(self): ...\n", "class C:\n    x = 2\n    def m(self): ...\n", ["modified C"]),
    ("class C: ...\n", "class C:\n    __slots__ = ()\n", ["modified C"]),
    (
        "def f():\n    def g(): return 1\n    return g\n",
        "def f():\n    def g(): return 2\n    return g\n",
        ["modified f.g"],
    ),
    ("def f(): ...\n", "async def f(): ...\n", ["modified f"]),
    ("def f(): ...\n", "@cache\ndef f(): ...\n", ["modified f"]),
    (
        "class C:\n    @property\n    def x(self): ...\n",
        "class C:\n    @property\n    def x(self): ...\n    @x.setter\n    def x(self, to): ...\n",
        ["added C.x.setter"],
    ),
    (
        "class C:\n    @property\n    def x(self): ...\n    @x.setter\n    def x(self, to): ...\n",
        "class C:\n    @property\n    def x(self): return 1\n    @x.setter\n    def x(self, to): self.y = to\n",
        ["modified C.x", "modified C.x.setter"],
    ),
    (
        "@show.register\ndef _(x: int): return 1\n@show.register\ndef _(x: list): return 2\n",
        "@show.register\ndef _(x: list): return 2\n@show.register\ndef _(x: int): return 3\n",
        ["modified show.register(int)"],
    ),
    (
        "@to(int)\ndef f(x): return 1\n@to(str)\ndef f(x): return 2\n",
        "@to(dict)\ndef f(x): return 0\n@to(int)\ndef f(x): return 1\n@to(str)\ndef f(x): return 2\n",
        ["added f#1"],
    ),
    (
        "@to(int)\ndef f(x): return 1\n@to(str)\ndef f(x): return 2\n",
        "@to(int)\ndef f(x): return 3\n@to(str)\ndef f(x): return 2\n",
        ["modified f#1"],
    ),
    ("key = lambda x: x\nX = 1\n", "key = lambda x: -x\nX = 1\n", ["modified key"]),
    ("class C:\n    x = property(lambda self: 1)\n", "class C:\n    x = property(lambda self: 2)\n", ["modified C.x"]),
    ("D = defaultdict(lambda: 0)\n", "D = defaultdict(lambda: 1)\n", ["modified <module>"]),
    ("def f():\n    g = lambda x: x\n    return g\n", "def f():\n    g = lambda x: -x\n    return g\n", ["modified f"]),
    ("class C:\n    def __m(self): return 1\n", "class C:\n    def __m(self): return 2\n", ["modified C.__m"]),
    (
        "if a:\n    def f(): return 1\nelse:\n    def f(): return 2\n",
        "if a:\n    def f(): return 1\nelse:\n    def f(): ...\n",
        ["modified f"],
    ),
    ("X = re.compile('a')\ndef f(): ...\n", "X = re.compile('b')\ndef f(): ...\n", ["modified <module>"]),
    ("import numpy\ndef f(): ...\n", "def f():\n    import numpy\n", ["modified <module>", "modified f"]),
    ("def f(): ...\n", "def f(): ...\ndef g():\n    def h(): ...\n", ["added g"]),
    ("def f(): ...\nclass C:\n    def m(self): ...\n", "def f(): ...\n", ["removed C"]),
]


@pytest.fixture(scope="module")
def told_of_files(tmp_path_factory):
    """Commit every case as a file of its own; return its changes by file."""
    base, head = (
        {f"src/pages/case_{number}.py": case[side] for number, case in enumerate(IN_ONE_FILE)} for side in (0, 1)
    )
    by_file = defaultdict(list)
    for line in change_lines(tmp_path_factory.mktemp("differences"), base, head):
        status, module, name = re.fullmatch(r"(\w+) pages\.(\w+):(.+)", line).groups()
        by_file[module].append(f"{status} {name}")
    return by_file


@pytest.mark.parametrize("number", range(len(IN_ONE_FILE)))
def test_changes_in_a_file(told_of_files, number):
    assert told_of_files[f"case_{number}"] == IN_ONE_FILE[number][2]


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ({A: LONG.format(name="merge")}, {A: LONG.format(name="join")}, ["renamed pages.a:join from merge"]),
        (
            {A: LONG.format(name="merge")},
            {A: LONG.format(name="join").replace(".strip()", ".rstrip()")},
            ["renamed pages.a:join from merge"],
        ),
        (
            {A: LONG.format(name="merge")},
            {A: OTHER.format(name="join")},
            ["added pages.a:join", "removed pages.a:merge"],
        ),
        ({A: "def f(): return 1\n"}, {A: "def g(): return 2\n"}, ["removed pages.a:f", "added pages.a:g"]),
        (
            {A: LONG.format(name="merge") + "def stays(): ...\n"},
            {A: "def stays(): ...\n", B: LONG.format(name="merge").replace("merged", "out")},
            ["moved pages.b:merge"],
        ),
        (
            {A: LONG.format(name="merge") + OTHER.format(name="stays")},
            {A: OTHER.format(name="stays"), B: LONG.format(name="merge").replace(".strip()", ".rstrip()")},
            ["moved pages.b:merge"],
        ),
        (
            {A: LONG.format(name="merge") + OTHER.format(name="stays")},
            {A: OTHER.format(name="stays"), B: "x = 1\n" + LONG.format(name="join")},
            ["moved pages.b:join from merge"],
        ),
        (
            {A: "class Table:\n    x = 1\n    y = 2\n    def rows(self): ...\n    def cells(self): return 1\n"},
            {A: "class Grid:\n    x = 1\n    y = 2\n    def rows(self): ...\n    def cells(self): return 2\n"},
            ["renamed pages.a:Grid from Table", "renamed pages.a:Grid.cells from Table.cells"],
        ),
        (
            {A: "class Table:\n    def rows(self): ...\n\n" + OTHER.format(name="stays")},
            {A: OTHER.format(name="stays"), B: "import a\nimport b\nclass Table:\n    def rows(self): return 1\n"},
            ["moved pages.b:Table", "moved pages.b:Table.rows"],
        ),
        (
            {A: "class C:\n" + LONG.format(name="merge").replace("\n", "\n    ").replace("(lines)", "(self, lines)")},
            {A: "class C: ...\n" + LONG.format(name="merge")},
            ["renamed pages.a:merge from C.merge"],
        ),
    ],
)
def test_renamed_and_moved_functions_are_followed(tmp_path, base, head, expected):
    assert change_lines(tmp_path, base, head) == expected


def test_renamed_file_is_followed(tmp_path):
    text = LONG.format(name="merge") + OTHER.format(name="load")
    differences, notes = found(tmp_path, {A: text}, {A: None, B: text.replace(".strip()", ".rstrip()")})
    assert [difference.function.model_dump() for difference in differences] == [
        {
            "path": B,
            "module": "pages.b",
            "name": "merge",
            "status": "modified",
            "base_path": A,
            "base_name": "merge",
            "is_async": False,
            "lines": (1, 6),
            "base_lines": (1, 6),
            "only_moved": False,
        }
    ]
    assert notes == ("src/pages/a.py was renamed to src/pages/b.py.",)


def test_a_function_that_only_moved_is_marked(tmp_path):
    text = LONG.format(name="merge") + OTHER.format(name="load")
    moved = {A: "x = 1\n", B: LONG.format(name="join") + OTHER.format(name="load").replace("mode)", "mode='r')")}
    differences, _ = found(tmp_path, {A: text}, moved)
    assert {each.function.name: each.function.only_moved for each in differences} == {
        "<module>": False,
        "join": True,
        "load": False,
    }


def test_move_to_src_layout_is_followed(tmp_path):
    text = LONG.format(name="merge") + OTHER.format(name="load")
    head = {
        "pages/a.py": None,
        "pages/__init__.py": None,
        A: text.replace(".strip()", ".rstrip()"),
        "src/pages/__init__.py": "# here\n",
    }
    repo = TargetRepo(
        tmp_path / "target",
        {"pyproject.toml": '[project]\nname="pages"\n', "pages/__init__.py": "# here\n", "pages/a.py": text},
    )
    base = repo.head
    repo.commit(head)
    with Clone.open(str(repo.path), tmp_path / "cache") as clone:
        changed, notes = differences(clone, base, repo.head, describe(CommitTree(clone, repo.head)))
    assert [(each.function.status, each.function.target, each.function.base_path) for each in changed] == [
        ("modified", "pages.a:merge", "pages/a.py")
    ]
    assert len(notes) == 2


def test_new_and_removed_files(tmp_path):
    base = {A: "def f(): ...\nx = 1\n"}
    head = {
        A: None,
        B: "def g():\n    return {}\n",
        "src/pages/c.py": "import pages\n",
        "src/pages/empty.py": "# nothing\n",
    }
    assert change_lines(tmp_path, base, head) == ["removed pages.a:f", "added pages.b:g", "added pages.c:<module>"]


@pytest.mark.parametrize(
    "head",
    [
        b"def f():\r\n    return 1\r\n",
        b"# coding: latin-1\ndef f():\n    '''\xe9'''\n    return 1 # \xe9\n",
        b"def f():\n\n    return (1)\n",
    ],
)
def test_layout_comments_and_docstrings_do_not_change_a_function(tmp_path, head):
    differences, notes = found(tmp_path, {A: "def f():\n    return 1\n"}, {A: head})
    assert differences == ()
    assert notes == ("src/pages/a.py: only comments, docstrings or layout differ.",)


def test_code_in_another_encoding_is_read(tmp_path):
    base, head = "# coding: latin-1\ndef f():\n    return 'é'\n".encode("latin-1"), "def f():\n    return 'è'\n"
    assert change_lines(tmp_path, {A: base}, {A: head}) == ["modified pages.a:f"]


def test_unparsable_file_is_a_note_and_others_are_read(tmp_path):
    differences, notes = found(
        tmp_path, {A: "def f(): ...\n", B: "def g(): return 1\n"}, {A: "def f(:\n", B: "def g(): return 2\n"}
    )
    assert [difference.function.target for difference in differences] == ["pages.b:g"]
    assert notes == (
        f"src/pages/a.py:1: this file cannot be read by {RUNNING}: invalid syntax; which functions changed there is not known.",
    )


def test_changes_outside_the_packages_are_noted(tmp_path):
    head = {
        A: "def f(): return 2\n",
        "src/pages/fast.c": "int x;\n",
        "src/pages/model.json": "{}\n",
        "tests/test_a.py": "def test(): ...\n",
        "tests/benchmarks/test_benchmark_f.py": "def test(): ...\n",
        "scripts/run.py": "def main(): ...\n",
        "README.md": "# Pages\n",
        "uv.lock": "",
        **{f"src/pages/resources/{number}.png": b"\x89PNG" + bytes([number]) for number in range(5)},
    }
    differences, notes = found(tmp_path, {A: "def f(): return 1\n"}, head)
    assert [difference.function.target for difference in differences] == ["pages.a:f"]
    assert notes == (
        "Python files outside the project's packages (pages) changed too: scripts/run.py.",
        (
            "Files that are not Python changed too, and may affect what is measured: src/pages/fast.c, src/pages/model.json, "
            "src/pages/resources/0.png, src/pages/resources/1.png, src/pages/resources/2.png and 2 more."
        ),
    )


def test_weight_is_the_number_of_lines_that_differ(tmp_path):
    base = dedent(LONG.format(name="f"))
    ((one,), _) = found(
        tmp_path,
        {A: base},
        {A: base.replace("if line", "if line and lines").replace("return merged", "print()\n    return merged")},
    )
    assert one.weight == 2


def test_lines_are_those_at_head(tmp_path):
    ((one,), _) = found(tmp_path, {A: "def f(): ...\n"}, {A: "# one\n# two\n@cache\ndef f():\n    ...\n"})
    assert one.function.lines == (3, 5)


def test_the_definition_that_changed_is_reported_with_its_lines_on_both_sides(tmp_path):
    base = "class C:\n    @property\n    def x(self): ...\n    @x.setter\n    def x(self, to): ...\n"
    ((one,), _) = found(tmp_path, {A: base}, {A: "# first\n" + base.replace("to): ...", "to): self.y = to")})
    assert (one.function.target, one.head.role) == ("pages.a:C.x.setter", "setter")
    assert (one.function.lines, one.function.base_lines) == ((5, 6), (4, 5))


def test_of_two_equal_definitions_of_one_name_the_changed_one_is_compared_with_itself(tmp_path):
    base = "if NEW:\n    def f(): return 1\nelse:\n    def f(): return 1\n"
    ((one,), _) = found(tmp_path, {A: base}, {A: base.replace("return 1", "return 2", 1)})
    assert (one.function.name, one.function.lines, one.function.base_lines) == ("f#1", (2, 2), (2, 2))


def test_overloads_for_type_checkers_are_no_change(tmp_path):
    base = "@overload\ndef f(x: int): ...\n@overload\ndef f(x: str): ...\ndef f(x): return x\n"
    assert found(tmp_path, {A: base}, {A: base.replace("x: str", "x: bytes")}) == (
        (),
        ("src/pages/a.py: only overloads for type checkers differ.",),
    )


def test_large_refactoring_is_compared_quickly(tmp_path):
    base = "".join(LONG.format(name=f"before_{number}").replace("merged", f"m{number}") for number in range(200))
    head = "".join(LONG.format(name=f"after_{number}").replace("merged", f"n{number}") for number in range(200))
    assert len(change_lines(tmp_path, {A: base}, {A: head})) == 400


def test_repository_is_not_written_to(tmp_path):
    repo = history(tmp_path, {A: "x = 1\n"}, {A: "x = 2\n"})
    before = repo.git("for-each-ref"), repo.git("status", "--porcelain"), repo.git("worktree", "list")
    with Clone.open(str(repo.path), tmp_path / "cache") as clone:
        commits = clone.resolve(["main", "faster"])
        differences(
            clone, str(commits["main"]), str(commits["faster"]), describe(CommitTree(clone, str(commits["faster"])))
        )
    assert (repo.git("for-each-ref"), repo.git("status", "--porcelain"), repo.git("worktree", "list")) == before
