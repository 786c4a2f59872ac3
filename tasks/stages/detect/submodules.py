"""Find out which submodules changed: their code belongs to other repositories, and is not in the measured trees."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from ...errors import SourceError
from ...git import Clone, printable
from ...git.addresses import without_password
from ...project.code.span import Span
from ...project.files import CommitTree
from ...project.submodules import submodules

MovedSubmodules: TypeAlias = dict[str, tuple[str, str]]
"""The commits at base and at head ("" if there is none) of each submodule that changed, by path."""


def moved_submodules(clone: Clone, span: Span) -> MovedSubmodules:
    base, head = clone.submodules(span.base), clone.submodules(span.head)
    paths = sorted(base.keys() | head.keys())
    return {path: (base.get(path, ""), head.get(path, "")) for path in paths if base.get(path) != head.get(path)}


def submodule_notes(moved: MovedSubmodules, head: CommitTree) -> Iterator[str]:
    addresses = {module.path: module.address for module in submodules(head)}
    for path, (before, after) in moved.items():
        address = f" ({without_password(addresses[path])})" if addresses.get(path) else ""
        how = "is new" if after else "is removed"
        refs = "its own `base` and `head`"
        if before and after:
            how = f"is at {after[:12]} instead of {before[:12]}"
            refs = f"`base: {before[:12]}`, `head: {after[:12]}`"
        yield (
            f"The submodule {printable(path)}{address} {how}: its code belongs to another repository and is not in the "
            f"measured trees. Prepare the change there: an item with `repo:` a clone of the submodule, and {refs}."
        )


def check_submodules(moved: MovedSubmodules, files: Sequence[str]) -> None:
    """Raise SourceError if only submodules changed, so that the measured trees would be the same."""
    if not moved or set(files) - {".gitmodules"}:
        return
    before, after = next(iter(moved.values()))
    raise SourceError(
        f"only a submodule changed ({', '.join(map(printable, moved))}), whose code belongs to another repository and "
        "is not in the measured trees",
        hint="prepare the change there: an item with `repo:` a clone of the submodule, "
        f"`base: {before[:12] or 'COMMIT'}` and `head: {after[:12] or 'COMMIT'}`",
    )
