"""Recognise known failures in a program's output; `diagnoses.yaml` is the table of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A known failure; `{it}` in the cause and the hint stands for the text of the pattern's named group.

    An entry with `uses` applies only to code that uses a package, or Python, as another version has it. Its cause and
    hint may also have the names in `values` of `diagnose`.
    """

    name: str
    pattern: re.Pattern[str]
    cause: str
    hint: str
    final: bool = False
    """Whether installing fewer packages would fail in the same way."""
    repairs: Mapping[str, str] | None = None
    """The requirement to install, by matched name; nothing else is installed that the project's files do not name."""
    uses: Literal["package", "python", ""] = ""


@dataclass(frozen=True, slots=True)
class Match:
    diagnosis: Diagnosis
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def cause(self) -> str:
        return self._filled(self.diagnosis.cause)

    @property
    def hint(self) -> str:
        return self._filled(self.diagnosis.hint)

    def _filled(self, text: str) -> str:
        for name, value in {"it": self.text, **self.values}.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    @property
    def requirement(self) -> str:
        """Return the requirement that repairs it, "" if none is known."""
        repairs = self.diagnosis.repairs or {}
        return repairs.get(self.text) or (self.text if self.text in repairs.values() else "")


UNKNOWN = Diagnosis(
    "unknown",
    re.compile(""),
    cause="its output matches no known failure",
    hint="see the lines above; set python, extras, groups and install under `env:` in the manifest",
)


def diagnose(output: str, *names: str, uses: str = "", values: Mapping[str, str] | None = None) -> Match | None:
    """Return the match of the first entry of the tables `names` that fits; None if none does.

    `uses` is "package" or "python" if the output ends with code that uses one as another version has it. `values` then
    has `it`, `caller`, `package` (with its version), `name` and `older`, the requirement for an older version.
    """
    for diagnosis in (each for name in names for each in tables()[name]):
        if diagnosis.uses and diagnosis.uses != uses:
            continue
        if match := diagnosis.pattern.search(output):
            text = next((value for name, value in match.groupdict().items() if value and name != "quote"), "")
            return Match(diagnosis, text, (values or {}) if diagnosis.uses else {})
    return None


def distribution_of(module: str) -> str:
    """Return the name under which a module is distributed: its own, unless a known repair has another."""
    entry = next(each for each in tables()["benchmark"] if each.name == "module-missing")
    return re.split(r"[<>=!~]", (entry.repairs or {}).get(module, module))[0]


@cache
def tables() -> dict[str, tuple[Diagnosis, ...]]:
    content = yaml.safe_load(Path(__file__).with_name("diagnoses.yaml").read_text(encoding="utf-8"))
    return {
        table: tuple(_diagnosis(name, **entry) for name, entry in entries.items()) for table, entries in content.items()
    }


def _diagnosis(name: str, *, pattern: str, **entry: Any) -> Diagnosis:
    return Diagnosis(name, re.compile("".join(pattern.splitlines()), re.IGNORECASE), **entry)
