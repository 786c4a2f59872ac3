"""Which functions a call executes and their shares of its time, in real interpreters."""

import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from textwrap import dedent

import pytest

from tasks.artifacts import DefinitionPlace
from tasks.bench.request import ChangedDefinition
from tasks.bench.time.functions import profile_functions
from tasks.bench.workers.workers import WORKER_FOLDER
from tasks.project.code.definitions import definitions
from tests.support.pairs import both, pair, write
from tests.support.pythons import environment

pytestmark = pytest.mark.slow(0.4)

CODE = """
import functools

BIG = 3**{power}

def decorated(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper

class Table:
    def rows(self):
        return [leaf() for _ in range(10)]

@decorated
def leaf():
    a = BIG * BIG
    b = a * BIG
    c = b * BIG
    return c

def steps(count):
    for number in range(count):
        yield number

def around():
    Table().rows()
    return sum(steps(30)) + idle()

def idle():
    return 0

def unused():
    return 1

async def awaited():
    return await inner()

async def inner():
    return around()
"""
BENCHMARK = """
from project import around, awaited

def test_around(benchmark):
    assert benchmark(around) == 435

def test_awaited(benchmark):
    benchmark(awaited)
"""
FILE = "src/project/__init__.py"


def files(power=4000, benchmark=BENCHMARK):
    return {FILE: CODE.format(power=power), "tests/test_benchmark.py": benchmark}


def lines_of(code, name):
    text = dedent(code).lstrip("\n").encode()
    (lines,) = (each.lines for each in definitions(text, FILE) if each.name == name)
    return lines


def place(name, code=CODE):
    """Return where a definition of the project is."""
    return DefinitionPlace(FILE, name, lines_of(code, name))


def with_python(request, python):
    return replace(request, base=replace(request.base, python=python), head=replace(request.head, python=python))


def same(name, code=CODE):
    return ChangedDefinition(f"project:{name}", base=place(name, code), head=place(name, code))


def profiled(request):
    return profile_functions(request, random.Random(1), lambda _: None)


def of(profile, test):
    return {share.function: share for share in profile.functions if share.test.endswith(f"::{test}")}


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    request = pair(
        tmp_path_factory.mktemp("pair"),
        base=files(),
        head=files(),
        functions=(same("leaf"), same("unused"), same("Table")),
        budget=40,  # 3 % of it is for samples, which are few on a busy machine
    )
    return profiled(request)


@pytest.mark.slow
def test_calls_are_counted_exactly(profile):
    counted = {name: share.base.calls for name, share in of(profile, "test_around").items()}
    assert {name: counted[f"project:{name}"] for name in ("around", "Table.rows", "decorated.wrapper", "leaf")} == {
        "around": 1,
        "Table.rows": 1,
        "decorated.wrapper": 10,
        "leaf": 10,
    }
    assert of(profile, "test_awaited")["project:awaited"].head.calls == 1


@pytest.mark.slow
def test_a_function_without_loops_or_calls_has_its_own_time(profile):
    """Samplers in Python would charge its caller."""
    leaf, rows = (of(profile, "test_around")[f"project:{name}"] for name in ("leaf", "Table.rows"))
    assert leaf.samples > 30
    for side in ("base", "head"):
        assert getattr(leaf, side).own > 0.8
        assert getattr(rows, side).share >= getattr(leaf, side).share
        assert getattr(rows, side).own < 0.15
    path = tuple(f"project:{name}" for name in ("around", "Table.rows", "decorated.wrapper", "leaf"))
    (stack,) = [each for each in profile.stacks if each.functions == path and each.test.endswith("::test_around")]
    assert 0.8 < stack.base <= leaf.base.own + 0.0001


@pytest.mark.slow
def test_methods_of_a_changed_class_are_changed_and_unreached_changes_are_listed(profile):
    changed = {name for name, share in of(profile, "test_around").items() if share.changed}
    assert changed == {"project:leaf", "project:Table.rows"}
    assert profile.unreached == ("project:unused",)
    assert [test.partition("::")[2] for test in profile.profiled] == ["test_around", "test_awaited"]


@pytest.mark.slow
def test_renamed_functions_share_a_row_and_one_sided_ones_have_one_side(tmp_path):
    changed_code = CODE.replace("Table", "Grid").replace("idle", "resting")
    head = files() | {FILE: changed_code.format(power=4000)}
    benchmark = {"tests/test_benchmark.py": BENCHMARK.partition("def test_awaited")[0]}
    changed = (
        ChangedDefinition("project:Grid", base=place("Table"), head=place("Grid", changed_code)),
        ChangedDefinition("project:resting", base=None, head=place("resting", changed_code)),
    )
    profiles = of(
        profiled(pair(tmp_path, base=files() | benchmark, head=head | benchmark, functions=changed)), "test_around"
    )
    rows = profiles["project:Grid.rows"]
    assert (rows.base.calls, rows.head.calls, rows.changed) == (1, 1, True)
    assert (profiles["project:resting"].base, profiles["project:resting"].head.calls) == (None, 1)


@pytest.mark.slow
def test_calls_that_may_use_what_a_files_own_code_binds_are_not_listed(tmp_path):
    benchmark = "from project import around, idle\n\ndef test_around(benchmark):\n    benchmark(around)\n\n"
    benchmark += "def test_idle(benchmark):\n    benchmark(idle)\n"
    sides = {"base": files(3000, benchmark), "head": files(benchmark=benchmark)}
    profiles = profiled(pair(tmp_path, **sides, functions=(same("<module>"),)))
    assert [test.partition("::")[2] for test in profiles.profiled] == ["test_idle"]
    assert profiles.unreached == ()
    assert not any(share.changed for share in profiles.functions)


@pytest.mark.slow
def test_no_call_is_listed_if_other_files_use_what_a_files_own_code_binds(tmp_path):
    benchmark = "from project import BIG, idle\n\ndef test_idle(benchmark):\n    benchmark(lambda: idle() + BIG)\n"
    sides = {"base": files(3000, benchmark), "head": files(benchmark=benchmark)}
    profiles = profiled(pair(tmp_path, **sides, functions=(same("<module>"),)))
    assert (profiles.profiled, profiles.unreached) == ((), ())
    assert {share.function for share in profiles.functions} == {"project:idle"}


@pytest.mark.slow
def test_setup_and_the_benchmarks_own_functions_do_not_count(tmp_path):
    benchmark = """
        from project import around, leaf

        def prepared():
            around()
            return (), {}

        def test_it(benchmark):
            benchmark.pedantic(lambda: leaf(), setup=prepared, rounds=3)
    """
    profiles = of(profiled(pair(tmp_path, **both(files(benchmark=benchmark)))), "test_it")
    assert set(profiles) <= {"project:leaf", "project:decorated.wrapper"}


@pytest.mark.slow
def test_without_time_for_all_calls_no_change_is_called_unreached(tmp_path):
    slow = both(files(benchmark="import time\n\ndef test_slow(benchmark):\n    benchmark(time.sleep, 3600)\n"))
    profiles = profiled(pair(tmp_path, **slow, functions=(same("leaf"),), timeout=1.0))
    assert (profiles.functions, profiles.profiled, profiles.unreached) == ((), (), ())
    assert profiles.notes == ("Time per function was not sampled for every test: its time limit came first.",)


@pytest.mark.slow
def test_a_call_that_crashes_by_the_signal_is_sampled_by_a_thread(tmp_path):
    code = """
        import os, signal

        WORKER = os.getpid()

        def work(size):
            if signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
                os.kill(WORKER, signal.SIGKILL)
            return sum(range(size))
    """
    profiles = profiled(pair(tmp_path, **both({FILE: code})))
    assert profiles.notes == (
        "Shares of `test_work` were sampled between Python's steps: part of a small function's time may be counted for its callers.",
    )
    assert of(profiles, "test_work")["project:work"].base.calls == 1


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_other_pythons(tmp_path, version):
    python = environment(version, "pytest", "pytest-benchmark")
    request = pair(tmp_path, base=files(), head=files(), functions=(same("leaf"),))
    profiles = of(profiled(with_python(request, python)), "test_around")
    assert {name.partition(":")[2]: share.head.calls for name, share in profiles.items() if share.head.share > 0.5} == {
        "around": 1,
        "Table.rows": 1,
        "decorated.wrapper": 10,
        "leaf": 10,
    }
    assert profiles["project:leaf"].head.own > 0.8


# -- in the worker ----------------------------------------------------------------------------------

PROGRAM = """
import sys
sys.path.insert(0, {worker!r})
sys.path.insert(0, {tree!r})
from prprep_worker.benchmark.calls import Calls, drive
from prprep_worker.profiling import functions, stacks
{code}
"""


class EndedBySignalError(Exception):
    """The process read frames that were being changed."""


def printed_by(tmp_path, code, python=sys.executable, folder=None):
    """Run code with the worker's modules in a fresh interpreter, like the target's, and return its output."""
    text = PROGRAM.format(worker=str(WORKER_FOLDER), tree=str(tmp_path), code=code)
    done = subprocess.run([python, "-c", text], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGSEGV:
        raise EndedBySignalError
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_thread_samples_if_the_signal_could_end_the_worker(tmp_path):
    """A coroutine cannot be awaited in a forked child; a plain call is sampled there, and the worker itself never."""
    code = """
def plain():
    return sum(range(1000))

async def awaited():
    return plain()

for function in (plain, awaited):
    calls = Calls(function)
    calls.begin()
    drive(calls.result()) if not calls.awaited else None
    if calls.awaited:
        import asyncio
        asyncio.run(calls.result())
        print(asyncio.run(stacks.sampled(calls, 0.1, "child"))[1], asyncio.run(stacks.sampled(calls, 0.1, "signal"))[1])
    else:
        print(drive(stacks.sampled(calls, 0.1, "child"))[1])
"""
    # The last one asks for signals where they can end the process, which happens now and then.
    for _ in range(3):
        with suppress(EndedBySignalError):
            assert printed_by(tmp_path, code).split() == ["signal", "thread", "signal"]
            return
    pytest.fail("a signal ended the process three times")


CYTHON = "# cython: profile=True\ndef steps(count):\n    total = 0\n    for number in range(count):\n        total += number\n    return total\n"
SETUP = (
    "from setuptools import setup\nfrom Cython.Build import cythonize\n"
    "setup(name='fast', package_dir={'': 'src'}, packages=['project'],\n"
    "      ext_modules=cythonize(['src/project/fast.pyx', 'src/project/pure.py']))\n"
)
PURE = CYTHON + "class Table:\n    def rows(self, count):\n        return steps(count)\n"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="a compiler is needed")
def test_functions_compiled_by_cython_are_not_visible_and_do_not_end_the_profile(tmp_path):
    """Its frames have no instructions, and name files that are not Python."""
    python = environment("3.11", "pytest", "pytest-benchmark", "cython", "setuptools")
    code = (
        "from project.fast import steps\nfrom project.pure import Table\n\ndef work(size):\n"
        "    return max(steps(size), Table().rows(size))\n\ndef plain():\n    return [1]\n"
    )
    pure = "src/project/pure.py"
    rows = DefinitionPlace(pure, "Table.rows", lines_of(PURE, "Table.rows"))
    files_ = {FILE: code, pure: PURE, "src/project/fast.pyx": CYTHON, "setup.py": SETUP}
    changed = ChangedDefinition("project.pure:Table.rows", base=rows, head=rows)
    request = pair(tmp_path, **both(files_), functions=(changed,))
    variables = {**os.environ, "CFLAGS": "-O0"}  # optimizing takes most of the compiler's time
    build = [python, "setup.py", "build_ext", "--inplace"]
    subprocess.run(build, cwd=request.base.tree, env=variables, check=True, capture_output=True)
    shutil.copytree(request.base.tree, request.head.tree, dirs_exist_ok=True)
    profile = profiled(with_python(request, python))
    assert of(profile, "test_work")["project:work"].head.calls == 1
    assert {share.function for share in profile.functions} == {"project:work"}
    assert (profile.compiled, profile.unreached, profile.profiled) == (("project.pure:Table.rows",), (), ())
    places = [[pure, rows.lines[0], "rows"], [FILE, lines_of(code, "plain")[0], "plain"]]
    code = f"""
from prprep_worker.benchmark.returned import returned
from project import Table, plain
found = drive(returned(Calls(lambda: (Table().rows(3), plain())), {places}, {str(request.head.tree)!r}, "test.py"))
print([(each["name"], each["calls"], each["tree"]["size"], len(each["opaque"])) for each in found])
"""
    tree = request.head.tree / "src"
    assert printed_by(tree, code, python, request.head.tree) == "[('rows', 1, 0, 1), ('plain', 1, 1, 0)]\n"


NUMBA = """
import numba

def steps(count):
    total = 0
    for number in range(count):
        total += number
    return total

@numba.vectorize
def each(x):
    return x + 1

def unused():
    return 1

def work():
    return steps(1000) + each(3)
"""


@pytest.mark.slow
def test_functions_compiled_by_numba_are_not_visible(tmp_path):
    """A function that is compiled at head alone has its share of base, and nothing is known of it at head."""
    python = environment("3.12", "pytest", "pytest-benchmark", "numba")
    head = NUMBA.replace("def steps", "@numba.njit\ndef steps")
    benchmark = "from project import work\n\ndef test_work(benchmark):\n    benchmark(work)\n"
    changed = tuple(
        ChangedDefinition(f"project:{name}", base=place(name, NUMBA), head=place(name, head))
        for name in ("steps", "each", "unused")
    )
    files_ = {"tests/test_benchmark.py": benchmark}
    request = pair(tmp_path, base={FILE: NUMBA, **files_}, head={FILE: head, **files_}, functions=changed)
    profile = profiled(with_python(request, python))
    steps = of(profile, "test_work")["project:steps"]
    assert (steps.base.calls, steps.head) == (1, None)
    assert profile.compiled == ("project:each", "project:steps")
    assert (profile.unreached, profile.profiled) == (("project:unused",), ())


def test_objects_that_run_compiled_code_are_no_wrappers(tmp_path):
    code = """
        import functools, math, weakref

        def plain(): ...

        class Called:
            def __call__(self): ...

        class Wrapper:
            def __init__(self, function):
                functools.update_wrapper(self, function)
            __call__ = plain

        @functools.singledispatch
        def generic(): ...

        class Dispatcher(weakref.ref):  # callable by C code, like numba's
            pass

        class Partial(functools.partial):
            pass

        def dispatched(function):
            return functools.update_wrapper(Dispatcher(plain), function)

        visible = [
            plain, staticmethod(plain), classmethod(plain), property(plain), functools.lru_cache(plain), Called(), None,
            functools.partial(plain), functools.cached_property(plain), generic, Wrapper(plain), Called, 3,
            functools.singledispatchmethod(plain), functools.update_wrapper(Partial(plain), plain),
            # What replaces a function of the file is not that function.
            math.sqrt, str.upper, Dispatcher(plain), dispatched(functools.wraps), staticmethod(len),
        ]
        compiled = [
            dispatched(plain), staticmethod(dispatched(plain)), property(dispatched(plain)),
            functools.lru_cache(dispatched(plain)), functools.wraps(dispatched(plain))(lambda: 1),
            dispatched(dispatched(plain)),
        ]
    """
    write(tmp_path, {"objects.py": code})
    printed = printed_by(
        tmp_path,
        "import objects\nfrom prprep_worker.profiling.compiled import runs_compiled\n"
        "print(*[each for each in objects.visible if runs_compiled(each, objects.__file__)])\n"
        "print(*[each for each in objects.compiled if not runs_compiled(each, objects.__file__)])",
    )
    assert printed == "\n\n"


def test_steps_of_generators_and_comprehensions_are_no_calls(tmp_path):
    code = """
        def steps():
            yield 1
            yield 2

        def outer():
            def inner():
                return [len(x) for x in ("a", "b")]
            return sum(steps()) + sum(i for i in range(3)) + sum(inner()) + (lambda: 0)() + named(1)

        named = lambda x: (lambda: x)()
    """
    write(tmp_path, {"code.py": "", "counted.py": code})
    printed = printed_by(
        tmp_path,
        f"import counted\nproject = functions.ProjectFunctions({str(tmp_path)!r}, [])\n"
        "print(sorted((each.line, each.name, count) for each, count in "
        "drive(functions._reached(Calls(counted.outer), project)).items()))",
    )
    assert printed == "[(1, 'steps', 1), (5, 'outer', 1), (6, 'outer.inner', 1), (10, 'named', 2)]\n"


def test_lines_belong_to_the_innermost_function_of_that_name(tmp_path):
    code = """
        class A:
            @property
            def x(self):
                return lambda: 1

            class B:
                def x(self):
                    return 1

        y = 1
    """
    write(tmp_path, {"lines.py": code, "env/lib/site-packages/lines.py": code})
    questions = [(2, "x"), (4, "<lambda>"), (6, "B"), (8, "x"), (10, "<module>")]
    printed = printed_by(
        tmp_path,
        f"project = functions.ProjectFunctions({str(tmp_path)!r}, [])\n"
        f"found = [project.function(({str(tmp_path / 'lines.py')!r}, *each)) for each in {questions!r}]\n"
        "print([each and each[1:] for each in found])\n"
        f"print(project.file({str(tmp_path / 'env/lib/site-packages/lines.py')!r}), project.file(__file__ if '__file__' in dir() else '<string>'))",
    )
    assert printed == "[(2, 'A.x'), (2, 'A.x'), None, (7, 'A.B.x'), None]\nNone None\n"


def test_dumps_are_read(tmp_path):
    lines = [
        "Stack (most recent call first):",
        '  File "/a/b\\xe4.py", line 12 in rows',
        '  File "/a/c.py", line 3 in <module>',
        *["Stack (most recent call first):", '  File "/a/c.py", line 3 in f'] * 10,
        "Stack (most recent call first):",
        '  File "/a/c.py", line 3 in killed_here',
        "killed",
    ]
    printed = printed_by(
        tmp_path, f"found = stacks._read_dumps({lines!r})\nprint(len(found), ascii(found[0]), found[-1])"
    )
    assert (
        printed == "11 (1.0, [('/a/b\\xe4.py', 12, 'rows'), ('/a/c.py', 3, '<module>')]) (1.0, [('/a/c.py', 3, 'f')])\n"
    )
    assert printed_by(tmp_path, f"print(stacks._read_dumps({lines[:2]!r} + ['  ...']))") == "None\n"
