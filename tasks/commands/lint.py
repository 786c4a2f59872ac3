"""`prprep lint`: benchmark files of any project, held against the rules."""

from __future__ import annotations

from typing import Any

from doit.cmd_base import Command

from ..errors import UsageError
from ..graph.console import CONSOLE
from ..storage.paths import cache_folder
from .words import options_anywhere


class Lint(Command):  # type: ignore[misc]
    """Hold benchmark files against the rules."""

    doc_purpose = "hold benchmark files against the rules for benchmarks"
    doc_usage = "PATH ... [--fix] [--no-run]"
    doc_description = "PATH is a file, or a folder of them, of any project. Exit code 1 where something breaks a rule."
    cmd_options = (
        {"name": "fix", "long": "fix", "type": bool, "default": False, "help": "mend what has one right answer"},
        {
            "name": "read",
            "long": "no-run",
            "type": bool,
            "default": False,
            "help": "only read the files: no environment is built",
        },
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        from . import lint_files

        opt_values, paths = options_anywhere(self, opt_values, pos_args)
        places = lint_files.files_of(paths)
        if not places:
            now = "write `prprep lint tests/benchmarks`; the step of all items is `prprep run lint`, that of one `prprep lint:ID`"
            raise UsageError("`lint` needs benchmark files", hint=now)
        count = 0
        for place in places:
            subject = lint_files.Subject.of(place)
            if opt_values["fix"] and (done := lint_files.fix(subject)):
                print("\n".join(f"{place}: {each}" for each in done))
                continue
            with CONSOLE.step("lint") as report:
                found, notes = lint_files.lint(subject, cache=cache_folder(), run=not opt_values["read"], report=report)
            for line in lint_files.lines(subject, found, notes):
                CONSOLE.print(line)
            count += len(found)
        print(f"{len(places)} file{'s' if len(places) != 1 else ''}, {count} finding{'s' if count != 1 else ''}")
        return 1 if count else 0
