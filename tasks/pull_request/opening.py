"""Open the pull request of an item, as `prprep open ID` does: refuse, or plan it, then publish it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..artifacts import Branching, Detection, Opening, Rendering, Survey
from ..errors import PrprepError, UsageError
from ..git.addresses import local_path
from ..git.history import is_ancestor
from ..git.remotes import Remote, branch_head, is_branch_name, push_default, remotes
from ..storage.artifact import read_if_valid
from ..storage.files import fingerprint_of
from ..storage.hashing import read_bytes
from ..text.messages import quoted
from . import refusals
from .assembling import folded_into, opened_by
from .builder import BranchBuilder, ItemWork
from .publishing import Gh, PullRequestText, push


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """Where the branch is pushed, and which pull request is opened or, with a number, updated."""

    branch: Branching
    remote: Remote
    name: str
    remote_head: str | None
    """The commit of the remote's branch."""
    last_push: str
    """The commit that prprep pushed to it last."""
    gh: Gh
    base: str
    text: PullRequestText
    number: int | None
    is_existing: bool
    """Whether the pull request was opened without prprep."""
    draft: bool
    todos: tuple[str, ...]

    @property
    def head(self) -> str:
        """The branch as gh names it: with its owner if it is in a fork."""
        slug = self.remote.slug
        return f"{self.remote.owner}:{self.name}" if slug and slug.lower() != self.gh.slug.lower() else self.name

    def description(self) -> Iterator[str]:
        """Yield lines about what `publish` will do, in its order."""
        state = "a new branch"
        if self.remote_head:
            state = "up to date" if self.remote_head == self.branch.head else f"now {self.remote_head[:12]}"
        yield f"push {self.branch.head[:12]} to {self.remote} as {self.name} ({state}):"
        yield from (f"  {commit.sha[:12]}  {commit.title}  ({commit.author})" for commit in self.branch.commits)
        verb = f"update #{self.number}" if self.number else f"open a {'draft ' if self.draft else ''}pull request"
        yield f"{verb} in {self.gh.slug} ({self.gh.host}), into {self.base}:"
        yield f"  title     {self.text.title}"
        yield f"  body      {self.text.path} ({len(self.text.body.decode()):,} characters)"
        yield f"  evidence  {self.branch.headline}; {self.branch.evidence} is not attached"
        yield from (f"your to-do: {todo}" for todo in self.todos)


@dataclass
class Opener(ItemWork):
    draft: bool = False
    remote: str = ""
    branch: str = ""
    despite: Collection[str] = ()
    """The project's sentences, as PATH:LINE, that the user considered."""

    def refusals(self, stages: Sequence[str]) -> list[str]:
        """Return every reason not to open the pull request."""
        branch, builder = read_if_valid(Branching, self.paths.branch), self._builder()
        detection = read_if_valid(Detection, self.paths.detect)  # of_stages reports one that is missing or edited
        reasons = [
            *refusals.of_stages(self.staleness, self.item_id, stages),
            *refusals.of_body(self.item, self.paths, self.workspace.templates, self._body),
            *refusals.of_comparison(self.item, self.paths, name="the comparison"),
            *refusals.of_tests(self.paths),
            *refusals.of_verification(self.paths),
            *refusals.of_survey(self.paths, number=self._existing_number()),
            *refusals.of_branch(branch, fresh=builder is not None, item_id=self.item_id, folder=self.workspace.folder),
            *(refusals.of_title(branch, self.item, self.paths) if branch else ()),
        ]
        if branch and detection and builder:
            reasons += self._of_other_commits(branch, detection, builder)
        if branch and detection and (branch.base, branch.head) != (detection.base, detection.head):
            reasons += refusals.of_comparison(self.item, self.branch_paths, name="the branch's comparison")
        if detection:
            reasons += refusals.of_rules(detection.contribution_rules, self.despite)
        return list(dict.fromkeys(reasons))

    def plan(self) -> OpenPlan:
        """Choose the remote branch and the pull request to push to; raise PrprepError if that is ambiguous."""
        detection, branch = Detection.read(self.paths.detect), Branching.read(self.paths.branch)
        rendering = Rendering.read(self.paths.render)
        if not detection.slug:
            hint = "name it in the manifest: `slug: owner/name`"
            raise self._error("it is not clear which repository the pull request is for", hint)
        known = self._remotes()
        host = (self._survey.host if self._survey else None) or _host(known, detection.slug)
        gh = Gh(host, detection.slug, self.workspace.folder)
        number = self._existing_number()
        existing = self._existing(gh, number) if number else None
        remote = self._remote(known, gh, existing)
        name = self._branch_name(existing)
        if not is_branch_name(name):
            raise UsageError(f"{quoted(name)} is not a valid branch name", hint="choose another: --branch NAME")
        if number is None and (opened := gh.open_for(name, remote.owner or gh.slug.partition("/")[0])):
            number = self._opened_number(int(opened["number"]), name)
        remote_head = branch_head(remote.resolved, name, folder=self.workspace.folder)
        last_push = self._opened.head if self._opened and self._opened.branch == name else ""
        if remote_head and remote_head not in {branch.head, last_push} and existing is None:
            hint = "choose another name: --branch NAME; nothing is overwritten"
            raise self._error(f"{remote} has a branch {name} with other commits ({remote_head[:12]})", hint)
        return OpenPlan(
            branch=branch,
            remote=remote,
            name=name,
            remote_head=remote_head,
            last_push=last_push,
            gh=gh,
            base=self._base(detection, known),
            text=PullRequestText(branch.title, self._body or b"", rendering.body),
            number=number,
            is_existing=existing is not None,
            draft=self.draft,
            todos=tuple(dict.fromkeys((*branch.todos, *rendering.todos, *rendering.needs_review))),
        )

    def publish(self, plan: OpenPlan) -> str:
        """Push, then open or update; return the pull request's address.

        Each step is recorded once it is done, so that a run after a failure continues there.
        """
        if plan.remote_head != plan.branch.head:
            self.report(f"pushing {plan.name}")
            replaces = plan.last_push if plan.remote_head == plan.last_push else ""
            with BranchBuilder(self.staleness, self.item_id, self.report).clone() as clone:
                push(clone.path, plan.branch.head, plan.remote.resolved, plan.name, replaces=replaces)
        opening = Opening(
            item=self.item_id,
            remote=plan.remote.address,
            branch=plan.name,
            head=plan.branch.head,
            number=plan.number,
            own=not plan.is_existing and (self._opened is None or self._opened.own),
        )
        opening.write(self.paths.opened)
        try:
            url = self._open_or_update(plan)
        except PrprepError as error:
            verb = "updated" if plan.number else "opened"
            what = f"the branch {plan.name} was pushed, but the pull request was not {verb}: {error.what}"
            hint = f"{error.hint or 'fix it'}; then run `prprep open {self.item_id}` again: it continues from there"
            raise self._error(what, hint) from None
        number = plan.number or int(url.rpartition("/")[2] or 0)
        opening.model_copy(update={"number": number, "url": url}).write(self.paths.opened)
        return url

    def _open_or_update(self, plan: OpenPlan) -> str:
        if plan.number:
            self.report(f"updating #{plan.number}")
            plan.gh.edit(plan.number, plan.text)
            return str(plan.gh.view(plan.number).get("url", f"#{plan.number}"))
        self.report("opening the pull request")
        return plan.gh.create(plan.text, head=plan.head, base=plan.base, draft=plan.draft)

    # -- where the branch goes --------------------------------------------------------------------

    def _remotes(self) -> dict[str, Remote]:
        repository = self.workspace.repository(self.item_id)
        if repository.local:
            return remotes(repository.local)
        return {"": Remote("", repository.address, repository.address)}

    def _remote(self, known: dict[str, Remote], gh: Gh, existing: dict[str, Any] | None) -> Remote:
        """Choose the remote as gh would: the one named, else the user's fork, else the repository itself."""
        repository = self.workspace.repository(self.item_id).local
        if named := self.remote or self.item.push or (push_default(repository) if repository else ""):
            return known.get(named) or _remote_at(named, known)
        if existing:
            owner = str((existing.get("headRepositoryOwner") or {}).get("login", "")).lower()
            candidates = [remote for remote in known.values() if remote.owner.lower() == owner]
        else:
            login, slug, origin = gh.login().lower(), gh.slug.lower(), known.get("origin")
            candidates = [origin] if origin and origin.slug and origin.slug.lower() != slug else []
            candidates += [remote for remote in known.values() if remote.owner.lower() == login]
            candidates += [remote for remote in known.values() if (remote.slug or "").lower() == slug]
        if not candidates:
            hint = "name it: --remote NAME, or `push: NAME` in the manifest; `gh repo fork --remote` creates a fork"
            raise self._error("it is not clear which remote to push to", hint)
        return candidates[0]

    def _existing(self, gh: Gh, number: int) -> dict[str, Any]:
        """Return the pull request to update; raise PrprepError if it is closed, or belongs to somebody else."""
        existing = gh.view(number)
        if existing.get("state") != "OPEN":
            raise self._error(f"#{number} is {str(existing.get('state')).lower()}", "remove `pr:` to open a new one")
        author = str((existing.get("author") or {}).get("login", ""))
        if self.item.pr is None and author.lower() != gh.login().lower():
            hint = f"ask them; if they agree, say so in the manifest: `pr: {number}`"
            raise self._error(f"this belongs in #{number}, which is {author}'s", hint)
        return existing

    def _branch_name(self, existing: dict[str, Any] | None) -> str:
        if existing:
            return str(existing["headRefName"])
        return self.branch or (self._opened.branch if self._opened else f"perf/{self.item_id}")

    def _opened_number(self, number: int, name: str) -> int:
        if self._opened and self._opened.branch == name:
            return number
        hint = f"`pr: {number}` in the manifest updates it; --branch NAME opens another"
        raise self._error(f"there is an open pull request from {name} already, #{number}", hint)

    def _base(self, detection: Detection, known: dict[str, Remote]) -> str:
        """Return the branch that the pull request is for, without the remote that it was fetched from."""
        name = detection.upstream_ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
        for remote in known:
            if remote and name.startswith(f"{remote}/"):
                return name.removeprefix(f"{remote}/")
        if name == detection.upstream and self._survey and self._survey.default_branch:
            return self._survey.default_branch
        return name

    @cached_property
    def _body(self) -> bytes | None:
        """The body, read once: what was checked is published, whatever happens to the file meanwhile."""
        rendering = read_if_valid(Rendering, self.paths.render)
        return read_bytes(self.workspace.folder / rendering.body) if rendering else None

    # -- what is recorded -------------------------------------------------------------------------

    @property
    def _survey(self) -> Survey | None:
        return read_if_valid(Survey, self.paths.survey)

    @cached_property
    def _opened(self) -> Opening | None:
        """What an earlier `prprep open` did."""
        return read_if_valid(Opening, self.paths.opened)

    def _existing_number(self) -> int | None:
        return folded_into(self.item, self._survey, opened_by(self.paths))

    def _builder(self) -> BranchBuilder | None:
        """Return the builder that would build the recorded branch again; None if it is stale."""
        recorded = fingerprint_of(self.paths.branch)
        builders = (BranchBuilder(self.staleness, self.item_id, self.report, drop) for drop in (False, True))
        return next((builder for builder in builders if recorded and recorded == builder.fingerprint()), None)

    def _of_other_commits(self, branch: Branching, detection: Detection, builder: BranchBuilder) -> Iterator[str]:
        """Refuse a body about commits that are not in the pull request: nobody could fetch and measure them again."""
        with builder.clone() as clone:
            if not builder.is_available(clone, branch):
                yield f"the branch cannot be built again as it was: run `prprep branch {self.item_id}`"
                return
            if not detection.picked and is_ancestor(clone.path, detection.head, branch.head):
                return
        yield (
            f"the body is about the commit {detection.head[:12]}, which is not in the branch, since its commits were "
            f"rebased onto {branch.onto}; run `prprep branch {self.item_id} --into NEW`, name NEW as `head` in the "
            "manifest, and run prprep: tests, comparison and body are then about what is pushed"
        )

    def _error(self, what: str, hint: str) -> PrprepError:
        return PrprepError(what, where=self.item_id, hint=hint)


def _host(known: dict[str, Remote], slug: str) -> str:
    """Return the host of the remote with this slug, else of any remote, else github.com."""
    same = [remote for remote in known.values() if (remote.slug or "").lower() == slug.lower()]
    return next((remote.host for remote in [*same, *known.values()] if remote.host), "github.com")


def _remote_at(address: str, known: dict[str, Remote]) -> Remote:
    if "/" not in address and ":" not in address:
        names = ", ".join(filter(None, known))
        raise UsageError(f"there is no remote {address}", hint=f"there are {names}" if names else "give an address")
    local_path(address)  # refuses what would run something
    return Remote("", address, address)
