from typing import Any

from ...git.models import Refs
from ...staleness import Fields, Item, Stage, Uses, Value
from ...storage.hashing import blob, read_bytes
from ...text.target_names import benchmark_file


def _commits(refs: Refs) -> dict[str, Any]:
    return {
        "the name of upstream": refs.upstream_ref,
        "the commit of upstream": refs.upstream,
        "the commit of base": refs.base,
        "the commit of head": refs.head,
        "the listed commits": list(refs.picks),
    }


def _benchmark(item: Item) -> str | bool:
    setting = item.settings["benchmark"]
    return benchmark_file(setting)[0] if isinstance(setting, str) else setting is not None


def _benchmark_unchanged(item: Item, fields: Fields) -> bool:
    """Return whether the benchmark in the user's work tree is the one that detect read."""
    worktree, presence = item.repository.worktree, fields.get("benchmark")
    if worktree is None or not presence:
        return True
    content = read_bytes(worktree / str(presence["path"]))
    return bool((None if content is None else blob(content)) == presence["worktree"])


REFS = Value("the refs", lambda item: item.workspace.refs(item.id), _commits)
BENCHMARK = Value("`benchmark`", _benchmark)
"""The path that the manifest names, or whether it describes one; detect ignores the description itself."""

STAGE = Stage(
    name="detect",
    doc="find commits, changed functions, domain, benchmark and layout",
    version=11,
    uses=(
        Uses(
            settings=("title", "domain", "base", "head", "commits", "functions", "env.runner"),
            # The repository's location on this machine makes no difference.
            values=(REFS, BENCHMARK, Value("the project", lambda item: item.repository.project)),
        ),
    ),
    remembers=(
        *("target", "benchmark", "domain.domains"),
        *(f"functions.{name}" for name in ("path", "name", "base_path", "base_name")),
    ),
    intact=_benchmark_unchanged,
    otherwise="the benchmark in the work tree changed",
)
