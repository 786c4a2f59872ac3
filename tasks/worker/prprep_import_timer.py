"""Time the import of modules in a fresh interpreter: a program of prprep's, run in the target's own environment.

Standard library only, Python 3.9 or newer. What it imports itself before the clock starts would be free for the
target, so that is as little as can be (`os` is there in every interpreter).
"""

import os
import sys
import time

if sys.path[0] == __file__.rpartition("/")[0]:
    del sys.path[0]


def main(descriptor, modules, packages, trees):  # noqa: ANN001, ANN201 - `typing` would be imported for the target
    """Write one JSON line to `descriptor`: nanoseconds, the project's modules that came, or the error."""
    before = set(sys.modules)
    cpu, begun = time.process_time_ns(), time.perf_counter_ns()
    try:
        for module in modules:
            __import__(module)
        wall, cpu = time.perf_counter_ns() - begun, time.process_time_ns() - cpu
        message = {"wall": wall, "cpu": cpu, "imported": len(set(sys.modules) - before)}
    except BaseException as error:  # noqa: BLE001 - whatever the target raises, SystemExit too, is told and not lost
        import traceback  # noqa: PLC0415

        message = {"error": f"{type(error).__name__}: {error}", "text": "".join(traceback.format_exc()[-4000:])}
    _tell(descriptor, {**message, "modules": list(_of_the_project(packages, trees))})


def _of_the_project(packages, trees):  # noqa: ANN001, ANN202
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and name != "__main__":
            path = os.path.realpath(file)
            if name.partition(".")[0] in packages or path.startswith(tuple(tree + os.sep for tree in trees)):
                yield {"name": name, "path": path}


def _tell(descriptor, message):  # noqa: ANN001, ANN202
    import json  # noqa: PLC0415

    payload = json.dumps(message).encode() + b"\n"
    while payload:
        payload = payload[os.write(descriptor, payload) :]


if __name__ == "__main__":
    # Arguments: descriptor, core or nothing, then three lists, each with its items separated by a line feed.
    if sys.argv[2]:
        os.sched_setaffinity(0, {int(sys.argv[2])})
    main(int(sys.argv[1]), *(tuple(filter(None, words.split("\n"))) for words in sys.argv[3:6]))
