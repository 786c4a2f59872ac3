from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tasks.artifacts import WorkloadTest
from tasks.benchmark_tests.writing.workload_benchmark import from_workload, run_code
from tests.support.evidence import DETECTION

PATH = "tests/benchmarks/test_benchmark_merge_lines.py"
WORKLOAD = WorkloadTest(
    test="tests/test_text.py::TestMerge::test_all[two]",
    imports=("from pagelayout.text import merge_lines",),
    definitions=("class Line:\n    pass",),
    setup=("line = Line()",),
    body=("text = merge_lines([line])",),
    result="text",
    fixtures=("tmp_path",),
    share=0.8,
    seconds=0.001,
)


def written(**changes: object) -> str:
    workload = WORKLOAD.model_copy(update=changes)
    changed = "pagelayout.text:merge_lines"
    return from_workload(workload, DETECTION, changed=changed, path=PATH, templates=None).text


def test_the_measured_function_returns_what_the_test_assigns_last():
    assert run_code(WORKLOAD) == ("run", "def run():\n    text = merge_lines([line])\n    return text")


def test_a_short_round_is_repeated_whole():
    repeated = WORKLOAD.model_copy(update={"repeat": 1_000})
    assert run_code(repeated)[1] == (
        "def run():\n    for _ in range(1_000):\n        text = merge_lines([line])\n    return text"
    )
    expression = repeated.model_copy(update={"body": (), "result": "merge_lines([line])"})
    assert run_code(expression)[1] == (
        "def run():\n    for _ in range(1_000):\n        result = merge_lines([line])\n    return result"
    )
    assert "One round repeats the calls 1,000 times." in " ".join(written(repeat=1_000).split())


def test_the_measured_function_has_a_name_that_the_test_does_not_use():
    assert run_code(WORKLOAD.model_copy(update={"body": ("text = run(line)",)}))[0] == "call"
    assert run_code(WORKLOAD.model_copy(update={"setup": ("def run(): ...", "call = 1")}))[0] == "measured"


@pytest.mark.parametrize(
    ("changes", "call"),
    [
        ({}, "    benchmark(run)"),
        ({"body": (), "result": "merge_lines(line)"}, "    benchmark(merge_lines, line)"),
        (
            {"body": (), "result": "merge_lines([line])", "changed_functions": 3},
            "        return merge_lines([line])\n\n    benchmark(run)",
        ),
    ],
)
def test_the_file_says_where_it_comes_from(changes, call):
    text = written(**changes)
    ast.parse(text)
    assert text.endswith(f"{call}\n")
    assert "def test_benchmark_merge_lines(benchmark, tmp_path):" in text
    words = " ".join(text.split())
    assert "It does what test_all in tests/test_text.py does, without the assertions" in words
    takes = "and the other changed functions take" if "changed_functions" in changes else "takes"
    assert f"merge_lines {takes} 80 % of the time; the setup is not timed." in words


def test_what_awaits_runs_on_one_event_loop_with_a_new_coroutine_for_each_round():
    imports = ("from __future__ import annotations", "from text import merge_lines")
    awaited = {"body": (), "result": "await merge_lines(lines)", "imports": imports}
    text = written(**awaited, setup=("lines = [1]",), fixtures=())
    assert "\nfrom __future__ import annotations\nimport asyncio\nfrom text" in text
    assert text.endswith("""
    lines = [1]

    async def run():
        return await merge_lines(lines)

    loop = asyncio.new_event_loop()
    try:
        benchmark(lambda: loop.run_until_complete(run()))
    finally:
        loop.close()
""")


def test_a_setup_that_may_need_the_event_loop_runs_on_it():
    client = {"setup": ("loop = 1", "client = await connect()", "unused = 2"), "repeat": 10}
    text = written(**client, body=("async with client as open_client:\n    text = await open_client.get(loop)",))
    assert text.endswith("""
    async def prepare():
        loop = 1
        client = await connect()
        unused = 2
        return client, loop

    async def run():
        for _ in range(10):
            async with client as open_client:
                text = await open_client.get(loop)
        return text

    event_loop = asyncio.new_event_loop()
    try:
        client, loop = event_loop.run_until_complete(prepare())
        benchmark(lambda: event_loop.run_until_complete(run()))
    finally:
        event_loop.close()
""")
    # Many clients look for the running loop when they are made.
    text = written(setup=("client = Client()",), body=(), result="await client.get()")
    assert "client = loop.run_until_complete(prepare())" in text
    text = written(setup=("rows = await load()",), body=(), result="merge_lines(rows)")
    assert "        rows = loop.run_until_complete(prepare())\n        benchmark(run)\n" in text


@pytest.mark.slow
def test_what_asynchronous_fixtures_opened_is_closed(tmp_path):
    manager = """
opened = []

@asynccontextmanager
async def open_rows():
    opened.append(1)
    yield opened
    opened.clear()
"""
    text = written(
        imports=("from contextlib import AsyncExitStack, asynccontextmanager",),
        definitions=tuple(manager.strip().split("\n\n")),
        setup=("rows = await stack.enter_async_context(open_rows())",),
        body=("assert rows == [1]",),
        result="",
        fixtures=(),
        is_closed=True,
    )
    file = tmp_path / "test_benchmark_rows.py"
    file.write_text(f"{text}    assert opened == []\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--benchmark-disable", file.name]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in finished.stdout, finished.stdout
