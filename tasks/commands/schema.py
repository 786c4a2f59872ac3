"""`prprep schema`: the JSON Schema of the manifest, for editors, or of what `--json` prints."""

from typing import Any

from doit.cmd_base import Command

from ..errors import UsageError
from ..graph.names import suggestion
from ..text.messages import quoted

OUTPUT = "output"


class Schema(Command):  # type: ignore[misc]
    doc_usage = "[output]"
    doc_description = (
        "Editors use it to complete and check the manifest while you type. `prprep schema output` prints that of what "
        "commands print with --json."
    )
    example = "prprep schema > prprep.schema.json"
    only_prints = True

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:  # noqa: ARG002 - doit's signature
        if pos_args not in ([], [OUTPUT]):
            raise UsageError(
                f"there is no schema {quoted(pos_args[0])}", hint=suggestion(pos_args[0], [OUTPUT], "there is")
            )
        if pos_args:
            from ..json_output import schema
        else:
            from ..manifest import schema  # type: ignore[no-redef]
        print(schema.schema_text(), end="")
        return 0
