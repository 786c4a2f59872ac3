from __future__ import annotations

import ast
import re

import pytest

from tasks.benchmark_tests.writing.sample_values import SIZE, value_of


def made(annotation: str) -> object:
    return eval(str(value_of(ast.parse(annotation, mode="eval").body)), {"SIZE": SIZE})


@pytest.mark.parametrize(
    ("annotation", "kind", "length"),
    [
        ("str", str, None),
        ("bytes", bytes, 9984),
        ("bytearray", bytearray, 9984),
        ("list[int]", list, SIZE),
        ("typing.List[str]", list, SIZE),
        ("Sequence[bool]", list, SIZE),
        ("set[bytes]", set, SIZE),
        ("frozenset[float]", frozenset, SIZE),
        ("tuple[int, ...]", tuple, SIZE),
        ("tuple[int, list[str]]", tuple, 2),
        ("dict[str, tuple[int, float]]", dict, SIZE),
        ("Mapping[int, list[str]]", dict, SIZE),
        ("list", list, SIZE),
        ("dict", dict, SIZE),
        ("None | list[int]", list, SIZE),
        ("Optional[list[int]]", list, SIZE),
        ("'list[int]'", list, SIZE),
        ("Annotated[list[int], 3]", list, SIZE),
    ],
)
def test_values_are_of_their_type_and_not_small(annotation, kind, length):
    value = made(annotation)
    assert isinstance(value, kind)
    assert length is None or len(value) == length


def test_scalars():
    assert [made(name) for name in ("int", "float", "bool", "complex", "Literal['fast', 'slow']")] == [
        1000,
        0.5,
        True,
        1 + 1j,
        "fast",
    ]
    assert len(re.findall(r"\w+", made("str"))) == SIZE


def test_nested_containers_hold_a_few_items_each():
    assert {len(row) for row in made("list[list[float]]")} == {10}


@pytest.mark.parametrize(
    "annotation",
    [
        "Any",
        "Page",
        "np.ndarray",
        "Callable[[], int]",
        "Iterator[int]",
        "list[Page]",
        "list[list[list[int]]]",
        "Path",
        "'a b'",
    ],
)
def test_other_types_are_not_made_up(annotation):
    assert value_of(ast.parse(annotation, mode="eval").body) is None
