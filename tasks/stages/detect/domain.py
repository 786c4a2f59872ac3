"""Propose the domain of a change from its code and its commit messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ...artifacts import DomainProposal
from .signals import evidence

if TYPE_CHECKING:
    from ...manifest.model import Domain
    from .signals import Edit

_ENOUGH: Final[dict[Domain, int]] = {"async": 3, "struct": 5, "mem": 2, "cpu": 1}
"""The weight of evidence that a domain needs to be proposed; of two with the same weight the first here is."""
_SHOWN: Final = 3


def propose(edits: Sequence[Edit], messages: Sequence[str]) -> DomainProposal:
    """Propose the domain that most of the code's tokens and of the commit messages' words speak for; `cpu` without any."""
    found = evidence(edits, messages)
    weights = {
        domain: sum({each.rule: each.weight for each in found if each.domain == domain}.values()) for domain in _ENOUGH
    }
    likely = [domain for domain, weight in weights.items() if weight >= _ENOUGH[domain]]
    if not likely:
        return DomainProposal(
            domains=("cpu",), reason="nothing in the change speaks for memory, concurrency or imports", given=False
        )
    domain = max(likely, key=lambda each: weights[each])
    told = [each.told for each in sorted(found, key=lambda each: -each.weight) if each.domain == domain]
    return DomainProposal(domains=(domain,), reason="; ".join(list(dict.fromkeys(told))[:_SHOWN]), given=False)
