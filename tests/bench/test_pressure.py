"""What others take from our cores, and what doctor says about the machine."""

from __future__ import annotations

import time

import pytest

from tasks.bench import advice, pressure
from tasks.bench.pressure import Pressure
from tasks.processes import cores
from tests.support.quotas import cpu_quota

pytestmark = pytest.mark.slow


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Write files of /proc and /sys into a folder that is read instead."""
    monkeypatch.setattr(pressure, "PROC", tmp_path / "proc")
    monkeypatch.setattr(pressure, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(advice, "CPUS", tmp_path / "cpu")
    monkeypatch.setattr(cores, "ISOLATED", tmp_path / "cpu/isolated")

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")

    return write


SECOND = {
    "proc/self/cgroup": "0::/a/b",
    "cgroup/cpu.stat": "usage_usec 9",
    # As Linux 6 writes it.
    "cgroup/a/cpu.stat": (
        "usage_usec 1812345\nuser_usec 1700000\nsystem_usec 112345\ncore_sched.force_idle_usec 0\n"
        "nr_periods 12\nnr_throttled 3\nthrottled_usec 1500000\nnr_bursts 0\nburst_usec 0"
    ),
    "cgroup/a/b/cpu.stat": "throttled_usec 500000",
    "cgroup/a/cpu.max": "150000 100000",
    "cgroup/a/b/cpu.max": "max 100000",
}
FIRST = {
    "proc/self/cgroup": "5:memory:/other\n4:cpu,cpuacct:/a\n0::/",
    "cgroup/cpu/a/cpu.stat": "throttled_time 2000000000",
    "cgroup/cpu/a/cpu.cfs_quota_us": "150000",
    "cgroup/cpu/a/cpu.cfs_period_us": "100000",
    "cgroup/cpu/cpu.cfs_quota_us": "-1",
    "cgroup/cpu/cpu.cfs_period_us": "100000",
}


@pytest.mark.parametrize("files", [SECOND, FIRST], ids=["second", "first"])
def test_quotas_of_both_versions_of_control_groups(system, files):
    system(files)
    assert Pressure.now().throttled == 2.0
    assert pressure.quota() == 1.5
    (quota,) = [each for each in advice.of_machine() if "quota" in each.what]
    assert "1.5 cores" in quota.what


def test_a_quota_of_this_machine_is_seen():
    with cpu_quota(0.1):
        before, ends = Pressure.now(), time.monotonic() + 0.5
        while time.monotonic() < ends:
            pass
        assert pressure.quota() == 0.1
        assert 0.05 < Pressure.now().throttled - before.throttled < 0.6


def test_without_control_groups_there_is_no_quota(system):
    system({})
    assert (Pressure.now().throttled, pressure.quota()) == (0, None)


def test_the_share_that_a_hypervisor_took():
    before, after = Pressure(100.0, 1.0, 0.0), Pressure(110.0, 3.0, 0.0)
    assert after.stolen_since(before) == pytest.approx(0.2)
    assert before.stolen_since(before) == 0
    now = Pressure.now()
    assert 0 <= now.stolen <= now.all


def test_the_share_of_a_short_look_is_not_that_of_a_second(monkeypatch):
    """As psutil's percentages are."""
    readings = iter([(8.0, 5.0), (8.4, 5.3)])
    monkeypatch.setattr(pressure, "_core_seconds", lambda: next(readings))
    monkeypatch.setattr(pressure, "_seconds_of", lambda _: 0.0)
    assert pressure.busy_share(0.001) == pytest.approx(0.25)


@pytest.mark.skipif(not cores.all_cores(), reason="processes cannot be bound to cores here")
def test_doctor_says_what_makes_a_machine_noisy(system):
    (core,) = cores.one_core()
    usual = {each.what for each in advice.of_machine()}
    files = {
        f"cpu/cpu{core}/cpufreq/scaling_governor": "powersave",
        f"cpu/cpu{core}/topology/thread_siblings_list": f"{core},{core + 1}",
        "cpu/intel_pstate/no_turbo": "0",
        "cpu/isolated": str(core),
    }
    system(files)
    said = [each for each in advice.of_machine() if each.what not in usual]
    assert [word for each in said for word in ("governor", "turbo", "shares", "isolated") if word in each.what] == [
        *("governor", "turbo", "shares", "isolated")
    ]
    assert [bool(each.fix) for each in said] == [True, True, True, False]
    system({name: {"powersave": "performance", "0": "1"}.get(text, str(core)) for name, text in files.items()})
    assert [each for each in advice.of_machine() if each.fix and each.what not in usual] == []
