"""The table of diagnoses: how a failure is recognised in what was written, its cause in a sentence, and the way out.

A new entry is one more `_known(...)` below. An entry with a repair gives requirements that are then installed into the
environments of all sides alike; nothing else is ever repaired by itself, least of all the code under test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How a failure is recognised, its cause in one sentence, and the way out; `{it}` in both is what the sign caught."""

    name: str
    sign: re.Pattern[str]
    cause: str
    hint: str
    final: bool = False
    """Whether asking for fewer packages would fail in the same way."""
    repairs: Mapping[str, str] | None = None
    """Requirements to install, by what the sign caught; only names that are known are ever installed."""

    def match(self, written: str) -> Match | None:
        caught = self.sign.search(written)
        return Match(self, next((value for value in caught.groupdict().values() if value), "")) if caught else None


@dataclass(frozen=True, slots=True)
class Match:
    """A diagnosis that was made, with what its sign caught."""

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
        """Return what is installed to repair it; empty where nothing safe is known."""
        return (self.diagnosis.repairs or {}).get(self.text.partition(".")[0], "")


def _known(
    name: str, sign: str, cause: str, now: str, *, final: bool = False, repairs: Mapping[str, str] | None = None
) -> Diagnosis:
    return Diagnosis(name, re.compile(sign, re.IGNORECASE), cause, now, final, repairs)


def diagnose(written: str, table: Sequence[Diagnosis]) -> Match | None:
    """Return the first entry of the table whose sign is in what was written."""
    return next((found for entry in table if (found := entry.match(written))), None)


# -- building environments --------------------------------------------------------------------------

ENVIRONMENT = (
    _known(
        "disk-full",
        r"no space left on device",
        "the disk is full",
        "make room, or name another folder in PRPREP_CACHE and UV_CACHE_DIR",
        final=True,
    ),
    _known(
        "index-unreachable",
        r"error sending request|dns error|failed to lookup address|connection refused|network connectivity is disabled"
        r"|network was disabled|connect error|operation timed out|tunnel error|certificate",
        "the package index cannot be reached",
        "check the network, or name an index that can be reached: UV_DEFAULT_INDEX, or `env: {install: ['--default-index ADDRESS']}`",
        final=True,
    ),
    _known(
        "index-refuses",
        r"401 unauthorized|403 forbidden",
        "the package index refuses access",
        "give uv the credentials of your index, as for `uv pip install`",
        final=True,
    ),
    _known(
        "no-interpreter",
        r"no interpreter found|no python (at|found)",
        "no matching Python is on this machine",
        "install that Python, or choose another one: `env: {python: '3.12'}`, or the path of an interpreter",
        final=True,
    ),
    _known(
        "missing-header",
        r"fatal error: '?(?P<it>[\w./+-]+\.h\w*)'?(: no such file|.*file not found)",
        "a header file is missing: {it}",
        "install the system package that brings it (for Python.h: python3-dev), "
        "or a version with wheels: `env: {install: ['NAME==VERSION']}`",
    ),
    _known(
        "missing-compiler",
        r"(command|unable to execute|error:) '?(?P<it>[\w-]*(gcc|cc|g\+\+|c\+\+|clang|cl\.exe|gfortran))'?"
        r".*(no such file|not found|failed: none)|no working compiler|unknown compiler"
        r"|rust compiler|can't find rust|cargo.*not (found|installed)",
        "a compiler is missing",
        "install the compiler (Debian: build-essential, macOS: xcode-select --install, Rust: rustup), "
        "or a version with wheels: `env: {install: ['NAME==VERSION']}`",
    ),
    _known(
        "lock-unusable",
        r"failed to parse .*\.lock|unable to find lockfile|lockfile.*(outdated|needs to be updated)",
        "the lock file cannot be used",
        "write it anew with the project's own tool, in that commit",
    ),
    _known(
        "wrong-python",
        r"requires-python|requires python|does not satisfy python|python version does not|incompatible python"
        r"|incompatible with the project's python|python version.*not",
        "the requirements do not fit the Python version that was chosen",
        "choose another one: `env: {python: '3.12'}`, or the path of an interpreter",
    ),
    _known(
        "no-extra",
        r"requested extras? not found|extra.*not found",
        "an extra that was asked for does not exist",
        "mend `env: {extras: [...]}`",
    ),
    _known(
        "no-package",
        r"was not found in the (package registry|provided package locations)|there are no versions of|there is no version of",
        "a requirement is not in the package index",
        "name the index that has it (`env: {install: ['--index ADDRESS']}`), or another version (`env: {install: ['NAME==VERSION']}`)",
    ),
    _known(
        "contradiction",
        r"no solution found",
        "the requirements contradict each other",
        "choose extras and groups that go together (`env: {extras: [...], groups: [...]}`), or another Python (`env: {python: '3.12'}`)",
    ),
    _known(
        "build-failed",
        r"failed to (build|prepare)|build back ?end|failed to generate package metadata|not (a valid|appear to be a) python project",
        "a package could not be built",
        "see the lines above; `env: {python: ..., install: [...]}` chooses another Python or other versions",
    ),
)
UNKNOWN = _known(
    "unknown",
    "",
    "uv could not build it",
    "see the lines above; `env:` of the manifest sets python, extras, groups and install",
)

# -- running the benchmark --------------------------------------------------------------------------

MODULES = {
    "PIL": "pillow", "aiohttp": "aiohttp", "attr": "attrs", "attrs": "attrs", "bs4": "beautifulsoup4", "cattrs": "cattrs",
    "cv2": "opencv-python-headless", "dateutil": "python-dateutil", "distutils": "setuptools", "django": "django",
    "docutils": "docutils", "fastapi": "fastapi", "flask": "flask", "freezegun": "freezegun",
    "hypothesis": "hypothesis", "idna": "idna", "jinja2": "jinja2", "jsonschema": "jsonschema", "lxml": "lxml",
    "matplotlib": "matplotlib", "msgpack": "msgpack", "networkx": "networkx", "numpy": "numpy", "orjson": "orjson",
    "packaging": "packaging", "pandas": "pandas", "pkg_resources": "setuptools<81", "polars": "polars", "psutil": "psutil",
    "pyarrow": "pyarrow", "pydantic": "pydantic", "pytest_asyncio": "pytest-asyncio", "pytest_mock": "pytest-mock", "pytz": "pytz",
    "requests": "requests", "scipy": "scipy", "setuptools": "setuptools", "six": "six", "skimage": "scikit-image",
    "sklearn": "scikit-learn", "sqlalchemy": "sqlalchemy", "sympy": "sympy", "toml": "toml", "tomli": "tomli", "tqdm": "tqdm",
    "trio": "trio", "typing_extensions": "typing-extensions", "werkzeug": "werkzeug", "yaml": "pyyaml", "zmq": "pyzmq",
}  # fmt: skip
"""Distributions by the top-level module that they bring. What a stranger's code imports is not installed by that name alone."""

FIXTURES = {
    "db": "pytest-django", "admin_client": "pytest-django", "rf": "pytest-django", "transactional_db": "pytest-django",
    "aiohttp_client": "pytest-aiohttp", "aioresponses": "aioresponses", "anyio_backend": "anyio", "cov": "pytest-cov",
    "datadir": "pytest-datadir", "data_regression": "pytest-regressions", "django_db_setup": "pytest-django",
    "event_loop": "pytest-asyncio", "faker": "faker", "file_regression": "pytest-regressions", "freezer": "pytest-freezer",
    "fs": "pyfakefs", "httpserver": "pytest-httpserver", "httpx_mock": "pytest-httpx", "lazy_datadir": "pytest-datadir",
    "mocker": "pytest-mock", "module_mocker": "pytest-mock", "num_regression": "pytest-regressions", "qtbot": "pytest-qt",
    "requests_mock": "requests-mock", "respx_mock": "respx", "session_mocker": "pytest-mock", "shared_datadir": "pytest-datadir",
    "snapshot": "syrupy", "subtests": "pytest-subtests", "xprocess": "pytest-xprocess",
}  # fmt: skip
"""Distributions by the fixture that they bring."""

PLUGINS = {
    name: name
    for name in (
        "pytest-asyncio",
        "pytest-benchmark",
        "pytest-cov",
        "pytest-django",
        "pytest-mock",
        "pytest-timeout",
        "pytest-xdist",
    )
}
"""Plugins of pytest that a project may say it requires."""

BENCHMARK = (
    _known(
        "lfs-pointer",
        r"version https://git-lfs\.github\.com/spec",
        "a file that is read is a Git LFS pointer: its content is not in the tree",
        "fetch it in the repository with `git lfs pull`, or have the benchmark make its own input",
    ),
    _known(
        "module-missing",
        r"ModuleNotFoundError: No module named '(?P<it>[\w.]+)'",
        "the module `{it}` is not in the environment",
        "if it is another project's, name its distribution: `env: {install: [{it}]}`, or the extra or group that brings it; "
        "if it is the project's own, it is not on this side: name a `base` that has it",
        repairs=MODULES,
    ),
    _known(
        "shared-library-missing",
        r"ImportError: (?P<it>lib[\w.+-]+\.so[\w.]*): cannot open shared object file",
        "the system library {it} is missing",
        "install the system package that brings it (Debian: `apt-file search {it}`)",
    ),
    _known(
        "binary-mismatch",
        r"numpy\.(dtype|ufunc) size changed|compiled using NumPy 1\.x|undefined symbol: (?P<it>\w+)",
        "a compiled package does not fit the version of another that is installed",
        "pin the one it was built for, as `env: {install: ['numpy<2']}`",
    ),
    _known(
        "pytest-itself",
        r"cannot import name '(?P<it>\w+)' from '(pluggy|iniconfig|packaging|_pytest)[\w.]*'",
        "the project is one that pytest itself stands on, and this commit is older than what that pytest needs",
        "choose a pytest of its time: `env: {install: ['pytest<8']}`",
    ),
    _known(
        "name-missing",
        r"ImportError: cannot import name '(?P<it>\w+)'"
        r"|AttributeError: (module |type object )?'[\w.]+' (object )?has no attribute '(?P<that>\w+)'",
        "`{it}` is not there: on this side it is new, renamed or moved, or on neither",
        "have the benchmark import what both sides have, or name a `base` that has it",
    ),
    _known(
        "signature-differs",
        r"TypeError: (?P<it>[\w.<>]+)\(\) (got an unexpected keyword argument|missing \d+ required|takes (from )?\d+.* positional)",
        "`{it}` is called in a way that it does not have here",
        "have the benchmark call it in a way that both sides have",
    ),
    _known(
        "newer-python",
        r"(Syntax|Indentation|Tab)Error: |requires a different Python|TypeError: unsupported operand type\(s\) for \|: 'type'",
        "this side is no code of the Python that runs it: it is written for another version, or broken",
        "choose a version that both sides run on (`env: {python: '3.12'}`), or mend the line above",
    ),
    _known(
        "fixture-missing",
        r"fixture '(?P<it>\w+)' not found",
        "the fixture `{it}` is not there",
        "if a plugin brings it, name that: `env: {install: [...]}`; if a conftest.py does, put the benchmark below it",
        repairs=FIXTURES,
    ),
    _known(
        "async-unsupported",
        r"async def functions are not natively supported",
        "nothing runs asynchronous tests in this environment",
        "name the plugin that the project uses: `env: {install: [pytest-asyncio]}`",
    ),
    _known(
        "marker-unknown",
        r"'(?P<it>[\w-]+)' not found in `markers` configuration option",
        "the marker `{it}` belongs to a plugin that is not installed",
        "name the plugin: `env: {install: [...]}`, or register the marker",
    ),
    _known(
        "option-unknown",
        r"unrecognized arguments: (?P<it>\S+)|Unknown config option: (?P<that>\w+)|Missing required plugins: (?P<plugin>[\w-]+)",
        "pytest does not know `{it}`: the plugin that brings it is not installed",
        "name the plugin: `env: {install: [...]}`",
        repairs=PLUGINS,
    ),
    _known(
        "pytest-too-old",
        r"requires pytest-(?P<it>[\w.]+), actual pytest-",
        "the project asks for pytest {it} or newer",
        "install it: `env: {install: ['pytest>={it}']}`",
    ),
    _known(
        "property-has-no-setter",
        r"AttributeError: (can't set attribute|property .* has no setter)",
        "a property is set on an instance, where it has no setter",
        "patch it on the type: `mocker.patch.object(type(thing), 'name', new_callable=PropertyMock, return_value=...)`",
    ),
    _known(
        "skipped",
        r"the benchmark was skipped on|failed as its xfail mark expects",
        "the benchmark's own mark or condition keeps it from running here",
        "make its condition true, or name another benchmark",
    ),
    _known(
        "out-of-memory",
        r"MemoryError|killed by signal 9 ",
        "there was not enough memory for it",
        "make the benchmark's input smaller, or run prprep where there is more memory",
    ),
    _known(
        "killed",
        r"was killed by signal \d+ \((?P<it>\w+)\)",
        "compiled code of this side ended the process ({it})",
        "run the benchmark by plain pytest in a worktree of that commit, with `python -X faulthandler`",
    ),
    _known(
        "disk-full",
        r"no space left on device",
        "the disk is full",
        "make room, or let the temporary folder lie elsewhere (TMPDIR)",
    ),
    _known(
        "environment-variable-missing",
        r"(?s)(<frozen os>|[/\\]os\.py):\d+: in __getitem__.*KeyError: '(?P<it>\w+)'",
        "the code asks for the environment variable {it}; secrets are kept from it unless they are named",
        "let it through, if it is needed: `env: {pass: [{it}]}`",
    ),
    _known(
        "no-network",
        r"gaierror|Name or service not known|Temporary failure in name resolution|Max retries exceeded|Connection ?Refused",
        "the benchmark asks for something on the network that does not answer",
        "replace that boundary by a fake which allocates what the real one does; a benchmark should not need the network",
    ),
    _known(
        "settings-missing",
        r"ImproperlyConfigured: (?P<it>.*settings)",
        "Django is used before it has settings",
        "set `DJANGO_SETTINGS_MODULE` in the project's pytest configuration, or in a conftest.py beside the benchmark",
    ),
    _known(
        "file-missing",
        r"FileNotFoundError: .*: '(?P<it>[^']+)'",
        "the file {it} is not in this side's tree: it is ignored by git, made by a build, in a submodule, or new",
        "have the benchmark make its own input, or commit the file",
    ),
    _known(
        "not-allowed",
        r"PermissionError: ",
        "the benchmark writes or reads where it may not",
        "let it use pytest's `tmp_path`",
    ),
    _known(
        "conftest-fails",
        r"conftest\.py:\d+: |ImportError while loading conftest",
        "a conftest.py of the project fails to be imported in this environment",
        "install what it needs (`env: {install: [...]}` or the group that brings it), or put the benchmark where it is not in force",
    ),
)

# -- running codeflash ------------------------------------------------------------------------------

CODEFLASH = (
    _known(
        "benchmarks-root-missing",
        r"benchmarks-root must be (configured|specified)|benchmarks-root \S+ is not a valid directory",
        "codeflash is told no folder of benchmarks",
        "set `benchmarks-root` in [tool.codeflash] of pyproject.toml to the folder of the benchmark",
    ),
    _known(
        "codeflash-unconfigured",
        r"Could not find pyproject\.toml|Could not find the 'codeflash' block",
        "codeflash finds no configuration of its own",
        "put [tool.codeflash] with module-root, tests-root and benchmarks-root into pyproject.toml",
    ),
    _known(
        "inject-path-missing",
        r"Inject path does not exist: (?P<it>\S+)",
        "{it}, which was to be injected, is not in the work tree that codeflash was started in",
        "give the path from the root of the repository; codeflash goes on without it, and says so in a warning only",
    ),
    _known(
        "no-changed-functions",
        r"No changed Python functions found",
        "codeflash finds no changed top-level function (it sees no methods, decorators, constants, and nothing from head to base)",
        "have it measure all the same: `--functions FILE::NAME`",
    ),
    _known(
        "not-on-this-side",
        r"No instrumentable functions found",
        "the file with the changed functions is on one side only, and codeflash measures nothing of the other",
        "have a comparison made that does not hang on files: prprep's own",
    ),
    _known(
        "codeflash-timed-out",
        r"Benchmark timed out after (?P<it>\d+)s|TimeoutExpired: .* timed out after (?P<that>\d+)",
        "a pass of codeflash took longer than {it} s, and it keeps nothing of such a pass",
        "set a larger `timeout` for the item, or a folder of fewer benchmarks as `benchmarks-root`",
    ),
    _known(
        "benchmark-fixture-differs",
        r"'Benchmark' object has no attribute '(?P<it>\w+)'",
        "codeflash's fixture `benchmark` lacks `{it}`, which pytest-benchmark's has",
        "call `benchmark(function, ...)` in the test, as both of them can",
    ),
    _known(
        "benchmark-gives-a-function",
        r"'function' object (is not|has no)|<function .*wrapped_func",
        "codeflash's fixture `benchmark` gives a function in place of the result where the measured one is called without arguments",
        "pass it an argument (`benchmark(function, value)`), or look at the result outside of what it gives; the times were taken",
    ),
    _known(
        "utils-shadowed",
        r"cannot import name '(?P<it>\w+)' from 'utils' \(\S*codeflash[/\\]benchmarking",
        "codeflash's own utils.py stands before the project's module of that name",
        "put an __init__.py into the folders of the tests",
    ),
    _known(
        "imports-reordered",
        r"(?s)codeflash_trace.*KeyError: '(?P<it>\w+)'",
        "codeflash moves imports to the top of the file that it traces, before what sets {it}",
        "set it outside of that file, in a conftest.py beside the benchmark",
    ),
    _known(
        "worktree-in-the-way",
        r"fatal: '\S*compare-(base|head)-\S*' already exists",
        "two runs of codeflash began in the same second, and the one takes the other's worktree away",
        "run them one after the other",
    ),
    _known(
        "memray-missing",
        r"memray is required for --memory|--memory requires memray",
        "codeflash finds no memray for its pass for memory",
        "install it beside codeflash; there is none for Windows",
    ),
    _known(
        "no-tests-ran",
        r"no tests ran|file or directory not found: (?P<it>\S+)",
        "there was no test to run: the benchmark is not where codeflash looks for it",
        "see that `benchmarks-root` is its folder, and that it is committed on both sides or injected",
    ),
    _known(
        "no-results",
        r"No benchmark results to compare|No benchmark data collected",
        "codeflash got no figures of either side",
        "run the benchmark by plain pytest on both sides; it has to call the fixture `benchmark`",
    ),
)

ABOUT = """What prprep recognises in a failure, its cause, and the way out. A repair is a package that is installed for all sides
alike, and is told in the evidence; the code under test is never changed. The table is `tasks/environments/diagnoses.py`."""


TABLES = (
    ("Building an environment", ENVIRONMENT),
    ("Running the benchmark", BENCHMARK),
    ("Running codeflash", CODEFLASH),
)


def document() -> str:
    """Write the table down, for docs/diagnoses.md."""
    parts = ["# Diagnoses", ABOUT]
    for heading, table in TABLES:
        rows = [f"| `{each.name}` | {_cell(each.cause)} | {_cell(each.hint)} | {_repair(each)} |" for each in table]
        parts.append(
            "\n".join(
                (f"## {heading}\n\n| diagnosis | cause | way out | repaired by itself |\n|---|---|---|---|", *rows)
            )
        )
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("{it}", "…").replace("|", "\\|")


def _repair(entry: Diagnosis) -> str:
    return f"{len(entry.repairs)} known names" if entry.repairs else ""
