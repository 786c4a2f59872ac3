"""pytest-benchmark reads what we write."""

import re
import subprocess
import sys

import pytest

from tasks.artifacts import Launch, Measurement, MetricName, Provenance
from tasks.bench.time.export import write_benchmark_json

PROVENANCE = Provenance(commit="a" * 40, tree="b" * 40, python="3.12.1", environment="key", packages=(), modules=())
LAUNCH = Launch(first="base", seed=1, iterations={"base": 10, "head": 20}, base=(0.002, 0.004), head=(0.001, 0.001))
TIMES = Measurement(test="tests/test_x.py::test_work[10]", metric=MetricName.TIME, launches=(LAUNCH, LAUNCH))
PEAK = Measurement(test="tests/test_x.py::test_work[10]", metric=MetricName.PEAK, launches=(LAUNCH,))


@pytest.mark.slow
def test_pytest_benchmark_compare_reads_both_sides(tmp_path):
    for side in ("base", "head"):
        write_benchmark_json(
            tmp_path / f"{side}.json", side, [TIMES, PEAK], provenance=PROVENANCE, platform="Ada — 1 core"
        )
    command = [
        sys.executable,
        "-m",
        "pytest_benchmark",
        "compare",
        "base.json",
        "head.json",
        "--columns=min,mean,rounds,iterations",
        "--name=short",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    rows = [re.sub(r"\(.*?\)", "", line).split() for line in done.stdout.splitlines() if line.startswith("work")]
    assert [row[1:] for row in rows] == [["1.0000", "1.0000", "4", "20"], ["2.0000", "3.0000", "4", "10"]]


def test_nothing_is_written_where_no_time_was_measured(tmp_path):
    write_benchmark_json(tmp_path / "base.json", "base", [PEAK], provenance=PROVENANCE, platform="Ada — 1 core")
    assert not (tmp_path / "base.json").exists()


def test_the_same_samples_give_the_same_file(tmp_path):
    for name in ("one", "other"):
        write_benchmark_json(tmp_path / name, "base", [TIMES], provenance=PROVENANCE, platform="Ada — 1 core")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
