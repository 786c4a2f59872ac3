"""Add the lines of `[tool.codeflash]` that codeflash needs to a project's pyproject.toml."""

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
class Configuration:
    """A pyproject.toml that codeflash accepts: its text, the lines added to it, and the module root."""

    text: str
    added: str
    module_root: str


def configure(text: str, layout: Layout, benchmark: str) -> Configuration:
    """Add missing keys; paths are relative to the project's folder.

    Raise PrprepError if the file is not TOML, or writes the table inline, so that lines cannot be added.
    """
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise PrprepError(f"pyproject.toml is not valid TOML: {one_line(str(error))}", hint="correct it") from None
    present = tool.get("codeflash", {}) if isinstance(tool, dict) else {}
    defaults = _defaults(layout, benchmark)
    missing = {key: defaults[key] for key in NEEDED if key not in present}
    module_root = str(present.get("module-root", defaults["module-root"]))
    if not missing:
        return Configuration(text, "", module_root)
    lines = "".join(f'{key} = "{path}"\n' for key, path in missing.items())
    if present:
        header = _TABLE.search(text)
        if not header:
            what = f"[tool.codeflash] of pyproject.toml lacks {' and '.join(missing)}"
            raise PrprepError(what, hint=f"write it as a table of its own, with {lines.strip()}")
        return Configuration(f"{text[: header.end()]}\n{lines.rstrip()}{text[header.end() :]}", lines, module_root)
    added = f"[tool.codeflash]\n{lines}"
    return Configuration(f"{text.rstrip()}\n\n{added}".lstrip(), added, module_root)


def _defaults(layout: Layout, benchmark: str) -> dict[str, str]:
    """Default to the project's folder as the module root, and to the benchmark's folder for tests and benchmarks."""
    folder = posixpath.relpath(posixpath.dirname(benchmark) or ".", layout.project or ".")
    tests = folder.partition("/")[0] if folder.startswith("test") else folder
    return {"module-root": ".", "tests-root": tests, "benchmarks-root": folder}
