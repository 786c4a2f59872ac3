"""What a forge is asked about optimizations, as few requests as can be, and what its answers say of each.

One query asks for the repository, its open pull requests with their files, and for up to ten items for pull requests by
branch, by commit, by number, by words and by file; more items and more open pull requests take a query each. The hunks of
those that share a file with an optimization, and the files as they are after them, tell whether they touch its functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from ..artifacts import PullRequest
from ..errors import GitHubError, SourceError
from .touched_functions import touched_functions

if TYPE_CHECKING:
    from .client import Client, GitHubRepository

_ITEMS: Final = 10
"""Items in one query."""
_PAGES: Final = 3
"""Pages of a hundred open pull requests."""
_MOST_PATCHES: Final = 30
_BLOBS: Final = 40
_MOST_BY_WORDS: Final = 3
_PULL: Final = "fragment pull on PullRequest{number title url state isDraft headRefName headRefOid author{login} files(first:100){nodes{path}}}"
_LATEST: Final = "orderBy:{field:UPDATED_AT,direction:DESC}"
_CLOSER: Final = {"branch": 0, "function": 1, "file": 2, "words": 3}

Raw = dict[str, Any]


class SearchedFunction(NamedTuple):
    """A function of an optimization: `target` is how Python names it, the others where it is in the files of either side."""

    target: str
    paths: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is asked about one optimization; `since` is when the merge base was committed, as ISO 8601."""

    branch: str = ""
    commit: str = ""
    number: int | None = None
    functions: tuple[SearchedFunction, ...] = ()
    files: tuple[str, ...] = ()
    since: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The names that tell something when they stand in a pull request's text."""
        last = (name.rpartition(".")[2] for function in self.functions for name in function.names[:1])
        return tuple(dict.fromkeys(name for name in last if len(name) > 3 and not name.startswith("__")))[:2]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What the forge knows about one optimization; `parent` is owner/name of what the repository is a fork of."""

    default_branch: str | None = None
    parent: str | None = None
    pull_requests: tuple[PullRequest, ...] = ()
    notes: tuple[str, ...] = ()

    def dumped(self) -> Raw:
        pulls = [each.model_dump(mode="json") for each in self.pull_requests]
        return {
            "default_branch": self.default_branch,
            "parent": self.parent,
            "pull_requests": pulls,
            "notes": self.notes,
        }

    @classmethod
    def loaded(cls, kept: Raw) -> SearchResult:
        pulls = tuple(PullRequest.model_validate(each) for each in kept["pull_requests"])
        return cls(kept["default_branch"], kept["parent"], pulls, tuple(kept["notes"]))


@dataclass(slots=True)
class _Found:
    """The pull requests that may be about one item, by number, and those that are its own by branch, commit or number."""

    pulls: dict[int, Raw] = field(default_factory=dict)
    own: set[int] = field(default_factory=set)
    same: set[int] = field(default_factory=set)
    """Those of `own` that hold the optimization's last commit."""

    def add(self, pulls: Iterable[Raw | None]) -> set[int]:
        """Add pull requests and give their numbers."""
        there = {pull["number"]: pull for pull in pulls if pull and "number" in pull}
        self.pulls = there | self.pulls
        return set(there)


class PullRequestSearch:
    """One round of questions about a repository."""

    def __init__(self, client: Client, place: GitHubRepository, questions: Mapping[str, SearchQuery]) -> None:
        self._client, self._place, self._questions = client, place, dict(questions)
        self._about: Raw = {}
        self._open: list[Raw] = []
        self._found = {item: _Found() for item in questions}
        self._notes: list[str] = []
        self._patches: dict[int, dict[str, str]] = {}
        self._texts: dict[tuple[str, str], str] = {}

    def answers(self) -> dict[str, SearchResult]:
        """Ask; raise ForgeError where nothing was answered."""
        items = list(self._questions)
        for start in range(0, len(items), _ITEMS):
            self._ask(items[start : start + _ITEMS], first=start == 0)
        self._turn_pages()
        for item, question in self._questions.items():
            self._found[item].add(pull for pull in self._open if _shared(pull, question))
        self._look_into_patches()
        return {item: self._answer(item) for item in items}

    # -- the query --------------------------------------------------------------------------------

    def _ask(self, items: Sequence[str], *, first: bool) -> None:
        questions = {number: self._questions[item] for number, item in enumerate(items)}
        opened = (
            f"open:pullRequests(states:[OPEN],first:100,{_LATEST}){{pageInfo{{hasNextPage endCursor}} nodes{{...pull}}}}"
            if first
            else ""
        )
        history = " ".join(part for number, question in questions.items() for part in _by_file(number, question))
        target = f"target{{... on Commit{{oid {history}}}}}" if history else ""
        asked = " ".join(part for number, question in questions.items() for part in _by_name(number, question))
        about = f"nameWithOwner parent{{nameWithOwner}} defaultBranchRef{{name {target}}}"
        searches = " ".join(part for number, question in questions.items() for part in self._by_words(number, question))
        data = self._data(f"{{repository({self._named}){{{about} {opened} {asked}}} {searches}}} {_PULL}", questions)
        if first:
            self._about = data["repository"]
            self._open += self._about["open"]["nodes"]
        for number, item in enumerate(items):
            self._sort(number, self._found[item], data)

    @property
    def _named(self) -> str:
        return f"owner:{_quoted(self._place.owner)},name:{_quoted(self._place.name)}"

    def _by_words(self, number: int, question: SearchQuery) -> Iterator[str]:
        for place, word in enumerate(question.words):
            query = _quoted(f'repo:{self._place.slug} is:pr "{word}"')
            yield f"s{number}_{place}:search(type:ISSUE,first:10,query:{query}){{nodes{{... on PullRequest{{...pull bodyText}}}}}}"

    def _data(self, query: str, questions: Mapping[int, SearchQuery]) -> Raw:
        data, errors = self._client.graphql(query, str(self._place))
        if not data.get("repository"):
            raise self._client.failure({"errors": errors}, str(self._place))
        expected = {f"n{number}" for number in questions}
        for error in errors:
            if not expected & set(map(str, error.get("path") or ())):
                self._notes.append(f"{self._client.host} answered in part: {error.get('message', '')}")
        return data

    def _sort(self, number: int, found: _Found, data: Raw) -> None:
        """Take an item's answers out of those of a query."""
        repository = data["repository"]
        found.same = found.add(
            ((repository.get(f"c{number}") or {}).get("associatedPullRequests") or {}).get("nodes") or ()
        )
        found.own = found.same | found.add((repository.get(f"b{number}") or {}).get("nodes") or ())
        found.own |= found.add([repository.get(f"n{number}")])
        target = (repository.get("defaultBranchRef") or {}).get("target") or {}
        for name, history in target.items():
            if name.startswith(f"h{number}_"):
                for commit in history["nodes"]:
                    found.add((commit.get("associatedPullRequests") or {}).get("nodes") or ())
        for name, search in data.items():
            if name.startswith(f"s{number}_"):
                found.add(search.get("nodes") or ())

    def _turn_pages(self) -> None:
        page, pages = self._about["open"]["pageInfo"], 1
        while page["hasNextPage"] and pages < _PAGES:
            after = _quoted(page["endCursor"])
            asked = f"open:pullRequests(states:[OPEN],first:100,after:{after},{_LATEST}){{pageInfo{{hasNextPage endCursor}} nodes{{...pull}}}}"
            more = self._data(f"{{repository({self._named}){{{asked}}}}} {_PULL}", {})["repository"]["open"]
            self._open += more["nodes"]
            page, pages = more["pageInfo"], pages + 1
        if page["hasNextPage"]:
            self._notes.append(
                f"Of the open pull requests only the latest {len(self._open)} were looked through for the same files."
            )

    # -- functions --------------------------------------------------------------------------------

    def _look_into_patches(self) -> None:
        """Ask for the hunks of the pull requests that share a file with an item, and for these files after them."""
        wanted: dict[int, Raw] = {}
        for item, question in self._questions.items():
            wanted |= {
                number: pull
                for number, pull in self._found[item].pulls.items()
                if _shared(pull, question) and question.functions
            }
        chosen = sorted(wanted.values(), key=lambda pull: (pull["state"] != "OPEN", -pull["number"]))
        if len(chosen) > _MOST_PATCHES:
            self._notes.append(
                f"Which functions are touched was asked of {_MOST_PATCHES} of {len(chosen)} pull requests."
            )
        try:
            for pull in chosen[:_MOST_PATCHES]:
                listed = self._client.rest(
                    f"repos/{self._place.slug}/pulls/{pull['number']}/files?per_page=100", str(self._place)
                )
                self._patches[pull["number"]] = {each["filename"]: each.get("patch", "") for each in listed}
            self._load_texts(chosen[:_MOST_PATCHES])
        except GitHubError as error:
            self._notes.append(f"Which functions the pull requests touch could not be asked in full: {error.what}.")

    def _load_texts(self, pulls: Sequence[Raw]) -> None:
        paths = {
            path for question in self._questions.values() for function in question.functions for path in function.paths
        }
        places = [
            (pull["headRefOid"], path)
            for pull in pulls
            for path, patch in self._patches[pull["number"]].items()
            if patch and path in paths
        ]
        for start in range(0, len(places), _BLOBS):
            chunk = places[start : start + _BLOBS]
            asked = " ".join(
                f"f{number}:object(expression:{_quoted(f'{commit}:{path}')}){{... on Blob{{text isTruncated}}}}"
                for number, (commit, path) in enumerate(chunk)
            )
            found = self._data(f"{{repository({self._named}){{nameWithOwner {asked}}}}}", {})["repository"]
            for number, place in enumerate(chunk):
                blob = found.get(f"f{number}") or {}
                if blob.get("text") is not None and not blob.get("isTruncated"):
                    self._texts[place] = blob["text"]

    def _functions(self, pull: Raw, question: SearchQuery) -> tuple[str, ...]:
        """Return the functions of an item that a pull request touches, as far as its hunks are known."""
        names: list[str] = []
        for function in question.functions:
            for path, patch in self._patches.get(pull["number"], {}).items():
                text = self._texts.get((pull["headRefOid"], path))
                if path in function.paths and text is not None and _touches(patch, text, path, function.names):
                    names.append(function.target)
        return tuple(dict.fromkeys(names))

    # -- the answer -------------------------------------------------------------------------------

    def _answer(self, item: str) -> SearchResult:
        found, question = self._found[item], self._questions[item]
        told = [each for pull in found.pulls.values() if (each := self._told(pull, question, found))]
        by_words = [each for each in told if each.touches == "words"][:_MOST_BY_WORDS]
        kept = [each for each in told if each.touches != "words" or each in by_words]
        notes = list(self._notes)
        if question.number and question.number not in found.pulls:
            notes.append(f"#{question.number}, which the manifest names, is not a pull request of {self._place}.")
        return SearchResult(
            default_branch=(self._about.get("defaultBranchRef") or {}).get("name"),
            parent=(self._about.get("parent") or {}).get("nameWithOwner"),
            pull_requests=tuple(sorted(kept, key=lambda each: (_CLOSER[each.touches], -each.number))),
            notes=tuple(dict.fromkeys(notes)),
        )

    def _told(self, pull: Raw, question: SearchQuery, found: _Found) -> PullRequest | None:
        """Say what a pull request has in common with an item, None where it is nothing."""
        functions, shares = self._functions(pull, question), _shared(pull, question)
        touches: Literal["branch", "function", "file", "words"]
        # Branches of other people may have the same name: one that shares no file is not about this.
        if pull["number"] in found.own and (shares or question.number == pull["number"]):
            touches = "branch"
        elif functions:
            touches = "function"
        elif shares:
            touches = "file"
        elif _mentions(pull, question.words):
            touches = "words"
        else:
            return None
        return PullRequest(
            number=pull["number"],
            title=pull["title"],
            state="draft" if pull["state"] == "OPEN" and pull["isDraft"] else pull["state"].lower(),
            url=pull["url"],
            branch=pull["headRefName"],
            author=(pull.get("author") or {}).get("login", ""),
            touches=touches,
            functions=functions,
            same_commit=bool(question.commit)
            and (pull["headRefOid"] == question.commit or pull["number"] in found.same),
        )


def _by_name(number: int, question: SearchQuery) -> Iterator[str]:
    if question.branch:
        yield f"b{number}:pullRequests(headRefName:{_quoted(question.branch)},first:5,{_LATEST}){{nodes{{...pull}}}}"
    if question.number:
        yield f"n{number}:pullRequest(number:{question.number}){{...pull}}"
    if question.commit:
        asked = "... on Commit{associatedPullRequests(first:5){nodes{...pull}}}"
        yield f"c{number}:object(oid:{_quoted(question.commit)}){{{asked}}}"


def _by_file(number: int, question: SearchQuery) -> Iterator[str]:
    """Ask for what was merged into the default branch since the merge base."""
    paths = dict.fromkeys(path for function in question.functions for path in function.paths)
    for place, path in enumerate(list(paths)[:3]):
        nodes = "nodes{associatedPullRequests(first:1){nodes{...pull}}}"
        yield f"h{number}_{place}:history(path:{_quoted(path)},since:{_quoted(question.since)},first:10){{{nodes}}}"


def _shared(pull: Raw, question: SearchQuery) -> bool:
    return any(each["path"] in question.files for each in (pull.get("files") or {}).get("nodes") or ())


def _mentions(pull: Raw, words: Sequence[str]) -> bool:
    text = f"{pull['title']}\n{pull.get('bodyText', '')}"
    return any(re.search(rf"\b{re.escape(word)}\b", text) for word in words)


def _touches(patch: str, text: str, path: str, names: tuple[str, ...]) -> bool:
    try:
        return bool(touched_functions(patch, text.encode("utf-8", "replace"), path, names))
    except SourceError:
        return False


def _quoted(text: str) -> str:
    """Spell a string of GraphQL, whose escapes are those of JSON."""
    return json.dumps(text)
