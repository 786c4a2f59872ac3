"""All that prprep knows of git.

The user's repository is only read, by commands that write nothing; everything else happens in a private clone.
"""

from .addresses import slug_of
from .clone import Clone
from .source import default_upstream, ref_names, repository_root, resolve, slug
from .values import FileChange, Refs, displayed

__all__ = [
    "Clone",
    "FileChange",
    "Refs",
    "default_upstream",
    "displayed",
    "ref_names",
    "repository_root",
    "resolve",
    "slug",
    "slug_of",
]
