"""Rules for the text of a pull request that several projects have."""

from __future__ import annotations

import re

import pytest

from tasks.artifacts import Commit
from tasks.storage.paths import shipped_templates
from tests.stages.render.test_render import CASES, body_of
from tests.support.evidence import CPU_IMPROVED, DETECTION, HEAD, Case

EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2705\u274c\ufe0f]")


@pytest.mark.parametrize("name", CASES)
def test_no_emoji_and_no_em_dash_but_the_platforms(name):
    body = body_of(CASES[name]).replace(CPU_IMPROVED.platform, "")
    assert not EMOJI.search(body)
    assert "—" not in body


@pytest.mark.parametrize("path", sorted(shipped_templates().glob("*.md.j2")), ids=lambda path: path.name)
def test_no_template_holds_emoji_or_em_dashes(path):
    assert not EMOJI.search(path.read_text(encoding="utf-8"))
    assert "—" not in path.read_text(encoding="utf-8")


def test_no_trailer_reaches_a_body():
    trailers = "Co-authored-by: A Model <model@example.org>\nSigned-off-by: Ada <ada@example.org>\nAssisted-by: a-model\nFixes: #12\n"
    commit = Commit(sha=HEAD, title="Join the lines once", message=f"Join the lines once\n\n{trailers}")
    body = body_of(Case(detection=DETECTION.model_copy(update={"commits": (commit,)})))
    assert not re.search(r"authored-by|signed-off|assisted-by|example\.org|A Model", body, re.IGNORECASE)
    assert "- Join the lines once\n" in body
