"""The processes that one has started, and those that they started."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> Iterator[int]:
    """Yield the child processes of one, recursively, from Linux's /proc; any of them may end meanwhile."""
    for thread in threads(pid):
        with suppress(OSError):
            for child in map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii").split()):
                yield child
                yield from descendants(child)


def threads(pid: int) -> list[int]:
    """Return the ids of a process's threads; none if it has ended."""
    with suppress(OSError):
        return [int(thread.name) for thread in Path(f"/proc/{pid}/task").iterdir()]
    return []
