"""Search GitHub for pull requests about the same code, with few requests.

One query fetches the repository, its open pull requests with their files and, for up to ten items, the pull requests by
branch, commit, number, name and file history. Pull requests that share a file with an item are then checked for the
functions that they touch, by their hunks and the patched files.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from pydantic import TypeAdapter

from ..artifacts import PullRequest
from ..errors import GitHubError, SourceError
from ..text.target_names import shared_name
from .client import Client, GitHubRepository
from .touched_functions import touched_functions

_ITEMS_PER_QUERY: Final = 10
_PAGES: Final = 3
"""Pages of 100 open pull requests."""
_MAX_PATCHES: Final = 30
_BLOBS_PER_QUERY: Final = 40
_MAX_BY_NAME: Final = 3
_FRAGMENT: Final = (
    "fragment pull on PullRequest{number title url state isDraft headRefName headRefOid author{login}"
    " files(first:100){nodes{path}}}"
)
_LATEST: Final = "orderBy:{field:UPDATED_AT,direction:DESC}"
_RELEVANCE: Final = {"branch": 0, "function": 1, "file": 2, "words": 3}

Raw = dict[str, Any]


class SearchedFunction(NamedTuple):
    """A changed function: its import name, and its paths and qualified names at base and head."""

    target: str
    paths: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to search for one item; `since` is the commit date of the merge base, as ISO 8601."""

    branch: str = ""
    commit: str = ""
    number: int | None = None
    functions: tuple[SearchedFunction, ...] = ()
    files: tuple[str, ...] = ()
    since: str = ""

    @property
    def search_terms(self) -> tuple[str, ...]:
        """The function names that are specific enough for a text search."""
        names = (shared_name(name) for function in self.functions for name in function.names[:1])
        last = (name.rpartition(".")[2] for name in names)
        return tuple(dict.fromkeys(name for name in last if len(name) > 3 and not name.startswith("__")))[:2]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What GitHub knows about one item; `parent` is the owner/name that the repository is a fork of."""

    default_branch: str | None = None
    parent: str | None = None
    pull_requests: tuple[PullRequest, ...] = ()
    notes: tuple[str, ...] = ()


SEARCH_RESULT: Final = TypeAdapter(SearchResult)


@dataclass(slots=True)
class _Candidates:
    """The pull requests that may be about one item, by number."""

    pulls: dict[int, Raw] = field(default_factory=dict)
    own: set[int] = field(default_factory=set)
    """Those with the item's branch, commit or number."""
    same_commit: set[int] = field(default_factory=set)

    def add(self, pulls: Iterable[Raw | None]) -> set[int]:
        by_number = {pull["number"]: pull for pull in pulls if pull and "number" in pull}
        self.pulls = by_number | self.pulls
        return set(by_number)


class PullRequestSearch:
    def __init__(self, client: Client, repository: GitHubRepository, queries: Mapping[str, SearchQuery]) -> None:
        self._client, self._repository, self._queries = client, repository, dict(queries)
        self._about: Raw = {}
        self._open: list[Raw] = []
        self._candidates = {item: _Candidates() for item in queries}
        self._notes: list[str] = []
        self._patches: dict[int, dict[str, str]] = {}
        self._texts: dict[tuple[str, str], str] = {}

    def results(self) -> dict[str, SearchResult]:
        """Search; raise GitHubError if GitHub does not answer at all."""
        items = list(self._queries)
        for start in range(0, len(items), _ITEMS_PER_QUERY):
            self._query_items(items[start : start + _ITEMS_PER_QUERY], first=start == 0)
        self._fetch_more_pages()
        for item, query in self._queries.items():
            self._candidates[item].add(pull for pull in self._open if _shares_file(pull, query))
        self._fetch_patches()
        return {item: self._result(item) for item in items}

    # -- the query --------------------------------------------------------------------------------

    def _query_items(self, items: Sequence[str], *, first: bool) -> None:
        queries = {number: self._queries[item] for number, item in enumerate(items)}
        histories, lookups, searches = (
            " ".join(part for number, query in queries.items() for part in parts_of(number, query))
            for parts_of in (_by_file, _by_name, self._by_text)
        )
        tip = f"target{{... on Commit{{oid {histories}}}}}" if histories else ""
        about = f"nameWithOwner parent{{nameWithOwner}} defaultBranchRef{{name {tip}}}"
        fields = f"{about} {self._open_pulls() if first else ''} {lookups}"
        data = self._data(f"{{{self._in_repository(fields)} {searches}}} {_FRAGMENT}", queries)
        if first:
            self._about = data["repository"]
            self._open += self._about["open"]["nodes"]
        for number, item in enumerate(items):
            _collect(number, self._candidates[item], data)

    def _in_repository(self, fields: str) -> str:
        owner, _, name = self._repository.slug.partition("/")
        return f"repository(owner:{_quoted(owner)},name:{_quoted(name)}){{{fields}}}"

    def _open_pulls(self, after: str = "") -> str:
        page = f"states:[OPEN],first:100,{f'after:{_quoted(after)},' if after else ''}{_LATEST}"
        return f"open:pullRequests({page}){{pageInfo{{hasNextPage endCursor}} nodes{{...pull}}}}"

    def _by_text(self, number: int, query: SearchQuery) -> Iterator[str]:
        for index, term in enumerate(query.search_terms):
            text = _quoted(f'repo:{self._repository.slug} is:pr "{term}"')
            nodes = "nodes{... on PullRequest{...pull bodyText}}"
            yield f"s{number}_{index}:search(type:ISSUE,first:10,query:{text}){{{nodes}}}"

    def _data(self, query: str, queries: Mapping[int, SearchQuery]) -> Raw:
        data, errors = self._client.graphql(query, str(self._repository))
        if not data.get("repository"):
            raise self._client.failure({"errors": errors}, str(self._repository))
        expected = {f"n{number}" for number in queries}  # a number that does not exist is an error of its own
        for error in errors:
            if not expected & set(map(str, error.get("path") or ())):
                self._notes.append(f"The response of {self._client.host} is partial: {error.get('message', '')}")
        return data

    def _fetch_more_pages(self) -> None:
        page, pages = self._about["open"]["pageInfo"], 1
        while page["hasNextPage"] and pages < _PAGES:
            query = f"{{{self._in_repository(self._open_pulls(page['endCursor']))}}} {_FRAGMENT}"
            more = self._data(query, {})["repository"]["open"]
            self._open += more["nodes"]
            page, pages = more["pageInfo"], pages + 1
        if page["hasNextPage"]:
            self._notes.append(
                f"Only the latest {len(self._open)} open pull requests were searched for the same files."
            )

    # -- functions --------------------------------------------------------------------------------

    def _fetch_patches(self) -> None:
        """Fetch the hunks of the pull requests that share a file with an item, and the patched files."""
        sharing = {
            number: pull
            for item, query in self._queries.items()
            for number, pull in self._candidates[item].pulls.items()
            if query.functions and _shares_file(pull, query)
        }
        chosen = sorted(sharing.values(), key=lambda pull: (pull["state"] != "OPEN", -pull["number"]))
        if len(chosen) > _MAX_PATCHES:
            self._notes.append(
                f"Only {_MAX_PATCHES} of {len(chosen)} pull requests were checked for the functions that they touch."
            )
        try:
            for pull in chosen[:_MAX_PATCHES]:
                path = f"repos/{self._repository.slug}/pulls/{pull['number']}/files?per_page=100"
                files = self._client.rest(path, str(self._repository))
                self._patches[pull["number"]] = {file["filename"]: file.get("patch", "") for file in files}
            self._fetch_texts(chosen[:_MAX_PATCHES])
        except GitHubError as error:
            self._notes.append(
                f"Not all pull requests could be checked for the functions that they touch: {error.what}."
            )

    def _fetch_texts(self, pulls: Sequence[Raw]) -> None:
        paths = {path for query in self._queries.values() for function in query.functions for path in function.paths}
        wanted = [
            (pull["headRefOid"], path)
            for pull in pulls
            for path, patch in self._patches[pull["number"]].items()
            if patch and path in paths
        ]
        for start in range(0, len(wanted), _BLOBS_PER_QUERY):
            chunk = wanted[start : start + _BLOBS_PER_QUERY]
            objects = " ".join(
                f"f{number}:object(expression:{_quoted(f'{commit}:{path}')}){{... on Blob{{text isTruncated}}}}"
                for number, (commit, path) in enumerate(chunk)
            )
            blobs = self._data(f"{{{self._in_repository(f'nameWithOwner {objects}')}}}", {})["repository"]
            for number, key in enumerate(chunk):
                blob = blobs.get(f"f{number}") or {}
                if blob.get("text") is not None and not blob.get("isTruncated"):
                    self._texts[key] = blob["text"]

    def _touched(self, pull: Raw, query: SearchQuery) -> tuple[str, ...]:
        """Return the item's functions that a pull request touches, if its hunks are known."""
        touched = (
            function.target
            for function in query.functions
            if any(self._touches(pull, path, function.names) for path in function.paths)
        )
        return tuple(dict.fromkeys(touched))

    def _touches(self, pull: Raw, path: str, names: tuple[str, ...]) -> bool:
        text = self._texts.get((pull["headRefOid"], path))
        patch = self._patches.get(pull["number"], {}).get(path)
        if text is None or patch is None:
            return False
        try:
            return bool(touched_functions(patch, text.encode("utf-8", "replace"), path, names))
        except SourceError:
            return False

    # -- the result -------------------------------------------------------------------------------

    def _result(self, item: str) -> SearchResult:
        candidates, query = self._candidates[item], self._queries[item]
        related = [each for pull in candidates.pulls.values() if (each := self._related(pull, query, candidates))]
        by_name = [pull for pull in related if pull.touches == "words"][:_MAX_BY_NAME]
        pulls = [pull for pull in related if pull.touches != "words" or pull in by_name]
        notes = list(self._notes)
        if query.number and query.number not in candidates.pulls:
            notes.append(f"#{query.number}, named in the manifest, is not a pull request of {self._repository}.")
        return SearchResult(
            default_branch=(self._about.get("defaultBranchRef") or {}).get("name"),
            parent=(self._about.get("parent") or {}).get("nameWithOwner"),
            pull_requests=tuple(sorted(pulls, key=lambda pull: (_RELEVANCE[pull.touches], -pull.number))),
            notes=tuple(dict.fromkeys(notes)),
        )

    def _related(self, pull: Raw, query: SearchQuery, candidates: _Candidates) -> PullRequest | None:
        """Return the pull request with what it shares with an item, None if nothing."""
        functions, shares_file = self._touched(pull, query), _shares_file(pull, query)
        touches: Literal["branch", "function", "file", "words"]
        # Somebody else's branch may have the same name: without a common file it is unrelated.
        if pull["number"] in candidates.own and (shares_file or query.number == pull["number"]):
            touches = "branch"
        elif functions:
            touches = "function"
        elif shares_file:
            touches = "file"
        elif _mentions(pull, query.search_terms):
            touches = "words"
        else:
            return None
        same_commit = pull["headRefOid"] == query.commit or pull["number"] in candidates.same_commit
        return PullRequest(
            number=pull["number"],
            title=pull["title"],
            state="draft" if pull["state"] == "OPEN" and pull["isDraft"] else pull["state"].lower(),
            url=pull["url"],
            branch=pull["headRefName"],
            author=(pull.get("author") or {}).get("login", ""),
            touches=touches,
            functions=functions,
            same_commit=bool(query.commit) and same_commit,
        )


def _by_name(number: int, query: SearchQuery) -> Iterator[str]:
    if query.branch:
        yield f"b{number}:pullRequests(headRefName:{_quoted(query.branch)},first:5,{_LATEST}){{nodes{{...pull}}}}"
    if query.number:
        yield f"n{number}:pullRequest(number:{query.number}){{...pull}}"
    if query.commit:
        pulls = "... on Commit{associatedPullRequests(first:5){nodes{...pull}}}"
        yield f"c{number}:object(oid:{_quoted(query.commit)}){{{pulls}}}"


def _by_file(number: int, query: SearchQuery) -> Iterator[str]:
    """Yield queries for what was merged into the default branch since the merge base."""
    paths = dict.fromkeys(path for function in query.functions for path in function.paths)
    for index, path in enumerate(list(paths)[:3]):
        nodes = "nodes{associatedPullRequests(first:1){nodes{...pull}}}"
        yield f"h{number}_{index}:history(path:{_quoted(path)},since:{_quoted(query.since)},first:10){{{nodes}}}"


def _collect(number: int, candidates: _Candidates, data: Raw) -> None:
    repository = data["repository"]
    candidates.same_commit = candidates.add(_associated(repository.get(f"c{number}") or {}))
    candidates.own = candidates.same_commit | candidates.add((repository.get(f"b{number}") or {}).get("nodes") or ())
    candidates.own |= candidates.add([repository.get(f"n{number}")])
    tip = (repository.get("defaultBranchRef") or {}).get("target") or {}
    for name, history in tip.items():
        if name.startswith(f"h{number}_"):
            for commit in history["nodes"]:
                candidates.add(_associated(commit))
    for name, search in data.items():
        if name.startswith(f"s{number}_"):
            candidates.add(search.get("nodes") or ())


def _associated(commit: Raw) -> list[Raw]:
    return (commit.get("associatedPullRequests") or {}).get("nodes") or []


def _shares_file(pull: Raw, query: SearchQuery) -> bool:
    return any(file["path"] in query.files for file in (pull.get("files") or {}).get("nodes") or ())


def _mentions(pull: Raw, terms: Sequence[str]) -> bool:
    text = f"{pull['title']}\n{pull.get('bodyText', '')}"
    return any(re.search(rf"\b{re.escape(term)}\b", text) for term in terms)


def _quoted(text: str) -> str:
    # GraphQL strings have the escapes of JSON.
    return json.dumps(text)
