"""Take fenced blocks out of Markdown, by the rules that GitHub reads it by."""

from __future__ import annotations

SHELLS = frozenset({"sh", "bash", "shell"})


def blocks(text: str, languages: frozenset[str]) -> tuple[str, ...]:
    """Return the content of every fenced block in one of these languages, in order, also inside of lists, quotes and `<details>`."""
    from markdown_it import MarkdownIt

    found = (token for token in MarkdownIt("commonmark").parse(text) if token.type == "fence")
    return tuple(token.content for token in found if token.info.strip().partition(" ")[0].lower() in languages)
