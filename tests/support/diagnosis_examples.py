"""Output of programs that failed, by diagnosis: examples for docs/diagnoses, each of which has to be recognised."""

_USES = {
    "caller": "the project's own code (pages/tables.py:6)",
    "package": "pandas 3.0.1",
    "name": "concat_all",
    "older": "pandas<3",
}
VALUES = {
    "package-changed": {**_USES, "it": "concat_all"},
    "python-changed": {**_USES, "it": "getargspec", "name": "inspect", "package": "inspect"},
}
"""What is known of a use that does not fit a package, or Python."""

ENVIRONMENT = {
    "disk-full": "error: failed to write to file `/srv/cache/uv/wheels`: No space left on device (os error 28)",
    "uv-missing": "this needs uv, which does not run here",
    "index-unreachable": "error: Failed to fetch: `https://index.example.org/simple/numpy/`\n  Caused by: error sending request",
    "repository-unreachable": "error: Git operation failed\n  Caused by: failed to fetch into: /srv/cache/uv/git",
    "index-refuses": "HTTP status client error (401 Unauthorized) for url (https://pypi.example.org/simple/tools/)",
    "no-interpreter": "error: No interpreter found for Python 3.9 in managed installations or search path",
    "missing-header": "src/fast.c:1:10: fatal error: Python.h: No such file or directory",
    "missing-compiler": "error: command 'gcc' failed: No such file or directory",
    "lock-unusable": "error: Failed to parse `uv.lock`\n  Caused by: TOML parse error at line 3, column 1",
    "wrong-python": "error: The Python 3.9.19 is incompatible with the project's Python requirement: `>=3.12`",
    "no-extra": "error: Requested extras not found: tables",
    "no-package": "Because internal-tools was not found in the package registry and you require internal-tools",
    "contradiction": "  × No solution found when resolving dependencies:",
    "project-not-built": "error: The build backend returned an error\n  Caused by: Call to `flit_core.buildapi` failed",
    "build-failed": "  × Failed to build `fast-parser==1.0`",
}
BENCHMARK = {
    "lfs-pointer": "AssertionError: version https://git-lfs.github.com/spec/v1",
    "pytest-itself": "ImportError: cannot import name 'HookimplMarker' from 'pluggy' (/srv/head/pluggy/__init__.py)",
    "package-changed": "pages/tables.py:6: in <module>\nImportError: cannot import name 'concat_all' from 'pandas'",
    "python-changed": "pages/tables.py:6: in <module>\nAttributeError: module 'inspect' has no attribute 'getargspec'",
    "module-missing": "ModuleNotFoundError: No module named 'yaml'",
    "shared-library-missing": "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
    "binary-mismatch": "ValueError: numpy.dtype size changed, may indicate binary incompatibility.",
    "name-missing": "ImportError: cannot import name 'merge_lines' from 'pages.text' (/srv/base/pages/text.py)",
    "signature-differs": "TypeError: merge_lines() got an unexpected keyword argument 'strict'",
    "newer-python": "    match page:\n          ^\nSyntaxError: invalid syntax",
    "fixture-missing": "E       fixture 'mocker' not found",
    "async-unsupported": "Failed: async def functions are not natively supported.",
    "marker-unknown": "E   Failed: 'slow_io' not found in `markers` configuration option",
    "option-required": "pytest: error: the following arguments are required: --database",
    "plugin-not-importable": "Error importing plugin \"pages.testing\": No module named 'pages.testing'",
    "option-unknown": "pytest: error: unrecognized arguments: --cov=pages",
    "pytest-too-old": "pyproject.toml: 'minversion' requires pytest-9.0, actual pytest-8.4'",
    "property-has-no-setter": "AttributeError: property 'name' of 'Page' object has no setter",
    "skipped": "the benchmark was skipped on base: no model on this machine",
    "out-of-memory": "MemoryError",
    "killed": "the worker was killed by signal 11 (SIGSEGV)",
    "disk-full": "OSError: [Errno 28] No space left on device",
    "environment-variable-missing": "<frozen os>:714: in __getitem__\nE   KeyError: 'PAGES_HOME'",
    "no-network": "requests.exceptions.ConnectionError: Max retries exceeded with url: /models",
    "settings-missing": "django.core.exceptions.ImproperlyConfigured: Requested setting CACHES, but settings",
    "conftest-needs-file": (
        "tests/conftest.py:2: in pytest_generate_tests\n    open('data/cases.json')\n"
        "E   FileNotFoundError: [Errno 2] No such file or directory: 'data/cases.json'"
    ),
    "file-missing": "FileNotFoundError: [Errno 2] No such file or directory: 'data/pages.json'",
    "not-allowed": "PermissionError: [Errno 13] Permission denied: '/var/lib/pages'",
    "conftest-fails": "ImportError while loading conftest '/srv/head/tests/conftest.py'.",
}
CODEFLASH = {
    "benchmarks-root-missing": (
        "ERROR    benchmarks-root must be configured in [tool.codeflash] or .codeflash/benchmarks/ must exist"
    ),
    "codeflash-unconfigured": (
        "ValueError: Could not find the 'codeflash' block in the config file /x/pyproject.toml. Please run"
    ),
    "inject-path-missing": "WARNING  Inject path does not exist: /x/tests/benchmarks/test_new.py",
    "no-changed-functions": "WARNING  No changed Python functions found between main and faster",
    "not-on-this-side": "WARNING  No instrumentable functions found in this worktree",
    "codeflash-timed-out": "WARNING  Benchmark timed out after 120s — partial results may be available",
    "benchmark-fixture-differs": "AttributeError: 'Benchmark' object has no attribute 'pedantic'",
    "benchmark-gives-a-function": "TypeError: 'function' object is not iterable",
    "utils-shadowed": "ImportError: cannot import name 'pages' from 'utils' (/x/codeflash/benchmarking/utils.py)",
    "imports-reordered": ("from codeflash.benchmarking.codeflash_trace import codeflash_trace\nKeyError: 'SETTINGS'"),
    "worktree-in-the-way": ("fatal: '/home/.config/codeflash/worktrees/compare-base-20260302-090000' already exists"),
    "memray-missing": (
        "ImportError: memray is required for --memory profiling. Install with: uv add memray pytest-memray"
    ),
    "no-tests-ran": "ERROR: file or directory not found: /x/tests/benchmarks",
    "no-results": (
        "WARNING  No benchmark data collected. Check that benchmarks-root is configured and benchmarks exist."
    ),
}
EXAMPLES = {"environment": ENVIRONMENT, "benchmark": BENCHMARK, "codeflash": CODEFLASH}
