"""GraphQL over the state of the fake GitHub server: resolvers for the types in `github.graphql`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import build_schema, graphql_sync

from tests.support.github_state import PullRequest, Refused, Repository, edit

if TYPE_CHECKING:
    from tests.support.github import GitHub

_SCHEMA = build_schema((Path(__file__).parent / "github.graphql").read_text(encoding="utf-8"))


def execute(server: GitHub, sent: dict[str, Any]) -> dict[str, Any]:
    """Answer a query or a mutation, with GitHub's kinds of errors."""
    done = graphql_sync(_SCHEMA, sent["query"], _Root(server), variable_values=sent.get("variables"))
    errors = {"errors": [_error(error) for error in done.errors]} if done.errors else {}
    return {"data": done.data, **errors}


class _Root:
    """The types of `github.graphql`, resolved from the server's state."""

    def __init__(self, server: GitHub) -> None:
        self.server = server

    @property
    def viewer(self) -> dict[str, Any]:
        return {"login": self.server.login, "id": "U_1", "name": ""}

    def repository(self, _info: Any, owner: str, name: str, **_: Any) -> Any:
        repository = self.server.repositories.get(f"{owner}/{name}")
        if not repository:
            raise Refused(404, f"Could not resolve to a Repository with the name '{owner}/{name}'.", "NOT_FOUND")
        return _Repository(repository)

    def search(self, _info: Any, query: str, first: int = 30, after: str | None = None, **_: Any) -> Any:
        slug = re.search(r"\brepo:(\S+)", query)
        repository = self.server.repositories.get(slug[1]) if slug else None
        phrases = [phrase.lower() for phrase in re.findall(r'"([^"]+)"', query)]
        terms = [word.lower() for word in re.sub(r'"[^"]*"', "", query).split() if ":" not in word]
        matches = []
        for pull in reversed(repository.pull_requests if repository else []):
            text = f"{pull.title}\n{pull.body}".lower()
            if all(each in text for each in (*phrases, *terms)) and _qualified(pull, query):
                matches.append(_PullRequest(pull))
        return _connection(matches, first, after, issueCount=len(matches))

    def _pull(self, node_id: str) -> PullRequest:
        slug, _, number = node_id.removeprefix("PR_").rpartition("_")
        pull = self.server.repositories[slug].number(int(number)) if slug in self.server.repositories else None
        if not pull:
            raise Refused(404, f"Could not resolve to a node with the global id of '{node_id}'", "NOT_FOUND")
        return pull

    def createPullRequest(self, _info: Any, input: dict[str, Any]) -> Any:  # noqa: A002, N802
        repository = next(
            each for each in self.server.repositories.values() if f"R_{each.slug}" == input["repositoryId"]
        )
        fields = {"title": input["title"], "body": input.get("body") or "", "draft": bool(input.get("draft"))}
        head = input["headRefName"]
        owner = head.partition(":")[0] if ":" in head else ""
        pull = repository.open(
            head.rpartition(":")[2], base=input["baseRefName"], author=self.server.login, head_owner=owner, **fields
        )
        return {"pullRequest": _PullRequest(pull)}

    def updatePullRequest(self, _info: Any, input: dict[str, Any]) -> Any:  # noqa: A002, N802
        pull = self._pull(input["pullRequestId"])
        edit(pull, input)
        return {"pullRequest": _PullRequest(pull)}

    def markPullRequestReadyForReview(self, _info: Any, input: dict[str, Any]) -> Any:  # noqa: A002, N802
        pull = self._pull(input["pullRequestId"])
        pull.is_draft = False
        return {"pullRequest": _PullRequest(pull)}


def _qualified(pull: PullRequest, query: str) -> bool:
    for key, value in re.findall(r"\b(is|state|head|author):(\S+)", query):
        matches = {
            "is": value == "pr" or value.upper() in (pull.state, "DRAFT" if pull.is_draft else ""),
            "state": value.upper() == pull.state,
            "head": value == pull.head_ref,
            "author": value == pull.author,
        }
        if not matches[key]:
            return False
    return True


def _connection(nodes: list[Any], first: int | None, after: str | None, **more: Any) -> dict[str, Any]:
    start = int(after) if after else 0
    end = start + (first or len(nodes))
    page = {"hasNextPage": end < len(nodes), "endCursor": str(end)}
    return {
        "totalCount": len(nodes),
        "nodes": nodes[start:end],
        "edges": [{"node": each} for each in nodes[start:end]],
        "pageInfo": page,
        **more,
    }


class _PullRequest:
    def __init__(self, pull: PullRequest) -> None:
        pull.refresh()
        self._pull = pull
        self.id = f"PR_{pull.repository.slug}_{pull.number}"
        self.number, self.title, self.body, self.url, self.state = (
            pull.number,
            pull.title,
            pull.body,
            pull.url,
            pull.state,
        )
        self.bodyText = pull.body
        self.isDraft, self.headRefName, self.baseRefName = pull.is_draft, pull.head_ref, pull.base_ref
        self.headRefOid, self.baseRefOid = pull.head_oid, pull.base_oid
        self.closed, self.merged = pull.state != "OPEN", pull.state == "MERGED"
        self.author = {"login": pull.author, "id": "U_1", "name": "", "__typename": "User"}
        owner = pull.head_owner or pull.repository.owner
        self.headRepositoryOwner = {"login": owner, "id": f"U_{owner}", "__typename": "User"}
        self.headRepository = {"id": f"R_{owner}/{pull.repository.name}", "name": pull.repository.name}
        self.isCrossRepository = owner != pull.repository.owner
        self.createdAt = self.updatedAt = "2026-01-01T00:00:00Z"
        self.maintainerCanModify, self.mergeStateStatus, self.mergeable, self.reviewDecision = (
            True,
            "CLEAN",
            "MERGEABLE",
            None,
        )
        self.additions = self.deletions = 0

    def __getattr__(self, name: str) -> Any:
        if name in {
            "labels",
            "assignees",
            "reviewRequests",
            "projectCards",
            "comments",
            "reviews",
            "projectItems",
            "commits",
        }:
            return _connection([], 1, None)
        return None

    @property
    def changedFiles(self) -> int:  # noqa: N802
        return len(self._pull.files())

    def files(self, _info: Any, first: int = 100, after: str | None = None) -> Any:
        paths = [{"path": each["filename"], "additions": 1, "deletions": 1} for each in self._pull.files()]
        return _connection(paths, first, after)


class _Repository:
    def __init__(self, repository: Repository) -> None:
        self._it = repository
        self.id, self.name, self.nameWithOwner, self.url = (
            f"R_{repository.slug}",
            repository.name,
            repository.slug,
            repository.url,
        )
        self.owner = {"login": repository.owner, "id": f"U_{repository.owner}", "__typename": "User"}
        self.isFork, self.parent = (
            repository.parent is not None,
            _Repository(repository.parent) if repository.parent else None,
        )
        self.description, self.viewerPermission = "", "WRITE"
        self.isPrivate = self.isArchived = False
        self.hasIssuesEnabled = self.hasWikiEnabled = True
        self.mergeCommitAllowed = self.rebaseMergeAllowed = self.squashMergeAllowed = True

    @property
    def defaultBranchRef(self) -> Any:  # noqa: N802
        return {"name": self._it.default_branch, "target": _Commit(self._it, self._it.commit(self._it.default_branch))}

    def pullRequests(  # noqa: N802
        self,
        _info: Any,
        first: int = 30,
        after: str | None = None,
        states: list[str] | None = None,
        headRefName: str | None = None,  # noqa: N803
        baseRefName: str | None = None,  # noqa: N803
        **_: Any,
    ) -> Any:
        matches = [
            each
            for each in reversed(self._it.pull_requests)
            if (not states or each.state in states)
            and headRefName in (None, each.head_ref)
            and baseRefName in (None, each.base_ref)
        ]
        return _connection([_PullRequest(each) for each in matches], first, after)

    def pullRequest(self, _info: Any, number: int) -> Any:  # noqa: N802
        pull = self._it.number(number)
        if not pull:
            raise Refused(404, f"Could not resolve to a PullRequest with the number of {number}.", "NOT_FOUND")
        return _PullRequest(pull)

    def issueOrPullRequest(self, _info: Any, number: int) -> Any:  # noqa: N802
        return self.pullRequest(_info, number)

    def object(self, _info: Any, expression: str | None = None, oid: str | None = None) -> Any:
        name = oid or expression or ""
        if ":" not in name:
            commit = self._it.commit(name)
            return _Commit(self._it, commit) if commit else None
        blob = self._it.git("rev-parse", "--verify", "--quiet", name, check=False).strip()
        return _Blob(self._it, blob) if blob else None


class _Blob:
    def __init__(self, repository: Repository, blob: str) -> None:
        self.oid, self.text, self.isBinary, self.isTruncated = (
            blob,
            repository.git("cat-file", "blob", blob),
            False,
            False,
        )
        self.byteSize = len(self.text.encode())

    __typename = "Blob"

    @staticmethod
    def is_type_of() -> str:
        return "Blob"


class _Commit:
    def __init__(self, repository: Repository, commit: str) -> None:
        self._repository, self.oid = repository, commit

    @property
    def messageHeadline(self) -> str:  # noqa: N802
        return self._repository.git("log", "-1", "--format=%s", self.oid).strip()

    def history(
        self, _info: Any, first: int = 30, after: str | None = None, path: str | None = None, since: str = ""
    ) -> Any:
        paths = ["--", path] if path else []
        listed = self._repository.git(
            "log", "--format=%H", *([f"--since={since}"] if since else []), self.oid, *paths
        ).split()
        return _connection([_Commit(self._repository, each) for each in listed], first, after)

    def associatedPullRequests(self, _info: Any, first: int = 10, **_: Any) -> Any:  # noqa: N802
        """Return the pull request that brought a commit to the default branch, and those that contain the commit."""
        number = re.search(r"\(#(\d+)\)$", self.messageHeadline)
        holding = [each for each in self._repository.pull_requests if self._is_in(each)]
        merged = self._repository.number(int(number[1])) if number else None
        pulls = [merged, *(each for each in holding if each is not merged)] if merged else holding
        return _connection([_PullRequest(each) for each in pulls], first, None)

    def _is_in(self, pull: PullRequest) -> bool:
        pull.refresh()
        return self.oid in self._repository.git("rev-list", f"{pull.base_oid}..{pull.head_oid}").split()


def _typed(value: Any, _info: Any, _type: Any) -> str:
    return {_PullRequest: "PullRequest", _Commit: "Commit", _Blob: "Blob"}.get(type(value)) or value["__typename"]


for _name in ("GitObject", "SearchResultItem", "Actor", "IssueOrPullRequest", "RepositoryOwner"):
    _SCHEMA.type_map[_name].resolve_type = _typed  # type: ignore[attr-defined]


def _error(error: Any) -> dict[str, Any]:
    response: dict[str, Any] = {"message": error.message, "path": error.path, "locations": [{"line": 1, "column": 1}]}
    original = error.original_error
    return response | ({"type": original.kind or "UNPROCESSABLE"} if isinstance(original, Refused) else {})
