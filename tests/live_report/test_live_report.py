"""`prprep report --serve`: what a page sees while a run goes on, and who may ask for it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.errors import UsageError
from tasks.live_report.server import serving
from tasks.live_report.watch import Watch
from tests.stages.report.test_page import Pages
from tests.support.evidence import CPU_IMPROVED, MEMORY_IMPROVED, REGRESSED, Case

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def pages(tmp_path):
    made = Pages(tmp_path)
    made.add("cpu", Case(CPU_IMPROVED))
    made.add("memory", Case(MEMORY_IMPROVED))
    made.paths.manifest.write_text("version: 1\n")
    return made


@pytest.fixture
def watch(pages):
    def graph():
        staleness = pages.staleness
        return SimpleNamespace(staleness=staleness, workspace=staleness.workspace, manifest=pages.paths.manifest)

    return Watch(graph)


@contextmanager
def connected(address: str):
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def get(address: str, path: str, **headers: str) -> tuple[int, str]:
    with connected(address) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


def test_a_page_is_made_again_when_an_item_changed_and_survives_half_written_files(pages, watch):
    first = watch.state
    watch.look()
    assert watch.state is first
    compare = pages.paths.item("cpu").compare
    whole = compare.read_text()
    compare.write_text(whole[: len(whole) // 2])
    watch.look()
    assert watch.state.version != first.version
    assert 'class="headline">1.26x faster' not in watch.state.html
    Case(REGRESSED).vary(item=pages.items[0]).write(pages.folder)
    watch.look()
    assert 'class="headline">1.26x slower' in watch.state.html


def test_items_under_way_are_shown_with_the_last_line_of_their_log(pages, watch):
    paths = pages.paths.item("cpu")
    code = (
        "import sys; from pathlib import Path; from tasks.processes.locks import file_lock\n"
        "with file_lock(Path(sys.argv[1]), busy=None): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(pages.paths.state / "lock")]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        paths.log.write_bytes(
            b"== tests, 2026-03-01 10:00:00\nlaunch 1\n== measure, 2026-03-01 10:00:30\nlaunch 3 of \xe2\x82"
        )
        watch.look()
        assert watch.state.running == ("cpu: measure, launch 3 of \N{REPLACEMENT CHARACTER}",)
        paths.times.write_text('{"measure": 3.0}')
        os.utime(paths.log, (1, 1))
        watch.look()
        assert watch.state.running == ()
        os.utime(paths.log)
        os.utime(paths.times, (1, 1))
        running.communicate()
    watch.look()
    assert watch.state.running == ()


def test_a_manifest_that_cannot_be_read_leaves_the_page_and_is_said(pages, watch):
    html = watch.state.html
    watch._open_graph = lambda: (_ for _ in ()).throw(UsageError("line 3 is no key", hint="fix it"))
    pages.paths.manifest.write_text("version: 1\noptimi")
    watch.look()
    assert watch.state.html == html
    assert watch.state.running == ("line 3 is no key fix it",)


def test_the_server_sends_the_page_its_news_and_the_flame_graphs_that_it_links_to(pages, watch):
    profiles = pages.paths.item("memory").profiles
    profiles.mkdir()
    (profiles / "base-a b.flamegraph.html").write_text("<p>flames</p>")
    with serving(watch, 0) as address:
        assert get(address, "/") == (200, watch.state.html)
        assert get(address, "/.prprep/memory/profiles/base-a%20b.flamegraph.html") == (200, "<p>flames</p>")
        for path in (
            "/prprep.yaml",
            "/.prprep/cpu/compare.json",
            "/.prprep/memory/profiles/../../../prprep.yaml",
        ):
            assert get(address, path)[0] == 404
        assert get(address, "/", Host="prprep.example:80")[0] == 403
        with connected(address) as connection:
            connection.request("GET", "/events")
            news = connection.getresponse()
            line = news.readline().decode()
            assert json.loads(line.removeprefix("data: ")) == {"version": watch.state.version, "running": []}
            Case(REGRESSED).vary(item=pages.items[0]).write(pages.folder)
            watch.look()
            lines = [news.readline() for _ in range(2)]
            assert json.loads(lines[1].removeprefix(b"data: "))["version"] == watch.state.version
    with pytest.raises(ConnectionRefusedError):
        get(address, "/")


def test_flame_graphs_of_a_report_in_another_folder_are_served(pages, watch):
    watch._graph.workspace.paths = replace(watch._graph.workspace.paths, output=pages.folder.parent / "elsewhere")
    profiles = pages.paths.item("memory").profiles
    profiles.mkdir()
    (profiles / "base.flamegraph.html").write_text("<p>flames</p>")
    assert watch.profile(f"/{pages.folder.name}/.prprep/memory/profiles/base.flamegraph.html").is_file()
    assert watch.profile("/.prprep/memory/profiles/base.flamegraph.html") is None


def test_a_defect_is_printed_and_a_page_that_was_closed_is_not(watch, capfd):
    errors = iter([ZeroDivisionError("a defect"), BrokenPipeError()])

    def fail(_):
        raise next(errors)

    watch.profile = fail
    with serving(watch, 0) as address:
        for _ in range(2):
            with pytest.raises(http.client.RemoteDisconnected):
                get(address, "/any")
    assert capfd.readouterr().err.count("Traceback") == 1


def test_a_port_in_use_is_a_message_with_a_way_out(watch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} is in use") as raised, serving(watch, port):
            pass
    assert "--port 0" in raised.value.hint


@pytest.mark.slow
def test_ctrl_c_ends_the_server_and_nothing_else_is_said(tmp_path):
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "start"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    (tmp_path / "prprep.yaml").write_text("version: 1\nupstream: HEAD\noptimizations: []\n")
    command = [sys.executable, "-m", "tasks", "-m", str(tmp_path), "report", "--serve", "--port", "0"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=CHECKOUT, **streams) as running:
        line = running.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", line)[0]
        with connected(address) as connection:
            connection.request("GET", "/events")
            connection.getresponse().readline()
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=60)
    assert (running.returncode, said.strip()) == (0, "")
