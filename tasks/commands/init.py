"""`prprep init`: a first manifest, drafted from notes, commits and branches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..storage.paths import cache_folder
from .inventory import Inventory

if TYPE_CHECKING:
    from doit.cmdparse import CmdOption

    from ..init.draft import Drafted

_MOST = 12


class Init(Inventory):
    """Draft prprep.yaml, and print its inventory."""

    doc_usage = "[REF ...]"
    doc_description = (
        "REF is a branch or commit to prepare in addition to those that .codeflash/HANDOFF.md, results, git log and "
        "branches name. The manifest goes to the root of the repository, with --repo into this folder. It never "
        "overwrites one; `prprep add` adds to it."
    )
    example = "prprep init perf/tables --upstream origin/main"
    own_options = (
        {
            "name": "repo",
            "long": "repo",
            "default": "",
            "metavar": "PATH",
            "help": "a path or an address [default: the repository around this folder]",
        },
        {
            "name": "upstream",
            "long": "upstream",
            "default": "",
            "metavar": "REF",
            "help": "what pull requests are opened against [default: origin's HEAD]",
        },
    )

    def get_options(self) -> list[CmdOption]:
        options = super().get_options()
        for option in options:
            if option.name == "manifest":
                option.help = "the file or folder to write to"
        return options

    def execute(self, params: Any, args: list[str]) -> int:
        from ..init import draft
        from ..manifest.reader import shown_path

        path, repo = draft.place(params["manifest"], params["repo"], Path.cwd())
        drafted = draft.run(path, repo=repo, upstream=params["upstream"] or None, refs=args, cache=cache_folder())
        print("\n".join(_summary(drafted)), end="\n\n")
        params["manifest"] = str(path)
        code = self.show(params, [])
        print(f"\nnext: read {shown_path(path)}, check with `prprep doctor` what measuring needs, then run `prprep`")
        return code


def _summary(drafted: Drafted) -> Iterator[str]:
    """Return the lines on what was written, and on what was left out and why."""
    from ..manifest.reader import shown_path
    from ..text.markdown import one_line, shorten

    used = [entry for entry in drafted.found.entries if not entry.problem]
    unused = [entry for entry in drafted.found.entries if entry.problem]
    counts = [
        (len(used), "to prepare"),
        (len(unused), "not usable, as comments"),
        (len(drafted.found.asides), "left out"),
    ]
    yield f"{shown_path(drafted.path)} is written: " + ", ".join(f"{count} {what}" for count, what in counts if count)
    lines = [f"  note on {problem}" for problem in drafted.problems]
    lines += [f"  {entry.id} is not used ({entry.source}): {entry.problem}" for entry in unused]
    lines += [f"  {entry.id}: {comment}" for entry in used for comment in entry.warnings]
    lines += [f"  left out: {aside.title} ({aside.source}): {aside.why}" for aside in drafted.found.asides[:_MOST]]
    if (more := len(drafted.found.asides) - _MOST) > 0:
        lines.append(f"  left out: {more} more, listed at the end of the file")
    yield from ("  " + shorten(one_line(line), 300) for line in lines)
