"""Read `prprep.yaml`, and report everything that is wrong with it at once."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import ManifestError, Problem
from ..storage.hashing import read_file
from .construct import BROKEN
from .document import Document, Loc
from .explanations import Explanation, FieldError, explain
from .model import CODE_FORM_TAG, PATH_FORM_TAG, VERSION, Manifest, Measuring, Model, Optimization

_MAX_BYTES = 64 * 2**20
_AnyModel = TypeVar("_AnyModel", bound=Model)


@dataclass(frozen=True, slots=True)
class LoadedManifest:
    """A manifest and its file; `item_locs` are the locs of `manifest.optimizations`."""

    manifest: Manifest
    document: Document
    path: Path
    item_locs: tuple[Loc, ...]

    def repository_loc(self, items: Collection[str]) -> Loc:
        """Return the loc of the repository of some items: in the first item that sets one, else at the top."""
        for item, loc in zip(self.manifest.optimizations, self.item_locs, strict=True):
            if item.id in items and item.repo not in (None, self.manifest.repo):
                return (*loc, "repo")
        return ("repo",)


def read(path: Path) -> LoadedManifest:
    """Read a manifest; raise ManifestError with everything that is wrong with it."""
    loaded, problems = read_leniently(path)
    if problems or loaded is None:
        raise ManifestError(shown_path(path), problems)
    return loaded


def read_leniently(path: Path) -> tuple[LoadedManifest | None, list[Problem]]:
    """Return the valid part of a manifest, and all its problems.

    If there are problems, the manifest is only good for further checks: everything invalid is left out. It is None if
    no valid item or no valid `repo` is left.
    """
    try:
        content = read_file(path, _MAX_BYTES + 1)
    except OSError as error:
        return None, [Problem(_why_unreadable(path, error), suggestion="pass the manifest with -m FILE")]
    return parse(content, path)


def parse(content: bytes, path: Path) -> tuple[LoadedManifest | None, list[Problem]]:
    """Do what `read_leniently` does, for the content of a file at `path` that need not exist."""
    if len(content) > _MAX_BYTES:
        return None, [Problem(f"this file is larger than {_MAX_BYTES >> 20} MiB, too large for a manifest")]
    checker = _Checker(Document(content))
    manifest = checker.manifest()
    loaded = LoadedManifest(manifest, checker.document, path, tuple(checker.item_locs)) if manifest else None
    return loaded, list(dict.fromkeys([*checker.document.problems, *checker.problems]))


def with_defaults(item: Optimization, defaults: Measuring) -> Optimization:
    """Merge `defaults` into an item: settings of the item win, and `env` is merged key by key."""
    inherited: dict[str, object] = {
        name: getattr(defaults, name) for name in defaults.model_fields_set - item.model_fields_set
    }
    if "env" in item.model_fields_set and "env" in defaults.model_fields_set:
        own = {name: getattr(item.env, name) for name in item.env.model_fields_set}
        inherited["env"] = defaults.env.model_copy(update=own)
    return item.model_copy(update=inherited) if inherited else item


def shown_path(path: Path) -> str:
    """Return a path below the current folder as relative, any other as it is."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _why_unreadable(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError) or path.is_dir():
        return "this is a folder, not a manifest"
    return f"this file cannot be read: {error.strerror or error}"


class _Validated(NamedTuple, Generic[_AnyModel]):
    """A model, or None with the keys that are wrong, and those that unknown keys were probably meant to be."""

    model: _AnyModel | None
    wrong: frozenset[str] = frozenset()
    meant: frozenset[str] = frozenset()


class _Checker:
    """Check one document to its end, whatever is wrong with it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.item_locs: list[Loc] = []
        self._ids: dict[str, tuple[str, Loc]] = {}

    def manifest(self) -> Manifest | None:
        """Return the manifest without its invalid parts."""
        content = self.document.content
        suggestion = f"it needs `version: {VERSION}` and `optimizations:`"
        if content is None and not self.document.problems:
            self.problems.append(Problem("this file is empty", suggestion=suggestion))
        elif isinstance(content, dict):
            return self._valid_manifest(content)
        elif content is not None and content is not BROKEN:
            self._report(Explanation("a manifest must be a mapping", suggestion), ())
        return None

    def _valid_manifest(self, content: dict[str, Any]) -> Manifest | None:
        top = {**content, "optimizations": tuple(self._items(content.get("optimizations", BROKEN)))}
        items = top["optimizations"]
        if "optimizations" not in content:
            del top["optimizations"]
        validated = self._validated(Manifest, top)
        if validated.model or not items or "repo" in validated.wrong:
            return validated.model
        if "version" in validated.wrong:
            top["version"] = VERSION
        return _valid_part(Manifest, top, validated.wrong - {"version"})

    def _items(self, optimizations: object) -> Iterator[Optimization]:
        for loc, content in self._item_contents(optimizations):
            validated = self._validated(Optimization, content, loc)
            self._check_commits(content, loc, validated.wrong | validated.meant)
            self._check_id(content.get("id"), loc)
            if item := validated.model or _valid_part(Optimization, content, validated.wrong):
                self.item_locs.append(loc)
                yield item

    def _item_contents(self, optimizations: object) -> Iterator[tuple[Loc, dict[str, Any]]]:
        """Yield the items of a list or of a mapping by id."""
        if not isinstance(optimizations, dict | tuple):
            if optimizations is not BROKEN:
                message = "`optimizations` must be a list of optimizations, or a mapping by id"
                self._report(Explanation(message, at_key=optimizations is None), ("optimizations",))
            return
        if not optimizations and not self.document.is_cut:
            self._report(Explanation("`optimizations` must have at least one optimization"), ("optimizations",))
        by_id = isinstance(optimizations, dict)
        entries: dict[Any, Any] = optimizations if isinstance(optimizations, dict) else dict(enumerate(optimizations))
        for key, content in entries.items():
            loc = ("optimizations", key)
            if by_id and isinstance(content, dict | None):
                yield loc, self._with_id(content or {}, key, loc)
            elif isinstance(content, dict):
                yield loc, content
            elif content is not BROKEN:
                message = "an optimization must be a mapping"
                self._report(Explanation(message, "with `id:` and `head:`, for example"), loc)

    def _with_id(self, content: dict[str, Any], key: str, loc: Loc) -> dict[str, Any]:
        if content.get("id", key) != key:
            message = "`id` differs from the key of this optimization"
            self._report(Explanation(message, f"remove it, or write {key}"), (*loc, "id"))
        return {**content, "id": key}

    def _check_commits(self, content: dict[str, Any], loc: Loc, wrong: frozenset[str]) -> None:
        head, commits = content.get("head"), content.get("commits")
        if head is not None and commits:
            explanation = Explanation("`commits` and `head` cannot both be set", "remove one", at_key=True)
            self._report(explanation, (*loc, "commits"))
        elif head is None and not commits and not {"head", "commits"} & wrong:
            self._report(Explanation("this optimization has neither `head` nor `commits`", at_key=True), loc)

    def _check_id(self, item_id: object, loc: Loc) -> None:
        """Report an id that another item has, or that would share a folder if the file system ignores case."""
        if not isinstance(item_id, str):
            return
        here: Loc = (*loc, "id")
        other, there = self._ids.setdefault(item_id.lower(), (item_id, here))
        if there == here:
            return
        line, column = self.document.position(there)
        if self.document.position(here) == (line, column):
            here = loc  # The id came with a merge.
        if other == item_id:
            self._report(Explanation(f"duplicate id `{item_id}`", f"first on line {line}"), here)
        else:
            message = f"the ids `{item_id}` and `{other}` (line {line}) differ only in case, and would share a folder"
            self._report(Explanation(message), here)

    def _validated(self, model: type[_AnyModel], content: dict[str, Any], loc: Loc = ()) -> _Validated[_AnyModel]:
        """Validate `content`, and report every error."""
        try:
            return _Validated(model.model_validate(content))
        except ValidationError as error:
            errors = error.errors(include_url=False)
        meant: set[str] = set()
        # Missing keys come last, since an unknown key may be a missing one misspelled.
        for details in sorted(errors, key=lambda details: details["type"] == "missing"):
            if not self._is_consequence(details, loc, meant):
                value_loc = (*loc, *(part for part in details["loc"] if part not in {PATH_FORM_TAG, CODE_FORM_TAG}))
                written, in_list = self.document.as_written(value_loc), self.document.is_list(value_loc[:-1])
                explanation = explain(FieldError(details, model, written, in_list))
                self._report(explanation, value_loc)
                meant.add(explanation.meant_key)
        return _Validated(None, frozenset(str(details["loc"][0]) for details in errors), frozenset(meant))

    def _is_consequence(self, details: ErrorDetails, loc: Loc, meant: set[str]) -> bool:
        """Return whether an error only follows from another problem."""
        if details["type"] == "missing":
            return details["loc"][-1] in meant or (self.document.is_cut and not loc)
        # Items are checked one by one, and an empty list is reported by `_item_contents`.
        return details["input"] is BROKEN or (not loc and details["loc"] == ("optimizations",))

    def _report(self, explanation: Explanation, loc: Loc) -> None:
        problem = self.document.problem(
            explanation.message, loc, suggestion=explanation.suggestion, at_key=explanation.at_key
        )
        if problem.line not in self.document.source.damaged_lines:  # that is a problem already
            self.problems.append(problem)


def _valid_part(model: type[_AnyModel], content: dict[str, Any], wrong: frozenset[str]) -> _AnyModel | None:
    try:
        return model.model_validate({key: value for key, value in content.items() if key not in wrong})
    except ValidationError:
        return None
