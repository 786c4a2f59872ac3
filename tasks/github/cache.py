"""Cached GitHub responses; they carry the time of the request, which no artifact may hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import GitHubError
from ..processes.locks import file_lock
from ..storage.cache import keep_json
from ..storage.files import read_json
from ..storage.hashing import hash_of
from .client import Client, GitHubRepository, login_stamp

if TYPE_CHECKING:
    from ..processes.progress import Report
    from .search import SearchQuery, SearchResult

DAY: Final = 86_400.0
"""Seconds for which a response is fresh."""
HOUR: Final = 3_600.0
"""Seconds until a failed request is repeated; a new gh or a new login ends the wait."""


@dataclass(slots=True)
class ResponseCache:
    """The responses in the file `store`; those from before `not_before` (seconds since the epoch) are stale."""

    store: Path
    not_before: float = 0.0
    now: Callable[[], float] = time.time
    _read: dict[str, Any] = field(default_factory=dict)
    _stamp: tuple[int, int] | None = None

    def state(self, repository: str, item: str) -> str | None:
        """Return a hash of the fresh response or failure, without its age; None if a request is due."""
        entry, failure = self._entry(repository, item), self.failure(repository)
        if failure:
            return hash_of([entry.get("answer"), failure["what"]])
        return hash_of([entry["answer"], ""]) if self._is_fresh(entry, DAY) else None

    def result(self, repository: str, item: str, query_hash: str) -> tuple[dict[str, Any], float] | None:
        """Return the response to this exact query, however old, and the time of the request."""
        entry = self._entry(repository, item)
        return (entry["answer"], entry["asked"]) if entry.get("question") == query_hash else None

    def is_fresh(self, repository: str, item: str, query_hash: str) -> bool:
        entry = self._entry(repository, item)
        return entry.get("question") == query_hash and self._is_fresh(entry, DAY)

    def asked_at(self, repository: str, item: str) -> float | None:
        """Return the time of the request, in seconds since the epoch."""
        return self._entry(repository, item).get("asked")

    def failure(self, repository: str) -> dict[str, Any] | None:
        """Return the last failure (`what`, `hint`) if it is too recent to try again."""
        failed = self._repository(repository).get("failed")
        if failed and self._is_fresh(failed, HOUR) and failed["login"] == login_stamp():
            return dict(failed)
        return None

    def store_results(self, repository: str, results: Mapping[str, tuple[str, dict[str, Any]]]) -> None:
        """Store (query hash, result) by item; this clears an earlier failure."""
        requested_at = self.now()
        items = {
            item: {"question": query_hash, "asked": requested_at, "answer": result}
            for item, (query_hash, result) in results.items()
        }
        self._write(repository, {"items": {**self._repository(repository).get("items", {}), **items}})

    def store_failure(self, repository: str, what: str, hint: str) -> None:
        """Store why a request failed; older responses stay."""
        failed = {"asked": self.now(), "what": what, "hint": hint, "login": login_stamp()}
        self._write(repository, {"items": self._repository(repository).get("items", {}), "failed": failed})

    def _is_fresh(self, entry: Mapping[str, Any], seconds: float) -> bool:
        requested_at = entry.get("asked", 0.0)
        return bool(entry) and requested_at >= self.not_before and 0 <= self.now() - requested_at < seconds

    def _entry(self, repository: str, item: str) -> dict[str, Any]:
        return dict(self._repository(repository).get("items", {}).get(item) or {})

    def _repository(self, repository: str) -> dict[str, Any]:
        return dict(self._content().get(repository) or {})

    def _content(self) -> dict[str, Any]:
        try:
            status = self.store.stat()
        except OSError:
            self._stamp, self._read = None, {}
            return self._read
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            self._stamp, self._read = stamp, read_json(self.store)
        return self._read

    def _write(self, repository: str, entry: dict[str, Any]) -> None:
        keep_json(self.store, {**self._content(), repository: entry})
        self._stamp = None


@dataclass(frozen=True, slots=True)
class LookupRequest:
    item: str
    repository: GitHubRepository
    query: SearchQuery


@dataclass(frozen=True, slots=True)
class Lookup:
    """The result for an item and the time of the request; `unknown` says why there is no fresh result."""

    result: SearchResult | None
    asked_at: float | None
    unknown: str
    state: str


def look_up(
    request: LookupRequest,
    *,
    client: Client,
    cache: ResponseCache,
    others: Callable[[], Mapping[str, SearchQuery]],
    report: Report,
) -> Lookup:
    """Return the cached result, or search GitHub, for the stale items among `others` in the same requests.

    Never raises: if GitHub does not answer, the older result and the reason are returned.
    """
    name = str(request.repository)
    with file_lock(cache.store.with_suffix(".lock"), busy=None):
        if not cache.failure(name) and not cache.is_fresh(name, request.item, _hash(request.query)):
            report(f"searching {request.repository.host} for pull requests of {request.repository.slug}")
            _search(request, client=client, cache=cache, others=others())
        return _from_cache(request, cache)


def _search(request: LookupRequest, *, client: Client, cache: ResponseCache, others: Mapping[str, SearchQuery]) -> None:
    from .search import PullRequestSearch

    name = str(request.repository)
    stale = {item: query for item, query in others.items() if not cache.is_fresh(name, item, _hash(query))}
    queries = {**stale, request.item: request.query}
    try:
        client.require_login(name)
        results = PullRequestSearch(client, request.repository, queries).results()
    except GitHubError as error:
        cache.store_failure(name, error.what, error.hint)
    else:
        cache.store_results(name, {item: (_hash(queries[item]), result.dumped()) for item, result in results.items()})


def _from_cache(request: LookupRequest, cache: ResponseCache) -> Lookup:
    from .search import SearchResult

    name = str(request.repository)
    failure, cached = cache.failure(name), cache.result(name, request.item, _hash(request.query))
    unknown = f"{failure['what']}; {failure.get('hint', '')}" if failure else ""
    state = cache.state(name, request.item) or ""
    if cached is None:
        return Lookup(None, None, unknown, state)
    return Lookup(SearchResult.loaded(cached[0]), cached[1], unknown, state)


def _hash(query: SearchQuery) -> str:
    return hash_of(asdict(query))


def format_time(seconds: float) -> str:
    """Format seconds since the epoch as a time in UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
