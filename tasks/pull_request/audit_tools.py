"""Hold the files that a branch changes against the project's own formatter and linter, as far as that can be done here.

Nothing of the project is run: its hooks would be fetched from the network, or are programs of its own. What ruff can stand for is
done by ruff with the project's settings; only what is worse than at base counts; the rest is told as not run.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import yaml

from ..artifacts import AuditFinding
from ..project.files import Project
from ..project.formatting import RUFF_FILES, formatted

if TYPE_CHECKING:
    from ..project.files import TreeReader

HOOKS = ".pre-commit-config.yaml"
_DONE: Final = frozenset(
    {
        *(
            "ruff",
            "ruff-check",
            "ruff-format",
            "black",
            "black-jupyter",
            "isort",
            "trailing-whitespace",
            "check-merge-conflict",
        ),
        *("check-added-large-files", "check-ast"),
    }
)
"""Hooks whose work is done here in another way."""

_LINE = re.compile(r"^line \d+: ")


def of_code(
    base: TreeReader, head: TreeReader, paths: Sequence[str], *, folder: str, packages: tuple[str, ...]
) -> Iterator[AuditFinding]:
    """Judge the Python files among `paths`; `folder` is that of the project in the tree."""
    before, after = Project(base, folder), Project(head, folder)
    formats, lints = _formatter(after), _lints(after)
    for path in paths:
        content = head.read(path)
        if content is None or not path.endswith(".py"):
            continue
        new, old = content.decode("utf-8", "replace"), (base.read(path) or b"").decode("utf-8", "replace")
        shaped, told = formatted(new, path, after, first_party=packages)
        was_shaped, was_told = formatted(old, path, before, first_party=packages) if old else (old, ())
        # A file that was not in the formatter's form before is not held to it now.
        if formats and shaped != new and was_shaped == old:
            yield AuditFinding(about="format", text=f"{formats} would format {path} otherwise")
        if lints and (added := _rules(told) - _rules(was_told)):
            yield AuditFinding(about="lint", text=f"ruff finds in {path}: {'; '.join(sorted(added))}")


def not_run(tree: TreeReader, folder: str, *, base: str) -> tuple[str, ...]:
    """Name the checks that the project has and that were not run, each with how to run it."""
    names = list(
        dict.fromkeys(
            hook for place in dict.fromkeys((folder, "")) for hook in _hooks(tree, posixpath.join(place, HOOKS))
        )
    )
    left = [name for name in names if name not in _DONE]
    if not left:
        return ()
    return (
        f"hooks of {HOOKS} that were not run: {', '.join(left)}; run `pre-commit run --from-ref {base[:12]} --to-ref BRANCH`",
    )


def _hooks(tree: TreeReader, path: str) -> Iterator[str]:
    content = tree.read(path)
    try:
        listed = yaml.safe_load(content) if content else None
    except yaml.YAMLError:
        yield f"all of them ({path} is not valid YAML)"
        return
    for repository in _listed(listed, "repos"):
        for hook in _listed(repository, "hooks"):
            if isinstance(hook, dict) and isinstance(hook.get("id"), str):
                yield hook["id"]


def _listed(table: object, key: str) -> list[object]:
    found = table.get(key) if isinstance(table, dict) else None
    return found if isinstance(found, list) else []


def _formatter(project: Project) -> str:
    """Name what formats the project's code, "" where nothing of it can be told."""
    if project.tool("black") is not None:
        return "black (here: ruff with its settings)"
    hooks = set(_hooks(project.tree, HOOKS))
    if "ruff-format" in hooks or project.tool("ruff", "format") is not None:
        return "ruff"
    return "black (here: ruff)" if hooks & {"black", "black-jupyter"} else ""


def _lints(project: Project) -> bool:
    return project.tool("ruff") is not None or any(map(project.has, RUFF_FILES))


def _rules(told: Sequence[str]) -> Counter[str]:
    return Counter(_LINE.sub("", each) for each in told)
