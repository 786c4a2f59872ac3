"""prprep's own commands, one module each, beside doit's."""

from __future__ import annotations

from .add import Add
from .branch import Branch
from .cache import Cache
from .doctor import Doctor
from .explain import Explain
from .init import Init
from .inventory import Inventory
from .lint import Lint
from .open import Open
from .schema import Schema
from .status import Status

OWN = Init, Add, Inventory, Schema, Status, Explain, Doctor, Lint, Cache, Branch, Open
