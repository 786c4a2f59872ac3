from ...staleness import ALL, COMMITS, ENVIRONMENT, FUNCTIONS, LAYOUT, Stage, Uses

STAGE = Stage(
    name="lint",
    doc="check the benchmark against the rules, and see what it reaches",
    version=7,
    uses=(
        Uses(
            settings=("metrics", "timeout", "lint.ignore", "lint.boundaries", *ENVIRONMENT),
            artifacts={
                "detect": (
                    "target",
                    "files",
                    *COMMITS,
                    *LAYOUT,
                    "layout.benchmarks_root",
                    *FUNCTIONS,
                    "domain.domains",
                ),
                "record": ALL,
                "scaffold": ALL,
                "inject": ALL,
            },
        ),
    ),
)
