"""Show the state of every item, without running anything: a table for the terminal, and report.md."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ...artifacts import Comparison, Detection, Survey
from ...body import edited_body
from ...body.claims import CitableEvidence
from ...body.edited_body import RENDERED
from ...errors import ArtifactError
from ...github import survey_text
from ...github.cache import format_time
from ...processes import secrets
from ...staleness import Stage, StageInputs, Staleness
from ...storage.artifact import Artifact
from ...storage.hashing import read_bytes, sha256, sha256_of
from ...storage.paths import ProjectPaths, relative_path
from ...text import figures, markdown
from ...text.markdown import Markdown
from ...text.tables import text_table
from ...workspace.output_files import write_output
from . import ASKED, EXTRA, MEASURED_AT, has_extra

A = TypeVar("A", bound=Artifact)
HEADER = ("#", "Optimization", "Benchmark test", "Compare", "PR body", "Status")
INVENTORY = ("#", "Optimization", "File(s)", "Commit", "Domain", "PR status")
READY, REVIEW, BLOCKED, STALE, NOT_RUN = "ready", "needs review", "blocked", "stale", "not run yet"
EDITED = "the body was edited by hand"
NOTHING = figures.NOT_DEFINED
_inline = partial(markdown.inline, emphasis=False)
_ORIGINS = {"generated": "created", "edited": "created, edited by hand", "worktree": "existing, in the work tree"}
_LONGEST_REASON = 160
_SHORTEST_NOTE = 80
"""Characters; a sentence of this length that several items share becomes a note."""


@dataclass(frozen=True, slots=True)
class Row:
    """One item: `state` is one of the five, `reasons` what to review or what is missing, `message` why it is blocked.

    `findings` are the rules that the benchmark breaks, `survey` what the survey found, `todos` what a person has to do,
    `rules` those of the project, `skeleton` the path of the project's template.
    """

    number: int
    id: str
    title: str
    benchmark: str = ""
    origin: str = ""
    source: str = ""
    compare: str = NOTHING
    body: str = NOTHING
    state: str = NOT_RUN
    reasons: tuple[str, ...] = ()
    message: str = ""
    findings: tuple[str, ...] = ()
    evidence: str = ""
    """The time of the measurement, and its commits."""
    todos: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    skeleton: str = ""
    survey: tuple[str, ...] = ()
    is_edited: bool = False
    """Whether the body was edited by hand since prprep wrote it."""
    left_out: tuple[str, ...] = ()
    """What the commits claim and the body does not say."""

    def benchmark_with(self, code: Callable[[str], str]) -> str:
        """Return the benchmark's path, formatted as code, and its origin."""
        return f"{code(self.benchmark)} ({self.origin})" if self.benchmark else NOTHING

    @property
    def status(self) -> str:
        """Return the state with its first reason, and whether the body was edited, on one line."""
        edited = f"; {EDITED}" if self.is_edited else ""
        if not self.reasons:
            return f"{self.state}{edited}"
        more = f" (and {len(self.reasons) - 1} more)" if len(self.reasons) > 1 else ""
        return f"{self.state}: {markdown.shorten(self.reasons[0], _LONGEST_REASON)}{more}{edited}"


def run(staleness: Staleness, stage: Stage, *, width: int, last: str | None) -> tuple[str, str]:
    """Write report.md if its text changes, and return the table for a terminal of `width` columns, and its SHA-256.

    `last` is the SHA-256 of the report that prprep wrote before.
    """
    paths = staleness.workspace.paths
    rows = [read_row(number, inputs) for number, inputs in enumerate(_inputs_of(staleness, stage), 1)]
    text = secrets.masked(report_text(rows, paths))
    write_output(paths.report, text, root=paths.folder, last=last)
    cells = [
        (str(row.number), row.title, row.benchmark_with(_file_name), row.compare, _file_name(row.body), status)
        for row, status in zip(rows, statuses(rows), strict=True)
    ]
    return f"{text_table(HEADER, cells, width)}\n\n{tally([row.state for row in rows])}", sha256(text.encode())


def inventory(staleness: Staleness, stage: Stage, *, width: int) -> str:
    """Return the table of what detect and survey found out about each item."""
    rows = [_inventory_row(number, inputs) for number, inputs in enumerate(_inputs_of(staleness, stage), 1)]
    return text_table(INVENTORY, rows, width)


def _inputs_of(staleness: Staleness, stage: Stage) -> Iterator[StageInputs]:
    return (StageInputs(stage, staleness.item(item_id)) for item_id in staleness.workspace.plan.items)


def read_row(number: int, inputs: StageInputs, *, stale: Sequence[str] = ()) -> Row:
    """Return the state of an item; `stale` are its stages that would run again, if the caller has looked."""
    item, detection = inputs.settings, inputs.fields("detect")
    title = _title(inputs)
    if not inputs.state.is_dir():
        return Row(number, item.id, title)
    scaffolding, rendering, failure = (inputs.fields(stage) for stage in ("scaffold", "render", "failure"))
    is_current = bool(rendering) and inputs.digest("compare") == rendering.get("comparison")
    compared = rendering if is_current else inputs.fields("compare")
    is_edited = _is_edited(inputs.folder, rendering)
    state, reasons = _state(inputs, rendering, failure, stale=stale, is_current=is_current)
    if is_edited and state in {READY, REVIEW} and (objections := list(_objections(inputs, rendering))):
        hint = f"delete the edited body and run `prprep render:{item.id}` to restore it"
        state, reasons = REVIEW, (*reasons, *edited_body.shortened(objections, hint))
    return Row(
        number=number,
        id=item.id,
        title=title,
        benchmark=scaffolding.get("path", ""),
        origin=_ORIGINS.get(scaffolding.get("origin", ""), "existing"),
        source=scaffolding.get("source", "") if scaffolding.get("origin") in {"generated", "edited"} else "",
        compare=markdown.one_line(compared.get("headline", "")) or NOTHING,
        body=rendering.get("body") or NOTHING,
        state=state,
        reasons=tuple(map(markdown.one_line, reasons)),
        message=failure.get("message", ""),
        findings=tuple(
            f"line {each.get('line')}: {each.get('found')} ({each.get('rule')})"
            for each in inputs.fields("lint").get("findings", ())
        ),
        evidence=_evidence(inputs.value(MEASURED_AT), detection),
        todos=tuple(rendering.get("todos", ())),
        rules=tuple(
            f"{each.get('about')}: “{each.get('sentence')}” ({each.get('path')}, line {each.get('line')})"
            for each in detection.get("contribution_rules", ())
        ),
        skeleton=rendering.get("skeleton", ""),
        survey=_survey_details(inputs),
        is_edited=is_edited,
        left_out=tuple(rendering.get("left_out", ())),
    )


def _file_name(path: str) -> str:
    return path.rpartition("/")[2]


def _title(inputs: StageInputs) -> str:
    title = inputs.settings.title or inputs.fields("detect").get("title", "")
    return markdown.one_line(title) or inputs.item_id


def _evidence(measured_at: float | None, detection: dict[str, Any]) -> str:
    if measured_at is None:
        return ""
    commits = f"head {str(detection.get('head'))[:12]} against base {str(detection.get('base'))[:12]}"
    return f"measured {format_time(measured_at)}, {commits}"


def _survey_details(inputs: StageInputs) -> tuple[str, ...]:
    """Return what the survey found, and when it asked GitHub."""
    survey, asked = read_if_written(inputs, Survey), inputs.value(ASKED)
    searched_at = "" if asked is None else format_time(asked)
    return tuple(map(markdown.one_line, survey_text.details(survey, searched_at=searched_at))) if survey else ()


def read_if_written(inputs: StageInputs, model: type[A]) -> A | None:
    try:
        return inputs.read(model)
    except ArtifactError:
        return None


def statuses(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the status of each row; a long one that an earlier row has refers to that row."""
    first: dict[str, int] = {}
    for row in rows:
        number = first.setdefault(row.status, row.number)
        is_repeated = number != row.number and len(row.status) >= _SHORTEST_NOTE
        yield f"{row.state}: same as {number}" if is_repeated else row.status


def tally(states: Sequence[str]) -> str:
    """Count the items by state: `4 items: 3 ready, 1 blocked`."""
    counted = Counter(states)
    listed = ", ".join(f"{counted[each]} {each}" for each in (READY, REVIEW, BLOCKED, STALE, NOT_RUN) if counted[each])
    return f"{figures.counted(len(states), 'item')}{': ' if listed else ''}{listed}"


def report_text(rows: Sequence[Row], paths: ProjectPaths) -> str:
    folder = paths.report.parent
    shown = [
        (
            str(row.number),
            _inline(row.title),
            Markdown(row.benchmark_with(markdown.code)),
            row.compare,
            _link(row.body, paths.folder, folder),
            _inline(status),
        )
        for row, status in zip(rows, statuses(rows), strict=True)
    ]
    table = markdown.table([Markdown(name) for name in HEADER], shown)
    notes = _notes(rows)
    parts = [
        f"# Performance pull requests\n\n{tally([row.state for row in rows])}\n\n{table}",
        *(_details(row, notes) for row in rows),
        *_rules(rows),
    ]
    parts += [] if has_extra() else [f"With charts, in a browser: `{EXTRA}`, then `prprep report --open`."]
    if notes:
        parts.append("## Notes\n\n" + "\n".join(f"{number}. {_inline(note)}" for note, number in notes.items()))
    return "\n\n".join(parts) + "\n"


def _state(
    inputs: StageInputs, rendering: dict[str, Any], failure: dict[str, Any], *, stale: Sequence[str], is_current: bool
) -> tuple[str, tuple[str, ...]]:
    if failure:
        return BLOCKED, (_reason(failure),)
    needs = inputs.fields("scaffold").get("needs")
    if not rendering and not needs:
        if stale:
            return NOT_RUN, (f"{', '.join(stale)} will run",)
        # The command in a body runs `compare` alone, so no body is written.
        return NOT_RUN, ("compared; run `prprep` to write the body",) if inputs.fields("compare") else ()
    if (stale or (rendering and not is_current)) and not needs:
        return STALE, (f"{', '.join(stale)} will run again" if stale else "run prprep again",)
    reasons = (needs,) if needs else tuple(rendering.get("needs_review", ()))
    if rendering.get("body"):
        path = inputs.folder / rendering["body"]
        edited = path.with_name(f"{path.stem}.edited{path.suffix}")
        if not path.is_file():
            return STALE, ("the body is gone; run prprep again",)
        if edited.exists():
            to_do = "carry over what should stay, then delete it"
            reasons += (f"the body that was edited by hand is kept in {edited.name}: {to_do}",)
    return (REVIEW if reasons else READY), reasons


def _is_edited(folder: Path, rendering: dict[str, Any]) -> bool:
    actual = sha256_of(folder / rendering["body"]) if rendering.get("body") else None
    return actual is not None and actual != rendering.get("sha256")


def _objections(inputs: StageInputs, rendering: dict[str, Any]) -> Iterator[str]:
    """Yield what keeps an edited body from being published."""
    body, rendered = (read_bytes(path) or b"" for path in (inputs.folder / rendering["body"], inputs.state / RENDERED))
    comparison, detection = read_if_written(inputs, Comparison), read_if_written(inputs, Detection)
    if fault := edited_body.unpublishable(body):
        yield f"in the edited body, {fault}"
    elif sha256(rendered) != rendering["sha256"] or not comparison or not detection:
        copy = relative_path(inputs.state / RENDERED, inputs.folder)
        yield f"the body was edited, and {copy}, the copy of the original, is missing or changed"
    else:
        text, template = rendered.decode(), detection.template_text
        for objection in edited_body.objections(text, body.decode(), CitableEvidence(comparison, text), template):
            yield f"in the edited body, {objection}"


def _reason(failure: dict[str, Any]) -> str:
    """Return the stage, the first line of the message, and the hint, its last line, if there is one."""
    lines = str(failure.get("message", "")).splitlines() or [""]
    hint = f"; {lines[-1].strip()}" if len(lines) > 1 and lines[-1].startswith("  ") else ""
    return f"{failure.get('stage', '')}: {lines[0].rstrip(':')}{hint}"


def _notes(rows: Sequence[Row]) -> dict[str, int]:
    """Map each long sentence that the surveys of several items share to its number."""
    counted = Counter(sentence for row in rows for sentence in row.survey if not sentence.startswith("Decision: "))
    shared = [sentence for sentence, count in counted.items() if count > 1 and len(sentence) >= _SHORTEST_NOTE]
    return {sentence: number for number, sentence in enumerate(shared, 1)}


def _details(row: Row, notes: Mapping[str, int]) -> str:
    lines = [
        f"## {row.number}. {_inline(row.title)}",
        "",
        f"- Task: {markdown.code(f'prprep render:{row.id}')}",
        f"- Status: {row.state}",
    ]
    if row.benchmark:
        written = f", written to {markdown.code(row.source)}" if row.source else ""
        lines.append(f"- Benchmark test: {row.benchmark_with(markdown.code)}{written}")
    if row.compare != NOTHING:
        lines.append(f"- Compare: {markdown.escape(row.compare)}")
    if row.evidence:
        lines.append(f"- Evidence: {markdown.escape(row.evidence)}")
    if row.body != NOTHING:
        within = f", in the project's template {markdown.code(row.skeleton)}" if row.skeleton else ""
        edited = f"; {EDITED}, `prprep open` checks it" if row.is_edited else ""
        lines.append(f"- PR body: {markdown.code(row.body)}{within}{edited}")
    if row.state != BLOCKED:
        label = "To review" if row.state == REVIEW else "To do"
        lines += [f"- {label}: {_inline(reason)}" for reason in row.reasons]
    for sentence in row.survey:
        number = notes.get(sentence)
        shown = f"{sentence.partition(': ')[0]}: see note {number} below" if number else sentence
        lines.append(f"- {_inline(shown)}")
    lines += [f"- Left out of the body: {_inline(sentence)}" for sentence in row.left_out]
    lines += [f"- Benchmark rule: {_inline(finding)}" for finding in row.findings]
    lines += [f"- [ ] {_inline(todo)}" for todo in row.todos]
    if row.state == BLOCKED and row.message:
        lines += ["", markdown.fenced(row.message, "text")]
    return "\n".join(lines)


def _rules(rows: Sequence[Row]) -> list[str]:
    """Return sections on what the projects' pages demand of pull requests, each once for all its items."""
    by_rules: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if row.rules:
            by_rules.setdefault(row.rules, []).append(row.id)
    sections = []
    for rules, ids in by_rules.items():
        about = "" if len(by_rules) == 1 else f" ({', '.join(map(markdown.code, ids))})"
        listed = "\n".join(f"- {_inline(rule)}" for rule in rules)
        sections.append(f"## What the project asks of contributions{about}\n\n{listed}")
    return sections


def _link(body: str, root: Path, folder: Path) -> Markdown:
    if body == NOTHING:
        return Markdown(NOTHING)
    path = relative_path(root / body, folder)
    if set(path) & set("<>|\\\n"):
        return markdown.code(body)
    return Markdown(f"[{markdown.escape(body)}](<{path}>)")


def _inventory_row(number: int, inputs: StageInputs) -> tuple[str, ...]:
    item, detection, failure = inputs.settings, inputs.fields("detect"), inputs.fields("failure")
    title = _title(inputs)
    if not detection or failure.get("stage") == "detect":
        reason = markdown.shorten(markdown.one_line(_reason(failure)), _LONGEST_REASON)
        state = f"{BLOCKED}: {reason}" if failure else NOT_RUN
        return str(number), title, NOTHING, NOTHING, ", ".join(item.domain) or NOTHING, state
    files = detection.get("files", ())
    commits = [commit["sha"][:12] for commit in detection.get("commits", ())]
    survey = read_if_written(inputs, Survey)
    pull_request = survey_text.status(survey) if survey else "not looked for yet"
    proposed = detection.get("domain", {}).get("domains", ())
    domains = ", ".join(inputs.fields("scaffold").get("domains") or proposed) or NOTHING
    return str(number), title, _first_of(files), _first_of(commits[::-1]), domains, markdown.one_line(pull_request)


def _first_of(names: Sequence[str]) -> str:
    """Return the first name and the number of others: `src/a.py (+1)`."""
    if not names:
        return NOTHING
    return markdown.one_line(names[0]) + (f" (+{len(names) - 1})" if len(names) > 1 else "")
