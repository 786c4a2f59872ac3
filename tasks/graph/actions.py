"""Wrap work into a doit action: a mistake becomes a message, a defect a log to report."""

import platform
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from doit.exceptions import BaseFail, TaskError, TaskFailed

from .. import __version__
from ..errors import PrprepError, SystemCallError
from ..processes import secrets
from ..processes.progress import Note, Report
from .console import CONSOLE


class Action:
    """Run `perform(report)`; progress lines begin with `label`. Picklable, for doit's processes."""

    def __init__(self, perform: Callable[[Report], None], label: str, *, begin: Callable[[], None], log: Path) -> None:
        self._perform, self._label = perform, label
        self._begin, self._log = begin, log

    @property
    def __name__(self) -> str:
        return self._label

    def __call__(self) -> BaseFail | None:
        try:
            self._begin()
            with CONSOLE.step(self._label) as report:
                self._perform(lambda message: report(_masked(message)))
        except PrprepError as error:
            return TaskFailed(secrets.masked(str(error)))
        except OSError as error:
            return TaskFailed(str(SystemCallError(error)))
        except Exception as error:  # noqa: BLE001 - the only handler of prprep's own defects
            return self._defect(error)
        return None

    def _defect(self, error: Exception) -> BaseFail:
        message = secrets.masked(f"this is a defect of prprep: {type(error).__name__}: {error}")
        raised = secrets.masked(traceback.format_exc())
        versions = f"prprep {__version__}, Python {sys.version}, {platform.platform()}"
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._log.write_text(f"{versions}\n{self._label}\n{raised}", encoding="utf-8")
        except OSError:
            return TaskError(f"{message}\n{raised}")
        return TaskError(f"{message}\n  please report it with {self._log}")


def _masked(message: str) -> str:
    text = secrets.masked(message)
    return Note(text) if isinstance(message, Note) else text
