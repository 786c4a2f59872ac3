import re

import pytest

from tasks.bench import machine

CPUINFO = {
    "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz\n": "Intel Xeon Gold 6130",
    "model name\t: AMD Ryzen 7 5800X 8-Core Processor\n": "AMD Ryzen 7 5800X 8-Core Processor",
    "processor\t: 0\nBogoMIPS\t: 108.00\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4 Model B Rev 1.2\n": "Raspberry Pi 4 Model B Rev 1.2",
    "processor\t: 0\nBogoMIPS\t: 48.00\n": "",
    "": "",
}


@pytest.mark.parametrize(("cpuinfo", "model"), CPUINFO.items())
def test_the_processors_name(cpuinfo, model):
    assert machine.model_of(cpuinfo) == model


def test_without_a_name_the_architecture_is_shown(monkeypatch):
    monkeypatch.setattr(machine, "model_of", lambda _: "")
    monkeypatch.setattr(machine.sys, "platform", "linux")
    assert machine.cpu_model() == machine.platform.machine()


def test_the_description_is_one_line():
    text = machine.platform_description("3.12.13")
    assert re.fullmatch(r"\S.* — \d+ cores?, \d+ GiB RAM, Python 3\.12\.13", text), text


@pytest.mark.parametrize(
    ("size", "gibibytes"), [(25_151_348_736, 23), (25_700_000_000, 24), (1 << 34, 16), (500 << 20, 1)]
)
def test_memory_is_rounded_to_whole_gibibytes(size, gibibytes):
    assert machine.gibibytes(size) == gibibytes


def test_the_load_is_a_number_or_unknown():
    load = machine.load()
    assert load is None or load >= 0
