import os
from pathlib import Path

from ...staleness import ALL, Fields, Item, Stage, Uses, Value
from ...text.target_names import body_name

CPU, MEMORY = "pr-body-cpu.md.j2", "pr-body-memory.md.j2"
SHARED = ("summary.md.j2", "test-items.md.j2", "changelog.md.j2", "compare-output.md.j2", "own-section.md.j2")


def body_of(item: Item) -> Path:
    """Name the item's body after its function, and after the item too if another item has that name."""
    functions = item.settings["functions"]
    chosen = item.remembered("scaffold").get("target") or item.remembered("detect").get("target")
    name = body_name(functions[0] if functions else chosen or item.id)
    body, owner = item.paths.body(name), item.workspace.function_owners.get(name)
    taken = owner != item.id if owner else body.exists() and last_body(item) != body
    return item.paths.body(f"{name}-{item.id}") if taken else body


def last_body(item: Item) -> Path | None:
    body = item.remembered("render").get("body")
    return item.workspace.folder / body if body else None


def _products(item: Item) -> list[Path]:
    # The body of an item whose manifest names no function has a name once detect has found the function.
    body = body_of(item) if item.settings["functions"] else last_body(item)
    return [body] if body else []


def _body_exists(item: Item, fields: Fields) -> bool:
    if item.settings["summarize"] and not item.settings["summary"] and not os.path.exists(item.paths.file("summarize")):  # noqa: PTH110
        return False
    return os.path.isfile(f"{item.workspace.folder}/{fields.get('body')}")  # noqa: PTH113 - asked for every item of a run


def _owns_name(item: Item) -> bool:
    return item.id in item.workspace.function_owners.values()


def _memory_alone(item: Item) -> bool:
    metrics = set(map(str, item.remembered("compare").get("changes.metric") or ()))
    return bool(metrics) and not metrics & {"time", "import time"}


def _with_times(item: Item) -> bool:
    return not _memory_alone(item)


_SURVEYED = ("default_branch", "upstream_ref", "pull_requests", "drift", "contained", "conflicts", "decision")
BODY = Value("whose name the body has", body_of, hashed=False)

SUMMARIZE = Stage(
    name="summarize",
    doc="run the manifest's command that writes the bullets",
    version=2,
    uses=(
        Uses(
            settings=("summarize", "summary"),
            artifacts={"detect": ("title", "base", "head", "picked", "commits", "functions"), "compare": ALL},
        ),
    ),
)

STAGE = Stage(
    name="render",
    doc="fill the pull-request body",
    version=10,
    uses=(
        Uses(
            settings=ALL,
            artifacts={
                "detect": ALL,
                "survey": _SURVEYED,
                **dict.fromkeys(("scaffold", "inject", "tests", "compare", "codeflash", "verify"), ALL),
            },
            templates=SHARED,
            values=(BODY, Value("whether the function's name is the body's", _owns_name)),
        ),
        Uses(templates=(CPU,), when=_with_times),
        Uses(templates=(MEMORY,), when=_memory_alone),
    ),
    remembers=("body",),
    intact=_body_exists,
    otherwise="the body is gone",
    products=_products,
    after_others=("render",),  # one at a time: an item may take over the name of another one's body
    parts=(SUMMARIZE,),
)
