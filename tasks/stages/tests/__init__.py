from ...staleness import COMMITS, ENVIRONMENT, LAYOUT, Stage, Uses

STAGE = Stage(
    name="tests",
    doc="run the project's own tests at base and at head",
    version=4,
    uses=(
        Uses(
            settings=("tests", "tests_timeout", *ENVIRONMENT),
            artifacts={"detect": (*COMMITS, "files", *LAYOUT, "layout.benchmarks_root")},
        ),
    ),
)
