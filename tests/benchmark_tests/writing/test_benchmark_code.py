from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.artifacts import DomainProposal
from tasks.benchmark_tests.writing.benchmark_code import TEMPLATES, from_manifest, from_signature, gap_line
from tasks.errors import SourceError, TemplateError
from tasks.manifest.model import BenchmarkCode
from tests.support.evidence import DETECTION

pytestmark = pytest.mark.slow

SOURCE = b"""
def merge_lines(lines: list[str], widths: dict[str, list[int]], *, gap: float) -> str:
    return "".join(lines)
def hard(page: Page, dpi: int): ...
async def fetch(urls: list[str]):
    return len(urls)
async def wait_for(client: Client): ...
def nothing():
    return 1
def a_function_with_a_very_long_name_indeed(first: int, second: int, third_argument: int): ...
def rows(items: list[int]):
    yield from items
"""
PATH = "tests/benchmarks/test_benchmark_x.py"


def detection(target: str | None, domain: str = "cpu"):
    proposal = DomainProposal(domains=(domain,), reason="", given=True)
    return DETECTION.model_copy(update={"target": target and f"pagelayout.{target}", "domain": proposal})


def signature(target: str | None, domain: str = "cpu", source: bytes | None = SOURCE):
    return from_signature(detection(target, domain), path=PATH, source=source, templates=None)


def manifest(call: str, setup: str = "", target: str = "text:merge_lines", domain: str = "cpu"):
    return from_manifest(
        BenchmarkCode(setup=setup, call=call), detection(target, domain), path=PATH, source=SOURCE, templates=None
    )


def below_def(text: str) -> str:
    """Return the code below the test's docstring."""
    return text[text.index("def test_") :].split("\n", 2)[2]


def formatted(text: str) -> str:
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "-"]
    return subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout


WHOLE = '''\
"""Benchmark of pagelayout.text:merge_lines."""

import pytest

from pagelayout.text import merge_lines


def test_benchmark_merge_lines(benchmark):
    """Time one call of merge_lines."""
    # Fill in arguments of realistic size: lines: list[str], widths: dict[str,
    # list[int]], gap: float.
    lines, widths, gap = pytest.fail("TODO: fill in lines, widths, gap")

    benchmark(merge_lines, lines, widths, gap=gap)
'''


def test_a_whole_file_from_a_signature():
    """No value that is made up shows how long a call takes in practice."""
    made = signature("text:merge_lines")
    assert made.text == WHOLE
    assert made.made_from == "gap"


@pytest.mark.parametrize(
    ("target", "domain"),
    [
        ("text:merge_lines", "mem"),
        ("text:hard", "mem"),
        ("text:hard", "cpu"),
        ("text:fetch", "async"),
        ("text:wait_for", "async"),
        ("text:nothing", "cpu"),
        ("text:rows", "cpu"),
        ("text:a_function_with_a_very_long_name_indeed", "cpu"),
        ("text:not_there", "cpu"),
        ("export", "struct"),
        ("text:nothing", "struct"),
        (None, "cpu"),
    ],
)
def test_files_are_as_ruff_formats_them(target, domain):
    text = signature(target, domain).text
    assert formatted(text) == text


@pytest.mark.parametrize(
    ("call", "target", "name", "says"),
    [
        ("escaper.sub(text)", "text:Escaper._value", "sub", "Time a call of sub, a caller of Escaper._value."),
        ("render(page)", "text:merge_lines", "render", "Time a call of render, a caller of merge_lines."),
        ("merge_lines(lines)", "text:merge_lines", "merge_lines", "Time one call of merge_lines."),
        ("list(rows(items))", "text:rows", "rows", "Time one call of rows."),
        ("sorted(words)", "text:Word.__lt__", "word", "Time one call of Word.__lt__."),
        ("Table(rows).total()", "text:Table.total", "total", "Time one call of Table.total."),
        ("Table(rows)", "text:Table.__init__", "table", "Time one call of Table.__init__."),
        ("page.width", "text:Page.width", "width", "Time one call of Page.width."),
    ],
)
def test_a_test_is_named_after_what_it_calls(call, target, name, says):
    text = manifest(call, target=target).text
    assert f'def test_benchmark_{name}(benchmark):\n    """{says}"""\n' in text


def test_gap_has_its_line():
    made = signature("text:hard", "mem")
    line = made.text.splitlines()[gap_line(made.text) - 1]
    assert (made.made_from, line) == ("gap", '    page, dpi = pytest.fail("TODO: fill in page, dpi")')
    assert "# Fill in arguments of realistic size: page: Page, dpi: int.\n" in made.text
    assert made.text.endswith("\n    benchmark(hard, page, dpi)\n")
    assert gap_line(signature("text:nothing").text) == 0


def test_a_memory_benchmark_says_so():
    assert "The main metric is peak memory; time comes second.\n" in signature("text:merge_lines", "mem").text


def test_a_coroutine_runs_on_a_loop_of_its_own():
    text = signature("text:fetch", "async").text
    assert "import asyncio\n\nimport pytest\n\nfrom pagelayout.text import fetch\n" in text
    assert below_def(text).endswith(
        "    async def call():\n        return await fetch(urls)\n\n    loop = asyncio.new_event_loop()\n    try:\n"
        "        benchmark(lambda: loop.run_until_complete(call()))\n    finally:\n        loop.close()\n"
    )


def test_a_generator_is_run_to_its_end():
    assert below_def(signature("text:rows").text).endswith(
        "    def run():\n        return list(rows(items))\n\n    benchmark(run)\n"
    )


def test_an_import_is_timed_in_a_fresh_interpreter():
    made = signature("export", "struct")
    assert '    command = [sys.executable, "-c", "import pagelayout.export"]\n' in made.text
    assert made.made_from == "signature"


def test_a_function_without_parameters_is_called():
    made = signature("text:nothing")
    assert below_def(made.text) == "    benchmark(nothing)\n"
    assert made.made_from == "signature"


def test_missing_definition_is_a_gap():
    text = " ".join(signature("text:hard", source=None).text.replace("    # ", "").split())
    assert "a call of hard, whose definition was not found in pagelayout.text" in text


def test_code_of_the_manifest():
    setup = '''import json

from pagelayout.text import (
    Line,
)
TEXT = """a
  b
"""
lines = [Line(n) for n in range(5)]  # five
'''
    text = manifest("merge_lines(lines, TEXT)", setup).text
    assert "import json\nfrom pagelayout.text import (\n    Line,\n)\nfrom pagelayout.text import merge_lines\n" in text
    assert (
        below_def(text)
        == '    TEXT = """a\n  b\n"""\n    lines = [Line(n) for n in range(5)]  # five\n\n    benchmark(merge_lines, lines, TEXT)\n'
    )


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (
            "merge_lines(['a'], gap=1)",
            "    def run():\n        return merge_lines(['a'], gap=1)\n\n    benchmark(run)\n",
        ),
        ("merge_lines(a, b, gap=0.5)", "    benchmark(merge_lines, a, b, gap=0.5)\n"),
        ("merge_lines(*a)", "    def run():\n        return merge_lines(*a)\n\n    benchmark(run)\n"),
        (
            "merge_lines(\n    a,\n    'x',\n)",
            "    def run():\n        return (\n            merge_lines(\n                a,\n                'x',\n            )\n        )\n\n    benchmark(run)\n",
        ),
    ],
)
def test_call_of_names_alone_needs_no_wrapper(call, body):
    assert below_def(manifest(call).text).lstrip("\n") == body


@pytest.mark.parametrize(
    ("call", "setup", "imported"),
    [
        ("merge_lines(a)", "", True),
        ("merge_lines(a)", "from pagelayout.text import merge_lines", False),
        ("text.merge_lines(a)", "from pagelayout import text", False),
        ("go()", "def go():\n    return merge_lines([])", True),
    ],
)
def test_the_real_function_is_imported_once(call, setup, imported):
    text = manifest(call, setup).text
    assert text.count("import merge_lines") == (1 if imported or "import merge_lines" in setup else 0)


@pytest.mark.parametrize(
    ("call", "returned"),
    [("fetch([])", "await fetch([])"), ("await fetch([])", "await fetch([])"), ("asyncio.run(fetch([]))", None)],
)
def test_a_coroutine_of_the_manifest_is_awaited(call, returned):
    text = manifest(call, target="text:fetch", domain="async").text
    assert ("async def call():" in text) == (returned is not None)
    if returned:
        assert f"return {returned}\n" in text


@pytest.mark.parametrize(
    ("call", "setup", "message"),
    [
        ("merge_lines(", "", "merge_lines: benchmark.call"),
        ("x = 1", "", "merge_lines: benchmark.call, line 1: this is not one expression"),
        (
            "f()",
            "a = 1\nb = )",
            "merge_lines: benchmark.setup, line 2: this is not valid Python (unmatched ')'): b = )",
        ),
        (
            "f()",
            "return 1",
            "merge_lines: benchmark.setup, line 1: this is not valid Python ('return' outside function)",
        ),
        (
            "f()",
            "from __future__ import annotations",
            "merge_lines: benchmark.setup, line 1: setup cannot import from __future__",
        ),
    ],
)
def test_invalid_code_is_an_error(call, setup, message):
    with pytest.raises(SourceError) as caught:
        manifest(call, setup)
    assert str(caught.value).startswith(message)


def test_invalid_template_is_an_error(tmp_path: Path):
    (tmp_path / "benchmark_cpu.py.j2").write_text("def {{ name }}(:\n", encoding="utf-8")
    with pytest.raises(TemplateError, match="does not make valid Python"):
        from_signature(detection("text:nothing"), path=PATH, source=SOURCE, templates=tmp_path)


def test_templates_are_listed():
    from tasks.stages.scaffold import STAGE

    assert {name for uses in STAGE.uses for name in uses.templates} == set(TEMPLATES)


@pytest.mark.parametrize(
    ("target", "domain", "outcome"),
    [
        ("text:nothing", "cpu", 0),
        ("text:fetch", "async", 1),
        ("text:rows", "cpu", 1),
        ("export", "struct", 0),
        ("text:hard", "mem", 1),
    ],
)
def test_written_benchmark_runs_with_pytest_benchmark(tmp_path, target, domain, outcome):
    package = tmp_path / "pagelayout"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "export.py").touch()
    (package / "text.py").write_bytes(b"class Page: ...\nclass Client: ...\n" + SOURCE)
    (tmp_path / "test_x.py").write_text(signature(target, domain).text, encoding="utf-8")
    pytest_command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--benchmark-disable",
        "test_x.py",
    ]
    done = subprocess.run(pytest_command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == outcome, done.stdout
    assert ("Failed: TODO: fill in" in done.stdout) == bool(outcome)
