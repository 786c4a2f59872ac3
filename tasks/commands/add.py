"""`prprep add`: one optimization more in the manifest."""

from typing import Any

from doit.cmd_base import Command

from ..graph.loader import ManifestLoader, graph_of, option


class Add(Command):  # type: ignore[misc]
    doc_usage = "REF"
    doc_description = "REF is a branch, tag or commit. The rest of the manifest stays as it is, comments included."
    example = "prprep add perf/faster-parsing --id parsing"
    cmd_options = (
        *ManifestLoader.cmd_options,
        option("id", "its id [default: derived from the branch, or from the commit's title]", "ID"),
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from ..init.manifest_text import item_lines
        from . import addition

        graph = graph_of(opt_values["manifest"])
        item = addition.run(graph.workspace, pos_args[0], opt_values["id"] or None)
        print(f"added to {graph.manifest.name}:\n\n  id: {item.id}")
        print("\n".join(f"  {line}" for line in item_lines(item.values, item.remarks)))
        print("".join(f"\n  note: {warning}" for warning in item.warnings))
        print(f"next: prprep render:{item.id}")
        return 0
