"""Parse repository addresses, and reject those that would run a command."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ..errors import RepositoryError
from ..processes.real_paths import expanded

SCHEMES: Final = ("https", "http", "ssh", "git")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_SCP = re.compile(r"(?:[^@/:\s]+@)?(\[[^\]/]+\]|[^:/\s\[]+):(?!//)(.+)")


def local_path(address: str) -> Path | None:
    """Return the path of a local repository, None for a remote one; raise RepositoryError if it is neither."""
    if not address or address.startswith("-") or "\0" in address:
        raise _invalid(address, "is not a repository address")
    if address.startswith("/"):
        return Path(address)
    if any(character.isspace() and character != " " for character in address):
        raise _invalid(address, "contains white space")
    if _HELPER.match(address):
        raise _invalid(address, "names a transport helper, which could run any command")
    if scheme := _SCHEME.match(address):
        return _path_of_url(address, scheme[1].lower())
    if not Path(address).exists() and (scp := _SCP.fullmatch(address)):
        if scp[1].startswith("-"):
            raise _invalid(address, "has a host that looks like an option")
        return None
    return expanded(address).absolute()


def _path_of_url(address: str, scheme: str) -> Path | None:
    if scheme == "file":
        return Path(unquote(address[len("file://") :].removeprefix("localhost")))
    if scheme not in SCHEMES:
        raise _invalid(address, f"has the unknown protocol {scheme}")
    if not (host := urlsplit(address).hostname) or host.startswith("-"):
        raise _invalid(address, "has no host")
    return None


def _invalid(address: str, why: str) -> RepositoryError:
    hint = "use a folder, or an address that begins with https:// or ssh://, or user@host:path"
    return RepositoryError(f"the address {without_password(address)!r} {why}", hint=hint)


def is_address(text: str) -> bool:
    return bool(_SCHEME.match(text) or _HELPER.match(text) or (not Path(text).exists() and _SCP.fullmatch(text)))


def without_password(text: str) -> str:
    """Mask the user and password of every address in `text`."""
    return re.sub(r"(\w://)[^/@\s]*@", r"\1***@", text)


def host_of(address: str) -> str | None:
    """Return the host of a remote address, with the port of an https one; None for a local address."""
    host, _ = _host_and_path(address)
    port = urlsplit(address).port if host and address.lower().startswith("https://") else None
    # GitHub also answers ssh on port 443, under another name.
    host = {"ssh.github.com": "github.com", "www.github.com": "github.com"}.get(host, host)
    return (f"{host}:{port}" if port else host) or None


def slug_of(address: str) -> str | None:
    """Return owner/name of a remote address; None for a local address or another form."""
    path = _host_and_path(address)[1].strip("/").removesuffix(".git")
    return path if re.fullmatch(r"[\w.-]+/[\w.-]+", path) else None


def _host_and_path(address: str) -> tuple[str, str]:
    """Split a remote address; both parts of a local one are empty."""
    if _SCHEME.match(address):
        url = urlsplit(address)
        return ("", "") if url.scheme == "file" else (url.hostname or "", url.path)
    scp = None if address.startswith(("/", ".")) else _SCP.fullmatch(address)
    return (scp[1], scp[2]) if scp else ("", "")
