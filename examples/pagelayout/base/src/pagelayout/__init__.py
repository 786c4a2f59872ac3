"""Lines, tables and annotations from scanned pages."""

from pagelayout.annotations import Annotation, AnnotationStore, load_annotations
from pagelayout.export import archive_pages, publish_pages, to_html, to_xml
from pagelayout.geometry import Box
from pagelayout.models import TableModel
from pagelayout.pages import Page, binarize, render_page
from pagelayout.tables import Table, extract_tables
from pagelayout.text import TextFragment, TextLine, merge_text

__all__ = [
    "Annotation",
    "AnnotationStore",
    "Box",
    "Page",
    "Table",
    "TableModel",
    "TextFragment",
    "TextLine",
    "archive_pages",
    "binarize",
    "extract_tables",
    "load_annotations",
    "merge_text",
    "publish_pages",
    "render_page",
    "to_html",
    "to_xml",
]
