"""Pass the package indexes of pip's configuration to uv, which does not read it.

Most private registries are configured for pip. Settings for uv itself win.
"""

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path

OPTIONS = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_EXTRA_INDEX_URL", "find-links": "UV_FIND_LINKS"}
UV_SETTINGS = (*OPTIONS.values(), "UV_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE", "UV_NO_INDEX", "UV_OFFLINE")


def uv_variables(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the variables that make uv use pip's indexes; {} if uv has its own, or pip none.

    As in pip, later files win over earlier ones, and variables over files.
    """
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    uv_files = (config / "uv/uv.toml", Path("/etc/uv/uv.toml"))
    if any(environment.get(name) for name in UV_SETTINGS) or any(file.is_file() for file in uv_files):
        return {}
    options = {option: value for source in _sources(environment, home) for option, value in source.items()}
    if not options:
        return {}
    variables = {OPTIONS[option]: _uv_value(option, value) for option, value in options.items()}
    # pip takes the best version of all its indexes; uv would stop at the first that knows the name.
    return {**variables, "UV_INDEX_STRATEGY": environment.get("UV_INDEX_STRATEGY", "unsafe-best-match")}


def _sources(environment: Mapping[str, str], home: Path) -> Iterator[dict[str, str]]:
    for file in _files(environment, home):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself will complain
        for section in ("global", "install"):
            if parser.has_section(section):
                yield {option: value for option in OPTIONS if (value := parser.get(section, option, fallback=""))}
    names = {option: "PIP_" + option.upper().replace("-", "_") for option in OPTIONS}
    yield {option: value for option, name in names.items() if (value := environment.get(name, ""))}


def _files(environment: Mapping[str, str], home: Path) -> list[Path]:
    if file := environment.get("PIP_CONFIG_FILE"):
        return [Path("/etc/pip.conf"), Path(file)] if file != "/dev/null" else []
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return [
        Path("/etc/pip.conf"),
        Path("/Library/Application Support/pip/pip.conf"),
        home / ".pip/pip.conf",
        home / "Library/Application Support/pip/pip.conf",
        config / "pip/pip.conf",
    ]


def _uv_value(option: str, value: str) -> str:
    return (", " if option == "find-links" else " ").join(value.split()).replace(", ", ",")
