"""Let the user's command (`summarize:`) write the bullets of a body, and check them against the evidence.

The bullets are kept until the diff, the figures or the command change. docs/summarize.md says what it reads and writes.
"""

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

from ...artifacts import Bullets, Comparison, Detection
from ...body.claims import CitableEvidence, objections
from ...errors import CommandFailedError, MeasuringError
from ...manifest.model import Optimization
from ...processes import programs
from ...staleness import StageInputs
from ...text.markdown import one_line
from . import SUMMARIZE

SECONDS = 120.0
LONGEST_DIFF = 200_000
VERSION = 2
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])\s+")


def bullets(inputs: StageInputs) -> Bullets | None:
    """Return the command's bullets, asking for them if the diff, the figures or the command are new.

    None if the manifest names no command, or has bullets itself.
    """
    if not inputs.settings.summarize or inputs.settings.summary:
        return None
    part = inputs.part(SUMMARIZE)
    if not part.is_fresh:
        run(part)
    return part.last(Bullets)


def run(inputs: StageInputs) -> None:
    """Run the command and keep its bullets; raise MeasuringError if it fails."""
    item, detection, comparison = inputs.settings, inputs.read(Detection), inputs.read(Comparison)
    command = item.summarize or ""
    with inputs.clone(detection.base, detection.head) as clone:
        diff = clone.diff(detection.base, detection.head)
    inputs.report(f"asking `{command}`")
    answer = ask(command, question(detection, comparison, diff), folder=inputs.folder, where=item.id)
    messages = "\n".join(commit.message or commit.title for commit in detection.commits)
    evidence = CitableEvidence(comparison, f"{detection.title}\n{messages}\n{diff}")
    inputs.write(judged(item, answer, evidence))


def ask(command: str, question: dict[str, Any], *, folder: Path, where: str) -> str:
    """Run the command in the manifest's folder and the user's own environment; return its output."""
    hint = "fix the command of `summarize:`, or remove it: the bullets then come from the commits"
    try:
        arguments = shlex.split(command)
        stdin = json.dumps(question, ensure_ascii=False).encode()
        return programs.run(arguments, cwd=folder, env=dict(os.environ), timeout=SECONDS, stdin=stdin).output
    except ValueError as error:
        raise MeasuringError(f"`{command}` cannot be read: {error}", where=where, hint=hint) from None
    except CommandFailedError as error:
        raise MeasuringError(error.what, where=where, hint=hint) from None


def question(detection: Detection, comparison: Comparison, diff: str) -> dict[str, Any]:
    """Return what the command reads from stdin."""
    return {
        "version": VERSION,
        "item": detection.item,
        "title": detection.title,
        "base": detection.base,
        "head": detection.head,
        "commits": [commit.model_dump(include={"sha", "title", "message"}) for commit in detection.commits],
        "functions": [function.target for function in detection.functions],
        "diff": diff[:LONGEST_DIFF],
        "diff_is_whole": len(diff) <= LONGEST_DIFF,
        "verdict": str(comparison.verdict),
        "headline": comparison.headline,
        "changes": [change.model_dump(mode="json") for change in comparison.changes],
        "functions_measured": [share.model_dump(mode="json") for share in comparison.functions],
    }


def judged(item: Optimization, answer: str, evidence: CitableEvidence) -> Bullets:
    """Read the answer, a bullet a line, and say what is wrong with it."""
    bullets = list(filter(None, (one_line(_BULLET.sub("", line)) for line in answer.splitlines())))
    rejected = tuple(dict.fromkeys(objections(bullets, evidence)))
    return Bullets(item=item.id, command=item.summarize or "", bullets=tuple(bullets[:10]), objections=rejected[:10])
