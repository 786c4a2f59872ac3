"""The two trees, in enough detail to check them out again."""

from typing import Literal

from pydantic import Field

from ..storage.artifact import Artifact, Record


class TreeSpec(Record):
    """One side's tree: a commit, commits picked onto it, files written over it."""

    commit: str
    picks: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    """Path in the tree to the SHA-256 of the bytes that are injected there."""
    tree: str
    """SHA-1 of the git tree, without the injected files."""


class Injection(Artifact):
    SCHEMA = 1
    STAGE = "inject"

    item: str
    strategy: Literal["inject", "cherry-pick"]
    reason: str
    benchmark: str
    benchmark_sha256: str
    base: TreeSpec
    head: TreeSpec
    own_fixture: str = ""
    """The file that defines a fixture `benchmark` of its own, which is not used; "" without one."""
    repairs: tuple[str, ...] = ()
