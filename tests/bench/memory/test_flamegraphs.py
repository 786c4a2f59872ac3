"""Call sites and flame graphs from real profiles, by the program that runs in the target's interpreter."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import memray
import pytest

from tasks.bench.memory.memory import FLAMEGRAPH, READER, read_profiles
from tests.support.pairs import pair

pytestmark = pytest.mark.slow

MIB = 1 << 20
CODE = """
import json

class Table:
    def rows(self):
        return [bytearray(1 << 20) for _ in range(3)]

def everything():
    return Table().rows(), json.dumps([1.5] * 200_000)
"""


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("flamegraphs", READER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """Return a request, and a profile recorded in its base tree."""
    folder = tmp_path_factory.mktemp("tracked")
    request = pair(folder, base={"src/project/__init__.py": CODE})
    code = "import sys, memray, project\ngot = []\nwith memray.Tracker(sys.argv[1]):\n    got.append(getattr(project, sys.argv[2])())\n"
    environment = {**os.environ, "PYTHONPATH": str(request.base.tree / "src"), "PYTHONMALLOC": "malloc"}
    for name in ("everything", "table"):
        function = "everything" if name == "everything" else "Table"
        subprocess.run(
            [sys.executable, "-c", code, str(folder / f"base-{name}.bin"), function], env=environment, check=True
        )
    return request, folder / "base-everything.bin"


@pytest.mark.slow
def test_call_sites_are_spelled_relative_to_the_tree_and_the_import_path(tracked):
    request, profile = tracked
    reported = []
    contents = read_profiles(request, "base", {"test_x.py::test_work": profile}, reported.append)
    held, over_call = contents["test_x.py::test_work"]
    assert reported == []
    assert max(over_call) == sum(site.size for site in held) == memray.FileReader(profile).metadata.peak_memory
    largest = {(site.file, site.function): site for site in held if site.size > MIB}
    assert {("src/project/__init__.py", "rows"), ("json/encoder.py", "iterencode")} <= largest.keys()
    rows = largest["src/project/__init__.py", "rows"]
    assert rows.line == 5
    assert 3 * MIB <= rows.size < 3.01 * MIB


@pytest.mark.slow
def test_a_flame_graph_is_the_same_every_time_and_names_no_folder_of_this_machine(tracked):
    request, profile = tracked
    drawn = profile.with_name(f"base-everything{FLAMEGRAPH}")
    texts = []
    for _ in range(2):
        drawn.unlink(missing_ok=True)
        read_profiles(request, "base", {"test_x.py::test_work": profile}, lambda _: None)
        texts.append(drawn.read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert "base: test_x.py::test_work" in texts[0]
    for word in (
        "src/project/__init__.py",
        "return [bytearray(1 \\u003c\\u003c 20) for _ in range(3)]",
        "json/encoder.py",
    ):
        assert word in texts[0]
    # Pages load nothing from the network, and carry no library that draws nothing in them.
    assert not re.search(r"""(?:src|href)=["']https?://[^"']+\.(?:js|css)""", texts[0])
    assert len(texts[0]) < 1_200_000
    for folder in (str(request.base.tree), sys.prefix, sys.base_prefix, str(Path.home())):
        assert folder not in texts[0]


@pytest.mark.slow
def test_a_flame_graph_that_cannot_be_written_is_reported_and_its_call_sites_are_read(tracked):
    request, profile = tracked
    profile.with_name(f"base-table{FLAMEGRAPH}").mkdir()
    reported = []
    table = profile.with_name("base-table.bin")
    held = read_profiles(
        request, "base", {"test_x.py::test_work": profile, "test_x.py::test_table": table}, reported.append
    )
    assert held.keys() == {"test_x.py::test_work", "test_x.py::test_table"}
    assert len(reported) == 1
    assert reported[0].startswith("no flame graph of base, test_x.py::test_table: IsADirectoryError: ")


@pytest.mark.slow
def test_a_profile_that_cannot_be_read_is_reported_and_the_others_are_read(tracked, tmp_path):
    request, profile = tracked
    (tmp_path / "broken.bin").write_bytes(b"not a profile")
    reported = []
    held = read_profiles(
        request,
        "base",
        {"test_x.py::test_broken": tmp_path / "broken.bin", "test_x.py::test_work": profile},
        reported.append,
    )
    assert held.keys() == {"test_x.py::test_work"}
    assert len(reported) == 1
    assert reported[0].startswith(
        "no call sites of base, test_x.py::test_broken: OSError: The provided input file does not look like"
    )


@pytest.mark.slow
def test_a_program_that_does_not_start_is_reported_and_no_error(tmp_path):
    request = pair(tmp_path, base={"src/memray.py": "raise ImportError('no memray here')\n"})
    reported = []
    assert read_profiles(request, "base", {"test_x.py::test_work": tmp_path / "x.bin"}, reported.append) == {}
    assert reported == ["no call sites and flame graphs of base: ImportError: no memray here"]


def record(python, hybrid=None):
    return SimpleNamespace(
        size=5, n_allocations=1, stack_trace=lambda: python, hybrid_stack_trace=lambda: hybrid or python
    )


@pytest.mark.parametrize(
    ("stack", "site"),
    [
        ([("rows", "/tree/a.py", 3), ("work", "/tree/a.py", 9)], ("rows", "a.py", 3)),
        ([("<listcomp>", "/tree/a.py", 3), ("rows", "/tree/a.py", 2)], ("rows", "a.py", 3)),
        ([("<listcomp>", "/tree/a.py", 0), ("rows", "/tree/a.py", 2)], ("rows", "a.py", 2)),
        (
            [("<genexpr>", "/tree/a.py", 3), ("<lambda>", "/tree/a.py", 3), ("rows", "/tree/a.py", 2)],
            ("rows", "a.py", 3),
        ),
        ([("<lambda>", "/tree/a.py", 3), ("run", "/lib/python/threading.py", 900)], ("<lambda>", "a.py", 3)),
        ([("<module>", "/tree/a.py", 3), ("work", "/tree/a.py", 9)], ("<module>", "a.py", 3)),
        (
            [("full", "/tree/.venv/lib/site-packages/numpy/core/numeric.py", 329)],
            ("full", "numpy/core/numeric.py", 329),
        ),
        ([("exec_module", "<frozen importlib._bootstrap>", 5)], ("exec_module", "<frozen importlib._bootstrap>", 5)),
        ([("plugin", "/elsewhere/deep/plugin.py", 5)], ("plugin", "plugin.py", 5)),
        ([("track_", "OURSmemory/tracking.py", 40), ("run", "/lib/python/runpy.py", 1)], ("", "(the call itself)", 0)),
        ([], ("", "(native code)", 0)),
    ],
)
def test_a_site_is_the_innermost_function_with_a_name(program, stack, site):
    paths = program.RelativePaths("/tree", ["/tree/src", "/tree/.venv/lib/site-packages", "/lib/python", ""])
    stack = [(function, file.replace("OURS", program.OURS), line) for function, file, line in stack]
    assert program.AllocationRecord(record(stack), paths, native=False).site() == site


def test_allocations_outside_of_python_are_named_by_their_c_function(program):
    paths = program.RelativePaths("/tree", [])
    stack = program.AllocationRecord(
        record([], [("blas_thread_server", "/usr/lib/libopenblas.so.0", 12)]), paths, native=True
    )
    assert stack.site() == ("blas_thread_server", "libopenblas.so.0", 12)
    assert stack.hybrid_stack_trace(1) == [("blas_thread_server", "libopenblas.so.0", 12)]


def test_stacks_end_where_the_benchmark_is_called(program):
    paths = program.RelativePaths("/tree", ["/lib"])
    stack = [
        ("rows", "/tree/a.py", 3),
        ("track_", f"{program.OURS}memory/tracking.py", 40),
        ("pytest", "/lib/pytest.py", 1),
    ]
    assert program.AllocationRecord(record(stack), paths, native=False).stack_trace() == [("rows", "a.py", 3)]


def test_bytes_of_one_site_are_added_up_and_the_largest_come_first(program):
    paths = program.RelativePaths("/tree", [])
    stacks = [
        [("small", "/tree/a.py", 1)],
        [("rows", "/tree/a.py", 3)],
        [("rows", "/tree/a.py", 3), ("work", "/tree/b.py", 1)],
    ]
    records = [program.AllocationRecord(record(stack), paths, native=False) for stack in stacks]
    assert json.loads(json.dumps(program.sites(records))) == [["a.py", 3, "rows", 10], ["a.py", 1, "small", 5]]
