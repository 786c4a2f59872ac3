"""What each of the four domains measures, and the time limits of a comparison."""

import math
from collections.abc import Sequence
from typing import Final

from ..artifacts import MetricName
from ..manifest.model import Domain, Metric

TIME_LIMIT_SECONDS: Final = 120.0
COUNTING_LIMIT_SECONDS: Final = 600.0
"""Valgrind makes everything fifty times slower."""
ALMOST_NOTHING: Final = 16 * 1024
"""If the peaks of both sides have fewer bytes, the measured code may allocate nothing itself: an empty call shows up to
264 bytes, and the records of a mock take some KiB more."""

_METRICS: Final[dict[Domain, Metric]] = {"mem": "memory", "cpu": "time", "async": "time", "struct": "import"}
_CLAIMS: Final[dict[Metric, MetricName]] = {
    "memory": MetricName.PEAK,
    "time": MetricName.TIME,
    "instructions": MetricName.INSTRUCTIONS,
    "import": MetricName.IMPORT,
}


def metrics_for(domains: Sequence[Domain]) -> tuple[Metric, ...]:
    """Return the metrics of the domains, in their order."""
    return tuple(dict.fromkeys(_METRICS[domain] for domain in domains))


def timeout_for(metrics: Sequence[Metric], timeout: float | None = None) -> float | None:
    """Return each metric's limit in seconds: `timeout`, else 120 s (600 s with instructions), none for memory alone."""
    if timeout is not None or not set(metrics) - {"memory"}:
        return timeout
    return COUNTING_LIMIT_SECONDS if "instructions" in metrics else TIME_LIMIT_SECONDS


def flags_for(metrics: Sequence[Metric], timeout: float | None = None) -> tuple[str, ...]:
    """Return the flags of `codeflash compare` for these metrics, like `--memory`, `--timeout`, `120`.

    Without a `timeout` that is the default limit; codeflash takes whole seconds.
    """
    limit = timeout_for(metrics, timeout)
    memory = ("--memory",) if "memory" in metrics else ()
    return memory if limit is None else (*memory, "--timeout", str(math.ceil(limit)))


def primary_metrics(domains: Sequence[Domain], metrics: Sequence[Metric]) -> tuple[MetricName, ...]:
    """Return the metrics that a claim rests on: the domains' own if one of them was measured, else all that were."""
    own = [metric for metric in metrics_for(domains) if metric in metrics]
    return tuple(_CLAIMS[metric] for metric in own or dict.fromkeys(metrics))
