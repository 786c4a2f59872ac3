"""What a forge said, kept from run to run with the time of asking; artifacts hold no time stamps, so it stands beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..storage.cache import keep_json
from ..storage.files import read_json
from ..storage.hashing import hash_of
from .client import login_stamp

DAY: Final = 86_400.0
"""Seconds after which an answer is asked for again."""
HOUR: Final = 3_600.0
"""Seconds after which a forge that did not answer is asked again; sooner where gh was installed or logged in meanwhile."""


@dataclass(slots=True)
class ResponseCache:
    """The answers in `store`; those from before `not_before` (seconds since the epoch) are asked for again."""

    store: Path
    not_before: float = 0.0
    now: Callable[[], float] = time.time
    _read: dict[str, Any] = field(default_factory=dict)
    _stamp: tuple[int, int] | None = None

    def state(self, place: str, item: str) -> str | None:
        """Hash what is to be said of an item while that is recent, its age left out; None where it is to be asked."""
        entry, failure = self._entry(place, item), self.failure(place)
        if failure:
            return hash_of([entry.get("answer"), failure["what"]])
        return hash_of([entry["answer"], ""]) if self._is_recent(entry, DAY) else None

    def answer(self, place: str, item: str, question: str) -> tuple[dict[str, Any], float] | None:
        """Return the answer to this very question and when it was asked, whatever its age."""
        entry = self._entry(place, item)
        return (entry["answer"], entry["asked"]) if entry.get("question") == question else None

    def is_recent(self, place: str, item: str, question: str) -> bool:
        """Return whether this very question needs not be asked again."""
        entry = self._entry(place, item)
        return entry.get("question") == question and self._is_recent(entry, DAY)

    def asked_at(self, place: str, item: str) -> float | None:
        """Return when an item's answer was asked for, in seconds since the epoch."""
        return self._entry(place, item).get("asked")

    def failure(self, place: str) -> dict[str, Any] | None:
        """Return what the forge's last failure was (`what`, `now`), while it is too recent to try again."""
        failed = self._place(place).get("failed")
        if failed and self._is_recent(failed, HOUR) and failed["login"] == login_stamp():
            return dict(failed)
        return None

    def store_results(self, place: str, answers: Mapping[str, tuple[str, dict[str, Any]]]) -> None:
        """Keep answers, each with its question; they end a failure."""
        asked = self.now()
        items = {
            item: {"question": question, "asked": asked, "answer": answer}
            for item, (question, answer) in answers.items()
        }
        self._write(place, {"items": {**self._place(place).get("items", {}), **items}})

    def store_failure(self, place: str, what: str, now: str) -> None:
        """Keep why there was no answer; older answers stay."""
        failed = {"asked": self.now(), "what": what, "now": now, "login": login_stamp()}
        self._write(place, {"items": self._place(place).get("items", {}), "failed": failed})

    def _is_recent(self, entry: Mapping[str, Any], seconds: float) -> bool:
        asked = entry.get("asked", 0.0)
        return bool(entry) and asked >= self.not_before and 0 <= self.now() - asked < seconds

    def _entry(self, place: str, item: str) -> dict[str, Any]:
        return dict(self._place(place).get("items", {}).get(item) or {})

    def _place(self, place: str) -> dict[str, Any]:
        return dict(self._content().get(place) or {})

    def _content(self) -> dict[str, Any]:
        try:
            status = self.store.stat()
        except OSError:
            self._stamp, self._read = None, {}
            return self._read
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            self._stamp, self._read = stamp, read_json(self.store)
        return self._read

    def _write(self, place: str, entry: dict[str, Any]) -> None:
        keep_json(self.store, {**self._content(), place: entry})
        self._stamp = None


def format_time(seconds: float) -> str:
    """Spell a time, given in seconds since the epoch, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
