"""The four domains: which metrics each one measures, and the time limits of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..artifacts import MetricName

if TYPE_CHECKING:
    from ..manifest.model import Domain, Metric

TIME_LIMIT_SECONDS: Final = 120.0
COUNTING_LIMIT_SECONDS: Final = 600.0
"""Under valgrind all is fifty times slower."""
ALMOST_NOTHING = 16 * 1024
"""Bytes of peak memory on both sides below which a mock may allocate nothing: an empty call shows up to 264 under the same
tracker, a mock's own records some KiB more."""

_METRICS: Final[dict[Domain, Metric]] = {"mem": "memory", "cpu": "time", "async": "time", "struct": "import"}
_CLAIMS: Final[dict[Metric, MetricName]] = {
    "memory": MetricName.PEAK,
    "time": MetricName.TIME,
    "instructions": MetricName.INSTRUCTIONS,
    "import": MetricName.IMPORT,
}


def metrics_for(domains: Sequence[Domain], asked: Sequence[Metric] | None = None) -> tuple[Metric, ...]:
    """Return what is measured: what is asked for, else what the domains call for, in their order."""
    return tuple(asked) if asked else tuple(dict.fromkeys(_METRICS[domain] for domain in domains))


def timeout_for(metrics: Sequence[Metric], asked: float | None = None) -> float | None:
    """Return the limit of each metric in seconds: what is asked for, else 120 s (600 s with instructions), none for memory alone."""
    if asked is not None or not set(metrics) - {"memory"}:
        return asked
    return COUNTING_LIMIT_SECONDS if "instructions" in metrics else TIME_LIMIT_SECONDS


def flags_for(metrics: Sequence[Metric], timeout: float | None = None) -> str:
    """Spell the comparison's flags, like `--memory --timeout 120`; without a `timeout` the usual one is meant."""
    limit = timeout_for(metrics, timeout)
    flags = ["--memory"] if "memory" in metrics else []
    return " ".join([*flags, f"--timeout {limit:g}"] if limit is not None else flags)


def primary_metrics(domains: Sequence[Domain], metrics: Sequence[Metric]) -> tuple[MetricName, ...]:
    """Return the metrics that a claim rests on: the domains' own where they are measured, else all that are."""
    own = [metric for metric in metrics_for(domains) if metric in metrics]
    return tuple(_CLAIMS[metric] for metric in own or dict.fromkeys(metrics))
