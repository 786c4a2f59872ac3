"""Notes as people and coding agents write them."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tasks.init.handoff import candidates


def read(text):
    return candidates(dedent(text), "H.md")


def outcomes(text):
    return [(candidate.outcome, candidate.title, candidate.commits) for candidate in read(text)]


def test_a_table_with_columns_of_any_name_and_order():
    (first, second, third) = read("""
        ## Results

        | Verdict | Git SHA | What changed | Where | Speedup | Type | PR |
        |:-:|---|---|---|--:|---|---|
        | ✅ kept | [`a1b2c3d`](https://github.com/o/r/commit/a1b2c3d4e5f60718293a4b5c6d7e8f9012345678) | **Cache tokens** | `lex.py::Lexer.run` | 2.4x | CPU | #7 |
        | reverted | b2c3d4e | Pool buffers | `pool()` | 0.9x | memory | – |
        | WIP | – | Vectorise | | | | |
    """)
    assert (first.outcome, first.title, first.commits) == (
        "kept",
        "Cache tokens",
        ("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678",),
    )
    assert (first.functions, first.domains, first.pull_request, first.claims) == (
        ("lex.py::Lexer.run",),
        ("cpu",),
        7,
        ("speedup: 2.4x",),
    )
    assert first.source == "H.md:6"
    assert (second.outcome, second.commits, second.functions, second.domains) == (
        "discarded",
        ("b2c3d4e",),
        ("pool",),
        ("mem",),
    )
    assert (third.outcome, third.commits) == ("unfinished", ())


def test_a_table_of_measurements_has_no_optimizations():
    text = """
        ## Cumulative improvements

        | Model | Baseline | HEAD | Improvement |
        |---|---|---|---|
        | small | 2.4 ms | 2.2 ms | **-4.8%** |

        ## Kept

        | Workload | Before | After |
        |---|---|---|
        | all | 3 s | 2 s |
    """
    assert outcomes(text) == []


def test_lists_below_headings_that_state_the_outcome():
    text = """
        ## Optimizations committed (this session)

        1. **6c45a8265**: reuse staging buffers. A cache of buffers by shape takes
           the place of one for each call (~50us). All 247 tests still pass.
        2. **Share one lookup** (`97b52ad26`, #12) - three became one
        - [x] `15532bc` (`refactor: encode from one fragment`)

        ## Discarded experiments

        - **No lock in `run()`**: big regression, 9% slower.
        - ~~Rewrite in Cython~~

        ## Areas not pursued (rejected for their risk)

        - **Graphs**: would change a default.
    """
    assert outcomes(text) == [
        ("kept", "reuse staging buffers", ("6c45a8265",)),
        ("kept", "Share one lookup", ("97b52ad26",)),
        ("kept", "refactor: encode from one fragment", ("15532bc",)),
        ("discarded", "No lock in `run()`", ()),
        ("discarded", "Rewrite in Cython", ()),
        ("unfinished", "Graphs", ()),
    ]
    first, *_, lock, _, _ = read(text)
    assert first.claims == ("~50us",)
    assert first.summary == ()  # both sentences claim something
    assert lock.reason == "discarded: big regression, 9% slower."


def test_signs_of_items_take_precedence_over_the_heading():
    text = """
        ## More that was kept

        - ✅ **Fast path** (`ee13ba2c`): splits in place of matching.
        - ❌ Cache of results, which grew without bound
        - WIP: sort key without tuples
    """
    assert outcomes(text) == [
        ("kept", "Fast path", ("ee13ba2c",)),
        ("discarded", "Cache of results, which grew without bound", ()),
        ("unfinished", "sort key without tuples", ()),
    ]


def test_summaries_claim_nothing():
    (candidate,) = read("""
        ## Kept
        - `6c45a8265`: reuse buffers. Buffers are kept by their shape. It is 3x faster now. Results are bit-for-bit identical.
    """)
    assert candidate.summary == ("Buffers are kept by their shape.",)
    assert candidate.claims == ("3x",)


def test_nested_bullets_are_fields_or_optimizations_of_a_group():
    (first, second, third) = read("""
        ## Kept optimizations

        - 🧠 **Memory**
          - `a1b2c3d` Drop pages early
          - `b2c3d4e` Stream rows
        - **Lazy imports** ✅
          - Commit: `c3d4e5f`
          - Branch: `perf/imports`
          - File: src/pkg/tables.py
          - Function: `pkg.tables:to_number`
          - Import time: 120 ms -> 45 ms
    """)
    assert [(candidate.title, candidate.domains) for candidate in (first, second)] == [
        ("Drop pages early", ("mem",)),
        ("Stream rows", ("mem",)),
    ]
    assert (third.commits, third.branch, third.files) == (("c3d4e5f",), "perf/imports", ("src/pkg/tables.py",))
    assert (third.functions, third.claims) == (("pkg.tables:to_number",), ("120 ms -> 45 ms",))


def test_sections_with_labelled_lines():
    text = """
        # Optimization session

        ## Session info
        - **Branch:** codeflash/optimize

        ## Bottlenecks
        1. **Parsing:** 6.4 s (30%)

        ## Optimization results

        ### Experiment 1: Bind outputs
        **Target:** `bind()` in `core/onnx.py`
        **Result:** 3.86ms → 3.89ms (-0.9%) ⚠️ **REGRESSION**
        **Analysis:** The transfer was overlapped already.

        ### Experiment 2: Pin memory
        **Commit:** a09fdff65
        **Change:** Pages are pinned before they are sent.
        - Before: 3.86ms
        **Result:** ✓ **MARGINAL GAIN**

        ### Reuse the buffer ✅ KEPT

        ```python
        a = 1234567
        ```

        ## Next steps
        1. ✓ Measure `abc1234` again
    """
    first, second, third = read(text)
    assert (first.outcome, first.title, first.functions, first.files) == (
        "discarded",
        "Bind outputs",
        ("bind",),
        ("core/onnx.py",),
    )
    assert first.reason == "regression: The transfer was overlapped already."
    assert (second.outcome, second.title, second.commits) == ("kept", "Pin memory", ("a09fdff65",))
    assert (third.outcome, third.title, third.commits) == ("kept", "Reuse the buffer", ())


def test_prose_and_a_pasted_log():
    text = """
        ## What was done

        We kept two. `bb22cc3` reuses one buffer in `encode()`. `cc33dd4` skips ASCII text, 2.1x faster. Baseline was dd44ee5.

        ```
        ee55ff6 perf: bisect instead of a scan
        0a1b2c3 (HEAD -> perf/x) perf: slots on Token
        ```
    """
    assert outcomes(text) == [
        ("kept", "reuses one buffer in `encode()`", ("bb22cc3",)),
        ("kept", "skips ASCII text", ("cc33dd4",)),
        ("kept", "perf: bisect instead of a scan", ("ee55ff6",)),
        ("kept", "perf: slots on Token", ("0a1b2c3",)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\ntitle: x\nstatus: kept\n",
        "> " * 3000 + "x",
        "- " * 2000 + "abc1234",
        "[" * 5000,
        "|" * 3000 + "\n|-|\n",
        "`" * 3001,
        "## Kept\n\n- \n- **\n- `\n\n| a |\n|---|\n\n<table><tr><td>abc1234f</td></tr></table>\n",
        "\ufffd\x01\x1b[31m## Kept",
    ],
)
def test_broken_markdown(text):
    assert all(candidate.commits for candidate in candidates(text, "H.md"))


@pytest.mark.parametrize(
    "sentence",
    [
        "Calls went down from 1203 to 411.", "Score 2.14→1.83.", "Score 2.14 before, 1.83 afterwards.",
        "It is now 1203 instead of 411.", "About twice as quick as it was.", "A thousand times fewer copies.",
        "All tests pass with it.", "From 12 ms to 3 ms.", "Co-authored-by: X <x@example.org>", "-------------------",
        "The number is 42 now.",
    ],
)  # fmt: skip
def test_no_figure_or_claim_of_notes_becomes_a_summary(sentence):
    (candidate,) = candidates(
        f"## Kept\n\n- **Join once** (`a1b2c3d`): Parts are joined by one call. {sentence}\n", "notes.md"
    )
    assert candidate.summary == ("Parts are joined by one call.",)


@pytest.mark.parametrize(
    "title", ["Join once: 1203 → 411 calls", "Join once (score 2.14→1.83)", "Join once, 1e3x", "Join once by 40%"]
)
def test_no_figure_of_notes_becomes_a_title(title):
    (candidate,) = candidates(f"## Kept\n\n- **{title}** (`a1b2c3d`)\n", "notes.md")
    assert candidate.title == "Join once"


@pytest.mark.parametrize("name", ["Baseline", "Original code", "Baseline (no changes)"])
def test_a_baseline_in_notes_is_no_optimization(name):
    assert candidates(f"## Kept\n\n- **{name}** (`a1b2c3d`): as it was\n", "notes.md") == ()


def test_an_optimization_may_be_compared_with_the_baseline():
    text = "## Kept\n\n- **Join once** (`a1b2c3d`)\n  - Summary: Baseline: 3 s, now 1 s.\n"
    assert [candidate.title for candidate in candidates(text, "notes.md")] == ["Join once"]
