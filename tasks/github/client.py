"""All that prprep knows of `gh`: how it is called, and what its failures mean.

gh is the one program that gets the user's logins at GitHub. It is given no terminal and no standard input but the query,
so it cannot ask anything; it runs outside of every repository; and it is stopped where GitHub does not answer.
"""

from __future__ import annotations

import hashlib
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

TIME_LIMIT: Final = 20.0
"""Seconds that one request may take."""

GITHUB: Final = "github.com"
_OTHERS: Final = re.compile(
    r"(^|\.)(gitlab|bitbucket|codeberg|gitea|gitee|sr\.ht|sourceforge|salsa\.debian|dev\.azure)(\.|$)"
)
_TOKENS: Final = ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_LEFT_OUT: Final = (
    "GH_REPO",
    "GH_FORCE_TTY",
    "GH_DEBUG",
    "DEBUG",
    "CLICOLOR_FORCE",
    "GH_PAGER",
    "PAGER",
    "GH_BROWSER",
    "BROWSER",
)
_UNREADABLE: Final = "nothing that could be read came back"
_LATER: Final = "run prprep with --refresh when it is over"
# What gh tells of a failure, by a sign in it: what that means, and what to do.
_MEANINGS: Final = (
    (
        r"HTTP 401|bad credentials",
        "{host} refuses the login of gh (HTTP 401)",
        "run `gh auth login --hostname {host}`, or renew the token and run prprep with --refresh",
    ),
    (
        r"rate limit|RATE_LIMITED|abuse detection",
        "{host} takes no more requests for now (rate limit)",
        "wait an hour, then run prprep with --refresh",
    ),
    (
        r"\bSAML\b|\bSSO\b",
        "the login of gh may not see {about} before it is authorized for single sign-on",
        "authorize the token for the organization, then run prprep with --refresh",
    ),
    (
        r"could not resolve to a repository|HTTP 404|not found",
        "{about} is not there, or the login of gh may not see it",
        "correct `slug:`, or log in as somebody who may and run prprep with --refresh",
    ),
    (
        r"HTTP 403|not accessible|INSUFFICIENT_SCOPES|FORBIDDEN",
        "the login of gh may not read pull requests of {about} (HTTP 403)",
        "use a token that may: `gh auth refresh --hostname {host} --scopes repo`",
    ),
    (r"HTTP 5\d\d", "{host} is in trouble (HTTP 5xx)", _LATER),
    (
        r"x509|certificate",
        "{host} shows a certificate that this machine does not trust",
        "add it to the machine's, or name it in SSL_CERT_FILE, then run prprep with --refresh",
    ),
    (
        r"error connecting|dial tcp|no such host|connection refused|connection reset|timeout|\bEOF\b",
        "{host} cannot be reached",
        "connect to the network, then run prprep with --refresh",
    ),
    (
        f"unexpected end of JSON|invalid character|{_UNREADABLE}",
        "what came back is no answer of GitHub's",
        "see whether the network wants a login of its own, then run prprep with --refresh",
    ),
)


class GitHubRepository(NamedTuple):
    """A repository of a forge: the host, with its port where it has one, and owner/name."""

    host: str
    slug: str

    @property
    def owner(self) -> str:
        return self.slug.partition("/")[0]

    @property
    def name(self) -> str:
        return self.slug.partition("/")[2]

    def __str__(self) -> str:
        return self.slug if self.host == GITHUB else f"{self.host}/{self.slug}"


class NotOnGitHub(NamedTuple):
    """Why a repository's pull requests cannot be asked for, and what to do about it."""

    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Client:
    """gh, for one host; `limit` is in seconds."""

    host: str
    limit: float = TIME_LIMIT

    def graphql(self, query: str, about: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the data of a query and its errors; raise ForgeError where nothing came back. `about` names what is asked for."""
        told = self._answer(["api", "graphql", "--input", "-"], about, stdin=json.dumps({"query": query}).encode())
        if not isinstance(told, dict) or not isinstance(told.get("data"), dict):
            raise self.failure(told, about)
        return told["data"], [error for error in told.get("errors") or () if isinstance(error, dict)]

    def failure(self, told: Any, about: str) -> GitHubError:
        """Say what an answer without data means."""
        return self._meaning(_spelled(told), about)

    def rest(self, path: str, about: str) -> Any:
        """Return what REST answers to a GET; raise ForgeError."""
        return self._answer(["api", path], about)

    def demand_login(self, about: str) -> None:
        """Raise ForgeError where gh is missing or has no token for the host; nothing is asked over the network."""
        told = self._run(["auth", "token", "--hostname", self.host], about)
        if told.code != 0 and "unknown command" not in told.error:
            raise GitHubError(
                f"gh is not logged in to {self.host}", where=about, hint=f"run `gh auth login --hostname {self.host}`"
            )

    def version(self) -> str:
        """Return the version of gh; raise ForgeError where it is missing."""
        told = self._run(["--version"], "").output
        found = re.search(r"\d+(\.\d+)+", told)
        return found[0] if found else told.strip()

    def login(self) -> str:
        """Return the name that gh is logged in with; raise ForgeError where it is not, or GitHub does not answer."""
        self.demand_login(self.host)
        data, _ = self.graphql("{viewer{login}}", self.host)
        return str((data.get("viewer") or {}).get("login", ""))

    def _answer(self, arguments: Sequence[str], about: str, *, stdin: bytes = b"") -> Any:
        finished = self._run(arguments, about, stdin=stdin)
        try:
            told = json.loads(finished.output)
        except ValueError:
            told = None
        # An answer in part comes with an exit code of 1: one of the things that were asked for may not be there.
        whole = finished.code == 0 or (isinstance(told, dict) and isinstance(told.get("data"), dict))
        if told is None or not whole:
            raise self._meaning(finished.error.strip() or _spelled(told), about)
        return told

    def _run(self, arguments: Sequence[str], about: str, *, stdin: bytes = b"") -> programs.CompletedProgram:
        try:
            return programs.run(
                ["gh", *arguments],
                cwd=Path("/"),
                env=gh_environment(self.host),
                timeout=self.limit,
                stdin=stdin,
                check=False,
            )
        except CommandFailedError as error:
            if "took longer" in error.what:
                raise GitHubError(
                    f"{self.host} did not answer within {self.limit:g} s", where=about, hint=_LATER
                ) from None
            now = error.hint or "install it: https://cli.github.com"
            raise GitHubError(
                f"gh, the command line of GitHub, cannot be run: {error.what}", where=about, hint=now
            ) from None

    def _meaning(self, told: str, about: str) -> GitHubError:
        """Say what gh's failure means and what to do."""
        for sign, what, now in _MEANINGS:
            if re.search(sign, told, re.IGNORECASE):
                return GitHubError(
                    what.format(host=self.host, about=about), where=about, hint=now.format(host=self.host)
                )
        first = told.strip().partition("\n")[0][:200] or _UNREADABLE
        return GitHubError(f"{self.host} gave no answer: {first}", where=about, hint=_LATER)


def github_repository(remote: str | None, named: str | None) -> GitHubRepository | NotOnGitHub:
    """Say where pull requests go: from the address of the remote, and the owner/name that the manifest names."""
    host, slug = host_of(remote or ""), named or slug_of(remote or "")
    if host and is_other_forge(host):
        return NotOnGitHub(
            f"{host} is not GitHub, and only GitHub is asked", "look there for pull requests about the same"
        )
    if slug:
        return GitHubRepository(host or os.environ.get("GH_HOST") or GITHUB, slug)
    if remote is None:
        return NotOnGitHub(
            "the repository has no remote that could be on GitHub", "name it where it has: `slug: owner/name`"
        )
    return NotOnGitHub(
        "the repository's remote is not one of GitHub's", "name the one that pull requests go to: `slug: owner/name`"
    )


def is_other_forge(host: str) -> bool:
    """Return whether a host is known to be another forge than GitHub."""
    return _OTHERS.search(host.lower()) is not None


def gh_environment(host: str) -> dict[str, str]:
    """Return gh's environment: the user's own, made for one host, without anything that makes it ask, page or colour."""
    own = {key: value for key, value in os.environ.items() if key not in _LEFT_OUT}
    return own | {"GH_HOST": host, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}


def login_stamp() -> str:
    """Return what changes when gh is installed or somebody logs in: taken without running it, and without reading a token."""
    folder = os.environ.get("GH_CONFIG_DIR") or os.path.join(  # noqa: PTH118 - asked in every run
        os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"),  # noqa: PTH111
        "gh",
    )
    try:
        status = os.stat(f"{folder}/hosts.yml")  # noqa: PTH116
        kept: tuple[int, int] | None = (status.st_mtime_ns, status.st_size)
    except OSError:
        kept = None
    seen = [shutil.which("gh"), [name for name in _TOKENS if os.environ.get(name)], kept]
    return hashlib.blake2b(json.dumps(seen).encode(), digest_size=8).hexdigest()


def _spelled(told: Any) -> str:
    """Spell the errors of an answer as gh does."""
    if not isinstance(told, dict):
        return _UNREADABLE
    errors = [
        f"{error.get('type', '')} {error.get('message', '')}"
        for error in told.get("errors") or ()
        if isinstance(error, dict)
    ]
    return "; ".join([*errors, str(told.get("message", ""))]).strip("; ") or _UNREADABLE
