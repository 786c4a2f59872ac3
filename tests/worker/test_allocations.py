"""Allocations of models and the network during a call, measured with the real memray."""

from __future__ import annotations

import asyncio
import sys
import types

import pytest

from tasks.bench.workers.workers import WORKER_FOLDER

sys.path.append(str(WORKER_FOLDER))
from prprep_worker.memory.allocations import Allocations

MEBIBYTE = 1 << 20


class Base:
    def inherited(self):
        return bytearray(4 * MEBIBYTE)


class Model(Base):
    def predict(self, image):
        _buffer = bytearray(3 * MEBIBYTE)
        return [image]

    async def aread(self):
        _buffer = bytearray(2 * MEBIBYTE)
        await asyncio.sleep(0)
        return self.predict(1)

    @staticmethod
    def load():
        return bytearray(5 * MEBIBYTE)

    def broken(self):
        _buffer = bytearray(MEBIBYTE)
        raise ValueError("as it is")


def measured(tmp_path, wanted, values, call):
    allocations = Allocations(wanted, str(tmp_path / "profile.bin"))
    allocations.start(values)
    try:
        call()
    finally:
        allocations.stop()
    return {name: round(peak / MEBIBYTE) for name, peak in allocations.peaks.items()}


@pytest.mark.parametrize(
    ("method", "mebibytes"),
    [("predict", 3), ("inherited", 4), ("load", 5)],
)
def test_the_peak_of_a_method_is_measured(tmp_path, method, mebibytes):
    model = Model()
    words = ["image"] if method == "predict" else []
    assert measured(tmp_path, [["model", method]], {"model": model}, lambda: getattr(model, method)(*words)) == {
        f"model:{method}": mebibytes
    }


def test_a_coroutine_is_tracked_to_its_end_with_its_inner_calls(tmp_path):
    model = Model()
    wanted = [["model", "aread"], ["model", "predict"]]
    assert measured(tmp_path, wanted, {"model": model}, lambda: asyncio.run(model.aread())) == {"model:aread": 5}


def test_a_function_is_tracked_under_the_name_in_the_project(tmp_path, monkeypatch):
    shop, requests = types.ModuleType("shop"), types.ModuleType("requests")
    requests.get = lambda: bytearray(2 * MEBIBYTE)
    shop.requests = requests
    monkeypatch.setitem(sys.modules, "shop", shop)
    original = requests.get

    def call():
        shop.requests.get()

    assert measured(tmp_path, [["", "shop.requests.get"]], {}, call) == {":shop.requests.get": 2}
    assert requests.get is original


def test_functions_are_restored_and_errors_pass_through(tmp_path):
    before = dict(vars(Model))
    with pytest.raises(ValueError, match="as it is"):
        measured(
            tmp_path,
            [["model", "broken"], ["model", "inherited"], ["model", "missing"]],
            {"model": Model()},
            Model().broken,
        )
    assert dict(vars(Model)) == before


def test_the_largest_of_a_few_calls_counts(tmp_path):
    class Growing:
        sizes = iter([1, 4, 2, 9])

        def read(self):
            return bytearray(next(self.sizes) * MEBIBYTE)

    model = Growing()
    assert measured(tmp_path, [["model", "read"]], {"model": model}, lambda: [model.read() for _ in range(4)]) == {
        "model:read": 4
    }


def test_methods_in_c_and_missing_names_are_left_alone(tmp_path):
    wanted = [["values", "append"], ["", "no_such_module.read"], ["", "json.no_such_name"]]
    assert measured(tmp_path, wanted, {"values": []}, lambda: None) == {}


def test_the_reason_is_given_without_memray(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "memray", None)
    allocations = Allocations([["model", "predict"]], str(tmp_path / "profile.bin"))
    assert "memray" in allocations.why_not
    model = Model()
    allocations.start({"model": model})
    assert model.predict(1) == [1]
    assert allocations.peaks == {}
