"""What a comparison of refs reads from the command line, and from a manifest in this folder or above it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .. import git
from ..errors import RepositoryError, UsageError
from ..graph.loader import find_manifest, flag, option
from ..manifest.reader import LoadedManifest, read
from ..processes.real_paths import expanded, real_path
from ..storage.paths import cache_folder
from ..workspace.repository import Repository, RepositoryKey

MEASURED: Final = (
    option("call", "measure this expression instead of a test", "CODE"),
    option("setup", "statements that run once before --call, and are not timed", "CODE"),
    option("function", "what became faster, as package.module:name [default: found from the diff]", "NAME"),
    flag("memory", "measure peak memory, too"),
    option("budget", "seconds of samples for one benchmark [default: 20]", "SECONDS", type=float, default=None),
)
"""The options that say what is measured."""


def settings_of(params: Mapping[str, Any], benchmarks: Sequence[str]) -> dict[str, Any]:
    """Return the settings of an item from the command line; raise UsageError if they contradict each other."""
    if len(benchmarks) > 1:
        raise UsageError(f"only one benchmark can be named, not {len(benchmarks)}: {', '.join(benchmarks)}")
    if benchmarks and params["call"]:
        raise UsageError(f"--call and {benchmarks[0]} exclude each other", hint="leave one of them out")
    if params["setup"] and not params["call"]:
        raise UsageError("--setup needs --call", hint="pass the expression to measure: --call CODE")
    code = {key: params[key] for key in ("setup", "call") if params[key]}
    settings = {
        "benchmark": benchmarks[0] if benchmarks else code,
        "functions": params["function"],
        "metrics": ["time", "memory"] if params["memory"] else None,
        "budget": params["budget"],
    }
    return {key: value for key, value in settings.items() if value not in (None, "", {})}


def repository_of(repo: str, folder: Path) -> tuple[Repository, LoadedManifest | None]:
    """Return the repository, `repo` or the one around `folder`, and the manifest there, if it has one about it.

    Raise RepositoryError if there is none, ManifestError if the manifest is wrong.
    """
    cache = cache_folder()
    if git.is_address(repo):
        return Repository(RepositoryKey(repo, None, None), folder=folder, cache=cache), None
    named = folder / expanded(repo)
    local = git.find(named)
    if local is None:
        hint = "change into a repository, or pass one: `prprep try --repo PATH`"
        raise RepositoryError("this is not a git repository", where=str(named), hint=hint)
    manifest = _manifest_about(local.root, folder)
    upstream, slug = (manifest.manifest.upstream, manifest.manifest.slug) if manifest else (None, None)
    return Repository(RepositoryKey(str(local.root), upstream, slug), folder=folder, cache=cache), manifest


def _manifest_about(root: Path, folder: Path) -> LoadedManifest | None:
    try:
        path = find_manifest("", folder)
    except UsageError:
        return None
    manifest = read(path)
    repo = manifest.manifest.repo
    is_about = not git.is_address(repo) and real_path(path.parent / expanded(repo)) == real_path(root)
    return manifest if is_about else None
