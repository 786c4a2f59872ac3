"""Run a command in this process as Python itself would."""

import os
import sys


def run_command(words):  # noqa: ANN001, ANN201 - `typing` would be imported for the project
    """Run a script, `-m MODULE ...` or `-c CODE ...`."""
    first, *rest = words
    if first == "-c":
        code, *arguments = rest
        sys.path.insert(0, "")
        sys.argv[:] = ["-c", *arguments]
        names = {"__name__": "__main__", "__builtins__": __builtins__}
        exec(compile(code, "<string>", "exec"), names)  # noqa: S102 - what Python does with -c
        return
    import runpy

    if first == "-m":
        sys.path.insert(0, os.getcwd())
        sys.argv[:] = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(first)))
        sys.argv[:] = words
        runpy.run_path(first, run_name="__main__")
