from __future__ import annotations

import pytest

from tasks.artifacts import ChangedFunction
from tasks.project.code.sources import Sources
from tasks.stages.record.generated_code import writes_changed_code
from tests.support.projects import Files

WRITER = '''
def lines(name):
    """return the lines(name)."""
    print(f"writes {name}()")
    yield f"if {name} is None:"
    yield f"    return load({name})"

def choose(name):
    if not name:
        raise ValueError(f"no such name(s): {name}")
    pattern = r"if\\s.*:"
    return re.compile(r"except\\s*:").sub("if x:", name.strip())

def shown(name):
    return f"{name}(...)"
'''
RUNS = "def made(text):\n    exec(text)\n"


def written(old: str, new: str, *, runs: str = RUNS) -> str:
    """Return what writes other code if `old` becomes `new`; every function of the module may have changed."""
    base = Sources(Files({"rows/writer.py": WRITER, "rows/run.py": runs}), ("",))
    head = Sources(Files({"rows/writer.py": WRITER.replace(old, new), "rows/run.py": runs}), ("",))
    names = ("lines", "choose", "shown")
    functions = (
        ChangedFunction(path="rows/writer.py", module="rows.writer", name=name, status="modified", lines=(1, 2))
        for name in names
    )
    return writes_changed_code(functions, base, head)


@pytest.mark.parametrize(
    ("old", "new", "writer"),
    [
        ("return load({name})", "return load({name}, 1)", "rows.writer:lines"),
        # It may write blocks in another order, without another text.
        ("    print(f", "    name = name or 1\n    print(f", "rows.writer:lines"),
        ("(...)", "(*args)", "rows.writer:shown"),
        ("name.strip()", "name.strip(' ')", ""),
        (r're.compile(r"except\s*:")', "PATTERN", ""),
        (r'r"if\s.*:"', r'r"if\s+.*:"', ""),
        ("no such name(s)", "no name(s)", ""),
        ("return the lines(name)", "return lines(name)", ""),
    ],
)
def test_a_change_of_code_that_a_function_writes_is_recognized_by_its_texts(old, new, writer):
    assert written(old, new) == writer


def test_texts_are_no_code_in_a_package_that_runs_none():
    assert not written("load({name})", "load({name}, 1)", runs="")
    assert not written("load({name})", "load({name}, 1)", runs="from re import compile\ncompile('a')\n")
