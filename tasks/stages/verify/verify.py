"""Run the body's commands in a fresh clone, and compare the results with the claim."""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Final

from ...artifacts import Change, Comparison, Repeated, RunCommand, Verdict, Verification
from ...bench import machine
from ...bench.exclusive import cache_lock, exclusive
from ...body.evidence import benchmark_to_save
from ...body.placeholders import FULL, filled_template
from ...body.reproduction import reproduction
from ...errors import ArtifactError, PrprepError
from ...manifest.model import Optimization
from ...processes.scratch import scratch_folder
from ...staleness import StageInputs
from ...storage.paths import MANIFEST_NAME
from ...text import figures
from ...text.outline import SHELLS, code_blocks
from ...workspace import nested
from . import EVIDENCE
from .fresh_clone import FreshClone, runs_prprep

SECONDS: Final = 1800.0
"""Time limit of one block of commands, in addition to what the item's settings allow measuring."""

BUDGETS: Final = 20


def run(inputs: StageInputs) -> None:
    """Run the commands; if some fail or disagree, that is a result and no failure of the stage."""
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
    item_id: str,
    commands: Sequence[RunCommand],
    claim: Comparison,
    measured: Comparison | None,
    changed: Sequence[str] = (),
    *,
    here: str = "",
) -> Verification:
    """Compare the results with the claim; `measured` is the comparison that the commands made, if any.

    `changed` says what the commands changed in the reader's clone, `here` describes the machine that they ran on.
    """
    platform = here if here != claim.platform else ""
    repeated = repetitions(claim, measured) if measured else ()
    findings = (
        *(_failed(command) for command in commands if command.code != 0),
        *(f"this command of the body times nothing in a fresh clone: {run.untimed}" for run in commands if run.untimed),
        *(_disagreement(repetition, platform) for repetition in repeated if not repetition.agrees),
        *(f"the commands that the body gives change the reader's clone: {what}" for what in changed),
    )
    return Verification(item=item_id, commands=tuple(commands), repeated=repeated, findings=findings, platform=platform)


def repetitions(claim: Comparison, measured: Comparison) -> tuple[Repeated, ...]:
    """Look up every change that the claim rests on in the other comparison."""
    others = {(change.test, change.metric): change for change in measured.changes}
    claimed = [change for change in claim.changes if change.primary and not change.control_row]
    pairs = [(change, others.get((change.test, change.metric))) for change in claimed]
    return tuple(
        Repeated(
            test=change.test,
            metric=change.metric,
            verdict=change.verdict,
            claimed=change.interval,
            found=again.interval if again else None,
            agrees=again is not None and _agrees(change, again),
        )
        for change, again in pairs
    )


def _agrees(claimed: Change, measured: Change) -> bool:
    """Return whether a claimed change was measured again, or if none was claimed, that none was measured."""
    if claimed.verdict is Verdict.IMPROVED:
        return measured.interval.ratio < 1 - claimed.negligible
    if claimed.verdict is Verdict.REGRESSED:
        return measured.interval.ratio > 1 + claimed.negligible
    return claimed.verdict is Verdict.INCONCLUSIVE or measured.verdict not in {Verdict.IMPROVED, Verdict.REGRESSED}


def _failed(command: RunCommand) -> str:
    how = "took too long" if command.code is None else f"ended with exit code {command.code}"
    last = f" ({command.last_line})" if command.last_line else ""
    return f"a command that the body gives {how} in a fresh clone: {command.failed}{last}"


def _disagreement(repetition: Repeated, platform: str) -> str:
    claimed, again = (
        figures.change(interval.ratio, interval.low, interval.high) if interval else "nothing"
        for interval in (repetition.claimed, repetition.found)
    )
    return (
        f"the body claims {repetition.metric} {claimed} for {repetition.test}; "
        f"its commands measured {again} in a fresh clone" + (f" on {platform}" if platform else "")
    )


# -- the fresh clone --------------------------------------------------------------------------------


def _verified(inputs: StageInputs) -> Verification:
    evidence, cache, report = inputs.value(EVIDENCE), inputs.cache, inputs.report
    item, detection = evidence.item, evidence.detection
    text = filled_template("reproduce.md.j2", evidence, FULL, inputs.templates)
    commands = code_blocks(text, SHELLS)
    if not commands:
        why = "the body gives no commands in a block of `sh`"
        return Verification(item=item.id, why_not=why, unable=True)
    try:
        with scratch_folder(cache) as folder:
            steps = reproduction(evidence)
            packages = steps.packages + (steps.codeflash.packages if steps.codeflash else ())
            packages += ("pip",) if steps.built else ()
            with inputs.clone(detection.base, *(detection.picked or (detection.head,))) as clone:
                fresh = FreshClone.create(folder, clone, evidence, packages, report=report)
            manifest = "".join(code_blocks(text, frozenset({"yaml"}))[:1]) or steps.manifest
            saved = {**evidence.data, MANIFEST_NAME: manifest.encode()}
            if steps.benchmark_to_save:
                saved[evidence.scaffolding.path] = benchmark_to_save(evidence.scaffolding, inputs.folder)
            for path, content in saved.items():
                fresh.write(path, content)
            before = fresh.states()
            results = _run(fresh, commands, cache_lock(cache))
            inputs.measured += nested.measured(fresh.clone, item.id)
            changed = fresh.changes_since(before)
            measured = None
            with suppress(ArtifactError):
                measured = nested.comparison(fresh.clone, item.id)
            here = machine.platform_description(evidence.comparison.base.python)
            return judged(item.id, results, evidence.comparison, measured, changed, here=here)
    except PrprepError as error:
        return Verification(item=item.id, why_not=error.what.splitlines()[0], unable=True)


def _run(fresh: FreshClone, commands: Sequence[str], lock: Path) -> list[RunCommand]:
    seconds = SECONDS + BUDGETS * fresh.item.budget + (fresh.item.timeout or 0)
    results = []
    for number, block in enumerate(commands, 1):
        fresh.report(f"running the body's commands, {number} of {len(commands)}")
        # A prprep among them waits for its turn to measure by itself; setting up needs none.
        with nullcontext() if runs_prprep(block) else exclusive(lock, fresh.report):
            results.append(fresh.run(block, seconds=seconds))
    return results
