from typing import Any

from ...staleness import (
    ALL,
    BENCHMARK,
    COMMITS,
    ENVIRONMENT,
    FUNCTIONS,
    LAYOUT,
    Item,
    Stage,
    Uses,
    Value,
    metrics_follow_from_domain,
    times_imports,
)

STOPPING_RULE = Value(
    "when sampling may stop", lambda item: (item.settings["confidence"], item.settings["negligible"]), hashed=False
)
"""Confidence and negligible change: samples taken under another rule stay valid, so only `compare` runs again."""


def _in_lockstep(item: Item) -> tuple[Item, ...]:
    """Return the other items of the repository whose heads are to be timed in the same turns."""
    name, plan = item.settings["lockstep"], item.workspace.plan.items
    named = [each for each, settings in plan.items() if name and each != item.id and settings["lockstep"] == name]
    others = map(item.staleness.item, named)
    return tuple(other for other in others if other.repository is item.repository)


def _commits_of(others: tuple[Item, ...]) -> dict[str, Any]:
    refs = {other.id: other.workspace.refs(other.id) for other in others}
    commits = {name: [each.base, each.head, list(each.picks)] for name, each in refs.items()}
    return {"the items in the same lockstep": commits} if commits else {}


LOCKSTEP = Value("the items in the same lockstep", _in_lockstep, _commits_of)

STAGE = Stage(
    name="measure",
    doc="measure base, head and control in turns",
    version=9,
    uses=(
        Uses(
            settings=("metrics", "timeout", "budget", "cores", *ENVIRONMENT),
            artifacts={
                "detect": (*COMMITS, *LAYOUT, *FUNCTIONS),
                "scaffold": BENCHMARK,
                "inject": ALL,
            },
            values=(STOPPING_RULE, LOCKSTEP),
        ),
        Uses(artifacts={"detect": ("domain.domains",)}, when=metrics_follow_from_domain),
        Uses(artifacts={"detect": ("target",)}, when=times_imports),
    ),
    after=("lint",),
)
