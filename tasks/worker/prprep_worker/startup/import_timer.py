"""Time the import of modules in a fresh interpreter: a program.

What it imports itself before the clock starts would be free for the project, so that is as little as possible (`os` is
in every interpreter).
"""

import os
import sys
import time

if sys.path[0] == __file__.rpartition("/")[0]:
    del sys.path[0]
from prprep_worker.places import real_path
from prprep_worker.startup.run_queue import growth, involuntary_switches, waited_by

USUAL = ("functools", "typing", "dataclasses", "enum", "re", "pathlib", "logging", "json")
MARKS = (b"\nprprep: imports begin\n", b"\nprprep: imports end\n")


def main(descriptor, modules, packages, trees, mode=""):  # noqa: ANN001, ANN201 - `typing` would be free for it
    """Write one JSON line to `descriptor`: nanoseconds, the project's modules that were imported, or the error."""
    if early := [module for module in modules if _is_loaded(module)]:
        send(descriptor, {"early": early})
        return
    begin, end = MARKS if "importtime" in sys._xoptions else (b"", b"")  # noqa: SLF001 - it has no other name
    if mode in {"cost", "memory"}:
        for module in USUAL:
            __import__(module)
    before = set(sys.modules)
    if mode == "memory":
        # Not `tracemalloc`: what that imports would be free for the project.
        import _tracemalloc

        _tracemalloc.start(1)
    os.write(2, begin)
    switches = 0 if waited_by("thread-self") is not None else involuntary_switches()
    cpu, waited, begun = time.process_time_ns(), waited_by("thread-self"), time.perf_counter_ns()
    try:
        for module in modules:
            __import__(module)
        wall, after = time.perf_counter_ns() - begun, waited_by("thread-self")
        cpu, switches = time.process_time_ns() - cpu, involuntary_switches() - switches
        message = {"wall": wall, "waited": growth(waited, after), "cpu": cpu, "involuntary": switches}
        os.write(2, end)
    except BaseException as error:  # noqa: BLE001 - the project's code may raise anything, SystemExit too
        import traceback

        message = {"error": f"{type(error).__name__}: {error}", "text": "".join(traceback.format_exc()[-4000:])}
    if begin:
        message["names"] = sorted(set(sys.modules) - before)
    if mode == "memory":
        import gc

        gc.collect()
        message["kept"] = _tracemalloc.get_traced_memory()[0]
        _tracemalloc.stop()
    if mode == "prepare":
        _compile()
    send(descriptor, {**message, "modules": list(modules_of_project(packages, trees))})


def _is_loaded(module):  # noqa: ANN001, ANN202
    """Return whether something else imported the module or a package above it; namespaces have no file."""
    names = module.split(".")
    above = (".".join(names[: number + 1]) for number in range(len(names)))
    return any(getattr(sys.modules.get(name), "__file__", None) for name in above)


def _compile():  # noqa: ANN202
    """Write the compiled files that `sys.dont_write_bytecode` kept Python from writing, as an installer would."""
    import compileall
    from py_compile import PycInvalidationMode

    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        source, compiled = getattr(spec, "origin", None), getattr(spec, "cached", None)
        if isinstance(source, str) and isinstance(compiled, str) and not os.path.exists(compiled):
            # A read-only folder, of which nothing is said, is the same for everybody who imports from it.
            compileall.compile_file(source, quiet=2, invalidation_mode=PycInvalidationMode.TIMESTAMP)


def modules_of_project(packages, trees):  # noqa: ANN001, ANN201
    """Yield name and real path of every module of the packages, or in one of the trees."""
    folders = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        path = real_path(file, folders) if isinstance(file, str) and name != "__main__" else None
        if path and (name.partition(".")[0] in packages or path.startswith(tuple(tree + os.sep for tree in trees))):
            yield {"name": name, "path": path}


def send(descriptor, message):  # noqa: ANN001, ANN201
    """Write one JSON line."""
    import json

    payload = json.dumps(message).encode() + b"\n"
    while payload:
        payload = payload[os.write(descriptor, payload) :]


def lines(text):  # noqa: ANN001, ANN201
    return tuple(filter(None, text.split("\n")))


if __name__ == "__main__":
    # Arguments: descriptor, core or nothing, three lists, and `prepare`, `cost`, `memory` or nothing.
    if sys.argv[2]:
        os.sched_setaffinity(0, map(int, sys.argv[2].split(",")))
    try:
        main(int(sys.argv[1]), *map(lines, sys.argv[3:6]), sys.argv[6])
    except BaseException:  # noqa: BLE001 - the project's code may have closed our descriptor, for example
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    # Without waiting for the project's threads, and without its exit handlers.
    os._exit(0)
