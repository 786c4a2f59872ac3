"""Data files next to a benchmark: find those that it reads, write those of recorded calls."""

import ast
import posixpath
from collections.abc import Mapping
from pathlib import Path

from ...artifacts import DataFile, Scaffolding
from ...project.syntax import string_value
from ...storage.hashing import sha256, sha256_of
from ...storage.paths import relative_path
from ...workspace.output_files import remove_output, write_output

_MOST_PARENTS = 20


def data_files_read(path: str, tree: ast.Module, *, area: str) -> list[str]:
    """Return the paths in the folder `area` that a file names by `__file__`: `Path(__file__).with_name("a.json")`."""
    names: dict[str, str | None] = {"__file__": path}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names.setdefault(node.targets[0].id, _path_of(node.value, names))
    paths = {found for node in ast.walk(tree) if isinstance(node, ast.expr) and (found := _path_of(node, names))}
    inside = (each for each in paths if each.startswith(area + "/" if area else ""))
    return sorted(each for each in inside if not f"{path}/".startswith(f"{each}/"))


def _path_of(node: ast.expr, names: Mapping[str, str | None]) -> str | None:
    """Evaluate an expression that names a path, from the root of the tree; `names` are the paths of variables."""
    match node:
        case ast.Name(id=name):
            return names.get(name)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _joined(_path_of(left, names), [right])
        case ast.Attribute(value=value, attr="parent"):
            return _folder(_path_of(value, names))
        case ast.Subscript(value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int(number))):
            path = _path_of(value, names)
            for _ in range(min(max(number, 0), _MOST_PARENTS) + 1):
                path = _folder(path)
            return path
        case ast.Call(func=func, args=args):
            first = _path_of(args[0], names) if args else None
            owner = _path_of(func.value, names) if isinstance(func, ast.Attribute) else None
            return _returned(ast.unparse(func), first, owner, args)
    return None


def _returned(function: str, first: str | None, owner: str | None, args: list[ast.expr]) -> str | None:
    """Evaluate `Path(...)` and functions of `os.path` by their `first` argument, methods of paths by their `owner`."""
    match function.split("."):
        case ["Path"] | ["pathlib", "Path"] | ["str"] | ["os", "path", "abspath" | "realpath"]:
            return first
        case ["os", "path", "dirname"]:
            return _folder(first)
        case ["os", "path", "join"]:
            return _joined(first, args[1:])
        case [*_, "joinpath" | "with_name" as method]:
            return _joined(owner if method == "joinpath" else _folder(owner), args)
        case [*_, "resolve" | "absolute"]:
            return owner
    return None


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
        before, new = known[path].written if path in known else "", sha256(content)
        edited = sha256_of(target) not in {None, new, before}
        source = relative_path(target, folder)
        if not edited:
            write_output(target, content, root=folder, last=before)
        elif before != new:
            notes.append(f"this file was edited by hand and kept, though prprep would now write another: {source}")
        written[path] = _hashed(DataFile(source=source, sha256="", written=before if edited else new), folder)
    for path in known.keys() - written.keys():  # no benchmark reads it any more
        remove_output(folder / known[path].source, root=folder, last=known[path].written)
    return scaffolding.model_copy(update={"data": written, "notes": tuple(notes)})


def _hashed(file: DataFile, folder: Path) -> DataFile:
    return file.model_copy(update={"sha256": sha256((folder / file.source).read_bytes())})
