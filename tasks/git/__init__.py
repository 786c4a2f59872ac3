"""Everything that prprep does with git.

The user's repository is only read; everything else happens in a private clone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .addresses import is_address, slug_of
from .models import FileChange, Refs, printable
from .repository import branch_names, current_branch, default_upstream, find, ref_names, repository_root, resolve, slug

if TYPE_CHECKING:
    from .clone import Clone

__all__ = [
    "Clone",
    "FileChange",
    "Refs",
    "branch_names",
    "current_branch",
    "default_upstream",
    "find",
    "is_address",
    "printable",
    "ref_names",
    "repository_root",
    "resolve",
    "slug",
    "slug_of",
]


def __getattr__(name: str) -> object:
    # The clone imports GitPython, which a run with nothing to do does not need.
    if name == "Clone":
        from .clone import Clone

        return Clone
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
