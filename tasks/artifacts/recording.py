"""What was seen of real calls of a function."""

from pydantic import Field

from ..storage.artifact import Artifact, Record

LARGEST_FILE = 128 * 1024
"""Bytes of a file that is kept beside a benchmark: a repository keeps it for good. The recorder has the same limit."""


class Spelling(Record):
    """The arguments of a recorded call as code, its sizes multiplied by `scale`; `seconds` of such a call, 0 where it was not tried.

    `needs` are `rng`, `np_rng` and `tmp_path`, which the code uses, and `anew` where every call needs its arguments anew;
    `files` are texts, as code, of small files by their names; `statements` make objects that were changed after they were made.
    `data` are files that lie beside the test (base64 by name), `reasons` says of parameters why they are kept in one.
    `fixtures` of the project give what has no spelling, under their names.
    `size` is how much the inputs hold, 0 where the call has none that it names.
    """

    scale: int
    arguments: tuple[tuple[str, str], ...]
    """Parameters in their order, each with its code."""
    imports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    statements: tuple[str, ...] = ()
    data: dict[str, str] = Field(default_factory=dict)
    reasons: dict[str, str] = Field(default_factory=dict)
    fixtures: tuple[str, ...] = ()
    seconds: float = 0.0
    size: int = 0


class FakeMethod(Record):
    """A method that was called of an object at a boundary: the code of what it `returns`, and the `bytes` that it allocates at its peak.

    `measured` says where the bytes are from, in words.
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
    """What stands for a model or the network: a class of that name, given for a parameter."""

    name: str
    parameter: str
    methods: tuple[FakeMethod, ...]


class RecordedCall(Record):
    """A call of the target as the project's tests or a script made it.

    `described` says in words what each parameter got, `kinds` how it is passed; `test` is the test that ran. `lazy` says
    that the result is a generator, `changes` that the call changes what it is given.
    """

    size: int
    seconds: float
    test: str
    described: tuple[tuple[str, str], ...]
    kinds: dict[str, str]
    spelling: Spelling
    fakes: tuple[Fake, ...] = ()
    lazy: bool = False
    changes: bool = False


class SampledCall(Record):
    """A call as it was made: parameters in their order, each with its code; `size` is how much its inputs hold.

    `returns` is the type that it returned, "" where it is known to return what it should.
    """

    arguments: tuple[tuple[str, str], ...]
    imports: tuple[str, ...] = ()
    size: int
    returns: str = ""


class Sample(Record):
    """Different calls, by size, out of a random sample of every run's: what is typical.

    `drawn` is how many calls the samples had, `looked` out of how many they were drawn, `lazy` says that they return generators.
    """

    calls: tuple[SampledCall, ...]
    kinds: dict[str, str]
    drawn: int
    looked: int
    lazy: bool = False


class Recording(Artifact):
    """What was seen of the target's calls; `call` is a large one that a benchmark is written from, `sample` are typical ones.

    Both are None where none can be written. `ran` is what was run, `calls` how many calls there were, `seconds` and `size`
    their medians, `largest` the largest size; `defaults` are those of the parameters at base, as code; `unwritten` says of
    parameters why they have no spelling, `effects` what calls do beside computing.
    """

    SCHEMA = 2
    STAGE = "record"

    item: str
    target: str = ""
    ran: tuple[str, ...] = ()
    calls: int = 0
    seconds: float = 0.0
    size: int = 0
    largest: int = 0
    defaults: dict[str, str] = Field(default_factory=dict)
    call: RecordedCall | None = None
    sample: Sample | None = None
    unwritten: dict[str, str] = Field(default_factory=dict)
    effects: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
