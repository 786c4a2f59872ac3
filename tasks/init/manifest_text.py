"""The text of a first manifest: items with explaining comments, and what was left out and why."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from ..manifest.construct import plain
from ..text.markdown import one_line, shorten
from .items import ProposedItem, Selection

WIDTH: Final = 120
_LONGEST_COMMENT: Final = 1000
_MOST_LEFT_OUT: Final = 200
_KEYS: Final = ("title", "head", "base", "commits", "functions", "domain", "pr", "summary")


@dataclass(frozen=True, slots=True)
class Preamble:
    """The top of the manifest: the repository, and what was read and found."""

    repo: str
    upstream: str
    upstream_reason: str
    slug: str | None
    sources: tuple[str, ...]
    warnings: tuple[str, ...]
    settings: tuple[str, ...]


def manifest_text(preamble: Preamble, selection: Selection) -> str:
    """Return the whole manifest; items with a problem are commented out."""
    lines = [*_preamble(preamble), "optimizations:"]
    for item in selection.items:
        lines += [*_item(item), ""]
    if selection.left_out:
        lines.append("# Left out:")
    for candidate in selection.left_out[:_MOST_LEFT_OUT]:
        lines += _comment(f"- {candidate.title} ({candidate.source}): {candidate.reason}", hanging="  ")
    if len(selection.left_out) > _MOST_LEFT_OUT:
        lines.append(f"# ... and {len(selection.left_out) - _MOST_LEFT_OUT} more")
    return "\n".join(lines).rstrip() + "\n"


def yaml_scalar(value: Any) -> str:
    """Return a text or number as one line of YAML."""
    # PyYAML quotes what YAML 1.1 reads as a number; by YAML 1.2 the short SHA-1 12345e6 is one, too.
    quote = "'" if isinstance(value, str) and not isinstance(plain(value), str) else None
    text: str = yaml.safe_dump(
        value, allow_unicode=True, width=10_000_000, default_flow_style=True, default_style=quote
    )
    return text.removesuffix("\n").removesuffix("\n...")


def item_lines(values: Mapping[str, Any], remarks: Mapping[str, str]) -> list[str]:
    """Return the keys of an item except `id`, one line each, more for a list."""
    lines: list[str] = []
    for key in _KEYS:
        value = values.get(key)
        if value is None:
            continue
        if isinstance(value, list) and (len(value) > 1 or key == "commits"):
            lines += [f"{key}:", *(f"  - {_with_remark(item, remarks)}" for item in value)]
        else:
            lines.append(f"{key}: {_with_remark(value[0] if isinstance(value, list) else value, remarks)}")
    return lines


def _preamble(preamble: Preamble) -> Iterator[str]:
    yield "# yaml-language-server: $schema=prprep.schema.json"
    yield "# (For completion in your editor run `prprep schema > prprep.schema.json`.)"
    yield "#"
    others, last = preamble.sources[:-1], "".join(preamble.sources[-1:])
    sources = f"{', '.join(others)} and {last}" if others else last
    yield from _comment(f"Drafted by `prprep init` from {sources}. Edit it as you like.")
    yield from _comment(
        "Numbers from notes and commit messages are only comments here; prprep measures everything itself. "
        "`prprep` runs all steps, `prprep inventory` shows the optimizations as a table, `prprep add REF` adds one."
    )
    for warning in preamble.warnings:
        yield from _comment(_sentence(f"Warning: {warning}"))
    yield "version: 1"
    if preamble.repo != ".":
        yield f"repo: {yaml_scalar(preamble.repo)}"
    yield f"upstream: {yaml_scalar(preamble.upstream)} # the base of pull requests ({preamble.upstream_reason})"
    if preamble.slug:
        yield f"# slug: {one_line(preamble.slug)} # from the remote"
    for setting in preamble.settings:
        yield from _comment(setting)
    yield ""
    yield "# defaults: # settings for all optimizations that do not set them"
    yield "#   budget: 20 # seconds of samples for one benchmark"
    yield ""
    yield "# An optimization can describe its benchmark right here; `setup` is not timed, `call` is measured:"
    yield '#   benchmark: {setup: "from my_project.text import merge", call: "merge(\'word \' * 1_000)"}'
    yield ""


def _item(item: ProposedItem) -> Iterator[str]:
    problem = [f"NOT USED: {item.problem}"] if item.problem else []
    yield from _comment(f"From {item.source}.", "  ")
    for comment in (*item.warnings, *item.comments, *problem):
        yield from _comment(_sentence(comment), "  ")
    indent = "  # " if item.problem else "  "
    yield f"{indent}- id: {yaml_scalar(item.id)}"
    for line in item_lines(item.values, item.remarks):
        yield f"{indent}  {line}"
    if item.problem and not {"head", "commits"} & item.values.keys():
        yield f"{indent}  head: ..."


def _comment(text: str, indent: str = "", *, hanging: str = "") -> list[str]:
    """Wrap a comment, which nothing in `text` can end."""
    start = f"{indent}# "
    lines = textwrap.wrap(
        shorten(one_line(text), _LONGEST_COMMENT),
        WIDTH,
        initial_indent=start,
        subsequent_indent=start + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [start.rstrip()]


def _sentence(text: str) -> str:
    line = one_line(text)
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?", "…")) else ".")


def _with_remark(value: object, remarks: Mapping[str, str]) -> str:
    remark = remarks.get(str(value))
    return f"{yaml_scalar(value)} # {shorten(one_line(remark), WIDTH)}" if remark else yaml_scalar(value)
