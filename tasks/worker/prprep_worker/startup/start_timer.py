"""Time a fresh Python from its start to its end (run as a program).

This program runs isolated (`-I -S`) and loads no code of the project. The Python that it starts gets the full
environment and inherits the launch's CPU core, memory layout and limits.
"""

import json
import os
import sys
import time


def main(descriptor, command):  # noqa: ANN001, ANN201
    """Write one JSON line to `descriptor`: nanoseconds from start to end, and the exit code."""
    sys.dont_write_bytecode = True  # `-I` ignores the variable, and this is prprep's own folder
    sys.path.append(__file__.rpartition("/prprep_worker/")[0])
    from prprep_worker.startup.run_queue import growth, waited_by

    os.set_inheritable(descriptor, False)  # noqa: FBT003 - it has no keyword
    null = os.open(os.devnull, os.O_RDWR)
    streams = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
    before, begun = waited_by("thread-self"), time.perf_counter_ns()
    child = os.posix_spawn(command[0], command, os.environ, file_actions=streams)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    wall, after = time.perf_counter_ns() - begun, waited_by("thread-self")
    # The process is listed until it is waited for.
    waited = growth(before, (waited_by(child) or 0) + after) if after is not None else None
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    cpu = round((usage.ru_utime + usage.ru_stime) * 1e9)
    message = {"wall": wall, "waited": waited, "cpu": cpu, "involuntary": usage.ru_nivcsw, "code": code}
    os.write(descriptor, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    # Arguments: descriptor, core or nothing, and the arguments of the Python to start.
    if sys.argv[2]:
        os.sched_setaffinity(0, map(int, sys.argv[2].split(",")))
    main(int(sys.argv[1]), [sys.executable, *sys.argv[3:]])
