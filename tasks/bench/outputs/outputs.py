"""Judge what the benchmark's calls returned on the two sides.

What differs between two calls or two processes on one and the same side is no difference between the sides.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from ...artifacts import SIDES, Output, Side
from .descriptions import DescriptionComparison, Node, spelled_difference, unstable_parts
from .functions import BASE_PROCESSES, with_functions


def judge(test: str, described: Mapping[Side, Node], again: Mapping[Side, Node], witness: Node | None = None) -> Output:
    """Return whether both sides returned the same, with the first difference, or why they are not comparable.

    `again` is what a second call in the same process returned, `witness` what another process returned on base.
    """
    incomparable = partial(Output, test=test, verdict="not comparable")
    base, head = (described[side] for side in SIDES)
    runs = {f"two calls on the same side ({side})": (described[side]["tree"], again[side]["tree"]) for side in SIDES}
    if witness:
        runs[BASE_PROCESSES] = base["tree"], witness["tree"]
    comparison = DescriptionComparison(unstable=unstable_parts(runs.values()))
    if difference := comparison.first_difference(base["tree"], head["tree"]):
        return Output(test=test, verdict="different", detail=spelled_difference(difference))
    why = next((f"differs between {between}" for between, pair in runs.items() if unstable_parts([pair])), "")
    if comparison.left_out and not comparison.agrees:
        return incomparable(detail=why)
    opaque = base["opaque"] or head["opaque"] or [comparison.undecided]
    if opaque[0]:
        path, reason = opaque[0]
        return incomparable(detail=reason + (f", at `{path}`" if path else ""))
    details = [*comparison.qualifications(why), *_qualifications(described)]
    output = Output(test=test, verdict="equal", detail="; ".join(details), partly=comparison.is_partial)
    return with_functions(output, described, witness)


def _qualifications(described: Mapping[Side, Node]) -> Iterator[str]:
    if described["base"]["consumed"]:
        yield "compared after consuming the lazy result"
    if described["base"].get("order") != described["head"].get("order"):
        yield "the keys of dicts are in another order"
