"""Do what `prprep open ID` does, up to publishing: refuse, or say exactly what would be done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..artifacts import Branching, Detection, Opening, Rendering, Survey
from ..errors import ArtifactError, PrprepError, UsageError
from ..git.history import is_ancestor
from ..git.remotes import Remote, branch_head, push_default, remotes
from ..processes.progress import Report, silent
from ..storage.files import fingerprint_of
from ..storage.paths import MANIFEST_NAME, ProjectPaths
from . import builder as branching
from . import refusals
from .assembling import folded_into, opened_by, read_softly
from .measuring import state_of
from .publishing import Forge, Push, Words, push

if TYPE_CHECKING:
    from ..manifest.model import Optimization
    from ..staleness import Staleness
    from ..storage.paths import ItemPaths
    from ..workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for: a draft, a remote, a branch's name, sentences of the project's that were weighed."""

    draft: bool = False
    remote: str = ""
    branch: str = ""
    despite: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be done: where the branch goes, and which pull request is made or (by its number) changed."""

    branch: Branching
    remote: Remote
    name: str
    there: str | None
    """The commit that the remote's branch is now."""
    ours: str
    """The commit that prprep pushed there last."""
    forge: Forge
    base: str
    words: Words
    number: int | None
    theirs: bool
    """Whether the pull request was there before prprep."""
    draft: bool
    todos: tuple[str, ...]

    @property
    def head(self) -> str:
        """The branch as gh is told it: with its owner where it is a fork's."""
        own = self.remote.slug
        return f"{self.remote.owner}:{self.name}" if own and own.lower() != self.forge.slug.lower() else self.name

    def told(self) -> Iterator[str]:
        """Tell what will be done, in the order in which it will be done."""
        state = "a new branch"
        if self.there:
            state = "is there already" if self.there == self.branch.head else f"now {self.there[:12]}"
        yield f"push {self.branch.head[:12]} to {self.remote} as {self.name} ({state}):"
        yield from (f"  {commit.sha[:12]}  {commit.title}  ({commit.author})" for commit in self.branch.commits)
        verb = f"update #{self.number}" if self.number else f"open a {'draft ' if self.draft else ''}pull request"
        yield f"{verb} in {self.forge.slug} ({self.forge.host}), into {self.base}:"
        yield f"  title  {self.words.title}"
        yield f"  body   {self.words.body} ({len(self.words.body.read_text(encoding='utf-8')):,} characters)"
        yield f"  proof  {self.branch.headline}; attach {self.branch.evidence} yourself where it is wanted"
        yield from (f"to do by you: {todo}" for todo in self.todos)


class Case:
    """One item that is to become a pull request."""

    def __init__(
        self, workspace: Workspace, staleness: Staleness, item_id: str, asked: Asked, report: Report = silent
    ) -> None:
        self.workspace, self.staleness, self.item_id, self.asked, self.report = (
            workspace,
            staleness,
            item_id,
            asked,
            report,
        )

    @property
    def item(self) -> Optimization:
        return self.workspace.items[self.item_id]

    @property
    def paths(self) -> ItemPaths:
        return self.workspace.paths.item(self.item_id)

    def refusals(self, stages: Sequence[str]) -> list[str]:
        """Return every reason not to open it."""
        found = list(refusals.of_stages(self.workspace, self.staleness, self.item_id, stages))
        found += refusals.of_body(self.item, self.paths, self.workspace.templates)
        found += refusals.of_comparison(self.item, self.paths, name="the comparison")
        found += refusals.of_tests(self.paths)
        found += refusals.of_verification(self.paths)
        found += refusals.of_survey(self.paths, number=self._into())
        branch = self._branch()
        found += refusals.of_branch(branch, fresh=self._work() is not None, item_id=self.item_id)
        found += self._other_commits(branch) if branch else ()
        if branch and (nested := self._measured(branch)):
            found += refusals.of_comparison(self.item, nested, name="the branch's comparison")
        with suppress(ArtifactError):  # The stages say so.
            found += refusals.of_rules(Detection.read(self.paths.detect).contribution_rules, self.asked.despite)
        return list(dict.fromkeys(found))

    def plan(self) -> Plan:
        """Find out where the branch goes and what pull request comes of it; raise PrprepError where that cannot be told."""
        detection, branch = Detection.read(self.paths.detect), Branching.read(self.paths.branch)
        rendering = Rendering.read(self.paths.render)
        if not detection.slug:
            now = "name it in the manifest: `slug: owner/name`"
            raise PrprepError("it is not known which repository the pull request goes to", where=self.item_id, hint=now)
        there = self._remotes()
        survey = self._survey()
        forge = Forge(
            (survey.host if survey else None) or _host(there, detection.slug), detection.slug, self.workspace.folder
        )
        number, opened = self._into(), self._opened()
        known = self._theirs(forge, number) if number else None
        remote = self._remote(there, forge, known)
        name = self._name(known, opened)
        if number is None and (found := forge.open_for(name, remote.owner or forge.slug.partition("/")[0])):
            number = self._ours(int(found["number"]), opened, name)
        standing = branch_head(remote.resolved or remote.address, name, folder=self.workspace.folder)
        ours = opened.head if opened and opened.branch == name else ""
        if standing and standing not in {branch.head, ours} and known is None:
            what = f"{remote} has a branch {name} with other commits ({standing[:12]})"
            raise PrprepError(what, where=self.item_id, hint="give another name: --branch NAME; nothing is overwritten")
        return Plan(
            branch=branch,
            remote=remote,
            name=name,
            there=standing,
            ours=ours,
            forge=forge,
            base=self._base(detection, there),
            words=Words(branch.title, self.workspace.folder / rendering.body),
            number=number,
            theirs=known is not None,
            draft=self.asked.draft,
            todos=tuple(dict.fromkeys((*branch.todos, *rendering.todos, *rendering.needs_review))),
        )

    def publish(self, plan: Plan) -> str:
        """Push, then open or update; give the pull request's address. What was done is kept after each step, so that a run can go on."""
        if plan.there != plan.branch.head:
            self.report(f"pushing {plan.name}")
            replaces = plan.ours if plan.there and plan.there == plan.ours else ""
            with branching.Work(self.workspace, self.staleness, self.item_id, report=self.report).opened() as clone:
                push(
                    Push(clone.path, plan.branch.head, plan.remote.resolved or plan.remote.address, plan.name, replaces)
                )
        before = self._opened()
        own = not plan.theirs and (before is None or before.own)
        done = Opening(
            item=self.item_id,
            remote=plan.remote.address,
            branch=plan.name,
            head=plan.branch.head,
            number=plan.number,
            own=own,
        )
        done.write(self.paths.opened)
        try:
            url = self._asked_for(plan)
        except PrprepError as error:
            what = f"the branch {plan.name} was pushed, but the pull request was not {'updated' if plan.number else 'opened'}: {error.what}"
            now = f"mend that ({error.hint}), then run `prprep open {self.item_id}` again: it goes on from there"
            raise PrprepError(what, where=self.item_id, hint=now) from None
        number = plan.number or int(url.rpartition("/")[2] or 0)
        done.model_copy(update={"number": number, "url": url}).write(self.paths.opened)
        return url

    def _asked_for(self, plan: Plan) -> str:
        if plan.number:
            self.report(f"updating #{plan.number}")
            plan.forge.edit(plan.number, plan.words)
            return str(plan.forge.view(plan.number).get("url", f"#{plan.number}"))
        self.report("opening the pull request")
        return plan.forge.create(plan.words, head=plan.head, base=plan.base, draft=plan.draft)

    # -- where to ---------------------------------------------------------------------------------

    def _remotes(self) -> dict[str, Remote]:
        target = self.workspace.repository(self.item_id)
        return remotes(target.local) if target.local else {"": Remote("", target.address, target.address)}

    def _remote(self, there: dict[str, Remote], forge: Forge, known: dict[str, Any] | None) -> Remote:
        """Choose where the branch is pushed to, as gh would: what is named, else one's own fork, else the repository itself."""
        repository = self.workspace.repository(self.item_id).local
        if named := self.asked.remote or self.item.push or (push_default(repository) if repository else ""):
            return there.get(named) or _address(named, there)
        if known:
            owner = str((known.get("headRepositoryOwner") or {}).get("login", "")).lower()
            owned = [remote for remote in there.values() if remote.owner.lower() == owner]
        else:
            login = forge.login().lower()
            origin = there.get("origin")
            forked = [origin] if origin and origin.slug and origin.slug.lower() != forge.slug.lower() else []
            owned = [*forked, *(remote for remote in there.values() if remote.owner.lower() == login)]
            owned += [remote for remote in there.values() if (remote.slug or "").lower() == forge.slug.lower()]
        if not owned:
            now = "name it: --remote NAME, or `push: NAME` in the manifest; `gh repo fork --remote` makes a fork"
            raise PrprepError(
                "it cannot be told which remote the branch is to be pushed to", where=self.item_id, hint=now
            )
        return owned[0]

    def _theirs(self, forge: Forge, number: int) -> dict[str, Any]:
        """Look at the pull request that this goes into; raise PrprepError where it is closed, or another's and not asked for."""
        known = forge.view(number)
        if known.get("state") != "OPEN":
            now = "remove `pr:` to open a new one"
            raise PrprepError(f"#{number} is {str(known.get('state')).lower()}", where=self.item_id, hint=now)
        author = str((known.get("author") or {}).get("login", ""))
        if self.item.pr is None and author.lower() != forge.login().lower():
            now = f"agree with them; where this may go into it, say so in the manifest: `pr: {number}`"
            raise PrprepError(f"this belongs into #{number}, which is {author}'s", where=self.item_id, hint=now)
        return known

    def _name(self, known: dict[str, Any] | None, opened: Opening | None) -> str:
        if known:
            return str(known["headRefName"])
        return self.asked.branch or (opened.branch if opened else f"perf/{self.item_id}")

    def _ours(self, number: int, opened: Opening | None, name: str) -> int:
        if opened and opened.branch == name:
            return number
        now = f"`pr: {number}` in the manifest updates it; --branch NAME opens another"
        raise PrprepError(f"there is an open pull request from {name} already, #{number}", where=self.item_id, hint=now)

    def _base(self, detection: Detection, there: dict[str, Remote]) -> str:
        """Name the branch that the pull request is against, without the remote that it was fetched from."""
        name = detection.upstream_ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
        for remote in there:
            if remote and name.startswith(f"{remote}/"):
                return name.removeprefix(f"{remote}/")
        survey = self._survey()
        if name == detection.upstream and survey and survey.default_branch:
            return survey.default_branch
        return name

    # -- what is there ----------------------------------------------------------------------------

    def _branch(self) -> Branching | None:
        return read_softly(Branching, self.paths.branch)

    def _work(self) -> branching.Work | None:
        """Return the work that would make the branch that is there; None where it would make another."""
        made_of = fingerprint_of(self.paths.branch)
        for drop in (False, True):
            work = branching.Work(
                self.workspace, self.staleness, self.item_id, drop_model_authors=drop, report=self.report
            )
            if made_of is not None and made_of == work.fingerprint():
                return work
        return None

    def _measured(self, branch: Branching) -> ItemPaths | None:
        """Return the places of the branch's own evidence; None where the item's comparison is the branch's, too."""
        detection = Detection.read(self.paths.detect)
        if (branch.base, branch.head) == (detection.base, detection.head):
            return None
        paths = ProjectPaths(self.paths.branch_folder / MANIFEST_NAME, self.paths.branch_folder).item(self.item_id)
        return paths if paths.state == state_of(self.paths, self.item_id) else None

    def _other_commits(self, branch: Branching) -> Iterator[str]:
        """Refuse a body about commits that the pull request will not hold: nobody could fetch and repeat them."""
        with suppress(ArtifactError):
            detection = Detection.read(self.paths.detect)
            work = self._work()
            if work is None:
                return  # The branch is stale.
            with work.opened() as clone:
                if not work.has(clone, branch):
                    yield f"the branch cannot be made once more as it was: run `prprep branch {self.item_id}`"
                    return
                if not detection.picked and is_ancestor(clone.path, detection.head, branch.head):
                    return
            yield (
                f"the body is about the commit {detection.head[:12]}, which is not in the branch: its commits were put onto {branch.onto}; "
                f"run `prprep branch {self.item_id} --into NEW`, name NEW as `head` in the manifest, and run prprep: tests, "
                "comparison and body are then about what is pushed"
            )

    def _survey(self) -> Survey | None:
        return read_softly(Survey, self.paths.survey)

    def _opened(self) -> Opening | None:
        return read_softly(Opening, self.paths.opened)

    def _into(self) -> int | None:
        return folded_into(self.item, self._survey(), opened_by(self.paths))


def _host(there: dict[str, Remote], slug: str) -> str:
    """Return the host of the remote that is the repository itself, else of any, else GitHub's own."""
    same = [remote for remote in there.values() if (remote.slug or "").lower() == slug.lower()]
    return next((remote.host for remote in [*same, *there.values()] if remote.host), "github.com")


def _address(named: str, there: dict[str, Remote]) -> Remote:
    from ..git.addresses import local_path

    if "/" not in named and ":" not in named:
        known = ", ".join(filter(None, there))
        raise UsageError(f"there is no remote {named}", hint=f"there are {known}" if known else "give an address")
    local_path(named)  # Refuses what would run something.
    return Remote("", named, named)
