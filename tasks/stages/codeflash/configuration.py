"""Give codeflash the lines of `[tool.codeflash]` that it needs and that a project's pyproject.toml lacks."""

import posixpath
import re
import tomllib
from dataclasses import dataclass

from ...artifacts import Layout
from ...errors import PrprepError
from ...text.markdown import one_line

NEEDED = ("module-root", "tests-root", "benchmarks-root")
_TABLE = re.compile(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*codeflash[ \t]*\][ \t]*(#.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Configured:
    """A pyproject.toml that codeflash can work with: its text, the lines that were put into it, and the module root."""

    text: str
    added: str
    module_root: str


def configured(text: str, layout: Layout, benchmark: str) -> Configured:
    """Add what is missing; paths are relative to the project's folder.

    Raise PrprepError where the file is no TOML, or spells its table in a way that lines cannot be put into.
    """
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise PrprepError(f"pyproject.toml is no TOML: {one_line(str(error))}", hint="correct it") from None
    there = tool.get("codeflash", {}) if isinstance(tool, dict) else {}
    wanted = _wanted(layout, benchmark)
    lacking = {key: wanted[key] for key in NEEDED if key not in there}
    module_root = str(there.get("module-root", wanted["module-root"]))
    if not lacking:
        return Configured(text, "", module_root)
    lines = "".join(f'{key} = "{place}"\n' for key, place in lacking.items())
    if there:
        header = _TABLE.search(text)
        if not header:
            what = f"[tool.codeflash] of pyproject.toml lacks {' and '.join(lacking)}"
            raise PrprepError(what, hint=f"write it as a table of its own, with {lines.strip()}")
        return Configured(f"{text[: header.end()]}\n{lines.rstrip()}{text[header.end() :]}", lines, module_root)
    added = f"[tool.codeflash]\n{lines}"
    return Configured(f"{text.rstrip()}\n\n{added}".lstrip(), added, module_root)


def _wanted(layout: Layout, benchmark: str) -> dict[str, str]:
    """Return the places for a project that says nothing: the project's folder as the module root, the benchmark's folder as theirs."""
    folder = posixpath.relpath(posixpath.dirname(benchmark) or ".", layout.project or ".")
    tests = folder.partition("/")[0] if folder.startswith("test") else folder
    return {"module-root": ".", "tests-root": tests, "benchmarks-root": folder}
