"""`prprep schema`: the JSON Schema of the manifest, for editors."""

from typing import Any

from doit.cmd_base import Command


class Schema(Command):  # type: ignore[misc]
    doc_description = "Editors use it to complete and check the manifest while you type."
    example = "prprep schema > prprep.schema.json"
    only_prints = True

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:  # noqa: ARG002 - doit's signature
        from ..manifest.schema import schema_text

        print(schema_text(), end="")
        return 0
