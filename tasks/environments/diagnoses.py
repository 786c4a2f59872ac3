"""The table of diagnoses: the pattern of a known failure in a program's output, its cause, and a hint how to fix it.

A new entry is one more `_entry(...)` below. The requirements of a repair are installed for all sides alike; nothing
else is repaired automatically, least of all the measured code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A known failure; `{it}` in the cause and the hint is the named group that the pattern matched."""

    name: str
    pattern: re.Pattern[str]
    cause: str
    hint: str
    final: bool = False
    """Whether installing fewer packages would fail in the same way."""
    repairs: Mapping[str, str] | None = None
    """The requirement to install, by matched name; nothing else is ever installed."""

    def match(self, output: str) -> Match | None:
        matched = self.pattern.search(output)
        if matched is None:
            return None
        return Match(self, next((text for text in matched.groupdict().values() if text), ""))


@dataclass(frozen=True, slots=True)
class Match:
    diagnosis: Diagnosis
    text: str = ""

    @property
    def cause(self) -> str:
        return self.diagnosis.cause.replace("{it}", self.text)

    @property
    def hint(self) -> str:
        return self.diagnosis.hint.replace("{it}", self.text)

    @property
    def requirement(self) -> str:
        """Return the requirement that repairs it, "" if none is known."""
        return (self.diagnosis.repairs or {}).get(self.text.partition(".")[0], "")


def _entry(
    name: str, pattern: str, cause: str, hint: str, *, final: bool = False, repairs: Mapping[str, str] | None = None
) -> Diagnosis:
    return Diagnosis(name, re.compile(pattern, re.IGNORECASE), cause, hint, final, repairs)


def diagnose(output: str, table: Sequence[Diagnosis]) -> Match | None:
    return next((match for entry in table if (match := entry.match(output))), None)


# -- building environments --------------------------------------------------------------------------

ENVIRONMENT = (
    _entry(
        "disk-full",
        r"no space left on device",
        "the disk is full",
        "free some space, or name other folders in PRPREP_CACHE and UV_CACHE_DIR",
        final=True,
    ),
    _entry(
        "index-unreachable",
        r"error sending request|dns error|failed to lookup address|connection refused|network connectivity is disabled"
        r"|network was disabled|connect error|operation timed out|tunnel error|certificate",
        "the package index cannot be reached",
        "check the network, or name another index: UV_DEFAULT_INDEX, or `env: {install: ['--default-index ADDRESS']}`",
        final=True,
    ),
    _entry(
        "index-refuses",
        r"401 unauthorized|403 forbidden",
        "the package index denies access",
        "configure the credentials of your index for uv, as for `uv pip install`",
        final=True,
    ),
    _entry(
        "no-interpreter",
        r"no interpreter found|no python (at|found)",
        "this machine has no matching Python",
        "install that Python, or choose another: `env: {python: '3.12'}`, or the path of an interpreter",
        final=True,
    ),
    _entry(
        "missing-header",
        r"fatal error: '?(?P<it>[\w./+-]+\.h\w*)'?(: no such file|.*file not found)",
        "a header file is missing: {it}",
        "install the system package that contains it (for Python.h: python3-dev), "
        "or a version with wheels: `env: {install: ['NAME==VERSION']}`",
    ),
    _entry(
        "missing-compiler",
        r"(command|unable to execute|error:) '?(?P<it>[\w-]*(gcc|cc|g\+\+|c\+\+|clang|cl\.exe|gfortran))'?"
        r".*(no such file|not found|failed: none)|no working compiler|unknown compiler"
        r"|rust compiler|can't find rust|cargo.*not (found|installed)",
        "a compiler is missing",
        "install the compiler (Debian: build-essential, macOS: xcode-select --install, Rust: rustup), "
        "or a version with wheels: `env: {install: ['NAME==VERSION']}`",
    ),
    _entry(
        "lock-unusable",
        r"failed to parse .*\.lock|unable to find lockfile|lockfile.*(outdated|needs to be updated)",
        "the lock file cannot be used",
        "update it with the project's own tool, in that commit",
    ),
    _entry(
        "wrong-python",
        r"requires-python|requires python|does not satisfy python|python version does not|incompatible python"
        r"|incompatible with the project's python|python version.*not",
        "the requirements do not support the chosen Python version",
        "choose another: `env: {python: '3.12'}`, or the path of an interpreter",
    ),
    _entry(
        "no-extra",
        r"requested extras? not found|extra.*not found",
        "a requested extra does not exist",
        "correct `env: {extras: [...]}`",
    ),
    _entry(
        "no-package",
        r"was not found in the (package registry|provided package locations)"
        r"|there (are no versions|is no version) of",
        "a requirement is not in the package index",
        "name the index that has it (`env: {install: ['--index ADDRESS']}`), "
        "or another version (`env: {install: ['NAME==VERSION']}`)",
    ),
    _entry(
        "contradiction",
        r"no solution found",
        "the requirements conflict",
        "choose compatible extras and groups (`env: {extras: [...], groups: [...]}`), "
        "or another Python (`env: {python: '3.12'}`)",
    ),
    _entry(
        "build-failed",
        r"failed to (build|prepare)|build back ?end|failed to generate package metadata"
        r"|not (a valid|appear to be a) python project",
        "a package could not be built",
        "see the lines above; `env: {python: ..., install: [...]}` selects another Python or other versions",
    ),
)
UNKNOWN = _entry(
    "unknown",
    "",
    "uv could not build it",
    "see the lines above; set python, extras, groups and install under `env:` in the manifest",
)

# -- running the benchmark --------------------------------------------------------------------------

MODULES = {
    "PIL": "pillow", "aiohttp": "aiohttp", "attr": "attrs", "attrs": "attrs", "bs4": "beautifulsoup4",
    "cattrs": "cattrs", "cv2": "opencv-python-headless", "dateutil": "python-dateutil", "distutils": "setuptools",
    "django": "django", "docutils": "docutils", "fastapi": "fastapi", "flask": "flask", "freezegun": "freezegun",
    "hypothesis": "hypothesis", "idna": "idna", "jinja2": "jinja2", "jsonschema": "jsonschema", "lxml": "lxml",
    "matplotlib": "matplotlib", "msgpack": "msgpack", "networkx": "networkx", "numpy": "numpy", "orjson": "orjson",
    "packaging": "packaging", "pandas": "pandas", "pkg_resources": "setuptools<81", "polars": "polars",
    "psutil": "psutil", "pyarrow": "pyarrow", "pydantic": "pydantic", "pytest_asyncio": "pytest-asyncio",
    "pytest_mock": "pytest-mock", "pytz": "pytz", "requests": "requests", "scipy": "scipy", "setuptools": "setuptools",
    "six": "six", "skimage": "scikit-image", "sklearn": "scikit-learn", "sqlalchemy": "sqlalchemy", "sympy": "sympy",
    "toml": "toml", "tomli": "tomli", "tqdm": "tqdm", "trio": "trio", "typing_extensions": "typing-extensions",
    "werkzeug": "werkzeug", "yaml": "pyyaml", "zmq": "pyzmq",
}  # fmt: skip
"""Distributions by top-level module. An import alone never installs a distribution of that name."""

FIXTURES = {
    "db": "pytest-django", "admin_client": "pytest-django", "rf": "pytest-django", "transactional_db": "pytest-django",
    "aiohttp_client": "pytest-aiohttp", "aioresponses": "aioresponses", "anyio_backend": "anyio", "cov": "pytest-cov",
    "datadir": "pytest-datadir", "data_regression": "pytest-regressions", "django_db_setup": "pytest-django",
    "event_loop": "pytest-asyncio", "faker": "faker", "file_regression": "pytest-regressions",
    "freezer": "pytest-freezer", "fs": "pyfakefs", "httpserver": "pytest-httpserver", "httpx_mock": "pytest-httpx",
    "lazy_datadir": "pytest-datadir", "mocker": "pytest-mock", "module_mocker": "pytest-mock",
    "num_regression": "pytest-regressions", "qtbot": "pytest-qt", "requests_mock": "requests-mock",
    "respx_mock": "respx", "session_mocker": "pytest-mock", "shared_datadir": "pytest-datadir", "snapshot": "syrupy",
    "subtests": "pytest-subtests", "xprocess": "pytest-xprocess",
}  # fmt: skip
"""Distributions by fixture."""

_PLUGINS = (
    "pytest-asyncio", "pytest-benchmark", "pytest-cov", "pytest-django", "pytest-mock", "pytest-timeout",
    "pytest-xdist",
)  # fmt: skip
"""Plugins that a project may list as required."""

BENCHMARK = (
    _entry(
        "lfs-pointer",
        r"version https://git-lfs\.github\.com/spec",
        "a file is a Git LFS pointer: its content is not in the tree",
        "fetch it with `git lfs pull` in the repository, or let the benchmark create its own input",
    ),
    _entry(
        "module-missing",
        r"ModuleNotFoundError: No module named '(?P<it>[\w.]+)'",
        "the module `{it}` is not in the environment",
        "install its distribution: `env: {install: [{it}]}`, or the extra or group that contains it; "
        "if it is the project's own module, name a `base` that has it",
        repairs=MODULES,
    ),
    _entry(
        "shared-library-missing",
        r"ImportError: (?P<it>lib[\w.+-]+\.so[\w.]*): cannot open shared object file",
        "the system library {it} is missing",
        "install the system package that contains it (Debian: `apt-file search {it}`)",
    ),
    _entry(
        "binary-mismatch",
        r"numpy\.(dtype|ufunc) size changed|compiled using NumPy 1\.x|undefined symbol: (?P<it>\w+)",
        "a compiled package was built for another version of an installed package",
        "pin the version it was built for, such as `env: {install: ['numpy<2']}`",
    ),
    _entry(
        "pytest-itself",
        r"cannot import name '(?P<it>\w+)' from '(pluggy|iniconfig|packaging|_pytest)[\w.]*'",
        "pytest itself depends on this project, and needs a newer version than this commit",
        "choose an older pytest: `env: {install: ['pytest<8']}`",
    ),
    _entry(
        "name-missing",
        r"ImportError: cannot import name '(?P<it>\w+)'"
        r"|AttributeError: (module |type object )?'[\w.]+' (object )?has no attribute '(?P<that>\w+)'",
        "`{it}` does not exist on this side: it is new, renamed or moved, or missing on both sides",
        "import only what both sides have in the benchmark, or name a `base` that has it",
    ),
    _entry(
        "signature-differs",
        r"TypeError: (?P<it>[\w.<>]+)\(\) (got an unexpected keyword argument|missing \d+ required"
        r"|takes (from )?\d+.* positional)",
        "`{it}` has another signature on this side",
        "call it in the benchmark in a way that works on both sides",
    ),
    _entry(
        "newer-python",
        r"(Syntax|Indentation|Tab)Error: |requires a different Python"
        r"|TypeError: unsupported operand type\(s\) for \|: 'type'",
        "this side has a syntax error for this Python: it is written for another version, or broken",
        "choose a version that runs both sides (`env: {python: '3.12'}`), or fix the line above",
    ),
    _entry(
        "fixture-missing",
        r"fixture '(?P<it>\w+)' not found",
        "the fixture `{it}` does not exist",
        "install the plugin that defines it: `env: {install: [...]}`, or put the benchmark below the conftest.py "
        "that does",
        repairs=FIXTURES,
    ),
    _entry(
        "async-unsupported",
        r"async def functions are not natively supported",
        "no plugin in this environment runs asynchronous tests",
        "install the plugin that the project uses: `env: {install: [pytest-asyncio]}`",
    ),
    _entry(
        "marker-unknown",
        r"'(?P<it>[\w-]+)' not found in `markers` configuration option",
        "the marker `{it}` belongs to a plugin that is not installed",
        "install the plugin: `env: {install: [...]}`, or register the marker",
    ),
    _entry(
        "option-unknown",
        r"unrecognized arguments: (?P<it>\S+)|Unknown config option: (?P<that>\w+)"
        r"|Missing required plugins: (?P<plugin>[\w-]+)",
        "pytest does not know `{it}`: its plugin is not installed",
        "install the plugin: `env: {install: [...]}`",
        repairs={name: name for name in _PLUGINS},
    ),
    _entry(
        "pytest-too-old",
        r"requires pytest-(?P<it>[\w.]+), actual pytest-",
        "the project requires pytest {it} or newer",
        "install it: `env: {install: ['pytest>={it}']}`",
    ),
    _entry(
        "property-has-no-setter",
        r"AttributeError: (can't set attribute|property .* has no setter)",
        "a property without setter is set on an instance",
        "patch it on the type: `mocker.patch.object(type(thing), 'name', new_callable=PropertyMock, return_value=...)`",
    ),
    _entry(
        "skipped",
        r"the benchmark was skipped on|failed as its xfail mark expects",
        "the benchmark is skipped or expected to fail by its own mark or condition",
        "make its condition true, or name another benchmark",
    ),
    _entry(
        "out-of-memory",
        r"MemoryError|killed by signal 9 ",
        "there was not enough memory",
        "reduce the benchmark's input, or run prprep on a machine with more memory",
    ),
    _entry(
        "killed",
        r"was killed by signal \d+ \((?P<it>\w+)\)",
        "compiled code of this side crashed the process ({it})",
        "run the benchmark with plain pytest in a worktree of that commit, with `python -X faulthandler`",
    ),
    _entry(
        "disk-full",
        r"no space left on device",
        "the disk is full",
        "free some space, or choose another temporary folder (TMPDIR)",
    ),
    _entry(
        "environment-variable-missing",
        r"(?s)(<frozen os>|[/\\]os\.py):\d+: in __getitem__.*KeyError: '(?P<it>\w+)'",
        "the code reads the environment variable {it}; secrets are hidden from it unless the manifest passes them",
        "pass it if it is needed: `env: {pass: [{it}]}`",
    ),
    _entry(
        "no-network",
        r"gaierror|Name or service not known|Temporary failure in name resolution|Max retries exceeded"
        r"|Connection ?Refused",
        "the benchmark uses the network, which does not answer",
        "replace the network call with a fake that allocates as much; a benchmark should not need the network",
    ),
    _entry(
        "settings-missing",
        r"ImproperlyConfigured: (?P<it>.*settings)",
        "Django is used without settings",
        "set `DJANGO_SETTINGS_MODULE` in the project's pytest configuration, or in a conftest.py next to the benchmark",
    ),
    _entry(
        "file-missing",
        r"FileNotFoundError: .*: '(?P<it>[^']+)'",
        "the file {it} is not in this side's tree: it is ignored by git, generated, in a submodule, or new",
        "let the benchmark create its own input, or commit the file",
    ),
    _entry(
        "not-allowed", r"PermissionError: ", "the benchmark has no permission for a file", "use pytest's `tmp_path`"
    ),
    _entry(
        "conftest-fails",
        r"conftest\.py:\d+: |ImportError while loading conftest",
        "a conftest.py of the project cannot be imported in this environment",
        "install what it needs (`env: {install: [...]}` or a group), or put the benchmark outside of its folder",
    ),
)

# -- running codeflash ------------------------------------------------------------------------------

CODEFLASH = (
    _entry(
        "benchmarks-root-missing",
        r"benchmarks-root must be (configured|specified)|benchmarks-root \S+ is not a valid directory",
        "codeflash has no benchmarks folder",
        "set `benchmarks-root` in [tool.codeflash] of pyproject.toml to the folder of the benchmark",
    ),
    _entry(
        "codeflash-unconfigured",
        r"Could not find pyproject\.toml|Could not find the 'codeflash' block",
        "codeflash is not configured",
        "add [tool.codeflash] with module-root, tests-root and benchmarks-root to pyproject.toml",
    ),
    _entry(
        "inject-path-missing",
        r"Inject path does not exist: (?P<it>\S+)",
        "the file to inject, {it}, is not in the work tree in which codeflash runs",
        "use a path relative to the root of the repository; codeflash only warns and continues without the file",
    ),
    _entry(
        "no-changed-functions",
        r"No changed Python functions found",
        "codeflash finds no changed top-level function (it ignores methods, decorators and constants)",
        "name the function: `--functions FILE::NAME`",
    ),
    _entry(
        "not-on-this-side",
        r"No instrumentable functions found",
        "only one side has the file with the changed functions, so codeflash measures nothing on the other",
        "use prprep's own comparison, which does not depend on files",
    ),
    _entry(
        "codeflash-timed-out",
        r"Benchmark timed out after (?P<it>\d+)s|TimeoutExpired: .* timed out after (?P<that>\d+)",
        "a pass of codeflash took longer than {it} s, and codeflash discards such a pass",
        "increase the item's `timeout`, or set `benchmarks-root` to a folder with fewer benchmarks",
    ),
    _entry(
        "benchmark-fixture-differs",
        r"'Benchmark' object has no attribute '(?P<it>\w+)'",
        "codeflash's `benchmark` fixture lacks `{it}` of pytest-benchmark",
        "call `benchmark(function, ...)` in the test, which works with both",
    ),
    _entry(
        "benchmark-gives-a-function",
        r"'function' object (is not|has no)|<function .*wrapped_func",
        "codeflash's `benchmark` fixture returns a function instead of the result if there are no arguments",
        "pass an argument (`benchmark(function, value)`), or check the result elsewhere; the times are valid",
    ),
    _entry(
        "utils-shadowed",
        r"cannot import name '(?P<it>\w+)' from 'utils' \(\S*codeflash[/\\]benchmarking",
        "codeflash's own utils.py shadows the project's module of that name",
        "add an __init__.py to the test folders",
    ),
    _entry(
        "imports-reordered",
        r"(?s)codeflash_trace.*KeyError: '(?P<it>\w+)'",
        "codeflash moves imports to the top of the traced file, before the code that sets {it}",
        "set it elsewhere, in a conftest.py next to the benchmark",
    ),
    _entry(
        "worktree-in-the-way",
        r"fatal: '\S*compare-(base|head)-\S*' already exists",
        "two runs of codeflash started in the same second and use the same worktree",
        "run them one after the other",
    ),
    _entry(
        "memray-missing",
        r"memray is required for --memory|--memory requires memray",
        "codeflash needs memray to measure memory",
        "install it with codeflash; it does not support Windows",
    ),
    _entry(
        "no-tests-ran",
        r"no tests ran|file or directory not found: (?P<it>\S+)",
        "there was no test to run: the benchmark is not where codeflash looks",
        "set `benchmarks-root` to its folder, and commit it on both sides or inject it",
    ),
    _entry(
        "no-results",
        r"No benchmark results to compare|No benchmark data collected",
        "codeflash measured neither side",
        "run the benchmark with plain pytest on both sides; it must call the `benchmark` fixture",
    ),
)

_ABOUT = """The failures that prprep recognises, with cause and hint. A repair installs a package for all sides and is
listed in the evidence; the measured code is never changed. The table is `tasks/environments/diagnoses.py`."""

_TABLES = (
    ("Building an environment", ENVIRONMENT),
    ("Running the benchmark", BENCHMARK),
    ("Running codeflash", CODEFLASH),
)


def document() -> str:
    parts = ["# Diagnoses", _ABOUT]
    for heading, table in _TABLES:
        rows = [
            f"| `{entry.name}` | {_cell(entry.cause)} | {_cell(entry.hint)} | {_repair(entry)} |" for entry in table
        ]
        header = ["| Diagnosis | Cause | Hint | Automatic repair |", "|---|---|---|---|"]
        parts += [f"## {heading}", "\n".join([*header, *rows])]
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("{it}", "…").replace("|", "\\|")


def _repair(entry: Diagnosis) -> str:
    return f"{len(entry.repairs)} known names" if entry.repairs else ""
