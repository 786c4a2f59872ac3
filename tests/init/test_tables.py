"""Files of results as experiment loops write them."""

from __future__ import annotations

import pytest

from tasks.init.tables import candidates_of_results

LOOP = (
    "experiment\tstatus\tpattern\ttarget\tbefore\tafter\timprovement\ttimestamp\tcommit\n"
    "baseline\tbaseline\t-\tinfer()\t3.9ms\t-\t-\t2026-04-21\t-\n"
    "exp001\tdiscard\tgpu-binding\tbind\t3.9ms\t3.9ms\t-0.9%\t2026-04-21\t-\n"
    'exp002\tkeep\tpinned "memory\tpreproc_image\t3.9ms\t3.8ms\t+0.3%\t2026-04-21\ta09fdff65\n'
    "final\tmeasurement\t-\tinfer()\t3.9ms\t3.8ms\t+8%\t2026-04-21\ta09fdff65\n"
)


def test_one_row_per_experiment_without_baselines_and_measurements():
    first, second = candidates_of_results(LOOP, "results.tsv")
    assert (first.outcome, first.title, first.commits, first.source) == (
        "discarded",
        "gpu-binding",
        (),
        "results.tsv:3",
    )
    assert (second.outcome, second.title, second.commits) == ("kept", 'pinned "memory', ("a09fdff65",))
    assert (second.functions, second.claims) == (
        ("preproc_image",),
        ("before: 3.9ms", "after: 3.8ms", "improvement: +0.3%"),
    )


@pytest.mark.parametrize(
    "row",
    [
        "a1b2c3d\t0.997\tkeep\tbaseline", "a1b2c3d\t0.997\tkeep\tBaseline run, nothing changed",
        "a1b2c3d\t0.997\tkeep\tunmodified baseline", "a1b2c3d\t0.997\tkeep\testablish baseline",
        "a1b2c3d\t0.997\tkept\tOriginal code", "a1b2c3d\t0.997\tkeep\tinitial state (baseline)",
        "a1b2c3d\t0.997\tkeep\t**Baseline**", "a1b2c3d\t0.997\tkeep\tno changes", "a1b2c3d\t0.997\tkeep\tTotal of all",
        "a1b2c3d\t0.997\tkeep\treference run", "a1b2c3d\t0.997\tbaseline\tmain as it is",
    ],
)  # fmt: skip
def test_rows_that_only_measure_are_no_optimizations(row):
    assert candidates_of_results(f"commit\tmetric\tstatus\tdescription\n{row}\n", "results.tsv") == ()
    assert candidates_of_results(f"{row}\n", "results.tsv") == ()


def test_an_experiment_called_baseline_is_none_whatever_else_its_row_has():
    header = "experiment\tcommit\tstatus\tdescription\n"
    assert candidates_of_results(f"{header}baseline\ta1b2c3d\tkeep\tas it was\n", "results.tsv") == ()
    assert (
        candidates_of_results(f"{header}exp1\ta1b2c3d\tkeep\tCache tokens\n", "results.tsv")[0].title == "Cache tokens"
    )


@pytest.mark.parametrize(
    "title",
    [
        "Reference counting instead of copies",
        "Control flow without exceptions",
        "Skip the copy, unlike the baseline",
        "First pass only",
        "Cumulative sums in one pass",
        "Total order without sorting",
        "Baseline grids are cached",
    ],
)
def test_titles_with_such_words_stay(title):
    (candidate,) = candidates_of_results(f"commit\tstatus\tdescription\na1b2c3d\tkeep\t{title}\n", "results.tsv")
    assert candidate.title == title


def test_commas_quotes_and_too_many_cells():
    text = 'commit,metric,status,description\na1b2c3d,0.99,keep,"Cache, then reuse"\nb2c3d4e,1.01,crash,double width, out of memory\n'
    first, second = candidates_of_results(text, "results.csv")
    assert (first.title, first.outcome) == ("Cache, then reuse", "kept")
    assert (second.title, second.outcome) == ("double width, out of memory", "discarded")


def test_rows_without_a_header():
    (candidate,) = candidates_of_results("a1b2c3d\t0.99\tkeep\tCache tokens\n", "results.tsv")
    assert (candidate.commits, candidate.title, candidate.outcome) == (("a1b2c3d",), "Cache tokens", "kept")


def test_other_tables_and_broken_files_yield_nothing():
    for text in ("", "name,age\nAda,36\n", "\x00\n", '"', "commit\n", "a,b\n" * 3, '"' + "x" * 200_000 + ",y\n"):
        assert candidates_of_results(text, "data.csv") == ()
