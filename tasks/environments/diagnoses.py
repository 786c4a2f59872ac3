"""Recognise known failures in a program's output; `diagnoses.yaml` is the table of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_HEADINGS = {
    "environment": "Building an environment",
    "benchmark": "Running the benchmark",
    "codeflash": "Running codeflash",
}
_ABOUT = """The failures that prprep recognises, with cause and hint. A repair installs a package for all sides and is
listed in the evidence; the measured code is never changed. The table is `tasks/environments/diagnoses.yaml`."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A known failure; `{it}` in the cause and the hint is the named group that the pattern matched."""

    name: str
    pattern: re.Pattern[str]
    cause: str
    hint: str
    final: bool = False
    """Whether installing fewer packages would fail in the same way."""
    repairs: Mapping[str, str] | None = None
    """The requirement to install, by matched name; nothing else is ever installed."""


@dataclass(frozen=True, slots=True)
class Match:
    diagnosis: Diagnosis
    text: str = ""

    @property
    def cause(self) -> str:
        return self.diagnosis.cause.replace("{it}", self.text)

    @property
    def hint(self) -> str:
        return self.diagnosis.hint.replace("{it}", self.text)

    @property
    def requirement(self) -> str:
        """Return the requirement that repairs it, "" if none is known."""
        return (self.diagnosis.repairs or {}).get(self.text.partition(".")[0], "")


UNKNOWN = Diagnosis(
    "unknown",
    re.compile(""),
    cause="uv could not build it",
    hint="see the lines above; set python, extras, groups and install under `env:` in the manifest",
)


def diagnose(output: str, *names: str) -> Match | None:
    """Return the first entry of the named tables that matches."""
    for diagnosis in (each for name in names for each in tables()[name]):
        if match := diagnosis.pattern.search(output):
            return Match(diagnosis, next(filter(None, match.groupdict().values()), ""))
    return None


@cache
def tables() -> dict[str, tuple[Diagnosis, ...]]:
    content = yaml.safe_load(Path(__file__).with_name("diagnoses.yaml").read_text(encoding="utf-8"))
    return {table: tuple(_diagnosis(name, **entry) for name, entry in content[table].items()) for table in _HEADINGS}


def _diagnosis(name: str, *, pattern: str, **entry: Any) -> Diagnosis:
    return Diagnosis(name, re.compile("".join(pattern.splitlines()), re.IGNORECASE), **entry)


def document() -> str:
    """Return the content of `docs/diagnoses.md`."""
    parts = ["# Diagnoses", _ABOUT]
    for name, heading in _HEADINGS.items():
        rows = ["| Diagnosis | Cause | Hint | Automatic repair |", "|---|---|---|---|"]
        for each in tables()[name]:
            cause, hint = (text.replace("{it}", "…").replace("|", "\\|") for text in (each.cause, each.hint))
            repair = f"{len(each.repairs)} known names" if each.repairs else ""
            rows.append(f"| `{each.name}` | {cause} | {hint} | {repair} |")
        parts += [f"## {heading}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"
