from ...staleness import ENVIRONMENT, LAYOUT, Stage, Uses

STAGE = Stage(
    name="tests",
    doc="run the project's own tests at base and at head",
    version=3,
    uses=(
        Uses(
            settings=("tests", "tests_timeout", *ENVIRONMENT),
            artifacts={"detect": ("base", "head", "picked", "files", *LAYOUT, "layout.benchmarks_root")},
        ),
    ),
)
