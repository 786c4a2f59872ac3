"""Put the raw evidence into one file beside the body: the same bytes for the same evidence."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..storage.paths import ItemPaths

ARTIFACTS = (
    "samples.json",
    "compare.json",
    "tests.json",
    "verify.json",
    "codeflash.json",
    "base.benchmark.json",
    "head.benchmark.json",
)
_EPOCH = (1980, 1, 1, 0, 0, 0)


def place_for(body: Path) -> Path:
    """Name the bundle after the body that it belongs to."""
    return body.with_name(f"evidence-{body.stem.removeprefix('pr-body-')}.zip")


def gathered(
    paths: ItemPaths, *, benchmark: Mapping[str, bytes], manifest: str, branch: Path | None = None
) -> dict[str, bytes]:
    """Collect the files: artifacts as they are, the benchmark and what it needs, a manifest to repeat the comparison with.

    `branch` is the folder of the branch's own artifacts.
    """
    files = {f"benchmark/{path}": content for path, content in benchmark.items()}
    files["prprep.yaml"] = manifest.encode()
    for prefix, folder in (("", paths.state), *((("branch/", branch),) if branch else ())):
        for name in ARTIFACTS:
            if (place := folder / name).is_file():
                files[prefix + name] = place.read_bytes()
    return files


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive whose bytes depend on the files alone."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return target.getvalue()


def write(target: Path, files: Mapping[str, bytes]) -> str:
    """Write the bundle in one step and give its SHA-256."""
    content = packed(files)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(content)
    part.replace(target)
    return hashlib.sha256(content).hexdigest()
