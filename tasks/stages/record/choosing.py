"""Choose among recorded calls those that a benchmark is written from: they run as code, and reach what changed."""

import base64
import posixpath
import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...artifacts import ArgumentsAsCode, Fake, FakeMethod, Peaks, RecordedCall, Recording, Sample
from ...bench.observing.recording import COMMAND, allocations_of_fakes
from ...bench.observing.site import RecordingSite
from ...bench.observing.trying import TRIAL_SECONDS, try_code
from ...bench.workers.channel import Message
from ...benchmark_tests.writing.recorded_code import awaited, compose, defaults_of, unparsed
from ...benchmark_tests.writing.sampling import REALISTIC, DrawnCalls, combined, typical_sample
from ...manifest.model import Optimization
from ...project.code.definitions import Definition
from . import lengths
from .candidates import Candidate
from .exploration import LEAST_SHARE
from .lengths import IN_PROPORTION, LARGER_AT_HEAD, TOO_LONG
from .sample_trial import SampleTrial

MOSTLY_OVERHEAD = 1e-5
"""Seconds of a call below which its time need not grow in proportion; it must not shrink, though."""
LONGEST_SMALLER = 1.0
"""Seconds of a call on an input that was made smaller."""
MOST_TRIED = 6
"""Calls of which code is tried, the largest first."""
MOST_DOCUMENTS = 12
SUFFIXES = {
    ".md": ("markdown", "mistune", "commonmark"),
    ".rst": ("rst", "docutils"),
    ".html": ("html", "dom"),
    ".yaml": ("yaml",),
    ".yml": ("yaml",),
    **{f".{name}": (name,) for name in ("toml", "json", "xml", "css", "csv", "sql", "ini", "ics", "js", "svg")},
}
"""Words in a function's name that say what documents it takes."""
PLAIN_NAME = re.compile(r"\w[\w.-]*")
"""Of a data file: the recording comes from a process of the project, which could have written anything."""
BY_MEMRAY, BY_MANIFEST = "by memray", "boundary_bytes of the manifest"


class _Late(str):
    """Why a call is no benchmark: it does not end in time."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CallChooser:
    """Chooses a large call and typical ones among the recorded calls, for a benchmark to be written from.

    What is `called` is what `changed`, or a caller of it. At `head`, `lines` are those that it changes, by file.
    """

    item: Optimization
    called: Candidate
    changed: Candidate
    site: RecordingSite
    head: RecordingSite | None = None
    lines: Mapping[str, Sequence[int]] = field(default_factory=dict)
    documents: Sequence[str] = ()
    is_added: Callable[[str], bool] = lambda _test: False
    """Whether head adds or changes a test: its calls are tried first."""

    def recording(self, recordings: Sequence[Message], notes: Sequence[str], *, runs: tuple[str, ...]) -> Recording:
        """Choose among what was recorded; without `call` and `sample`, the notes say why.

        `runs` are the files of tests, or the command, of which not all may have run.
        """
        ran = tuple(each["run"] for each in recordings if each["ran"])
        seconds = [took for each in recordings for took in each["seconds"]]
        sizes = [size for each in recordings for size in each["sizes"]]
        kept = sorted((call for each in recordings for call in each["kept"]), key=self._turn)
        call, failures = self._longest_working(kept)
        opened = [path for each in recordings for path in each.get("opened", ())]
        call = self._on_document(call, opened) if call else None
        call = self._with_peaks(call) if call else None
        effects = tuple(dict.fromkeys(effect for each in recordings for effect in each["effects"]))
        drawn = combined([DrawnCalls(tuple(each["sample"]), each["looked"]) for each in recordings])
        is_pure = not (effects or self._definition.is_async or (call and call.fakes))
        unwritten = {name: why for each in recordings for name, why in each["unwritten"].items()}
        calls = sum(each["calls"] for each in recordings)
        sample, left_out = self._sample(drawn, call) if is_pure else (None, ())
        return Recording(
            item=self.item.id,
            target=self.called.watched,
            called_as=self.called.called_as,
            changed=self.changed.watched,
            share=self._share(call) if call else 1.0,
            ran=ran,
            failed="" if ran or not runs else "; ".join(notes),
            calls=calls,
            seconds=statistics.median(seconds) if seconds else 0.0,
            size=round(statistics.median(sizes)) if sizes else 0,
            largest=max(sizes, default=0),
            defaults=defaults_of(self._definition),
            call=self._with_allocations(call) if call else None,
            sample=sample,
            unwritten={} if call else unwritten,
            effects=effects,
            notes=(*notes, *failures, *left_out, *(() if calls else (self._uncalled(runs, ran),))),
        )

    def _turn(self, call: Message) -> tuple[bool, int]:
        """Order calls as they are tried: those of tests that head adds first, then by size."""
        return not self.is_added(call["test"]), -call["size"]

    @property
    def _definition(self) -> Definition:
        return self.called.located.definition

    @property
    def _calls_changed(self) -> bool:
        return self.called.watched == self.changed.watched

    @property
    def _is_consumed(self) -> bool:
        """Whether a call returns an asynchronous generator, whose items a trial waits for."""
        return self._definition.is_async and self._definition.yields

    @property
    def _constructed(self) -> str:
        """The class that a benchmark calls if the target is its constructor; else ""."""
        owner, _, method = self.called.called_as.rpartition(":")[2].rpartition(".")
        return owner if method == "__init__" else ""

    def _uncalled(self, runs: tuple[str, ...], ran: tuple[str, ...]) -> str:
        if self.item.drive:
            return f"{COMMAND} {'does not call' if ran else 'failed before it called'} {self.called.watched}"
        if not ran:
            return f"no test that may call {self.called.watched} could be run ({', '.join(runs)})"
        were = "was" if len(ran) == 1 else "were"
        return f"no test of the project calls {self.called.watched}: {', '.join(ran)} {were} run"

    def _longest_working(self, kept: Sequence[Message]) -> tuple[RecordedCall | None, tuple[str, ...]]:
        """Return the call with the longest time in the changed function, if it runs as code, and why others do not.

        Those that spend enough time in the changed function go first, then those that run most of what head changes.
        Of calls that take about as long, that with the largest arguments is returned.
        """
        working: list[tuple[tuple[bool, int, bool], float, RecordedCall]] = []
        failures = []
        for call in kept[:MOST_TRIED]:
            spelled = self._spelled(call)
            if isinstance(spelled, str):
                failures.append(f"a call of {call['test'] or 'the command'}, written as code, fails: {spelled}")
            else:
                share = self._share(spelled)
                rank = (share >= LEAST_SHARE, spelled.executed, spelled.reaches_once)
                working.append((rank, share * spelled.spelling.seconds, spelled))
        if not working:
            return None, tuple(dict.fromkeys(failures))[:3]
        first = max(rank for rank, _, _ in working)
        best = [each for each in working if each[0] == first]
        return lengths.alike(best, lambda each: each[1])[0][2], ()

    def _spelled(self, call: Message) -> RecordedCall | str:
        """Return a call, scaled up if possible, or why it does not run on both sides."""
        first, best, failure = self._scaled_up(call)
        if best is None and call["kept"]:
            # Files hold the whole input if code built from a part of it does not run.
            whole = self._tried(call, call["kept"], refused=failure)
            best, failure = (None, whole) if isinstance(whole, str) else (whole, failure)
        if isinstance(failure, _Late) if best is None else best.spelling.seconds > TOO_LONG:
            best = first = self._scaled_down(call) or best
        if best is None:
            return failure
        at_head = self._at_head(best)
        if first is not None and first is not best:
            before = self._at_head(first)
            # Head may be so fast because it returns at once, as a search does that finds its target first.
            if at_head.get("seconds", 0.0) < LARGER_AT_HEAD * before.get("seconds", 0.0):
                best, at_head = first, before
        if "raised" in at_head:
            return f"at head, {at_head['raised']}"
        reaches = bool(at_head["reached"])
        once = not reaches and bool(at_head.get("reached_first"))
        executed = len(at_head.get("executed", ()))
        return best.model_copy(update={"reaches": reaches, "reaches_once": once, "executed": executed})

    def _scaled_up(self, call: Message) -> tuple[RecordedCall | None, RecordedCall | None, str]:
        """Scale a call up until it takes long enough or fails; return the first and last that run, and the failure.

        A larger input must take longer in proportion, and run the same lines of the changed function: else the call
        does something else with it.
        """
        first: RecordedCall | None = None
        best: RecordedCall | None = None
        executed: frozenset[int] | None = None
        for spelled in call["spelled"]:
            tried = self._tried(call, spelled)
            if isinstance(tried, str):
                return first, best, tried
            if best is not None:
                times, before = spelled["scale"] / best.spelling.scale, best.spelling.seconds
                least = before * IN_PROPORTION * (times if before >= MOSTLY_OVERHEAD else 1)
                is_trivial = tried.spelling.seconds < least
                executed = self._executed(best) if executed is None else executed
                if tried.spelling.seconds > TOO_LONG or is_trivial or not executed <= self._executed(tried):
                    break
            best = tried
            first = first or tried
            if tried.spelling.seconds >= REALISTIC:
                break
        return first, best, ""

    def _scaled_down(self, call: Message) -> RecordedCall | None:
        """Return the largest call of those with smaller inputs that is short enough, since base may never end."""
        tried = (self._tried(call, spelled) for spelled in call["smaller"])
        working = (each for each in tried if not isinstance(each, str))
        return next((each for each in working if each.spelling.seconds <= LONGEST_SMALLER), None)

    def _executed(self, call: RecordedCall) -> frozenset[int]:
        """Return the lines of the changed function that a call executes at base."""
        path, definition = self.changed.located
        order, data = self._order(call)
        lines = {str(self.site.side.tree / path): [*range(definition.start, definition.end + 1)]}
        return frozenset(try_code(self.site, {**order, "lines": lines}, data).get("executed", ()))

    def _at_head(self, call: RecordedCall) -> Message:
        """Run a call at head; the answer says whether it `reached` what head changes."""
        if self.head is None or not self.lines:
            return {"reached": True}
        order, data = self._order(call)
        lines = {str(self.head.side.tree / path): list(numbers) for path, numbers in self.lines.items()}
        return try_code(self.head, {**order, "lines": lines}, data)

    def _with_peaks(self, call: RecordedCall) -> RecordedCall:
        """Add what a call allocates on each side, if that may say what the change is about."""
        is_known = self.item.domain and not self._constructed
        if is_known or self.head is None or self._definition.is_async or call.spelling.seconds > TOO_LONG:
            return call
        order, data = self._order(call)
        peaks = [try_code(site, {**order, "peak": True}, data).get("peak") for site in (self.site, self.head)]
        known = None if None in peaks else Peaks(base=peaks[0], head=peaks[1])
        return call.model_copy(update={"peaks": known})

    def _share(self, call: RecordedCall) -> float:
        """Return the part of a call's time at base that is spent in the changed function."""
        if self._calls_changed:
            return 1.0
        order, data = self._order(call)
        inside = [self.changed.function.message(self.site.side.tree)]

        def measured() -> float:
            return float(try_code(self.site, {**order, "inside": inside}, data).get("share") or 0.0)

        return lengths.steady_share(measured(), measured)

    def _on_document(self, call: RecordedCall, opened: Sequence[str]) -> RecordedCall:
        """Replace a text that is passed by the project's document on which the call takes longest, if that is longer.

        Documents that the tests open go before others with the same suffix. A text of a single line is no document.
        """
        texts = [name for name, kind in call.described if kind.startswith(("str of", "bytes of"))]
        has_lines = any(kind.endswith(" lines") for name, kind in call.described if name in texts)
        defaults = defaults_of(self._definition)
        # Another argument, like a position, may belong to the text.
        others = {name: code for name, code in call.spelling.arguments if name not in {"self", "cls", *texts}}
        is_alone = len(texts) == 1 and all(
            code in {"()", "{}"} or defaults.get(name) == unparsed(code) for name, code in others.items()
        )
        best, longest = call, self._share(call) * call.spelling.seconds
        if (
            not is_alone
            or not has_lines
            or longest >= REALISTIC
            or call.changes
            or call.fakes
            or call.spelling.statements
        ):
            return call
        for path in documents(opened, self.documents, self.called.watched):
            tried = self._with_document(call, texts[0], path)
            if not tried or tried.spelling.seconds > TOO_LONG:
                continue
            share = self._share(tried)
            if share >= LEAST_SHARE and share * tried.spelling.seconds > longest:
                at_head = self._at_head(tried)
                if "raised" not in at_head and at_head["reached"]:
                    best = tried.model_copy(update={"reaches": True, "reaches_once": False})
                    longest = share * tried.spelling.seconds
        return best

    def _with_document(self, call: RecordedCall, parameter: str, path: str) -> RecordedCall | None:
        """Return the call with a document of the project for one of its parameters; None if it does not run."""
        kind = dict(call.described)[parameter].partition(" ")[0]
        read = 'read_text(encoding="utf-8")' if kind == "str" else "read_bytes()"
        code = f'(Path(__file__).parents[{self.site.depth}] / "{path}").{read}'
        arguments = tuple((name, code if name == parameter else value) for name, value in call.spelling.arguments)
        spelling = ArgumentsAsCode(
            scale=1,
            arguments=arguments,
            imports=tuple(sorted({*call.spelling.imports, "from pathlib import Path"})),
            document=path,
        )
        changed = call.model_copy(update={"spelling": spelling})
        order, data = self._order(changed)
        answer = try_code(self.site, order, data)
        if "raised" in answer or answer["changes"] or not self._returns(answer, call.returned):
            return None
        timed = spelling.model_copy(update={"seconds": answer["seconds"], "size": answer["size"]})
        return changed.model_copy(update={"spelling": timed, "lazy": answer["lazy"]})

    def _sample(self, drawn: DrawnCalls, call: RecordedCall | None) -> tuple[Sample | None, tuple[str, ...]]:
        """Return typical calls of the changed function, and which of them are left out and why.

        Those of a caller may be about something else.
        """
        typical = typical_sample(drawn, call) if self._calls_changed else None
        trial = SampleTrial(self.called.called_as, self._definition, self.site, self.head, self.lines)
        sample, left_out = trial.kept(typical, constructed=self._constructed) if typical else (None, ())
        return (None if call and sample and sample.seconds < lengths.LEAST_ROUND else sample), left_out

    def _with_allocations(self, call: RecordedCall) -> RecordedCall:
        """Add what the boundaries allocate: as the manifest says, else by memray, else as the recorder observed."""
        if not call.fakes:
            return call
        bytes_set, peaks, why_not = self.item.boundary_bytes, dict[str, int](), ""
        if bytes_set is None:
            peaks, why_not = allocations_of_fakes(self.site, self.called.function, self.item.drive or "", call)

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
        if not all(map(PLAIN_NAME.fullmatch, spelled["data"])):
            return "the recording names files outside of the benchmark's folder"
        spelling = ArgumentsAsCode.model_validate(
            {name: held for name, held in spelled.items() if name in ArgumentsAsCode.model_fields}
            | {
                "arguments": spelled["arguments"].items(),
                "reasons": {name: why or failure for name, why in spelled["reasons"].items()},
            }
        )
        recorded = RecordedCall(
            size=call["size"],
            seconds=call["seconds"],
            test=call["test"],
            described=tuple(call["described"].items()),
            kinds=call["kinds"],
            returned=call["returns"],
            spelling=spelling,
            fakes=call["fakes"],
        )
        order, data = self._order(recorded)
        # Of a large input there are smaller ones to try.
        answer = try_code(self.site, order, data, seconds=lengths.LATE if call["smaller"] else TRIAL_SECONDS)
        if "raised" in answer:
            return _Late(answer["raised"]) if answer.get("is_late") else str(answer["raised"])
        if spelling.scale == 1 and not answer["lazy"] and not self._returns(answer, call["returns"]):
            return f"it returns a {answer['returned']}, the recorded call a {self._constructed or call['returns']}"
        timed = spelling.model_copy(update={"seconds": answer["seconds"], "size": answer["size"]})
        changes = answer["changes"] or "anew" in spelling.needs
        return recorded.model_copy(update={"spelling": timed, "lazy": answer["lazy"], "changes": changes})

    def _returns(self, answer: Message, recorded: str) -> bool:
        return self._is_consumed or answer["returned"] == (self._constructed or recorded)

    def _order(self, call: RecordedCall) -> tuple[Message, dict[str, bytes]]:
        """Return what `try_code` needs to make a call."""
        code = compose(call, self.called.called_as, self._definition)
        order = {
            "setup": "\n".join((*code.imports, *code.definitions, *code.patches, *code.setup)),
            "call": awaited(code.call, self._definition) if self._definition.is_async else code.call,
            "inputs": code.inputs,
        }
        return order, {name: base64.b64decode(content) for name, content in call.spelling.data.items()}


def documents(opened: Sequence[str], paths: Sequence[str], target: str) -> tuple[str, ...]:
    """Return the project's documents to try, from its `paths`, the largest first.

    These are the ones that the tests opened, others with their suffixes, and those whose suffix the target's name has,
    such as `.toml` for `tomlkit.parser:parse`; then README files.
    """
    suffixes = {posixpath.splitext(path)[1] for path in opened} - {""}
    suffixes |= {suffix for suffix, names in SUFFIXES.items() if any(name in target.lower() for name in names)}
    alike = [path for path in paths if posixpath.splitext(path)[1] in suffixes]
    read_me = [path for path in paths if posixpath.basename(path).lower().startswith("readme")]
    return tuple(dict.fromkeys((*(path for path in paths if path in opened), *alike, *read_me)))[:MOST_DOCUMENTS]
