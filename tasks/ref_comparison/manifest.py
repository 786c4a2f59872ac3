"""The manifest that compares refs, in the cache folder, and an item of the user's own manifest if they ask for it."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import yaml

from ..environments.interpreters import resolve_path
from ..errors import UsageError
from ..init.ids import Ids
from ..init.manifest_text import yaml_scalar
from ..manifest.insertion import inserted
from ..manifest.reader import LoadedManifest, parse, shown_path
from ..processes.real_paths import real_path
from ..storage.files import write_new, write_whole
from ..storage.hashing import short_hash
from ..storage.paths import MANIFEST_NAME
from .sides import WORK_TREE, NamedCommit, Sides

FOLDER = "tries"
"""The folder of the cache with a manifest and its artifacts for each comparison."""
LOCKSTEP = "heads"


@dataclass(frozen=True)
class RefComparison:
    """Some heads with one base, compared by each of some benchmarks.

    `benchmarks` are the settings of an item for each, `defaults` those of the user's manifest.
    """

    sides: Sides
    benchmarks: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any]

    @cached_property
    def items(self) -> dict[str, tuple[NamedCommit, Mapping[str, Any]]]:
        """Head and settings of every item, by its id."""
        ids = Ids()
        return {
            ids.assign(_name(head) if len(self.benchmarks) == 1 else _benchmark_name(settings)): (head, settings)
            for head in self.sides.heads
            for settings in self.benchmarks
        }

    @property
    def heads(self) -> dict[str, NamedCommit]:
        """The heads by the ids of their items."""
        return {item_id: head for item_id, (head, _) in self.items.items()}

    def write(self) -> Path:
        """Write the manifest into a folder of its own, which is the same for the same comparison, and return its path.

        Raise UsageError if a setting is wrong.
        """
        repository, base = self.sides.repository, self.sides.base.sha
        lockstep = {"lockstep": LOCKSTEP} if len(self.sides.heads) > 1 else {}
        manifest = {
            "version": 1,
            "repo": repository.address,
            "upstream": base,
            **({"slug": repository.slug} if repository.slug else {}),
            **({"defaults": dict(self.defaults)} if self.defaults else {}),
            "optimizations": [
                # Each a copy: YAML would refer to what is used twice.
                deepcopy({"id": item_id, "base": base, "head": head.sha, **lockstep, **settings})
                for item_id, (head, settings) in self.items.items()
            ],
        }
        text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=10_000)
        folder = repository.cache / FOLDER / short_hash(text.encode(), size=10)
        path = folder / MANIFEST_NAME
        _, problems = parse(text.encode(), path)
        if problems:
            raise UsageError(problems[0].message, hint=problems[0].suggestion)
        if not path.exists():
            write_whole(path, text)
        return path


def _name(head: NamedCommit) -> str:
    return "work-tree" if head.name == WORK_TREE else head.name


def _benchmark_name(settings: Mapping[str, Any]) -> str:
    """Return the name of the test or file to measure."""
    path, _, test = str(settings.get("benchmark", "")).partition("::")
    return test or PurePath(path).stem


def defaults_of(manifest: LoadedManifest) -> dict[str, Any]:
    """Return the settings that a manifest has for all its items, valid in any folder."""
    defaults: dict[str, Any] = manifest.manifest.defaults.model_dump(mode="json", by_alias=True, exclude_unset=True)
    environment = defaults.get("env", {})
    if "python" in environment:
        environment["python"] = resolve_path(environment["python"], manifest.path.parent)
    return defaults


# -- an entry of the user's manifest ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A comparison as an item of a manifest, which may not exist yet; `shown` is its path for messages."""

    path: Path
    shown: str
    item_id: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, comparison: RefComparison, item_id: str, path: Path) -> "Entry":
        """Describe the only head of a comparison; raise UsageError if that cannot be an item, or the id is taken."""
        heads = comparison.sides.heads
        if len(heads) > 1:
            raise UsageError("--save needs one head, as an item of a manifest has", hint="name one")
        if WORK_TREE in {heads[0].name, comparison.sides.base.name}:
            raise UsageError("the work tree cannot be saved, only a ref", hint="commit the changes first")
        base = {"base": comparison.sides.base.name} if comparison.sides.base_is_named else {}
        settings = {"head": heads[0].name, **base, **comparison.benchmarks[0]}
        lines = [f"{key}: {yaml_scalar(value)}" for key, value in settings.items()]
        entry = cls(path, shown_path(path), item_id, tuple(lines))
        _, problems = parse(entry._text().encode(), path)
        if problems:
            raise UsageError(problems[0].message, hint=problems[0].suggestion or "choose another id: --save ID")
        return entry

    def save(self) -> str:
        """Add the item to the manifest, or write one; return what was done."""
        if self.path.exists():
            write_whole(real_path(self.path), self._text())
            return f"added {self.item_id} to {self.shown}"
        write_new(self.path, self._text())
        return f"wrote {self.shown} with {self.item_id}"

    def _text(self) -> str:
        if not self.path.exists():
            lines = "".join(f"    {line}\n" for line in self.lines)
            return f"version: 1\noptimizations:\n  - id: {yaml_scalar(self.item_id)}\n{lines}"
        text = self.path.read_text(encoding="utf-8")
        return inserted(text, yaml_scalar(self.item_id), self.lines)
