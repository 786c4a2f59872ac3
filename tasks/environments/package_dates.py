"""Resolve the requirements of old commits as of their date: without a lock file they mean the packages of that time.

Newer versions of a dependency, of a build back end or of pytest often no longer fit the code.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ..artifacts import Detection
from ..errors import CommandFailedError
from ..git import Clone
from ..git.history import commit_dates

OLD = timedelta(days=365)
"""From this age on, requirements are resolved as of the commits' date."""
RELEASED = {
    9: date(2020, 10, 5), 10: date(2021, 10, 4), 11: date(2022, 10, 24), 12: date(2023, 10, 2), 13: date(2024, 10, 7),
    14: date(2025, 10, 7),
}  # fmt: skip
"""When each Python 3.x was released."""
SUPPORT = timedelta(days=120)
"""How long after a release of Python most packages support it."""
MOST_TRIES = 12
"""An index that knows no upload times hides one package more each time."""
_HIDDEN = re.compile(r"`([\w.-]+)` was filtered by `exclude-newer")


def newest_date(clone: Clone, detection: Detection) -> date:
    """Return the date of the newest of an item's commits."""
    return date_of(clone, detection.base, *(detection.picked or (detection.head,)))


def date_of(clone: Clone, *commits: str) -> date:
    """Return the date of the newest of the commits, in UTC."""
    return max(datetime.fromisoformat(when).date() for when in commit_dates(clone.path, commits).values())


def if_old(newest: date, *, today: date | None = None, age: timedelta = OLD) -> date | None:
    """Return the date as of which requirements are resolved, None for today's packages."""
    return newest if (today or datetime.now(UTC).date()) - newest >= age else None


def supported_since(minor: int) -> date:
    """Return from when on most packages supported Python 3.`minor`; a Python that is not known is no limit."""
    return RELEASED[minor] + SUPPORT if minor in RELEASED else date.min


def pythons_of(day: date) -> Iterator[int]:
    """Yield the minor versions of Python to try for packages of that day, the most suitable first."""
    known = [minor for minor in RELEASED if supported_since(minor) <= day]
    yield from reversed(known)
    yield from (minor for minor in RELEASED if minor not in known)


@dataclass(frozen=True, slots=True)
class Cutoff:
    """The last day on which packages were uploaded; `exempt` ones may be newer."""

    day: date
    exempt: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        exempt = [word for name in self.exempt for word in ("--exclude-newer-package", f"{name}=false")]
        return ["--exclude-newer", end_of(self.day), *exempt]

    def note(self, why: str = "") -> str:
        exempt = f", except of {', '.join(self.exempt)}, whose index shows no version of that time"
        return f"Only packages that were uploaded until {self.day}{why} are used{exempt if self.exempt else ''}."


def end_of(day: date) -> str:
    return f"{day}T23:59:59Z"


def without_date(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return uv's arguments without `--exclude-newer` and its value."""
    words = iter(arguments)
    kept = (word for word in words if word != "--exclude-newer" or not next(words, ""))
    return tuple(word for word in kept if not word.startswith("--exclude-newer="))


def install_as_of(install: Callable[[list[str]], object], day: date) -> Cutoff:
    """Call `install` with uv's arguments for the date; exempt packages of which uv sees no version of that time.

    The index may not say when they were uploaded, or a commit may require what was released later.
    """
    cutoff = Cutoff(day)
    while True:
        try:
            install(cutoff.arguments())
        except CommandFailedError as error:
            hidden = _hidden(error, cutoff.exempt)
            if not hidden or len(cutoff.exempt) >= MOST_TRIES:
                raise
            cutoff = Cutoff(day, tuple(sorted({*cutoff.exempt, *hidden})))
        else:
            return cutoff


def _hidden(error: CommandFailedError, known: Collection[str]) -> set[str]:
    return set(_HIDDEN.findall(error.error)) - set(known)
