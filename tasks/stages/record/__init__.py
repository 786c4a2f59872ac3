from ...staleness import ENVIRONMENT, LAYOUT, Item, Stage, Uses, keeps_benchmark


def lacks_benchmark(item: Item) -> bool:
    return item.settings["benchmark"] is None and not keeps_benchmark(item)


STAGE = Stage(
    name="record",
    doc="record real calls of a function that has no benchmark",
    version=11,
    uses=(
        Uses(
            settings=("drive", "boundary_bytes", "lint.boundaries", "timeout", *ENVIRONMENT),
            artifacts={
                "detect": (
                    *("target", "base", "head", "picked", "functions.module", "functions.name", "functions.status"),
                    *("domain.domains", *LAYOUT, "layout.benchmarks_root"),
                )
            },
            when=lacks_benchmark,
        ),
    ),
)
