"""The inventory of one optimization."""

from typing import Literal, NamedTuple

from ..manifest.model import Domain
from ..storage.artifact import Artifact, Record
from ..text.target_names import own_name


class Commit(Record):
    sha: str
    title: str
    message: str = ""
    author: str = ""


class DefinitionPlace(NamedTuple):
    """A definition of one side: its file, its qualified name, its first and last line."""

    path: str
    name: str
    lines: tuple[int, int]


class ChangedFunction(Record):
    """A definition that differs between base and head, or was moved.

    `module` is what Python imports (`pagelayout.tables`), `name` its qualified name (`Table.rows`, `Table.rows.setter`,
    `show.register(int)`), which no other definition of the file has; `base_path` and `base_name` are those at base,
    if it is there. `lines` are the first and last at head, or at base if head lacks it.
    """

    path: str
    module: str
    name: str
    status: Literal["modified", "added", "removed", "renamed", "moved"]
    base_path: str | None = None
    base_name: str | None = None
    is_async: bool = False
    lines: tuple[int, int] = (0, 0)
    base_lines: tuple[int, int] | None = None
    only_moved: bool = False
    """Whether its code is the same on both sides, in another place or by another name."""

    @property
    def target(self) -> str:
        return f"{self.module}:{self.name}"

    @property
    def at_base(self) -> tuple[str, str]:
        """The path and name at base."""
        return self.base_path or self.path, self.base_name or self.name

    def at(self, side: Literal["base", "head"]) -> DefinitionPlace | None:
        """Return where it is on one side; None if it is not there."""
        if side == "head":
            return None if self.status == "removed" else DefinitionPlace(self.path, self.name, self.lines)
        if self.status == "added":
            return None
        return DefinitionPlace(*self.at_base, self.base_lines or self.lines)


class DomainProposal(Record):
    domains: tuple[Domain, ...]
    reason: str
    given: bool


class Presence(Record):
    """Where a benchmark exists: the blob's SHA-1 or None."""

    path: str
    base: str | None
    head: str | None
    worktree: str | None


class Layout(Record):
    """How the project is laid out at head.

    `project` is the folder of its pyproject.toml or setup.py ("" for the root), `import_roots` the
    folders for `sys.path` ("src", ""), `packages` the importable top-level names, `distribution` the normalized name
    that it is installed under, "" if no file states it.
    """

    kind: Literal["flat", "src", "several", "none"]
    project: str
    import_roots: tuple[str, ...]
    packages: tuple[str, ...]
    installable: bool
    benchmarks_root: str
    benchmarks_root_reason: str
    runner: str
    runner_reason: str
    distribution: str = ""


class DependencyDifference(Record):
    """One requirement that differs: None if that side does not have it."""

    file: str
    name: str
    base: str | None
    head: str | None


class ContributionRule(Record):
    """A sentence of the project's own pages that binds a pull request, and its source.

    `about` is `generated text`, `disclosure`, `co-author`, `sign-off`, `issue first` or `benchmark`.
    """

    path: str
    line: int
    about: str
    sentence: str


class Detection(Artifact):
    SCHEMA = 4
    STAGE = "detect"

    item: str
    title: str
    base: str
    head: str
    base_ref: str
    head_ref: str
    upstream: str
    upstream_ref: str
    slug: str | None
    commits: tuple[Commit, ...]
    picked: tuple[str, ...] = ()
    """Commits to cherry-pick onto base, if the manifest lists them one by one."""
    files: tuple[str, ...]
    functions: tuple[ChangedFunction, ...]
    target: str | None
    """The optimized function, `module:name` (or a module alone, for its import)."""
    target_reason: str
    domain: DomainProposal
    benchmark: Presence | None
    layout: Layout
    dependencies: tuple[DependencyDifference, ...] = ()
    changelog: str | None = None
    """`keep-a-changelog CHANGELOG.md`, `towncrier changes/`, ... or None."""
    pull_request_template: str | None = None
    template_text: str = ""
    """Of that template, as it is at upstream's newest commit."""
    contribution_rules: tuple[ContributionRule, ...] = ()
    benchmark_tool: Literal["asv", "pyperf"] | None = None
    """Whose tables the project's reviewers know."""
    has_conventional_titles: bool = False
    """Whether most of upstream's newest commits have conventional titles (`fix: ...`)."""
    notes: tuple[str, ...] = ()
    """What could not be found out and why, one sentence each."""

    @property
    def function(self) -> str:
        """The short name that files are named after: the target's last part, or the item's id."""
        return own_name(self.target or self.item)
