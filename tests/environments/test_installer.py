import pytest

from tasks.environments.installer import build_error
from tasks.errors import CommandFailedError

CAUSES = {
    "error: Failed to fetch: `https://example.org`\n  Caused by: dns error: failed to lookup address": "the package index cannot be reached",
    "error: No interpreter found for Python 3.99 in managed installations": "this machine has no matching Python",
    "error: Failed to build `a @ git+https://b.invalid/a`\n  cause: Git operation failed\n  cause: failed to clone": (
        "the git repository of a requirement cannot be fetched"
    ),
    "src/a.c:1:10: fatal error: ffi.h: No such file or directory\nerror: command '/usr/bin/gcc' failed": "a header file is missing: ffi.h",
    "src/a.c:1:10: fatal error: 'libpq/fe.h' file not found": "a header file is missing: libpq/fe.h",
    "error: command 'gcc' failed: No such file or directory": "a compiler is missing",
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because the current Python version (3.11) does not satisfy Python>=3.12": (
        "the requirements do not support the chosen Python version"
    ),
    "Because nothing-such was not found in the package registry and you require nothing-such": "a requirement is not in the package index",
    "No solution found when resolving dependencies:\n Because you require a==1 and a==2, we can conclude": "the requirements conflict",
    "error: Failed to parse `uv.lock`\n  cause: missing field `requires-python`": "the lock file cannot be used",
    "error: The requested interpreter resolved to Python 3.11.7, which is incompatible with the project's Python requirement: `>=3.13`": (
        "the requirements do not support the chosen Python version"
    ),
    "error: No space left on device (os error 28)": "the disk is full",
    "  × Failed to build `pages @ file:///x`\n  ├─▶ The build backend returned an error": "a package could not be built",
    "something new": "its output matches no known failure",
}


@pytest.mark.parametrize(("output", "cause"), CAUSES.items())
def test_known_causes(output, cause):
    error = build_error(CommandFailedError(("uv",), code=1, error=output), "building", "pyproject.toml")
    assert error.what == f"building failed: {cause}\n{output}"
    assert error.where == "pyproject.toml"
    assert error.hint


def test_a_long_message_keeps_its_end_and_the_compiler_error():
    lines = [f"line {number}" for number in range(100)]
    lines[3] = "a.c:1: fatal error: Python.h: No such file or directory"
    lines_shown = build_error(
        CommandFailedError(("uv",), code=1, error="\n".join(lines)), "building", ""
    ).what.splitlines()
    assert lines_shown[:2] == ["building failed: a header file is missing: Python.h", lines[3]]
    assert lines_shown[2:] == lines[-14:]
