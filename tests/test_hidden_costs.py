"""What a benchmark does not show by itself: work moved into caches, imports, processes and threads, one change each."""

from __future__ import annotations

import pytest

from tasks.artifacts import MetricName, Verdict
from tasks.bench.cores import all_cores
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
{MORE}

class Document:
    @property
    def length(self):
        return total()


def length(document=Document()):
    return document.length


def register(size=300, seen=[]):
    return sum(len(word) for word in words(size * 10))


def digests(data=bytes(300_000)):
    return [hashlib.sha256(data).digest() for _ in range(4)]


def longest():
    return max(words(30_000))
"""
TEST = """
import textkit


def test_{name}(benchmark):
    benchmark(textkit.{name})
"""
POOL = "import multiprocessing\n\n_POOL = None\n" + START.replace(
    "    return max(words(30_000))\n",
    "    global _POOL\n"
    "    _POOL = _POOL or multiprocessing.get_context('fork').Pool(1)\n"
    "    return _POOL.apply(max, (['a', '999'],)) and _POOL.apply(_longest)\n\n\n"
    "def _longest():\n    return max(words(30_000))\n",
)
SUBPROCESS = "import subprocess\nimport sys\n" + START.replace(
    "    return max(words(30_000))\n",
    "    code = 'print(max([str(number) * 3 for number in range(30_000)]))'\n"
    "    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)\n"
    "    return done.stdout.strip()\n",
)
THREADS = "from concurrent.futures import ThreadPoolExecutor\n" + START.replace(
    "    return [hashlib.sha256(data).digest() for _ in range(4)]\n",
    "    return [each.digest() for each in _THREADS.map(hashlib.sha256, [data] * 4)]\n\n\n"
    "_THREADS = ThreadPoolExecutor(4)\n",
)
REGISTRY = START.replace(
    "    return sum(len(word) for word in words(size * 10))\n",
    "    seen.extend(range(len(seen) // 8 + 5_000))\n    assert sum(1 for _ in seen[:3_000_000])\n"
    "    return sum(map(len, words(size * 10)))\n",
)
"""Each call takes an eighth longer than the one before, which shows on a busy machine, too."""
CASES = {
    "cache": ("total", {CODE: "import functools\n" + START.replace("def total", "@functools.lru_cache\ndef total")}),
    "property": (
        "length",
        {CODE: "import functools\n" + START.replace("    @property", "    @functools.cached_property")},
    ),
    "registry": ("register", {CODE: REGISTRY}),
    "table": (
        "total",
        {
            CODE: START.replace("    return len(words(size))", "    return len(TABLE[:size])")
            + "\n\nTABLE = words(300_000)\n"
        },
    ),
    "threads": ("digests", {CODE: THREADS}),
    "pool": ("longest", {CODE: POOL}),
    "subprocess": ("longest", {CODE: SUBPROCESS}),
    "tiny": ("longest", {CODE: START.replace("max(words(30_000))", "max(words(30_010))")}),
}
OF_MEMORY = {"pool", "subprocess", "tiny"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    names = {name for name, _ in CASES.values()}
    tests = {f"tests/benchmarks/test_{name}.py": TEST.format(name=name) for name in names}
    repo = TargetRepo(tmp_path_factory.mktemp("hidden") / "repo", {CODE: START, **tests})
    for case, (_, files) in CASES.items():
        repo.branch(case)
        repo.commit(files, case.title())
        repo.checkout("main")
    items = [
        item(
            case,
            benchmark=f"tests/benchmarks/test_{name}.py",
            metrics="memory" if case in OF_MEMORY else "time",
            domain="mem" if case in OF_MEMORY else "cpu",
            functions=f"textkit:{name}",
            budget=3 if case == "registry" else 0.5,
        )
        for case, (name, _) in CASES.items()
    ]
    return compare(repo, *items)


def of(comparison, metric):
    (change,) = [change for change in comparison.changes if change.metric is metric]
    return change


@pytest.mark.parametrize("case", ["cache", "property"])
def test_what_the_first_call_pays_is_said(run, case):
    comparison = run.comparison(case)
    assert comparison.verdict is Verdict.IMPROVED
    assert comparison.first_calls[0].is_cached
    assert any("only later calls" in finding for finding in comparison.needs_review)
    assert "This holds for repeated calls" in run.body(case)
    # Programs have `functools` anyway.
    assert not any("import" in finding for finding in comparison.needs_review)


def test_state_that_grows_is_said(run):
    assert any("longer and longer" in finding for finding in run.comparison("registry").needs_review)


def test_what_the_import_pays_is_said(run):
    comparison, body = run.comparison("table"), run.body("table")
    assert comparison.verdict is Verdict.IMPROVED
    kept, imported = of(comparison, MetricName.KEPT), of(comparison, MetricName.IMPORT)
    assert (kept.verdict, imported.verdict) == (Verdict.REGRESSED, Verdict.REGRESSED)
    assert not kept.primary
    assert kept.head - kept.base > 10_000_000
    findings = [finding for finding in comparison.needs_review if "import" in finding]
    assert sorted(finding.split(" ")[0] for finding in findings) == ["import", "memory"]
    assert "memory kept by import" in body.lower()


def test_calls_with_threads_run_on_all_cores(run):
    samples = run.samples("threads")
    several = len(all_cores()) > 1
    assert samples.parallel == (("tests/benchmarks/test_digests.py::test_digests",) if several else ())
    assert not any("disagree" in finding for finding in run.comparison("threads").needs_review)


@pytest.mark.parametrize("case", ["pool", "subprocess"])
def test_memory_of_child_processes_is_not_claimed(run, case):
    message = run.failure(case)
    assert "at head its call uses child processes, whose memory is not measured" in message
    assert "measure `time` instead" in message


def test_some_hundred_bytes_are_no_change(run):
    peak = of(run.comparison("tiny"), MetricName.PEAK)
    assert 0 < peak.head - peak.base < 65_536
    assert peak.verdict is Verdict.UNCHANGED
