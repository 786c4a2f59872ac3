"""Values as code: small ones evaluate to equal ones, large ones to others of their size, and nothing private is written."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import io
import ipaddress
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import types
import uuid
import zoneinfo
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from unittest.mock import ANY, MagicMock

import attrs
import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.bench.workers.workers import WORKER_FOLDER
from tasks.processes.secrets import NAME
from tests.support.pythons import environment

sys.path.append(str(WORKER_FOLDER))
from prprep_worker.values import source
from prprep_worker.values.errors import CannotWriteError, UnknownConstructionError
from prprep_worker.values.privacy import Secrets

TREE = Path(__file__).parents[2]
SECRETS = Secrets(forms=["aHVzaC1odXNo", "hush 13579246", "13579246"], names=NAME)


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Box:
    left: int
    right: int = 3


@attrs.define
class Page:
    _number: int
    boxes: list


class Model(pydantic.BaseModel):
    name: str
    size: int = 1


class Kept:
    def __init__(self, text, *, limit=10):
        self.text, self._limit = text, limit

    def __eq__(self, other):
        return vars(self) == vars(other)

    __hash__ = None


class Computed:
    """Its property is no argument, and cannot always be read."""

    def __init__(self, limit=None):
        self._limit = limit

    @property
    def limit(self):
        if self._limit is None:
            raise LookupError
        return 2 * self._limit


class Lost:
    def __init__(self, text):
        self.length = len(text)


class Shown(Lost):
    def __repr__(self):
        return "Shown('')"


class Basket:
    def __init__(self, owner, limit=3):
        self.owner, self._limit = owner, limit
        self._lines = []
        self.open = True

    @property
    def limit(self):
        return self._limit

    @limit.setter
    def limit(self, value):
        self._limit = value


class Frozen:
    __slots__ = ("count",)

    def __init__(self):
        self.count = 0

    def __setattr__(self, name, value):
        if hasattr(self, name):
            raise AttributeError(name)
        object.__setattr__(self, name, value)


@dataclasses.dataclass
class Tally:
    name: str
    count: int = dataclasses.field(default=0, init=False)


@dataclasses.dataclass(slots=True, kw_only=True)
class Slotted:
    left: int
    boxes: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Grown:
    size: int

    def __post_init__(self):
        self.size += 1


@dataclasses.dataclass(frozen=True, slots=True)
class Doubled:
    size: int = dataclasses.field(init=False)
    half: dataclasses.InitVar[int] = 0

    def __post_init__(self, half):
        object.__setattr__(self, "size", 2 * half)


@attrs.frozen
class Pinned:
    number: int = attrs.field(converter=lambda text: int(text) + 1)


@attrs.define(slots=False)
class Resolving:
    text: str
    limit: int = 10
    names: list = attrs.field(factory=list)
    _lost: object = attrs.field(default=None, alias="_lost")

    def __attrs_post_init__(self):
        self._lost = self._lost or Lost(self.text)


class Point(NamedTuple):
    x: int
    y: tuple = ()


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """A benchmark cannot import what a test defines: let these classes look as if a module defined them."""
    module = sys.modules[__name__]
    for thing in (Colour, Box, Page, Model, Kept, Computed, Lost, Shown, Basket, Frozen, Tally, *RECREATED):
        monkeypatch.setattr(thing, "__module__", "worker_source_cases")
    monkeypatch.setitem(sys.modules, "worker_source_cases", module)


RECREATED = Slotted, Grown, Doubled, Pinned, Resolving, Point, Access


def written(value, scale=1):
    writer = source.Writer(str(TREE), 2, Fraction(scale), secrets=SECRETS)
    return writer.argument(value), writer


def read(value, scale=1):
    """Write a value, and read it as a benchmark would."""
    code, writer = written(value, scale)
    names = {
        "rng": random.Random(0),
        "np_rng": np.random.default_rng(0),
        "__file__": str(TREE / "tests/benchmarks/test_x.py"),
    }
    exec("\n".join(sorted(writer.imports)), names)
    return eval(code, names)


SMALL = [
    None,
    True,
    3,
    -2.5,
    1j,
    "text",
    "quo\"te's",
    b"\x00bytes",
    bytearray(b"ab"),
    [1, [2.0, "x"]],
    (1,),
    (),
    {1, 2},
    frozenset({"a"}),
    {"key": [1], 2: None},
    collections.OrderedDict(a=1),
    collections.Counter("aab"),
    collections.deque([1, 2]),
    range(3, 9, 2),
    slice(1, None),
    dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC),
    dt.timedelta(days=1),
    decimal.Decimal("1.50"),
    uuid.UUID(int=7),
    PurePosixPath("data/pages"),
    re.compile("a+", re.IGNORECASE),
    Colour.RED,
    Box(1),
    Box(1, 9),
    Page(3, [Box(0)]),
    Model(name="m", size=4),
    Kept("words", limit=3),
    Slotted(left=1, boxes=[Slotted(left=2)]),
    Point(1, (2,)),
    Access.READ,
    Access.READ | Access.WRITE,
    json.dumps,
    collections.OrderedDict,
    os.path,
    array.array("i", [1, 2, 3]),
    ipaddress.ip_network("10.0.0.0/8"),
    zoneinfo.ZoneInfo("Europe/Berlin"),
]


@pytest.mark.parametrize("value", SMALL, ids=lambda value: repr(value).partition(" at 0x")[0])
def test_small_values_evaluate_to_equal_ones(value):
    assert read(value) == value
    assert type(read(value)) is type(value) or isinstance(value, PurePosixPath)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_plain_values_of_any_shape_evaluate_to_equal_ones(value):
    assert read(value) == value


@pytest.mark.parametrize(
    "array",
    [np.arange(6, dtype=np.int16).reshape(2, 3), np.zeros(4), np.array([True, False]), np.float32(2.5)],
    ids=str,
)
def test_small_arrays_evaluate_to_equal_ones(array):
    back = read(array)
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


LARGE = [
    list(range(1000)),
    [random.Random(1).random() for _ in range(500)],
    sorted(random.Random(1).randrange(9_000) for _ in range(500)),
    ["red", "green"] * 200,
    [f"name{number}" for number in range(300)],
    [{"a": 1}] * 400,
    "some words and more " * 100,
    b"\x00\x01" * 1000,
    {f"key{number}": [number] for number in range(200)},
    dict.fromkeys(range(100), "value"),
    tuple(range(100)),
    set(range(1000)),
]


@pytest.mark.parametrize("value", LARGE, ids=lambda value: f"{type(value).__name__} of {len(value)}")
def test_large_values_are_built_in_their_size_and_type(value):
    code, _ = written(value)
    back = read(value)
    assert len(code) < 300
    assert type(back) is type(value)
    assert len(back) == pytest.approx(len(value), rel=0.02)
    assert {type(element) for element in back} == {type(element) for element in value}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("SELECT price FROM shop WHERE year = 1", '"SELECT price FROM shop WHERE year = 1 " * 10'),
        (b"a b c d e f g h i", 'b"a b c d e f g h i " * 10'),
        ("a b c d e f g\nh i\n", '"a b c d e f g\\nh i\\n" * 10'),
    ],
)
def test_a_text_is_repeated_with_a_space_between_its_last_word_and_its_first(value, code):
    assert written(value, 10)[0] == code


DOCUMENT = "".join(f"{word} {'of many words ' * (1 + len(word) % 4)}\n" for word in ("one", "three", "four"))


@pytest.mark.parametrize(
    "value",
    [
        DOCUMENT,
        DOCUMENT.encode(),
        [DOCUMENT, {"text": (DOCUMENT[::-1], "short")}],
        "\n".join(random.Random(0).choices("abcdefgh", k=150)),
        "\n\x1b[31mred\x1b[0m é ü ö " + DOCUMENT,
    ],
)
def test_texts_of_few_lines_are_written_whole(value):
    assert read(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "".join(f"{random.Random(number).random()}\n" for number in range(60)),
        random.Random(0).randbytes(300),
        [f"{number}. {DOCUMENT}{DOCUMENT[::-1]}" for number in range(9)],
        DOCUMENT[::-1] * 9 + ".",
    ],
)
def test_long_and_binary_texts_are_not(value):
    with pytest.raises(CannotWriteError, match="it is a text of"):
        written(value)


def test_only_numbered_texts_are_made_up():
    assert read([f"item{number}" for number in range(100)]) == [f"item{number}" for number in range(100)]
    versions = [f"1.{number}.0" for number in range(100)]
    back = read(versions)
    assert len(back) == 100
    assert set(back) < set(versions)
    for value in (set(versions), dict.fromkeys(versions, 1)):
        with pytest.raises(CannotWriteError, match="cannot be made up"):
            written(value)


def test_the_root_folder_is_not_private():
    assert written("/")[0] == '"/"'


def test_equal_numbers_are_not_drawn():
    assert written([9] * 40)[0] == "[9] * 40"


def test_sorted_numbers_stay_sorted():
    value = sorted(random.Random(1).randrange(9_000) for _ in range(500))
    assert read(value) == sorted(read(value))


def test_arrays_images_and_frames_are_built_in_their_size_and_type():
    array = read(np.full((40, 50, 3), 7, dtype=np.uint8))
    assert (array.shape, array.dtype) == ((40, 50, 3), np.uint8)
    frame = read(
        pd.DataFrame({"size": np.arange(100), "name": ["a", "b"] * 50, "at": pd.date_range("2026-01-01", periods=100)})
    )
    assert frame.shape == (100, 3)
    assert [kind.kind for kind in frame.dtypes] == ["i", frame.dtypes["name"].kind, "M"]


@pytest.mark.parametrize("value", ["ab " * 4, [1, 2, 3], np.arange(30.0), {f"key{number}": 1 for number in range(30)}])
def test_arguments_are_scaled(value):
    assert len(read(value, scale=100)) == pytest.approx(100 * len(value), rel=0.02)
    _, writer = written(value, scale=100)
    assert writer.scaled


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (" " * 20_000, '" " * 200'),
        ("X;" + " " * 20_000 + ":v\n", '"X;" + " " * 200 + ":v\\n"'),
        ([b"-" * 20_000 + b"x"], '[b"-" * 200 + b"x"]'),
        (
            "".join(f"line {number}\n" for number in range(5_000)),
            '"".join(f"line {number}\\n" for number in range(50))',
        ),
        (list(range(20_000)), "list(range(200))"),
        ([[number] for number in range(300)], "[[0], [1], [2]]"),
        ({f"key{number}": 1 for number in range(5_000)}, '{f"key{number}": 1 for number in range(50)}'),
    ],
)
def test_arguments_are_made_smaller(value, code):
    assert written(value, scale="1/100") == (code, ANY)
    assert written(value, scale="1/100")[1].scaled


def test_what_is_small_or_has_no_pattern_is_not_made_smaller():
    for value in ("a few words of prose", [1, 2, 3], {"language": "en", "depth": 3}, ["-" * 150]):
        assert read(value, scale="1/10") == value
        assert not written(value, scale="1/10")[1].scaled
    with pytest.raises(CannotWriteError, match="a text of"):
        written("".join(random.Random(1).choices("abcdefgh \n", k=5_000)), scale="1/10")


def test_words_lines_and_mappings_with_few_keys_are_not_scaled():
    line = "a line with its end\n"
    for value in ("en_GB", "https://example.org/some/page", line, line.encode(), {"language": "en", "depth": 3}):
        assert read(value, scale=100) == value
        assert not written(value, scale=100)[1].scaled


def test_attributes_are_not_scaled():
    assert read(Page(1, [1, 2]), scale=100) == Page(1, [1, 2])


def test_a_file_of_the_project_is_named_relative_to_the_test():
    assert read(TREE / "README.md") == TREE / "README.md"
    assert read(str(TREE / "README.md")) == str(TREE / "README.md")


def test_a_small_file_of_a_test_is_written_by_the_benchmark():
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("a,b\n1,2\n")
        file.flush()
        code, writer = written(file.name)
    name = Path(file.name).name
    assert code == f'str(tmp_path / "{name}")'
    assert writer.files == {name: '"a,b\\n1,2\\n"'}
    assert writer.needs == {"tmp_path"}


def test_streams_are_made_anew_for_each_call():
    _, writer = written(io.StringIO("text"))
    assert writer.needs == {"anew"}


# -- objects that were changed after they were made ---------------------------------------------------


def changed(made, **attributes):
    for name, value in attributes.items():
        object.__setattr__(made, name, value)
    return made


def made_again(value):
    """Write a value, and run the statements and the expression as a benchmark would."""
    code, writer = written(value)
    names: dict[str, object] = {}
    exec("\n".join((*sorted(writer.imports), *writer.statements)), names)
    return writer.statements, eval(code, names)


@pytest.mark.parametrize(
    ("value", "statements"),
    [
        (changed(Basket("ada"), _lines=["tea"]), ['basket = Basket(owner="ada")', 'basket._lines = ["tea"]']),
        (
            changed(Basket("ada"), open=False, extra=(1,)),
            ['basket = Basket(owner="ada")', "basket.open = False", "basket.extra = (1,)"],
        ),
        (changed(Basket("ada"), _limit=9), []),
        (changed(Tally("ada"), count=3), ['tally = Tally(name="ada")', "tally.count = 3"]),
        (Tally("ada"), []),
    ],
    ids=["appended to", "set", "as if it was made so", "dataclass", "unchanged"],
)
def test_a_changed_object_is_made_and_changed_again(value, statements):
    code, back = made_again(value)
    assert code == statements
    assert vars(back) == vars(value)


def test_a_constructor_that_does_more_than_to_store_is_not_called_with_what_it_stored():
    statements, back = made_again(Grown(1))
    assert statements == ["grown = Grown(size=2)", "grown.size = 2"]
    assert back == Grown(1)
    for value, code in ((Doubled(half=3), "Doubled(half=3)"), (Pinned("3"), "Pinned(number='3')")):
        with pytest.raises(UnknownConstructionError):
            written(value)
        # If it was seen, the call that made the object is written.
        requirements = source.Writer(str(TREE), 2)
        requirements.imported_name(type(value))
        construction = source.Construction(code, requirements)
        assert source.Writer(str(TREE), 2, construction_of=lambda _, it=construction: it).argument(value) == code


def test_what_a_constructor_makes_itself_is_left_out():
    for value, code in (
        (Resolving("a"), 'Resolving(text="a")'),
        (Resolving("a", limit=3, names=["b"]), 'Resolving(text="a", limit=3, names=["b"])'),
        (Computed(), "Computed()"),
        (Computed(2), "Computed(limit=2)"),
    ):
        assert written(value)[0] == code
    with pytest.raises(CannotWriteError, match="Lost does not keep"):
        written(Resolving("a", _lost=Lost("bc")))


@pytest.mark.parametrize(
    "graph",
    [
        {number: [number * 7 % 40, number * 3 % 40] for number in range(40)},
        {number: {number * 7 % 40: {"weight": number}} for number in range(40)},
        {f"node{number}": {(f"node{number * 7 % 40}", number)} for number in range(40)},
    ],
)
def test_a_graph_is_written_as_it_is_or_not_at_all(graph):
    assert read(graph) == graph
    with pytest.raises(CannotWriteError, match="the values of its 40 keys refer to these"):
        written(graph, scale=10)
    with pytest.raises(CannotWriteError, match="the values of its 4,000 keys"):
        written({number: [number * 7 % 4_000] for number in range(4_000)})


def test_what_was_set_later_is_written_as_it_is_or_not_at_all():
    lines = {number: {"weight": number * number % 7} for number in range(40)}
    with pytest.raises(UnknownConstructionError, match=r"Basket\._lines, which was set later, cannot be written"):
        written(changed(Basket("ada"), _lines=lines))
    with pytest.raises(UnknownConstructionError, match=r"Basket\._lines, which was set later, has too much"):
        written(changed(Basket("ada"), _lines=[f"a line of {'many ' * number}words" for number in range(9)]))
    statements, _ = made_again(changed(Basket("ada"), _lines=list(range(5_000))))
    assert statements[1] == "basket._lines = list(range(5_000))"


def test_changed_objects_inside_others_get_their_own_names():
    baskets = [changed(Basket(name), open=False) for name in ("ada", "grace")]
    statements, back = made_again({"both": baskets})
    assert statements == [
        'basket = Basket(owner="ada")',
        "basket.open = False",
        'basket_2 = Basket(owner="grace")',
        "basket_2.open = False",
    ]
    assert [vars(basket) for basket in back["both"]] == [vars(basket) for basket in baskets]


def test_a_property_is_set_instead_of_its_private_attribute():
    writer = source.Writer(
        str(TREE), 2, construction_of=lambda _: source.Construction('Basket("ada")', imported_basket())
    )
    assert writer.argument(changed(Basket("ada"), _limit=9)) == "basket"
    assert writer.statements == ['basket = Basket("ada")', "basket.limit = 9"]


def imported_basket():
    writer = source.Writer(str(TREE), 2)
    writer.write(Basket, 0)
    return writer


@pytest.mark.parametrize(
    "value",
    [
        changed(Frozen(), count=3),
        changed(Basket("ada"), **{f"more_{number}": number for number in range(9)}),
        changed(Basket("ada"), lock=dt.datetime.now),
    ],
    ids=["nothing can be set", "too much of it", "to what has no spelling"],
)
def test_other_changes_are_refused(value):
    with pytest.raises(CannotWriteError):
        written(value)


REFUSED = {
    "a Mock": (MagicMock(), "it is a Mock"),
    "a lambda": (lambda: None, "cannot be imported"),
    "a generator": ((number for number in range(3)), "cannot be written as code"),
    "an open file": (sys.stdin, "cannot be written as code|cannot be imported|does not keep"),
    "what does not keep its parameter": (Lost("text"), "does not keep its parameter text"),
    "what shows itself as a call that makes another": (Shown("text"), "does not keep its parameter text"),
    "a path of the machine": ("/etc/hostname", "a path of this machine"),
    "the user's folder": (str(Path.home() / "notes") + " and more", "a folder of this machine's user"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_values_are_refused_with_a_reason(name):
    value, reason = REFUSED[name]
    with pytest.raises(CannotWriteError, match=reason):
        written(value)


def test_secrets_of_the_environment_are_never_written(monkeypatch):
    monkeypatch.setenv("SOME_API_TOKEN", "abcdefgh12345")
    for value in (
        "Bearer abcdefgh12345",
        ["abcdefgh12345"] * 100,
        {"auth": "abcdefgh12345"},
        b"abcdefgh12345",
        bytearray(b"x abcdefgh12345"),
        "Basic aHVzaC1odXNo",
        b"\0aHVzaC1odXNo\xff" * 40,
        "words before hush 13579246 and after " * 90,
        13579246,
        {13579246: 1},
        (1, [13579246]),
        Path("a/13579246/b"),
        uuid.UUID("13579246-0000-0000-0000-000000000000"),
        decimal.Decimal(13579246),
    ):
        with pytest.raises(CannotWriteError, match="a secret of the environment"):
            written(value)


def test_a_secret_is_found_in_a_text_but_not_across_two(monkeypatch):
    monkeypatch.setenv("SOME_API_TOKEN", "abcdefgh12345")
    many = [f"name-{number}-x" for number in range(100)]
    for value in (
        [*many, "abcdefgh12345"],
        {*many, "abcdefgh12345"},
        {f"abcdefgh12345{number}": 1 for number in range(100)},
    ):
        with pytest.raises(CannotWriteError, match="a secret of the environment"):
            written(value)
    assert len(read(["abcdefgh", "12345"] * 50)) == 100


class CountingWriter(source.Writer):
    """Counts how often a text is searched for something private, which costs more than all else of a short one."""

    count = 0

    def check_private(self, text):
        self.count += 1
        super().check_private(text)


@pytest.mark.parametrize("scale", [1, 10])
@pytest.mark.parametrize(
    "value",
    [
        [f"{number:x}-word" for number in range(20_000)],
        [f"word{number}" for number in range(20_000)],
        tuple(f"{number}/word" for number in range(20_000)),
        {f"word{number}" for number in range(20_000)},
        {f"word{number}": None for number in range(20_000)},
    ],
    ids=["different ones", "numbered ones", "tuple", "set", "dict"],
)
def test_many_short_texts_are_searched_at_once(value, scale):
    writer = CountingWriter(str(TREE), 2, Fraction(scale))
    code = writer.argument(value)
    back = eval(code, {"rng": random.Random(0)})
    assert (len(code) < 300, type(back), len(back)) == (True, type(value), scale * len(value))
    assert set(back) < set(value) or len(set(back)) == len(back)
    assert writer.count == 1


@pytest.mark.slow
def test_it_runs_on_the_oldest_python_without_other_packages(tmp_path):
    oldest_python = environment("3.9", "six")
    code = "from prprep_worker.values.source import Writer; print(Writer('/', 1).argument([1, {'a': (2,)}]))"
    done = subprocess.run(
        [oldest_python, "-c", code], env={"PYTHONPATH": str(WORKER_FOLDER)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == '[1, {"a": (2,)}]\n'


def test_an_object_that_a_module_holds_is_imported(monkeypatch):
    """Only by a public name, and not from a test."""
    code = "class Parser:\n    def __init__(self, text):\n        self._size = len(text)\n\nhtml = Parser('a')\n_private = Parser('b')\n"
    for name in ("held_objects", "held_objects.inner", "held_objects.test_inner"):
        module = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
    exec(compile(code, "inner.py", "exec"), sys.modules["held_objects.inner"].__dict__)
    inner = sys.modules["held_objects.inner"]
    for name in ("held_objects", "held_objects.test_inner"):
        sys.modules[name].html = inner.html
    writer = source.Writer(str(TREE), 2)
    assert (writer.argument(inner.html), writer.imports) == ("html", {"from held_objects import html"})
    with pytest.raises(CannotWriteError):
        source.Writer(str(TREE), 2).argument(inner._private)
    del sys.modules["held_objects"].html, inner.html
    with pytest.raises(CannotWriteError):
        source.Writer(str(TREE), 2).argument(sys.modules["held_objects.test_inner"].html)
