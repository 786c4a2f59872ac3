"""The rules that a benchmark test is held against; a new one is an entry here, and a check that names it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, why it matters, how a finding is mended.

    A `fatal` one means that the benchmark measures something else than it says; a finding of an `automatic` one has one
    right answer, which `prprep lint --fix` writes.
    """

    name: str
    why: str
    fix: str
    fatal: bool = False
    automatic: bool = False


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "target-patched",
            "what is measured is the replacement, and not the function under test",
            "remove the patch; where the function cannot run without it, patch what it calls at the boundary of a model or the network",
            fatal=True,
        ),
        Rule(
            "mock-not-at-boundary",
            "code that is replaced is not measured; only model inference and the network have to be",
            "let the real code run, or replace the call of the model or of the network that it comes to",
        ),
        Rule(
            "mock-allocates-nothing",
            "the real call allocates: with a mock that does not, a comparison of memory shows no difference",
            "allocate in the mock what the real call does, as a named constant: `_buffer = bytearray(PREDICT_BYTES)`",
        ),
        Rule(
            "mock-wrong-type",
            "what the real call returns is of another type, so that the code behind it takes another way or has to be patched too",
            "return the real type from the mock, empty where that will do",
            fatal=True,
        ),
        Rule(
            "property-on-instance",
            "a property belongs to the type: on an instance it cannot be set, or the patch is not what is read",
            "patch it on the type: `patch.object(type(config), NAME, new_callable=PropertyMock, ...)`",
            fatal=True,
            automatic=True,
        ),
        Rule(
            "configuration-patched",
            "users run with the defaults: another configuration measures another case, and the patch breaks when the setting moves",
            "use the real defaults; a property that must change is patched on its type with PropertyMock",
        ),
        Rule(
            "toy-input",
            "a call this short is mostly the cost of calling, and says nothing of inputs as they occur",
            "use an input of realistic size, built before the call",
        ),
        Rule(
            "several-functions",
            "a difference cannot be told apart by function, and one may hide the other's",
            "write one test for each function",
        ),
        Rule(
            "wrong-name",
            "a benchmark that is not named after its function is not found for it, or not collected at all",
            "name the file `test_benchmark_<function>.py` and the test `test_benchmark_<function>`",
            automatic=True,
        ),
        Rule(
            "wrong-place",
            "outside of the project's benchmarks root it runs with the ordinary tests, or not at all",
            "move it there",
            automatic=True,
        ),
        Rule(
            "setup-measured",
            "the time of making the input is added to both sides, and makes every difference look smaller",
            "make the input before the call, or in `benchmark.pedantic(setup=...)` where every round needs its own; where a marker alone "
            "has the whole test measured, hand the call to the fixture `benchmark`",
        ),
        Rule(
            "lazy-result",
            "a generator that nobody consumes does no work: what is measured is its making alone",
            "consume it in the measured call: `benchmark(lambda: list(function(...)))`, or `collections.deque(..., maxlen=0)`",
            fatal=True,
        ),
        Rule(
            "inputs-changed",
            "the first round leaves other inputs than it found, so that every later round measures something else",
            "make the input anew for every round: `benchmark.pedantic(function, setup=..., rounds=...)`",
            fatal=True,
        ),
        Rule(
            "no-benchmark",
            "of what is not handed to the `benchmark` fixture, pytest-benchmark measures nothing",
            "write a test that takes the `benchmark` fixture and hands the function to it; a marker alone will do where the project uses "
            "pytest-codspeed, and has the whole test measured",
            fatal=True,
        ),
    )
}

ABOUT = """What a benchmark is held against by the step `lint` and by `prprep lint PATH`, by reading it and by running it once. With a
fatal finding it measures something else than it says, and the item needs review. A comment cannot switch a rule off;
`lint: {ignore: [RULE]}` in the manifest does, for an item. The table is `tasks/benchmark_tests/linting/rules.py`."""


def document() -> str:
    """Write the table down, for docs/rules.md."""
    rows = [f"| `{rule.name}` | {rule.why} | {_escaped(rule.fix)} | {_kind(rule)} |" for rule in RULES.values()]
    return (
        "\n".join(
            (
                "# Rules for benchmarks",
                "",
                ABOUT,
                "",
                "| rule | why it matters | the fix | |",
                "|---|---|---|---|",
                *rows,
            )
        )
        + "\n"
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _kind(rule: Rule) -> str:
    return ", ".join([*(["fatal"] if rule.fatal else []), *(["`--fix`"] if rule.automatic else [])])
