"""Keep one comment of prprep's on a pull request up to date."""

from pathlib import Path
from typing import Any, Final

from ..errors import PrprepError
from ..github.client import Client
from ..processes import secrets
from ..pull_request.publishing import Gh
from .event import Event, WorkflowRun
from .result import Result
from .summary import summary_of

MARKER: Final = "<!-- prprep ci -->"
"""The invisible first line by which the comment is found again."""


def post(result: Result, event: Event) -> str:
    """Create or update the comment, if the result is about the event's pull request, and return its address.

    That nothing was measured is only said in place of an older result; return "" if there is none.
    """
    number, is_foreign = _checked(result, event)
    gh = Gh(event.host, event.slug, Path("/"))
    older = gh.own_comment(number, MARKER, Client(event.host).login())
    if older is None and not result.benchmarks:
        return ""
    text = f"{MARKER}\n{summary_of(result, is_foreign=is_foreign)}"
    return gh.comment(number, secrets.masked(text), replaces=older)


def _checked(result: Result, event: Event) -> tuple[int, bool]:
    """Return the pull request's number, and whether the result was written with code of a fork.

    Raise PrprepError if the result is about another repository, pull request or commit than the event says.
    """
    if result.repository != event.slug or result.number is None:
        raise PrprepError(f"this result is not about a pull request of {event.slug}")
    if pull := event.pull_request:
        if (result.number, result.head) != (pull.number, pull.head.sha):
            raise PrprepError(f"this result is not about commit {pull.head.sha[:12]} of #{pull.number}")
        return pull.number, pull.head.repo is None or pull.head.repo.full_name != event.slug
    if event.workflow_run is None:
        hint = "post from a workflow that `pull_request` or `workflow_run` starts"
        raise PrprepError("the event of this workflow names no pull request", hint=hint)
    return result.number, _checked_run(result, event, event.workflow_run)


def _checked_run(result: Result, event: Event, run: WorkflowRun) -> bool:
    """Ask GitHub whether the pull request is the one of the run that measured: its event has no numbers of forks."""
    if run.event != "pull_request":
        raise PrprepError(f"the workflow that measured was started by {run.event}, not by a pull request")
    pull = Client(event.host).rest(f"repos/{event.slug}/pulls/{result.number}", event.slug)
    head: dict[str, Any] = (pull.get("head") if isinstance(pull, dict) else None) or {}
    source = (head.get("repo") or {}).get("full_name")
    if not (result.head == run.head_sha == head.get("sha") and source == run.head_repository.full_name):
        what = f"#{result.number} is not at the commit that was measured, {run.head_sha[:12]}"
        raise PrprepError(what, where=event.slug, hint="a later run has the result of newer commits")
    return bool(source != event.slug)
