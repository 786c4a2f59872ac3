from ...staleness import ALL, Stage, Uses

STAGE = Stage(
    name="compare",
    doc="judge the samples: interval and verdict for every metric",
    version=7,
    uses=(
        Uses(
            settings=("confidence", "negligible", "negligible_memory"),
            artifacts={
                "detect": ("domain.domains", "functions.module", "functions.name", "functions.status"),
                "scaffold": ("domains", "made_from", "origin"),
                "lint": ALL,
                "measure": ALL,
                "codeflash": ALL,
            },
        ),
    ),
    remembers=("changes.metric",),
)
