"""A first manifest for real repositories."""

from __future__ import annotations

import subprocess

import pytest

from tasks.errors import PrprepError, RepositoryError, UsageError
from tasks.init import draft
from tasks.manifest.reader import read
from tests.support.efforts import FASTER, MODULES, effort, notes
from tests.support.mistakes import command, variables_of
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow


def drafted(folder, repo, *refs, upstream=None):
    path, named = draft.place("", "", repo.path)
    return draft.run(path, repo=named, upstream=upstream, refs=refs, cache=folder / "cache")


def used(found):
    return {entry.id: entry.values for entry in found.found.entries if not entry.problem}


def left_out(found):
    return {aside.title: aside.why for aside in found.found.asides}


def with_notes(made, text):
    folder = made.repo.path / ".codeflash"
    folder.mkdir(exist_ok=True)
    (folder / "HANDOFF.md").write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return effort(tmp_path_factory.mktemp("effort"))


@pytest.fixture(autouse=True)
def _none_yet(made):
    yield
    for name in ("prprep.yaml", ".codeflash/HANDOFF.md", ".codeflash/results.tsv"):
        (made.repo.path / name).unlink(missing_ok=True)


def test_twelve_entries_in_three_styles(made, tmp_path):
    with_notes(made, notes(made))
    row = f"exp1\tkeep\tfind_all\t{made.short('scan')}\nexp2\tdiscard\tmerge\t{made.short('merge')}\nexp3\tkeep\tclean\t{made.short('clean')}\n"
    (made.repo.path / ".codeflash/results.tsv").write_text(f"experiment\tstatus\ttarget\tcommit\n{row}")
    with untouched(made.repo.path / ".git"), untouched(made.repo.path / "textkit"):
        found = drafted(tmp_path, made.repo)
    entries = used(found)
    assert {name: values["commits"] for name, values in entries.items()} == {
        "find_all": [made.shas["scan"]],
        "read_rows": [made.shas["rows"]],
        "count": [made.shas["words"]],
        "extract": [made.shas["pages"]],
        "slots-tokens": [made.shas["tokens"]],
        "to_number": [made.shas["tables"]],
        "encode": [made.shas["encode"]],
        "unique": [made.shas["unique"]],
        "clean-2": [made.shas["clean"]],
    }
    assert entries["extract"]["functions"] == ["textkit.pages:Pages.extract"]
    assert (entries["read_rows"]["domain"], entries["read_rows"]["pr"], entries["to_number"]["domain"]) == (
        ["mem"],
        41,
        ["struct"],
    )
    assert set(left_out(found)) == {
        "Use `array.array` for sums",
        "Import everything lazily – in progress on `perf/lazy`",
        "Merge by heapq",
        "Thread pool for `score()`: no gain, the lock is held all the time",
    }
    text = found.path.read_text()
    assert "# Claimed there, and not measured by prprep: 512 MiB → 90 MiB." in text
    assert (
        "# [tool.codeflash] in pyproject.toml: module-root textkit, tests-root tests, benchmarks-root tests/benchmarks\n"
        in text
    )
    assert [item.id for item in read(found.path).manifest.optimizations] == list(entries)


def test_one_that_is_there_is_never_overwritten(made, tmp_path):
    (made.repo.path / "prprep.yaml").write_text("mine")
    with pytest.raises(UsageError, match="never overwritten") as raised:
        drafted(tmp_path, made.repo)
    assert "prprep add REF" in raised.value.hint
    assert (made.repo.path / "prprep.yaml").read_text() == "mine"


def test_what_is_not_there_is_told_and_commented_out(made, tmp_path):
    with_notes(
        made,
        f"## Kept\n\n| Optimization | Commit | Function |\n|---|---|---|\n| Gone | deadbeef1 | `x` |\n"
        f"| Scan | {made.short('scan')} | `textkit/scan.py::find_al` |\n| Sum without lists at all | - | |\n| Nowhere | - | |\n",
    )
    found = drafted(tmp_path, made.repo)
    problems = {entry.values.get("title"): entry.problem for entry in found.found.entries if entry.problem}
    assert problems["Gone"] == "commit deadbeef1 is not in the repository"
    assert problems["Nowhere"].startswith("no commit and no branch is named")
    (scan,) = [entry for entry in found.found.entries if entry.values.get("title") == "Scan"]
    assert scan.warnings == ("there is no function textkit/scan.py::find_al; did you mean textkit.scan:find_all?",)
    assert "  # NOT USED: commit deadbeef1 is not in the repository.\n  # - id: gone\n" in (
        text := found.path.read_text()
    ).replace("Gone", "gone")
    assert "did you mean textkit.scan:find_all?" in " ".join(text.replace("#", " ").split())


def test_notes_that_are_hostile(made, tmp_path):
    with_notes(made, b"## Kept\n\n- Latin \xe9 `" + made.short("scan").encode() + b"` Scan\n")
    found = drafted(tmp_path, made.repo)
    assert any("it is not all UTF-8 (first in line 3)" in problem for problem in found.problems)
    assert [made.shas["scan"]] in [values["commits"] for values in used(found).values()]
    found.path.unlink()

    outside = tmp_path / "secret.md"
    outside.write_text(f"## Kept\n\n- `{made.short('clean')}` Secret\n")
    notes_file = made.repo.path / ".codeflash/HANDOFF.md"
    notes_file.unlink()
    notes_file.symlink_to(outside)
    found = drafted(tmp_path, made.repo)
    assert ".codeflash/HANDOFF.md: it is a link that leads out of the repository, and is not followed" in found.problems
    assert "Secret" not in found.path.read_text()
    found.path.unlink()

    notes_file.unlink()
    with_notes(made, notes(made) + "- nothing of interest `foo`\n" * 200_000)
    found = drafted(tmp_path, made.repo)
    assert ".codeflash/HANDOFF.md: it is longer than 4 MiB, and only its beginning was read" in found.problems
    assert "extract" in used(found)


def test_commits_that_build_on_each_other_that_were_reverted_or_change_no_code(tmp_path):
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
    found = drafted(tmp_path, repo)
    list_directly, skip = found.found.entries
    assert (list_directly.values["commits"], list_directly.values["title"]) == ([first], "perf: list directly")
    assert (skip.values["base"], skip.values["head"]) == (first, second)
    assert skip.warnings[0].startswith(
        "it does not go onto main by itself (conflicts in m.py): it is compared with its parent"
    )
    assert left_out(found)["perf: unpack"].endswith("reverts it")
    assert "changes no code" in left_out(found)["perf: explain"]


def test_branches_that_are_named_for_it_stacked_ones_too(tmp_path):
    repo = TargetRepo(tmp_path / "repo", {f"{name}.py": code for name, code in MODULES.items()})
    repo.branch("perf/scan")
    repo.commit({"scan.py": FASTER["scan"]}, "In place")
    repo.commit({"scan.py": FASTER["scan"] + "\n"}, "Tidy")
    repo.branch("perf/rows")
    rows = repo.commit({"rows.py": FASTER["rows"]}, "Rows")
    repo.checkout("main")
    repo.branch("feature/else")
    repo.commit({"words.py": FASTER["words"]}, "A feature")
    found = drafted(tmp_path, repo)
    assert used(found)["scan"]["head"] == "perf/scan"
    assert [values.get("commits") for values in used(found).values()] == [[rows], None]
    found.path.unlink()
    named = drafted(tmp_path, repo, "feature/else")
    assert used(named)["else"]["head"] == "feature/else"


def test_where_there_is_nothing_to_go_by(tmp_path):
    with pytest.raises(RepositoryError, match="not a git repository"):
        draft.place("", "", tmp_path)
    empty = TargetRepo(tmp_path / "empty")
    with pytest.raises(RepositoryError, match="no commits yet"):
        drafted(tmp_path, empty)
    plain = TargetRepo(tmp_path / "plain", {"a.py": "x = 1\n"})
    plain.commit({"a.py": "x = 2\n"}, "Two")
    with pytest.raises(UsageError, match="nothing was found that could be prepared"):
        drafted(tmp_path, plain)
    for refs, upstream in ((("nope",), None), ((), "mani")):
        with pytest.raises(PrprepError, match="names no"):
            drafted(tmp_path, plain, *refs, upstream=upstream)
    assert not (plain.path / "prprep.yaml").exists()
    plain.git("checkout", "--quiet", "--detach")
    plain.commit({"a.py": "x = 3\n"}, "perf: three")
    assert len(used(drafted(tmp_path, plain))) == 1


def prprep(folder, *words):
    done = subprocess.run(
        command(*words), cwd=folder, env=variables_of({"COLUMNS": "200"}), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def test_from_notes_to_a_body_with_nothing_typed_in_between(made):
    with_notes(
        made, f"## Kept\n\n- **Drop pages early** (`{made.short('pages')}`), `Pages.extract`\n  - Domain: memory\n"
    )
    folder = made.repo.path
    code, out, _ = prprep(folder, "init")
    assert code == 0
    assert "\n#  Optimization " in out
    assert f"  textkit/pages.py   {made.shas['pages'][:12]}  mem " in out
    assert "is never overwritten" in prprep(folder, "init")[2]
    before = (folder / "prprep.yaml").read_text()
    code, out, _ = prprep(folder, "add", made.short("score"), "--id", "scored")
    assert (code, out.splitlines()[0]) == (0, "added to prprep.yaml:")
    after = iter((folder / "prprep.yaml").read_text().splitlines())
    assert all(line in after for line in before.splitlines())
    assert "is in the manifest already, as scored" in prprep(folder, "add", made.shas["score"])[2]
    assert "there is an optimization" in prprep(folder, "add", made.short("merge"), "--id", "Scored")[2]
    assert "names no branch, tag or commit" in prprep(folder, "add", "nothing-like-it")[2]
    code, out, _ = prprep(folder, "inventory", "scored")
    assert (code, "Score without a list" in out) == (0, True)
    code, out, said = prprep(folder, "run", "render:extract")
    assert code == 0, out + said
    assert (folder / ".codeflash/pr-body-extract.md").exists()
