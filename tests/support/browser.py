"""Render Markdown by GitHub's own rules (cmark-gfm) and look at it in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--hide-scrollbars", "--window-size=1012,2400",
)  # fmt: skip
# The width of a comment on GitHub, and how its style sheet lays out tables and code.
STYLE = """
article { width: 838px; margin: 20px auto; font: 14px/1.5 sans-serif; border-bottom: 3px solid #888 }
table { display: block; width: max-content; max-width: 100%; overflow: auto; border-collapse: collapse; margin: 0 0 16px }
td, th { border: 1px solid #ccc; padding: 6px 13px } pre { background: #f4f4f4; padding: 10px; overflow: auto }
code { font-size: 85%; background: #eee } pre code { background: none } h1, h2 { border-bottom: 1px solid #ddd }
"""
LOOK = """
const shown = [...document.querySelectorAll('article')].map(article => {
  const words = document.createTreeWalker(article, NodeFilter.SHOW_TEXT, {
    acceptNode: node => node.parentElement.closest('pre, code') ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT });
  const texts = []; while (words.nextNode()) texts.push(words.currentNode.data);
  return {
    name: article.id,
    seen: article.innerText,
    text: texts.join(' '),
    elements: [...new Set([...article.querySelectorAll('*')].map(element => element.localName))].sort(),
    headings: [...article.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(heading => [Number(heading.localName[1]), heading.textContent]),
    details: [...article.querySelectorAll('details')].map(part => [part.open, part.firstElementChild?.localName, part.innerText.length]),
    tables: [...article.querySelectorAll('table')].map(table => ({
      cells: [...table.rows].map(row => row.cells.length),
      wide: table.scrollWidth - table.clientWidth,
      seen: table.checkVisibility(),
    })),
    wide: article.scrollWidth - article.clientWidth,
    boxes: [...article.querySelectorAll('input')].map(box => [box.type, box.checked, box.parentElement.textContent.trim()]),
  };
});
const found = document.createElement('script'); found.type = 'application/json'; found.id = 'found';
found.textContent = JSON.stringify(shown).replaceAll('<', '\\\\u003c'); document.body.append(found);
"""


def html_of(markdown: str) -> str:
    """Return the HTML that cmark-gfm makes, raw HTML let through as GitHub does before it is sanitized."""
    import cmarkgfm
    from cmarkgfm.cmark import Options

    return cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)


def page_of(bodies: dict[str, str]) -> str:
    articles = "".join(f'<article id="{name}">\n{html_of(body)}\n</article>\n' for name, body in bodies.items())
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><body>{articles}<script>{LOOK}</script></body>'


def seen_in_browser(bodies: dict[str, str], folder: Path) -> dict[str, dict[str, Any]]:
    """Open the bodies in a browser, and return the document that it made of each, by name."""
    page = folder / "bodies.html"
    page.write_text(page_of(bodies), encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [str(CHROMIUM), *FLAGS, profile, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    found = re.search(r'<script type="application/json" id="found">(.*?)</script>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return {each["name"]: each for each in json.loads(found[1])}
