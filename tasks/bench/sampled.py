"""Name the functions that a worker sampled as the project's definitions are named: by their lines."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..artifacts import DefinitionPlace, Share
from ..errors import SourceError
from ..project.code.definitions import Definition, definitions
from ..storage.hashing import read_bytes
from .workers.channel import Message


class SampledFunction(NamedTuple):
    """A function of one side's tree, with its first line, and its share of one call of the benchmark."""

    path: str
    line: int
    name: str
    module: str
    share: Share


def sampled_functions(answer: Message, tree: Path) -> Iterator[SampledFunction]:
    """Yield the functions of a worker's answer to `profile`."""
    names: dict[str, dict[int, str] | None] = {}
    for each in answer["functions"]:
        path, line = each["path"], each["line"]
        if path not in names:
            names[path] = _names(tree, path)
        known = names[path]
        # A lambda in a table, like that of a `defaultdict`, is no definition.
        name = each["name"] if known is None else known.get(line)
        if name:
            share = Share(calls=each["calls"], share=each["share"], own=each["own"])
            yield SampledFunction(path, line, name, each["module"], share)


class ChangedOnSide:
    """The changed functions of one side, by path and the name that code calls them by: the worker knows only these."""

    def __init__(self, places: Iterable[DefinitionPlace], tree: Path) -> None:
        self._places: dict[tuple[str, str], list[DefinitionPlace]] = {}
        for place in places:
            for each in _defined(tree, place.path) or ():
                if each.lines == place.lines and each.kind == "function" and each.called:
                    self._places.setdefault((place.path, each.called), []).append(place)

    @property
    def order(self) -> list[tuple[str, str]]:
        return list(self._places)

    def compiled(self, answer: Message) -> frozenset[DefinitionPlace]:
        """Return those that a worker's answer to `profile` says are compiled."""
        return frozenset(place for path, name in answer["compiled"] for place in self._places[path, name])


def _names(tree: Path, path: str) -> dict[int, str] | None:
    """Return the names of a file's functions by their first lines; None if the running Python cannot parse it."""
    defined = _defined(tree, path)
    return None if defined is None else {each.start: each.name for each in defined if each.kind == "function"}


def _defined(tree: Path, path: str) -> tuple[Definition, ...] | None:
    try:
        return definitions(read_bytes(tree / path) or b"", path)
    except SourceError:
        return None
