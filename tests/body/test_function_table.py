"""The table of a test's functions: few rows, none without time in it, no empty columns."""

from __future__ import annotations

from types import SimpleNamespace

from tasks.artifacts import FunctionShare, Share
from tasks.body.views import MOST_FUNCTIONS, FunctionTable
from tasks.text import figures
from tasks.text.templating import fill

FILTERS = {"code": lambda text: f"`{text}`", "count": figures.count, "rough_seconds": figures.rough_seconds}


def share(name, base, head, *, changed=False, samples=912):
    """Return a function with its calls and share on the two sides, None for a side that does not reach it."""
    sides = (side and Share(calls=side[0], share=side[1], own=side[1]) for side in (base, head))
    return FunctionShare(
        test="t",
        function=f"p:{name}",
        path="p.py",
        changed=changed,
        samples=samples,
        base=next(sides),
        head=next(sides),
    )


def text_of(functions, *, timed=True, compiled=()):
    time = SimpleNamespace(base=0.02, head=0.01) if timed else None
    test = SimpleNamespace(function_table=FunctionTable.of(functions, compiled), time=time)
    return fill("compare-functions.md.j2", {"test": test}, filters=FILTERS)


WORK = share("work", (1, 1.0), (1, 0.5), changed=True)
GONE = share("gone", (1200, 0.75), None)


def test_the_table():
    assert text_of([WORK, GONE]) == (
        "Time in functions of the project:\n\n"
        "| Function | Calls | Base share | Head share | Base | Head |\n|:---|---:|---:|---:|---:|---:|\n"
        "| `p:work` (changed) | 1 | 100 % | 50 % | 20.0 ms | 5.0 ms |\n"
        "| `p:gone` | 1,200 → – | 75 % | – | 15.0 ms | – |\n\n"
        "A share includes what the function calls, and the times are shares of the time per call. Calls are those of "
        "one call of the benchmark. The shares were sampled in runs of their own, at least 912 samples on each "
        "side.\n\n"
    )


def test_functions_with_next_to_no_time_have_no_row():
    small = [share(f"small{number}", (1, 0.0), (1, 0.0099), changed=True) for number in range(60)]
    text = text_of([WORK, *small, GONE, share("little", (1, 0.004), None)])
    assert [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")] == ["p:work", "p:gone"]
    assert "Changed functions that are not in the table: `p:small0`, `p:small1`, `p:small2` and 57 more." in text
    assert text_of(small) == text_of([]) == ""


def test_a_table_has_few_rows():
    large = [share(f"large{number}", (1, 0.5), (1, 0.5)) for number in range(60)]
    assert FunctionTable.of(large).rows == tuple(large[:MOST_FUNCTIONS])
    assert "not in the table" not in text_of(large)


def test_shares_and_times_have_the_digits_that_their_samples_show():
    rows = [WORK, share("part", (1, 0.3), (1, 0.012))]
    few, many = (text_of([each.model_copy(update={"samples": samples}) for each in rows]) for samples in (83, 20_000))
    assert "| `p:part` | 1 | 30 % | 1 % | 6.0 ms | 100 μs |" in few
    assert "| `p:part` | 1 | 30.0 % | 1.2 % | 6.00 ms | 120 μs |" in many


def test_no_column_is_empty():
    only_head = text_of([share("new", None, (3, 0.9), changed=True)])
    assert (
        "| Function | Calls | Head share | Head |\n|:---|---:|---:|---:|\n| `p:new` (changed) | – → 3 | 90 % |"
        in only_head
    )
    untimed = text_of([WORK], timed=False)
    assert "| Function | Calls | Base share | Head share |\n|:---|---:|---:|---:|\n" in untimed
    scarce = text_of([each.model_copy(update={"samples": 3}) for each in (WORK, GONE)])
    assert "| Function | Calls |\n|:---|---:|\n| `p:work` (changed) | 1 |\n| `p:gone` | 1,200 → – |\n\n" in scarce
    assert "There were too few samples to show shares of the time." in scarce


def test_what_is_compiled_is_not_visible():
    text = text_of([GONE], compiled=("p:gone",))
    assert "| `p:gone` | 1,200 → not visible | 75 % | 15.0 ms |" in text
    both = text_of([WORK, GONE], compiled=("p:gone",))
    assert "| `p:gone` | 1,200 → not visible | 75 % | not visible | 15.0 ms | not visible |" in both
