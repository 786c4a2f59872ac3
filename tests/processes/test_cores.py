"""Which cores processes run on."""

from __future__ import annotations

import pytest

from tasks.processes import cores

pytestmark = pytest.mark.skipif(not cores.all_cores(), reason="processes cannot be bound to cores here")


@pytest.mark.parametrize(
    ("isolated", "used"),
    [("", -1), ("0\n", 0), ("0,900-901\n", 0), ("900\n", -1), ("nothing\n", -1)],
    ids=["none", "one", "ranges", "not ours", "no numbers"],
)
def test_a_core_that_the_system_isolated_is_preferred(tmp_path, monkeypatch, isolated, used):
    first = cores.all_cores()[0]
    monkeypatch.setattr(cores, "ISOLATED", tmp_path / "isolated")
    cores.ISOLATED.write_text(isolated.replace("0", str(first), 1) if isolated.startswith("0") else isolated)
    before = cores.all_cores()
    assert cores.one_core() == (cores.all_cores()[used],)
    assert cores.all_cores() == before
    assert set(cores.other_cores()) == set(before) - set(cores.one_core())
