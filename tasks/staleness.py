"""What makes an artifact stale: one mechanism over what stages declare next to their code.

A fingerprint covers a stage's version and exactly what the stage declares: settings of the manifest, fields of other
stages' artifacts, templates, and values such as refs or files of the user. The stage's code gets a `StageInputs`,
which raises UndeclaredInputError for anything else, so that the declaration cannot drift from the code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from .github.cache import ResponseCache
from .processes.progress import Report, silent
from .storage.files import read_json
from .storage.hashing import digest_of, hash_of, read_bytes
from .storage.paths import file_stem
from .text.markdown import one_line, shorten

if TYPE_CHECKING:
    from .git import Clone
    from .manifest.model import Optimization
    from .storage.artifact import Artifact
    from .storage.paths import ItemPaths
    from .workspace.repository import Repository
    from .workspace.workspace import Workspace

Fields = dict[str, Any]
A = TypeVar("A", bound="Artifact")
T = TypeVar("T")

ALL = ("*",)
"""A declaration of all settings, or of every field of an artifact."""
ENVIRONMENT = ("env.python", "env.extras", "env.groups", "env.install", "env.passed", "sandbox")
"""The settings that building environments and running the project's code in them depends on."""
LAYOUT = ("layout.project", "layout.import_roots", "layout.packages", "layout.installable", "layout.distribution")
"""The fields of detect.json that importing the project's code depends on, and with COMMITS, building environments."""
COMMITS = ("base", "head", "picked")
"""The fields of detect.json that name the commits, whose date may decide the packages of their environments."""
FUNCTIONS = tuple(
    f"functions.{name}"
    for name in ("module", "path", "name", "status", "base_path", "base_name", "lines", "base_lines", "only_moved")
)
"""The fields of detect.json that locate the changed functions on either side."""
BENCHMARK = ("path", "test", "origin", "source", "sha256", "made_from", "data", "domains")
"""The fields of scaffold.json that locate the benchmark's bytes."""
_VERSION = "prprep's version of the stage"
_LONGEST_VALUE = 60


# -- declarations -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """An input that is neither a setting nor an artifact: refs, responses of GitHub, files of the user, other items.

    `get` computes it for an item. `parts` names what the fingerprint covers of it, as `prprep explain` shows it;
    without `parts` that is the value itself, under its name.
    """

    name: str
    get: Callable[[Item], T]
    parts: Callable[[T], Mapping[str, Any]] | None = None
    hashed: bool = True
    """Whether the fingerprint covers it; say why if it does not."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Some inputs of a stage, always or only if `when` holds for the item; whether it holds is an input as well.

    `settings` and the fields of `artifacts`, which are keyed by the stage that writes them, may be dotted.
    """

    settings: tuple[str, ...] = ()
    artifacts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    templates: tuple[str, ...] = ()
    values: tuple[Value[Any], ...] = ()
    when: Callable[[Item], bool] | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One column of the graph: what `tasks/stages/NAME/NAME.py` does with a `StageInputs`, and what that depends on.

    Raise `version` if the same inputs lead to another result: every artifact of the stage becomes stale.
    """

    name: str
    doc: str
    """What `prprep list` says of it."""
    version: int
    uses: tuple[Uses, ...]
    remembers: tuple[str, ...] = ()
    """Fields of its own artifact that conditions and values ask for; they are kept from run to run."""
    intact: Callable[[Item, Fields], bool] | None = None
    """Whether other files that it wrote or read are unchanged; gets the remembered fields."""
    otherwise: str = ""
    """What `prprep explain` says if `intact` is false."""
    gap: Callable[[Fields], bool] | None = None
    """Whether a person has to complete what it wrote before the stages that read it can run."""
    products: Callable[[Item], list[Path]] | None = None
    """Files it writes in addition to its artifact."""
    after: tuple[str, ...] = ()
    """Stages that run before it though it does not read what they write."""
    after_others: tuple[str, ...] = ()
    """Stages of other items that it reads if they have run; those that run at the same time end before it."""
    parts: tuple[Stage, ...] = ()
    """Work within it that has inputs and an artifact of its own."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The stages that run before it."""
        return tuple(dict.fromkeys((*(name for uses in self.uses for name in uses.artifacts), *self.after)))


class Item:
    """One item as conditions and values see it; `settings` are as JSON has them, defaults merged in."""

    __slots__ = ("id", "paths", "settings", "staleness", "workspace")

    def __init__(self, item_id: str, staleness: Staleness) -> None:
        self.id, self.staleness, self.workspace = item_id, staleness, staleness.workspace
        self.settings: Fields = self.workspace.plan.items[item_id]
        self.paths: ItemPaths = self.workspace.paths.item(item_id)

    @property
    def repository(self) -> Repository:
        return self.workspace.repository(self.id)

    def remembered(self, stage: str) -> Fields:
        """Return the fields that a stage remembers of its artifact; empty if there is none."""
        facts = self.staleness.facts(self.paths.file(stage))
        return facts.fields if facts else {}


# -- what a stage's code gets -----------------------------------------------------------------------


class StageInputs:
    """What a stage is run with for one item: exactly what it declares, and places to write to."""

    def __init__(self, stage: Stage, item: Item, *, fingerprint: str = "", report: Report = silent) -> None:
        self.item_id, self.report = item.id, report
        self.cache, self.folder, self.output = item.workspace.cache, item.workspace.folder, item.paths.output
        self.state = item.paths.state
        self.templates = item.workspace.templates
        self.tree_owner: str = item.settings["lockstep"] or item.id
        """Whose trees it uses: those of other items are set up meanwhile, but heads in lockstep have one base."""
        self._stage, self._item, self.fingerprint = stage, item, fingerprint
        self.measured: list[tuple[float, float]] = []
        """When something was measured, in seconds since the epoch."""

    @cached_property
    def _uses(self) -> list[Uses]:
        return [uses for uses in self._stage.uses if uses.when is None or uses.when(self._item)]

    @cached_property
    def settings(self) -> Optimization:
        """The item's settings; reading one that is not declared raises UndeclaredInputError."""
        from .storage.restricted import restricted

        names = ("id", *(name for uses in self._uses for name in uses.settings))
        return restricted(self._item.workspace.items[self.item_id], ALL if ALL[0] in names else names)

    def read(self, model: type[A]) -> A:
        """Read another stage's artifact; fields that are not declared are left out.

        Raise ArtifactError if it is missing or broken, UndeclaredInputError if no field of it is declared.
        """
        from .storage.restricted import restricted

        fields = self._declared(model.STAGE)
        whole = self._item.paths.read(model)
        return restricted(whole, ALL if ALL[0] in fields else ("item", *fields))

    def applies(self, condition: Callable[[Item], bool]) -> bool:
        if not any(uses.when is condition for uses in self._stage.uses):
            raise self._undeclared(condition.__name__)
        return condition(self._item)

    def digest(self, stage: str) -> str:
        """Hash the artifact of a stage that is declared as a whole; "" if there is none."""
        if ALL[0] not in self._declared(stage):
            raise self._undeclared(f"all of {stage}")
        return self._item.staleness.digest(self._item.paths.artifact(stage)) or ""

    def fields(self, stage: str) -> Fields:
        """Read an artifact that is declared as a whole, unchecked; empty if it is missing or broken."""
        self.digest(stage)
        return fields_of(self._item.paths.artifact(stage))

    def value(self, value: Value[T]) -> T:
        if not any(value is each for uses in self._uses for each in uses.values):
            raise self._undeclared(value.name)
        return value.get(self._item)

    def last(self, model: type[A]) -> A | None:
        """Return what the stage itself wrote the last time; None if that is gone or broken."""
        from .storage.artifact import read_if_valid

        return read_if_valid(model, self._item.paths.artifact(self._stage.name))

    def write(self, artifact: Artifact) -> None:
        """Write the stage's artifact, with the fingerprint taken before the work."""
        artifact.write(self._item.paths.artifact(self._stage.name), self.fingerprint)

    def part(self, stage: Stage) -> StageInputs:
        """Return the inputs of declared work within the stage."""
        if stage not in self._stage.parts:
            raise self._undeclared(stage.name)
        return self._item.staleness.inputs(stage, self.item_id, self.report)

    @property
    def is_fresh(self) -> bool:
        return self._item.staleness.is_fresh(self._stage, self.item_id)

    @property
    def worktree(self) -> Path | None:
        """The user's work tree; read only what a declared value covers."""
        return self._item.repository.worktree

    def clone(self, *wanted: str) -> Clone:
        """Open the private clone, with these commits in it."""
        from .git import Clone

        return Clone.open(self._item.repository.address, self.cache, report=self.report, wanted=wanted)

    def _declared(self, stage: str) -> tuple[str, ...]:
        fields = tuple(name for uses in self._uses for name in uses.artifacts.get(stage, ()))
        if not fields:
            raise self._undeclared(f"the artifact of {stage or 'no stage'}")
        return fields

    def _undeclared(self, what: str) -> Exception:
        from .storage.restricted import UndeclaredInputError

        return UndeclaredInputError(f"{what} is not declared as an input of {self._stage.name}")


# -- the mechanism ----------------------------------------------------------------------------------


class Facts(NamedTuple):
    """What is known of a file: its digest, its header's fingerprint, and what stages ask for of its fields.

    The fingerprint is None without a header, and if the file is not as it was written.
    """

    digest: str
    fingerprint: str | None
    fields: Fields
    hashes: dict[str, str]
    """Of the fields that stages declare, by `stage number`."""


class Staleness:
    """Fingerprints of all items of one workspace; a file is read again only if its time stamp or size changes."""

    def __init__(
        self, workspace: Workspace, stages: Sequence[Stage], others: Sequence[Stage] = (), *, not_before: float = 0.0
    ) -> None:
        """`others` are declared like stages but are none, such as the report.

        Responses of GitHub from before `not_before`, in seconds since the epoch, count as old.
        """
        self.workspace = workspace
        self.answers = ResponseCache(workspace.paths.forge, not_before)
        declared = [each for stage in (*stages, *others) for each in (stage, *stage.parts)]
        self.stages = {stage.name: stage for stage in stages}
        self._templates: dict[str, list[str]] = {}
        self._items: dict[str, Item] = {}
        self._memo: dict[object, Any] = {}
        self._facts: dict[str, Facts | None] = {}
        self._readers: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for stage in declared:
            for number, uses in enumerate(stage.uses):
                for name, names in uses.artifacts.items():
                    if names != ALL:
                        self._readers.setdefault(name, []).append((f"{stage.name} {number}", names))
        self._declarations = hash_of([self._readers, [stage.remembers for stage in declared]])

    def memo(self, key: object, compute: Callable[[], T]) -> T:
        """Return what `compute` gave for the key since the last stage ran."""
        memo = self._memo  # another thread may replace it
        if key not in memo:
            memo[key] = compute()
        value: T = memo[key]
        return value

    def changed(self) -> None:
        """Forget what was computed from artifacts: a stage has run."""
        self._memo, self._facts = {}, {}

    def item(self, item_id: str) -> Item:
        if item_id not in self._items:
            self._items[item_id] = Item(item_id, self)
        return self._items[item_id]

    def inputs(self, stage: str | Stage, item_id: str, report: Report = silent) -> StageInputs:
        """Return what a stage is run with; its fingerprint is taken now, so that later edits leave the result stale."""
        stage = self._stage(stage)
        return StageInputs(stage, self.item(item_id), fingerprint=self.fingerprint(stage, item_id), report=report)

    def fingerprint(self, stage: str | Stage, item_id: str) -> str:
        """Hash the stage's inputs as they are now."""
        stage = self._stage(stage)
        return hash_of([stage.name, item_id, self.made_from(stage, item_id)])

    def fingerprint_of_all(self, stage: Stage) -> str:
        """Hash the inputs of something that covers every item, such as the report."""
        return hash_of([(item_id, self.made_from(stage, item_id)) for item_id in self.workspace.plan.items])

    def made_from(self, stage: str | Stage, item_id: str) -> Fields:
        """Return the stage's inputs as they are now, by names that users know: settings as values, the rest hashed."""
        stage, item = self._stage(stage), self.item(item_id)
        parts: Fields = {_VERSION: stage.version}
        for number, uses in enumerate(stage.uses):
            if uses.when:
                holds = uses.when(item)
                parts[name_of_condition(uses.when)] = holds
                if not holds:
                    continue
            for name in item.settings if uses.settings == ALL else uses.settings:
                parts[f"`{name}`"] = item.settings[name] if name in item.settings else _pick(item.settings, name)
            for name, fields in uses.artifacts.items():
                parts.setdefault(f"{file_stem(name)}.json", []).append(
                    self._hash(item, f"{stage.name} {number}", name, fields)
                )
            for value in (each for each in uses.values if each.hashed):
                content = value.get(item)
                parts |= {value.name: content} if value.parts is None else value.parts(content)
            if uses.templates:
                parts.setdefault("the templates", []).extend(self._files_of(uses.templates))
        return parts

    def is_fresh(self, stage: str | Stage, item_id: str) -> bool:
        """Return whether the artifact exists, was made from the inputs as they are now, and its files are unchanged.

        Until a person has filled a gap, the stages behind it have nothing to do.
        """
        stage, item = self._stage(stage), self.item(item_id)
        if stage.name in self._behind_gaps and self.waits(item_id):
            return True
        facts = self.facts(item.paths.file(stage.name))
        if facts is None or facts.fingerprint is None or facts.fingerprint != self.fingerprint(stage, item_id):
            return False
        return stage.intact is None or stage.intact(item, facts.fields)

    def waits(self, item_id: str, stage: str = "") -> bool:
        """Return whether a person has to complete something before the item, or this stage of it, can go on."""
        if stage and stage not in self._behind_gaps:
            return False
        return self.memo(("waits", item_id), partial(self._has_gap, self.item(item_id)))

    def _has_gap(self, item: Item) -> bool:
        for stage in self.stages.values():
            if stage.gap:
                fields = item.remembered(stage.name)
                if fields and stage.gap(fields) and (stage.intact is None or stage.intact(item, fields)):
                    return True
        return False

    @cached_property
    def _behind_gaps(self) -> set[str]:
        """The stages that read, directly or not, what a person may have to complete."""
        sources = {stage.name for stage in self.stages.values() if stage.gap}
        behind: set[str] = set()
        for stage in self.stages.values():
            if (sources | behind) & set(stage.reads):
                behind.add(stage.name)
        return behind

    def why_stale(self, stage: str | Stage, item_id: str) -> list[str]:
        """Compare the inputs that the artifact was made from with those of now, in sentences."""
        stage = self._stage(stage)
        before = read_json(self.workspace.paths.item(item_id).made_from).get(stage.name)
        if before is None:
            return ["what it was made from is not recorded"]
        changes = list(differences(before, json.loads(json.dumps(self.made_from(stage, item_id)))))
        return changes or [stage.otherwise or "its artifact is not what the stage wrote"]

    def failed_stage(self, item_id: str) -> str | None:
        """Return the stage that the item is blocked by."""
        facts = self.facts(self.workspace.paths.item(item_id).file("failure"))
        return facts.fields.get("stage") if facts else None

    def facts(self, path: str) -> Facts | None:
        """Return what is known of a file since the last stage ran; None if there is none."""
        facts = self._facts  # another thread may replace it
        if path not in facts:
            facts[path] = self._look_at(path)
        return facts[path]

    def _look_at(self, path: str) -> Facts | None:
        try:
            status = os.stat(path)  # noqa: PTH116 - asked for tens of thousands of files in a run
        except OSError:
            return None
        stamp = [self._declarations, status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns]
        if (cached := self.workspace.run_cache.get(path, stamp)) is not None:
            return Facts(*cached)
        content = read_bytes(Path(path))
        if content is None:
            return None
        facts = self._read(os.path.basename(path).removesuffix(".json"), content)  # noqa: PTH119
        self.workspace.run_cache.put(path, stamp, facts)
        return facts

    def digest(self, path: Path) -> str | None:
        facts = self.facts(str(path))
        return facts.digest if facts else None

    def _read(self, name: str, content: bytes) -> Facts:
        digest = digest_of(content)
        try:
            header, fields = json.loads(content.partition(b"\n")[0]), json.loads(content.partition(b"\n")[2])
            fingerprint = header["fingerprint"] if header["digest"] == digest else None
        except (ValueError, KeyError, TypeError):
            return Facts(digest, None, {}, {})
        stage = next((each for each in self.stages if file_stem(each) == name), name)
        remembered = self.stages[stage].remembers if stage in self.stages else ("stage",) if name == "failure" else ()
        readers = self._readers.get(stage, ())
        hashes = {reader: hash_of([_pick(fields, each) for each in names]) for reader, names in readers}
        return Facts(digest, fingerprint or None, {each: _pick(fields, each) for each in remembered}, hashes)

    def _hash(self, item: Item, reader: str, stage: str, fields: tuple[str, ...]) -> str | None:
        facts = self.facts(item.paths.file(stage))
        if facts is None:
            return None
        return facts.digest if fields == ALL else facts.hashes.get(reader)

    def _files_of(self, names: Sequence[str]) -> list[str]:
        """Hash every template that filling these can read, once a run."""
        key = " ".join(names)
        if key not in self._templates:
            from .text.templating import used

            files = {path for name in names for path in used(name, self.workspace.templates)}
            self._templates[key] = sorted(f"{path.name} {self.digest(path)}" for path in files)
        return self._templates[key]

    def _stage(self, stage: str | Stage) -> Stage:
        return self.stages[stage] if isinstance(stage, str) else stage


def name_of_condition(when: Callable[[Item], bool]) -> str:
    return when.__name__.strip("_").replace("_", " ")


def fields_of(artifact: Path) -> Fields:
    """Read an artifact's fields without checking them; empty if it is missing or broken."""
    try:
        fields = json.loads((read_bytes(artifact) or b"").partition(b"\n")[2])
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _pick(fields: Any, name: str) -> Any:
    """Look up `outer.inner`; of a list, in each of its entries."""
    first, _, rest = name.partition(".")
    if isinstance(fields, list):
        return [_pick(entry, name) for entry in fields]
    value = fields.get(first) if isinstance(fields, dict) else None
    return _pick(value, rest) if rest else value


def differences(before: Fields, now: Fields) -> Iterator[str]:
    """Say in sentences how inputs, as `made_from` names them, have changed."""
    for name in dict.fromkeys((*now, *before)):
        if before.get(name) == now.get(name):
            continue
        if name.startswith("`") or "commit" in name or "name of" in name:
            yield f"{name} is {_shown(now.get(name))}, was {_shown(before.get(name))}"
        else:
            yield f"{name} changed"


def _shown(value: Any) -> str:
    if value in (None, []):
        return "not set"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return shorten(one_line(text), _LONGEST_VALUE)


# -- conditions that several stages declare -----------------------------------------------------------


def keeps_benchmark(item: Item) -> bool:
    """Return whether the project's own benchmark is used, so that none is written."""
    named, presence = item.settings["benchmark"], item.remembered("detect").get("benchmark") or {}
    return isinstance(named, str) or (named is None and any(presence.get(at) for at in ("base", "head", "worktree")))


def writes_benchmark(item: Item) -> bool:
    return not keeps_benchmark(item)


def metrics_follow_from_domain(item: Item) -> bool:
    return item.settings["metrics"] is None


def times_imports(item: Item) -> bool:
    """Return whether imports are timed: what is written may be about something else than what is proposed."""
    if not metrics_follow_from_domain(item):
        return "import" in item.settings["metrics"]
    found = item.remembered("scaffold").get("domains")
    return "struct" in (found or item.remembered("detect").get("domain.domains") or ())
