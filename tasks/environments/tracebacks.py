"""Find in a traceback whose code failed: the benchmark's, or code that an installed package no longer fits."""

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from ..project.code.imported_names import Imports, imports
from ..project.files import TreeReader
from ..project.pytest_config import is_test_code
from ..project.syntax import parse_or_empty
from .diagnoses import distribution_of

_FRAME = re.compile(
    r"^(?:(?P<short>[^\s:][^\n:]*\.py):(?P<line>\d+): in [^\n]*"
    r"|\s*File \"(?P<full>[^\"\n]+)\", line (?P<number>\d+), in [^\n]*)"
    r"\n(?P<source>(?:[ ]{4}[^\n]*\n?)*)",
    re.MULTILINE,
)  # fmt: skip
_NAME = re.compile(r"cannot import name '(?P<it>\w+)' from (?:partially initialized module )?'(?P<module>[\w.]+)'")
_ATTRIBUTE = re.compile(
    r"AttributeError: (?:partially initialized )?module '(?P<module>[\w.]+)' has no attribute '(?P<it>\w+)'"
)
_SUBMODULE = re.compile(r"ModuleNotFoundError: No module named '(?P<it>(?P<module>\w+)\.[\w.]+)'")
_CALL = re.compile(
    r"TypeError: (?P<it>[\w.<>]+)\(\) "
    r"(?:got an unexpected keyword argument|missing \d+ required|takes (?:from )?\d+.* positional)"
)
_CALLED = re.compile(r"[A-Za-z_][\w.]*(?=\()")


@dataclass(frozen=True, slots=True)
class ForeignUse:
    """A use of something that an installed package, or Python itself, does not have in this form.

    `it` is the name of what is used, `caller` the code that uses it; `name` and `version` are what is installed, "" if
    that is not known.
    """

    it: str
    caller: str
    name: str
    version: str = ""

    @property
    def is_python(self) -> bool:
        return self.name in sys.stdlib_module_names

    @property
    def values(self) -> dict[str, str]:
        """What a diagnosis says of it."""
        # What no longer fits has mostly changed with the minor version.
        older = f"{self.name}<{'.'.join(self.version.split('.')[:2])}" if self.version else ""
        package = f"{self.name} {self.version}".strip() or "packages"
        names = {"name": self.name, "package": package, "older": older or f"{self.name or 'PACKAGE'}==VERSION"}
        return {"it": self.it, "caller": self.caller, **names}


@dataclass(frozen=True, slots=True)
class _Frame:
    file: str
    line: int
    source: str

    @property
    def owner(self) -> str:
        """The package whose code it is, "" for the project; `benchmark` for tests and for prprep's call of them."""
        if "site-packages/" in self.file:
            return self.file.rpartition("site-packages/")[2].split("/")[0].removesuffix(".py")
        if "prprep_worker/" in self.file or is_test_code(self.file):
            return "benchmark"
        return ""


def foreign_use(
    output: str, *, trees: Sequence[TreeReader], own: Collection[str], packages: Sequence[str]
) -> ForeignUse | None:
    """Return the use of a package that failed at the end of a traceback, None if something else failed.

    Paths in `output` are relative to one of the `trees`; `own` are the project's packages, `packages` the installed
    ones, as `name==version`.
    """
    frames = [frame for frame in _frames(output) if not _is_python(frame.file)]
    caller = frames[-1] if frames else None
    who = _who(caller)
    for pattern in (_NAME, _ATTRIBUTE, _SUBMODULE):
        if matches := list(pattern.finditer(output)):
            module = matches[-1]["module"].partition(".")[0]
            name, version = _installed(module, packages)
            if module in own or (pattern is _SUBMODULE and not version):
                return None
            return ForeignUse(matches[-1]["it"], who, name, version)
    calls = list(_CALL.finditer(output))
    if not calls or caller is None or caller.owner == "benchmark":
        return None
    it = calls[-1]["it"]
    if caller.owner:
        return ForeignUse(it, who, "")
    module = _called_module(caller, it, trees)
    if module in own or (not module and _defined(it, caller, trees)):
        return None
    return ForeignUse(it, who, *(_installed(module, packages) if module else [""]))


def _frames(output: str) -> Iterator[_Frame]:
    for match in _FRAME.finditer(output):
        yield _Frame(match["short"] or match["full"], int(match["line"] or match["number"]), match["source"])


def _is_python(file: str) -> bool:
    return file.startswith("<") or bool(re.search(r"/python3\.\d+/(?!site-packages/)", file))


def _who(caller: _Frame | None) -> str:
    if caller is None:
        return "the code"
    place = f"({caller.file}:{caller.line})"
    if caller.owner == "benchmark":
        return f"the benchmark {place}"
    if caller.owner in {"_pytest", "pluggy"}:
        return "the project's configuration of pytest"
    return f"the installed {caller.owner}" if caller.owner else f"the project's own code {place}"


def _installed(module: str, packages: Sequence[str]) -> tuple[str, str]:
    """Return name and version of the distribution of a module, the version "" if it is not installed."""
    name = canonicalize_name(distribution_of(module))
    return name, dict(package.partition("==")[::2] for package in packages).get(name, "")


def _called_module(caller: _Frame, it: str, trees: Sequence[TreeReader]) -> str:
    """Return the top-level module of what the failing line calls, "" if the file's imports do not show it."""
    for tree in trees:
        imported: Mapping[str, tuple[str, str]] = _imports(tree.read(caller.file))
        called = [name for name in _CALLED.findall(caller.source) if name.partition(".")[0] in imported]
        called.sort(key=lambda name: name.rpartition(".")[2] not in it.split("."))
        for name in called:
            return imported[name.partition(".")[0]][0].partition(".")[0]
    return ""


def _imports(source: bytes | None) -> Imports:
    return dict(imports(parse_or_empty(source or b"")))


def _defined(it: str, caller: _Frame, trees: Sequence[TreeReader]) -> bool:
    """Return whether the project itself defines what is called; a constructor by the names in the calling line."""
    *owner, function = [part for part in it.split(".") if part != "<locals>"]
    wanted = {function} if function != "__init__" else {*owner[-1:]} or set(_CALLED.findall(caller.source))
    pattern = re.compile(
        rf"^\s*(?:async def|def|class) (?:{'|'.join(map(re.escape, wanted))})\b".encode(), re.MULTILINE
    )
    paths = ((tree, path) for tree in trees for path in tree.files() if path.endswith(".py"))
    return bool(wanted) and any(pattern.search(tree.read(path) or b"") for tree, path in paths)
