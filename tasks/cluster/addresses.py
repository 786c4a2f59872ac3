"""Addresses of schedulers; only one that stays on this machine may do without TLS."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from ..errors import UsageError
from ..text.messages import quoted

PORT: Final = 8786
_FORMS: Final = f"tls://HOST:{PORT}, or tcp://127.0.0.1:{PORT} on a single machine"


class Address(NamedTuple):
    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> Address:
        """Read an address; raise UsageError if it is none, or if what it would carry is not encrypted."""
        try:
            parts = urlsplit(text)
            port = PORT if parts.port is None else parts.port
        except ValueError:
            parts, port = urlsplit(""), 0
        address = cls(parts.scheme, parts.hostname or "", port)
        has_more = parts.path or parts.query or parts.fragment or parts.username or parts.password
        if address.scheme not in {"tls", "tcp"} or not address.host or has_more or parts.netloc.endswith(":"):
            raise UsageError(f"{quoted(text)} is not the address of a scheduler", hint=f"write {_FORMS}")
        if address.scheme == "tcp" and not address.is_loopback:
            what = f"{address} is not encrypted: whoever reaches it could read the jobs and run code"
            hint = f"use {address._replace(scheme='tls')}; `prprep workers keys` writes the certificates for it"
            raise UsageError(what, hint=hint)
        return address

    @property
    def is_encrypted(self) -> bool:
        return self.scheme == "tls"

    @property
    def is_loopback(self) -> bool:
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"
