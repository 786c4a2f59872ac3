"""Import time in fresh interpreters."""

import random
from dataclasses import replace
from statistics import median

import pytest

from tasks.artifacts import MetricName
from tasks.bench.imports import imports, interpreters
from tasks.errors import MeasuringError, ProvenanceError
from tests.support.pairs import both, pair

pytestmark = pytest.mark.slow

SLOW = "import time\n\ntime.sleep(0.03)\nprint('to standard output')\n"
INIT = "src/project/__init__.py"


def request_for(folder, **settings):
    return pair(folder, **{"metrics": ("import",), "modules": ("project",), "budget": 60.0, **settings})


def timed(request, lines=None):
    return imports.measure_imports(request, random.Random(request.seed), (lines if lines is not None else []).append)


def failure(request):
    with pytest.raises(MeasuringError) as raised:
        timed(request)
    return raised.value


def compiled(folder):
    return sorted(path.relative_to(folder).parts[0] for path in folder.rglob("src/project/__pycache__/__init__*.pyc"))


@pytest.fixture
def once(monkeypatch):
    monkeypatch.setattr(imports, "LOOKS", (1,))


def test_a_slower_import_is_seen(tmp_path, once):
    lines = []
    result = timed(request_for(tmp_path, base={INIT: SLOW}), lines)
    cpu = result.measurements[1]
    assert (cpu.test, cpu.metric, cpu.looks) == ("import project", MetricName.CPU, (1,))
    assert max(cpu.launches[0].base) < 0.03
    (launch,) = result.measurements[0].launches
    assert (result.measurements[0].test, result.measurements[0].metric) == ("import project", MetricName.IMPORT)
    assert len(launch.base) == len(launch.head) == 2
    assert not launch.control
    assert median(launch.base) >= 0.03 > median(launch.head)
    assert [module.path for module in result.modules["head"]] == [INIT]
    assert lines == ["import: launch 1 of at most 1", "import: tracing what is imported"]


def test_modules_that_only_one_side_loads(tmp_path, once):
    heavy = "import time\ntime.sleep(0.02)\ntry:\n    import there_is_none\nexcept ImportError:\n    pass\n"
    base = {INIT: "from . import heavy\nimport sched\n", "src/project/heavy.py": heavy}
    result = timed(request_for(tmp_path, base=base, head={INIT: "import queue\n"}))
    sides = {module.name: module.side for module in result.imported}
    assert {name: side for name, side in sides.items() if name in {"project.heavy", "sched", "queue"}} == {
        "project.heavy": "base",
        "sched": "base",
        "queue": "head",
    }
    assert not {"project", "there_is_none", "json"} & sides.keys()
    first = result.imported[0]
    assert first.name == "project.heavy"
    assert first.cumulative >= first.own >= 0.02
    assert result.notes[0].startswith("Importing `project` loads ")


def test_interpreters_run_in_a_palindrome_with_one_seed_and_layout(tmp_path, once, monkeypatch):
    order = []
    original = imports.import_once

    def spy(request, role, settings, **more):
        order.append((role, settings.seed, settings.layout))
        return original(request, role, settings, **more)

    monkeypatch.setattr(imports, "import_once", spy)
    request = request_for(tmp_path, controlled=True)
    measurement, _ = timed(request).measurements
    (launch,) = measurement.launches
    quad = order[3:9]
    assert [role for role, *_ in order[:3]] == ["base", "head", "control"]
    assert sorted(role for role, *_ in quad[:3]) == ["base", "control", "head"]
    assert quad == quad[::-1]
    assert {seed for _, seed, _ in quad} == {launch.seed}
    assert len({layout for *_, layout in quad}) == 1
    assert quad[0][1:] != order[0][1:]
    assert launch.first == next(role for role, *_ in quad if role != "control")
    assert len(launch.control) == 2


def test_interpreters_of_a_launch_have_the_same_addresses(tmp_path):
    code = "import ctypes, sys\nraise SystemExit(f'{id(sys)} {id(object)} {ctypes.addressof(ctypes.c_int.in_dll(ctypes.pythonapi, \"Py_OptimizeFlag\"))}')\n"
    request, rng = request_for(tmp_path, **both({INIT: code})), random.Random(7)
    if not (settings := interpreters.draw_settings(rng, None)).layout:
        pytest.skip("this system does not let a process choose its layout")

    def addresses(settings):
        with pytest.raises(MeasuringError) as raised:
            imports.import_once(request, "base", settings)
        return raised.value.what.splitlines()[0]

    assert len({addresses(settings) for _ in range(3)}) == 1
    assert len({addresses(replace(settings, layout=None)) for _ in range(3)}) > 1


# -- compiled files -------------------------------------------------------------------------------


def test_compiled_files_exist_before_the_first_sample(tmp_path):
    request = request_for(tmp_path, controlled=True)
    assert not compiled(tmp_path)
    imports._prepare(request, interpreters.draw_settings(random.Random(7), None))
    assert compiled(tmp_path) == ["base", "control", "head"]


def test_the_users_setting_for_compiled_files_does_not_apply(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    request = request_for(tmp_path)
    imports._prepare(request, interpreters.draw_settings(random.Random(7), None))
    assert compiled(tmp_path) == ["base", "head"]


def test_a_target_that_writes_no_compiled_files_is_timed_with_them(tmp_path):
    code = {INIT: "from . import more", "src/project/more.py": ""}
    switch = {"src/sitecustomize.py": "import sys\nsys.dont_write_bytecode = True\n"}
    request = request_for(tmp_path, **both(code | switch))
    settings = interpreters.draw_settings(random.Random(7), None)
    imports.import_once(request, "base", settings)
    assert not compiled(tmp_path)
    imports._prepare(request, settings)
    assert compiled(tmp_path) == ["base", "head"]


# -- what an import may do ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("raise SystemExit(3)", "importing project failed on head: SystemExit: 3"),
        ("import absent", "importing project failed on head: ModuleNotFoundError: No module named 'absent'"),
        ("import os\nos._exit(4)", "importing project failed on head: the interpreter ended with exit code 4"),
        ("import os\nos._exit(0)", "importing project failed on head: the interpreter ended with exit code 0"),
        (
            "import os\nos.kill(os.getpid(), 9)",
            "importing project failed on head: the interpreter was killed by signal 9 (SIGKILL)",
        ),
        ("import os\nos.closerange(3, 64)", "importing project failed on head: the interpreter ended with exit code 1"),
    ],
)
def test_an_import_that_fails_is_an_error(tmp_path, code, what):
    error = failure(request_for(tmp_path, head={INIT: code}))
    assert error.what.splitlines()[0] == what
    assert error.hint == "name modules that both commits have; nothing was measured"


def test_the_output_of_a_failing_import_is_shown(tmp_path):
    error = failure(request_for(tmp_path, head={INIT: "import os\nos.write(2, b'no licence was found')\nos._exit(4)"}))
    assert (
        error.what == "importing project failed on head: the interpreter ended with exit code 4\nno licence was found"
    )


@pytest.mark.parametrize(
    "code",
    [
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n",
        "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n",
        "import atexit, time\natexit.register(time.sleep, 60)\n",
    ],
)
def test_threads_and_processes_of_an_import_are_not_waited_for(tmp_path, once, code):
    measurement, _ = timed(request_for(tmp_path, timeout=50.0, **both({INIT: code}))).measurements
    assert measurement.stopped == "budget"
    assert max(measurement.launches[0].base) < 30


def test_an_import_that_prints_and_reads_is_timed(tmp_path, once):
    code = "import sys\nprint('x' * 200_000)\nprint('half a line', end='', file=sys.stderr, flush=True)\nassert not sys.stdin.read()\nimport sched\n"
    result = timed(request_for(tmp_path, base={INIT: code}))
    assert len(result.measurements[0].launches) == 1
    assert "sched" in {module.name for module in result.imported}


@pytest.mark.parametrize(("module", "early"), [("project", "project"), ("project.inner", "project.inner")])
def test_a_module_that_is_already_imported_is_an_error(tmp_path, module, early):
    files = {"src/sitecustomize.py": "import project\n", "src/project/inner.py": ""}
    error = failure(request_for(tmp_path, modules=(module,), head=files, base={"src/project/inner.py": ""}))
    assert error.what == f"`{early}` is imported on head as soon as Python starts, so its import cannot be timed"
    assert (
        error.hint
        == "remove what imports it in every interpreter (a sitecustomize module, a .pth file); nothing was measured"
    )


def test_imports_of_sitecustomize_do_not_count(tmp_path, once):
    files = {
        "src/sitecustomize.py": "import slow\n",
        "src/slow.py": "import time\ntime.sleep(0.05)\n",
        INIT: "import slow\n",
    }
    result = timed(request_for(tmp_path, base=files))
    assert min(result.measurements[0].launches[0].base) < 0.05
    assert "slow" not in {module.name for module in result.imported}


def test_an_import_from_the_wrong_place_is_an_error(tmp_path):
    head = {INIT: f"import sys\nsys.path.insert(0, {str(tmp_path / 'base/src')!r})\nimport sibling\n"}
    with pytest.raises(ProvenanceError, match="on head `sibling` is imported from the tree of base"):
        timed(request_for(tmp_path, head=head, base={"src/sibling.py": ""}))


def test_a_control_that_differs_from_base_is_an_error(tmp_path):
    error = failure(request_for(tmp_path, controlled=True, control={INIT: "other = 1\n"}))
    assert (error.what, error.where) == ("this file of the control differs from base's", INIT)


def test_the_time_limit_keeps_complete_launches(tmp_path):
    """Each side is imported once to compile it, and twice in a launch."""
    code = """
        import pathlib, sys, time

        with pathlib.Path(__file__).with_name("imports").open("a") as imports:
            imports.write("x")
            if imports.tell() > 3 and "importtime" not in sys._xoptions:
                time.sleep(60)
    """
    measurement, _ = timed(request_for(tmp_path, timeout=3.0, **both({INIT: code}))).measurements
    assert (measurement.stopped, len(measurement.launches)) == ("timeout", 1)


def test_an_import_that_never_ends_is_an_error(tmp_path):
    error = failure(request_for(tmp_path, timeout=1.0, head={INIT: "import time\n\ntime.sleep(60)\n"}))
    assert error.what == "not one launch was finished within the time limit of 1 s"


def test_a_trace_that_takes_too_long_is_noted(tmp_path, once):
    slow_when_traced = "import sys, time\nif 'importtime' in sys._xoptions:\n    time.sleep(60)\n"
    result = timed(request_for(tmp_path, timeout=2.5, **both({INIT: slow_when_traced})))
    assert result.imported == ()
    assert result.notes == (
        "Tracing the imports took longer than the time limit: it is not known which modules only one side loads.",
    )
