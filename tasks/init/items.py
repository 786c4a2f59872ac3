"""Hold leads against the repository: entries that prprep can use as they are, and what cannot be used, with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from ..errors import CherryPickError, PrprepError
from ..manifest.model import Optimization
from ..project.code.span import span_of
from ..workspace.checks import function_lookup
from . import extract as words
from . import functions as naming
from .fields import titled
from .ids import Ids, slug

if TYPE_CHECKING:
    from .candidate import Lead
    from .gathering import Gathered
    from .repository import Repository

_SHOWN: Final = 12
_MOST_FUNCTIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One optimization of the manifest: `values` by the manifest's keys, `remarks` behind some of them.

    `warnings` tell what a person should look at, `comments` everything else that is known; `problem` says why it cannot be
    used, "" where it can.
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
class Aside:
    """An optimization that was not kept, or work that is none: what it is, where it is told of, and why it is left out."""

    title: str
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Sorted:
    entries: tuple[Entry, ...]
    asides: tuple[Aside, ...]


def entries(repository: Repository, gathered: Gathered) -> Sorted:
    """Make entries of what was kept, and asides of the rest; ids are unique, whatever case they are in."""
    ids, found, asides = Ids(), [], []
    for lead in gathered.leads:
        if aside := _aside(repository, lead, gathered.reverted):
            asides.append(aside)
        else:
            found.append(entry_of(repository, lead, ids))
    return Sorted(tuple(found), tuple(asides))


def entry_of(repository: Repository, lead: Lead, ids: Ids, *, item_id: str | None = None) -> Entry:
    """Make an entry of one lead, with the id that is given, else one that its commits suggest."""
    return _Making(repository, lead, ids).entry(item_id)


def _aside(repository: Repository, lead: Lead, reverted: Mapping[str, str]) -> Aside | None:
    """Say why a lead becomes no entry, None where it becomes one."""
    title = lead.title or _title_of(repository, lead) or next(iter(lead.functions), "") or "without a title"
    if lead.standing in {"discarded", "unfinished"}:
        return Aside(title, lead.source, lead.reason or lead.standing)
    if lead.standing == "unknown" and not lead.refers and not lead.notes:
        return Aside(title, lead.source, "the notes do not say whether it was kept, and name no commit")
    if lead.commits and all(sha in reverted for sha in lead.commits):
        return Aside(title, lead.source, f"commit {reverted[lead.commits[-1]][:_SHOWN]} reverts it")
    if lead.standing == "unknown" and _is_from_git(lead):
        return _aside_of_git(repository, lead, title)
    return None


def _aside_of_git(repository: Repository, lead: Lead, title: str) -> Aside | None:
    """Leave out commits that nobody called an optimization, and that upstream has, or that change no code."""
    if lead.commits and all(map(repository.is_upstream, lead.commits)) and repository.refs.upstream != repository.head:
        return Aside(title, lead.source, f"{lead.reason}, but {repository.refs.upstream_ref} has it already")
    changed = [
        sha for sha in lead.commits if (parent := repository.parent(sha)) and repository.changes_code(parent, sha)
    ]
    if lead.commits and not changed:
        return Aside(
            title,
            lead.source,
            f"{lead.reason}, but it changes no code of the project (tests, documents and settings only)",
        )
    return None


def _is_from_git(lead: Lead) -> bool:
    return lead.source.startswith(("git log", "branch "))


def _title_of(repository: Repository, lead: Lead) -> str:
    return repository.clone.commit(lead.commits[-1]).title if lead.commits else lead.branch


class _Making:
    """The making of one entry."""

    def __init__(self, repository: Repository, lead: Lead, ids: Ids) -> None:
        self.repository, self.lead = repository, lead
        self.ids = ids
        self.values: dict[str, Any] = {}
        self.remarks: dict[str, str] = {}
        self.warnings: list[str] = [*lead.notes]
        self.comments: list[str] = []
        self.problem = ""
        self.exists: Callable[[str], bool] = lambda _: True

    def entry(self, item_id: str | None = None) -> Entry:
        lead = self.lead
        span = self._span()
        if title := lead.title or self._title_without_claims():
            self.values["title"] = title
        if span:
            self._functions(*span)
        if lead.domains:
            self.values["domain"] = list(lead.domains)
        if lead.pull_request:
            self.values["pr"] = lead.pull_request
        if lead.summary:
            self.values["summary"] = list(lead.summary)
        if _is_from_git(lead) and lead.reason:
            self.comments.append(f"taken for performance work: {lead.reason}")
        elif lead.standing == "unknown":
            self.warnings.append("the notes do not say whether it was kept")
        if lead.claims:
            self.comments.append(f"claimed there, and not measured by prprep: {'; '.join(lead.claims)}")
        name = item_id or self.ids.take(self._name())
        values = self._valid({"id": name, **self.values})
        return Entry(values, lead.source, tuple(self.comments), tuple(self.warnings), self.remarks, self.problem)

    # -- commits ------------------------------------------------------------------------------------

    def _span(self) -> tuple[str, str] | None:
        """Choose how the commits are named, and give base and head as prprep will see them."""
        lead = self.lead
        if lead.span and (span := self._given_span(lead.span)):
            return self._tried({"base": span[0], "head": span[1]})
        commits = self._in_order(lead.commits)
        missing = any("is not in the repository" in note or "is not clear" in note for note in lead.notes)
        if missing and not (commits or lead.branch):
            self.problem = "; ".join(lead.notes)
            return None
        if lead.branch and (not commits or set(commits) == self._ahead_of(lead.branch)):
            return self._tried({"head": lead.branch})
        if not commits:
            self.problem = "no commit and no branch is named, and none was found by its title or functions"
            return None
        return self._tried({"commits": list(commits)}) or self._on_its_parent(commits)

    def _given_span(self, span: tuple[str, str]) -> tuple[str, str] | None:
        found = self.repository.clone.resolve(span)
        base, head = (found[name] for name in span)
        if not base or not head:
            self.warnings.append(f"{'..'.join(span)} is not in the repository")
            return None
        return base, head

    def _ahead_of(self, branch: str) -> set[str]:
        clone = self.repository.clone
        tip = clone.resolve([branch])[branch]
        return {commit.sha for commit in self.repository.ahead(branch, tip).commits} if tip else set()

    def _in_order(self, commits: Sequence[str]) -> tuple[str, ...]:
        known = [commit.sha for commit in (*self.repository.recent, *self.repository.current.commits)]
        place = {sha: number for number, sha in enumerate(dict.fromkeys(known))}
        return tuple(sorted(commits, key=lambda sha: place.get(sha, -1)))

    def _tried(self, named: dict[str, Any]) -> tuple[str, str] | None:
        """Take a way of naming the commits if it leads to something that can be compared."""
        clone = self.repository.clone
        item = Optimization.model_validate({"id": "it", **named})
        found = clone.resolve([name for name in (item.base, item.head, *item.commits) if name])
        picks = tuple(sha for name in item.commits if (sha := found[name]))
        refs = self.repository.refs_for(base=found.get(item.base or ""), head=found.get(item.head or ""), picks=picks)
        try:
            span = span_of(item, refs, clone)
        except CherryPickError as error:
            listed = ", ".join(error.files[:3]) + (" and others" if len(error.files) > 3 else "")
            self.problem = (
                f"it does not go onto {self.repository.refs.upstream_ref} by itself (conflicts in {listed})"
                if listed
                else error.what
            )
            return None
        except PrprepError as error:
            self.problem = error.what
            return None
        self.problem = ""
        self.values |= named
        lookup = function_lookup(clone, lambda _: refs)
        self.exists = lambda function: lookup(item, function)[0]
        self._remark(named, span.commits)
        upstream = self.repository.refs
        if all(map(self.repository.is_upstream, (commit.sha for commit in span.commits))):
            self.warnings.append(
                f"{upstream.upstream_ref} has it already: it is compared with what was there before, for no pull request"
            )
        return span.base, span.head

    def _remark(self, named: Mapping[str, Any], commits: Sequence[Any]) -> None:
        titles = {commit.sha: commit.title for commit in commits}
        self.remarks |= {sha: titles[sha] for sha in named.get("commits", ()) if sha in titles}
        if "head" in named and len(titles) > 1:
            self.remarks[named["head"]] = f"{len(titles)} commits"

    def _on_its_parent(self, commits: Sequence[str]) -> tuple[str, str] | None:
        """Compare commits that do not go onto upstream by themselves with what they were made on, if they follow each other."""
        why = self.problem
        parent = self.repository.parent(commits[0])
        follows = all(self.repository.parent(after) == before for before, after in pairwise(commits))
        if not parent or not follows:
            return None
        if span := self._tried({"base": parent, "head": commits[-1]}):
            self.warnings.append(
                f"{why}: it is compared with its parent, and a pull request needs what it builds on first"
            )
        return span

    # -- the rest -----------------------------------------------------------------------------------

    def _functions(self, base: str, head: str) -> None:
        """Name the functions that the source names, as far as they are there; of those only mentioned, what changed."""
        changed = self.repository.functions(base, head)
        files = (*self.repository.files(base, head), *self.lead.files)
        sources = self.repository.sources(head, self.repository.files(base, head))
        found: list[str] = []
        for name in self.lead.functions:
            own = [each.target for each in changed if naming.is_named(each, name)]
            there = own or (list(naming.spelled(name, sources, files)) if sources else [])
            if len(there) == 1:
                found += there
                if not own:
                    self.warnings.append(
                        f"{there[0]} is named, but what changed is {_listed([each.target for each in changed])}"
                    )
            elif there:
                self.warnings.append(f"{name} may be {' or '.join(there[:3])}")
            else:
                meant = naming.near(name, sources) if sources else ""
                self.warnings.append(f"there is no function {name}" + (f"; did you mean {meant}?" if meant else ""))
        if not found:
            found = [each.target for each in changed if any(naming.is_named(each, name) for name in self.lead.mentions)]
        if found := [target for target in found if self.exists(target)]:
            self.values["functions"] = list(dict.fromkeys(found))[:_MOST_FUNCTIONS]

    def _title_without_claims(self) -> str:
        """Return the last commit's title, which would be taken, without the numbers that it claims; "" where it has none."""
        title = _title_of(self.repository, self.lead) if self.lead.commits else ""
        return titled(title) if words.claims_in(title) else ""

    def _name(self) -> str:
        """Choose what the id is made of: the branch, the one function, the title, the commit."""
        if branch := self.values.get("head", ""):
            tail = str(branch).rpartition("/")[2]
            if not re.fullmatch(r"[0-9a-f]{40}", tail):
                return tail
        functions = self.values.get("functions", ())
        if len(functions) == 1:
            return str(functions[0]).replace(":", ".").rpartition(".")[2]
        commit = (self.values.get("commits") or [self.values.get("head", "")])[-1]
        title = self.lead.title or (self.repository.clone.commit(commit).title if commit else "")
        return slug(title) or commit[:_SHOWN] or "optimization"

    def _valid(self, values: dict[str, Any]) -> dict[str, Any]:
        """Leave out what the manifest could not hold, and say so."""
        trial = {"head": "HEAD", **values} if "commits" not in values else values
        try:
            Optimization.model_validate(trial)
        except ValidationError as error:
            for key in {str(details["loc"][0]) for details in error.errors()} & values.keys():
                self.warnings.append(f"its {key} is left out: the manifest cannot hold {values[key]!r}")
                if key in {"head", "base", "commits"}:
                    self.problem = self.problem or f"its {key} cannot be named in a manifest"
                values = {name: value for name, value in values.items() if name != key}
        return values


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") if names else "no function"
