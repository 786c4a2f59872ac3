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
    """Draft prprep.yaml, and show what is in it."""

    name = "init"
    doc_purpose = "draft prprep.yaml from .codeflash/HANDOFF.md, results, git log and branches"
    doc_usage = "[REF ...] [-m FILE] [--repo PATH] [--upstream REF]"
    doc_description = (
        "REF names a branch or commit to prepare beside what is found. The manifest goes to the root of the repository, or, with "
        "--repo, into this folder. One that is there is never overwritten; `prprep add` adds to it."
    )
    own_options = (
        {
            "name": "repo",
            "long": "repo",
            "type": str,
            "default": "",
            "help": "a path or an address [default: the repository around this folder]",
        },
        {
            "name": "upstream",
            "long": "upstream",
            "type": str,
            "default": "",
            "help": "what pull requests are against [default: origin's HEAD]",
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

        refs = self.read(params, args)
        path, repo = draft.place(params["manifest"], params["repo"], Path.cwd())
        drafted = draft.run(path, repo=repo, upstream=params["upstream"] or None, refs=refs, cache=cache_folder())
        print("\n".join(_told(drafted)), end="\n\n")
        params["manifest"] = str(path)
        code = self.show(params, [])
        print(f"\nnext: read {shown_path(path)}, then run `prprep`; `prprep doctor` checks first what measuring needs")
        return code


def _told(drafted: Drafted) -> Iterator[str]:
    """Say what was written, and what is not in it and why."""
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
        lines.append(f"  left out: {more} more, told at the end of the file")
    yield from ("  " + shorten(one_line(line), 300) for line in lines)
