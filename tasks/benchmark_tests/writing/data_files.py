"""Files of data beside a benchmark: those that it reads are found, those that prprep writes are kept as a person edited them."""

from __future__ import annotations

import ast
import hashlib
import os
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...artifacts import DataFile
from ...storage.files import write_whole

if TYPE_CHECKING:
    from ...artifacts import Scaffolding

# -- those that it reads ----------------------------------------------------------------------------


def data_files_read(path: str, tree: ast.Module) -> list[str]:
    """Return the paths below its folder that a file names from its own place, like `Path(__file__).with_name("a.json")`."""
    places = _Places(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            places.name(node.targets[0].id, node.value)
    found = {place for node in ast.walk(tree) if isinstance(node, ast.expr) and (place := places.of(node))}
    folder = posixpath.dirname(path)
    return sorted(place for place in found if place.startswith(folder + "/" if folder else "") and place != path)


class _Places:
    """The paths, from the root of the tree, that expressions of a file name; None where that cannot be told."""

    def __init__(self, path: str) -> None:
        self._names: dict[str, str | None] = {"__file__": path}

    def name(self, name: str, value: ast.expr) -> None:
        self._names.setdefault(name, self.of(value))

    def of(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return _joined(self.of(node.left), [node.right])
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            return _folder(self.of(node.value))
        return self._called(node, ast.unparse(node.func)) if isinstance(node, ast.Call) else None

    def _called(self, node: ast.Call, name: str) -> str | None:
        """Read `Path(...)`, functions of `os.path`, and methods of paths."""
        first = self.of(node.args[0]) if node.args else None
        if name in {"Path", "pathlib.Path", "str", "os.path.abspath", "os.path.realpath"}:
            return first
        if name in {"os.path.dirname", "os.path.join"}:
            return _folder(first) if name.endswith("dirname") else _joined(first, node.args[1:])
        held = self.of(node.func.value) if isinstance(node.func, ast.Attribute) else None
        ways = {
            "resolve": held,
            "absolute": held,
            "joinpath": _joined(held, node.args),
            "with_name": _joined(_folder(held), node.args),
        }
        return ways.get(name.rpartition(".")[2])


def _folder(place: str | None) -> str | None:
    return None if place is None else posixpath.dirname(place)


def _joined(place: str | None, words: list[ast.expr]) -> str | None:
    parts = [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    if place is None or len(parts) < len(words) or not parts:
        return None
    return posixpath.normpath(posixpath.join(place, *parts))


# -- those that prprep writes -----------------------------------------------------------------------


def write_data_files(
    made: Scaffolding, data: Mapping[str, bytes], *, last: Scaffolding | None, folder: Path
) -> Scaffolding:
    """Write the files of data that go with a benchmark, by their names; those that a person edited stay as they are.

    With a benchmark that was edited the files stay that it had. `folder` is the manifest's.
    """
    known = last.data if last else {}
    if made.origin == "edited":
        kept = {path: _as_it_is(file, folder) for path, file in known.items() if (folder / file.source).exists()}
        return made.model_copy(update={"data": kept})
    place, beside = posixpath.dirname(made.path), (folder / made.source).parent
    written, notes = {}, list(made.notes)
    for name, content in data.items():
        path, target = posixpath.join(place, name), beside / name
        before = known[path].written if path in known else ""
        edited = target.exists() and _sha256(target.read_bytes()) not in {_sha256(content), before}
        source = os.path.relpath(target, folder).replace(os.sep, "/")
        if not edited:
            write_whole(target, content)
        elif before != _sha256(content):
            notes.append(f"this file was edited by hand and kept, though another one would now be written: {source}")
        written[path] = _as_it_is(
            DataFile(source=source, sha256="", written=before if edited else _sha256(content)), folder
        )
    for path in known.keys() - written.keys():
        _forget(known[path], folder)
    return made.model_copy(update={"data": written, "notes": tuple(notes)})


def _as_it_is(file: DataFile, folder: Path) -> DataFile:
    return file.model_copy(update={"sha256": _sha256((folder / file.source).read_bytes())})


def _forget(file: DataFile, folder: Path) -> None:
    """Remove a file that no benchmark reads any more, unless a person edited it."""
    target = folder / file.source
    if target.exists() and _sha256(target.read_bytes()) == file.written:
        target.unlink()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
