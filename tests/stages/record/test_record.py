"""Calls recorded while tests run, on the oldest and the newest Python here, and benchmarks written from them."""

from __future__ import annotations

import base64
import json
import time
from functools import cache
from math import ceil
from pathlib import Path

import pytest

from tasks.artifacts import Detection, Recording, Scaffolding
from tasks.bench.observing.exploring import explore
from tasks.bench.observing.recording import record as record_tests
from tasks.bench.observing.recording import record_command
from tasks.bench.observing.site import RecordingSite, WatchedFunction
from tasks.bench.observing.trying import try_code
from tasks.bench.request import SideRequest
from tasks.errors import MeasuringError
from tasks.manifest.model import Optimization
from tasks.processes.progress import silent
from tasks.project.code.sources import Sources
from tasks.project.files import FolderTree
from tasks.stages.record import choosing, sides
from tasks.stages.record import record as recording_stage
from tasks.stages.record.relevant_tests import relevant_tests
from tasks.storage.paths import ProjectPaths
from tests.support.pythons import environment, pytest_for
from tests.support.recordings import PYPROJECT, Shop, scaffolded
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow(1.5)

CODE = """
import asyncio
import dataclasses
import functools
import io
import json
import os
import socket

import requests


def checked(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@dataclasses.dataclass
class Item:
    name: str
    price: float = 1.0


class Basket:
    def __init__(self, items):
        self.items = items

    def total(self, *, discount=0.0):
        return sum(item.price for item in self.items) * (1 - discount)

    @classmethod
    def of(cls, names):
        return cls([Item(name) for name in names])

    @staticmethod
    def cheapest(items):
        return min(items, key=lambda item: item.price)

    @property
    def names(self):
        return [item.name for item in self.items]


def words(text, sep=None):
    return text.split(sep)


SETTINGS = {}


def setting(name):
    return SETTINGS.get(name)


def squares(numbers):
    for number in numbers:
        yield number * number


def drain(queue):
    count = 0
    while queue:
        queue.pop()
        count += 1
    return count


def rows(stream):
    return [line.strip().split(",") for line in stream]


def load(path):
    with open(path) as file:
        return file.read().splitlines()


def save(text, path):
    with open(path, "w") as file:
        file.write(text)


async def fetch(keys):
    await asyncio.sleep(0)
    return {key: len(key) for key in keys}


def guarded(agent, image):
    return agent.predict(image)


def detected(detector: "Detector", images):
    return [detector.predict(image, size=3) for image in images]


def fetched(names):
    return [requests.get(f"https://example.org/{name}").upper() for name in names]


def consumed(lines):
    return list(lines)


def lonely(value):
    return value


def parsed(document):
    return json.loads(document)


def descriptor(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
    return path


def late(value):
    import shop_late

    return shop_late.VALUE + value


def deepest(tree):
    return 1 + max(map(deepest, tree["inner"]), default=0)


class Cart:
    def __new__(cls, owner, **_):
        return object.__new__(cls)

    @checked
    def __init__(self, owner, limit=3):
        self.owner, self.limit = owner, limit
        self._lines = []

    def add(self, line):
        self._lines.append(line)


@checked
def bill(cart):
    return [(cart.owner, line) for line in cart._lines]


def sealed(lock):
    return lock is not None


class Odd:
    def __eq__(self, other):
        raise RuntimeError("never compare")

    def __repr__(self):
        raise RuntimeError("never print")

    def __reduce__(self):
        raise RuntimeError("never copy")

    def __getattr__(self, name):
        raise RuntimeError("never ask")


def odd(value):
    return value is not None


def shout(words):
    with socket.create_connection(words[0]) as connection:
        connection.sendall(b"loud")
    return len(words)


def many(*parts, end="", **options):
    return "".join(parts) + end
"""
STALL = """
def summed(numbers):
    return sum(numbers)


class Version:
    def __init__(self, text):
        self.parts = text.split(".")


def distinct(texts):
    return {text.upper() for text in texts}
"""
TESTS = """
import asyncio
import io
from unittest.mock import MagicMock

import pytest
import json
import socket

from shop import SETTINGS, Basket, Cart, Item, Odd, bill, consumed, deepest, detected, drain, fetch, fetched, guarded, load, many, odd, parsed, rows
from shop import descriptor, late, save, sealed, setting, shout, squares, words


class Stub:
    def predict(self, image, size=1):
        _buffer = bytearray(3_000_000)
        return [Item("x")]


@pytest.mark.parametrize("text", ["a b", "one two three " * 30, "x"], ids=["short", "long", "one"])
def test_words(text):
    assert words(text)


def test_setting(monkeypatch):
    monkeypatch.setitem(SETTINGS, "colour", "red")
    assert setting("colour") == "red"


def test_failing_words():
    with pytest.raises(AttributeError):
        words(None)


def test_basket():
    basket = Basket([Item("a", 2.0), Item("b")])
    assert basket.total(discount=0.5) == 1.5
    assert Basket.of(["a", "b"]).names == ["a", "b"]
    assert Basket.cheapest(basket.items).name == "b"


def test_fetched(monkeypatch):
    def answer(url, timeout=3):
        _body = bytearray(2_000_000)
        return f"<p>{url[-3:]}</p>"

    monkeypatch.setattr("shop.requests.get", answer)
    assert fetched(["ada"]) == ["<P>ADA</P>"]


def test_functions(tmp_path):
    assert list(squares([1, 2])) == [1, 4]
    assert drain(["a", "b"]) == 2
    assert rows(io.StringIO("a,b\\nc,d\\n")) == [["a", "b"], ["c", "d"]]
    (tmp_path / "names.txt").write_text("ada\\ngrace\\n")
    assert load(tmp_path / "names.txt") == ["ada", "grace"]
    save("text", tmp_path / "out.txt")
    assert asyncio.run(fetch(["ada", "grace"])) == {"ada": 3, "grace": 5}
    assert guarded(MagicMock(), b"image")
    assert detected(Stub(), [b"one", b"two"]) == [[Item("x")]] * 2
    assert consumed(line for line in "ab") == ["a", "b"]
    assert many("a", "b", end="!", colour="red") == "ab!"
"""
TESTS += """

def test_data():
    document = json.dumps({str(number): [number, "x" * (number % 7)] for number in range(400)})
    assert len(parsed(document)) == 400
    tree = {"inner": []}
    for _ in range(12):
        tree = {"inner": [tree]}
    assert deepest(tree) == 13


def test_files(tmp_path):
    assert descriptor(str(tmp_path / "new"))
    assert late(1) == 2


def test_changed_objects():
    cart = Cart("ada", limit=4)
    cart.add("tea")
    cart.limit = 5
    assert bill(cart) == [("ada", "tea")]


def test_what_cannot_be_copied(lock):
    assert sealed(lock)
    assert odd(Odd())


def test_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert shout([server.getsockname()]) == 1
"""
NETWORK = "def get(url, timeout=3):\n    raise OSError('there is no network here')\n"
PLAN = """
from pathlib import Path


class Plan:
    def __init__(self, parts):
        with Path("built.txt").open("a") as log:
            print("built", file=log)
            if log.tell() > 200:  # children would fork without end
                raise RuntimeError
        self.parts = parts
        self.cost = self.total(1)

    @property
    def nbytes(self):
        return self.total(8)

    def total(self, times):
        return times * sum(self.parts)
"""
CONFTEST = "import threading\n\nimport pytest\n\n\n@pytest.fixture\ndef lock():\n    return threading.Lock()\n"
FILES = {
    "tests/conftest.py": CONFTEST,
    "pyproject.toml": PYPROJECT,
    "src/requests.py": NETWORK,
    "src/shop/__init__.py": CODE,
    "src/shop_late.py": "VALUE = 1\n",
    "src/stall.py": STALL,
    "src/plan.py": PLAN,
    "tests/test_shop.py": TESTS,
    "tests/test_plan.py": "from plan import Plan\n\ndef test_it(): assert Plan([3, 4]).total(2) == 14\n",
    "tests/test_other.py": "def test_nothing(): ...\n",
    "tests/test_summed.py": """
import random
from stall import summed

def test_it():
    drawn = random.Random(3)
    for numbers in ([1, 2], [3], [drawn.randrange(999) for _ in range(400)]):
        assert summed(numbers) == sum(numbers)
""",
    "tests/test_version.py": """
import pytest
from stall import Version

@pytest.mark.parametrize("text", ["1", "1.2", "1.2.3"])
def test_it(text):
    assert Version(text).parts
""",
    "tests/test_distinct.py": """
from stall import distinct

def test_it():
    assert len(distinct([f"{number:x}-a" for number in range(200_000)])) == 200_000
""",
}


@pytest.fixture(scope="module", params=["3.9", "3.13"])
def place(request, tmp_path_factory):
    """The shop's tree with an environment of one Python: a wrapper records before 3.12, `sys.monitoring` from there on."""
    folder = tmp_path_factory.mktemp("record")
    python = environment(request.param, pytest_for(request.param), "pytest-benchmark")
    tree = TargetRepo(folder / "tree", FILES).path
    return RecordingSite(SideRequest(tree, python, (tree / "src",)), "", 2, ("requests",))


@cache
def seen_of(place: RecordingSite, name: str) -> dict:
    """Record a function of the shop; tests share the recording and do not change it."""
    found, notes = record_tests(
        place, WatchedFunction(f"shop:{name}"), [("tests/test_shop.py",)], seconds=60, report=silent
    )
    assert notes == []
    return found[0]


def test_calls_that_describing_and_rebuilding_an_object_makes_are_not_recorded(place):
    function, tests = WatchedFunction("plan:Plan.total"), [("tests/test_plan.py",)]
    (seen,), _ = record_tests(place, function, tests, seconds=60, report=silent)
    assert seen["calls"] == 2
    built = (place.folder / "built.txt").read_text().count("built")
    assert 1 < built < 20, built


def test_the_largest_calls_of_a_function_are_kept_with_their_arguments(place):
    seen = seen_of(place, "words")
    assert seen["calls"] == 4
    assert len(seen["seconds"]) == 2  # calls under a profiler do not count
    largest = max(seen["kept"], key=lambda call: call["size"])
    assert largest["test"] == "tests/test_shop.py::test_words[long]"
    assert largest["described"] == {"text": "str of 420 characters", "sep": "NoneType"}
    assert [spelled["scale"] for spelled in largest["spelled"]] == [1, 10, 100, 1000]
    assert largest["spelled"][0]["arguments"] == {"text": '"one two three " * 30', "sep": "None"}
    assert largest["spelled"][1]["arguments"]["text"] == '"one two three " * 300'


def test_each_call_is_drawn_with_its_arguments_and_what_it_returned(place):
    """Those that fail are none, and those whose arguments have no short code are drawn without it."""
    sample = seen_of(place, "words")["sample"]
    assert [call and (call["arguments"]["text"], call["size"], call["returns"]) for call in sample] == [
        ('"a b"', 4, "list"),
        None,
        ('"x"', 2, "list"),
    ]


INHERITED = """from collections.abc import Mapping


class Prices(Mapping):
    def __init__(self, prices):
        self.prices = prices

    def __getitem__(self, name):
        return self.prices[name]

    def __iter__(self):
        return iter(self.prices)

    def __len__(self):
        return len(self.prices)


class Names(Prices):
    def __getitem__(self, name):
        return Prices({"inner": 1})["inner"] if "inner" in Prices({"inner": 1}) else 0
"""
CALLS = """from shelf import Names, Prices


def test_it():
    assert "a" in Names({"b": 1})
    assert "tea" in Prices({"tea": 1})
"""


def test_of_an_inherited_method_the_calls_of_its_own_objects_count(place):
    """Also where such a call makes calls of the same code for other objects."""
    tree = place.side.tree
    (tree / "src/shelf.py").write_text(INHERITED)
    (tree / "tests/test_shelf.py").write_text(CALLS)
    (seen,), _ = record_tests(
        place, WatchedFunction("shelf:Names.__contains__"), [("tests/test_shelf.py",)], seconds=60, report=silent
    )
    assert (seen["calls"], len(seen["seconds"])) == (1, 1)
    assert seen["kept"][0]["spelled"][0]["arguments"] == {"self": 'Names(prices={"b": 1})', "key": '"a"'}


NODES = """class Node:
    def __init__(self, tokens, parent=None):
        self.words = [token.upper() for token in tokens]
        self.inner = []
        self.parent = parent

    @property
    def first(self):
        return Node(self.words[:1])


class Parser:
    def __init__(self, sep):
        self.sep = sep

    def parse(self, *texts):
        return [parse(text.replace(self.sep, " ")) for text in texts]

    @classmethod
    def of(cls, sep, text, /):
        return cls(sep).parse(text)[0]


class Odd:
    @property
    def __class__(self):
        raise RuntimeError("there is no such object")


def odd():
    return Odd()


def parse(text, deep=False, *, limit=None, **options):
    node = Node(text.split()[:limit])
    node.inner = [Node([word], node) for word in node.words] if deep else []
    return node


def strict(is_strict, text):
    return parse(text)


def rest(text, sep=",", *more):
    return Node([text, sep, *more])


def total(node):
    return len(node.words)
"""
MAKES = """import sys

import pytest

from nodes import Parser, odd, parse, rest, strict, total


def test_profiling_is_switched_off():
    sys.setprofile(None)


def test_it():
    assert type(odd()).__name__ == "Odd"
    with pytest.raises(AttributeError):
        parse(5)
    first = parse("a b", True)
    for node in (first, first.inner[1], parse("a b c", limit=1), Parser("-").parse("a", "a-b-c-d")[1]):
        total(node)
    for node in (strict(True, "a b"), rest("a", ",", "b"), Parser.of("-", "a-b"), first.first):
        total(node)


def test_what_has_no_code():
    many = parse("one two three " * 50)
    many.words.append(5j)
    for node in (many, parse("a", **{"x-y": 1})):
        node.words.append(object())
        total(node)
"""
MADE = (
    *('parse("a b", deep=True)', 'parse("a b", deep=True).inner[1]', 'parse("a b c", limit=1)'),
    *('Parser(sep="-").parse("a", "a-b-c-d")[1]', 'strict(is_strict=True, text="a b")', 'rest("a", ",", "b")'),
    *('Parser.of("-", "a-b")', 'parse("a b", deep=True).first', None, None),
)


def test_an_object_is_written_as_the_call_that_made_it(place):
    tree = place.side.tree
    (tree / "src/nodes.py").write_text(NODES)
    (tree / "tests/test_nodes.py").write_text(MAKES)
    function, tests = WatchedFunction("nodes:total"), [("tests/test_nodes.py",)]
    (seen,), notes = record_tests(place, function, tests, makers=True, seconds=60, report=silent)
    assert notes == []
    # The last ones were changed after they were made.
    assert [call and call["arguments"]["node"] for call in seen["sample"]] == list(MADE)


def test_an_input_is_not_scaled_beyond_what_a_machine_holds(place):
    tree = place.side.tree
    (tree / "tests/test_much.py").write_text(
        "from shop import words\n\ndef test_it():\n    assert len(words('a b ' * 100_000)) == 200_000\n"
    )
    (seen,), _ = record_tests(
        place, WatchedFunction("shop:words"), [("tests/test_much.py",)], seconds=60, report=silent
    )
    (tree / "tests/test_much.py").unlink()
    assert [spelled["scale"] for spelled in seen["kept"][0]["spelled"]] == [1, 10]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Basket.total", {"self": 'Basket(items=[Item(name="a", price=2.0), Item(name="b")])', "discount": "0.5"}),
        ("Basket.of", {"cls": "Basket", "names": '["a", "b"]'}),
        ("Basket.cheapest", {"items": '[Item(name="a", price=2.0), Item(name="b")]'}),
        ("Basket.names", {"self": 'Basket(items=[Item(name="a"), Item(name="b")])'}),
        ("squares", {"numbers": "[1, 2]"}),
        ("rows", {"stream": 'io.StringIO("a,b\\nc,d\\n")'}),
        ("load", {"path": 'tmp_path / "names.txt"'}),
        ("fetch", {"keys": '["ada", "grace"]'}),
        ("many", {"parts": '("a", "b")', "end": '"!"', "options": '{"colour": "red"}'}),
    ],
)
def test_every_kind_of_function_is_recorded(place, name, arguments):
    seen = seen_of(place, name)
    assert (seen["calls"], seen["unwritten"]) == (1, {})
    assert seen["kept"][0]["spelled"][0]["arguments"] == arguments


def test_arguments_without_code_are_described(place):
    message = "agent.predict returned MagicMock: it is a Mock"
    assert seen_of(place, "guarded")["unwritten"] == {"the fake of a model or the network": message}
    assert seen_of(place, "consumed")["unwritten"] == {"lines": "generator: a generator cannot be written as code"}


def test_a_model_that_tests_replace_becomes_a_fake_that_allocates(place):
    (fake,) = seen_of(place, "detected")["kept"][0]["fakes"]
    assert (fake["name"], fake["parameter"]) == ("FakeDetector", "detector")
    (method,) = fake["methods"]
    assert (method["method"], method["parameters"], method["returns"]) == (
        "predict",
        ["image", "size"],
        '[Item(name="x")]',
    )
    assert (method["calls"], method["imports"]) == (2, ["from shop import Item"])
    assert 3_000_000 <= method["bytes"] < 3_200_000


def test_a_function_of_the_network_that_tests_replace_becomes_a_fake_of_that_function(place):
    (fake,) = seen_of(place, "fetched")["kept"][0]["fakes"]
    (method,) = fake["methods"]
    assert (fake["parameter"], method["method"], method["returns"]) == ("", "shop.requests.get", '"<p>ada</p>"')
    assert 2_000_000 <= method["bytes"] < 2_200_000


def test_data_without_a_readable_spelling_is_kept_as_a_file(place):
    (call,) = seen_of(place, "deepest")["kept"][-1:]
    assert call["spelled"] == []
    assert call["kept"]["arguments"] == {
        "tree": 'json.loads(Path(__file__).with_name("benchmark_tree.json").read_text(encoding="utf-8"))'
    }
    assert call["kept"]["reasons"] == {"tree": "it is nested too deeply"}
    tree = json.loads(base64.b64decode(call["kept"]["data"]["benchmark_tree.json"]))
    assert str(tree).count("inner") == 13


def test_a_document_is_kept_whole(place):
    """A part of it, repeated, would be another input."""
    (call,) = seen_of(place, "parsed")["kept"]
    assert call["spelled"] == []
    assert len(json.loads(base64.b64decode(call["kept"]["data"]["benchmark_document.txt"]))) == 400


def test_very_many_different_texts_are_recorded_and_scaled(place):
    """To spell them costs less than the time that a file of tests has, at every scale."""
    many = "from shop import consumed\n\ndef test_it():\n    assert len(consumed([f'{number:x}-a' for number in range(200_000)])) == 200_000\n"
    (place.side.tree / "tests/test_many.py").write_text(many)
    (seen,), notes = record_tests(
        place, WatchedFunction("shop:consumed"), [("tests/test_many.py",)], seconds=60, report=silent
    )
    assert (notes, seen["unwritten"], seen["calls"]) == ([], {}, 1)
    assert [spelled["scale"] for spelled in seen["kept"][0]["spelled"]] == [1, 10]
    first, second = (spelled["arguments"]["lines"] for spelled in seen["kept"][0]["spelled"][:2])
    assert first.startswith("rng.choices(['0-a', ")
    assert first.endswith("], k=200_000)")
    assert second.endswith("], k=2_000_000)")


def test_a_changed_object_is_created_and_changed_again(place):
    spelled = seen_of(place, "bill")["kept"][0]["spelled"][0]
    assert spelled["arguments"] == {"cart": "cart"}
    assert spelled["statements"] == ['cart = Cart(owner="ada")', "cart.limit = 5", 'cart._lines = ["tea"]']


def test_arguments_that_cannot_be_copied_are_described(place):
    message = seen_of(place, "sealed")["unwritten"]["lock"]
    assert message.startswith("lock: ")
    assert message.endswith(" (the fixture `lock` of tests/conftest.py gives it)")
    assert seen_of(place, "odd")["unwritten"]["value"].startswith("Odd: ")


def test_failing_tests_are_noted_and_calls_that_returned_count(place):
    failing = "from shop import words\n\ndef test_it():\n    assert words('a b') == ['a']\n"
    (place.side.tree / "tests/test_fails.py").write_text(failing)
    seen, notes = record_tests(
        place, WatchedFunction("shop:words"), [("tests/test_fails.py",)], seconds=60, report=silent
    )
    assert notes == ["tests/test_fails.py: some of its tests fail; calls that ended well count"]
    assert seen[0]["kept"][0]["described"]["text"] == "str of 3 characters"


def test_side_effects_of_a_call_are_recorded(place):
    assert seen_of(place, "save")["effects"] == ["writes files"]
    assert seen_of(place, "shout")["effects"] == ["connects to the network"]
    assert seen_of(place, "descriptor")["effects"] == ["writes files"]
    assert seen_of(place, "load")["effects"] == []


@pytest.mark.parametrize("name", ["deepest", "late"])
def test_recording_and_compiling_are_no_side_effects_of_a_call(place, name):
    """The recorder writes between recursive calls, and a call that imports a module first has it compiled."""
    assert (seen_of(place, name)["calls"] > 0, seen_of(place, name)["effects"]) == (True, [])


def test_a_function_that_nothing_calls_has_no_calls(place):
    seen = seen_of(place, "lonely")
    assert (seen["found"], seen["calls"], seen["kept"]) == (True, 0, [])


@pytest.mark.parametrize(
    "command",
    [
        "python scripts/convert.py 'one two'",
        "python -m shop_tool 'one two'",
        "python -c 'import shop; shop.words(\"one two\")'",
        "pytest -q tests/test_shop.py -k test_words",
    ],
)
def test_a_command_can_drive_the_function(place, command):
    script = "import sys\nfrom shop import words\n\nif __name__ == '__main__':\n    print(len(words(sys.argv[1])))\n"
    for path in ("scripts/convert.py", "shop_tool.py"):
        (place.side.tree / path).parent.mkdir(exist_ok=True)
        (place.side.tree / path).write_text(script)
    seen, notes = record_command(place, WatchedFunction("shop:words"), command, seconds=60, report=silent)
    assert notes == []
    assert seen[0]["kept"][0]["described"]["text"].startswith("str of")


def test_a_command_that_cannot_be_recorded_is_one_message(place):
    with pytest.raises(MeasuringError, match="`make` cannot be run under the recorder"):
        record_command(place, WatchedFunction("shop:words"), "make test", seconds=60, report=silent)


def test_tests_that_hang_or_crash_end_in_time_and_keep_their_recording(place, monkeypatch):
    tree = place.side.tree
    (tree / "tests/test_hangs.py").write_text(
        "import time\nfrom shop import words\n\ndef test_it():\n    words('a b')\n    time.sleep(60)\n"
    )
    (tree / "tests/test_dies.py").write_text(
        "import os\nfrom shop import words\n\ndef test_it():\n    words('a b')\n    os._exit(3)\n"
    )
    (tree / "tests/test_breaks.py").write_text("import there_is_no_such_module\n")
    began = time.monotonic()
    for name, note in (
        ("dies", "ended with exit code 3"),
        ("breaks", "ended with exit code 2 (ModuleNotFoundError: No module named 'there_is_no_such_module')"),
        ("hangs", "was stopped after {limit} s"),
    ):
        limit = ceil(1 + 2 * (time.monotonic() - began)) if name == "hangs" else 60
        monkeypatch.setattr("tasks.bench.observing.recording.FILE_SECONDS", limit)
        seen, notes = record_tests(
            place, WatchedFunction("shop:words"), [(f"tests/test_{name}.py",)], seconds=60, report=silent
        )
        assert notes == [f"tests/test_{name}.py: {note.format(limit=limit)}"]
        assert [call["described"]["text"] for found in seen for call in found["kept"]] == (
            ["str of 3 characters"] if name != "breaks" else []
        )
    assert record_tests(place, WatchedFunction("shop:words"), [("tests/test_shop.py",)], seconds=1, report=silent) == (
        [],
        ["there was no time left for tests/test_shop.py"],
    )


@pytest.mark.parametrize(
    ("version", "tool"),
    [("3.9", "pytest==5.4.3"), ("3.9", "pytest==6.1.2"), ("3.11", "pytest==7.4.4"), ("3.13", "pytest")],
)
def test_code_is_tried_with_the_projects_warning_filters(tmp_path, version, tool):
    python = environment(version, tool)
    order = {
        "setup": "import warnings\ndef call(kind):\n    warnings.warn('a (new) one', kind)",
        "inputs": [],
    }
    for line, kind, raised in (
        ("error", "UserWarning", "UserWarning: a (new) one"),
        ("error", "DeprecationWarning", "DeprecationWarning: a (new) one"),
        ("error::DeprecationWarning", "UserWarning", None),
        ("error\n    ignore:a .new. one", "UserWarning", None),
        ("error\n    ignore::no_such_package.SomeWarning\n    default:::test_trial", "UserWarning", None),
        ("no filter at all", "UserWarning", None),
        ("ignore\naddopts = -W 'error:a (new)'", "UserWarning", "UserWarning: a (new) one"),
        ("ignore\naddopts = -W 'error:a .new'", "UserWarning", None),
    ):
        tree = tmp_path / "tree"
        tree.mkdir(exist_ok=True)
        (tree / "pytest.ini").write_text(f"[pytest]\nfilterwarnings =\n    {line}\n")
        place = RecordingSite(SideRequest(tree, python, ()), "", 2)
        answer = try_code(place, {**order, "call": f"call({kind})"})
        assert answer.get("raised") == raised, line
    # With fixtures, pytest runs the code.
    under_pytest = {**order, "call": "tmp_path.name", "fixtures": ["tmp_path"], "tell": True}
    answer = try_code(place, under_pytest)
    assert answer.get("value", "").startswith("test_trial"), answer


# -- the stages ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    return TargetRepo(tmp_path_factory.mktemp("stages") / "target", FILES)


@pytest.fixture(scope="module")
def shop(repo, tmp_path_factory):
    return Shop(repo, tmp_path_factory.mktemp("shop"))


WRITTEN = (
    *("words", "Basket.total", "Basket.of", "Basket.cheapest", "Basket.names", "squares", "drain", "rows", "load"),
    *("fetch", "many", "parsed", "deepest", "bill", "Cart", "Item", "fetched", "detected"),
    *("stall:summed", "stall:Version", "stall:distinct"),
)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_benchmark_is_written_from_recorded_calls(shop, name):
    recording, written, text = shop.scaffolded(name)
    assert (written.made_from, written.needs) == ("recorded", "")
    assert recording.call is not None
    assert recording.call.spelling.seconds > 0
    assert recording.ran[0] in text


def test_written_benchmarks_run_and_are_formatted_like_the_project(shop):
    shop.pass_tests(*WRITTEN)


def test_small_inputs_are_scaled_up_by_a_factor_in_the_benchmark(shop):
    recording, _, text = shop.scaffolded("words")
    assert recording.call.spelling.scale > 1
    assert f"{recording.call.spelling.scale:,} times" in " ".join(text.split())


def test_the_constructor_of_a_class_is_recorded(shop):
    recording, _, text = shop.scaffolded("Cart")
    assert recording.target == "shop:Cart.__init__"
    assert "from shop import Cart" in text
    assert 'Cart("ada", limit=4)' in text, "its `__new__` takes no limit by position"


def test_imports_of_the_large_call_are_added_to_those_of_typical_calls(shop):
    recording, _, text = shop.scaffolded("stall:summed")
    assert recording.call.spelling.needs == ("rng",)
    assert "parametrize" in text


def test_typical_calls_of_a_constructor(shop):
    recording, _, text = shop.scaffolded("stall:Version")
    assert [dict(call.arguments)["text"] for call in recording.sample.calls] == ['"1"', '"1.2"', '"1.2.3"']
    assert "return [Version(text) for text in calls]" in text


def test_the_constructor_that_a_decorator_generates_is_recorded(shop):
    recording, _, text = shop.scaffolded("Item")
    assert recording.target == "shop:Item.__init__"
    assert recording.calls == 7
    assert "return [Item(name, price) for name, price in calls]" in text


def test_typical_calls_are_measured_next_to_the_largest(shop):
    recording, _, text = shop.scaffolded("words")
    assert [dict(call.arguments)["text"] for call in recording.sample.calls] == ['"x"', '"a b"']
    assert '@pytest.mark.parametrize("recorded", [typical, largest])' in text


@pytest.mark.parametrize("name", ["setting", "drain", "load", "fetched", "fetch", "shout"])
def test_calls_that_depend_on_more_than_their_arguments_are_no_sample(shop, name):
    """A setting made by the test, inputs that change, a file, the network, an event loop."""
    assert shop.scaffolded(name)[0].sample is None


def test_a_benchmark_of_very_many_texts_has_their_number(shop):
    recording, _, text = shop.scaffolded("stall:distinct")
    assert recording.call.spelling.scale == 1
    assert "list of 200,000" in " ".join(text.split())


def test_the_benchmark_compares_its_inputs_with_the_recorded_ones(shop):
    recording, _, text = shop.scaffolded("words")
    assert recording.call.spelling.size == 420 * recording.call.spelling.scale
    held = f"They hold {recording.call.spelling.size:,} characters or elements; those of the 4 recorded calls hold 3 in the median"
    assert f"{held} and 421 at most." in " ".join(text.split())


def test_a_data_file_is_described_with_its_size_and_the_reason(shop):
    _, written, text = shop.scaffolded("parsed")
    (path,) = written.data
    assert path == "tests/benchmarks/benchmark_parsed_document.txt"
    content = (shop.folder("parsed") / written.data[path].source).read_bytes()
    assert len(json.loads(content)) == 400
    assert (
        "document = (\n        Path(__file__)" in text
        or 'document = Path(__file__).with_name("benchmark_parsed_document.txt")' in text
    )
    message = f"document is read from benchmark_parsed_document.txt ({len(content):,} bytes): it is a text of"
    assert f"{message} {len(content):,} characters." in " ".join(text.split())


def test_code_with_another_result_than_the_recorded_call_is_refused(shop):
    """What the test had set up before the call is not among its arguments."""
    recording, _, _ = shop.scaffolded("setting")
    assert recording.call is None


def test_inputs_that_the_call_changes_are_rebuilt_for_every_round(shop):
    recording, _, text = shop.scaffolded("drain")
    assert recording.call.changes
    assert "benchmark.pedantic(run, setup=inputs, rounds=20)" in text


def test_a_generator_is_consumed(shop):
    assert "return list(squares(numbers))" in shop.scaffolded("squares")[2]


def test_a_fake_replaces_a_function_of_the_network(shop):
    _, written, text = shop.scaffolded("fetched")
    assert written.made_from == "recorded"
    assert 'monkeypatch.setattr("shop.requests.get", fake_get)' in text
    assert "_buffer = bytearray(GET_BYTES)" in text
    assert "# At the peak of a call of shop.requests.get, by memray.\nGET_BYTES = 2 * 1024 * 1024\n" in text


def test_side_effects_of_calls_are_noted_for_the_benchmark(shop):
    recording, written, _ = shop.scaffolded("save")
    assert recording.effects == ("writes files",)
    assert "a recorded call of shop:save writes files" in written.notes[0]


def test_a_fake_that_allocates_replaces_a_model(shop):
    _, written, text = shop.scaffolded("detected")
    assert written.made_from == "recorded"
    assert "# At the peak of a call of predict, by memray.\nPREDICT_BYTES = 3 * 1024 * 1024\n" in text
    assert "_buffer = bytearray(PREDICT_BYTES)" in text
    _, _, text = scaffolded(shop.repo, shop.folder("boundary"), "detected", boundary_bytes=1 << 25)
    assert (
        "# At the peak of a call of predict, boundary_bytes of the manifest.\nPREDICT_BYTES = 32 * 1024 * 1024\n"
        in text
    )


FIXTURE = """import threading

import pytest


@pytest.fixture(name="shared")
def _shared():
    locked = threading.Lock()
    locked.acquire()
    return [locked]
"""
TAKES = "from shop import taken\n\ndef test_taken(shared):\n    assert taken(shared) == 1\n"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (
            {"tests/conftest.py": FIXTURE, "tests/test_shop.py": TAKES},
            "    locks.append(1)\n    return len(locks) - 1\n",
        ),
        (
            {"tests/conftest.py": FIXTURE.replace("[locked]", "locked"), "tests/test_shop.py": TAKES},
            "    locks.release()\n    return 1\n",
        ),
    ],
    ids=["changed by the call", "used up by the call"],
)
def test_a_fixture_that_the_benchmark_cannot_use_is_a_hint(tmp_path, files, code):
    repo = TargetRepo(
        tmp_path / "target",
        {"pyproject.toml": PYPROJECT, "src/shop/__init__.py": f"def taken(locks):\n{code}", **files},
    )
    recording, written, text = scaffolded(repo, tmp_path / "work", "taken")
    assert (recording.call, written.made_from) == (None, "gap")
    assert "(the fixture `shared` of tests/" in " ".join(text.replace("#", "").split())


def test_a_gap_mentions_why_no_call_can_be_written(shop):
    recording, written, text = shop.scaffolded("guarded")
    assert recording.call is None
    assert written.made_from == "gap"
    assert "the fake of a model or the network was agent.predict returned MagicMock" in " ".join(
        text.replace("#", "").split()
    )


def test_a_function_that_no_test_calls_leaves_a_gap(shop):
    recording, written, _ = shop.scaffolded("lonely")
    assert (recording.calls, written.made_from) == (0, "gap")
    assert {"tests/test_shop.py", "tests/test_summed.py"} <= set(recording.ran)
    ran = ", ".join(recording.ran)
    assert recording.notes == (f"no test of the project calls shop:lonely: {ran} were run",)


def test_nothing_runs_if_a_benchmark_is_described(repo, tmp_path):
    recording, written, _ = scaffolded(repo, tmp_path, "words", benchmark={"call": "words('a b')"})
    assert recording == Recording(item="item", notes=("a benchmark exists or is described in the manifest",))
    assert written.made_from == "manifest"


def test_the_users_repository_stays_unchanged(repo, tmp_path):
    with untouched(repo.path):
        scaffolded(repo, tmp_path, "load")


WARNING = """
import warnings


def {name}(words):
    if len(words) > {most}:
        warnings.warn("these are many words", UserWarning, stacklevel=2)
    return " ".join(words)
"""
JOINED = """
import pytest

from shop import {name}


@pytest.mark.filterwarnings("ignore:these are many words")
def test_{name}():
    assert {name}(["a", "b", "c"])
"""
ERRORS = '[tool.pytest.ini_options]\nfilterwarnings = ["error", {more}]\n'


def warning_shop(folder, more="", **most):
    """Return a shop whose functions warn of more than so many words, which is an error unless `more` ignores it."""
    code = "".join(WARNING.format(name=name, most=number) for name, number in most.items())
    tests = {f"tests/test_{name}.py": JOINED.format(name=name) for name in most}
    files = {"pyproject.toml": PYPROJECT + ERRORS.format(more=more), "src/shop/__init__.py": code, **tests}
    return Shop(TargetRepo(folder / "target", files), folder / "shop")


def test_a_benchmark_does_not_warn_if_the_project_makes_warnings_errors(tmp_path):
    shop = warning_shop(tmp_path, fifty=50, four=4, two=2)
    for name, scale in (("fifty", 10), ("four", 1)):
        recording, written, _ = shop.scaffolded(name)
        assert (written.made_from, recording.call.spelling.scale) == ("recorded", scale), name
    shop.pass_tests("fifty", "four")
    # The recorded call itself warns, since the mark of its test does not apply.
    recording, _, _ = shop.scaffolded("two")
    assert recording.call is None
    assert recording.notes[-1].endswith("written as code, fails: UserWarning: these are many words")


def test_a_benchmark_may_warn_of_what_the_project_ignores(tmp_path):
    shop = warning_shop(tmp_path, '"ignore:these are many"', fifty=50)
    recording, written, _ = shop.scaffolded("fifty")
    assert (written.made_from, recording.call.spelling.scale) == ("recorded", 1000)
    shop.pass_tests("fifty")


def test_tests_are_chosen_by_what_they_use(repo):
    sources = Sources(FolderTree(repo.path), ("src",))
    found = sources.find("shop:words")
    assert relevant_tests(sources, [found], packages=("shop",)) == ("tests/test_shop.py",)


TOTAL = "def total(n: int) -> int:\n    return sum(range(n))\n"
TOTAL_TEST = "from shop import total\n\ndef test_total(): assert total(300) == 44850\n"


def recorded_in(folder: Path, files: dict[str, str | None], **settings) -> tuple[Recording, Scaffolding]:
    base = {"pyproject.toml": PYPROJECT, "src/shop/__init__.py": TOTAL, "tests/test_total.py": TOTAL_TEST}
    return scaffolded(TargetRepo(folder / "target", {**base, **files}), folder / "work", "total", **settings)[:2]


def test_options_for_other_processes_do_not_end_a_driven_run(tmp_path):
    options = PYPROJECT + '[tool.pytest.ini_options]\naddopts = "-n 2 --dist=load"\n'
    command = "pytest -n 2 tests/test_total.py --cov shop -k total"
    recording, _ = recorded_in(tmp_path, {"pyproject.toml": options}, drive=command)
    assert (recording.ran, recording.calls, recording.notes) == (("the command of `drive`",), 1, ())


def test_options_of_missing_plugins_and_missing_packages_are_repaired(tmp_path, monkeypatch):
    options = PYPROJECT + '[tool.pytest.ini_options]\naddopts = "--strange 3"\n'
    conftest = "import iniconfig_of_ours\n"
    recording, written = recorded_in(tmp_path, {"pyproject.toml": options, "tests/conftest.py": conftest})
    assert (recording.ran, recording.calls, written.made_from) == ((), 0, "gap")
    assert recording.failed == (
        "the run of the tests ended with exit code 4 (ModuleNotFoundError: No module named 'iniconfig_of_ours')"
    )
    assert f"no call could be recorded: {recording.failed}" in written.notes
    mocked = TOTAL_TEST.replace("test_total()", "test_total(mocker)")
    lacking = "import freezegun\n" + mocked.replace("test_total", "test_frozen")
    files = {"pyproject.toml": options, "tests/test_total.py": mocked, "tests/test_frozen.py": lacking}
    runs = []

    def counted(*args, **options):
        runs.append(options)
        return explore(*args, **options)

    monkeypatch.setattr(recording_stage, "explore", counted)
    recording, _ = recorded_in(tmp_path / "mocked", files)
    assert (set(recording.ran), recording.calls, recording.failed) == (
        {"tests/test_total.py", "tests/test_frozen.py"},
        2,
        "",
    )
    assert set(recording.notes) == {
        "pytest-mock was installed for recording, since the fixture `mocker` does not exist",
        "freezegun was installed for recording, since the module `freezegun` is not in the environment",
    }
    assert sum("inside" not in each for each in runs) == 2, "all that is lacking is installed at once"


def test_without_time_no_further_calls_are_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(sides, "RUNNING_SECONDS", sides.SECONDS_FOR_TESTS)
    recording, _ = recorded_in(tmp_path, {})
    assert recording.call is None
    assert recording.workload is not None
    assert any("of running tests, calls of shop:total were not tried any more" in note for note in recording.notes)


def test_a_run_without_tests_is_none(tmp_path):
    files = {
        "src/shop/__init__.py": TOTAL + "\n\ndef other():\n    return 1\n",
        "tests/test_total.py": TOTAL_TEST.replace("test_total", "check"),
        "tests/test_other.py": "from shop import other\n\ndef test_other(): assert other() == 1\n",
    }
    recording, _ = recorded_in(tmp_path, files)
    assert recording.ran == ("tests/test_other.py",)
    assert recording.notes == ("no test of the project calls shop:total: tests/test_other.py was run",)


def test_a_test_whose_calls_all_raise_an_error_is_no_benchmark(tmp_path):
    check = "    if n < 0:\n        raise ValueError(n)\n"
    files = {
        "src/shop/__init__.py": TOTAL.replace("    return", f"{check}    return"),
        "tests/test_total.py": """
from contextlib import suppress

from shop import total

def test_total():
    with suppress(ValueError):
        total(-1)
""",
    }
    recording, written = recorded_in(tmp_path, files)
    assert written.made_from == "gap"
    why = "its body makes no call of shop:total that ends without an error"
    assert recording.notes == (f"the body of tests/test_total.py::test_total: {why}",)


@pytest.mark.parametrize("name", ["../../x.json", "/x.json", ".git", "a/b.json", ""])
def test_a_recording_names_no_files_outside_of_the_benchmarks_folder(name):
    """The process that wrote it runs the project's code."""
    chooser = choosing.CallChooser(Optimization(id="a", head="h"), None, None, None)
    assert chooser._tried({}, {"data": {name: ""}}) == "the recording names files outside of the benchmark's folder"


def test_a_recording_can_be_kept_and_read(repo, tmp_path):
    recording, _, _ = scaffolded(repo, tmp_path, "load")
    paths = ProjectPaths(tmp_path / "prprep.yaml", tmp_path / ".codeflash").item("item")
    assert str(tmp_path) not in paths.record.read_text()
    assert json.loads(recording.model_dump_json())["call"]["spelling"]["needs"] == ["tmp_path"]
    assert Detection.read(paths.detect).target == "shop:load"
