from ...staleness import COMMITS, ENVIRONMENT, LAYOUT, Item, Stage, Uses, keeps_benchmark


def lacks_benchmark(item: Item) -> bool:
    return item.settings["benchmark"] is None and not keeps_benchmark(item)


CHANGED = ("path", "module", "name", "status", "base_path", "base_name", "lines", "base_lines", "only_moved")

STAGE = Stage(
    name="record",
    doc="record real calls of a function that has no benchmark",
    version=22,
    uses=(
        Uses(
            settings=("drive", "domain", "functions", "boundary_bytes", "lint.boundaries", "timeout", *ENVIRONMENT),
            artifacts={
                "detect": (
                    *("target", *COMMITS, "commits", "files"),
                    *(f"functions.{name}" for name in CHANGED),
                    *("domain.domains", "domain.given", *LAYOUT, "layout.benchmarks_root"),
                )
            },
            when=lacks_benchmark,
        ),
    ),
)
