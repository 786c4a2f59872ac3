"""Refuse symbolic links on the way to what prprep writes and removes: they would lead it elsewhere."""

import os
from pathlib import Path

from ..errors import LinkError


def refuse_links_to(path: Path, root: Path) -> None:
    """Raise LinkError if `path`, or a folder above it and below `root`, is a symbolic link."""
    for part in reversed((path, *path.parents)):
        if part.is_relative_to(root) and part != root and part.is_symlink():
            raise _refused(part, root)


def refuse_links_in(folder: Path, root: Path) -> None:
    """Raise LinkError if anything in the folder, which need not exist, is a symbolic link."""
    refuse_links_to(folder, root)
    if os.path.isdir(folder):  # noqa: PTH112 - asked for every stage
        with os.scandir(folder) as entries:
            if linked := sorted(entry.path for entry in entries if entry.is_symlink()):
                raise _refused(Path(linked[0]), root)


def _refused(link: Path, root: Path) -> LinkError:
    name = link.relative_to(root).as_posix()
    what = f"{name} is a symbolic link to {os.readlink(link)}, and prprep writes and removes nothing through links"  # noqa: PTH115
    return LinkError(what, where=str(link), hint="replace it by what it leads to, or remove it")
