"""Find out what a change is about by what differs between base and head: allocations, or the time of an import."""

from ...artifacts import DomainProposal, Peaks
from ...manifest.model import Domain
from ...text import figures

LEAST_BYTES = 64 << 10
"""Of peak memory, below which a difference is none of a change that nothing else says is about memory."""
LESS_MEMORY = 0.8
"""A change is about memory too if the peak at head is at most this part of base's."""
SAME = 0.05
"""The part by which two peaks, or two times of an import, are alike."""


def domains_by_peaks(
    proposal: DomainProposal, peaks: Peaks | None, *, of_objects: bool = False
) -> tuple[tuple[Domain, ...], str]:
    """Return the domains that follow from the allocations of the chosen call, and why; () if they say no other.

    A program may hold very many objects, however small they are: `of_objects` says that the call makes one.
    """
    if proposal.given or peaks is None:
        return (), ""
    difference = abs(peaks.head - peaks.base)
    both = f"{figures.size(peaks.base)} at base and {figures.size(peaks.head)} at head at their peak"
    is_alike = difference <= SAME * peaks.base
    if proposal.domains[:1] == ("mem",) and is_alike:
        return ("cpu",), f"time is measured, not memory: the benchmark's calls allocate {both}"
    is_small = difference < LEAST_BYTES and not of_objects
    if proposal.domains[:1] == ("mem",) and (is_small or peaks.head > peaks.base):
        return ("cpu", "mem"), f"time is measured as well: the benchmark's calls allocate {both}"
    if proposal.domains == ("cpu",) and difference >= LEAST_BYTES and peaks.head <= LESS_MEMORY * peaks.base:
        return ("cpu", "mem"), f"memory is measured as well: the benchmark's calls allocate {both}"
    return (), ""


def domains_by_import(proposal: DomainProposal, base: float | None, head: float | None) -> tuple[Domain, ...]:
    """Return `cpu` if an import takes as long on both sides, which a commit seemed to be about; () otherwise."""
    if proposal.given or base is None or head is None or abs(base - head) > SAME * base:
        return ()
    return ("cpu",)
