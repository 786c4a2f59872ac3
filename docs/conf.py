"""The documentation as a site: `sphinx-build -c docs . SITE`. Pages and links are those that GitHub shows."""

from importlib import metadata

from sphinx.application import Sphinx

project, copyright, release = "prprep", "the prprep authors", metadata.version("prprep")  # noqa: A001 - Sphinx's name
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**"]
exclude_patterns = ["docs/README.md"]
myst_heading_anchors = 3
myst_enable_extensions = ["html_image"]
nitpicky = True
html_theme = "furo"
html_title = f"prprep {release}"


def setup(app: Sphinx) -> None:
    """Put the page of each diagnosis below their index, which GitHub shows without this."""
    pages = "\n```{toctree}\n:hidden:\n:glob:\n\ndiagnoses/*\n```\n"

    def add_pages(_app: Sphinx, name: str, text: list[str]) -> None:
        text[0] += pages if name == "docs/diagnoses" else ""

    app.connect("source-read", add_pages)
