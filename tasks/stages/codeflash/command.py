"""Write codeflash's command: its flags, and the environment variables before it."""

import os
import posixpath
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from ...artifacts import ChangedFunction, Layout
from ...bench import domains
from ...manifest.model import Metric
from ...text.target_names import shared_name

OWN_TIMEOUT: Final = 600.0
"""Seconds that codeflash allows a pass without `--timeout`."""
PREPARING_SECONDS: Final = 120.0


def flags(
    metrics: Sequence[Metric], timeout: float | None, *, injected: Sequence[str], functions: str = ""
) -> tuple[str, ...]:
    return (
        *(("--inject", *injected) if injected else ()),
        *(("--functions", functions) if functions else ()),
        *domains.flags_for(metrics, timeout),
    )


def longest(metrics: Sequence[Metric], timeout: float | None) -> float:
    """Return the seconds after which the whole run is stopped: all passes at their limit, and the preparation."""
    passes = 4 if "memory" in metrics else 2
    return passes * (domains.timeout_for(metrics, timeout) or OWN_TIMEOUT) + PREPARING_SECONDS


def functions(changed: Sequence[ChangedFunction], layout: Layout, module_root: str) -> str:
    """Name the changed functions if codeflash would find none: it looks for top-level ones, and times nothing without.

    Its paths are relative to the folder that holds the module root, or to the project if that is the module root.
    """
    candidates = [function for function in changed if function.status != "removed" and function.path.endswith(".py")]
    if not candidates or any("." not in function.name and function.name.isidentifier() for function in candidates):
        return ""
    root = posixpath.normpath(posixpath.join(layout.project, module_root))
    project = posixpath.normpath(layout.project or ".")
    start = project if root == project else posixpath.dirname(root) or "."
    names_by_path: dict[str, list[str]] = {}
    for function in candidates:
        name = shared_name(function.name).rpartition(".")[2]
        if name.isidentifier():
            names_by_path.setdefault(posixpath.relpath(function.path, start), []).append(name)
    return ";".join(f"{path}::{','.join(dict.fromkeys(names))}" for path, names in names_by_path.items())


def variables(metrics: Sequence[Metric], import_roots: Sequence[str]) -> dict[str, str]:
    """Return the environment variables of the command, which a reader sets as well.

    Import roots are relative to the worktree of a pass, so that each side imports its own code. If only memory is
    measured, malloc replaces pymalloc, whose arenas hide how much a test takes.
    """
    roots = os.pathsep.join(root or "." for root in import_roots)
    only_memory = set(metrics) == {"memory"}
    return {**({"PYTHONPATH": roots} if roots else {}), **({"PYTHONMALLOC": "malloc"} if only_memory else {})}


def assigned(values: Mapping[str, str]) -> str:
    """Write variables as they precede a command in a shell."""
    return " ".join(f"{name}={shlex.quote(text)}" for name, text in values.items())
