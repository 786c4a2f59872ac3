"""The four domains: what is measured for each, for how long, and which one a change seems to belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .artifacts import DomainProposal, MetricName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .manifest.model import Domain, Metric
    from .signals import Edit

TIME_LIMIT_SECONDS: Final = 120.0
COUNTING_LIMIT_SECONDS: Final = 600.0
"""Under valgrind all is fifty times slower."""

_METRICS: Final[dict[Domain, Metric]] = {"mem": "memory", "cpu": "time", "async": "time", "struct": "import"}
_CLAIMS: Final[dict[Metric, MetricName]] = {
    "memory": MetricName.PEAK,
    "time": MetricName.TIME,
    "instructions": MetricName.INSTRUCTIONS,
    "import": MetricName.IMPORT,
}

_ENOUGH: Final[dict[Domain, int]] = {"async": 3, "struct": 5, "mem": 2, "cpu": 1}
"""The weight of evidence that a domain needs to be proposed; of two with the same weight the first here is."""
_SHOWN: Final = 3


def metrics_for(domains: Sequence[Domain], asked: Sequence[Metric] | None = None) -> tuple[Metric, ...]:
    """Give what is measured: what is asked for, else what the domains call for, in their order."""
    return tuple(asked) if asked else tuple(dict.fromkeys(_METRICS[domain] for domain in domains))


def timeout_for(metrics: Sequence[Metric], asked: float | None = None) -> float | None:
    """Give the limit of each metric in seconds: what is asked for, else 120 s (600 s with instructions), none for memory alone."""
    if asked is not None or not set(metrics) - {"memory"}:
        return asked
    return COUNTING_LIMIT_SECONDS if "instructions" in metrics else TIME_LIMIT_SECONDS


def flags_for(metrics: Sequence[Metric], timeout: float | None = None) -> str:
    """Spell the comparison's flags, like `--memory --timeout 120`; without a `timeout` the usual one is meant."""
    limit = timeout_for(metrics, timeout)
    flags = ["--memory"] if "memory" in metrics else []
    return " ".join([*flags, f"--timeout {limit:g}"] if limit is not None else flags)


def primary_metrics(domains: Sequence[Domain], metrics: Sequence[Metric]) -> tuple[MetricName, ...]:
    """Give the metrics that a claim rests on: the domains' own where they are measured, else all that are."""
    own = [metric for metric in metrics_for(domains) if metric in metrics]
    return tuple(_CLAIMS[metric] for metric in own or dict.fromkeys(metrics))


def propose(edits: Sequence[Edit], messages: Sequence[str]) -> DomainProposal:
    """Propose the domain that most of the code's tokens and of the commit messages' words speak for; `cpu` without any."""
    from .signals import evidence  # noqa: PLC0415 - most who ask for metrics propose nothing

    found = evidence(edits, messages)
    weights = {domain: sum({each.rule: each.weight for each in found if each.domain == domain}.values()) for domain in _ENOUGH}
    likely = [domain for domain, weight in weights.items() if weight >= _ENOUGH[domain]]
    if not likely:
        return DomainProposal(domains=("cpu",), reason="nothing in the change speaks for memory, concurrency or imports", given=False)
    domain = max(likely, key=lambda each: weights[each])
    told = [each.told for each in sorted(found, key=lambda each: -each.weight) if each.domain == domain]
    return DomainProposal(domains=(domain,), reason="; ".join(list(dict.fromkeys(told))[:_SHOWN]), given=False)
