"""Recorded real calls of a function."""

from pydantic import Field

from ..manifest.model import Domain
from ..storage.artifact import Artifact, Record

LARGEST_FILE = 128 * 1024
"""Bytes of a data file next to a benchmark; git keeps it for good. The recorder has the same limit."""


class ArgumentsAsCode(Record):
    """The arguments of a recorded call as code, with sizes multiplied by `scale` and divided by `divisor`.

    `needs` lists which of `rng`, `np_rng` and `tmp_path` the code uses, and `anew` if every call needs new arguments.
    `files` maps names of small files to their texts, as code; `statements` build objects that were changed after their
    creation. `data` are files next to the test (base64 by name), `reasons` say why a parameter is in one; `document` is
    the path of the project's file that an argument is read from instead of a recorded value. `seconds` of such a call
    are 0 if it was not tried, `size` is that of the inputs, 0 if unknown.
    """

    scale: int
    divisor: int = 1
    arguments: tuple[tuple[str, str], ...]
    """Parameters in their order, each with its code."""
    imports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    statements: tuple[str, ...] = ()
    data: dict[str, str] = Field(default_factory=dict)
    reasons: dict[str, str] = Field(default_factory=dict)
    document: str = ""
    seconds: float = 0.0
    size: int = 0


class Peaks(Record):
    """The most bytes that a call allocates at a time on each side, by tracemalloc."""

    base: int
    head: int


class FakeMethod(Record):
    """A method called on an object at a boundary: what it `returns`, as code, and its peak allocation in `bytes`.

    `measured` says how the bytes were measured.
    """

    method: str
    parameters: tuple[str, ...]
    returns: str
    imports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    bytes: int
    calls: int
    measured: str = ""
    is_async: bool = False


class Fake(Record):
    """A replacement for a model or the network: a class `name`, passed for `parameter`."""

    name: str
    parameter: str
    methods: tuple[FakeMethod, ...]


class RecordedCall(Record):
    """A call of the target by the project's tests or a script.

    `described` describes each argument, `kinds` how it is passed; `test` is the test that ran. `returned` is the type
    of the result; `lazy` says that it is a generator, `changes` that the call changes its arguments, `reaches` that it
    executes lines that head changes, of which so many are `executed`, `reaches_once` that only its first call does.
    """

    size: int
    seconds: float
    test: str
    described: tuple[tuple[str, str], ...]
    kinds: dict[str, str]
    returned: str = ""
    spelling: ArgumentsAsCode
    fakes: tuple[Fake, ...] = ()
    lazy: bool = False
    changes: bool = False
    reaches: bool = True
    reaches_once: bool = False
    executed: int = 0
    peaks: Peaks | None = None


class SampledCall(Record):
    """A recorded call: parameters in order, each with its code; `size` is that of its inputs.

    `returns` is the type of the result, "" if the result is known to be right.
    """

    arguments: tuple[tuple[str, str], ...]
    imports: tuple[str, ...] = ()
    size: int
    returns: str = ""


class Sample(Record):
    """Different typical calls, by size, out of random samples of every run.

    The samples hold `drawn` calls out of `looked`; `lazy` says that they return generators. All calls together take
    `seconds`. Of those that work as code, `reaching` execute lines that head changes; if these are several, they alone
    are in the sample.
    """

    calls: tuple[SampledCall, ...]
    kinds: dict[str, str]
    drawn: int
    looked: int
    lazy: bool = False
    seconds: float = 0.0
    reaching: int = 0


class WorkloadTest(Record):
    """One of the project's own tests as code, without its assertions.

    `definitions` and `setup` run once, `body` and `result` (an expression, "" for none) are measured, `repeat` times in
    a round, which takes `seconds`; once takes `seconds_at_head` there; `share` is the part of them that is spent in the
    `changed_functions`, of which there are so many. So many lines that head changes are `executed`. `fixtures` are
    those that the code uses, `marks` choose the case of those with several; what they or the setup open `is_closed` in
    the end. One list of it is `scale` times as long as in the test, or its large numbers are divided by `divisor`.
    With `setup_each_round` the setup runs before every round, since the measured code changes what it makes. A test
    that `ignores_result` does not use the value of its last statement.
    """

    test: str
    imports: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    result: str = ""
    fixtures: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    is_closed: bool = False
    setup_each_round: bool = False
    ignores_result: bool = False
    repeat: int = 1
    scale: int = 1
    divisor: int = 1
    seconds: float = 0.0
    share: float = 0.0
    changed_functions: int = 1
    executed: int = 0
    seconds_at_head: float = 0.0
    peaks: Peaks | None = None


class Recording(Artifact):
    """Calls of `target`: a benchmark is written from `call`, a large one; `sample` are typical ones.

    If no call can be written as code, `workload` is a test of the project that can.

    The `target` is what the tests reach of the changed functions (`changed`), or a caller of it, if that has better
    input; `share` is the part of a call's time that is spent in the changed function, `reason` says why it was chosen.
    `call` and `sample` are None if none can be written so. `ran` lists the runs that ran a test or called the
    target; `failed` says why there is none though there was something to run. `calls` counts the calls, `seconds` and
    `size` are medians, `largest` is the largest size; `defaults` are the parameters' defaults at base, as code;
    `unwritten` says why parameters have no spelling, `effects` what calls do in addition to computing.
    """

    SCHEMA = 4
    STAGE = "record"

    item: str
    target: str = ""
    called_as: str = ""
    """The target by which the benchmark imports it: from where the project exports it."""
    changed: str = ""
    share: float = 1.0
    reason: str = ""
    ran: tuple[str, ...] = ()
    failed: str = ""
    calls: int = 0
    seconds: float = 0.0
    size: int = 0
    largest: int = 0
    defaults: dict[str, str] = Field(default_factory=dict)
    call: RecordedCall | None = None
    sample: Sample | None = None
    workload: WorkloadTest | None = None
    domains: tuple[Domain, ...] = ()
    """The domains that follow from what the chosen code allocates, or an import takes; () for what detect proposes."""
    unwritten: dict[str, str] = Field(default_factory=dict)
    effects: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether a benchmark can be written from it."""
        return bool(self.call or self.sample or self.workload)
