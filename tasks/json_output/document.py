"""Write the document: what a command has to say, or why it failed."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .. import __version__
from ..errors import ManifestError, PrprepError
from ..graph.loader import Graph, ManifestLoader
from ..processes import secrets
from ..storage.paths import relative_path
from ..text.markdown import plain
from .items import items_of
from .models import Document, Error, Item, ManifestProblem, TaskEnding

Answer = dict[str, Any]
"""The fields of a document as a command finds them out; what is there when it fails is written, too."""


def document_text(command: str, answer: Mapping[str, Any], *, code: int, error: Exception | None) -> str:
    """Return the text of a document, in ASCII and without secrets."""
    whole = Document(
        prprep=__version__,
        command=command,
        exit_code=code,
        error=None if error is None else _error(error),
        **answer,
    )
    content = secrets.current().masked_in(whole.model_dump(mode="json"))
    # An output whose encoding lacks a character spells it with others, quotes among them.
    return json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def name_manifest(answer: Answer, graph: Graph) -> None:
    """Say which manifest a document is about, also if that is wrong, and where its report is."""
    answer["manifest"] = str(graph.manifest)
    paths = graph.workspace.paths
    answer["report"] = relative_path(paths.report, paths.folder) if paths.report.exists() else None


def as_it_is(item: Item) -> Item:
    return item


def describe_run(
    loader: ManifestLoader,
    params: Any,
    answer: Answer,
    *,
    describe: Callable[[Item], Item] = as_it_is,
    draws: bool = True,
) -> None:
    """Have a run put its items and tasks into `answer` when it ends, instead of showing a table.

    Without `draws`, it writes no report.html.
    """

    def ending(graph: Graph) -> str:
        graph.summary(draws=draws)
        endings = graph.endings.items()
        name_manifest(answer, graph)
        answer.update(
            items=tuple(map(describe, items_of(graph.staleness, graph.selected_items()))),
            tasks=tuple(TaskEnding(name=name, ending=kind, message=message) for name, (kind, message) in endings),
        )
        return ""

    loader.ending = ending
    if not isinstance(params["outfile"], str):
        params["outfile"] = sys.stderr  # doit remembers the first sys.stdout


def _error(error: Exception) -> Error:
    match error:
        case ManifestError():
            problems = tuple(map(ManifestProblem.model_validate, error.problems))
            what = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
            return Error(what=what, where=error.file, hint="correct the manifest; nothing was run", problems=problems)
        case PrprepError():
            return Error(what=plain(error.what), where=plain(error.where), hint=plain(error.hint))
        case _:
            what, _, hint = plain(str(error)).partition("\n")
            return Error(what=what, hint=hint.strip())
