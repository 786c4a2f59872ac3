"""Say for one item what is stale and why, or what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .files import read_json
from .freshness import artifact_of, fields_of
from .journal import tail
from .markdown import one_line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .freshness import Freshness
    from .paths import ItemPaths
    from .workspace import Workspace

TAIL_LINES = 30
_LONGEST_VALUE = 60
_GONE = {
    "detect": "the benchmark in the work tree is another one",
    "survey": "what GitHub said is older than a day, or has changed",
    "scaffold": "the benchmark that was written is edited or gone",
    "render": "the body is gone",
}
"""What a stage's product is, where that is not as the stage left it."""


def explanation(workspace: Workspace, freshness: Freshness, item_id: str, stages: Mapping[str, Sequence[str]]) -> str:
    """Tell of every stage whether it is fresh, else why not; then what failed, with the end of the log; then what to run.

    `stages` gives for each stage, in their order, those whose artifacts it reads.
    """
    paths, states = workspace.paths.item(item_id), dict(_states(workspace, freshness, item_id, stages))
    width = max(map(len, stages))
    lines = [item_id, *(f"  {stage:{width}}  {state}" for stage, state in states.items())]
    lines += _failure(workspace, paths)
    if freshness.waits(item_id):
        needs = fields_of(paths.scaffold).get("needs")
        lines += ["", f"waits for a person: {needs}"]
    elif set(states.values()) != {"fresh"}:
        lines += ["", f"next: prprep {list(stages)[-1]}:{item_id}"]
    return "\n".join(lines)


def _states(workspace: Workspace, freshness: Freshness, item_id: str, stages: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    paths = workspace.paths.item(item_id)
    failed = freshness.failed_stage(item_id)
    late: dict[str, str] = {}
    """What each stage is to be looked at again after: the first that is not fresh of those that it stands on."""
    for stage, reads in stages.items():
        first = next((late[before] for before in reads if before in late), "")
        if freshness.is_fresh(stage, item_id):
            if first:
                late[stage] = first
            yield stage, f"fresh, to be looked at again after {first}" if first else "fresh"
            continue
        if stage == failed:
            state = "failed"
        elif not artifact_of(paths, stage).exists():
            state = "not run yet"
        else:
            state = f"stale: {'; '.join(reasons(freshness, stage, item_id, paths))}"
        late[stage] = first or stage
        yield stage, state


def reasons(freshness: Freshness, stage: str, item_id: str, paths: ItemPaths) -> list[str]:
    """Hold what the artifact was made from against what it would be made from now."""
    made = read_json(paths.made_from).get(stage)
    if made is None:
        return ["what it was made from is not recorded"]
    found = list(_differences(made, freshness.made_from(stage, item_id)))
    return found or [_GONE.get(stage, "its artifact is not what the stage wrote")]


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*now, *before)):
        if before.get(name) == _spelled(now.get(name)):
            continue
        if name.startswith("`") or "commit" in name or "name of" in name:
            yield f"{name} is {_shown(now.get(name))}, was {_shown(before.get(name))}"
        else:
            yield f"{name} changed"


def _spelled(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Spell a value as it comes back from JSON."""
    if isinstance(value, tuple | list):
        return [_spelled(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _spelled(each) for key, each in value.items()}
    return value


def _shown(value: Any) -> str:  # noqa: ANN401
    if value in (None, [], ()):
        return "not set"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return shorten(one_line(text), _LONGEST_VALUE)


def _failure(workspace: Workspace, paths: ItemPaths) -> list[str]:
    failure = fields_of(paths.failure)
    if not failure:
        return []
    log = paths.log.relative_to(workspace.folder)
    told = ["", f"{failure.get('stage')} failed:", *_indented(str(failure.get("message", "")))]
    end = tail(paths.log, TAIL_LINES)
    return [*told, "", f"the end of {log}:", *_indented(end)] if end else told


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]
