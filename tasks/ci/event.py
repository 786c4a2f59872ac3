"""Read the event that started a workflow of GitHub; what a pull request's author wrote in it is not trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from ..errors import UsageError
from ..github.client import GITHUB
from ..manifest.forms import Slug

Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class EventRepository(_Part):
    full_name: Slug


class EventSide(_Part):
    sha: Sha
    repo: EventRepository | None
    """None if the fork was deleted."""


class EventPullRequest(_Part):
    number: PositiveInt
    title: str
    body: str | None = None
    base: EventSide
    head: EventSide


class WorkflowRun(_Part):
    """The run of the workflow that measured, in the event of the one that posts."""

    event: str
    head_sha: Sha
    head_repository: EventRepository


class _Payload(_Part):
    pull_request: EventPullRequest | None = None
    workflow_run: WorkflowRun | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What a workflow was started by; `host` and `slug` are its repository's."""

    host: str
    slug: str
    pull_request: EventPullRequest | None
    workflow_run: WorkflowRun | None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Event | None":
        """Read the event; None outside of a workflow of GitHub. Raise UsageError if it is not as GitHub writes it."""
        path, slug = environ.get("GITHUB_EVENT_PATH"), environ.get("GITHUB_REPOSITORY")
        if not path or not slug:
            return None
        try:
            payload = _Payload.model_validate_json(Path(path).read_bytes())
            EventRepository(full_name=slug)
        except (OSError, ValidationError) as error:
            reason = error.strerror if isinstance(error, OSError) else first_mistake(error)
            what = f"the event of this workflow cannot be read: {reason}"
            raise UsageError(what, where=path, hint="name the refs: prprep ci --base REF --head REF") from None
        _refuse_target(environ.get("GITHUB_EVENT_NAME", ""), payload, slug)
        host = urlsplit(environ.get("GITHUB_SERVER_URL", "")).netloc or GITHUB
        return cls(host, slug, payload.pull_request, payload.workflow_run)


def first_mistake(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"


def _refuse_target(name: str, payload: _Payload, slug: str) -> None:
    """Raise UsageError for code of a fork in an event whose workflow has the repository's secrets."""
    head = payload.pull_request.head.repo if payload.pull_request else None
    if name == "pull_request_target" and (head is None or head.full_name != slug):
        what = "`on: pull_request_target` would run the code of a fork with the secrets of this repository"
        raise UsageError(what, hint="use `on: pull_request`, and the second workflow of docs/ci.md for the comment")
