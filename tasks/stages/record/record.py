"""Record real calls of a function that has no benchmark, while the project's own tests or a command run at base."""

import base64
import posixpath
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...artifacts import Detection, Fake, FakeMethod, RecordedCall, Recording, Sample, Spelling, TreeSpec
from ...bench import trees
from ...bench.exclusive import cache_lock
from ...bench.observing.recording import RecordingSite, allocations_of_fakes, record, record_command, try_code
from ...bench.setup import SideEnvironment, side_of
from ...bench.workers.channel import Message
from ...benchmark_tests.linting.boundaries import INFERENCE, NETWORK
from ...benchmark_tests.search import usage
from ...benchmark_tests.writing.recorded_code import compose, defaults_of
from ...benchmark_tests.writing.sampled_code import compose_sample
from ...benchmark_tests.writing.sampling import REALISTIC, DrawnCalls, combined, reproducible, typical_sample
from ...environments import builder
from ...manifest.model import Optimization
from ...project.code.imported_names import short_name
from ...project.code.sources import LocatedDefinition, Sources, called_target
from ...project.files import FolderTree, Project
from ...project.pytest_config import PYTHON_FILES, UNITTEST_FILES, in_side_folder, is_test_file, python_files
from ...staleness import StageInputs
from . import lacks_benchmark

MOST_SECONDS = 120.0
"""For all runs together, unless the item's `timeout` is shorter."""
MOST_FILES = 12
TOO_LONG = 5.0
"""Seconds of a call that is not scaled up further."""
CONSUME = ("async def consumed(items):", "    return [item async for item in items]")
"""What a trial awaits of an asynchronous generator."""
BY_MEMRAY, BY_MANIFEST = "by memray", "boundary_bytes of the manifest"


def run(inputs: StageInputs) -> None:
    """Record calls at base, unless a benchmark exists or the manifest describes one."""
    if not inputs.applies(lacks_benchmark):
        inputs.write(Recording(item=inputs.item_id, notes=("a benchmark exists or is described in the manifest",)))
        return
    inputs.write(_recorded(inputs, inputs.read(Detection)))


def _recorded(inputs: StageInputs, detection: Detection) -> Recording:
    item, report, layout = inputs.settings, inputs.report, detection.layout
    if ":" not in (detection.target or ""):
        return Recording(item=item.id, notes=("no function is known that could be called",))
    if detection.domain.domains[:1] == ("struct",):
        return Recording(item=item.id, notes=("an import is measured",))
    site = _site(inputs, detection)
    sources = Sources(FolderTree(site.side.tree), layout.import_roots)
    target, located = _function(sources, detection.target or "")
    if located is None:
        return Recording(item=item.id, target=target, notes=(f"{target} is no function of this commit",))
    if not located.definition.called:
        return Recording(item=item.id, target=target, notes=(f"no name refers to {target}, so no code can call it",))
    called, site = called_target(target, located.definition), replace(site, definition=place_of(located))
    seconds = min(MOST_SECONDS, item.timeout or MOST_SECONDS)
    if item.drive:
        runs: tuple[str, ...] = (item.drive,)
        recordings, notes = record_command(site, called, item.drive, seconds=seconds, report=report)
    else:
        runs = relevant_tests(sources, located, python_files(Project(sources.tree, layout.project)))
        recordings, notes = record(site, called, runs, seconds=seconds, report=report)
    return _Chooser(item, target, located, site, called).recording(recordings, runs, notes)


def place_of(located: LocatedDefinition) -> tuple[str, int]:
    return located.path, located.definition.start


def _site(inputs: StageInputs, detection: Detection) -> RecordingSite:
    """Prepare base's tree and environment; head's for a function that head adds."""
    item, cache, layout, target = inputs.settings, inputs.cache, detection.layout, detection.target or ""
    added = {function.target for function in detection.functions if function.status == "added"}
    commit = detection.head if target in added and not detection.picked else detection.base
    with inputs.clone(commit) as clone:
        tree = trees.prepare(clone, TreeSpec(commit=commit, tree=clone.tree_of(commit)), {}, cache=cache)
    environment = builder.build(tree, layout, item.env, cache=cache, report=inputs.report)
    return RecordingSite(
        side_of(SideEnvironment(commit, tree, environment), layout, item),
        layout.project,
        depth=posixpath.join(layout.benchmarks_root, "test.py").count("/"),
        boundaries=tuple(sorted(INFERENCE | NETWORK | set(item.lint.boundaries))),
        lock=cache_lock(cache),
        stem=f"benchmark_{short_name(target)}",
        root=layout.benchmarks_root,
    )


def _function(sources: Sources, target: str) -> tuple[str, LocatedDefinition | None]:
    """Find the function to record, for a class its own constructor."""
    located = sources.try_find(target)
    if located is not None and located.definition.kind == "class":
        target = f"{target}.__init__"
        located = sources.try_find(target)
        if located is not None and located.definition.name != target.partition(":")[2]:
            return target, None  # inherited
    return target, located if located is not None and located.definition.kind == "function" else None


def relevant_tests(
    sources: Sources, definition: LocatedDefinition, patterns: Sequence[str] = PYTHON_FILES
) -> tuple[str, ...]:
    """Return the project's test files that may call a function: those that name it, then those that use its module.

    Among these, files named after the module come first, then files in fewer folders.
    """
    patterns = (*patterns, *UNITTEST_FILES)
    tests = [path for path in sources.tree.files() if is_test_file(path, patterns) and not in_side_folder(path)]
    usages = {path: usage(path, sources.tree.read(path) or b"", sources, definition) for path in tests}
    module = posixpath.basename(definition.path).removesuffix(".py")
    names = {module, posixpath.basename(posixpath.dirname(definition.path))} if module == "__init__" else {module}

    def rank(path: str) -> tuple[int, bool, int, str]:
        named = any(name in posixpath.basename(path) for name in names)
        return -usages[path], not named, path.count("/"), path

    return tuple(sorted((path for path in tests if usages[path]), key=rank)[:MOST_FILES])


@dataclass(frozen=True, slots=True)
class _Chooser:
    """Chooses a large call and typical ones among the recorded calls, for a benchmark to be written from."""

    item: Optimization
    target: str
    located: LocatedDefinition
    site: RecordingSite
    called: str
    """The target as code calls it."""

    def recording(self, recordings: Sequence[Message], runs: tuple[str, ...], notes: Sequence[str]) -> Recording:
        seconds = [took for each in recordings for took in each["seconds"]]
        sizes = [size for each in recordings for size in each["sizes"]]
        kept = sorted((call for each in recordings for call in each["kept"]), key=lambda call: -call["size"])
        call, failures = self._largest_working(kept)
        effects = tuple(dict.fromkeys(effect for each in recordings for effect in each["effects"]))
        drawn = combined([DrawnCalls(tuple(each["sample"]), each["looked"]) for each in recordings])
        is_pure = not (effects or self.located.definition.is_async or (call and call.fakes))
        unwritten = {name: why for each in recordings for name, why in each["unwritten"].items()}
        calls = sum(each["calls"] for each in recordings)
        return Recording(
            item=self.item.id,
            target=self.target,
            ran=runs,
            calls=calls,
            seconds=statistics.median(seconds) if seconds else 0.0,
            size=round(statistics.median(sizes)) if sizes else 0,
            largest=max(sizes, default=0),
            defaults=defaults_of(self.located.definition),
            call=self._with_allocations(call) if call else None,
            sample=self._tried_sample(typical_sample(drawn, call)) if is_pure else None,
            unwritten={} if call else unwritten,
            effects=effects,
            notes=(*notes, *failures, *(() if calls else (self._uncalled(runs),))),
        )

    @property
    def _constructed(self) -> str:
        """The class that a benchmark calls if the target is its constructor; else ""."""
        owner, _, method = self.target.rpartition(":")[2].rpartition(".")
        return owner if method == "__init__" else ""

    def _uncalled(self, runs: tuple[str, ...]) -> str:
        if self.item.drive:
            return f"the command of `drive` does not call {self.target}"
        if not runs:
            return f"no test of the project calls {self.target}; none names it or its module"
        were = "was" if len(runs) == 1 else "were"
        return f"no test of the project calls {self.target}: {', '.join(runs)} {were} run"

    def _largest_working(self, kept: Sequence[Message]) -> tuple[RecordedCall | None, tuple[str, ...]]:
        """Return the largest call that runs as code, and why larger ones do not."""
        failures = []
        for call in kept:
            best, failure = self._scaled_up(call)
            if best is None and call["kept"]:
                # Files hold the whole input if code built from a part of it does not run.
                whole = self._tried(call, call["kept"], refused=failure)
                best, failure = (None, whole) if isinstance(whole, str) else (whole, failure)
            if best is not None:
                return best, ()
            failures.append(f"a call of {call['test'] or 'the command'}, written as code, fails: {failure}")
        return None, tuple(dict.fromkeys(failures))[:3]

    def _scaled_up(self, call: Message) -> tuple[RecordedCall | None, str]:
        """Scale a call up until it takes long enough or fails; return the last one that runs, and the failure."""
        best: RecordedCall | None = None
        for spelled in call["spelled"]:
            tried = self._tried(call, spelled)
            if isinstance(tried, str):
                return best, tried
            if best is not None and tried.spelling.seconds > TOO_LONG:
                break
            best = tried
            if tried.spelling.seconds >= REALISTIC:
                break
        return best, ""

    def _tried_sample(self, sample: Sample | None) -> Sample | None:
        """Keep the sampled calls that work as code; None if most do not, or if they change their arguments."""
        if sample is None:
            return None
        sampled = compose_sample(sample, self.called, self.located.definition)
        defined, attempts = sampled.attempts()
        setup = (*sampled.code.imports, f"calls = {sampled.listed}", *sampled.code.setup, defined)
        order = {"setup": "\n".join(setup), "call": attempts, "inputs": ["calls"], "awaited": False, "tell": True}
        answer = try_code(self.site, order)
        if "raised" in answer or answer["changes"]:
            return None
        lazy = any(is_iterator for _, is_iterator in answer["value"])
        calls = reproducible(sample, [kind for kind, _ in answer["value"]], constructed=self._constructed)
        return calls and calls.model_copy(update={"lazy": lazy})

    def _with_allocations(self, call: RecordedCall) -> RecordedCall:
        """Add what the boundaries allocate: as the manifest says, else by memray, else as the recorder observed."""
        if not call.fakes:
            return call
        bytes_set, peaks, why_not = self.item.boundary_bytes, dict[str, int](), ""
        if bytes_set is None:
            peaks, why_not = allocations_of_fakes(self.site, self.called, self.item.drive or "", call)

        def measured(fake: Fake) -> Iterator[FakeMethod]:
            for method in fake.methods:
                size = peaks.get(f"{fake.parameter}:{method.method}") if bytes_set is None else bytes_set
                if size is None:
                    reason = why_not or "it was not reached again"
                    source = f"by tracemalloc and resident memory, not memray: {reason}"
                    yield method.model_copy(update={"measured": source})
                else:
                    source = BY_MEMRAY if bytes_set is None else BY_MANIFEST
                    yield method.model_copy(update={"bytes": size, "measured": source})

        fakes = tuple(fake.model_copy(update={"methods": tuple(measured(fake))}) for fake in call.fakes)
        return call.model_copy(update={"fakes": fakes})

    def _tried(self, call: Message, spelled: Message, *, refused: str = "") -> RecordedCall | str:
        """Return the call if it runs as code, with its time, else why not."""
        part = f"built from a part of it, the call fails ({refused})" if refused else ""
        failure = part or "a part of it, repeated, was not tried"
        spelling = Spelling.model_validate(
            {name: spelled[name] for name in Spelling.model_fields.keys() - {"seconds", "size"}}
            | {
                "arguments": spelled["arguments"].items(),
                "reasons": {name: why or failure for name, why in spelled["reasons"].items()},
                "fixtures": dict.fromkeys(spelled["fixtures"]).keys(),
            }
        )
        recorded = RecordedCall(
            size=call["size"],
            seconds=call["seconds"],
            test=call["test"],
            described=tuple(call["described"].items()),
            kinds=call["kinds"],
            spelling=spelling,
            fakes=call["fakes"],
        )
        definition = self.located.definition
        code = compose(recorded, self.called, definition)
        is_consumed = definition.is_async and definition.yields
        order = {
            "setup": "\n".join(
                (*code.imports, *code.definitions, *code.patches, *code.setup, *(CONSUME if is_consumed else ()))
            ),
            "call": f"consumed({code.call})" if is_consumed else code.call,
            "inputs": code.inputs,
            "awaited": definition.is_async,
            "fixtures": spelling.fixtures,
        }
        data = {name: base64.b64decode(content) for name, content in spelling.data.items()}
        answer = try_code(self.site, order, data)
        if "raised" in answer:
            return str(answer["raised"])
        returns = self._constructed or call["returns"]
        if spelling.scale == 1 and not (answer["lazy"] or is_consumed) and answer["returned"] != returns:
            return f"it returns a {answer['returned']}, the recorded call a {returns}"
        if spelling.fixtures and answer["changes"]:
            return "it changes the value of a fixture, so no two rounds would be the same"
        timed = spelling.model_copy(update={"seconds": answer["seconds"], "size": answer["size"]})
        changes = answer["changes"] or "anew" in spelling.needs
        return recorded.model_copy(update={"spelling": timed, "lazy": answer["lazy"], "changes": changes})
