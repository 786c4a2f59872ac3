"""Spell the arguments of one recorded call, or keep them as files of data. Standard library only, Python 3.9 or newer."""

from __future__ import annotations

import base64
from typing import Any

from prprep_worker.values.data_files import NotDataError, data_file
from prprep_worker.values.sizes import size_of
from prprep_worker.values.source import CannotWriteError, UnknownMakingError, Writer

RESERVED = {
    *(
        "benchmark",
        "call",
        "calls",
        "inputs",
        "largest",
        "loop",
        "monkeypatch",
        "np_rng",
        "recorded",
        "rng",
        "run",
        "tmp_path",
        "typical",
    ),
    *("asyncio", "datetime", "io", "json", "np", "pd", "pytest", "random", "re"),
}
"""Names that a benchmark uses itself."""


class Spelled:
    """The arguments of one call as they are spelled, each by a writer of its own."""

    def __init__(self, stem: str, taken: set[str]) -> None:
        self._stem, self.taken = stem, taken
        self.arguments: dict[str, str] = {}
        self.data: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.fixtures: list[str] = []
        self.scaled = self.sampled = False
        self._imports: set[str] = set()
        self._needs: set[str] = set()
        self._files: dict[str, str] = {}
        self._statements: list[str] = []

    def add(self, name: str, value: object, writer: Writer, *, keep: bool) -> None:
        """Spell an argument; raise CannotWriteError."""
        refused = None
        writer.own = "" if name in {"self", "cls"} else name
        try:
            code = _written(writer, value)
        except CannotWriteError as error:
            if not keep:
                raise
            refused = error
        if keep and (refused or writer.sampled) and self._kept(name, value, writer, refused):
            return
        self.arguments[name] = code
        self._imports |= writer.imports
        self._needs |= writer.needs
        self._files.update(writer.files)
        self._statements += writer.statements
        self.scaled, self.sampled = self.scaled or writer.scaled, self.sampled or writer.sampled

    def _kept(self, name: str, value: object, writer: Writer, refused: CannotWriteError | None) -> bool:
        """Keep an argument as data; where that cannot be done, its spelling has to do, and where there is none, raise CannotWriteError."""
        try:
            kept = data_file(value, f"{self._stem}_{name}", writer.check_private, size=size_of(value))
        except (NotDataError, CannotWriteError) as error:
            if refused is None:
                return False
            if isinstance(refused, UnknownMakingError):
                raise refused from None
            told = str(error)
            raise CannotWriteError(
                f"{refused}; {told}" if told and told not in str(refused) else str(refused)
            ) from None
        self.arguments[name] = kept.code
        self._imports |= kept.imports
        self.data[kept.name] = base64.b64encode(kept.content).decode()
        self.reasons[name] = str(refused or "")
        return True

    def add_fixture(self, name: str, fixture: str) -> None:
        """Let a fixture of the project give what has no spelling."""
        self.arguments[name] = fixture
        self.fixtures.append(fixture)

    def message(self) -> dict[str, Any]:
        return {
            "arguments": self.arguments,
            "imports": sorted(self._imports),
            "needs": sorted(self._needs),
            "files": self._files,
            "statements": self._statements,
            "data": self.data,
            "reasons": self.reasons,
            "fixtures": self.fixtures,
            "sampled": self.sampled,
        }


def _written(writer: Writer, value: object) -> str:
    try:
        return writer.argument(value)
    except CannotWriteError:
        raise
    except Exception as error:  # noqa: BLE001 - code of the target that looking at a value runs
        raise CannotWriteError(f"looking at it raises {type(error).__name__}") from None
