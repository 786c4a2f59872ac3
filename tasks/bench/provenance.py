"""Hold the files that a worker imported against the tree that they must come from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..artifacts import Module
from ..errors import ProvenanceError

if TYPE_CHECKING:
    from .request import Request, Role

_INSTALLED = {"site-packages", "dist-packages"}


def prove(modules: Iterable[Mapping[str, str]], *, side: Role, request: Request) -> tuple[Module, ...]:
    """Return the side's modules (each with `name` and real `path`) with paths relative to its tree and git blobs.

    Raises ProvenanceError, with the path, for a module of the project that comes from anywhere else.
    """
    own = Path(os.path.realpath(request.side(side).tree))
    files = [(module["name"], Path(module["path"])) for module in modules]
    return tuple(
        _module(name, path, own) for name, path in files if _belongs(name, path, own=own, side=side, request=request)
    )


def _belongs(name: str, path: Path, *, own: Path, side: Role, request: Request) -> bool:
    inside = path.is_relative_to(own)
    if inside and not _INSTALLED & set(path.relative_to(own).parts):
        return True
    for other in request.roles:
        if not inside and path.is_relative_to(os.path.realpath(request.side(other).tree)):
            raise _misplaced(name, path, side=side, came_from=f"the tree of {other}")
    if name.partition(".")[0] in request.packages and _is_of_the_tree(name, own, request.side(side).path_entries):
        raise _misplaced(
            name, path, side=side, came_from="an installed copy" if _INSTALLED & set(path.parts) else "elsewhere"
        )
    return False


def _is_of_the_tree(name: str, own: Path, path_entries: tuple[Path, ...]) -> bool:
    """Return whether the tree holds this module, or the regular package that it is in.

    Other distributions may share a namespace package with the project; their parts of it are none of its modules.
    """
    roots = [*map(Path, map(os.path.realpath, path_entries)), own, own / "src"]
    top, inner = name.partition(".")[0], Path(*name.split("."))
    return any(
        (root / file).exists()
        for root in roots
        for file in (Path(top, "__init__.py"), Path(f"{inner}.py"), inner / "__init__.py")
    )


def _misplaced(name: str, path: Path, *, side: Role, came_from: str) -> ProvenanceError:
    return ProvenanceError(
        f"on {side} `{name}` is imported from {came_from} and not from the tree of {side}: {path}",
        hint="remove what puts it on the import path (an editable install, a .pth file, sys.path in a conftest.py); nothing was measured",
    )


def _module(name: str, path: Path, own: Path) -> Module:
    content = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return Module(name=name, path=path.relative_to(own).as_posix(), blob=blob)
