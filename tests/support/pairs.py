"""Build pairs of small trees and ask for measurements of them in one environment, of the Python that runs the tests."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

from tasks.bench.request import Request, SideRequest
from tasks.bench.time.launch_record import LaunchRecord, TimedCall
from tasks.bench.time.lockstep import LaunchPlan, Pair, launch
from tasks.bench.workers import memory_layout
from tasks.bench.workers.blocks import Block
from tasks.bench.workers.workers import Settings, hash_seed
from tests.support.pythons import measuring_python

CODE = """
def work(size=1000):
    return sum(range(size))
"""

BENCHMARK = """
from project import work

def test_work(benchmark):
    assert benchmark(work, 1000) == 499500
"""

Files = dict[str, str]


def write(folder: Path, files: Files) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return folder


def pair(
    folder: Path,
    head: Files | None = None,
    base: Files | None = None,
    control: Files | None = None,
    *,
    controlled: bool = False,
    **settings: Any,
) -> Request:
    """Write two trees of a src project, `base` and `head` over the same start, and ask for their comparison.

    `controlled` adds a second tree of base, with `control` over it.
    """
    start = {"src/project/__init__.py": CODE, "tests/test_benchmark.py": BENCHMARK}
    trees = {"base": write(folder / "base", start | (base or {})), "head": write(folder / "head", start | (head or {}))}
    if controlled:
        trees["control"] = write(folder / "control", start | (base or {}) | (control or {}))
    sides = {side: SideRequest(tree, measuring_python(), (tree / "src",)) for side, tree in trees.items()}
    asked: dict[str, Any] = {
        "benchmark": "tests/test_benchmark.py",
        "metrics": ("time",),
        "seed": 7,
        "packages": ("project",),
        "budget": 0.6,
    }
    return Request(**{**asked, **sides, "profiles": folder / "profiles", **settings})


def with_heads(folder: Path, heads: dict[str, Files], **settings: Any) -> dict[str, Request]:
    """Return the requests of several heads by name, all with the same base and control."""
    first, *others = heads
    request = pair(folder, heads[first], controlled=True, **settings)
    start = {"src/project/__init__.py": CODE, "tests/test_benchmark.py": BENCHMARK}
    trees = {name: write(folder / name, start | heads[name]) for name in others}
    sides = {name: SideRequest(tree, measuring_python(), (tree / "src",)) for name, tree in trees.items()}
    return {first: request, **{name: replace(request, head=side) for name, side in sides.items()}}


def both(files: Files) -> dict[str, Files]:
    return {"base": files, "head": files}


def one_launch(
    request: Request,
    *,
    share: float | None = 0.05,
    describe: bool = False,
    rounds: dict[str, dict[str, int]] | None = None,
) -> LaunchRecord:
    """Run a single launch and give its record."""
    record, rng = LaunchRecord(), random.Random(request.seed)
    settings = Settings(hash_seed(rng), layout=memory_layout.draw(rng), describe=describe)
    with Pair(request, settings) as sides:
        launch(sides, LaunchPlan(share, rounds or {}, frozenset()), rng=rng, record=record)
    return record


def block(
    *, seconds: float = 0.003, calls: int = 1, waited: float | None = 0.0, elsewhere: float = 0.0, **fields: Any
) -> Block:
    """Return a block of calls that computed for `seconds` and then waited so long for a core."""
    computed, delay = round(seconds * 1e9), round((waited or 0.0) * 1e9)
    wall = fields.pop("wall", computed + delay)
    values = {
        "misread": False,
        "others_waited": 0,
        "outliving": 0,
        "voluntary": 0,
        "involuntary": int(delay > 0),
        **fields,
    }
    return Block(
        calls=calls,
        wall=wall,
        waited=None if waited is None else delay,
        cpu=computed,
        elsewhere=round(elsewhere * 1e9),
        began=0,
        **{"ended": wall, **values},
    )


def by_key(record: LaunchRecord) -> dict[str, TimedCall]:
    return {entry.key.partition("::")[2]: entry for entry in record.calls}
