"""Write a result to where CI shows and keeps it: the job's summary, its outputs, and a folder to upload."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..errors import PrprepError
from ..processes import secrets
from ..processes.real_paths import expanded
from ..storage.files import write_whole
from ..storage.links import refuse_links_in
from ..storage.paths import ItemPaths
from ..text.markdown import one_line
from .result import FILE, Result
from .summary import summary_of

SUMMARY: Final = "summary.md"


def output_folder(named: str, current: Path) -> Path:
    """Return the folder's absolute path; raise LinkError if a link, which a pull request may contain, leads there."""
    folder = (current / expanded(named)).absolute()
    refuse_links_in(folder, current if folder.is_relative_to(current) else folder.parent)
    return folder


def write_folder(folder: Path, result: Result, compared: Mapping[str, ItemPaths]) -> None:
    """Write summary, result, and the samples and comparison of each item."""
    write_whole(folder / SUMMARY, secrets.masked(summary_of(result)))
    content = secrets.current().masked_in(result.model_dump(mode="json"))
    write_whole(folder / FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    for item_id, paths in compared.items():
        for artifact in (paths.samples, paths.compare):
            with suppress(FileNotFoundError):
                write_whole(folder / item_id / artifact.name, artifact.read_bytes())


def write_for_github(result: Result, folder: Path | None, environ: Mapping[str, str]) -> None:
    """Append to the files that GitHub reads after a step; elsewhere there are none."""
    _append(environ.get("GITHUB_STEP_SUMMARY"), secrets.masked(summary_of(result)))
    outputs = {
        "verdict": str(result.outcome),
        "headline": secrets.masked(one_line(result.headline)),
        "folder": str(folder or ""),
    }
    _append(environ.get("GITHUB_OUTPUT"), "".join(f"{name}={value}\n" for name, value in outputs.items()))


def warn(error: PrprepError, environ: Mapping[str, str]) -> None:
    """Print a warning, which GitHub shows on the run's page."""
    text = secrets.masked(f"the comment was not written: {error}")
    if environ.get("GITHUB_ACTIONS") == "true":
        text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::warning title=prprep::{text}", flush=True)  # noqa: T201
    else:
        print(f"warning: {text}", flush=True)  # noqa: T201


def _append(path: str | None, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(text)
