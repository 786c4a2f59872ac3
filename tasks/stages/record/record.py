"""Record real calls of a function that has no benchmark, while the project's own tests or a script run at base."""

from __future__ import annotations

import base64
import posixpath
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...artifacts import Detection, Fake, FakeMethod, RecordedCall, Recording, Sample, Spelling, TreeSpec
from ...bench import trees
from ...bench.machine import lock_path
from ...bench.observing.recording import RecordingSite, allocations_of_fakes, record, record_command, try_code
from ...bench.setup import SideEnvironment, side_of
from ...benchmark_tests.linting.boundaries import INFERENCE, NETWORK
from ...benchmark_tests.search import usage
from ...benchmark_tests.writing.recorded_code import compose, defaults_of
from ...benchmark_tests.writing.sampled_code import compose_sample
from ...benchmark_tests.writing.sampling import REALISTIC, DrawnCalls, combined, reproducible, typical_sample
from ...environments import builder
from ...project.code.imported_names import short_name
from ...project.code.sources import Sources
from ...project.files import FolderTree, Project
from ...project.pytest_config import PYTHON_FILES, UNITTEST_FILES, in_side_folder, is_test_file, python_files
from . import lacks_benchmark

if TYPE_CHECKING:
    from ...bench.workers.channel import Message
    from ...manifest.model import Optimization
    from ...project.code.sources import LocatedDefinition
    from ...staleness import StageInputs

SECONDS = 120.0
"""For all that is run, unless the item's `timeout` is shorter."""
FILES = 12
TOO_LONG = 5.0
BY_MEMRAY, BY_MANIFEST = "by memray", "boundary_bytes of the manifest"


def run(inputs: StageInputs) -> None:
    """Record calls at base; where a benchmark exists or is described, nothing is run."""
    if not inputs.applies(lacks_benchmark):
        inputs.write(Recording(item=inputs.item_id, notes=("there is a benchmark already",)))
        return
    detection = inputs.read(Detection)
    why_not = _nothing_to_call(detection)
    inputs.write(Recording(item=inputs.item_id, notes=(why_not,)) if why_not else _recorded(inputs, detection))


def _nothing_to_call(detection: Detection) -> str:
    """Return why no calls can be recorded, "" if they can."""
    if ":" not in (detection.target or ""):
        return "no function is known that could be called"
    return "what is measured is an import" if detection.domain.domains[:1] == ("struct",) else ""


def _recorded(inputs: StageInputs, detection: Detection) -> Recording:
    item, cache, report = inputs.settings, inputs.cache, inputs.report
    target = detection.target or ""
    added = {function.target for function in detection.functions if function.status == "added"}
    commit = detection.head if target in added and not detection.picked else detection.base
    with inputs.clone(commit) as clone:
        tree = trees.prepare(clone, TreeSpec(commit=commit, tree=clone.tree_of(commit)), {}, cache=cache)
    built = builder.build(tree, detection.layout, item.env, cache=cache, report=report)
    side = side_of(SideEnvironment(commit, tree, built), detection.layout, item)
    depth = len(posixpath.join(detection.layout.benchmarks_root, "test.py").split("/")) - 1
    place = RecordingSite(
        side,
        detection.layout.project,
        depth,
        tuple(sorted(INFERENCE | NETWORK | set(item.lint.boundaries))),
        lock_path(cache),
        stem=f"benchmark_{short_name(target)}",
        root=detection.layout.benchmarks_root,
    )
    sources = Sources(FolderTree(tree), detection.layout.import_roots)
    found = sources.try_find(target)
    if found is not None and found.definition.kind == "class":  # calling it is calling its constructor
        target = f"{target}.__init__"
        made = sources.try_find(target)
        found = made if made and made.definition.name == target.partition(":")[2] else None
    if found is None or found.definition.kind != "function":
        return Recording(item=item.id, target=target, notes=(f"{target} is no function of this commit",))
    seconds = min(SECONDS, item.timeout or SECONDS)
    if item.drive:
        ran: Sequence[str] = (item.drive,)
        seen, notes = record_command(place, target, item.drive, seconds=seconds, report=report)
    else:
        ran = relevant_tests(sources, found, python_files(Project(sources.tree, detection.layout.project)))
        seen, notes = record(place, target, ran, seconds=seconds, report=report)
    return _Chooser(item, target, found, place, detection).chosen(seen, tuple(ran), tuple(notes))


def relevant_tests(
    sources: Sources, found: LocatedDefinition, patterns: Sequence[str] = PYTHON_FILES
) -> tuple[str, ...]:
    """Return the project's test files that may call a function: those that name it, then those that use its module.

    Among these first the ones that are called after the module, and those that lie less deep.
    """
    patterns = (*patterns, *UNITTEST_FILES)
    tests = [path for path in sources.tree.files() if is_test_file(path, patterns) and not in_side_folder(path)]
    ranked = [(rank, path) for path in tests if (rank := usage(path, sources.tree.read(path) or b"", sources, found))]
    word = posixpath.basename(found.path).removesuffix(".py")
    words = {word, posixpath.basename(posixpath.dirname(found.path))} if word == "__init__" else {word}

    def near(each: tuple[int, str]) -> tuple[int, bool, int, str]:
        rank, path = each
        return -rank, not any(word in posixpath.basename(path) for word in words), path.count("/"), path

    return tuple(path for _, path in sorted(ranked, key=near))[:FILES]


@dataclass(frozen=True, slots=True)
class _Chooser:
    """Chooses among recorded calls a large one and typical ones, which a benchmark is written from."""

    item: Optimization
    target: str
    found: LocatedDefinition
    place: RecordingSite
    detection: Detection

    def chosen(self, seen: Sequence[Message], ran: tuple[str, ...], notes: tuple[str, ...]) -> Recording:
        kept = sorted((call for each in seen for call in each["kept"]), key=lambda call: -call["size"])
        seconds = [took for each in seen for took in each["seconds"]]
        sizes = [size for each in seen for size in each["sizes"]]
        call, failed = self._working(kept)
        effects = tuple(dict.fromkeys(effect for each in seen for effect in each["effects"]))
        drawn = combined([DrawnCalls(tuple(each["sample"]), each["looked"]) for each in seen])
        plain = not (effects or self.found.definition.is_async or (call and call.fakes))
        unwritten = {name: why for each in seen for name, why in each["unwritten"].items()}
        calls = sum(each["calls"] for each in seen)
        return Recording(
            item=self.item.id,
            target=self.target,
            ran=ran,
            calls=calls,
            seconds=statistics.median(seconds) if seconds else 0.0,
            size=round(statistics.median(sizes)) if sizes else 0,
            largest=max(sizes, default=0),
            defaults=defaults_of(self.found.definition),
            call=self._with_allocations(call) if call else None,
            sample=self._tried_sample(typical_sample(drawn, call)) if plain else None,
            unwritten={} if call else unwritten,
            effects=effects,
            notes=(*notes, *failed, *self._uncalled(calls, ran)),
        )

    @property
    def _made(self) -> str:
        """The class that is called in the place of its constructor; else ""."""
        owner, _, method = self.target.rpartition(":")[2].rpartition(".")
        return owner if method == "__init__" else ""

    def _uncalled(self, calls: int, ran: tuple[str, ...]) -> tuple[str, ...]:
        if calls:
            return ()
        if self.item.drive:
            return (f"the command of `drive` does not call {self.target}",)
        tried = (
            f": {', '.join(ran)} {'was' if len(ran) == 1 else 'were'} run" if ran else "; none names it or its module"
        )
        return (f"no test of the project calls {self.target}{tried}",)

    def _working(self, kept: Sequence[Message]) -> tuple[RecordedCall | None, tuple[str, ...]]:
        """Return the largest call whose code runs, scaled up until it takes long enough or no longer works.

        Where what is made of samples does not run, files hold all of it.
        """
        failed: list[str] = []
        for call in kept:
            best: RecordedCall | None = None
            why = ""
            for spelled in call["spelled"]:
                tried = self._tried(call, spelled)
                if isinstance(tried, str):
                    why = tried
                    break
                if best is not None and tried.spelling.seconds > TOO_LONG:
                    break
                best = tried
                if tried.spelling.seconds >= REALISTIC:
                    break
            if best is None and call["kept"]:
                again = self._tried(call, call["kept"], refused=why)
                best, why = (None, again) if isinstance(again, str) else (again, why)
            if best is not None:
                return best, ()
            failed.append(f"a call of {call['test'] or 'the command'}, written as code, fails: {why}")
        return None, tuple(dict.fromkeys(failed))[:3]

    def _tried_sample(self, sample: Sample | None) -> Sample | None:
        """Keep the sampled calls that do as code what they did when recorded; None where most do not, or change what they are given."""
        if sample is None:
            return None
        sampled = compose_sample(sample, self.target, self.found.definition)
        defined, attempts = sampled.attempts()
        setup = (*sampled.code.imports, f"calls = {sampled.listed}", *sampled.code.setup, defined)
        order = {"setup": "\n".join(setup), "call": attempts, "inputs": ["calls"], "awaited": False, "tell": True}
        answer = try_code(self.place, order)
        if "raised" in answer or answer["changes"]:
            return None
        lazy = any(is_iterator for _, is_iterator in answer["value"])
        found = reproducible(sample, [kind for kind, _ in answer["value"]], constructed=self._made)
        return found and found.model_copy(update={"lazy": lazy})

    def _with_allocations(self, call: RecordedCall) -> RecordedCall:
        """Say what the boundaries allocate: the manifest knows best, then memray, then what the recorder itself has seen."""
        if not call.fakes:
            return call
        given = self.item.boundary_bytes
        peaks, why_not = (
            allocations_of_fakes(self.place, self.target, self.item.drive or "", call) if given is None else ({}, "")
        )
        fakes = []
        for fake in call.fakes:
            methods = []
            for method in fake.methods:
                size = peaks.get(f"{fake.parameter}:{method.method}") if given is None else given
                seen = f"by tracemalloc and resident memory, not memray: {why_not or 'it was not reached again'}"
                measured = seen if size is None else BY_MEMRAY if given is None else BY_MANIFEST
                methods.append(
                    method.model_copy(update={"bytes": method.bytes if size is None else size, "measured": measured})
                )
            fakes.append(fake.model_copy(update={"methods": tuple(methods)}))
        return call.model_copy(update={"fakes": tuple(fakes)})

    def _tried(self, call: Message, spelled: Message, *, refused: str = "") -> RecordedCall | str:
        failed = (
            f"built from a part of it, the call fails ({refused})"
            if refused
            else "a part of it, repeated, was not tried"
        )
        reasons = {name: why or failed for name, why in spelled["reasons"].items()}
        spelling = Spelling(
            scale=spelled["scale"],
            arguments=tuple(spelled["arguments"].items()),
            imports=tuple(spelled["imports"]),
            needs=tuple(spelled["needs"]),
            files=spelled["files"],
            statements=tuple(spelled["statements"]),
            data=spelled["data"],
            reasons=reasons,
            fixtures=tuple(dict.fromkeys(spelled["fixtures"])),
        )
        told = RecordedCall(
            size=call["size"],
            seconds=call["seconds"],
            test=call["test"],
            described=tuple(call["described"].items()),
            kinds=call["kinds"],
            spelling=spelling,
            fakes=tuple(_fake(fake) for fake in call["fakes"]),
        )
        code = compose(told, self.target, self.found.definition)
        order = {
            "setup": "\n".join((*code.imports, *code.definitions, *code.patches, *code.setup)),
            "call": code.call,
            "inputs": code.inputs,
            "awaited": self.found.definition.is_async,
            "fixtures": spelling.fixtures,
        }
        answer = try_code(
            self.place, order, {name: base64.b64decode(content) for name, content in spelling.data.items()}
        )
        if "raised" in answer:
            return str(answer["raised"])
        returns = self._made or call["returns"]
        if spelling.scale == 1 and not answer["lazy"] and answer["returned"] != returns:
            return f"it returns a {answer['returned']}, the recorded call a {returns}"
        if spelling.fixtures and answer["changes"]:
            return "it changes what a fixture gives, so that every round would find something else"
        timed = spelling.model_copy(update={"seconds": answer["seconds"], "size": answer["size"]})
        return told.model_copy(
            update={"spelling": timed, "lazy": answer["lazy"], "changes": answer["changes"] or "anew" in spelling.needs}
        )


def _fake(told: Message) -> Fake:
    return Fake(
        name=told["name"], parameter=told["parameter"], methods=tuple(FakeMethod(**each) for each in told["methods"])
    )
