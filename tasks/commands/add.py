"""`prprep add`: one optimization more in the manifest."""

from __future__ import annotations

from typing import Any

from doit.cmd_base import Command

from ..errors import UsageError
from ..graph.loader import ManifestLoader, graph_of
from .words import options_anywhere


class Add(Command):  # type: ignore[misc]
    """Add an optimization to the manifest, and leave everything else in it as it is."""

    doc_purpose = "add one optimization to prprep.yaml"
    doc_usage = "REF [--id ID]"
    doc_description = "REF is a branch, a tag or a commit. Comments, order and spaces of the manifest stay as they are."
    cmd_options = (
        *ManifestLoader.cmd_options,
        {
            "name": "id",
            "long": "id",
            "type": str,
            "default": "",
            "help": "its id [default: after the branch, or the commit's title]",
        },
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from ..init.drafting import item_lines
        from . import addition

        opt_values, refs = options_anywhere(self, opt_values, pos_args)
        if len(refs) != 1:
            now = "write `prprep add perf/faster-parsing`, or `prprep add 1f3e5d7 --id parsing`"
            raise UsageError("`add` needs one branch, tag or commit", hint=now)
        graph = graph_of(opt_values["manifest"])
        entry = addition.run(graph.workspace, refs[0], opt_values["id"] or None)
        print(f"added to {graph.manifest.name}:\n\n  id: {entry.id}")
        print("\n".join(f"  {line}" for line in item_lines(entry.values, entry.remarks)))
        print("".join(f"\n  note: {warning}" for warning in entry.warnings))
        print(f"next: prprep render:{entry.id}")
        return 0
