from __future__ import annotations

import pytest

from tasks.text.target_names import own_name, shared_name


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("pages.tables:Table.rows", "rows"),
        ("pages.tables:merge", "merge"),
        ("pages.tables", "tables"),
        ("pages.tables:Table.rows.setter", "rows_setter"),
        ("pages.tables:rows.register(int)", "rows_int"),
        ("pages.tables:Table.add.register(int | list, str)", "add_int_list_str"),
        ("pages.tables:add#1", "add_1"),
        ("an-item.id", "id"),
    ],
)
def test_files_are_named_after_the_last_part_of_a_target(target, name):
    assert own_name(target) == name


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        ("Table.rows", "Table.rows"),
        ("Table.rows.setter", "Table.rows"),
        ("show.register(int | list)", "show"),
        ("Table.add.register(str)", "Table.add"),
        ("f#12", "f"),
        ("setter", "setter"),
    ],
)
def test_definitions_of_one_name_share_it(name, shared):
    assert shared_name(name) == shared
