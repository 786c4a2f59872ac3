"""Comparing the values of the two sides: described by the worker's code, judged by ours."""

import collections
import dataclasses
import decimal
import enum
import functools
import itertools
import json
import math
import random
import re
import sys
import threading
import types
from typing import NamedTuple

import attrs
import numpy as np
import pandas  # noqa: ICN001
import pydantic
import pytest

from tasks.bench.outputs.descriptions import DescriptionComparison
from tasks.bench.outputs.outputs import judge
from tasks.bench.workers.workers import WORKER_FOLDER

sys.path.append(str(WORKER_FOLDER))
from prprep_worker.values import description


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


class OneByteFloats:
    """An array of ml_dtypes.float8_e5m2; struct has no format for these floats."""

    __module__ = "numpy"
    dtype = types.SimpleNamespace(str="<f1", kind="f", hasobject=False)

    def __init__(self, *values):
        self.values, self.shape, self.size = values, (len(values),), len(values)

    def tobytes(self):
        # The upper byte of a float16 is the same number as float8_e5m2.
        return np.array(self.values, "<f2").tobytes()[1::2]

    def ravel(self):
        return np.array(self.values)


class Row(dict):
    def __init__(self, *, number, **cells):
        super().__init__(cells)
        self.number = number


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Kind(enum.IntEnum):
    ONE = 1


class Pair(NamedTuple):
    one: int
    other: int


@attrs.define
class Attributes:
    x: int
    made: str = attrs.field(eq=False)
    _kind: str = "a"


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str
    sizes: list[int]

    @functools.cached_property
    def total(self):
        return sum(self.sizes)


def raising(error=ValueError):
    yield 1
    raise error("raised here")


def cycle(value):
    loop = [value]
    loop.append(loop)
    return loop


def described(value):
    return json.loads(json.dumps(description.describe(value)))


def verdict(base, head):
    sides = {"base": described(base), "head": described(head)}
    output = judge("test", sides, sides)
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
    "floats": lambda: [number / 3 for number in range(100)],
    "attrs": lambda: Attributes(1, "made"),
    "pydantic": lambda: Model(name="a", sizes=[1, 2]),
    "masked array": lambda: np.ma.array([1.0, 2.0], mask=[True, False]),
    "proxy": lambda: types.MappingProxyType({"a": 1}),
    "series": lambda: pandas.Series([1, None], dtype="Int64", name="n"),
    "frame": lambda: pandas.DataFrame({"a": [1.5, 2.5], "b": ["x", None]}, index=["i", "j"]),
    "categories": lambda: pandas.Series(["a", "b", "a"], dtype="category"),
    "times": lambda: pandas.date_range("2024-01-01", periods=3, tz="UTC"),
    "missing": lambda: [
        pandas.NA,
        pandas.NaT,
        pandas.Timestamp("2024-01-01"),
        pandas.Timedelta("1h"),
        pandas.Interval(0, 1),
    ],
    "many levels": lambda: pandas.DataFrame({("a", 1): [1], ("a", 2): [2]}),
    "array": ARRAY.copy,
    "masked objects": lambda: np.array([1, "a", None], dtype=object),
    "scalar": lambda: np.int64(3),
    "nan array": lambda: np.array([np.nan, 1.0]),
    "deque": lambda: collections.deque([1, 2]),
    "dict views": lambda: ({1: 2}.keys(), {1: 2}.values(), {1: 2}.items()),
    "more than is sent": lambda: [[number, str(number)] for number in range(10_000)],
}


@pytest.mark.parametrize("make", EQUAL.values(), ids=EQUAL)
def test_equal_values_are_equal(make):
    assert verdict(make(), make()) == ("equal", "")


def test_order_counts_if_it_does_for_python():
    assert verdict({1: "a", 2: "b"}, {2: "b", 1: "a"}) == ("equal", "the keys of dicts are in another order")
    ordered = collections.OrderedDict
    assert verdict(ordered([(1, "a"), (2, "b")]), ordered([(2, "b"), (1, "a")])) == (
        "different",
        "the order [1] [2] at base, the order [2] [1] at head",
    )


DIFFERENT = [
    (3, 4, "3 at base, 4 at head"),
    (3, 3.0, "int 3 at base, float 3.0 at head"),
    (True, 1, "bool True at base, int 1 at head"),
    (None, 0, "NoneType at base, int 0 at head"),
    ("ä", "b", "'ä' at base, 'b' at head"),
    (0.1 + 0.2, 0.3001, "0.30000000000000004 at base, 0.3001 at head"),
    ([1, 2, 3], [1, 5, 3], "2 at base, 5 at head at `[1]`"),
    ([1, 2], [1, 2, 3], "list of 2 elements at base, list of 3 at head"),
    ([1, 2], (1, 2), "list at base, tuple at head"),
    ([1, 2], Numbers([1, 2]), "list at base, Numbers at head"),
    (Row(a=1, number=1), Row(a=1, number=2), "1 at base, 2 at head at `.number`"),
    (Row(a=1, number=1), Row(a=2, number=1), "1 at base, 2 at head at `.elements['a']`"),
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
    ([1, 2], (number for number in (1, 2)), "list at base, generator at head"),
    (Attributes(1, "made"), Attributes(2, "made"), "1 at base, 2 at head at `.x`"),
    (Attributes(1, "made", "a"), Attributes(1, "made", "b"), "'a' at base, 'b' at head at `._kind`"),
    (Model(name="a", sizes=[1]), Model(name="a", sizes=[2]), "1 at base, 2 at head at `.sizes[0]`"),
    (Model(name="a", sizes=[1]), Point(1.0), "Model at base, Point at head"),
    (
        Model(name="a", sizes=[1], further=1),
        Model(name="a", sizes=[1], further=2),
        "1 at base, 2 at head at `.further`",
    ),
    ([1.0] * 100, [1.0] * 99 + [2.0], "1.0 at base, 2.0 at head at `[99]`"),
    ([1.0] * 100, [1.0] * 99, "list of 100 elements at base, list of 99 at head"),
    ([1.0] * 100, [1.0] * 99 + [1], "float 1.0 at base, int 1 at head at `[99]`"),
    (np.arange(9), np.array([0, 1, 2, 3, 4, 5, 6, 7, 9]), "8 at base, 9 at head at `[8]`"),
    (np.arange(3.0), np.array([0, 1, np.nan]), "2.0 at base, nan at head at `[2]`"),
    (np.array(["a", "b"]), np.array(["a", "c"]), "'b' at base, 'c' at head at `[1]`"),
    (np.ma.array([1, 2], mask=[1, 0]), np.ma.array([1, 2], mask=[0, 0]), "True at base, False at head at `.mask[0]`"),
    (np.float64(1.5), np.float64(2.5), "1.5 at base, 2.5 at head"),
    (iter([1, 2]), raising(), "list_iterator at base, generator at head"),
    (raising(), raising(KeyError), "ValueError at base, KeyError at head at `[1]`"),
    (
        pandas.Series([1, 2], dtype="Int64"),
        pandas.Series([1, 2], dtype="int64"),
        "'Int64' at base, 'int64' at head at `.dtype`",
    ),
    (
        pandas.DataFrame([[1, 2]], columns=["a", "a"]),
        pandas.DataFrame([[0, 2]], columns=["a", "a"]),
        "1 at base, 0 at head at `.a (0).values`",
    ),
    (
        pandas.DataFrame({"a": [1, 2]}),
        pandas.DataFrame({"a": [1, 2]}, index=[1, 0]),
        "RangeIndex at base, Index at head at `.index`",
    ),
    ({"k" * 100 + "a": 1, "k" * 100 + "b": 2}, {"k" * 100 + "a": 1, "k" * 100 + "b": 3}, None),
    (iter([1, 2]), iter([1, 3]), "2 at base, 3 at head at `[1]`"),
]


@pytest.mark.parametrize(
    ("base", "head", "detail"), DIFFERENT, ids=[(detail or "long keys")[:40] for _, _, detail in DIFFERENT]
)
def test_the_first_difference_is_shown_with_its_path(base, head, detail):
    outcome, said = verdict(base, head)
    assert outcome == "different"
    assert said == detail or detail is None


@pytest.mark.parametrize("order", "<>")
def test_numbers_of_every_type_are_shown_as_numpy_shows_them(order):
    for kind in ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "f16", "c8", "c16", "c32"):
        dtype = np.dtype(order + kind)
        number = np.array([2.5 - 1j if kind[0] == "c" else 2.5]) if kind[0] in "fc" else np.array([2**64 - 1], "u8")
        base = np.repeat(number, 2).astype(dtype)
        head = base.copy()
        head[1] = 0
        shown = f"{base[1].item()} at base, {head[1].item()} at head at `[1]`"
        assert verdict(base, head) == ("different", shown), kind


def test_floats_of_one_byte_are_compared():
    assert verdict(OneByteFloats(1.0, 2.0), OneByteFloats(1.0, 2.0))[0] == "equal"
    assert verdict(OneByteFloats(1.0, 2.0), OneByteFloats(1.0, 3.0)) == (
        "different",
        "2.0 at base, 3.0 at head at `[1]`",
    )


def test_long_values_are_shown_short():
    _, detail = verdict(["a" * 300], ["b" * 300])
    assert len(detail) < 200
    assert "…" in detail


NOT_COMPARABLE = [
    (lambda: None, "the call returns None on both sides"),
    (lambda: [1, threading.Lock()], "a _thread.lock hides its state, at `[1]`"),
    (lambda: {"a": object()}, "a builtins.object hides its state, at `['a']`"),
    (lambda: judge, "a builtins.function hides its state"),
]


@pytest.mark.parametrize(("make", "detail"), NOT_COMPARABLE, ids=["None", "lock", "object", "function"])
def test_values_that_cannot_be_compared_have_a_reason(make, detail):
    assert verdict(make(), make()) == ("not comparable", detail)


def test_a_difference_counts_more_than_an_opaque_value():
    assert verdict([threading.Lock(), 1], [threading.Lock(), 2]) == ("different", "1 at base, 2 at head at `[1]`")


def test_state_in_c_does_not_count_as_equal():
    assert verdict(random.Random(1), random.Random(2)) == ("not comparable", "a random.Random hides its state")
    assert verdict([].append, [].append) == (
        "not comparable",
        "a builtins.builtin_function_or_method hides its state",
    )


def test_lazy_results_are_consumed():
    assert verdict((n for n in range(3)), (n for n in range(3))) == (
        "equal",
        "compared after consuming the lazy result",
    )


def test_an_endless_value_is_given_up(monkeypatch):
    monkeypatch.setattr(description, "SEEN_NODES", 1000)
    assert verdict(itertools.count(), itertools.count()) == ("not comparable", "more than 1,000 values, at `[999]`")


def test_deep_nesting_is_given_up():
    deep = []
    for _ in range(200):
        deep = [deep]
    outcome, detail = verdict(deep, deep)
    assert outcome == "not comparable"
    assert detail.startswith("nested deeper than 100, at `[0][0]")


def test_calls_that_differ_on_one_side_are_not_comparable():
    sides = {"base": described(1), "head": described(2)}
    output = judge("test", sides, {"base": described(1), "head": described(3)})
    assert (output.verdict, output.detail) == ("not comparable", "differs between two calls on the same side (head)")


def test_pandas_is_compared_by_its_values():
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
    assert description.describe(Nothing())["opaque"] == []


def test_private_caches_do_not_count():
    one, other, third = (description.describe(Cached(*values)) for values in ((1, 2), (1, None), (3, 2)))
    assert one == other
    assert one != third


class Faced(Cached):
    def __str__(self):
        return f"v{self._release}"


def test_public_state_counts_more_than_private_state():
    one, other, third = (description.describe(Faced(*values)) for values in ((1, 2), (1.0, None), ("1", 2)))
    assert one == third
    assert one != other


class Area:
    def __init__(self, side):
        self.side = side

    @functools.cached_property
    def area(self):
        return self.side**2


def test_cached_properties_do_not_count():
    for base, head in ((Area(2), Area(2)), (Model(name="a", sizes=[1]), Model(name="a", sizes=[1]))):
        assert (base.area if isinstance(base, Area) else base.total) in (4, 1)
        assert verdict(base, head) == ("equal", "")


ROUNDED = {
    "scalar": (0.1 + 0.2, 0.3, "1.9e-16"),
    "list": ([1.0, 0.1 + 0.2], [1.0, 0.3], "1.9e-16"),
    "row": ([0.1 + 0.2] * 100, [0.3] * 100, "1.9e-16"),
    "row and list": ([0.1 + 0.2] * 100, [0.3] * 100, "1.9e-16"),
    "complex": (complex(1, 0.1 + 0.2), complex(1, 0.3), "1.9e-16"),
    "numpy scalar": (np.float64(0.1 + 0.2), np.float64(0.3), "1.9e-16"),
    "array": (np.full(10_000, 0.1 + 0.2), np.full(10_000, 0.3), "1.9e-16"),
    "complex array": (np.full(3, 0.1j + 0.2j), np.full(3, 0.3j), "1.9e-16"),
    "frame": (pandas.DataFrame({"a": [0.1 + 0.2]}), pandas.DataFrame({"a": [0.3]}), "1.9e-16"),
    "long doubles": (np.array([0.1 + 0.2], "longdouble"), np.array([0.3], "longdouble"), "1.9e-16"),
    "nine digits": (1.0, 1.0 + 9e-10, "9.0e-10"),
}


@pytest.mark.parametrize(("base", "head", "by"), ROUNDED.values(), ids=ROUNDED)
def test_floats_that_differ_by_rounding_are_equal_with_a_note(base, head, by):
    assert verdict(base, head) == ("equal", f"floats are equal within 1e-09, not exactly: they differ by up to {by}")


def test_coarse_floats_have_coarse_roundings():
    base = np.array([0.1, 0.3], dtype="float32")
    assert verdict(base, np.nextafter(base, np.float32(1))) == (
        "equal",
        "floats are equal within 1e-06, not exactly: they differ by up to 9.9e-08",
    )
    assert verdict(base, base * np.float32(1.0001))[0] == "different"


@pytest.mark.parametrize(
    ("base", "head"), [(1.0, 1.0 + 2e-9), (0.0, 1e-300), (math.inf, 1e308), (1e-20, 2e-20), (math.nan, 0.0)]
)
def test_floats_that_differ_by_more_than_rounding_are_different(base, head):
    for make in (float, lambda value: [value] * 100, lambda value: np.array([value])):
        assert verdict(make(base), make(head))[0] == "different"


def test_cancellation_is_judged_by_the_size_of_the_input():
    base, head = described(5.5e-17), described(2.8e-17)
    assert verdict(5.5e-17, 2.8e-17)[0] == "different"
    assert DescriptionComparison(scale=0.3).first_difference(base["tree"], head["tree"]) is None


def test_a_mixed_list_is_compared_element_by_element():
    assert verdict([0.1 + 0.2] * 99 + [1], [0.3] * 99 + [1])[0] == "equal"
    assert verdict([0.3] * 99 + [1], [0.3] * 100) == ("different", "int 1 at base, float 0.3 at head at `[99]`")


def test_large_arrays_that_differ_beyond_what_is_sent_are_not_called_different(monkeypatch):
    monkeypatch.setattr(description, "SENT_BYTES", 1000)
    base = np.linspace(0, 1, 5000)
    head = base.copy()
    assert verdict(base, head) == ("equal", "")
    head[4000] += 1e-16
    reason = "floats differ in a ndarray of 5000 elements, too many to be compared within a tolerance"
    assert verdict(base, head) == ("not comparable", reason)
    assert verdict([base.tolist()], [head.tolist()]) == (
        "not comparable",
        reason.replace("ndarray", "list") + ", at `[0]`",
    )
    head[3] = 7
    assert verdict(base, head) == ("different", "0.000600120024004801 at base, 7.0 at head at `[3]`")
    numbers = np.arange(5000)
    assert verdict(numbers, np.roll(numbers, 1))[0] == "different"


def test_many_floats_that_differ_further_on_are_not_called_different(monkeypatch):
    monkeypatch.setattr(description, "SENT_NODES", 100)
    base = [{"x": number / 3} for number in range(500)]
    head = [*base[:-1], {"x": 499 / 3 + 1e-13}]
    assert verdict(base, head)[0] == "not comparable"
    assert verdict([str(each) for each in base], [str(each) for each in head])[0] == "different"


class Tensor:
    """Opaque like a type written in C, but convertible to an array."""

    __slots__ = ()

    def __array__(self, dtype=None, copy=None):
        return np.arange(3.0)


def test_an_array_like_object_is_compared_as_an_array():
    assert description.describe(Tensor())["tree"]["kind"] == "float64 [3]"


def test_a_call_repeats_its_value_in_any_order_of_keys():
    """A dict built from a set has another order each time."""
    sides = {"base": described({1: 1, 2: 1}), "head": described({1: 1, 2: 1})}
    again = {"base": described({2: 1, 1: 1}), "head": described({2: 1, 1: 1})}
    assert judge("test", sides, again).verdict == "equal"
