"""Run a command once, untimed, and tell how it ends and what it loads: a program of prprep's, run in the target's environment.

Standard library only, Python 3.9 or newer. The command is given as arguments to Python, `-m MODULE ...` or `-c CODE ...`.
"""

import contextlib
import os
import sys

from prprep_worker.startup import import_timer as timer

EXIT = os._exit


def main(descriptor, modules, packages, trees, command):  # noqa: ANN001, ANN201
    """Write one JSON line to `descriptor`: the exit code, which of `modules` were loaded, the project's modules."""

    def leave(code):  # noqa: ANN001, ANN202
        for stream in (sys.stdout, sys.stderr):
            # The command may have closed it.
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        loaded = [module for module in modules if module in sys.modules]
        timer.tell(descriptor, {"code": code, "loaded": loaded, "modules": list(timer.of_the_project(packages, trees))})
        EXIT(0)

    os._exit = leave
    leave(_run(command))


def _run(command):  # noqa: ANN001, ANN202
    """Run as Python would, and give the exit code."""
    try:
        if command[0] == "-m":
            _run_module(*command[1:])
        else:
            _run_code(*command[1:])
    except SystemExit as error:
        return _code(error.code)
    except BaseException:  # noqa: BLE001 - whatever the target raises is what Python would show
        import traceback

        traceback.print_exc()
        return 1
    return 0


def _run_module(name, *arguments):  # noqa: ANN001, ANN002, ANN202
    import runpy

    sys.path.insert(0, os.getcwd())
    sys.argv[:] = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _run_code(code, *arguments):  # noqa: ANN001, ANN002, ANN202
    sys.path.insert(0, "")
    sys.argv[:] = ["-c", *arguments]
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})  # noqa: S102 - what Python does with -c


def _code(given):  # noqa: ANN001, ANN202
    if given is None:
        return 0
    if isinstance(given, int):
        return given & 0xFF
    sys.stderr.write(f"{given}\n")
    return 1


if __name__ == "__main__":
    # Arguments: descriptor, core or nothing, three lists, and those of the Python to be run.
    if sys.argv[2]:
        os.sched_setaffinity(0, {int(sys.argv[2])})
    main(int(sys.argv[1]), *map(timer.listed, sys.argv[3:6]), sys.argv[6:])
