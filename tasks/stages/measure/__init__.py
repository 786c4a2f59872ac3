from ...staleness import (
    ALL,
    BENCHMARK,
    COMMITS,
    ENVIRONMENT,
    FUNCTIONS,
    LAYOUT,
    Stage,
    Uses,
    Value,
    metrics_follow_from_domain,
    times_imports,
)

STOPPING_RULE = Value(
    "when sampling may stop", lambda item: (item.settings["confidence"], item.settings["negligible"]), hashed=False
)
"""Confidence and negligible change: samples taken under another rule stay valid, so only `compare` runs again."""

STAGE = Stage(
    name="measure",
    doc="measure base and head in lockstep pairs",
    version=9,
    uses=(
        Uses(
            settings=("metrics", "timeout", "budget", "cores", *ENVIRONMENT),
            artifacts={
                "detect": (*COMMITS, *LAYOUT, *FUNCTIONS),
                "scaffold": BENCHMARK,
                "inject": ALL,
            },
            values=(STOPPING_RULE,),
        ),
        Uses(artifacts={"detect": ("domain.domains",)}, when=metrics_follow_from_domain),
        Uses(artifacts={"detect": ("target",)}, when=times_imports),
    ),
    after=("lint",),
)
