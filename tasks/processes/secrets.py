"""What a secret is: the one definition, by which variables are withheld and texts are masked before they are written.

Secrets are the values of variables whose name or value looks like one, and of every variable that a manifest passes to
the project's code (`env: {pass: [NAME]}`). They are recognised in the encodings that programs use, and in part.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote

MASK: Final = "***"

NAME: Final = r"""(?ix)
    ^ (?! (?: OLD )? PWD $ | TOKENIZERS?_ | .* (?: MAX | MIN | NUM | CONTEXT ) _TOKENS? )
    .* (?:
        TOKEN | SECRET | CREDENTIAL | PASSW (?: O | R | OR )? [DT] | PASS (?: PHRASE | CODE | FILE | KEY ) | WEBHOOK
        | AUTHORIZATION | BEARER | MNEMONIC | AUTH_CONFIG | CONN (?: ECTION )? _? STR
        | (?<! [A-Z] ) (?: BW | OP ) _SESSION | (?: ACCESS | AUTH | RECOVERY | UNLOCK | SECURITY ) _? CODE
        | ID_ (?: RSA | DSA | ECDSA | ED25519 )
        | KEY_? (?: STORE | TAB | RING | FILE )
        | (?: (?<! BY ) (?<! COM ) (?<! TRES ) PASS | P (?: W | SW | WD | SWD ) | JW[TK] | DSN | COOKIE ) S? (?! [A-Z] )
        | (?<! MON ) (?<! HOT ) (?<! DON ) (?<! TUR ) KEYS? (?! [A-Z] )
        | (?<! [A-Z] ) (?: PAT | CREDS? | T?OTP | SALT | PEPPER | PEM | PFX | P12 | HMAC ) (?! [A-Z] )
        | (?<! [A-Z] ) (?: PHRASE | PSK | SAS ) (?! [A-Z] )
        | (?<! [A-Z] ) O?AUTH \d* $
    )
"""
"""Names of variables that hold secrets. Also for the worker, so it has to be a pattern of Python 3.9."""

_ACCOUNTS: Final = (
    "AWS_*", "AZURE_*", "GCP_*", "CLOUDSDK_*", "CLOUDFLARE_*", "GH_*", "GITHUB_*", "GITLAB_*", "ACTIONS_*", "VAULT_*",
    "TWINE_*", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_AGENT_INFO", "GNUPGHOME", "DBUS_SESSION_BUS_ADDRESS",
    "KRB5CCNAME", "KUBECONFIG", "NETRC", "PGSERVICEFILE", "BOTO_CONFIG",
)  # fmt: skip
"""Variables that lead to secrets, or belong to an account; their values are no secrets."""

_ADDRESS: Final = re.compile(r"\w://[^/\s@]*:([^/\s@]+)@|https?://([^/\s@]+)@")
_ASSIGNMENT: Final = re.compile(
    r"(?i)(?:pass(?:word|wd)?|pwd|secret|token|api_?key|(?:account|sharedaccess|private)_?key)[\"']?\s*[=:]\s*"
    r"[\"']?([^\s;&\"',]{3,})"
)
_SHAPE: Final = re.compile(
    r"\b(?:gh[pousr]_\w{20}|github_pat_\w{20}|glpat-[\w-]{16}|xox[abeoprs]-[\w-]{10}|sk-[\w-]{20}|hf_\w{20}|npm_\w{20}"
    r"|pypi-[\w-]{16}|[sr]k_(?:live|test)_\w{16}|SG\.[\w-]{16,}\.|dckr_pat_[\w-]{16}|do[opr]_v1_\w{16}|ya29\.[\w-]{16}"
    r"|A(?:KI|SI)A[A-Z0-9]{16}|AIza[\w-]{30}|eyJ[\w-]{10,}\.[\w-]{10,}\.)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:Bearer|Basic) [\w.~+/-]{8}|hooks\.slack\.com/services/"
)
_PIECE: Final = re.compile(r"[^\s\"',;&=]{16,}")

_LINE_WIDTHS: Final = (64, 76)
"""Of base64 in PEM files, and in MIME and the program `base64`."""

LEAST: Final = 8
"""Characters of an encoded form, or of a part of a secret, that show it."""


def is_secret(name: str, value: str) -> bool:
    """Return whether a variable looks like a secret: by its name, or by a value with a password or a known form."""
    return _names_secret(name) or any(pattern.search(value) for pattern in (_ADDRESS, _ASSIGNMENT, _SHAPE))


def is_withheld(name: str, value: str) -> bool:
    """Return whether the project's code must not see a variable, unless the manifest passes it."""
    return is_secret(name, value) or any(fnmatchcase(name.upper(), pattern) for pattern in _ACCOUNTS)


@lru_cache(maxsize=1024)
def _names_secret(name: str) -> bool:
    return re.search(NAME, name) is not None


class Secrets:
    """Values that must not be in any file of prprep's, in any of their forms."""

    def __init__(self, values: Iterable[str]) -> None:
        self.forms = tuple(sorted({form for value in values for form in _forms(value)}, key=lambda form: -len(form)))

    @classmethod
    def of(cls, environment: Mapping[str, str], passed: Collection[str] = ()) -> Secrets:
        """Collect the secrets of an environment, and what a manifest passes of it."""
        values = set[str]()
        for name, value in environment.items():
            is_passed, is_named = name in passed, is_secret(name, value)
            pieces = [*_pieces(value)] if is_named else [value] if is_passed else []
            values.update(piece for piece in pieces if _is_distinctive(piece, is_passed=is_passed))
        return cls(values)

    def are_in(self, text: str) -> bool:
        return self.masked(text) != text

    def masked(self, text: str) -> str:
        """Replace every secret, also one of which only the first or the last half is there: texts are cut."""
        for form in self.forms:
            text = text.replace(form, MASK)
        for form in self.forms:
            if form.startswith(("/", "~")) or len(form) <= LEAST:  # folders have their first half in common
                continue
            size = max(LEAST, (len(form) + 1) // 2)
            if form[:size] in text:
                text = _without(text, form, size)
            if form[-size:] in text:
                text = _without(text[::-1], form[::-1], size)[::-1]
        return text

    def masked_in(self, value: Any) -> Any:
        """Mask every text of a JSON value."""
        if not self.are_in(json.dumps(value, ensure_ascii=False)):
            return value
        if isinstance(value, str):
            return self.masked(value)
        if isinstance(value, dict):
            return {self.masked(key): self.masked_in(inner) for key, inner in value.items()}
        return [self.masked_in(inner) for inner in value] if isinstance(value, list) else value


def pass_variables(names: Iterable[str]) -> None:
    """Keep the values of these variables, which the project's code gets, out of everything that is written."""
    _PASSED.update(names)


def current(passed: Collection[str] = ()) -> Secrets:
    """Return the secrets of this process: of its variables, and what manifests pass."""
    names = _PASSED.union(passed)
    variables = ((name, value) for name, value in os.environ.items() if name in names or is_secret(name, value))
    return _collected(tuple(sorted(variables)), frozenset(names))


def masked(text: str) -> str:
    return current().masked(text)


_PASSED: Final = set[str]()


@lru_cache(maxsize=8)
def _collected(variables: tuple[tuple[str, str], ...], passed: frozenset[str]) -> Secrets:
    return Secrets.of(dict(variables), passed)


def _without(text: str, form: str, size: int) -> str:
    """Replace each part that begins with the first `size` characters of `form`, up to where the two differ."""
    parts, start = [], 0
    while (at := text.find(form[:size], start)) >= 0:
        end = at + size
        while end < len(text) and end - at < len(form) and text[end] == form[end - at]:
            end += 1
        parts += [text[start:at], MASK]
        start = end
    return "".join([*parts, text[start:]])


def _pieces(value: str) -> Iterator[str]:
    """Yield a value and the parts that are secrets by themselves: the password of an address, a line of a key."""
    yield value
    for pattern in (_ADDRESS, _ASSIGNMENT):
        for match in pattern.finditer(value):
            part = next(filter(None, match.groups()))
            yield from (part, unquote(part))
    yield from _PIECE.findall(value)


def _is_distinctive(value: str, *, is_passed: bool) -> bool:
    """Return whether a value is long or odd enough to be known again: `1`, `true` and `postgres` are in many texts.

    One that the project's code does not get is rarely in a text at all, so it has to look random.
    """
    kinds = sum(re.search(kind, value) is not None for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    if is_passed:
        return len(value) >= 10 or (len(value) >= 6 and kinds > 1)
    return len(value) >= 14 or (len(value) >= 8 and re.search("[0-9].*[a-zA-Z]|[a-zA-Z].*[0-9]", value) is not None)


def _forms(value: str) -> Iterator[str]:
    """Yield a value as it is, escaped as in code, JSON, addresses, HTML and shells, and encoded as text."""
    raw = value.encode(errors="surrogateescape")
    as_json = json.dumps(value)[1:-1]
    yield from (value, value.strip(), repr(value)[1:-1], ascii(value)[1:-1], repr(raw)[2:-1])
    yield from (as_json, json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(as_json)[1:-1])
    for characters in ("<>&", "<>&'"):  # what is escaped in JSON that may end up in HTML
        yield re.sub(f"[{characters}]", lambda match: f"\\u{ord(match[0]):04x}", as_json)
    as_html = html.escape(value)
    yield from (as_html, html.escape(value, quote=False), as_html.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"))
    yield from (
        value.replace("'", "'\"'\"'"),
        value.replace("'", r"'\''"),
        re.sub(r"[^\w@%+=:,./-]", r"\\\g<0>", value),
    )
    for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw), quote(quote(raw, safe=""))):
        yield from (quoted, re.sub("%..", lambda match: match[0].lower(), quoted))
    yield from (value.lower(), value.upper(), value.swapcase(), value[::-1], " ".join(value))
    for template in ("%{:02x}", "%{:02X}", r"\x{:02x}", "&#{};", "&#x{:x};", "&#x{:X};"):
        yield "".join(map(template.format, map(ord, value) if template.startswith("&") else raw))
    yield "".join(f"\\u{ord(character):04x}" for character in value)
    for separator in (":", " ", "-"):
        yield from (raw.hex(separator), raw.hex(separator).upper())
    yield from (", ".join(map(str, raw)), ",".join(map(str, raw)))
    encoded = [raw.hex(), raw.hex().upper(), base64.b32encode(raw).decode().rstrip("="), base64.b85encode(raw).decode()]
    for offset in range(3):
        # What comes before a value decides how its bytes fall into groups of three: `user:` in basic authentication.
        first, last = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        encoded += [
            encode(bytes(offset) + raw).decode()[first:last] for encode in (base64.b64encode, base64.urlsafe_b64encode)
        ]
    for width in _LINE_WIDTHS:
        encoded += textwrap.wrap(base64.b64encode(raw).decode(), width)
    yield from (each for each in encoded if len(each) >= LEAST)
