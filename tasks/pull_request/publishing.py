"""Push a branch, open or update a pull request, comment on one: the only module of prprep that publishes anything."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import CommandFailedError, PrprepError
from ..git.commands import NETWORK_SECONDS
from ..git.remotes import remote_environment, remote_error
from ..github.client import gh_environment
from ..processes import programs

GH_SECONDS: Final = 120.0
_PAGE, _MOST_PAGES = 100, 30


@dataclass(frozen=True, slots=True)
class PullRequestText:
    """Title and body of a pull request; `path` is where the body was read."""

    title: str
    body: bytes
    path: str

    @property
    def options(self) -> tuple[str, ...]:
        return "--title", self.title, "--body-file", "-"


@dataclass(frozen=True, slots=True)
class Gh:
    """gh, for one repository of one host; `folder` is where it runs."""

    host: str
    slug: str
    folder: Path

    def login(self) -> str:
        return str(self._json("api", "user").get("login", ""))

    def view(self, number: int) -> dict[str, Any]:
        fields = "number,state,url,headRefName,headRepositoryOwner,isCrossRepository,author"
        return dict(self._json("pr", "view", str(number), *self._repository, "--json", fields))

    def open_for(self, branch: str, owner: str) -> dict[str, Any] | None:
        fields = "number,url,headRefName,headRepositoryOwner"
        listed = self._json("pr", "list", *self._repository, "--head", branch, "--state", "open", "--json", fields)
        for pull_request in listed:
            if (pull_request.get("headRepositoryOwner") or {}).get("login", owner).lower() == owner.lower():
                return dict(pull_request)
        return None

    def create(self, text: PullRequestText, *, head: str, base: str, draft: bool) -> str:
        """Open a pull request and return its address."""
        options = [*self._repository, "--head", head, "--base", base, *text.options, *(["--draft"] if draft else [])]
        output = self._output("pr", "create", *options, stdin=text.body)
        url = re.search(r"https://\S+/pull/\d+", output)
        return url[0] if url else output.strip()

    def edit(self, number: int, text: PullRequestText) -> None:
        self._output("pr", "edit", str(number), *self._repository, *text.options, stdin=text.body)

    def own_comment(self, number: int, marker: str, login: str) -> int | None:
        """Return the id of the comment of `login` that begins with `marker`, if there is one."""
        # Apps are named with a suffix that nobody else can have; a query for the viewer may leave it out.
        logins = {login, f"{login}[bot]"}
        for page in range(1, _MOST_PAGES + 1):
            path = f"repos/{self.slug}/issues/{number}/comments?per_page={_PAGE}&page={page}"
            comments = self._json("api", path)
            for comment in comments:
                is_own = (comment.get("user") or {}).get("login") in logins
                if is_own and (comment.get("body") or "").startswith(marker):
                    return int(comment["id"])
            if len(comments) < _PAGE:
                break
        return None

    def comment(self, number: int, text: str, *, replaces: int | None) -> str:
        """Write a comment, or the new text of the one with this id, and return its address."""
        issues = f"repos/{self.slug}/issues"
        path, method = (f"/comments/{replaces}", "PATCH") if replaces else (f"/{number}/comments", "POST")
        content = json.dumps({"body": text}).encode()
        answer = self._json("api", f"{issues}{path}", "--method", method, "--input", "-", stdin=content)
        return str(answer.get("html_url", ""))

    @property
    def _repository(self) -> tuple[str, str]:
        return "--repo", f"{self.host}/{self.slug}"

    def _json(self, *arguments: str, stdin: bytes = b"") -> Any:
        output = self._output(*arguments, stdin=stdin)
        try:
            return json.loads(output)
        except ValueError:
            hint = "check the connection: gh auth status"
            raise PrprepError(f"{self.host} did not answer as GitHub does", hint=hint) from None

    def _output(self, *arguments: str, stdin: bytes = b"") -> str:
        command, env = ["gh", *arguments], gh_environment(self.host)
        try:
            return programs.run(command, cwd=self.folder, env=env, timeout=GH_SECONDS, stdin=stdin).output
        except CommandFailedError as error:
            message = error.error.strip() or error.what
            hint = error.hint or f"see `gh auth status --hostname {self.host}`"
            raise PrprepError(f"gh {' '.join(arguments[:2])}: {message}", where=self.slug, hint=hint) from None


def push(clone: Path, commit: str, address: str, branch: str, *, replaces: str = "") -> None:
    """Push a commit of the private clone; raise RepositoryError if the remote refuses it.

    Only the commit `replaces`, which prprep pushed before, is overwritten.
    """
    ref = f"refs/heads/{branch}"
    lease = [f"--force-with-lease={ref}:{replaces}"] if replaces else []
    command = ["git", f"--git-dir={clone}", "push", "--porcelain", "--no-follow-tags", *lease]
    command += ["--", address, f"{commit}:{ref}"]
    try:
        programs.run(command, cwd=clone, env=remote_environment(address), timeout=NETWORK_SECONDS)
    except CommandFailedError as error:
        raise remote_error(error, address, f"did not take the branch {branch}") from None
