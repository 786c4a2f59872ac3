"""The state of the fake GitHub server: repositories and pull requests over real git folders."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.support.targets import ISOLATED


class Server(Protocol):
    login: str
    may_comment: bool

    @property
    def host(self) -> str: ...


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | ISOLATED
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout if done.returncode == 0 else ""


class Refused(Exception):  # noqa: N818 - a response of the server, not an error of the tests
    """A request that GitHub would reject, with status and message."""

    def __init__(self, status: int, message: str, kind: str = "") -> None:
        self.status, self.message, self.kind = status, message, kind
        super().__init__(message)


@dataclass
class Comment:
    """A comment on a pull request; its id is unique in the repository."""

    number: int
    author: str
    body: str

    def rest(self, url: str) -> dict[str, Any]:
        kind = "Bot" if self.author.endswith("[bot]") else "User"
        return {
            "id": self.number,
            "html_url": f"{url}#issuecomment-{self.number}",
            "user": {"login": self.author, "type": kind},
            "body": self.body,
        }


@dataclass
class PullRequest:
    """A pull request; `head` is a commit or a branch of the repository's git folder, followed if it is a branch."""

    repository: Repository
    number: int
    title: str
    body: str
    head_ref: str
    base_ref: str
    author: str = "ada"
    head_owner: str = ""
    is_draft: bool = False
    state: str = "OPEN"
    head_oid: str = ""
    base_oid: str = ""
    labels: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    def refresh(self) -> None:
        """Follow the branches while it is open."""
        if self.state == "OPEN":
            self.head_oid = self.repository.commit(self.head_ref) or self.head_oid
            self.base_oid = self.repository.commit(self.base_ref) or self.base_oid

    @property
    def url(self) -> str:
        return f"{self.repository.url}/pull/{self.number}"

    @property
    def merge_base(self) -> str:
        return self.repository.git("merge-base", self.base_oid, self.head_oid).strip()

    def files(self) -> list[dict[str, Any]]:
        """Return the files as REST does, each with the patch of its hunks."""
        span = f"{self.merge_base}..{self.head_oid}"
        statuses = {"A": "added", "M": "modified", "D": "removed", "R": "renamed"}
        files = []
        for line in self.repository.git("diff", "--name-status", "-M", span).splitlines():
            status, *names = line.split("\t")
            patch = self.repository.git("diff", "-M", span, "--", *names)
            hunks = patch[patch.index("\n@@") + 1 :].rstrip("\n") if "\n@@" in patch else ""
            entry = {
                "filename": names[-1],
                "status": statuses[status[0]],
                "sha": "0" * 40,
                "changes": hunks.count("\n+") + hunks.count("\n-"),
            }
            files.append(
                entry
                | ({"patch": hunks} if hunks else {})
                | ({"previous_filename": names[0]} if len(names) > 1 else {})
            )
        return files

    def diff(self) -> str:
        return self.repository.git("diff", f"{self.merge_base}..{self.head_oid}")

    def rest(self) -> dict[str, Any]:
        self.refresh()
        head_owner = self.head_owner or self.repository.owner
        return {
            "number": self.number,
            "id": self.number,
            "node_id": f"PR_{self.repository.slug}_{self.number}",
            "title": self.title,
            "body": self.body,
            "state": "open" if self.state == "OPEN" else "closed",
            "merged_at": "2026-01-01T00:00:00Z" if self.state == "MERGED" else None,
            "merged": self.state == "MERGED",
            "draft": self.is_draft,
            "html_url": self.url,
            "user": {"login": self.author},
            "head": {
                "ref": self.head_ref,
                "sha": self.head_oid,
                "label": f"{head_owner}:{self.head_ref}",
                "repo": {"full_name": f"{head_owner}/{self.repository.name}"},
            },
            "base": {
                "ref": self.base_ref,
                "sha": self.base_oid,
                "label": f"{self.repository.owner}:{self.base_ref}",
                "repo": {"full_name": self.repository.slug},
            },
        }


@dataclass
class Repository:
    """A repository of the server, with its bare git folder."""

    server: Server
    owner: str
    name: str
    folder: Path
    default_branch: str = "main"
    parent: Repository | None = None
    pull_requests: list[PullRequest] = field(default_factory=list)

    @property
    def slug(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def url(self) -> str:
        return f"https://{self.server.host}/{self.slug}"

    @property
    def clone_url(self) -> str:
        return f"{self.url}.git"

    def git(self, *arguments: str, check: bool = True) -> str:
        return git(self.folder, *arguments, check=check)

    def commit(self, ref: str) -> str:
        return self.git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", check=False).strip()

    def open(
        self,
        head: str,
        *,
        title: str = "Change",
        body: str = "",
        base: str = "",
        author: str = "ada",
        draft: bool = False,
        head_owner: str = "",
    ) -> PullRequest:
        """Open a pull request from a branch of the git folder; raise Refused as GitHub would."""
        base = base or self.default_branch
        if not self.commit(head) or not self.commit(base):
            raise Refused(422, "Validation Failed: Head sha can't be blank, Base sha can't be blank")
        if any(each.head_ref == head and each.state == "OPEN" for each in self.pull_requests):
            raise Refused(422, f"A pull request already exists for {self.owner}:{head}.")
        if not self.git("rev-list", "-1", f"{base}..{head}").strip():
            raise Refused(422, f"No commits between {base} and {head}")
        pull = PullRequest(self, len(self.pull_requests) + 1, title, body, head, base, author, head_owner, draft)
        pull.refresh()
        self.pull_requests.append(pull)
        return pull

    def number(self, number: int) -> PullRequest | None:
        return next((each for each in self.pull_requests if each.number == number), None)

    def end(self, number: int, *, merged: bool = False) -> None:
        """Close a pull request, or merge it with a single commit as "squash and merge" does."""
        pull = self.number(number)
        assert pull is not None
        pull.refresh()
        pull.state = "MERGED" if merged else "CLOSED"
        if merged:
            tree = self.git("merge-tree", "--write-tree", pull.base_oid, pull.head_oid).splitlines()[0]
            commit = self.git("commit-tree", tree, "-p", pull.base_oid, "-m", f"{pull.title} (#{number})").strip()
            self.git("update-ref", f"refs/heads/{pull.base_ref}", commit)


def edit(pull: PullRequest, sent: dict[str, Any]) -> None:
    """Change the sent fields, with the names of REST or GraphQL."""
    for key in ("title", "body"):
        if sent.get(key) is not None:
            setattr(pull, key, sent[key])
    if sent.get("state"):
        pull.refresh()
        pull.state = {"open": "OPEN", "closed": "CLOSED"}[sent["state"].lower()]
    pull.base_ref = sent.get("base") or sent.get("baseRefName") or pull.base_ref


def comment(repository: Repository, method: str, number: int, body: str) -> dict[str, Any]:
    """Add a comment to the pull request with this number (POST), or change the comment with this number (PATCH)."""
    if not repository.server.may_comment:
        raise Refused(403, "Resource not accessible by integration")
    if method == "POST":
        pull = repository.number(number)
        found = Comment(sum(len(each.comments) for each in repository.pull_requests) + 1, repository.server.login, body)
    else:
        places = ((pull, each) for pull in repository.pull_requests for each in pull.comments)
        pull, found = next(((pull, each) for pull, each in places if each.number == number), (None, None))
    if not pull or not found:
        raise Refused(404, "Not Found")
    if method == "POST":
        pull.comments.append(found)
    elif found.author != repository.server.login:
        raise Refused(403, "Resource not accessible by integration")
    if len(body) > 65_536:
        raise Refused(422, "Validation Failed: body is too long (maximum is 65536 characters)")
    found.body = body
    return found.rest(pull.url)
