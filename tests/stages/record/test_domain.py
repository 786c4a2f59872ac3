from __future__ import annotations

import pytest

from tasks.artifacts import DomainProposal, Peaks
from tasks.stages.record.domain import domains_by_import, domains_by_peaks

MIB = 1 << 20


def proposal(*domains: str, given: bool = False) -> DomainProposal:
    return DomainProposal(domains=domains, reason="", given=given)


@pytest.mark.parametrize(
    ("proposed", "peaks", "domains"),
    [
        ("mem", (4 * MIB, 4 * MIB + 100), ("cpu",)),
        ("mem", (4 * MIB, 2 * MIB), ()),
        ("mem", (2 * MIB, 4 * MIB), ("cpu", "mem")),  # a regression stays visible
        ("mem", (611, 282), ("cpu", "mem")),  # too little to matter
        ("mem", (0, 0), ("cpu",)),
        ("cpu", (4 * MIB, 2 * MIB), ("cpu", "mem")),
        ("cpu", (4 * MIB, 4 * MIB), ()),
        ("cpu", (2 * MIB, 4 * MIB), ()),
        ("cpu", (1_000, 10), ()),
        ("async", (4 * MIB, 2 * MIB), ()),
    ],
)
def test_the_domain_follows_from_what_the_benchmark_allocates(proposed, peaks, domains):
    base, head = peaks
    assert domains_by_peaks(proposal(proposed), Peaks(base=base, head=head))[0] == domains
    assert domains_by_peaks(proposal(proposed, given=True), Peaks(base=base, head=head)) == ((), "")


def test_the_note_says_what_was_allocated():
    assert domains_by_peaks(proposal("mem"), Peaks(base=4 * MIB, head=4 * MIB))[1] == (
        "time is measured, not memory: the benchmark's calls allocate 4.0 MiB at base and 4.0 MiB at head at their peak"
    )
    assert domains_by_peaks(proposal("mem"), None) == ((), "")
    # One object with and without a __dict__, of which a program may hold very many.
    assert domains_by_peaks(proposal("mem"), Peaks(base=152, head=104), of_objects=True) == ((), "")


def test_an_import_that_takes_as_long_is_not_what_a_change_is_about():
    assert domains_by_import(proposal("struct"), 0.100, 0.099) == ("cpu",)
    assert domains_by_import(proposal("struct"), 0.100, 0.080) == ()
    assert domains_by_import(proposal("struct"), 0.100, None) == ()
    assert domains_by_import(proposal("struct", given=True), 0.100, 0.100) == ()
