from __future__ import annotations

import pytest

from tasks.environments.installer import build_error
from tasks.errors import CommandFailedError

CAUSES = {
    "error: Failed to fetch: `https://example.org`\n  Caused by: dns error: failed to lookup address": "the package index cannot be reached",
    "error: No interpreter found for Python 3.99 in managed installations": "no matching Python is on this machine",
    "src/a.c:1:10: fatal error: ffi.h: No such file or directory\nerror: command '/usr/bin/gcc' failed": "a header file is missing: ffi.h",
    "src/a.c:1:10: fatal error: 'libpq/fe.h' file not found": "a header file is missing: libpq/fe.h",
    "error: command 'gcc' failed: No such file or directory": "a compiler is missing",
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because the current Python version (3.11) does not satisfy Python>=3.12": (
        "the requirements do not fit the Python version that was chosen"
    ),
    "Because nothing-such was not found in the package registry and you require nothing-such": "a requirement is not in the package index",
    "No solution found when resolving dependencies:\n Because you require a==1 and a==2, we can conclude": "the requirements contradict each other",
    "error: Failed to parse `uv.lock`\n  cause: missing field `requires-python`": "the lock file cannot be used",
    "error: The requested interpreter resolved to Python 3.11.7, which is incompatible with the project's Python requirement: `>=3.13`": (
        "the requirements do not fit the Python version that was chosen"
    ),
    "error: No space left on device (os error 28)": "the disk is full",
    "  × Failed to build `pages @ file:///x`\n  ├─▶ The build backend returned an error": "a package could not be built",
    "something new": "uv could not build it",
}


@pytest.mark.parametrize(("written", "cause"), CAUSES.items())
def test_known_causes_are_told_in_words(written, cause):
    error = build_error(CommandFailedError(("uv",), code=1, error=written), "building", "pyproject.toml")
    assert error.what == f"building failed: {cause}\n{written}"
    assert error.where == "pyproject.toml"
    assert error.hint


def test_a_long_message_keeps_its_end_and_the_compilers_error():
    lines = [f"line {number}" for number in range(100)]
    lines[3] = "a.c:1: fatal error: Python.h: No such file or directory"
    told = build_error(CommandFailedError(("uv",), code=1, error="\n".join(lines)), "building", "").what.splitlines()
    assert told[:2] == ["building failed: a header file is missing: Python.h", lines[3]]
    assert told[2:] == lines[-14:]
