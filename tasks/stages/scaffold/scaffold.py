"""Keep the benchmark that exists, or write one below the output folder; what a person edited is never overwritten."""

from __future__ import annotations

import hashlib
import os
import posixpath
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...artifacts import Detection, Presence, Recording, Scaffolding
from ...benchmark_tests.writing.data_files import write_data_files
from ...errors import RepositoryError
from ...project.files import CommitTree, Project
from ...storage.files import write_whole

if TYPE_CHECKING:
    from ...benchmark_tests.writing.benchmark_code import WrittenBenchmark
    from ...git import Clone
    from ...manifest.model import Optimization
    from ...staleness import StageInputs


def run(inputs: StageInputs) -> None:
    """Keep the benchmark that exists, or write one below the output folder."""
    item, detection = inputs.settings, inputs.read(Detection)
    with inputs.clone(detection.base, detection.head, *detection.picked) as clone:
        if presence := _existing(item, detection):
            scaffolding = keep(detection, presence, clone=clone, worktree=inputs.worktree, folder=inputs.folder)
        else:
            project = Project(CommitTree(clone, _head(detection, clone)), detection.layout.project)
            known = Known(detection, inputs.read(Recording), _source(detection, clone), project)
            scaffolding = make(item, known, inputs)
    for sentence in (scaffolding.needs, *scaffolding.notes):
        if sentence:
            inputs.report(sentence)
    inputs.write(scaffolding)


def _existing(item: Optimization, detection: Detection) -> Presence | None:
    """Return the benchmark to keep: one that the manifest names wherever it is, else one that was found."""
    found = detection.benchmark
    if isinstance(item.benchmark, str):
        return found or Presence(path=item.benchmark, base=None, head=None, worktree=None)
    somewhere = found and (found.base or found.head or found.worktree)
    return found if somewhere and item.benchmark is None else None


def keep(detection: Detection, presence: Presence, *, clone: Clone, worktree: Path | None, folder: Path) -> Scaffolding:
    """Choose among the places where the benchmark exists: one that is being edited, then head's, then base's.

    Raise RepositoryError where it is in none of them.
    """
    path = presence.path
    notes: tuple[str, ...] = ()
    origin: Literal["worktree", "head", "base"]
    if presence.worktree and worktree and presence.worktree not in {presence.head, presence.base}:
        origin, source = "worktree", _relative(worktree / path, folder)
        content: bytes | None = (worktree / path).read_bytes()
        if presence.head or presence.base:
            notes = (f"the benchmark of the work tree is used, which differs from the committed one: {path}",)
    elif presence.head:
        origin, source = "head", detection.head
        content = clone.read(_head(detection, clone), path)
    else:
        origin, source = "base", detection.base
        content = clone.read(detection.base, path) if presence.base else None
    if content is None:
        where = f"{detection.item}: {path}"
        raise RepositoryError(
            "this benchmark is neither at base, nor at head, nor in the work tree",
            where=where,
            hint="correct `benchmark:` in the manifest, or leave it out to have one written",
        )
    return Scaffolding(
        item=detection.item,
        path=path,
        origin=origin,
        source=source,
        sha256=_sha256(content),
        made_from="existing",
        notes=notes,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What a benchmark is written from: `source` is the file at head that defines the function, None where none does."""

    detection: Detection
    recording: Recording
    source: bytes | None
    project: Project


def make(item: Optimization, known: Known, inputs: StageInputs) -> Scaffolding:
    """Write the benchmark, from a recorded call where there is one, or keep the written one as a person edited it."""
    detection, recording, source, templates = known.detection, known.recording, known.source, inputs.templates
    from ...benchmark_tests.style import style_of
    from ...benchmark_tests.writing.benchmark_code import file_name, from_manifest, from_signature
    from ...benchmark_tests.writing.recorded_benchmark import from_recording
    from ...benchmark_tests.writing.styling import styled
    from ...project.formatting import formatted

    name = file_name(detection)
    path = posixpath.join(detection.layout.benchmarks_root, name)
    if item.benchmark is None and (recording.call or recording.sample) and source is not None:
        benchmark = from_recording(recording, detection, path=path, source=source, templates=templates)
    elif item.benchmark is None or isinstance(item.benchmark, str):
        learned = recording.unwritten
        benchmark = from_signature(detection, path=path, source=source, templates=templates, learned=learned)
    else:
        benchmark = from_manifest(item.benchmark, detection, path=path, source=source, templates=templates)
    told: tuple[str, ...] = ()
    if benchmark.made_from != "gap":
        text = styled(benchmark.text, style_of(known.project, detection.layout.benchmarks_root))
        text, told = formatted(text, path, known.project, first_party=detection.layout.packages)
        benchmark = replace(benchmark, text=text)
    # Two items may optimize functions of one name; each has a folder of its own.
    target = inputs.output / "benchmarks" / item.id / name
    last = inputs.last(Scaffolding)
    if _is_edited(target, benchmark, last):
        edited = _edited(target, benchmark, path=path, last=last, inputs=inputs)
        return write_data_files(edited, {}, last=last, folder=inputs.folder)
    write_whole(target, benchmark.text)
    made = _scaffolding(target, benchmark.text, benchmark, path=path, inputs=inputs)
    made = write_data_files(made, benchmark.data, last=last, folder=inputs.folder)
    complaints = tuple(f"the project's linter says of the benchmark: {each}" for each in told)
    return made.model_copy(update={"notes": (*made.notes, *complaints, *_effects(benchmark, recording))})


def _effects(benchmark: WrittenBenchmark, recording: Recording) -> tuple[str, ...]:
    """Tell what recorded calls did beside computing: the benchmark may do so in every round."""
    if benchmark.made_from == "manifest" or not recording.effects:
        return ()
    rounds = "so may every round of the benchmark" + (
        "" if benchmark.made_from == "recorded" else ", once it calls that"
    )
    return (f"a recorded call of {recording.target} {' and '.join(recording.effects)}: {rounds}",)


def _edited(
    target: Path, benchmark: WrittenBenchmark, *, path: str, last: Scaffolding | None, inputs: StageInputs
) -> Scaffolding:
    """Keep what a person made of the file; say so where prprep would now write something else than it did then."""
    made = _scaffolding(
        target, target.read_text(encoding="utf-8", errors="replace"), benchmark, path=path, inputs=inputs
    )
    written = last.written if last else made.written
    note = f"the benchmark was edited by hand and kept, though the manifest or the function would now give another one: {made.source}"
    notes = (note,) if written != made.written else ()
    made_from = last.made_from if last else made.made_from
    return made.model_copy(update={"origin": "edited", "written": written, "notes": notes, "made_from": made_from})


def _scaffolding(
    target: Path, text: str, benchmark: WrittenBenchmark, *, path: str, inputs: StageInputs
) -> Scaffolding:
    from ...benchmark_tests.writing.benchmark_code import gap_line

    source, line = _relative(target, inputs.folder), gap_line(text)
    return Scaffolding(
        item=inputs.item_id,
        path=path,
        origin="generated",
        source=source,
        sha256=_sha256(target.read_bytes()),
        made_from=benchmark.made_from,
        needs=f"fill in the arguments at {source}:{line}" if line else "",
        written=_sha256(benchmark.text.encode()),
        notes=(f"{benchmark.review}: {source}",) if benchmark.review else (),
    )


def _is_edited(target: Path, benchmark: WrittenBenchmark, last: Scaffolding | None) -> bool:
    """Return whether the file holds something that prprep did not write; what it cannot vouch for counts as edited."""
    if not target.exists():
        return False
    found = _sha256(target.read_bytes())
    return found not in {_sha256(benchmark.text.encode()), last.written if last else ""}


def _source(detection: Detection, clone: Clone) -> bytes | None:
    """Read the file at head that defines the target; None where there is no such file."""
    module, _, name = (detection.target or "").partition(":")
    if not name:
        return None
    known = [
        function.path for function in detection.functions if function.module == module and function.status != "removed"
    ]
    stem = module.replace(".", "/")
    guessed = [
        posixpath.join(root, end)
        for root in detection.layout.import_roots
        for end in (f"{stem}.py", f"{stem}/__init__.py")
    ]
    head = _head(detection, clone)
    return next((content for path in (*known, *guessed) if (content := clone.read(head, path)) is not None), None)


def _head(detection: Detection, clone: Clone) -> str:
    """Return the commit to read head's files from; one that was put together is put together again."""
    return clone.cherry_pick(detection.base, detection.picked) if detection.picked else detection.head


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
