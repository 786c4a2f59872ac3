"""The entry point of plain `doit` in a checkout: the bundled example, then the graph of prprep.yaml."""

from functools import partial
from pathlib import Path

from examples.build import build, needs
from tasks.graph.loader import Graph

HERE = Path(__file__).parent
EXAMPLE = HERE / "examples" / "repository"

graph = Graph(HERE / "prprep.yaml", before=("example",))
DOIT_CONFIG = graph.config()


def task_example():
    """Build the example's git repository from its base tree and patches."""
    return graph.preparation(partial(build, EXAMPLE), inputs=needs(), product=EXAMPLE)


def task_prprep():
    """Yield the stages of every item, and the report."""
    yield from graph.tasks()
