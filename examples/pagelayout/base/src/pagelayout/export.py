"""Pages as HTML, as XML, as an archive, and on a server."""

from __future__ import annotations

import html
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.dom import minidom

from pagelayout.text import TextLine


def to_html(lines: Sequence[TextLine]) -> str:
    """Return the lines as paragraphs."""
    return "\n".join(f"<p>{html.escape(line.text)}</p>" for line in lines)


def to_xml(lines: Sequence[TextLine]) -> str:
    """Return the lines with their boxes."""
    document = minidom.Document()
    root = document.appendChild(document.createElement("page"))
    for line in lines:
        element = root.appendChild(document.createElement("line"))
        for name in ("left", "top", "right", "bottom"):
            element.setAttribute(name, str(getattr(line.box, name)))
        element.appendChild(document.createTextNode(line.text))
    return document.toxml()


def archive_pages(target: Path, pages: dict[int, Sequence[TextLine]]) -> None:
    """Write one HTML file for each page into a zip file."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, lines in pages.items():
            archive.writestr(f"page-{number:04}.html", to_html(lines))


def publish_pages(address: str, pages: dict[int, Sequence[TextLine]]) -> int:
    """Send pages to a server; give the number of those that it took."""
    taken = 0
    for number, lines in pages.items():
        request = urllib.request.Request(f"{address}/{number}", data=to_html(lines).encode(), method="PUT")
        with urllib.request.urlopen(request) as answer:
            taken += answer.status < 300
    return taken
