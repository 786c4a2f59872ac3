"""survey: look for pull requests and changes of upstream that concern the same code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ...errors import ArtifactError
from ...github.client import GitHubRepository
from ...staleness import Fields, Item, Stage, Uses, Value

if TYPE_CHECKING:
    from ...artifacts import Detection

    Detections = dict[str, tuple[Detection, int | None]]
    """What was detected of each item, with the pull request that the manifest names for it."""


def _others(item: Item) -> Callable[[], Detections]:
    return partial(_detections, item)


def _detections(item: Item) -> Detections:
    """Read what was detected of the other items of the repository, as far as there is anything yet."""
    from ...artifacts import Detection

    detections = {}
    for other, settings in item.workspace.items_of(item.repository).items():
        if other != item.id:
            with suppress(ArtifactError):
                path = item.workspace.paths.item(other).artifact("detect")
                detections[other] = (Detection.read(path), settings["pr"])
    return detections


def _rivals(item: Item) -> dict[str, str]:
    """Map the item's functions, as `path:name`, to an item before it in the manifest that changes them too."""
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
    """Name the changed functions at head and at base; a module's own code belongs to nobody in particular."""
    fields = item.remembered("detect")
    columns = [fields.get(f"functions.{name}") or () for name in ("path", "name", "base_path", "base_name")]
    named = [each for each in zip(*columns, strict=True) if not str(each[1]).startswith("<")]
    sides = [(path, name) for path, name, _, _ in named]
    sides += [(base_path or path, base_name or name) for path, name, base_path, base_name in named]
    return list(dict.fromkeys(f"{path}:{name}" for path, name in sides))


def _answer_unchanged(item: Item, fields: Fields) -> bool:
    """Return whether GitHub's answer, or why there is none, is recent and the one that the survey was made from."""
    place = item.repository.github
    if not isinstance(place, GitHubRepository):
        return True
    return item.staleness.answers.state(str(place), item.id) == fields.get("answered")


PLACE = Value(
    "where pull requests go", lambda item: item.repository.github, lambda place: {"where pull requests go": list(place)}
)
RIVALS = Value("the items before it that change the same functions", _rivals)
# Answers age, and other items' are asked for at the same time: what counts is whether the answer changed (`intact`).
ANSWERS = Value("cached answers of GitHub", lambda item: item.staleness.answers, hashed=False)
OTHERS = Value("what was detected of other items", _others, hashed=False)

STAGE = Stage(
    name="survey",
    doc="look for pull requests and changes of upstream that concern the same code",
    version=3,
    uses=(
        Uses(
            settings=("pr",),
            artifacts={
                "detect": (
                    "base",
                    "head",
                    "head_ref",
                    "upstream",
                    "upstream_ref",
                    "slug",
                    "commits",
                    "files",
                    "functions",
                )
            },
            values=(PLACE, RIVALS, ANSWERS, OTHERS),
        ),
    ),
    remembers=("answered",),
    intact=_answer_unchanged,
    otherwise="what GitHub said is older than a day, or has changed",
)
