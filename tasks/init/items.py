"""Check candidates against the repository: items for the manifest, and candidates to leave out, with the reason."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

from pydantic import ValidationError

from ..body.claims import claims
from ..errors import CherryPickError, PrprepError
from ..manifest.model import Optimization
from ..project.code.span import span_of
from ..text.messages import enumeration
from ..workspace.checks import function_lookup
from .candidate import Candidate
from .functions import is_named, matching_functions, similar_function
from .gathering import Gathered
from .ids import Ids, short_name
from .repository import RepositoryHistory
from .titles import title_of

_SHORT_SHA: Final = 12
_MOST_FUNCTIONS: Final = 5


@dataclass(frozen=True, slots=True)
class ProposedItem:
    """One optimization for the manifest: `values` by the manifest's keys, `remarks` by value, for the end of its line.

    `warnings` are what a person should look at, `comments` everything else that is known; `problem` says why it cannot
    be used, "" if it can.
    """

    values: Mapping[str, Any]
    source: str
    comments: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def id(self) -> str:
        return str(self.values["id"])


@dataclass(frozen=True, slots=True)
class Selection:
    """Items for the manifest, and the candidates that become none, each with a title and the reason."""

    items: tuple[ProposedItem, ...]
    left_out: tuple[Candidate, ...]


def select(repository: RepositoryHistory, gathered: Gathered) -> Selection:
    """Turn candidates into items with unique ids, and leave out those that were not kept."""
    ids, items, left_out = Ids(), [], []
    for candidate in gathered.candidates:
        if reason := _why_left_out(repository, candidate, gathered.reverted):
            title = candidate.title or _commit_title(repository, candidate) or "".join(candidate.functions[:1])
            left_out.append(replace(candidate, title=title or "untitled", reason=reason))
        else:
            items.append(propose(repository, candidate, ids))
    return Selection(tuple(items), tuple(left_out))


def propose(
    repository: RepositoryHistory, candidate: Candidate, ids: Ids, *, item_id: str | None = None
) -> ProposedItem:
    """Return an item for a candidate, with `item_id` or an id derived from its commits."""
    return _ItemBuilder(repository, candidate).build(item_id, ids)


def _why_left_out(repository: RepositoryHistory, candidate: Candidate, reverted: Mapping[str, str]) -> str:
    """Say why a candidate becomes no item; "" if it becomes one."""
    commits, is_unknown = candidate.commits, candidate.outcome == "unknown"
    if candidate.outcome in {"discarded", "unfinished"}:
        return candidate.reason or candidate.outcome
    if is_unknown and not candidate.has_refs and not candidate.warnings:
        return "the notes do not say whether it was kept, and name no commit"
    if commits and all(sha in reverted for sha in commits):
        return f"commit {reverted[commits[-1]][:_SHORT_SHA]} reverts it"
    if is_unknown and candidate.is_from_git and commits:  # nobody but us calls them an optimization
        if all(map(repository.is_upstream, commits)) and repository.refs.upstream != repository.head:
            return f"{candidate.reason}, but {repository.refs.upstream_ref} has it already"
        if not any((parent := repository.parent(sha)) and repository.changes_code(parent, sha) for sha in commits):
            return f"{candidate.reason}, but it changes no code of the project (only tests, docs or settings)"
    return ""


def _commit_title(repository: RepositoryHistory, candidate: Candidate) -> str:
    return repository.clone.commit(candidate.commits[-1]).title if candidate.commits else candidate.branch


class _ItemBuilder:
    def __init__(self, repository: RepositoryHistory, candidate: Candidate) -> None:
        self.repository, self.candidate = repository, candidate
        self.values: dict[str, Any] = {}
        self.remarks: dict[str, str] = {}
        self.warnings: list[str] = [*candidate.warnings]
        self.comments: list[str] = []
        self.problem = ""
        self.exists: Callable[[str], bool] = lambda _: True

    def build(self, item_id: str | None, ids: Ids) -> ProposedItem:
        candidate = self.candidate
        span = self._choose_commits()
        title = candidate.title
        if not title and candidate.commits:
            committed = _commit_title(self.repository, candidate)
            title = title_of(committed) if claims(committed) else ""  # without the numbers it claims
        if title:
            self.values["title"] = title
        if span:
            self._choose_functions(*span)
        others = {"domain": list(candidate.domains), "pr": candidate.pull_request, "summary": list(candidate.summary)}
        self.values |= {key: value for key, value in others.items() if value}
        if candidate.is_from_git and candidate.reason:
            self.comments.append(f"it looks like performance work: {candidate.reason}")
        elif candidate.outcome == "unknown":
            self.warnings.append("the notes do not say whether it was kept")
        if candidate.claims:
            self.comments.append(f"claimed in the source, not measured by prprep: {'; '.join(candidate.claims)}")
        values = self._valid({"id": item_id or ids.assign(self._name()), **self.values})
        notes = tuple(self.comments), tuple(self.warnings)
        return ProposedItem(values, candidate.source, *notes, self.remarks, self.problem)

    # -- commits ------------------------------------------------------------------------------------

    def _choose_commits(self) -> tuple[str, str] | None:
        """Choose the keys that name the commits, and return base and head as prprep will see them."""
        candidate = self.candidate
        if candidate.commit_range:
            resolved = self.repository.clone.resolve(candidate.commit_range)
            if all(resolved.values()):
                base, head = map(resolved.get, candidate.commit_range)
                return self._try({"base": base, "head": head})
            self.warnings.append(f"{'..'.join(candidate.commit_range)} is not in the repository")
        commits = self._oldest_first(candidate.commits)
        if candidate.branch and (not commits or set(commits) == self.repository.commits_of(candidate.branch)):
            return self._try({"head": candidate.branch})
        if commits:
            return self._try({"commits": list(commits)}) or self._try_on_parent(commits)
        if candidate.unresolved:
            self.problem, self.warnings = "; ".join(self.warnings), []
        else:
            self.problem = "the notes name no commit or branch, and no commit has its title or changes its functions"
        return None

    def _oldest_first(self, commits: Sequence[str]) -> tuple[str, ...]:
        known = [commit.sha for commit in (*self.repository.recent, *self.repository.current.commits)]
        order = {sha: index for index, sha in enumerate(dict.fromkeys(known))}
        return tuple(sorted(commits, key=lambda sha: order.get(sha, -1)))

    def _try(self, refs_by_key: dict[str, Any]) -> tuple[str, str] | None:
        """Use these keys if they lead to two commits that can be compared, else set `problem`."""
        clone, upstream_ref = self.repository.clone, self.repository.refs.upstream_ref
        item = Optimization.model_validate({"id": "it", **refs_by_key})
        shas = clone.resolve([ref for ref in (item.base, item.head, *item.commits) if ref])
        picks = tuple(sha for ref in item.commits if (sha := shas[ref]))
        base, head = shas.get(item.base or ""), shas.get(item.head or "")
        refs = replace(self.repository.refs, base=base, head=head, picks=picks)
        try:
            span = span_of(item, refs, clone)
        except PrprepError as error:
            self.problem = f"{error.what}; {error.hint}" if clone.is_shallow else error.what
            if isinstance(error, CherryPickError) and error.files:
                files = ", ".join(error.files[:3]) + (" and others" if len(error.files) > 3 else "")
                self.problem = f"it does not apply to {upstream_ref} on its own (conflicts in {files})"
            return None
        self.problem = ""
        self.values |= refs_by_key
        lookup = function_lookup(clone, lambda _: refs)
        self.exists = lambda function: lookup(item, function)[0]
        titles = {commit.sha: commit.title for commit in span.commits}
        self.remarks |= {sha: titles[sha] for sha in item.commits if sha in titles}
        if item.head and len(titles) > 1:
            self.remarks[item.head] = f"{len(titles)} commits"
        if all(map(self.repository.is_upstream, titles)):
            consequence = "so it needs no pull request; it is compared with the code before it"
            self.warnings.append(f"{upstream_ref} has it already, {consequence}")
        return span.base, span.head

    def _try_on_parent(self, commits: Sequence[str]) -> tuple[str, str] | None:
        """Compare consecutive commits that do not apply to upstream with their parent."""
        problem = self.problem
        parent = self.repository.parent(commits[0])
        if not parent or any(self.repository.parent(after) != before for before, after in pairwise(commits)):
            return None
        if span := self._try({"base": parent, "head": commits[-1]}):
            consequence = "so it is compared with its parent; its pull request depends on the commits before it"
            self.warnings.append(f"{problem}, {consequence}")
        return span

    # -- other keys ---------------------------------------------------------------------------------

    def _choose_functions(self, base: str, head: str) -> None:
        """Choose the functions that the source names, else those changed functions that it mentions."""
        functions = [function for name in self.candidate.functions for function in self._functions(name, base, head)]
        if not functions:
            changed, mentions = self.repository.functions(base, head), self.candidate.mentions
            functions = [function.target for function in changed if any(is_named(function, name) for name in mentions)]
        if functions := list(filter(self.exists, dict.fromkeys(functions))):
            self.values["functions"] = functions[:_MOST_FUNCTIONS]

    def _functions(self, name: str, base: str, head: str) -> list[str]:
        """Return the one function that a name means, or warn."""
        repository = self.repository
        changed, files = repository.functions(base, head), repository.files(base, head)
        sources = repository.sources(head, files)
        matches = [function.target for function in changed if is_named(function, name)]
        if not matches and sources:
            matches = list(matching_functions(name, sources, (*files, *self.candidate.files)))
            if len(matches) == 1:
                others = enumeration([function.target for function in changed], 3) or "no function"
                self.warnings.append(f"{matches[0]} is named, but the commits change {others}")
        if len(matches) > 1:
            self.warnings.append(f"{name} is ambiguous: {' or '.join(matches[:3])}")
        elif not matches:
            similar = similar_function(name, sources) if sources else ""
            self.warnings.append(f"there is no function {name}" + (f"; did you mean {similar}?" if similar else ""))
        return matches if len(matches) == 1 else []

    def _name(self) -> str:
        """Return what the id is derived from: the branch, the only function, the title or the commit."""
        head = str(self.values.get("head", ""))
        if head and not re.fullmatch(r"[0-9a-f]{40}", branch := head.rpartition("/")[2]):
            return branch
        functions = self.values.get("functions", ())
        if len(functions) == 1:
            return str(functions[0]).replace(":", ".").rpartition(".")[2]
        commit = (self.values.get("commits") or [head])[-1]
        title = self.candidate.title or (self.repository.clone.commit(commit).title if commit else "")
        return short_name(title) or commit[:_SHORT_SHA] or "optimization"

    def _valid(self, values: dict[str, Any]) -> dict[str, Any]:
        """Remove invalid values, with a warning."""
        try:
            Optimization.model_validate({"head": "HEAD", **values} if "commits" not in values else values)
        except ValidationError as error:
            for key in {str(details["loc"][0]) for details in error.errors()} & values.keys():
                self.warnings.append(f"its {key} is left out: {values[key]!r} is not valid in a manifest")
                if key in {"head", "base", "commits"}:
                    self.problem = self.problem or f"its {key} is not valid in a manifest"
                values = {name: value for name, value in values.items() if name != key}
        return values
