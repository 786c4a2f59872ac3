"""Choose pytest's options in the target's tree: its own configuration, without what disturbs measuring."""

from __future__ import annotations

import configparser
import os
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SWITCHED_OFF = (
    "cacheprovider", "xdist", "xdist.looponfail", "cov", "pytest_cov", "randomly", "pytest_randomly", "random_order",
    "codspeed", "pytest_codspeed", "codeflash-benchmark", "memray", "pytest_memray",
    # Linters and type checkers that come as plugins collect the benchmark once more, as something to check.
    "black", "checkdocs", "enabler", "flake8", "isort", "mypy", "pylint", "ruff",
    "timeout", "rerunfailures", "repeat", "pytest_repeat", "profiling", "pytest_profiling", "monitor", "sugar", "html",
)  # fmt: skip
"""Plugins that move tests to other processes, trace, reorder, repeat or end them, by their entry points' names."""

CARRIED = (
    "--import-mode", "--asyncio-mode", "--ds", "--dc", "--dp", "-p", "-W", "--pythonwarnings", "-o", "--override-ini",
)  # fmt: skip
"""Options of the target's own `addopts` that tests may need; each takes a value."""

_FILTERING = frozenset({"-W", "--pythonwarnings"})
_NAMES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_SECTIONS = {"tox.ini": "pytest", "setup.cfg": "tool:pytest"}

MEASURED = ("-p", "prprep_worker.benchmark.plugin", "--benchmark-enable")


def options(tree: Path, benchmark: str, own: tuple[str, ...] = MEASURED) -> tuple[str, ...]:
    """Return pytest's arguments for `benchmark`, a path in `tree` or a test in it; `own` are those of our plugin."""
    configuration, addopts = find_configuration(tree, tree / benchmark.partition("::")[0])
    off = [argument for plugin in SWITCHED_OFF for argument in ("-p", f"no:{plugin}")]
    return (
        str(tree / benchmark),
        f"--rootdir={tree}",
        f"--confcutdir={tree}",
        "-c",
        str(configuration or os.devnull),
        *("-o", "addopts=", "-o", "required_plugins="),
        *off,
        # Options of plugins that are switched off are unknown: an error under `filterwarnings = error`.
        *("-W", "ignore::pytest.PytestConfigWarning", "-W", "ignore::pytest.PytestUnknownMarkWarning"),
        *carried(addopts),
        *own,
        *("-q", "--no-header", "--tb=short", "--color=no", "-rN"),
    )


def carried(addopts: tuple[str, ...]) -> Iterator[str]:
    """Yield the options of the target's `addopts` that tests may need."""
    for name, value in _options(addopts):
        if not _disturbs(name, value):
            yield from (f"{name}={value}",) if name.startswith("--") else (name, value)


def _options(addopts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    arguments = iter(addopts)
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not argument.startswith("--"):
            name, equals, value = argument[:2], argument[2:], argument[2:]
        if name in CARRIED and (value := value if equals else next(arguments, "")):
            yield name, value


def find_configuration(tree: Path, benchmark: Path) -> tuple[Path | None, tuple[str, ...]]:
    """Find the file that pytest would take its configuration from, inside the tree, and its `addopts`."""
    file, settings = _settings_for(tree, benchmark)
    return file, _arguments(settings.get("addopts", ()))


def warning_filters(tree: Path, benchmark: Path) -> tuple[tuple[str, bool], ...]:
    """Return the filters of warnings that pytest applies to `benchmark`, in its order: the last match counts.

    Each comes with whether it is an option of `addopts`, whose message and module are no patterns.
    """
    _, settings = _settings_for(tree, benchmark)
    configured = settings.get("filterwarnings", ())
    lines = configured.splitlines() if isinstance(configured, str) else map(str, configured)
    return (
        *((line.strip(), False) for line in lines if line.strip()),
        *((value, True) for name, value in _options(_arguments(settings.get("addopts", ()))) if name in _FILTERING),
    )


def _settings_for(tree: Path, benchmark: Path) -> tuple[Path | None, dict[str, Any]]:
    for folder in (benchmark, *benchmark.parents):
        for name in _NAMES:
            if (folder / name).is_file() and (settings := _settings(folder / name)) is not None:
                return folder / name, settings
        if folder == tree:
            break
    return None, {}


def _settings(file: Path) -> dict[str, Any] | None:
    """Read a file's settings for pytest, None if it has none; pytest itself reports an unreadable file."""
    try:
        if file.suffix == ".toml":
            return _toml_settings(file)
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(file.read_text(encoding="utf-8"))
    except (ValueError, configparser.Error):
        return {} if file.name not in {"pyproject.toml", *_SECTIONS} else None
    section = _SECTIONS.get(file.name, "pytest")
    if parser.has_section(section):
        return dict(parser[section])
    return None if file.name in _SECTIONS else {}


def _toml_settings(file: Path) -> dict[str, Any] | None:
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    if file.name != "pyproject.toml":
        table: dict[str, Any] = document.get("pytest", {})
        return table
    tool = document.get("tool", {}).get("pytest")
    return None if tool is None else tool.get("ini_options", tool)


def _arguments(addopts: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(shlex.split(addopts)) if isinstance(addopts, str) else tuple(map(str, addopts))


def _disturbs(name: str, value: str) -> bool:
    plugin = name == "-p" and (value.startswith("no:") or value in SWITCHED_OFF)
    return plugin or (name in {"-o", "--override-ini"} and value.startswith(("addopts", "required_plugins")))
