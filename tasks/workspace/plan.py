"""The settings of a manifest as JSON, cached from the last run since reading YAML and building models takes longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..manifest.model import Manifest

Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The top level of a manifest, and the settings of each item by its id, defaults merged in."""

    top: Settings
    items: dict[str, Settings]

    @classmethod
    def of(cls, manifest: Manifest) -> Plan:
        from ..manifest.reader import with_defaults

        items = {
            item.id: with_defaults(item, manifest.defaults).model_dump(mode="json") for item in manifest.optimizations
        }
        return cls(manifest.model_dump(mode="json", exclude={"optimizations", "defaults"}), items)
