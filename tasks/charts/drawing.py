"""Draw Vega-Lite specifications as SVG, with the colours of a page or of a light or dark picture.

vl-convert, an optional package, carries Vega with it: no browser, no JavaScript in the page, no network.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import Any, Literal

Spec = dict[str, Any]
Theme = Literal["light", "dark"]

VEGA_LITE = "6.1"
WIDTH = 430
"""Pixels of a chart, so that its text can still be read where it is shrunk to a phone's 340."""
FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"

# Tints of verdicts and of sides, with at least 3:1 to the background, texts 4.5:1.
COLOURS: Mapping[str, tuple[str, str]] = {
    "surface": ("#ffffff", "#0d1117"),
    "raised": ("#f3f5f7", "#1b222b"),
    "text": ("#1f2328", "#e6edf3"),
    "muted": ("#59636e", "#9198a1"),
    "line": ("#d1d9e0", "#3d444d"),
    "base": ("#6e7781", "#9198a1"),
    "head": ("#0969da", "#4493f8"),
    "improved": ("#1a7f37", "#3fb950"),
    "regressed": ("#cf222e", "#f85149"),
    "inconclusive": ("#9a6700", "#d29922"),
    "unchanged": ("#6e7781", "#9198a1"),
    "stage-1": ("#818b98", "#818b98"),
    "stage-2": ("#b35900", "#db6d28"),
    "stage-3": ("#0969da", "#4493f8"),
    "stage-4": ("#8250df", "#ab7df8"),
    "stage-5": ("#0f7b7b", "#2fa8a8"),
    "much-less": ("#7ccf8f", "#1f6f35"),
    "less": ("#c3ecca", "#17432a"),
    "same": ("#e3e7eb", "#30363d"),
    "more": ("#ffd0c9", "#5b2524"),
    "much-more": ("#ff9d92", "#8e2f2c"),
}
"""Names of colours, each with its values on a light and a dark page."""

_AXIS = {
    "domainColor": "var(--line)",
    "gridColor": "var(--line)",
    "labelColor": "var(--muted)",
    "labelFontSize": 12,
    "tickColor": "var(--line)",
    "tickCount": 5,
    "titleColor": "var(--muted)",
    "titleFontSize": 12,
    "titleFontWeight": "normal",
}
_CONFIG: Spec = {
    "font": FONT,
    "background": None,
    "axis": _AXIS,
    "view": {"stroke": None},
    "legend": {
        "labelColor": "var(--text)",
        "labelFontSize": 12,
        "title": None,
        "orient": "top",
        "symbolOpacity": 1,
        "columnPadding": 26,
    },
    "text": {"fill": "var(--text)", "fontSize": 12},
}
_SHAPES = re.compile(r' (?:d|transform|x|y|x1|x2|y1|y2|width|height)="[^"]*"')
_LONG = re.compile(r"(\.\d\d)\d+")
_VARIABLE = re.compile(r"var\(--([\w-]+)\)")
# What is invisible, and attributes that only scripts use.
_NEEDLESS = re.compile(
    r'<path class="(?:background|foreground)"[^>]*?(?:d=""|d="M0,0h0v0h0Z")[^>]*/>'
    r'| (?:class|pointer-events|aria-roledescription|role|aria-hidden|xmlns:xlink|version)="[^"]*"| opacity="1"'
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its heading, what it shows in a sentence for those who do not see it, and its specification."""

    title: str
    alternative: str
    spec: Spec


def label_axis(limit: int) -> Spec:
    """Return an axis of names of at most `limit` pixels, with room for a reader's font that is wider than ours."""
    style = {"labelColor": colour("text"), "domain": False, "ticks": False, "grid": False}
    return {**style, "labelLimit": limit, "minExtent": round(1.2 * limit), "maxExtent": round(1.2 * limit)}


def is_available() -> bool:
    return find_spec("vl_convert") is not None


def svg_of(chart: Chart) -> str:
    """Draw a chart for a page that defines COLOURS as variables of its style sheet."""
    import vl_convert

    spec = {**chart.spec, "config": _CONFIG | chart.spec.get("config", {})}
    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    drawn = _SHAPES.sub(lambda match: _LONG.sub(r"\1", match[0]), _NEEDLESS.sub("", drawn))
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(chart.alternative)}" ', 1)


def picture_of(svg: str, theme: Theme) -> str:
    """Return a drawing as a file of its own, which no style sheet colours."""
    column = ("light", "dark").index(theme)
    return _VARIABLE.sub(lambda match: COLOURS[match[1]][column], svg)


def colour(name: str) -> str:
    return f"var(--{name})"


def style_sheet() -> str:
    """Return the style sheet that defines COLOURS, light or dark as the reader prefers it."""
    light, dark = ("".join(f"--{name}:{values[column]};" for name, values in COLOURS.items()) for column in range(2))
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
