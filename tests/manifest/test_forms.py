from __future__ import annotations

import re

import pytest
from doit.doit_cmd import DoitMain

from tasks.manifest.forms import BENCHMARK_FORM, FOLDER_FORM, REF_FORM, RESERVED_IDS


def test_doits_commands_are_reserved():
    assert {command.get_name() for command in DoitMain.DOIT_CMDS} <= RESERVED_IDS


@pytest.mark.parametrize(
    "ref", ["main", "perf/a-b", "v1.0", "a1b2c3d", "HEAD~2", "v1^{commit}", "@{upstream}", "topic@{1}", "é"]
)
def test_refs(ref):
    assert re.search(REF_FORM, ref)


@pytest.mark.parametrize("ref", ["", "-x", "--all", ".hidden", "a..b", "a...b", "ends.", "a b", "a\tb", "a\nb"])
def test_not_refs(ref):
    assert not re.search(REF_FORM, ref)


@pytest.mark.parametrize(
    "path", ["out", "out/", ".codeflash", "./out", "a/b.c/d", "..a", "a..", "a/..b", "...", "a b", "a~"]
)
def test_folders_below(path):
    assert re.search(FOLDER_FORM, path)


@pytest.mark.parametrize("path", ["", "..", "../a", "a/..", "a/../b", "/a", "//a", "a//b", "~", "~/a", "a\\b"])
def test_not_folders_below(path):
    assert not re.search(FOLDER_FORM, path)


@pytest.mark.parametrize(
    "path", ["test_a.py", "./test_a.py", "a/..b/c.py", "a/b.py::test_a", "a/b.py::TestA::test_b[3 x]"]
)
def test_benchmarks(path):
    assert re.search(BENCHMARK_FORM, path)


@pytest.mark.parametrize(
    "path",
    [
        *("a.pyc", "tests", "../a.py", "a/../b.py", "/a.py", "~/a.py", "a//b.py", "a\\b.py", ".py/"),
        *("a.py::", "a.py::b c", "a.py::A::b::c", "a.py:3"),
    ],
)
def test_not_benchmarks(path):
    assert not re.search(BENCHMARK_FORM, path)
