"""Carry the package indexes of pip's configuration over to uv, which does not read it.

Private registries are mostly set up for pip. What is set up for uv itself is left alone and wins.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path

OPTIONS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
}
SET_FOR_UV = (*OPTIONS.values(), "UV_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE", "UV_NO_INDEX", "UV_OFFLINE")


def uv_variables(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the variables that make uv use pip's indexes; {} where uv has indexes of its own, or pip none.

    Later files win over earlier ones, and pip's own variables over files, as in pip.
    """
    if any(environment.get(name) for name in SET_FOR_UV) or _has_uv_settings(environment, home):
        return {}
    found = {option: value for place in _sources(environment, home) for option, value in place.items()}
    if not found:
        return {}
    variables = {OPTIONS[option]: _spelled(option, value) for option, value in found.items()}
    # pip takes the best version of all its indexes; uv would stop at the first that knows the name.
    return {**variables, "UV_INDEX_STRATEGY": environment.get("UV_INDEX_STRATEGY", "unsafe-best-match")}


def _has_uv_settings(environment: Mapping[str, str], home: Path) -> bool:
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return any(place.is_file() for place in (user / "uv/uv.toml", Path("/etc/uv/uv.toml")))


def _sources(environment: Mapping[str, str], home: Path) -> Iterator[dict[str, str]]:
    for file in _files(environment, home):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip will complain about its own file; uv does not need it
        for section in ("global", "install"):
            if parser.has_section(section):
                yield {option: value for option in OPTIONS if (value := parser.get(section, option, fallback=""))}
    yield {
        option: value for option in OPTIONS if (value := environment.get("PIP_" + option.upper().replace("-", "_"), ""))
    }


def _files(environment: Mapping[str, str], home: Path) -> list[Path]:
    if named := environment.get("PIP_CONFIG_FILE"):
        return [Path("/etc/pip.conf"), Path(named)] if named != "/dev/null" else []
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return [
        Path("/etc/pip.conf"),
        Path("/Library/Application Support/pip/pip.conf"),
        home / ".pip/pip.conf",
        home / "Library/Application Support/pip/pip.conf",
        user / "pip/pip.conf",
    ]


def _spelled(option: str, value: str) -> str:
    return (", " if option == "find-links" else " ").join(value.split()).replace(", ", ",")
