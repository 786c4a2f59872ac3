"""Write one side's times as pytest-benchmark's own JSON, for `pytest-benchmark compare` and other readers."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...artifacts import Measurement, MetricName, Provenance, Side
from ...processes import secrets
from ...storage.files import write_whole


def write_benchmark_json(
    target: Path, side: Side, measurements: Iterable[Measurement], *, provenance: Provenance, platform: str
) -> None:
    """Write the samples of all launches; nothing if no time was measured.

    A round is a block, its value seconds per call. The file has no date: the same samples give the same bytes.
    """
    benchmarks = [_benchmark(each, side) for each in measurements if each.metric == MetricName.TIME]
    if benchmarks:
        document = {
            "machine_info": {"cpu": {"brand_raw": platform}, "python_version": provenance.python},
            "commit_info": {"id": provenance.commit, "dirty": False},
            "benchmarks": benchmarks,
            "version": "5.0.0",
        }
        write_whole(target, json.dumps(secrets.current().masked_in(document), indent=1) + "\n")


def _benchmark(measurement: Measurement, side: Side) -> dict[str, Any]:
    from pytest_benchmark.stats import Stats

    iterations = measurement.launches[0].iterations.get(side, 1)
    # The summary of pytest-benchmark itself, so that the numbers mean the same as there.
    stats: Any = Stats()  # type: ignore[no-untyped-call]
    for launch in measurement.launches:
        for seconds in launch.base if side == "base" else launch.head:
            stats.update(seconds)
    name = measurement.test.rpartition("::")[2]
    _, bracket, parameters = name.partition("[")
    return {
        "group": None,
        "name": name,
        "fullname": measurement.test,
        "params": None,
        "param": parameters.rstrip("]") if bracket else None,
        "extra_info": {},
        "options": {},
        "stats": {**stats.as_dict(), "data": stats.data, "iterations": iterations},
    }
