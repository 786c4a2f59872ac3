"""Spell the command of codeflash: its flags by what is measured, and the variables that stand before it."""

import math
import os
import posixpath
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from ...artifacts import ChangedFunction, Layout
from ...bench import domains
from ...manifest.model import Metric

OWN_TIMEOUT: Final = 600.0
"""Seconds that codeflash allows a pass where nothing is said."""
PREPARING_SECONDS: Final = 120.0


def flags(
    metrics: Sequence[Metric], timeout: float | None, *, injected: Sequence[str], functions: str = ""
) -> tuple[str, ...]:
    """Return the flags: memory where it is measured, a limit as the domain has it, what is injected, and functions where asked for."""
    limit = domains.timeout_for(metrics, timeout)
    words = ["--inject", *injected] if injected else []
    words += ["--functions", functions] if functions else []
    words += ["--memory"] if "memory" in metrics else []
    return (*words, "--timeout", str(math.ceil(limit))) if limit is not None else tuple(words)


def longest(metrics: Sequence[Metric], timeout: float | None) -> float:
    """Return the seconds after which the whole run is stopped: its passes as long as each may take, and what comes before."""
    passes = 4 if "memory" in metrics else 2
    return passes * (domains.timeout_for(metrics, timeout) or OWN_TIMEOUT) + PREPARING_SECONDS


def functions(changed: Sequence[ChangedFunction], layout: Layout, module_root: str) -> str:
    """Name what changed, where codeflash itself would find nothing: it looks for top-level functions only, and then refuses to time.

    Its paths begin in the folder that holds the module root, unless that is the project itself.
    """
    there = [function for function in changed if function.status != "removed" and function.path.endswith(".py")]
    if not there or any("." not in function.name and function.name.isidentifier() for function in there):
        return ""
    root = posixpath.normpath(posixpath.join(layout.project, module_root))
    start = (
        layout.project or "." if root == posixpath.normpath(layout.project or ".") else posixpath.dirname(root) or "."
    )
    named: dict[str, list[str]] = {}
    for function in there:
        name = function.name.rpartition(".")[2]
        if name.isidentifier():
            named.setdefault(posixpath.relpath(function.path, start), []).append(name)
    return ";".join(f"{path}::{','.join(dict.fromkeys(names))}" for path, names in named.items())


def variables(metrics: Sequence[Metric], import_roots: Sequence[str]) -> dict[str, str]:
    """Return what a reader sets as well: import roots relative to the worktree that a pass runs in, so that each side has its own code.

    With memory alone also an allocator without arenas, which would hide how much a test takes.
    """
    roots = os.pathsep.join(root or "." for root in import_roots)
    alone = set(metrics) == {"memory"}
    return {**({"PYTHONPATH": roots} if roots else {}), **({"PYTHONMALLOC": "malloc"} if alone else {})}


def spelled(words: Sequence[str]) -> str:
    return " ".join(map(shlex.quote, words))


def assigned(values: Mapping[str, str]) -> str:
    """Spell variables as they stand before a command."""
    return " ".join(f"{name}={shlex.quote(text)}" for name, text in values.items())
