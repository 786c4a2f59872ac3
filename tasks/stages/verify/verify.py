"""Run the commands that the body gives its readers, in a fresh clone, and hold what comes of them against the claim."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ...artifacts import Change, Comparison, Repeated, RunCommand, Verdict, Verification
from ...bench.machine import exclusive, lock_path
from ...body.evidence import Evidence, benchmark_to_save
from ...body.placeholders import FULL, reproduce_text
from ...body.reproduction import Reproduction, reproduction
from ...errors import ArtifactError, PrprepError
from ...git.standalone import repository_state
from ...manifest.model import Optimization
from ...processes.scratch import scratch_folder
from ...staleness import StageInputs
from ...text import figures
from ...text.outline import SHELLS, code_blocks
from ...workspace import nested
from . import EVIDENCE, fresh_clone as reader
from .fresh_clone import Reader

SECONDS: Final = 1800.0
"""For one block of commands, beside what measuring may take by the item's own settings."""

BUDGETS: Final = 20
NO_COMMANDS: Final = "the body gives no commands in a block of `sh`"


def run(inputs: StageInputs) -> None:
    """Run the commands; that some fail or disagree is a result and no failure of the stage."""
    if why := why_not(inputs.settings):
        inputs.write(Verification(item=inputs.item_id, why_not=why))
    else:
        comparison = inputs.digest("compare")
        inputs.write(_verified(inputs).model_copy(update={"comparison": comparison}))


def why_not(item: Optimization) -> str:
    """Return why the commands are not run, "" if they are."""
    if not item.verify:
        return "the manifest says `verify: false`"
    return "this prprep was started by another one" if nested.is_nested() else ""


def judged(
    item_id: str, ran: Sequence[RunCommand], claim: Comparison, found: Comparison | None, changed: Sequence[str] = ()
) -> Verification:
    """Hold what was run against the claim; `found` is the comparison that the commands made, None where they made none.

    `changed` says what of the reader's clone the commands changed.
    """
    repeated = held_against(claim, found) if found else ()
    findings = [
        *(_failed(each) for each in ran if each.code != 0),
        *(_disagreeing(each) for each in repeated if not each.agrees),
    ]
    findings += [f"the commands that the body gives change the reader's clone: {what}" for what in changed]
    return Verification(item=item_id, commands=tuple(ran), repeated=repeated, findings=tuple(findings))


def held_against(claim: Comparison, found: Comparison) -> tuple[Repeated, ...]:
    """Look for every change that the claim rests on in the other comparison."""
    others = {(change.test, change.metric): change for change in found.changes}
    claimed = [change for change in claim.changes if change.primary and not change.control_row]
    return tuple(_repeated(change, others.get((change.test, change.metric)), claim.negligible) for change in claimed)


def _repeated(claimed: Change, found: Change | None, negligible: float) -> Repeated:
    return Repeated(
        test=claimed.test,
        metric=claimed.metric,
        verdict=claimed.verdict,
        claimed=claimed.interval,
        found=found.interval if found else None,
        agrees=found is not None and _agrees(claimed, found, negligible),
    )


def _agrees(claimed: Change, found: Change, negligible: float) -> bool:
    """Return whether a change was found again; of one that was not claimed, that none was found."""
    if claimed.verdict is Verdict.IMPROVED:
        return found.interval.ratio < 1 - negligible
    if claimed.verdict is Verdict.REGRESSED:
        return found.interval.ratio > 1 + negligible
    return claimed.verdict is Verdict.INCONCLUSIVE or found.verdict not in {Verdict.IMPROVED, Verdict.REGRESSED}


def _failed(each: RunCommand) -> str:
    how = "took too long" if each.code is None else f"ended with exit code {each.code}"
    last = each.tail.strip().splitlines()[-1:]
    return f"a command that the body gives {how} in a fresh clone: {each.failed}" + "".join(
        f" ({line.strip()})" for line in last
    )


def _disagreeing(each: Repeated) -> str:
    claimed = figures.change(each.claimed.ratio, each.claimed.low, each.claimed.high)
    again = figures.change(each.found.ratio, each.found.low, each.found.high) if each.found else "nothing"
    return f"{each.metric} {claimed} is claimed of {each.test}; run again in a fresh clone it came to {again}"


# -- a reader's place -------------------------------------------------------------------------------


def _verified(inputs: StageInputs) -> Verification:
    evidence, cache, report = inputs.value(EVIDENCE), inputs.cache, inputs.report
    item, templates = evidence.item, inputs.templates
    text = reproduce_text(evidence, FULL, templates)
    commands = code_blocks(text, SHELLS)
    if not commands:
        return Verification(item=item.id, why_not=NO_COMMANDS, unable=True)
    try:
        with exclusive(lock_path(cache), report), scratch_folder(cache) as folder:
            steps = reproduction(evidence)
            place = _settled(evidence, steps, folder, inputs)
            if steps.benchmark_to_save:
                place.save(evidence.scaffolding.path, benchmark_to_save(evidence.scaffolding, inputs.folder))
            for path, content in evidence.data.items():
                place.save(path, content)
            place.save_manifest("".join(code_blocks(text, frozenset({"yaml"}))[:1]) or steps.manifest)
            before = repository_state(place.clone)
            ran = _run(place, commands)
            after = repository_state(place.clone)
            changed = [what for what, was in before.items() if after[what] != was]
            return judged(item.id, ran, evidence.comparison, _comparison(place), changed)
    except PrprepError as error:
        return Verification(item=item.id, why_not=error.what.splitlines()[0], unable=True)


def _settled(evidence: Evidence, steps: Reproduction, folder: Path, inputs: StageInputs) -> Reader:
    """Make the clone with what the body has its reader save in it, and the environment that it has them make."""
    detection = evidence.detection
    wanted = (detection.base, *(detection.picked or (detection.head,)))
    packages = steps.packages + (steps.codeflash.packages if steps.codeflash else ())
    with inputs.clone(*wanted) as clone:
        project = detection.base if detection.picked else detection.head
        commits = (detection.base, project)
        return reader.settle(
            folder,
            clone.path,
            commits,
            item=evidence.item,
            layout=detection.layout,
            packages=packages,
            report=inputs.report,
        )


def _run(place: Reader, commands: Sequence[str]) -> tuple[RunCommand, ...]:
    ran = []
    for number, each in enumerate(commands, 1):
        place.report(f"running the body's commands, {number} of {len(commands)}")
        ran.append(place.run(each, seconds=SECONDS + BUDGETS * place.item.budget + (place.item.timeout or 0)))
    return tuple(ran)


def _comparison(place: Reader) -> Comparison | None:
    try:
        return nested.comparison(place.clone, place.item.id)
    except ArtifactError:
        return None
