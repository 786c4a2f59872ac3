"""Ask a command of the user's (`summarize:`) for the bullets of a body, and hold what it says against the evidence.

It is asked once for a diff and its figures: the answer is kept, and asked for again only when one of them, or the command,
is another. docs/summarize.md says what it reads and writes.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...artifacts import Bullets, Comparison, Detection
from ...body.claims import CitableEvidence, objections
from ...errors import CommandFailedError, MeasuringError
from ...processes import programs
from ...processes.progress import silent
from ...storage.files import fingerprint_of
from ...storage.hashing import digest, hash_of
from ...text.markdown import one_line

if TYPE_CHECKING:
    from ...manifest.model import Optimization
    from ...processes.progress import Report
    from ...storage.paths import ItemPaths

SECONDS = 120.0
LONGEST_DIFF = 200_000
VERSION = 1
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])\s+")


def run(item: Optimization, *, paths: ItemPaths, cache: Path, address: str, report: Report = silent) -> None:
    """Write summarize.json where the diff, the figures or the command are new; raise MeasuringError where the command fails."""
    from ...git import Clone

    detection = Detection.read(paths.detect)
    made_from = hash_of(
        [VERSION, item.summarize, detection.base, detection.head, list(detection.picked), digest(paths.compare)]
    )
    if item.summarize is None or item.summary or fingerprint_of(paths.summarize) == made_from:
        return
    comparison = Comparison.read(paths.compare)
    with Clone.open(address, cache, report=report, wanted=[detection.base, detection.head]) as clone:
        diff = clone.diff(detection.base, detection.head)
    report(f"asking `{item.summarize}`")
    answer = ask(item.summarize, question(detection, comparison, diff), folder=paths.folder, where=item.id)
    judged(item, answer, CitableEvidence(comparison, _texts(detection, diff))).write(paths.summarize, made_from)


def ask(command: str, asked: dict[str, Any], *, folder: Path, where: str) -> str:
    """Run the command in the manifest's folder and in the user's own environment, and give what it wrote."""
    now = "mend the command of `summarize:`, or take it out: the bullets then come from the commits"
    try:
        words = shlex.split(command)
        stdin = json.dumps(asked, ensure_ascii=False).encode()
        return programs.run(words, cwd=folder, env=dict(os.environ), timeout=SECONDS, stdin=stdin).output
    except ValueError as error:
        raise MeasuringError(f"`{command}` cannot be read: {error}", where=where, hint=now) from None
    except CommandFailedError as error:
        raise MeasuringError(error.what, where=where, hint=now) from None


def question(detection: Detection, comparison: Comparison, diff: str) -> dict[str, Any]:
    """Return what the command reads."""
    return {
        "version": VERSION,
        "item": detection.item,
        "title": detection.title,
        "base": detection.base,
        "head": detection.head,
        "commits": [
            {"sha": commit.sha, "title": commit.title, "message": commit.message} for commit in detection.commits
        ],
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
    lines = [one_line(_BULLET.sub("", line)) for line in answer.splitlines()]
    bullets = [line for line in lines if line]
    told = tuple(dict.fromkeys(objections(bullets, evidence)))
    return Bullets(item=item.id, command=item.summarize or "", bullets=tuple(bullets[:10]), objections=told[:10])


def _texts(detection: Detection, diff: str) -> str:
    messages = "\n".join(commit.message or commit.title for commit in detection.commits)
    return f"{detection.title}\n{messages}\n{diff}"
