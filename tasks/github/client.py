"""Run gh, GitHub's command line, which holds the user's logins.

gh gets no terminal and only the query on stdin, so it cannot prompt. It runs outside every repository.
"""

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import CommandFailedError, GitHubError
from ..git.addresses import host_of, slug_of
from ..processes import programs
from ..storage.hashing import short_hash

GITHUB: Final = "github.com"
_OTHER_FORGES: Final = re.compile(
    r"(^|\.)(gitlab|bitbucket|codeberg|gitea|gitee|sr\.ht|sourceforge|salsa\.debian|dev\.azure)(\.|$)"
)
_TOKENS: Final = ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_REMOVED_VARIABLES: Final = frozenset(
    ["GH_REPO", "GH_FORCE_TTY", "GH_DEBUG", "DEBUG", "CLICOLOR_FORCE", "GH_PAGER", "PAGER", "GH_BROWSER", "BROWSER"]
)
_UNREADABLE: Final = "the response could not be read"
_LATER: Final = "run prprep with --refresh when it is over"
# By a pattern in gh's message: what it means, hint.
_FAILURES: Final = {
    r"HTTP 401|bad credentials": (
        "{host} rejects the login of gh (HTTP 401)",
        "run `gh auth login --hostname {host}`, or renew the token and run prprep with --refresh",
    ),
    r"rate limit|RATE_LIMITED|abuse detection": (
        "{host} accepts no more requests for now (rate limit)",
        "wait an hour, then run prprep with --refresh",
    ),
    r"\bSAML\b|\bSSO\b": (
        "the login of gh needs single sign-on to read {about}",
        "authorize the token for the organization, then run prprep with --refresh",
    ),
    r"could not resolve to a repository|HTTP 404|not found": (
        "{about} does not exist, or the login of gh may not see it",
        "correct `slug:`, or log in to an account that may see it and run prprep with --refresh",
    ),
    r"HTTP 403|not accessible|INSUFFICIENT_SCOPES|FORBIDDEN": (
        "the login of gh may not read pull requests of {about} (HTTP 403)",
        "use a token that may: `gh auth refresh --hostname {host} --scopes repo`",
    ),
    r"HTTP 5\d\d": ("{host} has an internal problem (HTTP 5xx)", _LATER),
    r"x509|certificate": (
        "this machine does not trust the certificate of {host}",
        "add it to the machine's certificates or name it in SSL_CERT_FILE, then run prprep with --refresh",
    ),
    r"error connecting|dial tcp|no such host|connection refused|connection reset|timeout|\bEOF\b": (
        "{host} cannot be reached",
        "connect to the network, then run prprep with --refresh",
    ),
    f"unexpected end of JSON|invalid character|{_UNREADABLE}": (
        "the response does not come from GitHub",
        "check whether the network requires a login, then run prprep with --refresh",
    ),
}


class GitHubRepository(NamedTuple):
    """`host` includes the port, if there is one; `slug` is owner/name."""

    host: str
    slug: str

    def __str__(self) -> str:
        return self.slug if self.host == GITHUB else f"{self.host}/{self.slug}"


class NotOnGitHub(NamedTuple):
    """Why a repository's pull requests cannot be searched, and a hint."""

    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Client:
    """gh, for one host; `timeout` is in seconds per request. Every method raises GitHubError.

    `about` is the `where` of an error: what the request is about.
    """

    host: str
    timeout: float = 20.0

    def graphql(self, query: str, about: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the data and the errors of a query; raise if there is no data."""
        response = self._request(["api", "graphql", "--input", "-"], about, json.dumps({"query": query}).encode())
        if not isinstance(response, dict) or not isinstance(response.get("data"), dict):
            raise self.failure(response, about)
        return response["data"], [error for error in response.get("errors") or () if isinstance(error, dict)]

    def failure(self, response: Any, about: str) -> GitHubError:
        return self._explain(_errors_of(response), about)

    def rest(self, path: str, about: str) -> Any:
        return self._request(["api", path], about)

    def require_login(self, about: str) -> None:
        """Raise if gh is missing or has no token for the host; uses no network."""
        finished = self._run(["auth", "token", "--hostname", self.host], about)
        if finished.code != 0 and "unknown command" not in finished.error:
            hint = f"run `gh auth login --hostname {self.host}`"
            raise GitHubError(f"gh is not logged in to {self.host}", where=about, hint=hint)

    def version(self) -> str:
        output = self._run(["--version"], "").output
        match = re.search(r"\d+(\.\d+)+", output)
        return match[0] if match else output.strip()

    def login(self) -> str:
        self.require_login(self.host)
        data, _ = self.graphql("{viewer{login}}", self.host)
        return str((data.get("viewer") or {}).get("login", ""))

    def _request(self, arguments: Sequence[str], about: str, stdin: bytes = b"") -> Any:
        finished = self._run(arguments, about, stdin)
        try:
            response = json.loads(finished.output)
        except ValueError:
            response = None
        # gh exits with 1 for a partial response too: one of the requested objects may not exist.
        has_data = finished.code == 0 or (isinstance(response, dict) and isinstance(response.get("data"), dict))
        if response is None or not has_data:
            raise self._explain(finished.error.strip() or _errors_of(response), about)
        return response

    def _run(self, arguments: Sequence[str], about: str, stdin: bytes = b"") -> programs.CompletedProgram:
        command, env = ["gh", *arguments], gh_environment(self.host)
        try:
            return programs.run(command, cwd=Path("/"), env=env, timeout=self.timeout, stdin=stdin, check=False)
        except CommandFailedError as error:
            what, hint = f"gh, GitHub's command line, cannot be run: {error.what}", error.hint
            if error.timed_out:
                what, hint = f"{self.host} did not answer within {self.timeout:g} s", _LATER
            hint = hint or "install it: https://cli.github.com"
            raise GitHubError(what, where=about, hint=hint) from None

    def _explain(self, message: str, about: str) -> GitHubError:
        for pattern, (what, hint) in _FAILURES.items():
            if re.search(pattern, message, re.IGNORECASE):
                message = what.format(host=self.host, about=about)
                return GitHubError(message, where=about, hint=hint.format(host=self.host))
        first_line = message.strip().partition("\n")[0][:200] or _UNREADABLE
        return GitHubError(f"the request to {self.host} failed: {first_line}", where=about, hint=_LATER)


def github_repository(remote: str | None, slug: str | None) -> GitHubRepository | NotOnGitHub:
    """Return the repository that pull requests go to, from a remote's address and the manifest's `slug`."""
    host, slug = host_of(remote or ""), slug or slug_of(remote or "")
    if host and _OTHER_FORGES.search(host.lower()):
        return NotOnGitHub(f"{host} is not GitHub, the only host prprep can search", "look there for similar work")
    if slug:
        return GitHubRepository(host or os.environ.get("GH_HOST") or GITHUB, slug)
    what = "has no remote on GitHub" if remote is None else "has a remote that is not on GitHub"
    return NotOnGitHub(f"the repository {what}", "name the one that pull requests go to: `slug: owner/name`")


def gh_environment(host: str) -> dict[str, str]:
    """Return the user's environment for one host, without git's variables and what makes gh prompt, page or colour."""
    removed = _REMOVED_VARIABLES | {name for name in os.environ if name.startswith("GIT_")}
    environment = {name: value for name, value in os.environ.items() if name not in removed}
    return environment | {"GH_HOST": host, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}


def login_stamp() -> str:
    """Return a hash that changes when gh is installed or its login changes; reads no token and does not run gh."""
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - runs every time
    try:
        status = os.stat(f"{os.environ.get('GH_CONFIG_DIR') or f'{config}/gh'}/hosts.yml")  # noqa: PTH116
        stamp: tuple[int, int] | None = (status.st_mtime_ns, status.st_size)
    except OSError:
        stamp = None
    parts = [shutil.which("gh"), [name for name in _TOKENS if os.environ.get(name)], stamp]
    return short_hash(json.dumps(parts).encode(), size=8)


def _errors_of(response: Any) -> str:
    """Format the errors of a response as gh does."""
    if not isinstance(response, dict):
        return _UNREADABLE
    errors = [error for error in response.get("errors") or () if isinstance(error, dict)]
    lines = [f"{error.get('type', '')} {error.get('message', '')}" for error in errors]
    return "; ".join([*lines, str(response.get("message", ""))]).strip("; ") or _UNREADABLE
