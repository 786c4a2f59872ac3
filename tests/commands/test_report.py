"""`prprep report`: what it writes, opens and says."""

from __future__ import annotations

import os

import pytest

from benchmarks.fresh_items import make_fresh
from tasks.cli import PrprepMain
from tasks.commands import report
from tasks.processes.locks import file_lock
from tests.support.runs import prprep

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    make_fresh(folder, 2)
    return folder


def test_it_writes_both_reports_and_opens_the_page_if_asked(folder, tmp_path):
    done = prprep(["report"], folder=folder)
    page = folder / ".codeflash" / "report.html"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-4:] == [
        "2 items: 2 ready",
        "",
        f"report: {page.with_suffix('.md')}",
        f"in a browser: {page}",
    ]
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}\n')
    browser.chmod(0o755)
    done = prprep(["report", "--open"], folder=folder, env={**os.environ, "BROWSER": f"{browser} %s"})
    assert (done.returncode, done.stderr, opened.read_text()) == (0, "", page.as_uri())


def test_while_a_run_goes_on_it_names_the_way_to_watch_it(folder):
    with file_lock(folder / ".prprep" / "lock", busy=None):
        done = prprep(["report"], folder=folder)
    assert done.returncode == 3
    assert "another prprep is at work in this folder" in done.stderr
    assert "`prprep report --serve` shows a run while it goes on; or wait until process" in done.stderr


@pytest.mark.parametrize("option", ["--open", "--serve"])
def test_without_the_extra_it_says_how_to_get_it(folder, monkeypatch, capsys, option):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(report, "has_extra", lambda: False)
    assert PrprepMain().run(["report", option]) == 3
    assert capsys.readouterr().err == "ERROR: report.html needs optional packages\n  pip install 'prprep[html]'\n"


def test_a_port_that_is_none_is_refused(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert PrprepMain().run(["report", "--serve", "--port", "70000"]) == 3
    assert capsys.readouterr().err == "ERROR: --port is 70000, must be 0 to 65535\n"
