"""What is said of the values that the two sides returned: described by the worker's code, judged by ours."""

import collections
import dataclasses
import decimal
import enum
import importlib.util
import itertools
import json
import math
import random
import re
import threading
from typing import NamedTuple

import numpy as np
import pytest

from tasks.measuring.outputs import judge
from tasks.measuring.workers import WORKER_FOLDER

_SPEC = importlib.util.spec_from_file_location("prprep_describe", WORKER_FOLDER / "prprep_describe.py")
prprep_describe = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(prprep_describe)


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0
    cached: int = dataclasses.field(default=0, compare=False)


class Slotted:
    __slots__ = ("__hidden", "x")

    def __init__(self, x, hidden=0):
        self.x, self.__hidden = x, hidden


class Page:
    def __init__(self, text, cache=None):
        self.text, self._cache = text, cache or threading.Lock()


class Secret:
    def __init__(self, value):
        self._value = value


class Empty:
    pass


class Numbers(list):
    pass


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Kind(enum.IntEnum):
    ONE = 1


class Pair(NamedTuple):
    one: int
    other: int



def cycle(value):
    loop = [value]
    loop.append(loop)
    return loop


def described(value):
    return json.loads(json.dumps(prprep_describe.describe(value)))


def verdict(base, head):
    output = judge("test", {"base": described(base), "head": described(head)}, {"base": True, "head": True})
    return output.verdict, output.detail


ARRAY = np.arange(6.0).reshape(2, 3)
CHANGED = ARRAY.copy()
CHANGED[1, 1] = 9
LONG = "x" * 5000

EQUAL = {
    "int": lambda: 3,
    "bool": lambda: True,
    "float": lambda: 0.1 + 0.2,
    "nan": lambda: [math.nan, -0.0],
    "text": lambda: LONG,
    "surrogate": lambda: "\ud800",
    "bytes": lambda: bytes(range(256)) * 40,
    "nested": lambda: {"a": [1, (2, None)], 3: {"b": {1.5}}},
    "set": lambda: {"one", "two", ("three", 3)},
    "dataclass": lambda: Point(1.0, 2.0),
    "slots": lambda: Slotted(1, hidden=2),
    "object": lambda: Page("text"),
    "private": lambda: Secret(3),
    "empty": Empty,
    "enum": lambda: [Colour.RED, Kind.ONE],
    "namedtuple": lambda: Pair(1, 2),
    "decimal": lambda: decimal.Decimal("1.10"),
    "complex": lambda: 1 + 2j,
    "pattern": lambda: re.compile("a+", re.IGNORECASE),
    "range": lambda: range(3),
    "class": lambda: Page,
    "exception": lambda: ValueError("no", 3),
    "cycle": lambda: cycle(1),
    "array": ARRAY.copy,
    "masked objects": lambda: np.array([1, "a", None], dtype=object),
    "scalar": lambda: np.int64(3),
    "nan array": lambda: np.array([np.nan, 1.0]),
    "deque": lambda: collections.deque([1, 2]),
    "dict views": lambda: ({1: 2}.keys(), {1: 2}.values(), {1: 2}.items()),
    "many": lambda: [[number, str(number)] for number in range(40_000)],
}


@pytest.mark.parametrize("make", EQUAL.values(), ids=EQUAL)
def test_equal_values_are_equal(make):
    assert verdict(make(), make()) == ("equal", "")


def test_order_counts_where_it_does_for_python():
    assert verdict({1: "a", 2: "b"}, {2: "b", 1: "a"}) == ("equal", "")
    ordered = collections.OrderedDict
    assert verdict(ordered([(1, "a"), (2, "b")]), ordered([(2, "b"), (1, "a")]))[0] == "different"


DIFFERENT = [
    (3, 4, "3 at base, 4 at head"),
    (3, 3.0, "int 3 at base, float 3.0 at head"),
    (True, 1, "bool True at base, int 1 at head"),
    (None, 0, "NoneType at base, int 0 at head"),
    ("ä", "b", "'ä' at base, 'b' at head"),
    (0.1 + 0.2, 0.3, "0.30000000000000004 at base, 0.3 at head"),
    ([1, 2, 3], [1, 5, 3], "2 at base, 5 at head at `[1]`"),
    ([1, 2], [1, 2, 3], "list of 2 elements at base, list of 3 at head"),
    ([1, 2], (1, 2), "list at base, tuple at head"),
    ([1, 2], Numbers([1, 2]), "list at base, Numbers at head"),
    ({"a": {"b": [1]}}, {"a": {"b": [2]}}, "1 at base, 2 at head at `['a']['b'][0]`"),
    ({"a": 1}, {"b": 1}, "1 at base, nothing at head at `['a']`"),
    ({1, 2}, {1, 3}, "2 at base, 3 at head at `[1]`"),
    (Point(1.0, 2.0), Point(1.0, 2.5), "2.0 at base, 2.5 at head at `.y`"),
    (Slotted(1, 2), Slotted(3, 2), "1 at base, 3 at head at `.x`"),
    (Secret(1), Secret(2), "1 at base, 2 at head at `._value`"),
    (Page("a"), Page("b"), "'a' at base, 'b' at head at `.text`"),
    (Colour.RED, Colour.BLUE, "RED at base, BLUE at head"),
    (Pair(1, 2), Pair(1, 3), "2 at base, 3 at head at `.other`"),
    (cycle(1), cycle(2), "1 at base, 2 at head at `[0]`"),
    (ARRAY, CHANGED, "4.0 at base, 9.0 at head at `[4]`"),
    (ARRAY, ARRAY.astype("float32"), "ndarray float64 [2, 3] at base, ndarray float32 [2, 3] at head"),
    (ARRAY, ARRAY.reshape(3, 2), "ndarray float64 [2, 3] at base, ndarray float64 [3, 2] at head"),
    (LONG, LONG[:-1] + "y", "a str at base, a str with other content further on at head"),
    (list(range(30_000)), [*range(29_999), 0], "a list at base, a list with other content further on at head"),
    ([1, 2], iter([1, 2]), "list at base, list_iterator at head"),
    (iter([1, 2]), iter([1, 3]), "2 at base, 3 at head at `[1]`"),
]


@pytest.mark.parametrize(("base", "head", "detail"), DIFFERENT, ids=[detail[:40] for _, _, detail in DIFFERENT])
def test_the_first_difference_is_shown_with_its_path(base, head, detail):
    assert verdict(base, head) == ("different", detail)


def test_long_values_are_shown_short():
    _, detail = verdict(["a" * 300], ["b" * 300])
    assert len(detail) < 200
    assert "…" in detail


NOT_COMPARABLE = [
    (lambda: None, "the call returns None on both sides"),
    (lambda: [1, threading.Lock()], "a _thread.lock cannot be looked into, at `[1]`"),
    (lambda: {"a": object()}, "a builtins.object cannot be looked into, at `['a']`"),
    (lambda: judge, "a builtins.function cannot be looked into"),
]


@pytest.mark.parametrize(("make", "detail"), NOT_COMPARABLE, ids=["None", "lock", "object", "function"])
def test_what_cannot_be_compared_is_said_with_the_reason(make, detail):
    assert verdict(make(), make()) == ("not comparable", detail)


def test_a_difference_counts_more_than_what_cannot_be_looked_into():
    assert verdict([threading.Lock(), 1], [threading.Lock(), 2]) == ("different", "1 at base, 2 at head at `[1]`")


def test_state_that_is_written_in_c_is_not_taken_for_equal():
    assert verdict(random.Random(1), random.Random(2)) == ("not comparable", "a random.Random cannot be looked into")
    assert verdict([].append, [].append) == ("not comparable", "a builtins.builtin_function_or_method cannot be looked into")


def test_lazy_results_are_consumed():
    assert verdict((n for n in range(3)), (n for n in range(3))) == ("equal", "compared after consuming the lazy result")


def test_what_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(prprep_describe, "SEEN_NODES", 1000)
    assert verdict(itertools.count(), itertools.count()) == ("not comparable", "more than 1,000 values, at `[999]`")


def test_deep_nesting_is_given_up():
    deep = []
    for _ in range(200):
        deep = [deep]
    outcome, detail = verdict(deep, deep)
    assert outcome == "not comparable"
    assert detail.startswith("nested deeper than 100, at `[0][0]")


def test_two_calls_that_differ_on_one_side_are_no_comparison():
    output = judge("test", {"base": described(1), "head": described(1)}, {"base": True, "head": False})
    assert (output.verdict, output.detail) == ("not comparable", "differs between two calls on the same side (head)")


def test_pandas_is_compared_by_its_values():
    pandas = pytest.importorskip("pandas")
    base, head = pandas.DataFrame({"a": [1, 2]}), pandas.DataFrame({"a": [1, 3]})
    assert verdict(base, base.copy()) == ("equal", "")
    assert verdict(base, head) == ("different", "2 at base, 3 at head at `.a.values[1]`")


class Nothing:
    __slots__ = ()


class Cached:
    __slots__ = ("_key_cache", "_release")

    def __init__(self, release, cache):
        self._release, self._key_cache = release, cache


def test_a_value_without_state_is_its_type():
    assert prprep_describe.describe(Nothing())["opaque"] == []


def test_private_caches_are_no_result():
    one, other, third = (prprep_describe.describe(Cached(*values)) for values in ((1, 2), (1, None), (3, 2)))
    assert one == other
    assert one != third


class Faced(Cached):
    def __str__(self):
        return f"v{self._release}"


def test_what_an_object_shows_of_itself_counts_more_than_how_it_keeps_it():
    one, other, third = (prprep_describe.describe(Faced(*values)) for values in ((1, 2), (1.0, None), ("1", 2)))
    assert one == third
    assert one != other
