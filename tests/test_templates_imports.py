"""The tables of imports and start-ups."""

from tasks.artifacts import ImportedModule, MetricName, Verdict
from tasks.body import placeholders, views
from tasks.text import markdown
from tasks.text.templating import fill
from tests.support.evidence import DETECTION, change, comparison

IMPORTS = change(MetricName.IMPORT, 0.2, 0.1, Verdict.IMPROVED, test="import pagelayout")
START = change(MetricName.START, 0.25, 0.25, Verdict.UNCHANGED, test="start pagelayout --help")
MODULES = (
    ImportedModule(name="numpy", side="base", cumulative=0.0812, own=0.0021),
    ImportedModule(name="pagelayout._lazy", side="head", cumulative=0.00031, own=0.00031),
)

IMPORT_TABLES = """\
| | Import time | Speedup | Starts |
|:---|---:|---:|---:|
| `1f3a1f3a1f3a` (base) | 200.0 ms | | 168 |
| `9c0de9c0de9c` (head) | 100.0 ms | **2.00x** | 168 |

<details>
<summary>Modules imported on one side only, slowest first</summary>

| Module | Only at | With what only that side imports | Self |
|:---|:---|---:|---:|
| `numpy` | base | 81.20 ms | 2.100 ms |
| `pagelayout._lazy` | head | 310.0 μs | 310.0 μs |

Times from `python -X importtime`: medians of three separate runs. Tracing makes imports slower.
</details>
"""

START_TABLE = """\
| | Start-up time | Speedup | Starts |
|:---|---:|---:|---:|
| `1f3a1f3a1f3a` (base) | 250.0 ms | | 168 |
| `9c0de9c0de9c` (head) | 250.0 ms | 1.00x | 168 |
"""


def shown(one, imported=MODULES):
    found = comparison((IMPORTS, START), Verdict.IMPROVED).model_copy(update={"imported": imported})
    values = {
        "detection": DETECTION,
        "comparison": found,
        "improved": True,
        "test": views.MeasuredTest(one.test, (one,)),
    }
    return (
        fill("compare-imports.md.j2", values, None, filters=placeholders.FILTERS, finish=markdown.finished).strip("\n")
        + "\n"
    )


def test_imports_with_the_modules_that_came_and_went():
    assert markdown.tidy(shown(IMPORTS)) + "\n" == IMPORT_TABLES


def test_no_modules_came_or_went():
    assert markdown.tidy(shown(IMPORTS, imported=())) + "\n" == IMPORT_TABLES.partition("\n<details>")[0]


def test_start_up():
    assert markdown.tidy(shown(START)) + "\n" == START_TABLE


def test_a_test_without_either_has_no_table():
    assert shown(change(MetricName.TIME, 0.2, 0.1, Verdict.IMPROVED)).strip() == ""
