"""Check the files that a branch changes as the project's formatter and linter would, with ruff.

Nothing of the project is run: its hooks would be fetched from the network, or are programs of its own. ruff uses the
project's settings, and only what is worse than at base is a finding; what ruff does not cover is listed as not run.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import yaml

from ..artifacts import AuditFinding
from ..project.files import Project, TreeReader
from ..project.formatting import RUFF_FILES, formatted

HOOKS = ".pre-commit-config.yaml"
_COVERED: Final = {
    "ruff", "ruff-check", "ruff-format", "black", "black-jupyter", "isort", "trailing-whitespace",
    "check-merge-conflict", "check-added-large-files", "check-ast",
}  # fmt: skip
"""Hooks that are replaced by checks of prprep's own."""

_LINE = re.compile(r"^line \d+: ")


def of_code(
    base: TreeReader, head: TreeReader, paths: Sequence[str], *, folder: str, packages: tuple[str, ...]
) -> Iterator[AuditFinding]:
    """Check the Python files among `paths`; `folder` is that of the project in the tree."""
    before, after = Project(base, folder), Project(head, folder)
    formatter, lints = _formatter(after), after.tool("ruff") is not None or any(map(after.has, RUFF_FILES))
    for path in paths:
        content = head.read(path)
        if content is None or not path.endswith(".py"):
            continue
        new, old = content.decode("utf-8", "replace"), (base.read(path) or b"").decode("utf-8", "replace")
        new_formatted, new_messages = formatted(new, path, after, first_party=packages)
        old_formatted, old_messages = formatted(old, path, before, first_party=packages) if old else (old, ())
        # A file that was not formatted before need not be formatted now.
        if formatter and new_formatted != new and old_formatted == old:
            yield AuditFinding(about="format", text=f"{formatter} would reformat {path}")
        if lints and (added := _without_lines(new_messages) - _without_lines(old_messages)):
            yield AuditFinding(about="lint", text=f"ruff finds in {path}: {'; '.join(sorted(added))}")


def not_run(tree: TreeReader, folder: str, *, base: str) -> tuple[str, ...]:
    """List the project's hooks that were not run, and how to run them."""
    configs = (posixpath.join(place, HOOKS) for place in dict.fromkeys((folder, "")))
    names = dict.fromkeys(hook for config in configs for hook in _hooks(tree, config) if hook not in _COVERED)
    if not names:
        return ()
    command = f"pre-commit run --from-ref {base[:12]} --to-ref BRANCH"
    return (f"hooks of {HOOKS} that were not run: {', '.join(names)}; run `{command}`",)


def _hooks(tree: TreeReader, path: str) -> Iterator[str]:
    content = tree.read(path)
    try:
        config = yaml.safe_load(content) if content else None
    except yaml.YAMLError:
        yield f"all of them ({path} is not valid YAML)"
        return
    for repository in _list(config, "repos"):
        for hook in _list(repository, "hooks"):
            if isinstance(hook, dict) and isinstance(hook.get("id"), str):
                yield hook["id"]


def _list(table: object, key: str) -> list[object]:
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, list) else []


def _formatter(project: Project) -> str:
    """Name the project's formatter; "" if nothing says which it is."""
    if project.tool("black") is not None:
        return "black (here: ruff with its settings)"
    hooks = set(_hooks(project.tree, HOOKS))
    if "ruff-format" in hooks or project.tool("ruff", "format") is not None:
        return "ruff"
    return "black (here: ruff)" if hooks & {"black", "black-jupyter"} else ""


def _without_lines(messages: Sequence[str]) -> Counter[str]:
    return Counter(_LINE.sub("", message) for message in messages)
