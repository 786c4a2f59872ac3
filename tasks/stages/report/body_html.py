"""A body as GitHub shows it: Markdown with HTML, of which nothing active and nothing from the network remains."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

TAGS = {
    "a", "blockquote", "br", "code", "del", "details", "div", "dl", "dt", "dd", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "input", "ins", "kbd", "li", "ol", "p", "pre", "s", "strong", "sub", "summary", "sup", "table", "tbody",
    "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "details": {"open"},
    "input": {"type", "checked", "disabled"},
    "ol": {"start"},
    "td": {"style"},
    "th": {"style"},
}


def html_of(markdown: str) -> Markup:
    """Render a body; images are left out, since a page that is opened must ask nobody for anything."""
    import nh3

    html = nh3.clean(
        _parser().render(markdown),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        filter_style_properties={"text-align"},
        link_rel="noopener noreferrer",
    )
    return Markup(html)  # noqa: S704 - it was sanitized


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.tasklists import tasklists_plugin

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return parser.use(tasklists_plugin)
