"""Say where a module is that the measured trees cannot import, though the repository has it in some form."""

import posixpath
from collections.abc import Sequence
from typing import NamedTuple

from .code.compiled import compiled_source
from .files import TreeReader
from .submodules import submodules

PYTHON_ENDINGS = ("/__init__.py", ".py")


class Absence(NamedTuple):
    """Why a module cannot be imported, and a hint; `is_compiled` if it may be there once it is built."""

    cause: str
    hint: str
    is_compiled: bool = False


def absence(module: str, tree: TreeReader, import_roots: Sequence[str], *, project: str = "") -> Absence | None:
    """Look for a module in submodules, in compiled sources, and outside the import roots; None if it is nowhere.

    `project` is the folder of the project, from which the hint's paths lead.
    """
    stem = module.replace(".", "/")
    for submodule in submodules(tree):
        inside = any(f"{posixpath.join(root, stem)}/".startswith(f"{submodule.path}/") for root in ("", *import_roots))
        top = stem.partition("/")[0]
        if inside or posixpath.basename(submodule.path).replace("-", "_") == top:
            return Absence(
                f"`{module}` is in the submodule {submodule.path}, which is empty in the measured trees",
                "prepare its change in the submodule's own repository: an item with `repo:` a clone of it",
            )
    on_path = any(posixpath.join(root, stem + end) in tree.files() for root in import_roots for end in PYTHON_ENDINGS)
    if not on_path and (path := _elsewhere(stem, tree)):
        root = path.removesuffix(".py").removesuffix("/__init__").removesuffix(stem).rstrip("/")
        folder = posixpath.relpath(root or ".", project or ".")
        return Absence(
            f"`{module}` is {path} of the repository, whose folder is not on the import path",
            f"let the project require it by its path, or add the folder to `pythonpath` of pytest's configuration "
            f"(`{folder}`)",
        )
    if source := compiled_source(module, tree):
        return Absence(
            f"`{module}` is compiled from {source}, and has no Python file",
            "let the project's build make it, in the folder of its package or installed",
            is_compiled=True,
        )
    return None


def _elsewhere(stem: str, tree: TreeReader) -> str | None:
    ends = tuple(f"/{stem}{end}" for end in PYTHON_ENDINGS)
    paths = (path for path in tree.files() if f"/{path}".endswith(ends) and "site-packages" not in path)
    return min(paths, key=lambda path: (path.count("/"), path), default=None)
