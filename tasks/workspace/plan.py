"""The manifest as a run needs it: kept from the last run while the file stays the same.

Reading a manifest means YAML and models, which take longer than everything else in a run with nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..storage.cache import keep_json
from ..storage.files import read_json

if TYPE_CHECKING:
    from ..manifest.model import Manifest

Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The top level of a manifest, and the settings of each item by its id, defaults merged in, as JSON has them."""

    top: Settings
    items: dict[str, Settings]

    @classmethod
    def of(cls, manifest: Manifest) -> Plan:
        from ..manifest.reader import with_defaults

        items = {
            item.id: with_defaults(item, manifest.defaults).model_dump(mode="json") for item in manifest.optimizations
        }
        return cls(manifest.model_dump(mode="json", exclude={"optimizations", "defaults"}), items)

    @classmethod
    def kept(cls, store: Path, manifest_digest: str | None) -> Plan | None:
        """Return the plan that was kept of a manifest with this digest by this version; None where there is none."""
        kept = read_json(store)
        if (kept.get("version"), kept.get("manifest")) != (__version__, manifest_digest):
            return None
        return cls(kept["top"], kept["items"])

    def keep(self, store: Path, manifest_digest: str | None) -> None:
        """Keep the plan for the next run."""
        keep_json(store, {"version": __version__, "manifest": manifest_digest, "top": self.top, "items": self.items})
