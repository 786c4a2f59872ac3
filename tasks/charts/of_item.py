"""All charts of an item, in the order in which a reader asks; of each kind only if there are data."""

from collections.abc import Iterator

from ..artifacts import Change, Comparison, Samples
from . import effects, functions, memory, samples
from .drawing import WIDTH, Chart, Theme, picture_of, svg_of

THEMES: tuple[Theme, Theme] = ("light", "dark")
ADDRESS = "ADDRESS"
_HOW_TO = f"""# Charts for the body

The body says everything without them. To show them, put these files where GitHub can load them from (a branch or a
page of yours), and name that folder in the manifest: `charts: https://…`. In other places, replace {ADDRESS} below.
"""


def charts_of(leading: Change, comparison: Comparison, taken: Samples) -> Iterator[tuple[str, Chart]]:
    """Yield the charts of one test with a short name of each; samples are those of its `leading` change."""
    test = leading.test
    changes = [change for change in comparison.changes if change.test == test]
    yield "effect", effects.all_metrics(changes)
    for measurement in taken.measurements:
        if (measurement.test, measurement.metric) == (test, leading.metric):
            yield "samples", samples.of_launches(measurement, leading)
    if curves := [each for each in taken.held if each.test == test]:
        yield "memory", memory.over_call(curves)
    times, shares = functions.times_of(test, changes), [share for share in taken.functions if share.test == test]
    if functions.shown_functions(shares, times):
        yield "functions", functions.before_and_after(shares, times)


def flame_graphs_of(test: str, comparison: Comparison, taken: Samples, *, width: int) -> Chart | None:
    stacks = [stack for stack in taken.stacks if stack.test == test]
    times = functions.times_of(test, comparison.changes)
    return functions.flame_graphs(stacks, times, width=width) if stacks else None


def pictures_of(leading: Change, comparison: Comparison, taken: Samples) -> dict[str, str]:
    """Return the charts of one test as files, light and dark, and how to show them in a body."""
    files, how_to = dict[str, str](), [_HOW_TO]
    for name, chart in charts_of(leading, comparison, taken):
        svg = svg_of(chart)
        files |= {f"{name}-{theme}.svg": picture_of(svg, theme) for theme in THEMES}
        dark, light = (f"{ADDRESS}/{name}-{theme}.svg" for theme in reversed(THEMES))
        how_to.append(
            f'```html\n<picture>\n<source media="(prefers-color-scheme: dark)" srcset="{dark}">\n'
            f'<img src="{light}" width="{WIDTH}" alt="{chart.title}">\n</picture>\n```\n'
        )
    return {**files, "README.md": "\n".join(how_to)}
