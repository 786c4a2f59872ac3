"""Who the user is, as git would sign their commits."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..processes import programs
from .commands import environment

_PARTS = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL")


@dataclass(frozen=True, slots=True)
class Identity:
    """A name and an address."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


def identity(folder: Path) -> Identity | None:
    """Return the user's name and address as git has them for a repository; None where git would have to guess."""
    named = {name: os.environ[name] for name in _PARTS if name in os.environ}
    # Their own configuration is what is asked for; nothing is fetched.
    command = ["git", "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT"]
    finished = programs.run(command, cwd=folder, env=environment(network=True) | named, timeout=60, check=False)
    found = re.match(r"(.+) <([^<>]+)> \d+ [+-]\d+$", finished.output.strip())
    return Identity(found[1], found[2]) if finished.code == 0 and found else None
