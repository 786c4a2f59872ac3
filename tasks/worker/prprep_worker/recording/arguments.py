"""Write the arguments of one recorded call as code, or store them in data files."""

from __future__ import annotations

import base64
from typing import Any

from prprep_worker.values.anatomy import size_of
from prprep_worker.values.data_files import NotDataError, data_file
from prprep_worker.values.errors import CannotWriteError, UnknownConstructionError
from prprep_worker.values.source import Requirements, Writer

RESERVED = {
    "benchmark", "call", "calls", "inputs", "largest", "loop", "monkeypatch", "np_rng", "recorded", "rng", "run",
    "tmp_path", "typical", "asyncio", "datetime", "io", "json", "np", "pd", "pytest", "random", "re",
}  # fmt: skip
"""Names that a benchmark uses itself."""


class WrittenArguments(Requirements):
    """The arguments of one call as code, each with its own writer."""

    def __init__(self, stem: str, taken: set[str]) -> None:
        super().__init__()
        self._stem, self.taken = stem, taken
        self.codes: dict[str, str] = {}
        self.data: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.stand_ins: dict[str, str] = {}

    def add(self, name: str, value: object, writer: Writer, *, keep: bool) -> None:
        """Write an argument, with `keep` in a data file if its code is incomplete; raise CannotWriteError."""
        refused = None
        writer.own_name = "" if name in {"self", "cls"} else name
        try:
            code = _write(writer, value)
        except CannotWriteError as error:
            if not keep:
                raise
            refused = error
        if keep and (refused or writer.sampled) and self._add_data_file(name, value, writer, refused):
            return
        self.codes[name] = code
        self.require(writer)

    def _add_data_file(self, name: str, value: object, writer: Writer, refused: CannotWriteError | None) -> bool:
        """Keep an argument as data; else return False, or raise CannotWriteError if it was `refused` as code."""
        try:
            file = data_file(value, f"{self._stem}_{name}", writer.check_private, size=size_of(value))
        except (NotDataError, CannotWriteError) as error:
            if refused is None:
                return False
            reason = str(error)
            if isinstance(refused, UnknownConstructionError) or not reason or reason in str(refused):
                raise refused from None
            raise CannotWriteError(f"{refused}; {reason}") from None
        self.codes[name] = file.code
        self.imports |= file.imports
        self.data[file.name] = base64.b64encode(file.content).decode()
        self.reasons[name] = str(refused or "")
        return True

    def message(self) -> dict[str, Any]:
        return {
            "arguments": self.codes,
            "imports": sorted(self.imports),
            "needs": sorted(self.needs),
            "files": self.files,
            "statements": self.statements,
            "data": self.data,
            "reasons": self.reasons,
            "stand_ins": self.stand_ins,
            "sampled": self.sampled,
        }


def _write(writer: Writer, value: object) -> str:
    try:
        return writer.argument(value)
    except CannotWriteError:
        raise
    except Exception as error:  # noqa: BLE001 - looking at a value runs code of the project
        raise CannotWriteError(f"looking at it raises {type(error).__name__}") from None
