"""Prove that the modules a worker imported come from the tree of its side."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..artifacts import Module
from ..errors import MeasuringError, ProvenanceError
from ..storage.files import read_regular
from ..storage.hashing import blob
from .request import Request, Role

_INSTALLED = {"site-packages", "dist-packages"}
_COMPILED = (".so", ".pyd", ".dylib")
"""Compiled files hold paths of the folder in which they were built."""


def prove(modules: Iterable[Mapping[str, str]], *, side: Role, request: Request) -> tuple[Module, ...]:
    """Return the side's modules (each with `name` and real `path`) with paths relative to its tree and git blobs.

    Raises ProvenanceError, with the path, if a module of the project comes from anywhere else.
    """
    tree = Path(os.path.realpath(request.side(side).tree))
    # The project's code sets these paths: one could be a link that leads out of the tree.
    files = [(module["name"], Path(os.path.realpath(module["path"]))) for module in modules]
    return tuple(
        Module(name=name, path=path.relative_to(tree).as_posix(), blob=blob(content))
        for name, path in files
        if _belongs(name, path, tree=tree, side=side, request=request)
        if (content := read_regular(path)) is not None
    )


def check_control(base: Iterable[Module], control: Iterable[Module]) -> None:
    """Raise MeasuringError if a source file of the control differs from base's."""
    blobs = {module.path: module.blob for module in base if not module.path.endswith(_COMPILED)}
    if other := sorted(module.path for module in control if blobs.get(module.path, module.blob) != module.blob):
        raise MeasuringError(
            "this file of the control differs from base's",
            where=other[0],
            hint="delete prprep's cache and run prprep again",
        )


def _belongs(name: str, path: Path, *, tree: Path, side: Role, request: Request) -> bool:
    inside = path.is_relative_to(tree)
    if inside and not _INSTALLED & set(path.relative_to(tree).parts):
        return True
    for other in request.roles:
        if not inside and path.is_relative_to(os.path.realpath(request.side(other).tree)):
            raise _misplaced(name, path, side=side, origin=f"the tree of {other}")
    if name.partition(".")[0] in request.packages and _is_in_tree(name, tree, request.side(side).path_entries):
        origin = "an installed copy" if _INSTALLED & set(path.parts) else "elsewhere"
        raise _misplaced(name, path, side=side, origin=origin)
    return False


def _is_in_tree(name: str, tree: Path, path_entries: tuple[Path, ...]) -> bool:
    """Return whether the tree has this module, or the regular package that holds it.

    Other distributions may share a namespace package with the project; their modules are not the project's.
    """
    roots = [*map(Path, map(os.path.realpath, path_entries)), tree, tree / "src"]
    top, inner = name.partition(".")[0], Path(*name.split("."))
    files = (Path(top, "__init__.py"), Path(f"{inner}.py"), inner / "__init__.py")
    return any((root / file).exists() for root in roots for file in files)


def _misplaced(name: str, path: Path, *, side: Role, origin: str) -> ProvenanceError:
    return ProvenanceError(
        f"on {side} `{name}` is imported from {origin} instead of the tree of {side}: {path}",
        hint="remove what puts it on the import path (an editable install, a .pth file, sys.path in a conftest.py); "
        "nothing was measured",
    )
