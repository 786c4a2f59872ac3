"""A repository after an optimization effort: a dozen commits on one branch, and notes about them in three styles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.support.projects import FLIT
from tests.support.targets import TargetRepo

PYPROJECT = f"""
{FLIT}
[project]
name = "textkit"
version = "1"
description = "Texts"

[tool.codeflash]
module-root = "textkit"
tests-root = "tests"
benchmarks-root = "tests/benchmarks"
"""

MODULES = {
    "scan": "def find_all(text, word):\n    found = []\n    for start in range(len(text)):\n        if text[start:].startswith(word):\n            found = found + [start]\n    return found\n",
    "rows": "def read_rows(lines):\n    rows = [line.split(',') for line in lines]\n    return [row for row in rows if row[0]]\n",
    "pages": "class Pages:\n    def extract(self, pages):\n        kept = [page for page in pages]\n        return [len(page) for page in kept]\n",
    "tables": "import decimal\n\n\ndef to_number(text):\n    return decimal.Decimal(text)\n",
    "words": "def count(words):\n    counts = []\n    for word in set(words):\n        counts.append((word, list(words).count(word)))\n    return dict(counts)\n",
    "encode": "def encode(parts):\n    out = ''\n    for part in parts:\n        out = out + part\n    return out\n",
    "merge": "def merge(first, second):\n    return sorted(list(first) + list(second))\n",
    "tokens": "class Token:\n    def __init__(self, text):\n        self.text = text\n",
    "unique": "def unique(items):\n    seen = []\n    for item in items:\n        if item not in seen:\n            seen.append(item)\n    return seen\n",
    "totals": "def total(size):\n    lists = [list(range(size)) for _ in range(20)]\n    return sum(lists[0])\n",
    "score": "def score(values):\n    return sum([value * value for value in values])\n",
    "clean": "import re\n\n\ndef clean(text):\n    return re.compile('[^a-z]+').sub(' ', text)\n",
}
"""Twelve slow functions, one in each module."""

BENCHMARK = """
from textkit.pages import Pages


def test_benchmark_extract(benchmark):
    assert benchmark(Pages().extract, ["ab"] * 20_000) == [2] * 20_000
"""

FASTER = {
    "scan": "def find_all(text, word):\n    return [start for start in range(len(text)) if text.startswith(word, start)]\n",
    "rows": "def read_rows(lines):\n    for line in lines:\n        row = line.split(',')\n        if row[0]:\n            yield row\n",
    "pages": "class Pages:\n    def extract(self, pages):\n        return [len(page) for page in pages]\n",
    "tables": "def to_number(text):\n    import decimal\n\n    return decimal.Decimal(text)\n",
    "words": "from collections import Counter\n\n\ndef count(words):\n    return dict(Counter(words))\n",
    "encode": "def encode(parts):\n    return ''.join(parts)\n",
    "merge": "import heapq\n\n\ndef merge(first, second):\n    return list(heapq.merge(first, second))\n",
    "tokens": "class Token:\n    __slots__ = ('text',)\n\n    def __init__(self, text):\n        self.text = text\n",
    "unique": "def unique(items):\n    return list(dict.fromkeys(items))\n",
    "totals": "def total(size):\n    return sum(range(size))\n",
    "score": "def score(values):\n    return sum(value * value for value in values)\n",
    "clean": "import re\n\n_OTHER = re.compile('[^a-z]+')\n\n\ndef clean(text):\n    return _OTHER.sub(' ', text)\n",
}

TITLES = {
    "scan": "perf: search in place",
    "rows": "Yield rows one by one",
    "pages": "Do not keep pages",
    "tables": "Import decimal where it is used",
    "words": "Count words by a Counter",
    "encode": "Join parts once",
    "merge": "Merge sorted lists without sorting",
    "tokens": "perf(tokens): slots for Token",
    "unique": "Unique items by a dict",
    "totals": "Sum without lists",
    "score": "Score without a list",
    "clean": "Compile the pattern once",
}


@dataclass(frozen=True)
class Effort:
    repo: TargetRepo
    shas: dict[str, str]
    """The commits by the name of the module that each makes faster."""

    def short(self, name: str) -> str:
        return self.shas[name][:9]


def effort(folder: Path, branch: str = "codeflash/optimize") -> Effort:
    """Create the repository, with `branch` checked out."""
    start = {"pyproject.toml": PYPROJECT, "textkit/__init__.py": "", ".gitignore": ".codeflash/\n.prprep/\n"}
    start["tests/benchmarks/test_benchmark_extract.py"] = BENCHMARK
    repo = TargetRepo(folder / "textkit", {**start, **{f"textkit/{name}.py": code for name, code in MODULES.items()}})
    repo.branch(branch)
    shas = {name: repo.commit({f"textkit/{name}.py": FASTER[name]}, TITLES[name]) for name in MODULES}
    return Effort(repo, shas)


def notes(effort: Effort) -> str:
    """Return notes on twelve optimizations in a table, a list, sections and prose; eight were kept."""
    link = f"https://github.com/ada/textkit/commit/{effort.shas['rows']}"
    return dedent(f"""\
        # Optimization handoff 🚀

        Branch: `codeflash/optimize`. Baseline measured at `{effort.repo.git("rev-parse", "--short=9", "main")}`.

        | Workload | Before | After |
        |---|---|---|
        | whole run | 12.1 s | 4.0 s |

        ## ✅ Kept optimizations

        | # | Optimization | File(s) | Function | Commit | Domain | Before → After | PR |
        |---|---|---|---|---|---|---|---|
        | 1 | Search without copies (**-42%**) | `textkit/scan.py` | `find_all()` | `{effort.short("scan")}` | cpu | 12.1 ms → 7.0 ms | – |
        | 2 | Stream rows | `textkit/rows.py` | `textkit.rows.read_rows` | [`{effort.short("rows")}`]({link}) | mem | 310 MiB → 22 MiB | #41 |
        | 3 | Count by a Counter | `textkit/words.py` | `count` | {effort.short("words")} | cpu | 3.4x | |
        | 4 | Use `array.array` for sums ❌ | `textkit/totals.py` | `total` | - | cpu | slower on small input | |

        ### Memory

        - **Drop pages early** (`{effort.short("pages")}`): release each page before the next. Peak 512 MiB → 90 MiB.
          - Function: `textkit/pages.py::Pages.extract`
          - Status: kept
        - **Slots for tokens** — `{effort.short("tokens")}`
          - Before: 104 bytes
          - After: 48 bytes

        ### Imports

        1. `{effort.short("tables")}` Import decimal lazily in `to_number`
        2. [ ] Import everything lazily – in progress on `perf/lazy`

        ## Experiments

        ### Experiment 7: Join once
        **Commit:** {effort.short("encode")}
        **Target:** `encode()` in `textkit/encode.py`
        **Change:** Parts are joined by one call instead of being added one by one.
        **Result:** 8.1ms → 0.2ms (40x) ✓ **KEPT**

        ### Experiment 8: Merge by heapq
        **Target:** `merge()`
        **Result:** 2.0 ms → 2.9 ms ⚠️ **REGRESSION**
        **Analysis:** Sorting two sorted runs is what Timsort is good at.

        ## Discarded experiments

        - Thread pool for `score()`: no gain, the lock is held all the time.

        ## What was done last

        Committed as `{effort.short("unique")}`: `unique` keeps its items in a dict. It keeps their order.

        ## Next steps

        1. ✓ Try `{effort.short("score")}` on larger input
        """)
