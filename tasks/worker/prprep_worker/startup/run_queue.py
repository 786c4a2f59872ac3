"""How long a task waited for a core, for programs that may import next to nothing."""

import os


def waited_by(task):  # noqa: ANN001, ANN201 - `typing` would be imported for the project
    """Return the nanoseconds that a task was ready to run and waited for a core; None if that is not reported."""
    try:
        descriptor = os.open(f"/proc/{task}/schedstat", os.O_RDONLY)
    except OSError:
        return None
    try:
        return int(os.read(descriptor, 64).split()[1])
    finally:
        os.close(descriptor)


def growth(before, after):  # noqa: ANN001, ANN201
    """Return the difference of two readings, None without them."""
    return None if before is None or after is None else after - before


def involuntary_switches():  # noqa: ANN201
    """Return how often the core was taken from this process."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
