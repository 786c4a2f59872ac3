"""Tell local repositories from remote ones, and refuse addresses that would run something."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ..errors import RepositoryError

SCHEMES: Final = ("https", "http", "ssh", "git")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_SCP = re.compile(r"(?:[^@/:\s]+@)?(\[[^\]/]+\]|[^:/\s\[]+):(?!//)(.+)")


def local_path(address: str) -> Path | None:
    """Return the path of a local repository's address, None for a remote one; raise RepositoryError for neither."""
    if not address or address.startswith("-") or "\0" in address:
        raise _refused(address, "is not the address of a repository")
    if address.startswith("/"):
        return Path(address)
    if any(character.isspace() and character != " " for character in address):
        raise _refused(address, "has white space in it that no address has")
    if _HELPER.match(address):
        raise _refused(address, "names a transport helper, which could run any command")
    if scheme := _SCHEME.match(address):
        return _of_url(address, scheme[1].lower())
    if not Path(address).exists() and (scp := _SCP.fullmatch(address)):
        if scp[1].startswith("-"):
            raise _refused(address, "has a host that looks like an option")
        return None
    return Path(address).expanduser().absolute()


def _of_url(address: str, scheme: str) -> Path | None:
    if scheme == "file":
        return Path(unquote(address[len("file://") :].removeprefix("localhost")))
    if scheme not in SCHEMES:
        raise _refused(address, f"has the unknown protocol {scheme}")
    if not (host := urlsplit(address).hostname) or host.startswith("-"):
        raise _refused(address, "names no host")
    return None


def _refused(address: str, why: str) -> RepositoryError:
    now = "give a folder, or an address that begins with https:// or ssh://, or user@host:path"
    return RepositoryError(f"the address {without_password(address)!r} {why}", hint=now)


def is_address(text: str) -> bool:
    """Tell the address of a repository elsewhere from the path of one on this machine."""
    return bool(_SCHEME.match(text) or _HELPER.match(text) or (not Path(text).exists() and _SCP.fullmatch(text)))


def without_password(text: str) -> str:
    """Blank the user and password of every address in `text`: they must not reach a message."""
    return re.sub(r"(\w://)[^/@\s]*@", r"\1***@", text)


def host_of(address: str) -> str | None:
    """Return the host of a remote address, with the port where it is one of https; None where the address is a local one."""
    if scheme := _SCHEME.match(address):
        parts = urlsplit(address)
        host = None if scheme[1].lower() == "file" else parts.hostname
        port = f":{parts.port}" if host and scheme[1].lower() == "https" and parts.port else ""
    else:
        scp = _SCP.fullmatch(address)
        host, port = (scp[1], "") if scp and not address.startswith(("/", ".")) else (None, "")
    # GitHub also answers ssh on port 443, under another name.
    return {"ssh.github.com": "github.com", "www.github.com": "github.com"}.get(host, host) + port if host else None


def slug_of(address: str) -> str | None:
    """Return owner/name of a remote address; None where it is a local one or has another shape."""
    if scheme := _SCHEME.match(address):
        path = "" if scheme[1].lower() == "file" else urlsplit(address).path
    else:
        scp = _SCP.fullmatch(address)
        path = scp[2] if scp and not address.startswith(("/", ".")) else ""
    parts = path.strip("/").removesuffix(".git").split("/")
    return "/".join(parts) if len(parts) == 2 and all(re.fullmatch(r"[\w.-]+", part) for part in parts) else None
