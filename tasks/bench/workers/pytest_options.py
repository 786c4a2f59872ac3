"""Choose pytest's options in the project's tree: its own configuration, without what disturbs measuring."""

import configparser
import os
import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
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

ONE_LETTER = frozenset({"-p", "-W", "-o"})
"""Options with one letter that stay; pytest's others choose tests, or how much is printed."""
MAY_BE_NEEDED = ONE_LETTER | {
    "--import-mode",
    "--asyncio-mode",
    "--ds",
    "--dc",
    "--dp",
    "--pythonwarnings",
    "--override-ini",
}
"""Options that tests may need, of pytest and of plugins without which they cannot run at all."""
PARALLEL = frozenset(
    {
        *("-n", "-d", "-f", "--numprocesses", "--maxprocesses", "--dist", "--tx", "--px", "--rsyncdir"),
        *("--rsyncignore", "--forked", "--boxed", "--looponfail", "--maxschedchunk", "--testrunuid", "--count"),
        "--flake-finder",
    }
)
"""Options that run tests in other processes, or again."""
LEFT_OUT = frozenset(
    {
        # They choose tests, stop early, or need a terminal.
        *("--exitfirst", "--maxfail", "--lf", "--last-failed", "--ff", "--failed-first", "--nf", "--new-first"),
        *("--sw", "--stepwise", "--stepwise-skip", "--pdb", "--pdbcls", "--trace", "--deselect", "--ignore"),
        *("--ignore-glob", "--collect-only", "--co", "--pyargs", "--runxfail", "--setup-only", "--setup-show"),
        "--setup-plan",
        # They print, or write files.
        *("--verbose", "--quiet", "--verbosity", "--showlocals", "--no-showlocals", "--tb", "--color"),
        *("--code-highlight", "--capture", "--show-capture", "--durations", "--durations-min", "--full-trace"),
        *("--no-header", "--no-summary", "--pastebin", "--debug", "--log-file", "--cache-clear", "--cache-show"),
        *("--no-fold-skipped", "--xfail-tb"),
        # prprep sets these itself.
        *("--rootdir", "--confcutdir", "--config-file", "--basetemp", "--strict", "--strict-markers"),
        "--strict-config",
        *PARALLEL,
        # They check the files, or show the progress.
        *("--flakes", "--pep8", "--monitor", "--no-monitor", "--sugar", "--no-sugar", "--instafail"),
    }
)
WITHOUT_VALUE = frozenset(
    {
        *("-d", "-f", "--forked", "--boxed", "--looponfail", "--flake-finder", "--no-cov", "--no-cov-on-fail"),
        *("--cov-append", "--cov-branch", "--cov-reset", "--benchmark-only", "--benchmark-skip", "--benchmark-disable"),
        *("--benchmark-enable", "--benchmark-disable-gc", "--benchmark-autosave", "--benchmark-verbose", "--codspeed"),
        *("--benchmark-save-data", "--benchmark-quiet", "--memray", "--random-order", "--randomly-dont-reorganize"),
        *("--randomly-dont-reset-seed", "--rerun-show-tracebacks", "--timeout-disable-debugger-detection"),
        *("--profile", "--profile-svg", "--self-contained-html", "--black", "--flake8", "--isort", "--mypy"),
        *("--mypy-ignore-missing-imports", "--mypy-no-status-check", "--mypy-xfail", "--pylint", "--ruff"),
        *("--ruff-format", "--codeflash-trace"),
    }
)
"""Of the options that are left out of the command of `drive:`, those that take no value."""
LEFT_OUT_FAMILIES = (
    "--cov", "--no-cov", "--benchmark", "--codspeed", "--memray", "--rerun", "--timeout", "--session-timeout",
    "--randomly", "--random-order", "--repeat", "--profile", "--junit", "--html", "--self-contained-html",
    "--doctest", "--black", "--flake8", "--isort", "--mypy", "--pylint", "--ruff", "--codeflash",
)  # fmt: skip
"""Beginnings of the options of plugins that are switched off."""

_NO_INPUT = re.compile(
    r"addopts|markers|filterwarnings|testpaths|norecursedirs|collect_imported_tests|python_\w+|pythonpath|minversion"
    r"|required_plugins|cache_dir|console_output_style|empty_parameter_set_mark|enable_assertion_pass_hook"
    r"|strict\w*|xfail_strict|(asyncio|anyio|log|junit|doctest|faulthandler|tmp_path|truncation|verbosity|timeout)_?\w*"
)
"""pytest's own settings, and those of some plugins, that do not decide with which values a test runs."""

_OPTION = re.compile(r"-(?!\.?\d)")
"""The beginning of an option, as opposed to a negative number."""
_FILTERING = frozenset({"-W", "--pythonwarnings"})
_NAMES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_SECTIONS = {"tox.ini": "pytest", "setup.cfg": "tool:pytest"}

USAGE_ERROR = 4
"""pytest's exit code for unknown options, and for values of options that it does not know."""
COMMON = ("-p", "prprep_worker.unknown_options", "-p", "prprep_worker.spared_lookups")
MEASURED = (*COMMON, "-p", "prprep_worker.benchmark.plugin", "--benchmark-enable")

_WITHOUT_OWN = (
    *("-o", "addopts=", "-o", "required_plugins="),
    *(argument for plugin in SWITCHED_OFF for argument in ("-p", f"no:{plugin}")),
    # Options of plugins that are switched off are unknown: an error under `filterwarnings = error`.
    *("-W", "ignore::pytest.PytestConfigWarning", "-W", "ignore::pytest.PytestUnknownMarkWarning"),
)


def options(tree: Path, *tests: str, own: tuple[str, ...] = MEASURED) -> tuple[str, ...]:
    """Return pytest's arguments for `tests`, paths in `tree` or tests in them; `own` are those of our plugin.

    The configuration is that of the first test.
    """
    configuration, addopts = find_configuration(tree, tree / tests[0].partition("::")[0])
    return (
        *(str(tree / test) for test in tests),
        f"--rootdir={tree}",
        f"--confcutdir={tree}",
        "-c",
        str(configuration or os.devnull),
        *_WITHOUT_OWN,
        *without_disturbing(addopts),
        *own,
        *("-q", "--no-header", "--tb=short", "--color=no", "-rN"),
    )


def options_of_drive(tree: Path, folder: Path, arguments: Sequence[str], own: tuple[str, ...]) -> tuple[str, ...]:
    """Return pytest's arguments for the command of `drive:` in `folder`, with the project's `addopts`.

    What chooses tests stays; what moves them to other processes, traces, repeats or ends them is left out.
    """
    _, addopts = find_configuration(tree, folder)
    return (*_WITHOUT_OWN, *_undisturbed(addopts), *own, *_undisturbed(arguments))


def _undisturbed(arguments: Sequence[str]) -> Iterator[str]:
    """Yield arguments without the options of plugins that are switched off, and without the values of these."""
    words = list(arguments)
    while words:
        word = words.pop(0)
        name = word.partition("=")[0]
        if _OPTION.match(word) and not word.startswith("--"):
            name = word[:2]
            if name == "-p":
                value = word[2:] or (words.pop(0) if words else "")
                yield from ("-p", value) if value not in SWITCHED_OFF else ()
                continue
        if name.startswith("--doctest") or not (name in PARALLEL or name.startswith(LEFT_OUT_FAMILIES)):
            yield word
        elif word == name and name not in WITHOUT_VALUE and words and not _OPTION.match(words[0]):
            words.pop(0)


def without_disturbing(addopts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the project's `addopts` without those that disturb measuring; what a conftest registers stays."""
    return tuple(word for group in _grouped(addopts) if not _disturbs(group) for word in group)


def without_plugins(addopts: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the project's `addopts` that pytest knows if the plugins of the others are not installed."""
    groups = (group for group in _grouped(addopts) if not _disturbs(group))
    return tuple(word for group in groups if next(_options(group))[0] in MAY_BE_NEEDED for word in group)


def left_out(tree: Path, benchmark: str) -> tuple[str, ...]:
    """Return those of the project's `addopts` that disturb measuring."""
    _, addopts = find_configuration(tree, tree / benchmark.partition("::")[0])
    return tuple(" ".join(group) for group in _grouped(addopts) if _disturbs(group))


def replacement(tree: Path, benchmark: str, unknown: Sequence[str] = ()) -> str | None:
    """Return the `addopts` to measure with in place of the project's, without `unknown` ones; None if all can stay."""
    _, addopts = find_configuration(tree, tree / benchmark.partition("::")[0])
    groups = _grouped(addopts)
    rest = [group for group in groups if not _disturbs(group) and group[0] not in unknown]
    return None if rest == groups else shlex.join(word for group in rest for word in group)


def _grouped(addopts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Group each option with the words after it, which may be its values; words before the first option are paths."""
    groups: list[tuple[str, ...]] = []
    for word in addopts:
        if _OPTION.match(word) or not groups:
            groups.append((word,))
        else:
            groups[-1] = (*groups[-1], word)
    return groups


def _options(addopts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each option."""
    for first, *values in _grouped(addopts):
        name, equals, value = first.partition("=")
        if not first.startswith("--"):
            name, equals, value = first[:2], first[2:], first[2:]
        yield name, value if equals else (values or [""])[0]


def input_settings(tree: Path, benchmark: Path) -> dict[str, str]:
    """Return the settings for pytest that may decide with which values a test runs, each with its text."""
    _, settings = _settings_for(tree, benchmark)
    values = {name: str(value) for name, value in settings.items() if not _NO_INPUT.fullmatch(name)}
    groups = [group for group in _grouped(_arguments(settings.get("addopts", ()))) if not _disturbs(group)]
    for group in groups:
        ((name, _),) = _options(group)
        if name not in MAY_BE_NEEDED:
            values[name] = shlex.join(group)
    return values


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


def _disturbs(group: tuple[str, ...]) -> bool:
    ((name, value),) = _options(group)
    if name == "-p":
        return not value or value.startswith("no:") or value in SWITCHED_OFF
    if name in {"-o", "--override-ini"}:
        return not value or value.startswith(("addopts", "required_plugins"))
    if not name.startswith("--"):
        return name not in ONE_LETTER
    return name in LEFT_OUT or name.startswith(LEFT_OUT_FAMILIES)
