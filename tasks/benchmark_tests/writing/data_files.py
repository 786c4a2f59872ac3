"""Data files next to a benchmark: find those that it reads, write those of recorded calls."""

from __future__ import annotations

import ast
import hashlib
import posixpath
from collections.abc import Mapping
from pathlib import Path

from ...artifacts import DataFile, Scaffolding
from ...project.syntax import string_value
from ...storage.files import write_whole
from ...storage.paths import relative_path


def data_files_read(path: str, tree: ast.Module) -> list[str]:
    """Return the paths in its folder that a file names by `__file__`, like `Path(__file__).with_name("a.json")`."""
    expressions = _PathExpressions(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            expressions.assign(node.targets[0].id, node.value)
    paths = {found for node in ast.walk(tree) if isinstance(node, ast.expr) and (found := expressions.path_of(node))}
    folder = posixpath.dirname(path)
    return sorted(each for each in paths if each.startswith(folder + "/" if folder else "") and each != path)


class _PathExpressions:
    """Evaluates the expressions of a file that name paths; the paths start at the root of the tree."""

    def __init__(self, path: str) -> None:
        self._names: dict[str, str | None] = {"__file__": path}

    def assign(self, name: str, value: ast.expr) -> None:
        self._names.setdefault(name, self.path_of(value))

    def path_of(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return _joined(self.path_of(node.left), [node.right])
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            return _folder(self.path_of(node.value))
        return self._called(node, ast.unparse(node.func)) if isinstance(node, ast.Call) else None

    def _called(self, node: ast.Call, name: str) -> str | None:
        """Evaluate `Path(...)`, functions of `os.path`, and methods of paths."""
        first = self.path_of(node.args[0]) if node.args else None
        if name in {"Path", "pathlib.Path", "str", "os.path.abspath", "os.path.realpath"}:
            return first
        if name in {"os.path.dirname", "os.path.join"}:
            return _folder(first) if name.endswith("dirname") else _joined(first, node.args[1:])
        path = self.path_of(node.func.value) if isinstance(node.func, ast.Attribute) else None
        method = name.rpartition(".")[2]
        if method in {"joinpath", "with_name"}:
            return _joined(path if method == "joinpath" else _folder(path), node.args)
        return path if method in {"resolve", "absolute"} else None


def _folder(path: str | None) -> str | None:
    return None if path is None else posixpath.dirname(path)


def _joined(path: str | None, parts: list[ast.expr]) -> str | None:
    names = list(map(string_value, parts))
    return posixpath.normpath(posixpath.join(path, *names)) if path is not None and names and all(names) else None


def write_data_files(
    scaffolding: Scaffolding, data: Mapping[str, bytes], *, last: Scaffolding | None, folder: Path
) -> Scaffolding:
    """Write a benchmark's data files below the manifest's `folder`; files edited by hand stay as they are.

    An edited benchmark keeps the files that it had.
    """
    known = last.data if last else {}
    if scaffolding.origin == "edited":
        existing = {path: _hashed(file, folder) for path, file in known.items() if (folder / file.source).exists()}
        return scaffolding.model_copy(update={"data": existing})
    written, notes = {}, list(scaffolding.notes)
    for name, content in data.items():
        path = posixpath.join(posixpath.dirname(scaffolding.path), name)
        target = (folder / scaffolding.source).parent / name
        before, new = known[path].written if path in known else "", _sha256(content)
        edited = target.exists() and _sha256(target.read_bytes()) not in {new, before}
        source = relative_path(target, folder)
        if not edited:
            write_whole(target, content)
        elif before != new:
            notes.append(f"this file was edited by hand and kept, though prprep would now write another: {source}")
        written[path] = _hashed(DataFile(source=source, sha256="", written=before if edited else new), folder)
    for path in known.keys() - written.keys():  # no benchmark reads it any more
        target = folder / known[path].source
        if target.exists() and _sha256(target.read_bytes()) == known[path].written:
            target.unlink()
    return scaffolding.model_copy(update={"data": written, "notes": tuple(notes)})


def _hashed(file: DataFile, folder: Path) -> DataFile:
    return file.model_copy(update={"sha256": _sha256((folder / file.source).read_bytes())})


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
