"""What counts as a secret, and what is left of it in a text."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import textwrap
from urllib.parse import quote, quote_plus

import markupsafe
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.utils import htmlsafe_json_dumps

from tasks.artifacts import Failure
from tasks.processes import secrets
from tasks.processes.secrets import MASK, Secrets, is_secret, is_withheld

NAMES = [
    "SMTP_PASS",
    "DB_PW",
    "PGPASS",
    "JWT",
    "COOKIE",
    "SLACK_WEBHOOK",
    "LDAP_BINDPW",
    "PAT",
    "DSN",
    "MY_TOKEN",
    "hf_token",
    "CLIENT_SECRET",
    "DB_PASSWORD",
    "MYSQL_PWD",
    "OPENAI_API_KEY",
    "SIGNING_KEY",
    "SSH_PRIVATE_KEY_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "SENTRY_DSN",
    "dbPass",
    "DB_PASS2",
    "GH_PAT_CI",
    "PAT_2",
    "APIKEY",
    "KEY",
    "SSH_KEYS",
    "SSHKEY",
    "CI_JOB_JWT",
    "AUTH",
    "REGISTRY_AUTH",
    "BW_SESSION",
    "ADMIN_PSW",
    "SESSION_COOKIES",
    "CREDS",
    "DOCKER_AUTH_CONFIG",
    "SSHPASS",
    "rootpw",
    "slackWebhookUrl",
    "ACCESS_CODE",
    "JWKS",
    "KEYSTORE",
    "HTTP_AUTHORIZATION",
    "WALLET_MNEMONIC",
    "SALT",
    "RECOVERY_PHRASE",
    "WIFI_PSK",
    "BLOB_SAS",
    "NPM_OAUTH",
]
HARMLESS = [
    "TOKENIZERS_PARALLELISM",
    "KEYBOARD",
    "PWD",
    "OLDPWD",
    "PATH",
    "OMP_NUM_THREADS",
    "MAX_TOKENS",
    "MODEL_MAX_TOKENS",
    "COMPASS",
    "BYPASS_CACHE",
    "COOKIECUTTER_CONFIG",
    "MANPATH",
    "PYTHONPATH",
    "LANG",
    "PASSTHROUGH",
    "AUTHOR",
    "DESKTOP_SESSION",
    "XDG_SESSION_ID",
    "PATCH",
    "PATTERN",
    "MONKEY",
    "PARAPHRASE_MODEL",
    "SASS_PATH",
]
VALUE = "hush+Hush/3141 592%65\u00e9\"'<&more"


@pytest.mark.parametrize("name", NAMES)
def test_names_of_secrets(name):
    assert is_secret(name, "")
    assert is_withheld(name, "")


@pytest.mark.parametrize("name", HARMLESS)
def test_names_that_only_look_like_those_of_secrets(name):
    assert not is_withheld(name, "")


@pytest.mark.parametrize(
    "value",
    [
        "postgres://me:hush@host/db",
        "https://hush@host/x",
        "Server=db;User Id=me;Password=hush;",
        "host=db password=hush",
        "https://host/path?token=hush",
        '{"private_key": "hush"}',
        "ghp_" + "a1" * 18,
        "xoxb-1234567890-abc",
        "https://hooks.slack.com/services/T0/B0/x",
        "-----BEGIN RSA PRIVATE KEY-----\nhush",
        "Bearer abcdefgh12345",
        "sk_live_" + "a1" * 12,
        "SG." + "a1" * 11 + "." + "b2" * 20,
    ],
)
def test_values_of_secrets_under_any_name(value):
    assert is_secret("SETTING", value)


def test_variables_of_accounts_are_withheld_and_their_values_are_no_secrets():
    assert is_withheld("GITHUB_REPOSITORY", "owner/name")
    assert not is_secret("GITHUB_REPOSITORY", "owner/name")
    text = "https://github.com/owner/name"
    assert (
        Secrets.of({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "owner/name"}).masked(text) == text
    )


ENCODINGS = {
    "as it is": str,
    "repr": repr,
    "ascii": ascii,
    "bytes": lambda text: repr(text.encode()),
    "JSON": json.dumps,
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"a": text})),
    "URL": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "small letters": lambda text: quote(text, safe="").lower().replace("hush%2bhush", "hush%2bHush"),
    "URL in URL": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML": html.escape,
    "HTML with quotes": lambda text: html.escape(text, quote=False),
    "markupsafe": lambda text: str(markupsafe.escape(text)),
    "JSON in HTML": lambda text: str(htmlsafe_json_dumps(text)),
    "JSON of Go": lambda text: json.dumps(text).replace("&", "\\u0026").replace("<", "\\u003c"),
    "shell": shlex.quote,
    "shell's trace": lambda text: text.replace("'", "'\\''"),
    "shell's %q": lambda text: re.sub(r"[^\w@%+=:,./-]", r"\\\g<0>", text),
    "hexadecimal": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "bytes with colons": lambda text: text.encode().hex(":"),
    "bytes as numbers": lambda text: json.dumps([*text.encode()]),
    "every byte of a URL": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "every byte of a literal": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "references in HTML": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "references in HTML in hexadecimal": lambda text: "".join(f"&#x{ord(character):x};" for character in text),
    "escapes in JSON": lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
    "capitals": str.upper,
    "small letters alone": str.lower,
    "reversed": lambda text: text[::-1],
    "spaced": " ".join,
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    **{
        f"{name} after {offset}": lambda text, encode=encode, offset=offset: encode(
            b"u" * offset + text.encode()
        ).decode()
        for name, encode in (("base64", base64.b64encode), ("URL-safe base64", base64.urlsafe_b64encode))
        for offset in range(4)
    },
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_secrets_are_masked_in_every_encoding(encode):
    hidden = Secrets.of({"NAME": VALUE, "OTHER": "nothing to hide"}, passed=("NAME",))
    text = f"before {encode(VALUE)} after, nothing to hide"
    masked = hidden.masked(text)
    assert hidden.are_in(text)
    assert MASK in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after, nothing to hide")
    assert len(masked) < 60


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=10), st.binary(), st.binary()
)
def test_no_half_of_a_secret_is_left_in_base64(value, before, after):
    text = base64.b64encode(before + value.encode() + after).decode()
    masked = Secrets([value]).masked(text)
    for number in range(3):
        encoded = base64.b64encode(bytes(number) + value.encode()).decode()[-(-number * 8 // 6) :].rstrip("=")[:-1]
        assert len(encoded) < 9 or encoded not in masked


@pytest.mark.parametrize("width", [64, 76])
def test_every_line_of_a_long_secret_in_base64_is_masked(width):
    value = "".join(f"{number:03d}-" for number in range(99))
    lines = textwrap.wrap(base64.b64encode(value.encode()).decode(), width)
    assert set(Secrets([value]).masked("\n".join(lines)).split()) == {MASK}


@pytest.mark.parametrize("cut", ["hush+Hush/3141 59…", "… 3141 592%65\u00e9\"'<&more"])
def test_secrets_are_masked_where_a_text_was_cut(cut):
    masked = Secrets([VALUE]).masked(f"it returns {cut}")
    assert "3141" not in masked


def test_the_password_of_an_address_and_the_lines_of_a_key_are_secrets_themselves():
    key = "-----BEGIN PRIVATE KEY-----\n" + "\n".join("MIIEvQIBADANBgkqhkiG9w0BAQ" + letter * 10 for letter in "ab")
    hidden = Secrets.of({"URL": "postgres://me:s3cret%2Fword@host/db", "FILE": key, "ADO": "Uid=me;Pwd=an0therone;"})
    for text in ("login s3cret%2Fword", "login s3cret/word", "login an0therone", f"line {key.splitlines()[2]}"):
        assert hidden.masked(text).endswith(MASK), text


@pytest.mark.parametrize("value", ["1", "true", "postgres", "secret", "123456", ""])
def test_values_that_any_text_may_hold_are_not_masked(value):
    text = f"tests/{value}/test_{value}.py: {value} 123456789"
    assert Secrets.of({"A_PASSWORD": value}, passed=("A_PASSWORD",)).masked(text) == text


@pytest.mark.parametrize("value", ["created_at", "test-token", "changeme-now"])
def test_values_that_are_not_passed_are_masked_if_they_look_random(value):
    text = f"sorted by {value}"
    assert Secrets.of({"SORT_KEY": value}).masked(text) == text
    assert Secrets.of({"SORT_KEY": f"{value}-1"}).masked(f"{text}-1") == f"sorted by {MASK}"
    assert Secrets.of({"SORT_KEY": value}, passed=("SORT_KEY",)).masked(text) == f"sorted by {MASK}"


def test_folders_are_masked_as_a_whole_only():
    hidden = Secrets.of({"KEY_FILE": "/srv/data/.config/key.json"})
    assert hidden.masked("/srv/data/.config/other /srv/data/.config/key.json") == f"/srv/data/.config/other {MASK}"


def test_artifacts_hold_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAIN_NAME", VALUE)
    monkeypatch.setenv("SMTP_PASS", "hush-1234567890")
    secrets.pass_variables(["PLAIN_NAME"])
    Failure(item="a", stage="lint", message=f"{VALUE} and hush-1234567890 in {tmp_path}").write(tmp_path / "x.json")
    assert Failure.read(tmp_path / "x.json").message == f"{MASK} and {MASK} in {tmp_path}"
