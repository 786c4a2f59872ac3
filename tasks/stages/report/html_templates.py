"""Fill the templates of report.html; unlike those of bodies they are HTML, and nobody replaces them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "html"
_CODE = re.compile(r"`([^`]+)`")


def filled(name: str, **values: object) -> str:
    """Fill a template; every value but Markup is escaped."""
    return _environment().get_template(name).render(values)


def file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"code": with_code, "markup": Markup}
    return environment


def with_code(text: str) -> Markup:
    """Escape a sentence, and mark its `code` as such."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
