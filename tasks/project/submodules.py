"""Read which folders of a repository are submodules: git leaves them empty in every tree that prprep measures."""

import configparser
import os
from typing import NamedTuple

from .files import TreeReader


class Submodule(NamedTuple):
    path: str
    address: str


def submodules(tree: TreeReader) -> tuple[Submodule, ...]:
    """Return the submodules in `.gitmodules`; none if it is malformed."""
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, allow_no_value=True, inline_comment_prefixes=("#", ";")
    )
    try:
        # git indents keys, which configparser would read as continued lines.
        lines = os.fsdecode(tree.read(".gitmodules") or b"").splitlines()
        parser.read_string("\n".join(line.strip() for line in lines))
    except configparser.Error:
        return ()
    sections = (parser[name] for name in parser.sections() if name.startswith("submodule "))
    return tuple(
        Submodule(each["path"].strip('"').rstrip("/"), each.get("url") or "") for each in sections if each.get("path")
    )
