"""`prprep agent-guide`: how a coding agent uses prprep, as a skill."""

from typing import Any

from doit.cmd_base import Command

from ..storage.paths import shipped_templates


class AgentGuide(Command):  # type: ignore[misc]
    doc_usage = ""
    doc_description = (
        "It says when to use prprep, how to read what it prints, what needs judgement, and what never to do. Saved as "
        "SKILL.md it is a skill for coding agents."
    )
    example = "prprep agent-guide > .claude/skills/prprep/SKILL.md"
    only_prints = True

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:  # noqa: ARG002 - doit's signature
        print((shipped_templates() / "agent-guide.md").read_text(encoding="utf-8"), end="")
        return 0
