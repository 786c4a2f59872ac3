from __future__ import annotations

import pytest

from tasks.artifacts import ChangedFunction
from tasks.init.functions import is_named


@pytest.mark.parametrize(
    ("changed", "name", "expected"),
    [
        ("Table.rows", "rows", True),
        ("Table.rows", "tables.py::Table.rows", True),
        ("Table.rows", "pages.tables:Table.rows", True),
        ("Table.rows", "columns", False),
        ("Table.rows", "other.py::Table.rows", False),
        # What shares its name with other definitions is written by that name, too.
        ("Table.rows.setter", "Table.rows", True),
        ("Table.rows.setter", "rows.setter", True),
        ("Table.rows.setter", "tables.py::rows", True),
        ("show.register(int)", "pages.tables:show", True),
        ("show.register(int)", "show.register(int)", True),
        ("show.register(int)", "show.register(list)", False),
        ("merge#1", "merge", True),
    ],
)
def test_the_names_that_people_write(changed, name, expected):
    function = ChangedFunction(path="src/pages/tables.py", module="pages.tables", name=changed, status="modified")
    assert is_named(function, name) is expected
