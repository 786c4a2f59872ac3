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
class Lookup:
    """The result for an item and the time of the request; `unknown` says why there is no fresh result."""

    result: SearchResult | None
    asked_at: float | None
    unknown: str
    state: str


def look_up(
    item: str,
    repository: GitHubRepository,
    query: SearchQuery,
    *,
    client: Client,
    cache: ResponseCache,
    others: Callable[[], Mapping[str, SearchQuery]],
    report: Report,
) -> Lookup:
    """Return the cached result, or search GitHub, for the stale items among `others` in the same requests.

    Never raises: if GitHub does not answer, the older result and the reason are returned.
    """
    from .search import SEARCH_RESULT

    name = str(repository)
    with file_lock(cache.store.with_suffix(".lock"), busy=None):
        if not cache.failure(name) and not cache.is_fresh(name, item, _hash(query)):
            report(f"searching {repository.host} for pull requests of {repository.slug}")
            stale = {other: each for other, each in others().items() if not cache.is_fresh(name, other, _hash(each))}
            _search({**stale, item: query}, repository, client, cache)
        failure, stored = cache.failure(name), cache.result(name, item, _hash(query))
        unknown = f"{failure['what']}; {failure.get('hint', '')}" if failure else ""
        result, asked_at = (SEARCH_RESULT.validate_python(stored[0]), stored[1]) if stored else (None, None)
        return Lookup(result, asked_at, unknown, cache.state(name, item) or "")


def _search(
    queries: Mapping[str, SearchQuery], repository: GitHubRepository, client: Client, cache: ResponseCache
) -> None:
    from .search import SEARCH_RESULT, PullRequestSearch

    name = str(repository)
    try:
        client.require_login(name)
        results = PullRequestSearch(client, repository, queries).results()
    except GitHubError as error:
        cache.store_failure(name, error.what, error.hint)
    else:
        dumped = {item: SEARCH_RESULT.dump_python(result, mode="json") for item, result in results.items()}
        cache.store_results(name, {item: (_hash(queries[item]), result) for item, result in dumped.items()})


def _hash(query: SearchQuery) -> str:
    return hash_of(asdict(query))


def format_time(seconds: float) -> str:
    """Format seconds since the epoch as a time in UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
