"""Start-up of commands in fresh processes."""

import random
from statistics import median

import pytest

from tasks.artifacts import MetricName
from tasks.bench.imports import interpreters, startup
from tasks.errors import MeasuringError, ProvenanceError
from tasks.project.console_scripts import commands_of
from tasks.project.files import FolderTree
from tasks.project.layout import describe
from tests.support.pairs import both, pair

pytestmark = pytest.mark.slow

CLI = "src/project/cli.py"
INIT = "src/project/__init__.py"
MAIN = "import argparse, sys\n\ndef main():\n    argparse.ArgumentParser().parse_args()\n"
HELP = (
    "-c",
    "import sys; del sys.path[0], sys.argv[0]; from project.cli import main; sys.exit(main())",
    "project",
    "--help",
)
SCRIPTS = '[project]\nname = "project"\n[project.scripts]\nproject = "project.cli:main"\n'


def request_for(folder, code=MAIN, **settings):
    files = {side: {INIT: "", CLI: code} | settings.pop(side, {}) for side in ("base", "head")}
    started = {"metrics": ("import",), "modules": ("project",), "commands": (HELP,), "budget": 60.0}
    return pair(folder, **files, **{**started, **settings})


def timed(request, lines=None):
    return startup.time_startup(request, random.Random(request.seed), (lines if lines is not None else []).append)


def failure(request):
    with pytest.raises(MeasuringError) as raised:
        timed(request)
    return raised.value


@pytest.fixture(autouse=True)
def _once(monkeypatch):
    monkeypatch.setattr(startup, "LOOKS", (1,))


def test_a_whole_process_is_timed(tmp_path):
    lines = []
    base = "import time\ntime.sleep(0.03)\n" + MAIN + "    time.sleep(0.03)\n"
    at_exit = "import atexit, time\natexit.register(time.sleep, 0.03)\n" + base.replace(
        "    argparse", "    return\n    argparse"
    )
    result = timed(
        request_for(
            tmp_path, base={CLI: at_exit}, head={CLI: "def main():\n    pass\n"}, controlled=True, timeout=None
        ),
        lines,
    )
    wall, cpu = result.measurements
    (launch,) = wall.launches
    assert (wall.test, wall.metric, cpu.test, cpu.metric) == (
        "start project --help",
        MetricName.START,
        "start project --help",
        MetricName.CPU,
    )
    assert len(launch.base) == len(launch.head) == len(launch.control) == 2
    assert min(launch.base) > min(launch.head) + 0.03
    assert median(cpu.launches[0].base) < median(launch.base)
    assert sorted(module.path for module in result.modules["head"]) == [INIT, CLI]
    assert result.notes == ()
    assert lines == ["start-up: launch 1 of at most 1"]


def test_the_console_scripts_of_the_project_are_started(tmp_path):
    files = {CLI: MAIN, INIT: "", "pyproject.toml": SCRIPTS}
    request = request_for(tmp_path, **both(files))
    tree = FolderTree(request.head.tree)
    assert commands_of(tree, describe(tree)) == (HELP,)
    assert [each.test for each in startup.time_startup(request, random.Random(7), print).measurements] == [
        "start project --help"
    ] * 2


def test_commands_run_in_a_palindrome_with_one_seed_and_layout(tmp_path, monkeypatch):
    order = []
    original = startup.answer

    def spy(request, role, settings, program, arguments, **options):
        order.append((program, role, settings.seed, settings.layout))
        return original(request, role, settings, program, arguments, **options)

    monkeypatch.setattr(startup, "answer", spy)
    timed(request_for(tmp_path))
    assert [name for name, *_ in order] == ["startup/start_check.py"] * 2 + ["startup/start_timer.py"] * 4
    quad = order[2:]
    assert quad == quad[::-1]
    assert {role for _, role, *_ in quad[:2]} == {"base", "head"}
    assert len({tuple(shared) for _, _, *shared in quad}) == 1


def test_processes_of_a_launch_have_the_same_addresses(tmp_path):
    code = "import sys\n\ndef main():\n    open(sys.argv[0] and 'addresses', 'a').write(f'{id(sys)} {id(main)}\\n')\n"
    request, rng = request_for(tmp_path, code), random.Random(7)
    if not (settings := interpreters.draw_settings(rng, None)).layout:
        pytest.skip("this system does not let a process choose its layout")
    for _ in range(3):
        startup._start(request, HELP, "base", settings)
    startup._start(request, HELP, "base", interpreters.draw_settings(rng, None))
    first, second, third, other = (request.base.tree / "addresses").read_text().splitlines()
    # The first has no compiled file to read, so its objects lie elsewhere.
    assert first.split()[0] == second.split()[0]
    assert second == third != other


def test_a_module_is_a_command_too(tmp_path):
    files = {"src/project/__main__.py": "import sys\nassert sys.argv[1:] == ['--help']\n", INIT: ""}
    result = timed(request_for(tmp_path, commands=(("-m", "project", "--help"),), **both(files)))
    assert result.measurements[0].test == "start python -m project --help"
    assert len(result.measurements[0].launches) == 1


# -- which commands -------------------------------------------------------------------------------


def test_a_command_without_help_shows_its_version(tmp_path):
    code = (
        "import sys\n\ndef main():\n    return 0 if sys.argv == ['project', '--version'] else f'unknown: {sys.argv}'\n"
    )
    assert timed(request_for(tmp_path, code)).measurements[0].test == "start project --version"


def test_a_command_that_base_cannot_run_is_left_out_with_a_note(tmp_path):
    result = timed(request_for(tmp_path, "def main():\n    return 2\n"))
    assert result.measurements == ()
    assert result.notes == ("The start-up of `project --help` was not timed: at base it ended with exit code 2.",)


def test_a_command_that_does_not_end_is_left_out_with_a_note(tmp_path, monkeypatch):
    monkeypatch.setattr(startup, "CHECK_SECONDS", 0.5)
    result = timed(request_for(tmp_path, "import time\n\ndef main():\n    time.sleep(60)\n"))
    assert result.measurements == ()
    assert result.notes == ("The start-up of `project --help` was not timed: at base it did not end within 0.5 s.",)


def test_a_command_that_loads_no_measured_module_is_not_timed(tmp_path):
    result = timed(request_for(tmp_path, modules=("project.tables",), **both({"src/project/tables.py": ""})))
    assert (result.measurements, result.notes) == ((), ())


def test_a_command_that_no_longer_loads_the_modules_is_timed(tmp_path):
    lazy = request_for(
        tmp_path,
        modules=("project.tables",),
        base={CLI: "import project.tables\n" + MAIN},
        head={"src/project/tables.py": ""},
    )
    (lazy.base.tree / "src/project/tables.py").write_text("")
    assert timed(lazy).measurements[0].test == "start project --help"


def test_at_most_two_commands_are_timed(tmp_path):
    commands = tuple((*HELP[:2], name, "--help") for name in ("one", "two", "three"))
    assert [each.test for each in timed(request_for(tmp_path, commands=commands)).measurements[::2]] == [
        "start one --help",
        "start two --help",
    ]


def test_without_commands_nothing_is_timed(tmp_path):
    assert timed(request_for(tmp_path, commands=())).measurements == ()


# -- what fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("def main():\n    return 3\n", "`project --help` failed on head: it ended with exit code 3"),
        (
            "def main():\n    return 'no licence'\n",
            "`project --help` failed on head: it ended with exit code 1\nno licence",
        ),
        (
            "import os\nos.write(2, b'gone\\n')\nos._exit(5)\n",
            "`project --help` failed on head: it ended with exit code 5\ngone",
        ),
        (
            "import os\nos.kill(os.getpid(), 9)\n",
            "`project --help` failed on head: the interpreter was killed by signal 9 (SIGKILL)",
        ),
    ],
)
def test_a_command_that_fails_on_head_alone_is_an_error(tmp_path, code, what):
    error = failure(request_for(tmp_path, head={CLI: code}))
    assert error.what == what
    assert error.hint == "a command that starts at base must start at head; nothing was measured"


def test_the_end_of_a_traceback_is_shown(tmp_path):
    error = failure(request_for(tmp_path, head={CLI: "import absent\n"}))
    assert error.what.startswith("`project --help` failed on head: it ended with exit code 1\n")
    assert error.what.endswith("ModuleNotFoundError: No module named 'absent'")


def test_a_command_that_fails_only_when_it_is_timed_is_an_error(tmp_path):
    code = "import sys\n\ndef main():\n    return 0 if 'prprep_worker.startup.import_timer' in sys.modules else 7\n"
    assert (
        failure(request_for(tmp_path, head={CLI: code})).what
        == "`project --help` failed on head: it ended with exit code 7"
    )


def test_a_command_that_exits_by_itself_is_timed(tmp_path):
    result = timed(request_for(tmp_path, "import os\n\ndef main():\n    print('help')\n    os._exit(0)\n"))
    assert sorted(module.path for module in result.modules["base"]) == [INIT, CLI]
    assert len(result.measurements[0].launches) == 1


def test_a_module_from_the_wrong_place_is_an_error(tmp_path):
    head = {CLI: f"import sys\nsys.path.insert(0, {str(tmp_path / 'base/src')!r})\nimport sibling\n{MAIN}"}
    with pytest.raises(ProvenanceError, match="on head `sibling` is imported from the tree of base"):
        timed(request_for(tmp_path, head=head, base={"src/sibling.py": ""}))


def test_output_is_dropped_and_stdin_is_empty(tmp_path):
    code = "import sys\n\ndef main():\n    print('x' * 1_000_000)\n    return 1 if sys.stdin.read() or sys.stdout.isatty() else 0\n"
    assert len(timed(request_for(tmp_path, code)).measurements[0].launches) == 1


def test_a_time_limit_before_the_first_launch_is_noted(tmp_path):
    code = "import sys, time\n\ndef main():\n    time.sleep(0 if 'prprep_worker.startup.import_timer' in sys.modules else 60)\n"
    result = timed(request_for(tmp_path, code, timeout=1.5))
    assert result.measurements == ()
    assert result.notes == ("The start-up of commands was not timed: it took longer than the time limit.",)
