from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from ...errors import ArtifactError
from ...github.client import GitHubRepository
from ...staleness import Fields, Item, Stage, Uses, Value

if TYPE_CHECKING:
    from ...artifacts import Detection

Detections: TypeAlias = "dict[str, tuple[Detection, int | None]]"
"""The detection of each item, with the pull request that the manifest names for it."""


def _detections(item: Item) -> Detections:
    """Read the existing detections of the repository's other items."""
    from ...artifacts import Detection

    detections = {}
    for other, settings in item.workspace.items_of(item.repository).items():
        if other != item.id:
            with suppress(ArtifactError):
                path = item.workspace.paths.item(other).artifact("detect")
                detections[other] = (Detection.read(path), settings["pr"])
    return detections


def _rivals(item: Item) -> dict[str, str]:
    """Map the item's functions, as `path:name`, to an earlier item of the manifest that changes them too."""
    key = ("first to change", item.repository.key)
    first: dict[str, str] = item.staleness.memo(key, partial(_first_to_change, item))
    return {name: first[name] for name in _changed_functions(item) if first.get(name, item.id) != item.id}


def _first_to_change(item: Item) -> dict[str, str]:
    first: dict[str, str] = {}
    for other in item.workspace.items_of(item.repository):
        for name in _changed_functions(item.staleness.item(other)):
            first.setdefault(name, other)
    return first


def _changed_functions(item: Item) -> list[str]:
    fields = item.remembered("detect")
    columns = [fields.get(f"functions.{name}") or () for name in ("path", "name", "base_path", "base_name")]
    return [key for function in zip(*columns, strict=True) for key in locations(*function)]


def locations(path: str, name: str, base_path: str | None, base_name: str | None) -> tuple[str, ...]:
    """Return where a function is at head and at base, as `path:name`; nothing for a module's own code."""
    if name.startswith("<"):
        return ()
    return tuple(dict.fromkeys((f"{path}:{name}", f"{base_path or path}:{base_name or name}")))


def _answer_unchanged(item: Item, fields: Fields) -> bool:
    """Return whether GitHub's answer, or the reason why there is none, is recent and the one that the survey used."""
    github = item.repository.github
    if not isinstance(github, GitHubRepository):
        return True
    return item.staleness.answers.state(str(github), item.id) == fields.get("answered")


GITHUB = Value(
    "where pull requests go",
    lambda item: item.repository.github,
    lambda github: {"where pull requests go": list(github)},
)
RIVALS = Value("the earlier items that change the same functions", _rivals)
# A search renews the answers for other items too, so only a changed answer counts, see `intact`.
ANSWERS = Value("cached answers of GitHub", lambda item: item.staleness.answers, hashed=False)
OTHERS = Value("the detections of other items", lambda item: partial(_detections, item), hashed=False)

STAGE = Stage(
    name="survey",
    doc="look for pull requests and changes of upstream that concern the same code",
    version=3,
    after_others=("detect",),
    uses=(
        Uses(
            settings=("pr",),
            artifacts={
                "detect": (
                    *("base", "head", "head_ref", "upstream", "upstream_ref", "slug", "commits", "files"),
                    "functions",
                ),
            },
            values=(GITHUB, RIVALS, ANSWERS, OTHERS),
        ),
    ),
    remembers=("answered",),
    intact=_answer_unchanged,
    otherwise="GitHub's answer is older than a day, or has changed",
)
