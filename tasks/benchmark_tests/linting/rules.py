"""The rules for benchmark tests; a new rule is an entry here and a check that names it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: why it matters, and how to fix a violation.

    A benchmark that breaks a `fatal` rule measures something other than it says. A violation of an `automatic` rule has
    one right answer, which `prprep lint --fix` writes.
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
            "the replacement is measured instead of the function under test",
            "remove the patch; if the function cannot run without it, patch the model or the network that it calls",
            fatal=True,
        ),
        Rule(
            "mock-not-at-boundary",
            "code that is replaced is not measured; only model inference and the network need a mock",
            "let the real code run, or replace its call of the model or the network",
        ),
        Rule(
            "mock-allocates-nothing",
            "the real call allocates: with a mock that does not, a comparison of memory shows no difference",
            "allocate in the mock what the real call does, as a named constant: `_buffer = bytearray(PREDICT_BYTES)`",
        ),
        Rule(
            "mock-wrong-type",
            "the real call returns another type, so the code after it takes another path or has to be patched too",
            "return the real type from the mock, empty if that is enough",
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
            "users run with the defaults: another configuration measures another case, and the patch breaks when the "
            "setting moves",
            "use the real defaults; patch a property that must change on its type, with PropertyMock",
        ),
        Rule(
            "toy-input",
            "a call this short is mostly the cost of calling, and says nothing about realistic inputs",
            "use an input of realistic size, built before the call",
        ),
        Rule(
            "several-functions",
            "a difference cannot be attributed to one function, and one may hide the other's",
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
            "outside the project's benchmarks root it runs with the ordinary tests, or not at all",
            "move it there",
            automatic=True,
        ),
        Rule(
            "setup-measured",
            "the time of making the input is added to both sides and makes every difference look smaller",
            "make the input before the call, or in `benchmark.pedantic(setup=...)` if every round needs its own; if a "
            "marker has the whole test measured, pass the call to the `benchmark` fixture",
        ),
        Rule(
            "lazy-result",
            "a generator that nothing consumes does no work: only its creation is measured",
            "consume it in the measured call: `benchmark(lambda: list(function(...)))`",
            fatal=True,
        ),
        Rule(
            "inputs-changed",
            "the first round changes the inputs, so that every later round measures something else",
            "make the input anew for every round: `benchmark.pedantic(function, setup=..., rounds=...)`",
            fatal=True,
        ),
        Rule(
            "no-benchmark",
            "pytest-benchmark measures only what is passed to the `benchmark` fixture",
            "write a test that takes the `benchmark` fixture and passes the function to it; a marker is enough if the "
            "project uses pytest-codspeed, which then measures the whole test",
            fatal=True,
        ),
    )
}
