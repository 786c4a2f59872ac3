"""lint: check the benchmark against the rules, and see what it reaches."""

from __future__ import annotations

from ...staleness import ALL, ENVIRONMENT, Stage, Uses

STAGE = Stage(
    name="lint",
    doc="check the benchmark against the rules, and see what it reaches",
    version=4,
    uses=(
        Uses(
            settings=("metrics", "timeout", "lint.ignore", "lint.boundaries", *ENVIRONMENT),
            artifacts={
                "detect": (
                    "target",
                    "layout.project",
                    "layout.import_roots",
                    "layout.packages",
                    "layout.installable",
                    "layout.benchmarks_root",
                    "functions.module",
                    "functions.path",
                    "functions.name",
                    "functions.status",
                    "functions.base_path",
                    "functions.base_name",
                    "domain.domains",
                ),
                "record": ALL,
                "scaffold": ALL,
                "inject": ALL,
            },
        ),
    ),
)
