"""What a maintainer would send back is found in a branch, and what belongs there is not."""

from __future__ import annotations

import pytest

from tasks.artifacts import Commit, ContributionRule
from tasks.git.history import ChangedFile
from tasks.pull_request import audit
from tasks.pull_request.audit import (
    LARGE,
    TOO_LARGE,
    model_co_authors,
    of_commit,
    of_files,
    of_white_space,
    without_model_co_authors,
)
from tests.support.evidence import CPU_IMPROVED

NO_MODELS = ContributionRule(path="AI_POLICY.md", line=14, about="co-author", sentence="No LLM bots in Co-authored-by.")
SIGNED = ContributionRule(path="CONTRIBUTING.md", line=3, about="sign-off", sentence="All commits must be signed off.")


def findings_of(*files: ChangedFile, related: tuple[str, ...] = ()) -> list[tuple[str, bool]]:
    return [(finding.about, finding.fatal) for finding in of_files(files, related=related)]


@pytest.mark.parametrize(
    "path",
    [
        "src/a.py.orig",
        "a.rej",
        ".codeflash/HANDOFF.md",
        "out/profile.prof",
        ".prprep/it/detect.json",
        "src/__pycache__/a.pyc",
        "memray-app.12.bin",
        "perf.data",
    ],
)
def test_scratch_files_are_fatal(path):
    assert ("scratch", True) in findings_of(ChangedFile("A", path, 10))


@pytest.mark.parametrize("path", ["src/a.py", "docs/core.md", "original.py", "src/profile.py", "tests/data/perf.json"])
def test_files_of_a_project_are_no_scratch(path):
    assert findings_of(ChangedFile("A", path, 10)) == []


def test_what_a_branch_removes_is_no_finding():
    assert findings_of(ChangedFile("D", "a.orig")) == []


def test_a_new_notebook_is_pointed_at_and_an_old_one_not():
    assert findings_of(ChangedFile("A", "n.ipynb", 10)) == [("scratch", False)]
    assert findings_of(ChangedFile("M", "n.ipynb", 10)) == []


def test_large_and_binary_files_are_reported():
    assert findings_of(ChangedFile("A", "data.csv", LARGE - 1)) == []
    (large,) = of_files([ChangedFile("A", "data.csv", LARGE)], related=())
    assert (large.text, large.fatal) == ("data.csv has 500,000 bytes, more than 500,000", False)
    assert findings_of(ChangedFile("M", "data.csv", TOO_LARGE)) == [("size", True)]
    assert findings_of(ChangedFile("A", "page.png", 10, binary=True)) == [("binary", False)]
    assert findings_of(ChangedFile("A", "fast.so", 10, binary=True)) == [("binary", True)]


def test_files_without_an_optimized_function_are_reported():
    files = [
        ChangedFile("M", path)
        for path in ("src/a.py", "src/b.py", "tests/test_a.py", "docs/a.md", "CHANGES.rst", "setup.py")
    ]
    (finding,) = of_files(files, related={"src/a.py"})
    assert (finding.about, finding.fatal) == ("unrelated", False)
    assert "src/b.py, setup.py:" in finding.text


def commits(
    message: str = "", title: str = "Sum in C", rules: tuple[ContributionRule, ...] = ()
) -> list[tuple[str, bool]]:
    return [
        (finding.about, finding.fatal)
        for finding in of_commit(Commit(sha="a" * 40, title=title, message=message, author="Ada"), rules)
    ]


@pytest.mark.parametrize("title", ["fixup! Sum in C", "squash! it", "WIP", "wip: sum", "[WIP] Sum", "amend! it"])
def test_titles_that_say_that_it_is_not_finished_are_fatal(title):
    assert commits(title=title) == [("title", True)]


@pytest.mark.parametrize("title", ["Sum in C", "Wipe the cache", "Fix up the sum", "Squash the lines"])
def test_other_titles_are_not(title):
    assert commits(title=title) == []


def test_a_language_model_as_an_author_is_fatal_if_the_project_refuses_it():
    message = "Words.\n\nCo-authored-by: Claude <noreply@anthropic.com>\nCo-authored-by: Bea <bea@example.org>"
    assert commits(message) == [("co-author", False)]
    assert commits(message, rules=(NO_MODELS,)) == [("co-author", True)]
    (finding,) = of_commit(Commit(sha="a" * 40, title="T", message=message), (NO_MODELS,))
    assert "AI_POLICY.md:14" in finding.text
    assert "Bea" not in finding.text


@pytest.mark.parametrize(
    "who",
    [
        "Claude <noreply@anthropic.com>",
        "codeflash-ai[bot] <x@codeflash.ai>",
        "GitHub Copilot <c@x>",
        "Cursor <cursoragent@cursor.com>",
    ],
)
def test_language_models_are_known(who):
    assert model_co_authors(f"Words.\n\nCo-Authored-By: {who}\n") == (who,)


@pytest.mark.parametrize(
    "who", ["Claudia <claudia@example.org>", "Ada <ada@example.org>", "dependabot[bot] <x@github.com>"]
)
def test_people_are_no_models(who):
    assert model_co_authors(f"Words.\n\nCo-authored-by: {who}\n") == ()


def test_only_the_trailers_of_models_are_taken_out():
    before = b"Sum in C\n\nWords.\n\nCo-authored-by: Claude <c@anthropic.com>\nSigned-off-by: Ada <ada@example.org>\n"
    assert without_model_co_authors(before) == b"Sum in C\n\nWords.\n\nSigned-off-by: Ada <ada@example.org>\n"
    alone = b"Sum in C\n\nCo-authored-by: Claude <c@anthropic.com>\n"
    assert without_model_co_authors(alone) == b"Sum in C\n"
    untouched = b"Sum in C\n\nWords  \n\n"
    assert without_model_co_authors(untouched) is untouched


def test_a_missing_sign_off_is_fatal_if_the_project_asks_for_it():
    assert commits(rules=(SIGNED,)) == [("sign-off", True)]
    assert commits("Signed-off-by: Ada <ada@example.org>", rules=(SIGNED,)) == []


def test_white_space_is_passed_on_in_short():
    assert of_white_space([]) == ()
    (finding,) = of_white_space([f"a.py:{number}: trailing whitespace." for number in range(7)])
    assert finding.text.endswith("a.py:4: trailing whitespace. and 2 more")


def test_claims_of_messages_that_the_evidence_does_not_hold_are_reported():
    commit = Commit(sha="a" * 40, title="Join 17,500% faster", message="Join 17,500% faster\n\nIt was 20.9 % slower.\n")
    (finding,) = audit.of_claims(commit, CPU_IMPROVED)
    published = "the message of aaaaaaaaaaaa (Join 17,500% faster) is published as it is"
    assert finding.text == f"{published}: a number that is not in the evidence (17,500%)"
    assert not finding.fatal
    assert list(audit.of_claims(commit.model_copy(update={"title": "Join once", "message": ""}), CPU_IMPROVED)) == []
