"""Write the text of a first manifest: entries, comments that explain them, and what was left out and why."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from ..text.markdown import one_line, shorten

if TYPE_CHECKING:
    from .items import Aside, Entry

WIDTH: Final = 120
_LONGEST_COMMENT: Final = 1000
_MOST_ASIDES: Final = 200
_KEYS: Final = ("title", "head", "base", "commits", "functions", "domain", "pr", "summary")


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the entries: the repository as the manifest names it, upstream and why, what was read and found."""

    repo: str
    upstream: str
    upstream_reason: str
    slug: str | None
    sources: tuple[str, ...]
    problems: tuple[str, ...]
    settings: tuple[str, ...]


def manifest_text(frame: Frame, entries: Sequence[Entry], asides: Sequence[Aside]) -> str:
    """Return the whole of a manifest; entries that cannot be used stand in it as comments."""
    lines = [*_head(frame), "optimizations:"]
    for place, entry in enumerate(entries):
        lines += [""] if place else []
        lines += _entry(entry)
    return "\n".join([*lines, *_asides(asides)]).rstrip() + "\n"


def spelled(value: Any) -> str:
    """Spell a text or number on one line of YAML."""
    text: str = yaml.safe_dump(value, allow_unicode=True, width=10_000_000, default_flow_style=True)
    return text.removesuffix("\n").removesuffix("\n...")


def item_lines(values: Mapping[str, Any], remarks: Mapping[str, str]) -> list[str]:
    """Return the keys of an entry, one line each, or several for a list; `id` is the caller's."""
    lines: list[str] = []
    for key in _KEYS:
        value = values.get(key)
        if value is None:
            continue
        if isinstance(value, list) and (len(value) > 1 or key == "commits"):
            lines += [f"{key}:", *(f"  - {_remarked(each, remarks)}" for each in value)]
        else:
            lines.append(f"{key}: {_remarked(value[0] if isinstance(value, list) else value, remarks)}")
    return lines


def _head(frame: Frame) -> Iterator[str]:
    yield "# yaml-language-server: $schema=prprep.schema.json"
    yield "# (`prprep schema > prprep.schema.json` writes that file for your editor.)"
    yield "#"
    yield from _comment(f"Drafted by `prprep init` from {_listed(frame.sources)}. It is yours from here on.", "")
    yield from _comment(
        "What notes and commits say is where to look, not evidence: numbers in them are told as claims, in comments, and prprep measures "
        "anew. `prprep` makes everything, `prprep inventory` shows this as a table, `prprep add REF` adds one more.",
        "",
    )
    for problem in frame.problems:
        yield from _comment(_sentence(f"Note on {problem}"), "")
    yield "version: 1"
    if frame.repo != ".":
        yield f"repo: {spelled(frame.repo)}"
    yield f"upstream: {spelled(frame.upstream)} # what pull requests are against: {frame.upstream_reason}"
    if frame.slug:
        yield f"# slug: {one_line(frame.slug)} # as the remote says"
    for setting in frame.settings:
        yield from _comment(setting, "")
    yield ""
    yield "# defaults: # for all that do not set it themselves"
    yield "#   budget: 20 # seconds of samples for one benchmark"
    yield ""


def _entry(entry: Entry) -> Iterator[str]:
    yield from _comment(f"From {entry.source}.", "  ")
    for comment in (*entry.warnings, *entry.comments):
        yield from _comment(_sentence(comment), "  ")
    if entry.problem:
        yield from _comment(_sentence(f"NOT USED: {entry.problem}"), "  ")
    mark = "  # " if entry.problem else "  "
    yield f"{mark}- id: {spelled(entry.id)}"
    for line in item_lines(entry.values, entry.remarks):
        yield f"{mark}  {line}"
    if entry.problem and not {"head", "commits"} & entry.values.keys():
        yield f"{mark}  head: ..."


def _asides(asides: Sequence[Aside]) -> Iterator[str]:
    if not asides:
        return
    yield ""
    yield from _comment("Left out:", "")
    for aside in asides[:_MOST_ASIDES]:
        yield from _comment(f"- {aside.title} ({aside.source}): {aside.why}", "", hanging="  ")
    if len(asides) > _MOST_ASIDES:
        yield from _comment(f"... and {len(asides) - _MOST_ASIDES} more", "")


def _comment(text: str, indent: str, *, hanging: str = "") -> list[str]:
    """Wrap a comment; nothing of what others wrote can end it."""
    start = f"{indent}# "
    shown = shorten(one_line(text), _LONGEST_COMMENT)
    later = start + hanging
    lines = textwrap.wrap(
        shown, WIDTH, initial_indent=start, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
    return lines or [start.rstrip()]


def _sentence(text: str) -> str:
    bare = one_line(text)
    return f"{bare[:1].upper()}{bare[1:]}" if bare.endswith((".", "!", "?", "…")) else f"{bare[:1].upper()}{bare[1:]}."


def _remarked(value: object, remarks: Mapping[str, str]) -> str:
    remark = remarks.get(str(value))
    return f"{spelled(value)} # {shorten(one_line(remark), WIDTH)}" if remark else spelled(value)


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)
