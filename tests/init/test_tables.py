"""Files of results as experiment loops write them."""

from __future__ import annotations

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
