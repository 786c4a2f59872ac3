"""Ask a forge about an item where what is kept does not say it: once for all items of a repository, and once a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..errors import GitHubError
from ..processes.locks import file_lock
from ..storage.hashing import hash_of
from .search import PullRequestSearch, SearchQuery, SearchResult

if TYPE_CHECKING:
    from ..processes.progress import Report
    from .cache import ResponseCache
    from .client import Client, GitHubRepository


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """What is asked: about which item, where, and the question itself."""

    item: str
    place: GitHubRepository
    question: SearchQuery

    @property
    def where(self) -> str:
        return str(self.place)

    @property
    def hash(self) -> str:
        return _hash(self.question)


@dataclass(frozen=True, slots=True)
class Lookup:
    """What is known of an item: the answer and when it was asked for; `unknown` says why it is not a recent one."""

    answer: SearchResult | None
    asked: float | None
    unknown: str
    state: str


def look_up(
    subject: LookupRequest,
    *,
    client: Client,
    kept: ResponseCache,
    others: Callable[[], Mapping[str, SearchQuery]],
    report: Report,
) -> Lookup:
    """Return what the forge says, asking it where need be; `others` are the questions of items that it is asked about along with it.

    Nothing is raised: a forge that does not answer leaves the older answer, and the reason.
    """
    with file_lock(kept.store.with_suffix(".lock"), busy=None):
        if not kept.failure(subject.where) and not kept.is_recent(subject.where, subject.item, subject.hash):
            report(f"asking {subject.place.host} about {subject.place.slug}")
            _ask(subject, client=client, kept=kept, others=others())
        return _told(subject, kept)


def _ask(subject: LookupRequest, *, client: Client, kept: ResponseCache, others: Mapping[str, SearchQuery]) -> None:
    late = {
        item: question for item, question in others.items() if not kept.is_recent(subject.where, item, _hash(question))
    }
    asked = {**late, subject.item: subject.question}
    try:
        client.demand_login(subject.where)
        answers = PullRequestSearch(client, subject.place, asked).answers()
    except GitHubError as error:
        kept.store_failure(subject.where, error.what, error.hint)
    else:
        kept.store_results(
            subject.where, {item: (_hash(asked[item]), answer.dumped()) for item, answer in answers.items()}
        )


def _told(subject: LookupRequest, kept: ResponseCache) -> Lookup:
    failure, found = kept.failure(subject.where), kept.answer(subject.where, subject.item, subject.hash)
    unknown = f"{failure['what']}; {failure['now']}" if failure else ""
    state = kept.state(subject.where, subject.item) or ""
    if found is None:
        return Lookup(None, None, unknown, state)
    return Lookup(SearchResult.loaded(found[0]), found[1], unknown, state)


def _hash(question: SearchQuery) -> str:
    return hash_of(asdict(question))
