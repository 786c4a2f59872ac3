"""Run a command once, untimed, and report how it ends and what it loads (run as a program).

The command is given as arguments to Python, `-m MODULE ...` or `-c CODE ...`.
"""

import contextlib
import os
import sys

from prprep_worker.startup import import_timer as timer
from prprep_worker.startup.command import run_command

EXIT = os._exit


def main(descriptor, modules, packages, trees, command):  # noqa: ANN001, ANN201
    """Write one JSON line to `descriptor`: the exit code, which of `modules` were loaded, the project's modules."""

    def leave(code):  # noqa: ANN001, ANN202
        for stream in (sys.stdout, sys.stderr):
            # The command may have closed it.
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        loaded = [module for module in modules if module in sys.modules]
        project = list(timer.modules_of_project(packages, trees))
        timer.send(descriptor, {"code": code, "loaded": loaded, "modules": project})
        EXIT(0)

    os._exit = leave
    leave(_exit_code(command))


def _exit_code(command):  # noqa: ANN001, ANN202
    try:
        run_command(command)
    except SystemExit as error:
        if isinstance(error.code, int):
            return error.code & 0xFF
        if error.code is not None:
            sys.stderr.write(f"{error.code}\n")
        return 0 if error.code is None else 1
    except BaseException:  # noqa: BLE001 - the project's code may raise anything; Python would show it
        import traceback

        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    # Arguments: descriptor, core or nothing, three lists, and the arguments of Python.
    if sys.argv[2]:
        os.sched_setaffinity(0, map(int, sys.argv[2].split(",")))
    main(int(sys.argv[1]), *map(timer.lines, sys.argv[3:6]), sys.argv[6:])
