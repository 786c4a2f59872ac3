"""Time the import of modules in a fresh interpreter: a program of prprep's, run in the target's own environment.

Standard library only, Python 3.9 or newer. What it imports itself before the clock starts would be free for the
target, so that is as little as can be (`os` is there in every interpreter).
"""

import os
import sys
import time

if sys.path[0] == __file__.rpartition("/")[0]:
    del sys.path[0]

MARKS = (b"\nprprep: imports begin\n", b"\nprprep: imports end\n")


def main(descriptor, modules, packages, trees, *, prepare=False):  # noqa: ANN001, ANN201 - `typing` would be imported for the target
    """Write one JSON line to `descriptor`: nanoseconds, the project's modules that came, or the error."""
    if early := [module for module in modules if _is_there(module)]:
        tell(descriptor, {"early": early})
        return
    begin, end = MARKS if "importtime" in sys._xoptions else (b"", b"")  # noqa: SLF001 - there is no other name for it
    before = set(sys.modules)
    os.write(2, begin)
    cpu, begun = time.process_time_ns(), time.perf_counter_ns()
    try:
        for module in modules:
            __import__(module)
        wall, cpu = time.perf_counter_ns() - begun, time.process_time_ns() - cpu
        os.write(2, end)
        message = {"wall": wall, "cpu": cpu}
    except BaseException as error:  # noqa: BLE001 - whatever the target raises, SystemExit too, is told and not lost
        import traceback

        message = {"error": f"{type(error).__name__}: {error}", "text": "".join(traceback.format_exc()[-4000:])}
    if begin:
        message["names"] = sorted(set(sys.modules) - before)
    if prepare:
        _compile()
    tell(descriptor, {**message, "modules": list(of_the_project(packages, trees))})


def _is_there(module):  # noqa: ANN001, ANN202
    """Return whether the module, or a package that it is in, was imported by something else; namespaces have no file."""
    names = module.split(".")
    above = (".".join(names[: number + 1]) for number in range(len(names)))
    return any(getattr(sys.modules.get(name), "__file__", None) for name in above)


def _compile():  # noqa: ANN202
    """Write the compiled files that Python was kept from writing (`sys.dont_write_bytecode`), as an installer would."""
    import contextlib
    import py_compile

    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        source, compiled = getattr(spec, "origin", None), getattr(spec, "cached", None)
        if (
            isinstance(source, str)
            and isinstance(compiled, str)
            and os.path.isfile(source)
            and not os.path.exists(compiled)
        ):
            # A folder that may not be written to is the same for everybody who imports from it.
            with contextlib.suppress(OSError, py_compile.PyCompileError):
                py_compile.compile(
                    source, compiled, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP
                )


def of_the_project(packages, trees):  # noqa: ANN001, ANN201
    """Yield name and real path of every module that has one of the names, or lies in one of the trees."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and name != "__main__":
            path = os.path.realpath(file)
            if name.partition(".")[0] in packages or path.startswith(tuple(tree + os.sep for tree in trees)):
                yield {"name": name, "path": path}


def tell(descriptor, message):  # noqa: ANN001, ANN201
    """Write one JSON line."""
    import json

    payload = json.dumps(message).encode() + b"\n"
    while payload:
        payload = payload[os.write(descriptor, payload) :]


def listed(words):  # noqa: ANN001, ANN201
    """Read a list whose items are separated by line feeds."""
    return tuple(filter(None, words.split("\n")))


if __name__ == "__main__":
    # Arguments: descriptor, core or nothing, three lists, and whether compiled files are to be left.
    if sys.argv[2]:
        os.sched_setaffinity(0, {int(sys.argv[2])})
    try:
        main(int(sys.argv[1]), *map(listed, sys.argv[3:6]), prepare=bool(sys.argv[6]))
    except BaseException:  # noqa: BLE001 - only the target can have done that, by closing our descriptor for one
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    # Without waiting for threads that the target has started, and without what it registered for the end.
    os._exit(0)
