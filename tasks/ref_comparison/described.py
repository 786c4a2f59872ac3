"""Describe a comparison of refs for `--json`."""

from ..json_output.items import comparison_alone
from ..json_output.models import Item, NamedCommit
from .manifest import RefComparison
from .table import NO_BENCHMARK


def described(comparison: RefComparison, manifest: str, item: Item) -> Item:
    """Name the commits as on the command line, and say what to do if no benchmark was found."""
    sides = {"base": comparison.sides.base, "head": comparison.heads[item.id]}
    commits = {side: NamedCommit(ref=each.name, sha=each.sha) for side, each in sides.items()}
    alone = comparison_alone(manifest, item).model_copy(update=commits)
    if not (item.benchmark and item.benchmark.needs):
        return alone
    return alone.model_copy(update={"reasons": (*item.reasons, NO_BENCHMARK.format(item.benchmark.source))})
