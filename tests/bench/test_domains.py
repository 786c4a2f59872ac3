from __future__ import annotations

import subprocess
import sys

import pytest

from tasks.artifacts import DomainProposal, MetricName
from tasks.bench.domains import flags_for, metrics_for, primary_metrics, timeout_for
from tasks.stages.detect.domain import Edit, propose


@pytest.mark.parametrize(
    ("domains", "metrics"),
    [
        (("mem",), ("memory",)),
        (("cpu",), ("time",)),
        (("async",), ("time",)),
        (("struct",), ("import",)),
        (("cpu", "async"), ("time",)),
        (("mem", "cpu"), ("memory", "time")),
        (("struct", "mem", "cpu", "async"), ("import", "memory", "time")),
    ],
)
def test_metrics_follow_from_the_domains(domains, metrics):
    assert metrics_for(domains) == metrics


@pytest.mark.parametrize(
    ("metrics", "timeout", "limit", "flags"),
    [
        (("memory",), None, None, "--memory"),
        (("time",), None, 120.0, "--timeout 120"),
        (("import",), None, 120.0, "--timeout 120"),
        (("memory", "time"), None, 120.0, "--memory --timeout 120"),
        (("memory",), 30.0, 30.0, "--memory --timeout 30"),
        (("time",), 0.5, 0.5, "--timeout 1"),
    ],
)
def test_time_has_a_limit_and_memory_has_none(metrics, timeout, limit, flags):
    assert timeout_for(metrics, timeout) == limit
    assert " ".join(flags_for(metrics, timeout)) == flags
    assert flags_for(metrics, limit) == flags_for(metrics, timeout)


@pytest.mark.parametrize(
    ("domains", "metrics", "primary"),
    [
        (("mem",), ("memory",), (MetricName.PEAK,)),
        (("mem",), ("time", "memory"), (MetricName.PEAK,)),
        (("cpu",), ("memory", "time"), (MetricName.TIME,)),
        (("async",), ("time",), (MetricName.TIME,)),
        (("struct",), ("import", "time"), (MetricName.IMPORT,)),
        (("mem", "cpu"), ("memory", "time"), (MetricName.PEAK, MetricName.TIME)),
        (("mem",), ("time",), (MetricName.TIME,)),
        (("cpu",), ("memory", "import"), (MetricName.PEAK, MetricName.IMPORT)),
    ],
)
def test_a_claim_rests_on_the_metric_of_its_domain_if_measured(domains, metrics, primary):
    assert primary_metrics(domains, metrics) == primary


def proposal(base, head, *messages, name="extract", is_async=False):
    where = "the module pages" if name == "<module>" else f"pages:{name}"
    proposed = propose([Edit(name, where, base, head, is_async)], messages)
    assert proposed.given is False
    return proposed.domains, proposed.reason


def test_without_any_sign_it_is_cpu():
    assert proposal("x = 1", "x = 2") == (("cpu",), "nothing in the change points to memory, concurrency or imports")
    assert propose([], []) == DomainProposal(
        domains=("cpu",), reason="nothing in the change points to memory, concurrency or imports", given=False
    )


def test_an_async_function_is_async():
    code = "async def _(pages):\n    for page in pages:\n        {}"
    base, head = code.format("await load(page)"), "async def _(pages):\n    await gather(*map(load, pages))"
    assert proposal(base, head, is_async=True) == (
        ("async",),
        "an async function changed in pages:extract; `gather(` is added in pages:extract",
    )


def test_an_async_function_that_only_holds_less_is_mem():
    base, head = "async def _(p):\n    q = p\n    return q", "async def _(p):\n    q = p\n    del p\n    return q"
    assert proposal(base, head, "Reduce peak memory", is_async=True)[0] == ("mem",)


def test_imports_that_move_into_a_function_are_struct():
    edits = [
        Edit("<module>", "the module pages", "import numpy\nimport re", "import re"),
        Edit("f", "pages:f", "def _():\n    return 1", "def _():\n    import numpy\n    return 1"),
    ]
    assert propose(edits, []) == DomainProposal(
        domains=("struct",),
        reason="`import numpy` is removed in the module pages; `import numpy` is added in pages:f",
        given=False,
    )


def test_an_import_that_goes_beside_faster_code_is_not_struct():
    edits = [
        Edit("<module>", "the module pages", "import numpy\nimport re", "import re"),
        Edit("f", "pages:f", "def _():\n    return numpy.sum(x)", "def _():\n    return sum(x)"),
    ]
    assert propose(edits, ["Make f faster"]).domains == ("cpu",)


def test_a_module_that_imports_less_and_nothing_else_is_struct():
    assert proposal("import numpy\nx = 1", "x = 1", name="<module>") == (
        ("struct",),
        "`import numpy` is removed in the module pages; only module-level code changed",
    )
    assert proposal("import simplejson as json", "import json", name="<module>")[0] == ("cpu",), "exchanged for another"
    base, head = "import numpy", "if TYPE_CHECKING:\n    import numpy"
    assert proposal(base, head, name="<module>")[0] == ("struct",), "what only the type checker imports costs nothing"


def test_lazy_attributes_of_a_module_are_struct():
    assert proposal("", "def _(name):\n    return import_module(name)", name="__getattr__") == (
        ("struct",),
        "a module's `__getattr__` is added in pages:__getattr__",
    )
    assert proposal("def _(name):\n    return 1", "def _(name):\n    return 2", name="__getattr__")[0] == ("cpu",)


@pytest.mark.parametrize(
    ("base", "head", "reason"),
    [
        ("def _(p):\n    return p", "def _(p):\n    del p", "`del p` is added in pages:extract"),
        (
            "total([f(x) for x in y])",
            "total((f(x) for x in y))",
            "a generator replaces a list in pages:extract",
        ),
        (
            "def _(x):\n    y = []\n    for z in x:\n        y.append(z)\n    return y",
            "def _(x):\n    for z in x:\n        yield z",
            "yield replaces a list in pages:extract",
        ),
        ("image = image / 255", "image /= 255", "`image` is changed in place in pages:extract"),
        ("class _:\n    x = 1", "class _:\n    __slots__ = ('x',)", "`__slots__` is added in pages:extract"),
        (
            "@dataclass\nclass _:\n    x: int",
            "@dataclass(slots=True)\nclass _:\n    x: int",
            "`slots=` is added in pages:extract",
        ),
        ("np.add(a, b)", "np.add(a, b, out=a)", "`out=` is added in pages:extract"),
        ("np.zeros(3)", "np.zeros(3, dtype=np.float32)", "`dtype=` is added in pages:extract; `gc.`"),
        ("f()", "f()\ngc.collect()", "`gc.collect(` is added in pages:extract"),
        ("x = a.read()", "for chunk in a.chunks():\n    f(chunk)", "`chunk` is added in pages:extract"),
        ("x = bytes(y)", "x = memoryview(y)", "`memoryview(` is added in pages:extract"),
    ],
)
def test_what_speaks_for_memory(base, head, reason):
    assert proposal(base, head) == (("mem",), reason.partition("; `gc.`")[0])


@pytest.mark.parametrize(
    ("base", "head", "reason"),
    [
        ("def _():\n    ...", "@lru_cache\ndef _():\n    ...", "`lru_cache` is added in pages:extract"),
        ("class _: ...", "@functools.cache\nclass _: ...", "`cache` is added in pages:extract"),
        ("for a in b:\n    c(a)", "d(b)", "a loop is removed in pages:extract"),
        ("x = y", "x = set(y)", "`set(` is added in pages:extract"),
    ],
)
def test_what_speaks_for_time(base, head, reason):
    assert proposal(base, head) == (("cpu",), reason)


@pytest.mark.parametrize(
    ("message", "domain", "word"),
    [
        ("Cut peak memory of merging", "mem", "peak"),
        ("Fix a leak of page images", "mem", "leak"),
        ("Merge lines faster", "cpu", "faster"),
        ("Make merging O(n)", "cpu", "O(n)"),
        ("Load pages concurrently", "async", "concurrently"),
        ("Speed things up\n\nThe merge was quadratic.", "cpu", "Speed"),
        ("Unspeakable bleaks", "cpu", ""),
    ],
)
def test_words_of_commit_messages_count(message, domain, word):
    domains, reason = proposal("x = 1", "x = 2", "Start", message)
    assert domains == (domain,)
    assert reason == (
        f'"{word}" in a commit message' if word else "nothing in the change points to memory, concurrency or imports"
    )


def test_the_import_of_the_package_is_light():
    heavy = "{'numpy', 'scipy', 'git', 'jinja2', 'memray', 'rich', 'plumbum', 'doit', 'yaml'}"
    code = f"import sys, tasks.bench.domains, tasks.stages.detect; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
