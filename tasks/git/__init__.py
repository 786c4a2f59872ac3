"""Everything that prprep does with git.

The user's repository is only read; everything else happens in a private clone.
"""

from .addresses import is_address, slug_of
from .clone import Clone
from .commands import is_sha
from .models import FileChange, Refs, printable
from .objects import SHALLOW
from .repository import (
    branch_names,
    current_branch,
    default_upstream,
    find,
    is_shallow,
    project_remote,
    ref_names,
    repository_root,
    resolve,
    slug,
)

__all__ = [
    "SHALLOW",
    "Clone",
    "FileChange",
    "Refs",
    "branch_names",
    "current_branch",
    "default_upstream",
    "find",
    "is_address",
    "is_sha",
    "is_shallow",
    "printable",
    "project_remote",
    "ref_names",
    "repository_root",
    "resolve",
    "slug",
    "slug_of",
]
