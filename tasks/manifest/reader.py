"""Read `prprep.yaml`: all that is wrong with it at once, or a manifest."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from ..errors import ManifestError, Problem
from .construct import BROKEN
from .document import Document, Loc
from .model import CODE_FORM_TAG, PATH_FORM_TAG, VERSION, Manifest, Measuring, Model, Optimization
from .wording import Words, explain, mistake

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MAX_BYTES = 64 * 2**20
_AnyModel = TypeVar("_AnyModel", bound=Model)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A manifest, its file, and where each item stands in it: `places` are the locs of `manifest.optimizations`."""

    manifest: Manifest
    document: Document
    path: Path
    places: tuple[Loc, ...]

    def place_of_repository(self, items: Collection[str]) -> Loc:
        """Return where the repository of some items is named: in the first of them that names one, else at the top."""
        for item, place in zip(self.manifest.optimizations, self.places, strict=True):
            if item.id in items and item.repo not in (None, self.manifest.repo):
                return (*place, "repo")
        return ("repo",)


def read(path: Path) -> Loaded:
    """Read a manifest; raise ManifestError with everything that is wrong with it."""
    loaded, problems = read_leniently(path)
    if problems or loaded is None:
        raise ManifestError(shown_path(path), problems)
    return loaded


def read_leniently(path: Path) -> tuple[Loaded | None, list[Problem]]:
    """Return what can be understood of a manifest, and all its problems.

    Where there are problems, the manifest is good for further checks only: what was wrong is left out of
    it. None where no item is left, or where it is not known which repository it is for.
    """
    try:
        raw = _bytes(path)
    except OSError as error:
        return None, [Problem(_why_unreadable(path, error), suggestion="name the manifest with -m FILE")]
    return understood(raw, path)


def understood(raw: bytes, path: Path) -> tuple[Loaded | None, list[Problem]]:
    """Do as `read_leniently` does with what a manifest at `path` would hold."""
    if len(raw) > _MAX_BYTES:
        return None, [Problem(f"this file is larger than {_MAX_BYTES >> 20} MiB, which is no manifest")]
    reading = _Reading(Document(raw))
    manifest = reading.manifest()
    loaded = Loaded(manifest, reading.document, path, tuple(reading.places)) if manifest else None
    return loaded, list(dict.fromkeys([*reading.document.problems, *reading.problems]))


def resolved(item: Optimization, defaults: Measuring) -> Optimization:
    """Merge defaults into an item: what the item sets wins, and `env` is merged key by key."""
    inherited: dict[str, object] = {
        name: getattr(defaults, name) for name in defaults.model_fields_set - item.model_fields_set
    }
    if "env" in item.model_fields_set and "env" in defaults.model_fields_set:
        own = {name: getattr(item.env, name) for name in item.env.model_fields_set}
        inherited["env"] = defaults.env.model_copy(update=own)
    return item.model_copy(update=inherited) if inherited else item


def shown_path(path: Path) -> str:
    """Spell a path as short as it can be found by: from the current folder where it lies below it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_MAX_BYTES + 1)


def _why_unreadable(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError) or path.is_dir():
        return "this is a folder, not a manifest"
    return f"this file cannot be read: {error.strerror or error}"


class _Made(NamedTuple, Generic[_AnyModel]):
    """A model, or None and the keys that are wrong, with those that unknown keys were probably meant to be."""

    model: _AnyModel | None
    wrong: frozenset[str]
    meant: frozenset[str]


class _Reading:
    """The checks of one document, which go on past whatever is wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.places: list[Loc] = []
        self._ids: dict[str, tuple[str, Loc]] = {}

    def manifest(self) -> Manifest | None:
        """Check everything; give what is left of the manifest without what is wrong."""
        content = self.document.content
        if self.document.empty:
            self.problems.append(
                Problem("this file is empty", suggestion=f"a manifest has `version: {VERSION}` and `optimizations:`")
            )
        elif not isinstance(content, dict):
            if content is not None and content is not BROKEN:
                self._say(Words("a manifest is a mapping", f"with `version: {VERSION}` and `optimizations:`"), ())
        else:
            return self._whole(content)
        return None

    def _whole(self, content: dict[str, Any]) -> Manifest | None:
        items = tuple(self._items(content.get("optimizations", BROKEN)))
        top = {**content, "optimizations": items}
        if "optimizations" not in content:
            del top["optimizations"]
        made = self._made(Manifest, top)
        if made.model or not items or "repo" in made.wrong:
            return made.model
        return _salvaged(
            Manifest, {"version": VERSION, **{key: value for key, value in top.items() if key not in made.wrong}}
        )

    def _items(self, given: object) -> Iterator[Optimization]:
        """Check item for item; remember where those stand that can be used."""
        for place, content in self._entries(given):
            item = self._item(content, place)
            if item is not None:
                self.places.append(place)
                yield item

    def _entries(self, given: object) -> Iterator[tuple[Loc, dict[str, Any]]]:
        """Yield the items of a list or of a mapping by id, with their locs."""
        if isinstance(given, dict):
            for key, content in given.items():
                place = ("optimizations", key)
                own = {} if content is None else content
                if self._is_mapping(own, place):
                    yield place, self._with_id(own, key, place)
        elif isinstance(given, tuple):
            for index, content in enumerate(given):
                if self._is_mapping(content, ("optimizations", index)):
                    yield ("optimizations", index), content
        elif given is not BROKEN:
            words = Words("`optimizations` must be a list of optimizations, or a mapping by id", at_key=given is None)
            self._say(words, ("optimizations",))
        if given in ((), {}) and not self.document.cut:
            self._say(Words("`optimizations` is empty: a manifest needs one at least"), ("optimizations",))

    def _is_mapping(self, content: object, place: Loc) -> bool:
        if not isinstance(content, dict) and content is not BROKEN:
            self._say(Words("an optimization must be a mapping", "with `id:` and `head:`, say"), place)
        return isinstance(content, dict)

    def _with_id(self, content: dict[str, Any], key: str, place: Loc) -> dict[str, Any]:
        if content.get("id", key) != key:
            self._say(
                Words("`id` is not the key that this optimization stands under", f"leave it out, or write {key}"),
                (*place, "id"),
            )
        return {**content, "id": key}

    def _item(self, content: dict[str, Any], place: Loc) -> Optimization | None:
        made = self._made(Optimization, content, place)
        self._check_commits(content, place, made.wrong | made.meant)
        self._check_id(content.get("id"), place)
        return made.model or _salvaged(
            Optimization, {key: value for key, value in content.items() if key not in made.wrong}
        )

    def _check_commits(self, content: dict[str, Any], place: Loc, wrong: frozenset[str]) -> None:
        head, commits = content.get("head"), content.get("commits")
        if head is not None and commits:
            self._say(
                Words("`commits` and `head` contradict each other", "keep the one that is meant"),
                (*place, "commits"),
                at_key=True,
            )
        elif head is None and not commits and not {"head", "commits"} & wrong:
            self._say(Words("this optimization has neither `head` nor `commits`"), place, at_key=True)

    def _check_id(self, given: object, place: Loc) -> None:
        """See that no two items have one id, or one folder where file systems do not tell cases apart."""
        if not isinstance(given, str):
            return
        here: Loc = (*place, "id")
        known, there = self._ids.setdefault(given.lower(), (given, here))
        if there == here:
            return
        line, column = self.document.position(there)
        if self.document.position(here) == (line, column):
            here = place  # The id came along with a merge.
        if known == given:
            self._say(Words(f"the id `{given}` is used twice", f"first in line {line}"), here)
        else:
            self._say(
                Words(f"the ids `{given}` and `{known}` (line {line}) differ only in case, and would share a folder"),
                here,
            )

    def _made(self, model: type[_AnyModel], content: dict[str, Any], place: Loc = ()) -> _Made[_AnyModel]:
        """Make a model, or say what is wrong with it."""
        try:
            return _Made(model.model_validate(content), frozenset(), frozenset())
        except ValidationError as error:
            found = error.errors(include_url=False)
        meant: set[str] = set()
        # What is missing comes last, since an unknown key may be the missing one misspelled.
        for details in sorted(found, key=lambda details: details["type"] == "missing"):
            if not self._is_known(details, place, meant):
                loc = (*place, *(part for part in details["loc"] if part not in {PATH_FORM_TAG, CODE_FORM_TAG}))
                words = explain(
                    mistake(details, model, written=self.document.written(loc), in_list=self.document.is_list(loc[:-1]))
                )
                self._say(words, loc)
                meant.add(words.meant)
        return _Made(None, frozenset(str(details["loc"][0]) for details in found), frozenset(meant))

    def _is_known(self, details: ErrorDetails, place: Loc, meant: set[str]) -> bool:
        """Return whether an error only follows from another problem."""
        if details["type"] == "missing":
            return details["loc"][-1] in meant or (self.document.cut and not place)
        # Every single item has been checked before, and an empty list has been seen.
        return details["input"] is BROKEN or (not place and details["loc"] == ("optimizations",))

    def _say(self, words: Words, loc: Loc, *, at_key: bool = False) -> None:
        problem = self.document.problem(words.message, loc, suggestion=words.suggestion, at_key=at_key or words.at_key)
        if not self.document.unreadable(problem):
            self.problems.append(problem)


def _salvaged(model: type[_AnyModel], content: dict[str, Any]) -> _AnyModel | None:
    try:
        return model.model_validate(content)
    except ValidationError:
        return None
