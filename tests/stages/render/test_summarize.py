from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tasks.body.claims import CitableEvidence
from tasks.errors import MeasuringError
from tasks.pipeline import staleness_of
from tasks.stages.render.render import gather, to_review
from tasks.stages.render.summarize import LONGEST_DIFF, ask, bullets, judged, question
from tests.support.evidence import CPU_IMPROVED, DETECTION, ITEM, Case
from tests.support.stages import inputs_of, workspace_of
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tasks.artifacts import Bullets

ASKING = ITEM.model_copy(update={"summarize": "client"})
TELL = "import json, sys; asked = json.load(sys.stdin); "


def command(code: str) -> str:
    return f'{sys.executable} -c "{code}"'


@pytest.fixture
def place(tmp_path):
    """Return an item whose commits are in a real repository, and count how often its command was asked."""
    repository = TargetRepo(tmp_path / "target", {"text.py": "def merge(lines):\n    return ''.join(lines)\n"})
    base = repository.head
    head = repository.commit(
        {"text.py": "def merge(lines):\n    return str().join(lines)  # 128\n", "data.bin": "\0\1"}
    )
    detection = DETECTION.model_copy(update={"base": base, "head": head})

    class Place:
        folder = tmp_path
        item = ASKING

        def run(self, code: str, **more: object) -> Bullets | None:
            count = tmp_path / "asked"
            counting = f"open({str(count)!r}, 'a').write('.'); "
            self.item = ITEM.model_copy(update={"summarize": command(TELL + counting + code), **more})
            case = Case(item=self.item, detection=detection, comparison=more.pop("comparison", CPU_IMPROVED))
            self.paths = case.write(tmp_path)
            workspace = workspace_of(self.item, paths=self.paths, address=repository.path, cache=tmp_path / "cache")
            return bullets(inputs_of("render", staleness_of(workspace), self.item.id))

        @property
        def asked(self) -> int:
            return len((tmp_path / "asked").read_text()) if (tmp_path / "asked").exists() else 0

    return Place()


def test_the_command_reads_diff_and_figures_and_its_bullets_are_kept(place):
    answer = place.run(
        "print('- Joins by', len(asked['commits']) == 1 and '128' in asked['diff']); print('* 20.9 %', asked['changes'][0]['metric'])"
    )
    assert answer.bullets == ("Joins by True", "20.9 % time")
    assert answer.objections == ()
    assert place.asked == 1


def test_it_is_asked_again_only_for_another_diff_figure_or_command(place):
    place.run("print('once')")
    place.run("print('once')")
    assert place.asked == 1
    other = CPU_IMPROVED.model_copy(update={"reason": "measured again"})
    place.run("print('once')", comparison=other)
    assert place.asked == 2
    place.run("print('twice again'.replace('twice', 'once'))", comparison=other)
    assert place.asked == 3


def test_bullets_of_the_manifest_are_not_asked_for(place):
    assert place.run("print('x')", summary=("Mine",)) is None
    assert place.run("print('x')", summary=("human",)) is None
    assert place.asked == 0


def test_rejected_bullets_are_reported_and_replaced_by_those_of_commits(place):
    answer = place.run("print('77 % less time')")
    assert answer.objections == ("a number that is not in the evidence (77 %): 77 % less time",)
    evidence = gather(place.item, place.paths, place.folder, answer)
    assert evidence.generated == answer
    (review,) = [line for line in to_review(evidence) if "summarize" in line]
    assert review.startswith("the bullets of `summarize:` were not used, a number that is not in the evidence (77 %)")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (command("import sys; sys.exit('no key')"), "no key"),
        ("no-such-client-here --ask", "no-such-client-here"),
        ("client 'open", "cannot be read"),
    ],
)
def test_a_command_that_fails_is_one_message(tmp_path, line, why):
    with pytest.raises(MeasuringError) as caught:
        ask(line, {}, folder=tmp_path, where="merge_lines")
    assert why in str(caught.value)
    assert str(caught.value).startswith("merge_lines: ")
    assert "fix the command of `summarize:`" in str(caught.value)


def test_the_command_has_the_users_environment_and_the_manifests_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIENT_API_KEY", "kept")
    answer = ask(command("import os; print(os.environ['CLIENT_API_KEY'], os.getcwd())"), {}, folder=tmp_path, where="x")
    assert answer == f"kept {tmp_path}\n"


def test_a_long_diff_is_cut_with_a_note():
    asked = question(DETECTION, CPU_IMPROVED, "x" * (LONGEST_DIFF + 1))
    assert (len(asked["diff"]), asked["diff_is_whole"]) == (LONGEST_DIFF, False)
    assert json.loads(json.dumps(asked))["headline"] == CPU_IMPROVED.headline


def test_lists_are_read_whatever_their_marks():
    answer = judged(ASKING, "- one\n\n* two\x1b[31m\n1. three\n", CitableEvidence(CPU_IMPROVED, ""))
    assert (answer.bullets, answer.objections) == (("one", "two", "three"), ())
    assert judged(ASKING, "", CitableEvidence(CPU_IMPROVED, "")).objections == ("there is no bullet",)
