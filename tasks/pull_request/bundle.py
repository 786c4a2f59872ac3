"""Pack the raw evidence into one archive next to the body: the same bytes for the same evidence."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..artifacts import CodeflashRun, Comparison, ProjectTests, Samples, Verification
from ..body import views
from ..charts import drawing, of_item
from ..processes import secrets
from ..storage.archives import packed
from ..storage.artifact import read_if_valid
from ..storage.files import fingerprint_of
from ..storage.hashing import sha256
from ..storage.paths import ItemPaths
from ..workspace.output_files import write_output

ARTIFACTS = ("samples.json", "compare.json", "base.benchmark.json", "head.benchmark.json")
WITH_OUTPUT: Sequence[type[ProjectTests | Verification | CodeflashRun]] = (ProjectTests, Verification, CodeflashRun)
"""Artifacts that quote what the project's code printed: the archive leaves that out, since nobody has read it."""


def path_for(body: Path) -> Path:
    return body.with_name(f"evidence-{body.stem.removeprefix('pr-body-')}.zip")


def files_of(
    paths: ItemPaths, *, benchmark: Mapping[str, bytes], manifest: str, branch: Path | None = None
) -> dict[str, bytes]:
    """Return the artifacts, the benchmark with what it needs, and a manifest that repeats the comparison.

    Charts are in it as pictures. What the project's code printed is left out, and secrets are masked. `branch` is the
    folder of the branch's own artifacts.
    """
    files = {f"benchmark/{path}": content for path, content in benchmark.items()}
    files["prprep.yaml"] = manifest.encode()
    folders = {"": paths.state} | ({"branch/": branch} if branch else {})
    for prefix, folder in folders.items():
        files |= {prefix + name: (folder / name).read_bytes() for name in ARTIFACTS if (folder / name).is_file()}
        for kind in WITH_OUTPUT:
            file = folder / f"{kind.STAGE}.json"
            if file.is_file():
                shown = kind.read(file).without_output()
                files[prefix + file.name] = shown.serialized(fingerprint_of(file) or "").encode()
        files |= {f"{prefix}charts/{name}": svg.encode() for name, svg in _charts(folder).items()}
    return {name: _masked(content) for name, content in files.items()}


def _charts(folder: Path) -> dict[str, str]:
    """Return pictures for the body, if what draws them is installed; no text needs them."""
    comparison = read_if_valid(Comparison, folder / "compare.json")
    samples = read_if_valid(Samples, folder / "samples.json")
    leading = views.leading(comparison) if comparison else None
    if not (comparison and samples and leading and drawing.is_available()):
        return {}
    return of_item.pictures_of(leading, comparison, samples)


def _masked(content: bytes) -> bytes:
    """Mask secrets in a text; a benchmark's data may be anything else."""
    text = content.decode(errors="surrogateescape")
    return secrets.masked(text).encode(errors="surrogateescape")


def write(archive: Path, files: Mapping[str, bytes], *, root: Path, last: str | None) -> str:
    """Write the archive as `write_output` does, and return its SHA-256."""
    content = packed(files)
    write_output(archive, content, root=root, last=last)
    return sha256(content)
