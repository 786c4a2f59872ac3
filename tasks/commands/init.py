"""`prprep init`: a first manifest, drafted from notes, commits and branches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from doit.cmdparse import CmdOption

from ..graph.loader import option
from ..init import draft
from ..manifest.reader import shown_path
from ..storage.paths import cache_folder
from ..text.markdown import one_line, shorten
from .inventory import Inventory

_MOST = 12


class Init(Inventory):
    """Draft prprep.yaml, and print its inventory."""

    doc_usage = "[REF ...]"
    doc_description = (
        "REF is a branch or commit to prepare in addition to those that .codeflash/HANDOFF.md, results, git log and "
        "branches name. The manifest goes to the root of the repository, or with --repo into this folder. It never "
        "overwrites one; `prprep add` adds to it."
    )
    example = "prprep init perf/tables --upstream origin/main"
    own_options = (
        option("repo", "a path or an address [default: the repository around this folder]", "PATH"),
        option("upstream", "what pull requests are opened against [default: origin's HEAD]", "REF"),
    )

    def get_options(self) -> list[CmdOption]:
        options = super().get_options()
        (manifest,) = (option for option in options if option.name == "manifest")
        manifest.help = "the file or folder to write to"
        return options

    def execute(self, params: Any, args: list[str]) -> int:
        path, repo = draft.manifest_place(params["manifest"], params["repo"], Path.cwd())
        drafted = draft.run(path, repo=repo, upstream=params["upstream"] or None, refs=args, cache=cache_folder())
        print("\n".join(_summary(drafted)), end="\n\n")
        params["manifest"] = str(path)
        code = super().execute(params, [])
        print(f"\nnext: read {shown_path(path)}, check with `prprep doctor` what measuring needs, then run `prprep`")
        return code


def _summary(drafted: draft.WrittenDraft) -> Iterator[str]:
    """Return the lines on what was written, and on what was left out and why."""
    selection = drafted.selection
    used = [item for item in selection.items if not item.problem]
    unused = [item for item in selection.items if item.problem]
    counts = ((len(used), "to prepare"), (len(unused), "commented out"), (len(selection.left_out), "left out"))
    yield f"wrote {shown_path(drafted.path)}: " + ", ".join(f"{count} {what}" for count, what in counts if count)
    lines = [f"  warning: {warning}" for warning in drafted.warnings]
    lines += [f"  {item.id} is commented out ({item.source}): {item.problem}" for item in unused]
    lines += [f"  {item.id}: {warning}" for item in used for warning in item.warnings]
    lines += [f"  left out: {other.title} ({other.source}): {other.reason}" for other in selection.left_out[:_MOST]]
    if (more := len(selection.left_out) - _MOST) > 0:
        lines.append(f"  left out: {more} more, listed at the end of the file")
    yield from ("  " + shorten(one_line(line), 300) for line in lines)
