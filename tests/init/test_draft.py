"""A first manifest for real repositories."""

from __future__ import annotations

from hashlib import sha1

import pytest

from tasks.errors import PrprepError, RepositoryError, UsageError
from tasks.init import draft
from tasks.init import notes as init_notes
from tasks.manifest.reader import read
from tests.support.efforts import FASTER, MODULES, effort, notes
from tests.support.mistakes import ran
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow


def write_draft(folder, repo, *refs, upstream=None):
    path, address = draft.manifest_place("", "", repo.path)
    return draft.run(path, repo=address, upstream=upstream, refs=refs, cache=folder / "cache")


def used(drafted):
    return {item.id: item.values for item in drafted.selection.items if not item.problem}


def left_out(drafted):
    return {candidate.title: candidate.reason for candidate in drafted.selection.left_out}


def add_notes(optimized, text):
    folder = optimized.repo.path / ".codeflash"
    folder.mkdir(exist_ok=True)
    (folder / "HANDOFF.md").write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture(scope="module")
def optimized(tmp_path_factory):
    return effort(tmp_path_factory.mktemp("effort"))


@pytest.fixture(autouse=True)
def _without_manifest_and_notes(optimized):
    yield
    for name in ("prprep.yaml", ".codeflash/HANDOFF.md", ".codeflash/results.tsv"):
        (optimized.repo.path / name).unlink(missing_ok=True)


def test_twelve_entries_in_three_styles(optimized, tmp_path):
    add_notes(optimized, notes(optimized))
    row = f"exp1\tkeep\tfind_all\t{optimized.short('scan')}\nexp2\tdiscard\tmerge\t{optimized.short('merge')}\nexp3\tkeep\tclean\t{optimized.short('clean')}\n"
    (optimized.repo.path / ".codeflash/results.tsv").write_text(f"experiment\tstatus\ttarget\tcommit\n{row}")
    with untouched(optimized.repo.path / ".git"), untouched(optimized.repo.path / "textkit"):
        drafted = write_draft(tmp_path, optimized.repo)
    items = used(drafted)
    assert {name: values["commits"] for name, values in items.items()} == {
        "find_all": [optimized.shas["scan"]],
        "read_rows": [optimized.shas["rows"]],
        "count": [optimized.shas["words"]],
        "extract": [optimized.shas["pages"]],
        "slots-tokens": [optimized.shas["tokens"]],
        "to_number": [optimized.shas["tables"]],
        "encode": [optimized.shas["encode"]],
        "unique": [optimized.shas["unique"]],
        "clean-2": [optimized.shas["clean"]],
    }
    assert items["extract"]["functions"] == ["textkit.pages:Pages.extract"]
    assert (items["read_rows"]["domain"], items["read_rows"]["pr"], items["to_number"]["domain"]) == (
        ["mem"],
        41,
        ["struct"],
    )
    assert set(left_out(drafted)) == {
        "Use `array.array` for sums",
        "Import everything lazily – in progress on `perf/lazy`",
        "Merge by heapq",
        "Thread pool for `score()`: no gain, the lock is held all the time",
    }
    text = drafted.path.read_text()
    assert "# Claimed in the source, not measured by prprep: 512 MiB → 90 MiB." in text
    assert (
        "# [tool.codeflash] in pyproject.toml: module-root textkit, tests-root tests, benchmarks-root tests/benchmarks\n"
        in text
    )
    assert [item.id for item in read(drafted.path).manifest.optimizations] == list(items)


def test_an_existing_manifest_is_never_overwritten(optimized, tmp_path):
    (optimized.repo.path / "prprep.yaml").write_text("mine")
    with pytest.raises(UsageError, match="exists already") as raised:
        write_draft(tmp_path, optimized.repo)
    assert "prprep add REF" in raised.value.hint
    assert (optimized.repo.path / "prprep.yaml").read_text() == "mine"


def test_items_that_cannot_be_used_are_commented_out(optimized, tmp_path):
    add_notes(
        optimized,
        f"## Kept\n\n| Optimization | Commit | Function |\n|---|---|---|\n| Gone | deadbeef1 | `x` |\n"
        f"| Scan | {optimized.short('scan')} | `textkit/scan.py::find_al` |\n| Sum without lists at all | - | |\n| Nowhere | - | |\n",
    )
    drafted = write_draft(tmp_path, optimized.repo)
    problems = {item.values.get("title"): item.problem for item in drafted.selection.items if item.problem}
    assert problems["Gone"] == "commit deadbeef1 is not in the repository"
    assert problems["Nowhere"].startswith("the notes name no commit or branch")
    (scan,) = [item for item in drafted.selection.items if item.values.get("title") == "Scan"]
    assert scan.warnings == ("there is no function textkit/scan.py::find_al; did you mean textkit.scan:find_all?",)
    assert "  # NOT USED: commit deadbeef1 is not in the repository.\n  # - id: gone\n" in (
        text := drafted.path.read_text()
    ).replace("Gone", "gone")
    assert "did you mean textkit.scan:find_all?" in " ".join(text.replace("#", " ").split())


def test_hostile_notes(optimized, tmp_path, monkeypatch):
    add_notes(optimized, b"## Kept\n\n- Latin \xe9 `" + optimized.short("scan").encode() + b"` Scan\n")
    drafted = write_draft(tmp_path, optimized.repo)
    assert any("not all UTF-8 (first in line 3)" in warning for warning in drafted.warnings)
    assert [optimized.shas["scan"]] in [values["commits"] for values in used(drafted).values()]
    drafted.path.unlink()

    outside = tmp_path / "secret.md"
    outside.write_text(f"## Kept\n\n- `{optimized.short('clean')}` Secret\n")
    notes_file = optimized.repo.path / ".codeflash/HANDOFF.md"
    notes_file.unlink()
    notes_file.symlink_to(outside)
    drafted = write_draft(tmp_path, optimized.repo)
    assert ".codeflash/HANDOFF.md: not read: this link leads out of the repository" in drafted.warnings
    assert "Secret" not in drafted.path.read_text()
    drafted.path.unlink()

    notes_file.unlink()
    add_notes(optimized, notes(optimized) + "nothing of interest " * 60_000)
    monkeypatch.setattr(init_notes, "_MOST_BYTES", 2**20)
    drafted = write_draft(tmp_path, optimized.repo)
    assert ".codeflash/HANDOFF.md: longer than 1 MiB; only the beginning was read" in drafted.warnings
    assert "extract" in used(drafted)


def test_stacked_reverted_and_non_code_commits(tmp_path):
    repo = TargetRepo(tmp_path / "repo", {"m.py": "def f(x):\n    return [i for i in x]\n"})
    repo.branch("work")
    first = repo.commit({"m.py": "def f(x):\n    return list(x)\n"}, "perf: list directly, 2x faster")
    second = repo.commit({"m.py": "def f(x):\n    return list(x) if x else []\n"}, "Skip empty input: faster")
    third = repo.commit({"m.py": "def f(x):\n    return [*x] if x else []\n"}, "perf: unpack")
    repo.commit(
        {"m.py": "def f(x):\n    return list(x) if x else []\n"},
        f'Revert "perf: unpack"\n\nThis reverts commit {third}.',
    )
    repo.commit({"d.md": "docs"}, "perf: explain")
    repo.commit({"tests/test_m.py": ""}, "test: cached fixtures")
    drafted = write_draft(tmp_path, repo)
    list_directly, skip = drafted.selection.items
    assert (list_directly.values["commits"], list_directly.values["title"]) == ([first], "perf: list directly")
    assert (skip.values["base"], skip.values["head"]) == (first, second)
    assert skip.warnings[0].startswith(
        "it does not apply to main on its own (conflicts in m.py), so it is compared with its parent"
    )
    assert left_out(drafted)["perf: unpack"].endswith("reverts it")
    assert "changes no code" in left_out(drafted)["perf: explain"]


def test_of_what_upstream_has_only_named_commits_are_added(tmp_path):
    repo = TargetRepo(tmp_path / "repo", {"m.py": "def f(x):\n    return [i for i in x]\n"})
    first = repo.commit({"m.py": "def f(x):\n    return list(x)\n"}, "perf: list directly")
    repo.commit({"m.py": "def f(x):\n    return [*x]\n"}, "perf: unpack")
    named = write_draft(tmp_path, repo, first)
    assert [each["commits"] for each in used(named).values()] == [[first]]
    named.path.unlink()
    assert len(used(write_draft(tmp_path, repo))) == 2


def test_branches_named_after_performance_work(tmp_path):
    repo = TargetRepo(tmp_path / "repo", {f"{name}.py": code for name, code in MODULES.items()})
    repo.branch("perf/scan")
    repo.commit({"scan.py": FASTER["scan"]}, "In place")
    repo.commit({"scan.py": FASTER["scan"] + "\n"}, "Tidy")
    repo.branch("perf/rows")
    rows = repo.commit({"rows.py": FASTER["rows"]}, "Rows")
    repo.checkout("main")
    repo.branch("feature/else")
    repo.commit({"words.py": FASTER["words"]}, "A feature")
    drafted = write_draft(tmp_path, repo)
    assert used(drafted)["scan"]["head"] == "perf/scan"
    assert [values.get("commits") for values in used(drafted).values()] == [[rows], None]
    drafted.path.unlink()
    requested = write_draft(tmp_path, repo, "feature/else")
    assert used(requested)["else"]["head"] == "feature/else"


def test_the_commits_of_a_requested_branch_are_no_items_of_their_own(tmp_path):
    repo = TargetRepo(tmp_path / "repo", {f"{name}.py": code for name, code in MODULES.items()})
    repo.branch("faster")
    repo.branch("perf/scan")
    repo.checkout("faster")
    repo.commit({"scan.py": FASTER["scan"]}, "Speed up scan")
    repo.git("branch", "--force", "perf/scan")
    repo.commit({"rows.py": FASTER["rows"]}, "perf: rows")
    (values,) = used(write_draft(tmp_path, repo, "faster")).values()
    assert values["head"] == "faster"


def commit_named(repo, files, title, kind):
    """Commit with a title whose commit has a short SHA-1 of a kind, such as digits alone."""
    repo.write(files)
    repo.git("add", "--all")
    tree, parent = repo.git("write-tree"), repo.head
    who = f"Ada <ada@example.org> {repo.clock + 60} +0000"
    for number in range(100_000):
        text = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n{title} {number}\n".encode()
        sha = sha1(b"commit %d\0%s" % (len(text), text), usedforsecurity=False).hexdigest()
        if kind(sha[:7]):
            assert repo.commit({}, f"{title} {number}") == sha
            return sha
    raise AssertionError


def test_short_shas_of_digits_or_letters_alone(tmp_path):
    repo = TargetRepo(tmp_path / "target", {"app.py": "def f():\n    return [1]\n\ndef g():\n    return [1]\n"})
    repo.git("tag", "20240131")
    repo.branch("work")
    digits = commit_named(
        repo, {"app.py": "def f():\n    return 1\n\ndef g():\n    return [1]\n"}, "Quicker f", str.isdigit
    )
    letters = commit_named(
        repo, {"app.py": "def f():\n    return 1\n\ndef g():\n    return 1\n"}, "Quicker g", str.isalpha
    )
    repo.write(
        {
            ".codeflash/HANDOFF.md": f"""
            # Kept
            - Return one number from f, on 1234567 rows since 20240131, commit {digits[:7]}
            - Return one number from g, kept as `{letters[:7]}`
            """
        }
    )
    drafted = write_draft(tmp_path, repo)
    assert [values["commits"] for values in used(drafted).values()] == [[digits], [letters]]


def test_a_shallow_clone_names_the_way_out(tmp_path):
    repo = TargetRepo(tmp_path / "target", {"app.py": "def f():\n    return [1]\n"})
    repo.branch("perf/f")
    repo.commit({"app.py": "def f():\n    return 1\n"}, "Speed up f")
    repo.checkout("main")
    repo.commit({"b.py": ""})
    repo.git("clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{repo.path}", str(tmp_path / "shallow"))
    shallow = TargetRepo(tmp_path / "shallow")
    shallow.git("branch", "perf/f", "origin/perf/f")
    for refs in ((), ("perf/f",)):
        with pytest.raises(UsageError, match="git fetch --unshallow"):
            write_draft(tmp_path, shallow, *refs)
    manifest = shallow.path / "prprep.yaml"
    manifest.write_text("version: 1\noptimizations: [{id: a, head: main}]\n")
    added = ran(shallow.path, "add", "perf/f")
    assert (added.returncode, "git fetch --unshallow" in added.stderr) == (3, True)
    shallow.git("fetch", "--quiet", "--unshallow")
    assert ran(shallow.path, "add", "perf/f").returncode == 0
    manifest.unlink()
    assert used(write_draft(tmp_path, shallow))


def test_object_names_of_sha_256(tmp_path):
    TargetRepo(tmp_path / "probe").git("init", "--quiet", "--object-format=sha256", str(tmp_path / "target"))
    repo = TargetRepo(tmp_path / "target", {"app.py": ""})
    assert len(repo.head) == 64
    for run in (write_draft, lambda folder, repo: write_draft(folder, repo, "main")):
        with pytest.raises(RepositoryError, match="SHA-256 object names are not supported") as raised:
            run(tmp_path, repo)
        assert "git fast-export --all" in raised.value.hint
    (repo.path / "prprep.yaml").write_text("version: 1\noptimizations: [{id: a, head: main}]\n")
    done = ran(repo.path, "list")
    assert (done.returncode, "SHA-256 object names" in done.stderr) == (3, True)


def test_nothing_to_draft(tmp_path):
    with pytest.raises(RepositoryError, match="not a git repository"):
        draft.manifest_place("", "", tmp_path)
    empty = TargetRepo(tmp_path / "empty")
    with pytest.raises(RepositoryError, match="no commits yet"):
        write_draft(tmp_path, empty)
    plain = TargetRepo(tmp_path / "plain", {"a.py": "x = 1\n"})
    plain.commit({"a.py": "x = 2\n"}, "Two")
    with pytest.raises(UsageError, match="found nothing to prepare"):
        write_draft(tmp_path, plain)
    for refs, upstream in ((("nope",), None), ((), "mani")):
        with pytest.raises(PrprepError, match=r"is not a branch|does not resolve to a commit"):
            write_draft(tmp_path, plain, *refs, upstream=upstream)
    assert not (plain.path / "prprep.yaml").exists()
    plain.git("checkout", "--quiet", "--detach")
    plain.commit({"a.py": "x = 3\n"}, "perf: three")
    assert len(used(write_draft(tmp_path, plain))) == 1


def prprep(folder, *words):
    done = ran(folder, *words, COLUMNS="200")
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def test_from_notes_to_a_body_without_typing(optimized):
    add_notes(
        optimized,
        f"## Kept\n\n- **Drop pages early** (`{optimized.short('pages')}`), `Pages.extract`\n  - Domain: memory\n",
    )
    folder = optimized.repo.path
    code, out, _ = prprep(folder, "init")
    assert code == 0
    assert "\n#  Optimization " in out
    assert f"  textkit/pages.py   {optimized.shas['pages'][:12]}  mem " in out
    assert "never overwrites it" in prprep(folder, "init")[2]
    manifest = folder / "prprep.yaml"
    manifest.write_text(manifest.read_text() + "\ndefaults: {budget: 1, tests: false, verify: false}\n")  # to be quick
    before = manifest.read_text()
    code, out, _ = prprep(folder, "add", optimized.short("score"), "--id", "scored")
    assert (code, out.splitlines()[0]) == (0, "added to prprep.yaml:")
    lines = iter((folder / "prprep.yaml").read_text().splitlines())
    assert all(line in lines for line in before.splitlines())
    assert "is in the manifest already, as scored" in prprep(folder, "add", optimized.shas["score"])[2]
    assert 'the id "Scored" is taken' in prprep(folder, "add", optimized.short("merge"), "--id", "Scored")[2]
    assert "is not a branch, tag or commit" in prprep(folder, "add", "nothing-like-it")[2]
    code, out, _ = prprep(folder, "inventory", "scored")
    assert (code, "Score without a list" in out) == (0, True)
    code, out, error = prprep(folder, "run", "render:extract")
    assert code == 0, out + error
    assert (folder / ".codeflash/pr-body-extract.md").exists()
