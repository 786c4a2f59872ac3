"""What a benchmark does not show by itself: work moved into caches, imports, processes and threads, one change each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.artifacts import MetricName, Verdict
from tasks.processes.cores import all_cores
from tests.support.mistakes import compare, item
from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow(1)

CODE = "textkit/__init__.py"
MORE = """
def words(size=3_000):
    return [str(number) * 3 for number in range(size)]


def total(size=3_000):
    return len(words(size))
"""
START = f"""import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
{MORE}

class Document:
    @property
    def length(self):
        return len(words())


def length(document=Document()):
    return document.length


def register(size=300, seen=[]):
    return sum(len(word) for word in words(size * 10))


def digests(data=bytes(300_000)):
    return [hashlib.sha256(data).digest() for _ in range(4)]


def longest(size=20_000):
    found = [word * 20 for word in words(size)]  # tracking a few large objects is quicker than many small ones
    time.sleep(0.1)  # long enough for samples of memory on a busy machine, and for few repeats
    return max(found)
"""
TEST = """

def test_{name}(benchmark):
    benchmark(textkit.{name})
"""


def replaced(*changes):
    """Return the code with each old part, which must occur once, replaced by the new one."""
    code = START
    for old, new in changes:
        assert code.count(old) == 1
        code = code.replace(old, new)
    return code


REPEATED = replaced(
    ("import hashlib\n", "import functools\nimport hashlib\n"),
    ("def total", "@functools.lru_cache\ndef total"),
    ("    @property", "    @functools.cached_property"),
)
LASTING = replaced(
    # Each call takes an eighth longer than the one before, which shows on a busy machine, too.
    (
        "    return sum(len(word) for word in words(size * 10))\n",
        (
            "    seen.extend(range(len(seen) // 8 + 5_000))\n    assert sum(1 for _ in seen[:3_000_000])\n"
            "    return sum(map(len, words(size * 10)))\n"
        ),
    ),
    # Nothing of the module's own code changes, so its import is not measured.
    (
        "def digests(data=bytes(300_000)):\n    return [hashlib.sha256(data).digest() for _ in range(4)]\n",
        (
            "def digests(data=bytes(300_000), threads=ThreadPoolExecutor(4)):\n"
            "    return [each.digest() for each in threads.map(hashlib.sha256, [data] * 4)]\n"
        ),
    ),
)
ONCE = replaced(
    ("    return len(words(size))", "    return len(TABLE[:size])"),
    ("in words(size)]", "in words(size + 2)]"),
)
ONCE += "\n\nTABLE = [word * 20 for word in words(40_000)]\nhashlib.pbkdf2_hmac('sha256', b'', b'', 60_000)\n"
CHILDREN = replaced(
    (
        "def longest(size=20_000):\n",
        (
            "def longest(size=20_000, pool=[]):\n"
            "    import multiprocessing\n\n"
            "    if not pool:\n"
            "        pool.append(multiprocessing.get_context('fork').Pool(1))\n"
            "    return pool[0].apply(_longest, (size,))\n\n\n"
            "def _longest(size):\n"
        ),
    ),
)
CASES = {
    "repeated": (REPEATED, ("total", "length"), {"metrics": "time"}),
    "lasting": (LASTING, ("register", "digests"), {"metrics": "time", "budget": 1}),
    "once": (ONCE, ("total", "longest"), {"domain": "mem"}),
    "children": (CHILDREN, ("longest",), {"domain": "mem"}),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    tests = {
        benchmark_of(case): "import textkit\n" + "".join(TEST.format(name=name) for name in names)
        for case, (_, names, _) in CASES.items()
    }
    repo = TargetRepo(tmp_path_factory.mktemp("hidden") / "repo", {CODE: START, **tests})
    for case, (code, _, _) in CASES.items():
        repo.branch(case, "main")
        repo.commit({CODE: code}, case.title())
    items = [
        item(case, benchmark=benchmark_of(case), functions=[f"textkit:{name}" for name in names], **settings)
        for case, (_, names, settings) in CASES.items()
    ]
    return compare(repo, *items)


def benchmark_of(case):
    return f"tests/benchmarks/test_{case}.py"


def of(comparison, metric, name=""):
    (found,) = [each for each in comparison.changes if each.metric is metric and each.test.endswith(name)]
    return found


@pytest.mark.parametrize("name", ["total", "length"])
def test_what_the_first_call_of_a_cached_function_or_property_pays_is_said(run, name):
    comparison = run.comparison("repeated")
    assert of(comparison, MetricName.TIME, f"::test_{name}").verdict is Verdict.IMPROVED
    (first,) = [each for each in comparison.first_calls if each.test.endswith(f"::test_{name}")]
    assert first.is_cached
    assert any("only later calls" in finding and f"test_{name}" in finding for finding in comparison.needs_review)
    assert "This holds for repeated calls" in run.body("repeated")
    # Programs have `functools` anyway.
    assert not any("import" in finding for finding in comparison.needs_review)


def test_state_that_grows_is_said(run):
    (finding,) = [each for each in run.comparison("lasting").needs_review if "longer and longer" in each]
    assert "test_register" in finding


def test_what_the_import_pays_is_said(run):
    comparison, body = run.comparison("once"), run.body("once")
    assert comparison.verdict is Verdict.IMPROVED
    kept, imported = of(comparison, MetricName.KEPT), of(comparison, MetricName.IMPORT)
    assert (kept.verdict, imported.verdict) == (Verdict.REGRESSED, Verdict.REGRESSED)
    assert not kept.primary
    assert kept.head - kept.base > 10_000_000
    findings = [finding for finding in comparison.needs_review if "import" in finding]
    assert sorted(finding.split(" ")[0] for finding in findings) == ["import", "memory"]
    assert "memory kept by import" in body.lower()


def test_calls_with_threads_run_on_all_cores(run):
    samples = run.samples("lasting")
    several = len(all_cores()) > 1
    assert samples.parallel == ((f"{benchmark_of('lasting')}::test_digests",) if several else ())
    assert not any("disagree" in finding for finding in run.comparison("lasting").needs_review)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the system reports no proportional set size")
def test_moving_work_to_a_child_process_saves_no_memory(run):
    peak = of(run.comparison("children"), MetricName.PEAK)
    assert peak.together
    assert peak.verdict is Verdict.REGRESSED
    assert 7_000_000 < peak.base < 13_000_000
    metrics = {each.metric for each in run.comparison("children").changes}
    assert not metrics & {MetricName.ALLOCATIONS, MetricName.LEAKED}
    assert "the call's process and its child processes together" in run.body("children")
    assert "Allocations |" not in run.body("children")
    assert "There are no commands for plain pytest: pytest-memray measures the memory of one process" in run.body(
        "children"
    )


def test_some_hundred_bytes_are_no_change(run):
    peak = of(run.comparison("once"), MetricName.PEAK, "::test_longest")
    assert 0 < peak.head - peak.base < 65_536
    assert peak.verdict is Verdict.UNCHANGED
