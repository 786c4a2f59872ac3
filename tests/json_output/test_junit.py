"""`prprep status --junit FILE`, as CI systems read it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from junitparser import JUnitXml

from benchmarks.fresh_items import make_fresh
from tasks.artifacts import Comparison, Failure, MetricName, Scaffolding, Verdict
from tasks.cli import PrprepMain
from tests.json_output.test_document import paths_of, rewrite

pytestmark = pytest.mark.slow

IDS = tuple(f"item_0000{number}" for number in range(6))
READY, STALE, BLOCKED, WAITING, MIXED, _ = IDS


def measured(folder):
    """Write one item with a test for every verdict, and a name that is no XML."""
    path = paths_of(folder, MIXED).compare
    (time,) = Comparison.read(path).changes
    memory = time.model_copy(update={"metric": MetricName.PEAK, "unit": "B", "primary": False})
    changes = (
        time.model_copy(update={"test": "test_better"}),
        memory.model_copy(update={"test": "test_better", "verdict": Verdict.UNCHANGED}),
        time.model_copy(update={"test": "test_<worse>\x1b[31m & more", "verdict": Verdict.UNCHANGED}),
        memory.model_copy(update={"test": "test_<worse>\x1b[31m & more", "verdict": Verdict.REGRESSED}),
        time.model_copy(update={"test": "test_unclear", "verdict": Verdict.INCONCLUSIVE}),
        time.model_copy(update={"test": "test_control", "verdict": Verdict.REGRESSED, "control_row": True}),
    )
    rewrite(Comparison, path, changes=changes, unmeasured=("test_interrupted",))


@pytest.fixture(scope="module")
def suites(tmp_path_factory):
    folder = tmp_path_factory.mktemp("junit")
    make_fresh(folder, len(IDS))
    measured(folder)
    Failure(item=BLOCKED, stage="measure", message="it <failed>\n  fix it").write(paths_of(folder, BLOCKED).failure)
    rewrite(Scaffolding, paths_of(folder, WAITING).scaffold, needs="fill in the arguments at a.py:16")
    manifest = folder / "prprep.yaml"
    manifest.write_text(manifest.read_text().replace(f"{STALE}\n", f"{STALE}\n    negligible: 0.2\n"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert PrprepMain().run(["status", "--junit", "out/prprep.xml"]) == 0
    assert [suite.name for suite in JUnitXml.fromfile(str(folder / "out/prprep.xml"))] == [*IDS]
    whole = ET.parse(folder / "out/prprep.xml").getroot()
    assert (whole.tag, whole.get("tests"), whole.get("failures"), whole.get("errors")) == ("testsuites", "16", "1", "1")
    return {suite.get("name"): list(suite) for suite in whole}


def result(case):
    """Return what the case ended with, its type and its message."""
    (ended,) = [each for each in case if each.tag != "properties"] or [None]
    return () if ended is None else (ended.tag, ended.get("type"), ended.get("message"))


@pytest.mark.slow
def test_every_item_is_a_suite(suites):
    assert tuple(suites) == IDS
    cases = {item_id: cases[0] for item_id, cases in suites.items()}
    assert {case.get("classname") for case in cases.values()} == set(IDS)
    assert cases[READY].get("name") == "Sum without a list, number 0"
    assert result(cases[READY]) == ()
    assert result(cases[STALE]) == ("skipped", "stale", "compare, verify, render will run again")
    assert result(cases[BLOCKED]) == ("error", "blocked", "measure: it <failed>; fix it")
    assert cases[BLOCKED].find("error").text == "it <failed>\n  fix it"
    assert result(cases[WAITING]) == ("skipped", "needs review", "fill in the arguments at a.py:16")


def test_every_test_is_a_case(suites):
    cases = {case.get("name"): result(case) for case in suites[MIXED][1:]}
    assert list(cases) == [
        "test_better", "test_<worse> & more", "test_unclear", "test_control", "test_interrupted"
    ]  # fmt: skip
    assert cases["test_better"] == ()
    assert cases["test_<worse> & more"][:2] == ("failure", "regressed")
    assert cases["test_unclear"][:2] == ("skipped", "inconclusive")
    assert cases["test_control"][:2] == ("skipped", "control row")
    assert cases["test_interrupted"][:2] == ("skipped", "not measured")
    assert result(suites[STALE][1])[:2] == ("skipped", "stale")


def test_the_figures_are_properties(suites):
    of_item, of_test = (
        {each.get("name"): each.get("value") for each in case.find("properties")} for case in suites[READY]
    )
    assert (of_item["state"], of_item["headline"], len(of_item["head"])) == ("ready", "time −49.7 %", 40)
    assert [of_test[f"time {name}"] for name in ("base", "head", "ratio", "low", "high", "unit", "verdict")] == [
        "0.002016", "0.001013", "0.5025", "0.4975", "0.5078", "s", "improved"
    ]  # fmt: skip
