"""Run the real `codeflash compare` on what inject made, and find what it keeps quiet about.

Everything of it happens in a repository made for this run, with a home of its own: no account, no network, and nothing of it in
the user's repository, configuration or environment.
"""

from __future__ import annotations

from .environment import Layered, layered
from .running import Asked, Place, Ran, compare

__all__ = ["Asked", "Layered", "Place", "Ran", "compare", "layered"]
