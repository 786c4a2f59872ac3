from __future__ import annotations

from typing import TYPE_CHECKING

from ...staleness import ALL, COMMITS, ENVIRONMENT, LAYOUT, Item, Stage, Uses, Value

if TYPE_CHECKING:
    from ...body.evidence import Evidence


def _evidence(item: Item) -> Evidence:
    from ...body.evidence import Evidence

    return Evidence.compared(item.workspace.items[item.id], item.paths, item.workspace.folder)


def _commands_are_verified(item: Item) -> bool:
    return bool(item.settings["verify"])


EVIDENCE = Value("what the section shows besides the commands", _evidence, hashed=False)
"""A user's own template may print a title or a bullet between the commands; a change of those makes no run stale."""

STAGE = Stage(
    name="verify",
    doc="run the body's commands in a fresh clone",
    version=4,
    uses=(
        Uses(settings=("verify",)),
        Uses(
            settings=(
                *("strategy", "engine", "metrics", "timeout", "budget", "cores", "confidence"),
                *("negligible", "negligible_memory", "lint.ignore", "lint.boundaries", *ENVIRONMENT),
            ),
            artifacts={
                "detect": ("target", *COMMITS, "domain.domains", *LAYOUT, "layout.runner"),
                "scaffold": ALL,
                "inject": ALL,
                "compare": ALL,
                "codeflash": ALL,
            },
            templates=("reproduce.md.j2",),
            values=(EVIDENCE,),
            when=_commands_are_verified,
        ),
    ),
)
