"""The versions of what stages do, and the templates they read: a run with nothing to do imports no stage.

Raise a stage's number whenever the same input comes to another result: everybody's artifacts of it become stale.
"""

STAGES = {
    "detect": 5,
    "survey": 2,
    "record": 9,
    "scaffold": 7,
    "inject": 2,
    "lint": 3,
    "tests": 1,
    "measure": 2,
    "codeflash": 1,
    "compare": 3,
    "verify": 1,
    "render": 6,
}
REPORT = 4

# What a stage's templates include is found from these.
TEMPLATES = {
    "scaffold": ("benchmark_cpu.py.j2", "benchmark_mem.py.j2", "benchmark_async.py.j2", "benchmark_struct.py.j2"),
    "verify": ("reproduce.md.j2",),
    "render": (
        "pr-body-cpu.md.j2",
        "pr-body-memory.md.j2",
        "summary.md.j2",
        "test-items.md.j2",
        "changelog.md.j2",
        "compare-output.md.j2",
        "own-section.md.j2",
    ),
}
