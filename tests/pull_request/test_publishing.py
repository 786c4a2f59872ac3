"""Only one module publishes: shown by reading all sources; test_open watches what commands hand to git and gh."""

from __future__ import annotations

import ast
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from tasks.errors import PrprepError, RepositoryError
from tasks.pull_request import publishing
from tasks.pull_request.publishing import Gh, PullRequestText, push
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
SOURCES = sorted((CHECKOUT / "tasks").rglob("*.py"))

SENDS = {"push", "send-pack", "http-push", "request-pull", "send-email"}
CHANGES = {
    "create",
    "edit",
    "merge",
    "close",
    "reopen",
    "ready",
    "review",
    "comment",
    "delete",
    "lock",
    "fork",
    "sync",
    "rename",
    "archive",
}
WRITES = {"-X", "--method", "-f", "-F", "--field", "--raw-field"}


@dataclass
class Read:
    """What a source says: command lines, all texts, the names that it imports. Its tree would fill memory."""

    commands: list[list[str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)


@cache
def read() -> dict[str, Read]:
    """Read all sources, by their path in the package without its suffix."""
    return {path.relative_to(CHECKOUT / "tasks").with_suffix("").as_posix(): read_source(path) for path in SOURCES}


def read_source(path: Path) -> Read:
    """Take everything that could become a command line: the texts in lists, in tuples, and in the arguments of calls."""
    seen = Read()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=str(text)):
                seen.texts.append(text)
            case ast.ImportFrom():
                seen.imported += [node.module or "", *(alias.name for alias in node.names)]
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Call(args=parts):
                if words := [part.value for part in parts if isinstance(part, ast.Constant)]:
                    seen.commands.append([word for word in words if isinstance(word, str)])
    return seen


def publishes(words: list[str]) -> bool:
    used = set(words)
    return (
        bool(used & SENDS and "git" in used)
        or ("pr" in used and bool(used & CHANGES))
        or ("api" in used and bool(used & WRITES))
    )


@pytest.mark.slow
def test_no_other_module_can_send_anything():
    publishers = {name for name, source in read().items() if any(map(publishes, source.commands))}
    assert publishers == {"pull_request/publishing"}


def test_no_module_builds_a_mutation():
    named = {name for name, source in read().items() if "mutation" in "".join(source.texts)}
    assert named == set()


def test_only_open_and_ci_use_the_module_that_publishes():
    users = {
        name
        for name, source in read().items()
        if any(each.rpartition(".")[2] == "publishing" for each in source.imported)
    }
    assert users == {"pull_request/opening", "ci/posting"}
    importers = {path.name for path in SOURCES if "opening import Opener" in path.read_text()}
    assert importers == {"open.py"}
    assert {path.name for path in SOURCES if "posting import post" in path.read_text()} == {"ci.py"}


RECORDER = """\
#!/bin/sh
printf '%s\\0' {name} "$@" END-OF-CALL >> '{log}'
exec '{real}' "$@"
"""


def recorders(folder: Path) -> Path:
    """Put programs called git and gh into a folder, which write down their arguments and become the real ones."""
    folder.mkdir()
    for name in ("git", "gh"):
        if real := shutil.which(name):
            program = folder / name
            program.write_text(RECORDER.format(log=folder / "log", name=name, real=real))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder / "log"


def recorded_by(log: Path) -> list[list[str]]:
    return [call.split("\0") for call in log.read_text().split("\0END-OF-CALL\0")[:-1]]


@pytest.fixture
def pair(tmp_path):
    """Two repositories: one that is pushed from, and a bare one."""
    repo = TargetRepo(tmp_path / "from", {"a.py": "1\n"})
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", tmp_path / "to"], check=True)
    return repo, tmp_path / "to"


def branch_of(bare: Path) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", "refs/heads/perf"],
        cwd=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def test_a_branch_is_pushed_and_its_own_successor_replaces_it(pair):
    repo, bare = pair
    clone, first = repo.path / ".git", repo.head
    push(clone, first, str(bare), "perf")
    repo.git("commit", "--quiet", "--amend", "-m", "Another")
    push(clone, repo.head, str(bare), "perf", replaces=first)
    assert branch_of(bare) == repo.head


def test_what_somebody_else_pushed_meanwhile_stays(pair):
    repo, bare = pair
    clone, first = repo.path / ".git", repo.head
    theirs = repo.commit({"b.py": "2\n"})
    push(clone, theirs, str(bare), "perf")
    repo.git("checkout", "--quiet", "-b", "mine", first)
    ours = repo.commit({"c.py": "3\n"})
    for replaces in ("", first):
        with pytest.raises(RepositoryError, match="did not take the branch perf"):
            push(clone, ours, str(bare), "perf", replaces=replaces)
    assert branch_of(bare) == theirs


def test_what_gh_says_is_passed_on(tmp_path, monkeypatch):
    program = tmp_path / "gh"
    program.write_text("#!/bin/sh\necho 'HTTP 403: Resource not accessible' >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    forge = Gh("github.test", "acme/sums", tmp_path)
    with pytest.raises(
        PrprepError, match=r"acme/sums: gh pr create: HTTP 403: Resource not accessible\n  see `gh auth status"
    ):
        forge.create(PullRequestText("T", b"words", "body.md"), head="perf", base="main", draft=False)


def test_gh_gets_the_body_byte_for_byte(tmp_path, monkeypatch):
    program = tmp_path / "gh"
    program.write_text(
        '#!/bin/sh\nprintf "%s " "$@" >> "$0.log"\ncat > "$0.body"\necho https://github.test/acme/sums/pull/7\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    forge, content = Gh("github.test", "acme/sums", tmp_path), b"Gr\xc3\xbc\xc3\x9fe\r\n\n\n trailing \n"
    text = PullRequestText("T", content, "body.md")
    assert forge.create(text, head="perf", base="main", draft=False) == "https://github.test/acme/sums/pull/7"
    assert (tmp_path / "gh.body").read_bytes() == content
    forge.edit(7, PullRequestText("T", b"other", "body.md"))
    assert (tmp_path / "gh.body").read_bytes() == b"other"
    assert (tmp_path / "gh.log").read_text().count("--body-file - ") == 2


def test_a_missing_gh_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrprepError, match=r"was not found\n  install gh"):
        Gh("github.test", "acme/sums", tmp_path).login()


def test_the_module_is_the_one_that_was_looked_at():
    assert Path(publishing.__file__) == CHECKOUT / "tasks/pull_request/publishing.py"
    assert publishes(["git", "push"])
    assert publishes(["pr", "create"])
    assert not publishes(["pr", "list"])
