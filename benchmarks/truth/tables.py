"""Tables of how often intervals contain the truth, how wide they are, and how wrong estimates are."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from ..peers.tables import table, wilson
from .outcomes import Outcome


def all_tables(outcomes: Sequence[Outcome]) -> str:
    ours = [outcome for outcome in outcomes if outcome.tool.startswith("prprep")]
    parts = [
        "## Intervals of prprep at 99 %, by load\n\n" + intervals(ours, lambda outcome: outcome.condition, "Load"),
        "## By call\n\n" + intervals(ours, lambda outcome: outcome.call, "Call"),
        "## By true ratio\n\n" + intervals(ours, lambda outcome: outcome.ratio, "Head / base"),
        "## Errors of the estimates\n\n" + errors(outcomes),
    ]
    return "\n\n".join(parts) + "\n"


def intervals(outcomes: Sequence[Outcome], key: Callable[[Outcome], str], heading: str) -> str:
    """Show how many intervals contain the truth, their widths, and wrong claims; a row for each tool and `key`."""
    rows = []
    for tool, value in _distinct((outcome.tool, key(outcome)) for outcome in outcomes):
        those = [outcome for outcome in outcomes if (outcome.tool, key(outcome)) == (tool, value)]
        whole = [outcome for outcome in those if outcome.interval is not None]
        if not whole:
            continue
        hits = sum(bool(outcome.contains_truth) for outcome in whole)
        low, high = wilson(hits, len(whole))
        rows.append(
            (
                tool,
                value,
                f"{hits} of {len(whole)} ({100 * low:.1f} to {100 * high:.1f} %)",
                f"{100 * statistics.median(outcome.half_width for outcome in whole):.2f} %",
                _found(whole),
                str(sum(outcome.is_wrong_claim for outcome in whole)),
                f"{statistics.median(outcome.wall for outcome in whole):.1f}",
                str(len(those) - len(whole)),
            )
        )
    columns = (
        "Tool",
        heading,
        "Contain the truth",
        "Half-width, median",
        "Found",
        "Wrong claims",
        "s a call",
        "No result",
    )
    return table(columns, rows)


def errors(outcomes: Sequence[Outcome]) -> str:
    """Show the errors of the estimates, as shares of the true ratio, by tool and load."""
    rows = []
    for tool, condition in _distinct((outcome.tool, outcome.condition) for outcome in outcomes):
        those = [outcome for outcome in outcomes if (outcome.tool, outcome.condition) == (tool, condition)]
        found = sorted(abs(outcome.error) for outcome in those if outcome.error is not None)
        if found:
            rows.append(
                (
                    tool,
                    condition,
                    str(len(found)),
                    f"{100 * statistics.median(found):.1f} %",
                    f"{100 * found[int(0.95 * (len(found) - 1))]:.1f} %",
                    f"{100 * found[-1]:.1f} %",
                    str(sum(outcome.is_wrong_claim for outcome in those)),
                )
            )
    columns = ("Tool", "Load", "Estimates", "Error: median", "95 % are below", "Worst", "Wrong claims")
    return table(columns, rows)


def _found(outcomes: Sequence[Outcome]) -> str:
    """Count the claims among outcomes with a true effect."""
    effects = [outcome for outcome in outcomes if outcome.expected]
    return f"{sum(outcome.claim == outcome.expected for outcome in effects)} of {len(effects)}"


def _distinct(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(set(pairs))
