import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...github.client import GitHubRepository
from ...staleness import ALL, Item, Stage, Uses, Value
from ...storage.hashing import sha256_of


def _asked_at(item: Item) -> float | None:
    place = item.repository.github
    return item.staleness.answers.asked_at(str(place), item.id) if isinstance(place, GitHubRepository) else None


def _bodies(item: Item) -> list[object]:
    """Return the body's hash, and whether an older edited one was kept."""
    body = f"{item.workspace.folder}/{item.remembered('render').get('body')}"
    return [sha256_of(Path(body)), os.path.exists(f"{body.removesuffix('.md')}.edited.md")]  # noqa: PTH110


def _measured_at(item: Item) -> float | None:
    try:
        return os.stat(item.paths.file("measure")).st_mtime  # noqa: PTH116 - asked for every item of a run
    except OSError:
        return None


# New samples change the comparison, unless they are equal.
MEASURED_AT = Value("when it was measured", _measured_at, hashed=False)
ASKED = Value("when pull requests were asked for", _asked_at)
BODIES = Value("bodies", _bodies)
EXTRA = "pip install 'prprep[html]'"


@cache
def has_extra() -> bool:
    """Return whether the optional packages for report.html are installed."""
    return find_spec("vl_convert") is not None and find_spec("nh3") is not None


def has_page() -> bool:
    """Return whether report.html is written; nobody looks at that of a prprep that another one runs."""
    from ...workspace.nested import is_nested

    return has_extra() and not is_nested()


HAS_PAGE = Value("whether report.html is written", lambda _: has_page())
WRITTEN: dict[str, Any] = dict.fromkeys(("detect", "survey", "scaffold", "lint", "compare", "render", "failure"), ALL)

STAGE = Stage(
    name="report",
    doc="write report.md and report.html, the table of all items",
    version=6,
    uses=(Uses(settings=("title",), artifacts=WRITTEN, values=(ASKED, MEASURED_AT, BODIES, HAS_PAGE)),),
)
PAGE = Stage(
    name="page",
    doc="write report.html, the page of all items",
    version=1,
    uses=(
        Uses(
            settings=("title",),
            artifacts=WRITTEN | {"measure": ALL},
            values=(ASKED, MEASURED_AT, BODIES),
        ),
    ),
)
INVENTORY = Stage(
    name="inventory",
    doc="the table of what was found out about each item",
    version=2,
    uses=(
        Uses(settings=("title", "domain"), artifacts=dict.fromkeys(("detect", "survey", "scaffold", "failure"), ALL)),
    ),
)
