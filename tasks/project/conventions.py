"""Find what a repository asks of a change: a changelog entry, a pull-request template; and what its tests import."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from typing import Literal

from .files import Project, TreeReader, lookup

HEAVY = frozenset(
    {
        "bokeh", "catboost", "cupy", "cv2", "dask", "datasets", "detectron2", "diffusers", "distributed", "fastai", "flax", "gensim",
        "geopandas", "h2o", "jax", "keras", "lightgbm", "lightning", "llama_cpp", "matplotlib", "mxnet", "nltk", "numba", "onnx",
        "onnxruntime", "openvino", "paddle", "pandas", "plotly", "polars", "pyarrow", "pyspark", "pytorch_lightning", "ray", "scipy",
        "seaborn", "sentence_transformers", "skimage", "sklearn", "spacy", "statsmodels", "sympy", "tensorflow", "tensorrt", "timm",
        "tokenizers", "torch", "torchaudio", "torchvision", "transformers", "ultralytics", "vllm", "xgboost",
    },
)  # fmt: skip
"""Top-level import names of packages that are large to install or slow to import."""

CHANGELOG_NAME = re.compile(
    r"(changelog|changes|history|news|release[-_]?notes)(\.(md|rst|txt|adoc|markdown))?", re.IGNORECASE
)
WHATSNEW = ("docs/whatsnew", "doc/whatsnew", "docs/source/whatsnew", "doc/source/whatsnew")
BLURB = "Misc/NEWS.d/next"
TEMPLATE_NAME = re.compile(r"pull_request_template(\.(md|txt|markdown|rst))?", re.IGNORECASE)
TEMPLATE_FOLDERS = (".github", "", "docs")
"""The places that GitHub looks at, in its order."""
ASV_NAME = re.compile(r"asv\.conf[\w.-]*\.jsonc?")
PYPERF = re.compile(rb"\bpyperf(?:ormance)?\b")
PYPERF_PAGES = re.compile(
    r"(pyproject\.toml|setup\.cfg|tox\.ini|noxfile\.py|[\w/-]*requirements[\w./-]*\.(txt|in)|(\.github/|docs?/)?contributing\.(md|rst|txt)|"
    r"(benchmarks?|docs?)/readme\.(md|rst|txt))",
    re.IGNORECASE,
)


def heavy_imports(tree: TreeReader) -> tuple[str, ...]:
    """Return `path: package` for every heavy package that a conftest file imports when it is loaded.

    A conftest that the running interpreter cannot parse is left out.
    """
    conftests = sorted(path for path in tree.files() if posixpath.basename(path) == "conftest.py")
    return tuple(
        f"{path}: {name}" for path in conftests for name in sorted(_top_level_imports(tree.read(path) or b"") & HEAVY)
    )


def _top_level_imports(source: bytes) -> set[str]:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return set()
    return {name.partition(".")[0] for statement in body for name in _imported(statement)}


def _imported(node: ast.AST) -> Iterator[str]:
    """Walk what runs at import: also below `if`, `try` and `with`, never in functions; TYPE_CHECKING blocks do not run."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from [node.module] if node.module and not node.level else []
    elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        for statement in node.orelse:
            yield from _imported(statement)
    elif isinstance(node, ast.If | ast.Try | ast.TryStar | ast.With | ast.ClassDef | ast.ExceptHandler):
        for child in ast.iter_child_nodes(node):
            yield from _imported(child)


def changelog(tree: TreeReader, *, project: str = "") -> str | None:
    """Return the kind of changelog and its place, like `keep-a-changelog CHANGELOG.md` or `towncrier changes/`.

    The kinds are towncrier, scriv, blurb, whatsnew, keep-a-changelog and plain; `project` is looked at before the root.
    """
    for folder in dict.fromkeys((project, "")):
        place = Project(tree, folder)
        for find in (_towncrier, _scriv, _blurb, _whatsnew, _changelog_file):
            if found := find(place):
                return found
    return None


def _towncrier(project: Project) -> str | None:
    table = project.tool("towncrier")
    if table is None:
        table = lookup(project.toml("towncrier.toml"), "tool", "towncrier")
    if not isinstance(table, dict):
        return None
    inside = (
        posixpath.join(str(table.get("package_dir", ".")), str(table["package"]).replace(".", "/"))
        if table.get("package")
        else ""
    )
    folder = table.get("directory") or posixpath.join(inside, "newsfragments")
    return f"towncrier {project.path(str(folder))}/"


def _scriv(project: Project) -> str | None:
    settings: object = project.tool("scriv")
    if settings is None:
        for name in ("changelog.d/scriv.ini", "scriv.ini", "setup.cfg", "tox.ini"):
            parser = project.ini(name)
            section = next((section for section in ("scriv", "tool:scriv") if parser.has_section(section)), None)
            if section or (name.endswith("scriv.ini") and project.has(name)):
                settings = dict(parser[section]) if section else {}
                break
    if not isinstance(settings, dict):
        return None
    return f"scriv {project.path(str(settings.get('fragment_directory', 'changelog.d')))}/"


def _blurb(project: Project) -> str | None:
    return f"blurb {project.path(BLURB)}/" if project.has_folder(BLURB) else None


def _whatsnew(project: Project) -> str | None:
    return next((f"whatsnew {project.path(folder)}/" for folder in WHATSNEW if project.has_folder(folder)), None)


def _changelog_file(project: Project) -> str | None:
    near = (path for path in project.files if posixpath.dirname(path) in {"", "docs", "doc"})
    names = [path for path in near if CHANGELOG_NAME.fullmatch(posixpath.basename(path))]
    if not names:
        return None
    chosen = min(
        names, key=lambda path: (path.count("/"), not posixpath.basename(path).lower().startswith("change"), path)
    )
    text = (project.tree.read(project.path(chosen)) or b"").decode("utf-8", "replace").lower()
    kept = "keepachangelog.com" in text or re.search(r"^##\s*\[unreleased\]", text, re.MULTILINE)
    return f"{'keep-a-changelog' if kept else 'plain'} {project.path(chosen)}"


def pull_request_template(tree: TreeReader) -> str | None:
    """Return the path of the template that GitHub would use, else of the first of several to choose from."""
    files = tree.files()
    for folder in TEMPLATE_FOLDERS:
        here = [path for path in files if posixpath.dirname(path).lower() == folder]
        if found := sorted(path for path in here if TEMPLATE_NAME.fullmatch(posixpath.basename(path))):
            return found[0]
    for folder in TEMPLATE_FOLDERS:
        several = posixpath.join(folder, "pull_request_template")
        if found := sorted(
            path
            for path in files
            if posixpath.dirname(path).lower() == several and path.lower().endswith((".md", ".txt"))
        ):
            return found[0]
    return None


def benchmark_tool(tree: TreeReader) -> Literal["asv", "pyperf"] | None:
    """Name the tool whose tables the project's reviewers know: asv by its configuration, pyperf where pages or requirements name it."""
    if any(ASV_NAME.fullmatch(posixpath.basename(path)) and path.count("/") <= 2 for path in tree.files()):
        return "asv"
    pages = (path for path in tree.files() if PYPERF_PAGES.fullmatch(path))
    return "pyperf" if any(PYPERF.search(tree.read(path) or b"") for path in pages) else None
