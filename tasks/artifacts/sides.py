"""The two sides of every comparison."""

from __future__ import annotations

from typing import Literal

Side = Literal["base", "head"]
SIDES: tuple[Side, Side] = ("base", "head")
