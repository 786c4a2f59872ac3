"""Keep the benchmark that exists, or write one below the output folder; what a person edited is never overwritten."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ...artifacts import Detection, Presence, Recording, Scaffolding
from ...benchmark_tests.style import style_of
from ...benchmark_tests.writing import benchmark_code
from ...benchmark_tests.writing.benchmark_code import WrittenBenchmark
from ...benchmark_tests.writing.data_files import write_data_files
from ...benchmark_tests.writing.long_texts import with_texts_in_lines
from ...benchmark_tests.writing.recorded_benchmark import from_recording
from ...benchmark_tests.writing.recorded_code import WIDTH
from ...benchmark_tests.writing.styling import named, styled, with_docstring_of
from ...benchmark_tests.writing.workload_benchmark import from_workload
from ...errors import RepositoryError
from ...git import Clone
from ...manifest.model import BenchmarkCode, Optimization
from ...project.code.imported_names import is_public
from ...project.code.sources import Sources
from ...project.files import CommitTree, Project, TreeReader
from ...project.formatting import formatted
from ...project.pytest_naming import Naming, naming_for
from ...staleness import StageInputs
from ...storage.hashing import read_file, sha256, sha256_of
from ...storage.links import refuse_links_to
from ...storage.paths import relative_path
from ...text import figures
from ...text.target_names import benchmark_file, with_others
from ...workspace.output_files import write_output
from . import LOCKSTEP

TOO_LONG = re.compile(r"Line too long \(\d+ > (\d+)\)")
"""In what the project's linter reports: the most characters of a line."""


def run(inputs: StageInputs) -> None:
    item, detection = inputs.settings, inputs.read(Detection)
    with inputs.clone(detection.base, detection.head, *detection.picked) as clone:
        if presence := _existing(item, detection):
            scaffolding = keep(detection, presence, clone=clone, worktree=inputs.worktree, folder=inputs.folder)
            scaffolding = scaffolding.model_copy(update={"test": _named(item)[1]})
        else:
            project = Project(CommitTree(clone, _head(detection, clone)), detection.layout.project)
            recording = inputs.read(Recording)
            called = _called(detection, recording)
            source = _source(detection, recording.target or called.target or "", project.tree)
            if (name := inputs.value(LOCKSTEP)) and isinstance(item.benchmark, BenchmarkCode):
                called = benchmark_code.named_after(name, item.benchmark, called, source=source)
            scaffolding = _Writer(inputs, called, recording, source, project).write()
    for sentence in (scaffolding.needs, *scaffolding.notes):
        if sentence:
            inputs.report(sentence)
    inputs.write(scaffolding)


# -- an existing benchmark --------------------------------------------------------------------------


def _existing(item: Optimization, detection: Detection) -> Presence | None:
    """Return the benchmark that the manifest names, even if it is missing, else the one that detect found."""
    presence = detection.benchmark
    if path := _named(item)[0]:
        return presence or Presence(path=path, base=None, head=None, worktree=None)
    exists = presence and (presence.base or presence.head or presence.worktree)
    return presence if exists and item.benchmark is None else None


def _named(item: Optimization) -> tuple[str, str]:
    """Return the file and the test that the manifest names, "" if it does not."""
    return benchmark_file(item.benchmark) if isinstance(item.benchmark, str) else ("", "")


def keep(detection: Detection, presence: Presence, *, clone: Clone, worktree: Path | None, folder: Path) -> Scaffolding:
    """Choose a version of the benchmark: one that is being edited in the work tree, else head's, else base's.

    Raise RepositoryError if there is none.
    """
    path = presence.path
    notes: tuple[str, ...] = ()
    origin: Literal["worktree", "head", "base"]
    if presence.worktree and worktree and presence.worktree not in {presence.head, presence.base}:
        origin, source = "worktree", relative_path(worktree / path, folder)
        content: bytes | None = read_file(worktree / path)
        if presence.head or presence.base:
            notes = (f"the benchmark of the work tree is used, which differs from the committed one: {path}",)
    elif presence.head:
        origin, source, content = "head", detection.head, clone.read(_head(detection, clone), path)
    else:
        origin, source = "base", detection.base
        content = clone.read(detection.base, path) if presence.base else None
    if content is None:
        raise RepositoryError(
            "this benchmark is neither at base, nor at head, nor in the work tree",
            where=f"{detection.item}: {path}",
            hint="correct `benchmark:` in the manifest, or leave it out to have one written",
        )
    return Scaffolding(
        item=detection.item,
        path=path,
        origin=origin,
        source=source,
        sha256=sha256(content),
        made_from="existing",
        notes=notes,
    )


# -- a new benchmark --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes a benchmark; `source` is the file at head that defines the target, None if there is none."""

    inputs: StageInputs
    detection: Detection
    recording: Recording
    source: bytes | None
    project: Project

    @property
    def naming(self) -> Naming:
        return naming_for(self.project.tree, posixpath.join(self.detection.layout.benchmarks_root, "x.py"))

    @property
    def path(self) -> str:
        return benchmark_code.benchmark_path(self.detection, self.project.tree)

    @property
    def file(self) -> Path:
        # Two items may optimize functions of the same name, so each has its own folder.
        return self.inputs.output / "benchmarks" / self.inputs.item_id / posixpath.basename(self.path)

    def write(self) -> Scaffolding:
        """Write the benchmark, or keep the file if prprep is not known to have written its content."""
        last, folder = self.inputs.last(Scaffolding), self.inputs.folder
        refuse_links_to(self.file.parent, folder)
        benchmark, complaints = self._styled(self._composed())
        if sha256_of(self.file) not in {None, sha256(benchmark.text.encode()), last.written if last else ""}:
            return write_data_files(self._edited(benchmark, last), {}, last=last, folder=folder)
        write_output(self.file, benchmark.text, root=folder, last=last.written if last else None)
        scaffolding = self._scaffolding(benchmark.text, benchmark)
        scaffolding = write_data_files(scaffolding, benchmark.data, last=last, folder=folder)
        linted = (f"the project's linter reports for the benchmark: {each}" for each in complaints)
        notes = (*scaffolding.notes, *linted, *self._effects(benchmark), *self._chosen(benchmark))
        return scaffolding.model_copy(update={"notes": notes})

    def _composed(self) -> WrittenBenchmark:
        setting, recording = self.inputs.settings.benchmark, self.recording
        detection, path, source, templates = self.detection, self.path, self.source, self.inputs.templates
        if setting is not None and not isinstance(setting, str):
            return benchmark_code.from_manifest(setting, detection, path=path, source=source, templates=templates)
        if setting is None and (recording.call or recording.sample) and source is not None:
            return from_recording(recording, detection, path=path, source=source, templates=templates)
        if setting is None and recording.workload:
            return from_workload(
                recording.workload, detection, changed=recording.changed, path=path, templates=templates
            )
        return benchmark_code.from_signature(
            detection, path=path, source=source, templates=templates, learned=recording.unwritten
        )

    def _styled(self, benchmark: WrittenBenchmark) -> tuple[WrittenBenchmark, tuple[str, ...]]:
        """Adapt the text to the project's style; return what its linter complains about as well."""
        if benchmark.made_from == "gap":
            return replace(benchmark, text=named(benchmark.text, self.naming)), ()
        root = self.detection.layout.benchmarks_root
        text = named(styled(benchmark.text, style_of(self.project.tree, root), self.naming), self.naming)
        is_recorded = benchmark.made_from == "recorded"
        formatted_text, complaints = self._formatted(with_texts_in_lines(text, WIDTH) if is_recorded else text)
        if match := next(filter(None, map(TOO_LONG.search, complaints)), None):
            width = int(match[1])
            text = with_docstring_of(with_texts_in_lines(text, width) if is_recorded else text, width)
            formatted_text, complaints = self._formatted(text)
        return replace(benchmark, text=formatted_text), complaints

    def _formatted(self, text: str) -> tuple[str, tuple[str, ...]]:
        return formatted(text, self.path, self.project, first_party=self.detection.layout.packages)

    def _edited(self, benchmark: WrittenBenchmark, last: Scaffolding | None) -> Scaffolding:
        """Describe the file as a person edited it; note it if prprep would now write something else than before."""
        edited = self._scaffolding(read_file(self.file).decode("utf-8", "replace"), benchmark)
        written = last.written if last else edited.written
        note = "the benchmark was edited by hand and is kept, though prprep would now write another one"
        return edited.model_copy(
            update={
                "origin": "edited",
                "written": written,
                "notes": (f"{note}: {edited.source}",) if written != edited.written else (),
                "made_from": last.made_from if last else edited.made_from,
            }
        )

    def _scaffolding(self, text: str, benchmark: WrittenBenchmark) -> Scaffolding:
        source, line = relative_path(self.file, self.inputs.folder), benchmark_code.gap_line(text)
        return Scaffolding(
            item=self.inputs.item_id,
            path=self.path,
            origin="generated",
            source=source,
            sha256=sha256(read_file(self.file)),
            made_from=benchmark.made_from,
            needs=f"fill in the arguments at {source}:{line}{self._better}" if line else "",
            written=sha256(benchmark.text.encode()),
            target=self._target,
            domains=self.recording.domains,
            notes=tuple(self._notes(benchmark)),
        )

    @property
    def _target(self) -> str:
        """Return the changed function that was recorded, by its name at head; "" if none was."""
        recorded, functions = self.recording.changed, self.detection.functions
        names = {f"{each.module}:{each.base_name or each.name}": each.target for each in functions}
        return names.get(recorded, "")

    @property
    def _better(self) -> str:
        """Return what shows more than a call of a private function, of which users see only a part of their time."""
        is_private = not is_public((self.detection.target or "").partition(":")[2])
        return ", or better call a public function that uses it, with input of realistic size" if is_private else ""

    def _notes(self, benchmark: WrittenBenchmark) -> Iterator[str]:
        if benchmark.made_from in {"signature", "gap"} and self.recording.failed:
            yield f"no call could be recorded: {self.recording.failed}"

    def _chosen(self, benchmark: WrittenBenchmark) -> tuple[str, ...]:
        """Say which function the benchmark calls and why; without a recorded call, what was tried."""
        recording = self.recording
        if benchmark.made_from == "test" and recording.workload:
            share = figures.share(round(recording.share, 2))
            test = recording.workload.test.partition("[")[0]
            changed = with_others(recording.changed, recording.workload.changed_functions)
            return (f"the benchmark does what {test} does, which spends {share} of its time in {changed}",)
        if benchmark.made_from != "recorded":
            is_explained = benchmark.made_from == "gap" and not recording.failed
            return tuple(filter(None, (recording.reason, *recording.notes))) if is_explained else ()
        if recording.target == recording.changed or not recording.changed:
            return ()
        share = figures.share(round(recording.share, 2))
        return (f"the benchmark calls {recording.target}, which spends {share} of its time in {recording.changed}",)

    def _effects(self, benchmark: WrittenBenchmark) -> tuple[str, ...]:
        """Note the side effects of the recorded calls: the benchmark may repeat them in every round."""
        if benchmark.made_from == "manifest" or not self.recording.effects:
            return ()
        once = "" if benchmark.made_from == "recorded" else ", once it calls that"
        effects = f"a recorded call of {self.recording.target} {' and '.join(self.recording.effects)}"
        return (f"{effects}: so may every round of the benchmark{once}",)


def _called(detection: Detection, recording: Recording) -> Detection:
    """Return the detection with the recorded function as its target: another that changed, or a caller of it."""
    module, colon, name = recording.target.partition(":")
    exporting = recording.called_as.partition(":")[0] or module
    target = f"{exporting}{colon}{name}".removesuffix(".__init__")
    if recording.domains:
        domain = detection.domain.model_copy(update={"domains": recording.domains})
        detection = detection.model_copy(update={"domain": domain})
    return detection.model_copy(update={"target": target}) if recording.target else detection


def _source(detection: Detection, target: str, head: TreeReader) -> bytes | None:
    """Read the file at head that defines a target; None if there is none in Python."""
    module, _, name = target.partition(":")
    if not name:
        return None
    changed = [each.path for each in detection.functions if each.module == module and each.status != "removed"]
    guessed = Sources(head, detection.layout.import_roots).path_of(module)
    contents = (head.read(path) for path in (*changed, guessed) if path and path.endswith(".py"))
    return next((content for content in contents if content is not None), None)


def _head(detection: Detection, clone: Clone) -> str:
    """Return head in the clone; one that consists of picked commits may have to be created again."""
    return clone.cherry_pick(detection.base, detection.picked) if detection.picked else detection.head
