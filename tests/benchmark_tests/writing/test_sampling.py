"""Typical calls: drawn alike, chosen evenly, written as a list that a person would write."""

from __future__ import annotations

import random
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tasks.artifacts import ArgumentsAsCode, Peaks, RecordedCall, Recording
from tasks.bench.observing.recording import COMMAND
from tasks.benchmark_tests.writing.recorded_benchmark import from_recording
from tasks.benchmark_tests.writing.sampled_code import compose_sample, large_call
from tasks.benchmark_tests.writing.sampling import (
    CHOSEN,
    LONGEST,
    REALISTIC,
    DrawnCalls,
    combined,
    is_small_call,
    reproducible,
    typical_sample,
)
from tasks.project.code.definitions import definitions
from tests.support.evidence import DETECTION

sys.path.append(str(Path(__file__).parents[3] / "tasks" / "worker"))
from prprep_worker.recording import sample as sampling

SOURCE = b"""
class Version:
    def __init__(self, text): ...
    def bump(self, part, *, by=1): ...

def total(numbers, start=0): ...
def squares(numbers):
    yield from numbers
"""


def seen(*calls: dict | None) -> DrawnCalls:
    return DrawnCalls(calls, len(calls))


def drawn(*texts: str, name: str = "text", **more: str) -> DrawnCalls:
    fields = {"imports": [], "kinds": {name: "positional"}, "returns": "int"}
    return seen(*({"arguments": {name: text, **more}, "size": len(text), **fields} for text in texts))


def large(code: str, *, scale: int = 1, seconds: float = 0.0, name: str = "text", **more) -> RecordedCall:
    spelling = ArgumentsAsCode(scale=scale, arguments=((name, code),), seconds=seconds, **more)
    return RecordedCall(
        size=500,
        seconds=0.1,
        test="tests/test_a.py::test_b",
        described=((name, "str"),),
        kinds={name: "positional"},
        spelling=spelling,
    )


# -- drawing -------------------------------------------------------------------------------------------


def test_all_calls_are_drawn_as_long_as_there_is_room():
    sample = sampling.CallSample()
    assert [sample.draw() for _ in range(sampling.SIZE)] == list(range(sampling.SIZE))


def test_each_call_is_as_likely_as_any_other():
    """The mean of the numbers drawn is that of all; with 200 samples of 64 its standard error is 0.5 % of the range."""
    calls, means = 3_000, []
    for seed in range(200):
        sample = sampling.CallSample()
        sample._random = random.Random(seed)
        kept: dict[int, int] = {}
        for number in range(calls):
            if (place := sample.draw()) is not None:
                kept[place] = number
        means.append(sum(kept.values()) / len(kept))
    assert sum(means) / len(means) == pytest.approx(calls / 2, rel=0.02)


def test_the_random_numbers_of_the_target_stay_as_they_were():
    random.seed(5)
    before = random.getstate()
    sample = sampling.CallSample()
    for _ in range(1_000):
        sample.draw()
    assert random.getstate() == before


SPELLED = {
    "sampled": False,
    "statements": [],
    "needs": [],
    "files": {},
    "data": {},
    "stand_ins": {},
    "arguments": {"a": "1"},
    "imports": ["import re"],
}


@pytest.mark.parametrize(
    "more",
    [
        {"sampled": True},
        {"statements": ["cart = Cart()"]},
        {"needs": ["rng"]},
        {"files": {"a": "1"}},
        {"data": {"a": "1"}},
        {"stand_ins": {"a": "Fake"}},
        {"arguments": {"a": "x" * (sampling.LONGEST + 1)}},
        {"arguments": {"a": "[\n1]"}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_calls_without_short_code_are_not_kept(more):
    assert sampling.short({**SPELLED, **more}) is None


def test_a_short_spelling_is_kept():
    assert sampling.short(SPELLED) == {"arguments": {"a": "1"}, "imports": ["import re"]}
    assert sampling.short(None) is None


# -- choosing ------------------------------------------------------------------------------------------


def test_the_calls_are_different_and_from_small_to_large():
    sample = typical_sample(drawn("'ccc'", "'a'", "'bb'", "'a'"), None)
    assert [dict(call.arguments)["text"] for call in sample.calls] == ["'a'", "'bb'", "'ccc'"]
    assert sample.drawn == 4


def test_many_calls_are_chosen_evenly_by_size():
    sample = typical_sample(drawn(*(f"'{'x' * size}'" for size in range(1, 64))), None)
    sample = reproducible(sample, ["int"] * 63)
    sizes = [call.size for call in sample.calls]
    assert len(sizes) == CHOSEN
    assert (sizes[0], sizes[-1]) == (3, 65)
    assert max(late - early for early, late in pairwise(sizes)) <= 5


@pytest.mark.parametrize(
    "calls",
    [seen(), drawn("'a'"), drawn("'a'", "'a'"), seen(*drawn("'a'", "'b'").calls, None, None, None), seen(None, None)],
    ids=["nothing", "one", "one, twice", "most have no spelling", "none has one"],
)
def test_there_is_no_sample_of(calls):
    assert typical_sample(calls, None) is None


def test_samples_of_several_runs_are_combined_whole():
    """A file of tests with many calls does not outweigh one with few."""
    both = combined([DrawnCalls(drawn("'few'").calls, 1), DrawnCalls(drawn("'many'", "'more'").calls, 9_900), seen()])
    assert both == DrawnCalls((*drawn("'few'").calls, *drawn("'many'", "'more'").calls), 9_901)
    assert combined([]) == seen()


@pytest.mark.parametrize(
    "call",
    [
        large("'a b ' * 300", scale=100),
        large("'x'", seconds=REALISTIC),
        large("rng.choice('a')", needs=("rng",)),
        large(f"'{'x' * LONGEST}'"),
        large("'x'", name="other"),
    ],
    ids=["scaled", "takes long", "built", "long", "other parameters"],
)
def test_other_large_calls_are_not_in_the_sample(call):
    assert len(typical_sample(drawn("'a'", "'b'"), call).calls) == 2


def test_large_call_is_not_a_small_call():
    assert is_small_call(large("'x'"))
    assert not is_small_call(large("'x'", scale=10))


@pytest.mark.parametrize(
    ("returned", "kept"),
    [
        (["int", "int", "int", "int"], 4),
        (["int", None, "int", "str"], 2),
        (["int", None, "str", None], None),
        ([None, None, None, None], None),
    ],
)
def test_calls_with_another_result_are_left_out(returned, kept):
    """What a test had set up before is not among the arguments."""
    found = reproducible(typical_sample(drawn("'a'", "'b'", "'c'", "'d'"), None), returned)
    assert (found and len(found.calls)) == kept


def test_calls_of_a_constructor_return_the_class():
    sample = typical_sample(drawn("'a'", "'b'"), None)
    assert reproducible(sample, ["Version", "Version"]) is None
    assert reproducible(sample, ["Version", "Version"], constructed="Version").calls == sample.calls
    assert reproducible(sample, ["Other", "Other"], constructed="Version") is None


def test_calls_that_execute_what_head_changes_go_alone():
    sample = typical_sample(drawn("'a'", "'b'", "'c'", "'d'"), None)
    found = reproducible(sample, ["int"] * 4, [True, False, True, False])
    assert ([dict(call.arguments)["text"] for call in found.calls], found.reaching) == (["'a'", "'c'"], 2)
    # A single one is no list of calls, and none is no choice.
    for reached in ([True, False, False, False], [False] * 4):
        assert len(reproducible(sample, ["int"] * 4, reached).calls) == 4


# -- writing -------------------------------------------------------------------------------------------


def definition(name: str):
    return next(each for each in definitions(SOURCE, "app.py") if each.name == name)


def test_varying_arguments_are_a_list():
    calls = drawn("[1, 2]", "[3]", name="numbers", start="7")
    sampled = compose_sample(typical_sample(calls, None), "app:total", definition("total"))
    assert sampled.entries == ("[3]", "[1, 2]")
    assert sampled.expression(sampled.code.call) == "[total(numbers, 7) for numbers in calls]"


def test_objects_vary_under_the_name_of_their_class():
    calls = [
        {"arguments": {"self": f"Version('{number}')", "part": f"'{number}'", "by": "1"}, "imports": [], "size": 1, "returns": "str",
         "kinds": {"self": "positional", "part": "positional", "by": "keyword"}}
        for number in range(2)
    ]  # fmt: skip
    sampled = compose_sample(typical_sample(seen(*calls), None), "app:Version.bump", definition("Version.bump"))
    assert sampled.entries == ("(Version('0'), '0')", "(Version('1'), '1')")
    assert sampled.expression(sampled.code.call) == "[version.bump(part) for version, part in calls]"


def test_the_large_call_is_an_element_of_the_same_shape():
    call = large("[rng.random() for _ in range(9_000)]", name="numbers", scale=10, needs=("rng",))
    call = call.model_copy(
        update={"spelling": call.spelling.model_copy(update={"arguments": (*call.spelling.arguments, ("start", "7"))})}
    )
    sample = typical_sample(drawn("[1, 2]", "[3]", name="numbers", start="7"), None)
    sampled = compose_sample(sample, "app:total", definition("total"), large=call)
    lines = large_call(call, sampled)
    assert lines == ("rng = random.Random(0)", "numbers = [rng.random() for _ in range(9_000)]", "return [numbers]")
    assert "import random" in sampled.code.imports


def test_an_object_that_the_large_call_makes_is_not_the_imported_one_of_its_name():
    call = large("numbers", name="numbers", statements=("numbers = Numbers()", "numbers.count = 3"))
    sample = typical_sample(seen(*(each | {"arguments": {"numbers": "numbers", "start": start}}
                                   for start in "12" for each in drawn("[1]").calls)), None)  # fmt: skip
    spelling = call.spelling.model_copy(update={"arguments": (("numbers", "numbers"), ("start", "3"))})
    call = call.model_copy(update={"spelling": spelling})
    sampled = compose_sample(sample, "app:total", definition("total"), large=call)
    assert sampled.entries == ("(numbers, 1)", "(numbers, 2)")
    assert large_call(call, sampled)[-1] == "return [(numbers, 3)]"


def written(sample, call, target="app:total", *, ran="tests/test_a.py", largest=9, **more) -> str:
    sizes = {"calls": 9, "size": largest // 3, "largest": largest}
    recording = Recording(item="item", target=target, ran=(ran,), call=call, sample=sample, **sizes)
    detection = DETECTION.model_copy(update={"target": target, **more})
    return from_recording(
        recording, detection, path="tests/benchmarks/test_benchmark_total.py", source=SOURCE, templates=None
    ).text


def run_of(text: str, fixture: str = "") -> list:
    """Run a written benchmark whose project is made of names alone; return the arguments of each call."""
    got: list = []
    names: dict = {}
    code = text.replace("from app import total", "").replace("from app import squares", "")
    exec(compile(code, "test", "exec"), names)
    names["total"] = names["squares"] = lambda *args: got.append(args) or iter(())
    test = next(value for name, value in names.items() if name.startswith("test_benchmark"))
    test(lambda function, *args: function(*args), *([names[fixture]] if fixture else []))
    return got


def test_small_calls_are_a_benchmark_of_their_own():
    sample = typical_sample(drawn("[1, 2]", "[3]", name="numbers"), large("[5, 6]", name="numbers"))
    text = written(sample, large("[5, 6]", name="numbers"))
    assert run_of(text) == [([3],), ([1, 2],), ([5, 6],)]
    assert '"""Time 3 typical calls of total."""' in text
    assert "parametrize" not in text


def test_large_call_is_a_case_of_the_same_test():
    sample = typical_sample(drawn("[1, 2]", "[3]", name="numbers"), None)
    text = written(sample, large("[5] * 1_000", name="numbers", scale=100))
    assert run_of(text, "typical") == [([3],), ([1, 2],)]
    assert run_of(text, "largest") == [([5] * 1_000,)]
    assert text.count("def test_") == 1
    assert '"""Return the largest of the recorded calls, its sizes times 100."""' in text


def test_a_call_that_is_neither_larger_nor_longer_than_all_others_is_no_case():
    sample = typical_sample(drawn("[1, 2]", "[3]", name="numbers"), None).model_copy(update={"seconds": 1.0})
    call = large("[5]", name="numbers", seconds=REALISTIC).model_copy(update={"size": 3})
    assert "parametrize" not in written(sample, call)
    assert "parametrize" in written(sample, call.model_copy(update={"size": 100}))
    longer = call.spelling.model_copy(update={"seconds": 2.0})
    assert "parametrize" in written(sample, call.model_copy(update={"spelling": longer}))


def test_peak_memory_is_that_of_the_large_call():
    sample = typical_sample(drawn("[1, 2]", "[3]", name="numbers"), None)
    domain = DETECTION.domain.model_copy(update={"domains": ("mem",)})
    text = written(sample, large("[5] * 1_000", name="numbers", scale=100), domain=domain)
    assert run_of(text) == [([5] * 1_000,)]


def test_memory_of_a_small_object_is_that_of_many():
    domain = DETECTION.domain.model_copy(update={"domains": ("mem",)})
    call = large("'1.2'", name="text").model_copy(update={"peaks": Peaks(base=152, head=96)})
    text = written(None, call, target="app:Version.__init__", domain=domain)
    assert "return [Version('1.2') for _ in range(10_000)]" in text
    assert "10,000 objects are alive at a time: one alone takes too little memory." in text
    assert "range(10_000)" not in written(None, call, target="app:Version.__init__")


def test_empty_arguments_are_described_without_sizes():
    call = large("[]", name="numbers").model_copy(update={"size": 0})
    text = " ".join(written(None, call, largest=0).split())
    assert "None of the 9 recorded calls has larger arguments." in text
    assert "elements" not in text
    assert "They hold 500 characters or elements" in " ".join(written(None, large("[]", name="numbers")).split())


def test_generators_are_consumed():
    sample = typical_sample(drawn("[1, 2]", "[3]", name="numbers"), None).model_copy(update={"lazy": True})
    assert "return [list(squares(numbers)) for numbers in calls]" in written(sample, None, "app:squares")


def test_the_docstring_names_the_files_whose_calls_were_drawn():
    sample = typical_sample(DrawnCalls(drawn("[1, 2]", "[3]", name="numbers").calls, 700), None)
    recording = Recording(
        item="item",
        target="app:total",
        ran=("tests/test_a.py", "tests/test_b.py"),
        calls=900,
        size=3,
        largest=9,
        sample=sample,
    )
    detection = DETECTION.model_copy(update={"target": "app:total"})
    text = from_recording(
        recording, detection, path="tests/benchmarks/test_benchmark_total.py", source=SOURCE, templates=None
    ).text
    assert (
        "different ones of the 700 that were recorded while tests/test_a.py and tests/test_b.py ran, drawn at random."
        in " ".join(text.split())
    )


def test_docstring_has_origin_and_size_of_the_calls():
    text = " ".join(written(typical_sample(drawn("[1, 2]", "[3]", name="numbers"), None), None).split())
    assert "The typical calls are 2 different ones of the 2 that were recorded while tests/test_a.py ran." in text
    assert "Their arguments hold 3 to 6 characters or elements, those of all recorded calls 3 in the median." in text


@pytest.mark.parametrize(
    ("ran", "shown"), [("tests/my folder/test_a.py", "tests/my folder/test_a.py"), (COMMAND, "a program that calls it")]
)
def test_docstring_names_test_files_but_not_the_manifests_command(ran, shown):
    text = written(typical_sample(drawn("[1, 2]", "[3]", name="numbers"), None), None, ran=ran)
    assert f"that were recorded while {shown} ran." in " ".join(text.split())
