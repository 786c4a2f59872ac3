"""The command line: help pages, wrong input and its whole message, and what a run with nothing to do imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fresh_items import make_fresh
from tasks.cli import PrprepMain
from tasks.commands import ENTRIES
from tasks.graph.loader import ManifestLoader
from tasks.pipeline import NAMES
from tests.support.mistakes import variables_of

COMMANDS = (
    "add, agent-guide, bisect, branch, cache, ci, clean, doctor, dumpdb, explain, forget, help, ignore, info, init, "
    "inventory, job, lint, list, open, report, reset-dep, run, schema, status, strace, tabcompletion, try, "
    "worker, workers"
)
TASKS = "detect, survey, record, scaffold, inject, lint, tests, measure, codeflash, compare, verify, render, report"
EXIST = f"  commands: {COMMANDS}\n  tasks: {TASKS}"
ITEMS = "  its optimizations: item_00000, item_00001"
NO_TASK = "is neither a command nor a task\n"


@pytest.fixture
def prprep(monkeypatch, capsys):
    """Run a command line in a folder; return its exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(folder, *arguments):
        monkeypatch.chdir(folder)
        code = PrprepMain().run([*arguments])
        return code, *capsys.readouterr()

    return run


ANYWHERE = [
    (("mesure",), f'"mesure" {NO_TASK}  did you mean measure?\n{EXIST}'),
    (("lsit",), f'"lsit" {NO_TASK}  did you mean list?\n{EXIST}'),
    (("mesure:tables",), f'"mesure:tables" {NO_TASK}  did you mean measure:tables?\n{EXIST}'),
    (("help", "mesure"), f'"mesure" {NO_TASK}  did you mean measure?\n{EXIST}'),
    (("mesure", "--help"), f'"mesure" {NO_TASK}  did you mean measure?\n{EXIST}'),
    (("qqq",), f'"qqq" {NO_TASK}{EXIST}'),
    (("=",), f'"=" {NO_TASK}{EXIST}'),
    (("a=b",), f'"a=b" {NO_TASK}{EXIST}'),
    (("",), "an argument of `prprep run` is empty\n  usage: prprep run [TASK ...] [OPTIONS]"),
    ((" ",), "an argument of `prprep run` is empty\n  usage: prprep run [TASK ...] [OPTIONS]"),
    (("explain", ""), "an argument of `prprep explain` is empty\n  usage: prprep explain [ID ...] [OPTIONS]"),
    (("lint", ""), "an argument of `prprep lint` is empty\n  usage: prprep lint PATH ... [OPTIONS]"),
    (("help", ""), "an argument of `prprep help` is empty\n  usage: prprep help [COMMAND|TASK] [OPTIONS]"),
    (("-m", "", "list"), "-m has an empty value\n  pass one, or leave the option out"),
    (("-m",), "`prprep run`: option -m needs a value\n  its options: {run}"),
    (("--procss=2",), "`prprep run`: option --procss not recognized\n  did you mean --process?\n  its options: {run}"),
    (
        ("list", "--al=1"),
        "`prprep list`: option --all must not have an argument\n  did you mean --all?\n  its options: {list}",
    ),
    (("list", "--foo"), "`prprep list`: option --foo not recognized\n  its options: {list}"),
    (("list", "--sort", "nam"), '--sort is "nam"\n  did you mean name?\n  its values: name, definition'),
    (("-n", "two"), '-n is "two", must be a whole number'),
    (("run", "-n", "-1"), "--process is -1, must be at least 0"),
    (("cache", "--older-than", "x"), '--older-than is "x", must be a number'),
    (("cache", "--older-than", "nan"), "--older-than is nan, must be at least 0"),
    (("cache", "prun"), "`prprep cache` has no prun\n  did you mean prune?\n  it has: prune"),
    (("job", "pak", "x"), "`prprep job` has no pak\n  did you mean pack?\n  it has: pack, run, collect"),
    (("job", "run"), "`prprep job run` needs one FILE\n  see `prprep job --help`"),
    (("job", "run", "x", "--timeout", "0"), "--timeout is 0, must be more than 0"),
    (("add",), "`prprep add` needs REF\n  usage: prprep add REF [OPTIONS]"),
    (("lint",), "`prprep lint` needs PATH\n  usage: prprep lint PATH ... [OPTIONS]"),
    (("ignore",), "`prprep ignore` needs TASK\n  usage: prprep ignore TASK ... [OPTIONS]"),
    (("open", "a", "b"), "`prprep open` got too many arguments: b\n  usage: prprep open ID [OPTIONS]"),
    (("schema", "x"), 'there is no schema "x"\n  there is: output'),
    (("schema", "a", "b"), "`prprep schema` got too many arguments: b\n  usage: prprep schema [output] [OPTIONS]"),
    (("help", "a", "b"), "`prprep help` got too many arguments: b\n  usage: prprep help [COMMAND|TASK] [OPTIONS]"),
    (("-m", "nowhere", "list"), "nowhere: no such manifest\n  give the path of a file: prprep -m FILE"),
]
OPTIONS = {
    "run": "--manifest, --refresh, --always-execute, --continue, --reporter, --output-file, --process, "
    "--parallel-type, --single, --failure-verbosity, --verbose, --wait-for-quiet, --workers, --keys, --json, --help",
    "list": "--manifest, --refresh, --all, --quiet, --status, --private, --deps, --template, --sort, --help",
}


@pytest.mark.parametrize(
    ("arguments", "message"), ANYWHERE, ids=lambda value: " ".join(value) if type(value) is tuple else ""
)
def test_wrong_input_is_one_plain_message_with_and_without_a_manifest(prprep, fresh, tmp_path, arguments, message):
    for option, text in OPTIONS.items():
        message = message.replace(f"{{{option}}}", text)
    for folder in (fresh, tmp_path):
        assert prprep(folder, *arguments) == (3, "", f"ERROR: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("measure:item_0000",),
            f'prprep.yaml has no optimization "item_0000"\n  did you mean measure:item_00001?\n{ITEMS}',
        ),
        (("explain", "tabel"), f'prprep.yaml has no optimization "tabel"\n{ITEMS}'),
        (("doctor", "tabel"), f'prprep.yaml has no optimization "tabel"\n{ITEMS}'),
        (("inventory", "tabel"), f'prprep.yaml has no optimization "tabel"\n{ITEMS}'),
        (("branch", "tabel"), f'prprep.yaml has no optimization "tabel"\n{ITEMS}'),
        (("open", "tabel"), f'prprep.yaml has no optimization "tabel"\n{ITEMS}'),
        *(
            ((name, "mesur"), f'"mesur" is not a task\n  did you mean measure?\n  tasks: {TASKS}')
            for name in ("list", "info", "clean", "forget", "ignore", "reset-dep")
        ),
        (("info", "*"), f'"*" is not a task\n  tasks: {TASKS}'),
        (("forget", "measure:*"), f'"measure:*" is not a task\n  did you mean measure?\n  tasks: {TASKS}'),
        (("mesure:*",), f'"mesure:*" {NO_TASK}  did you mean measure:*?\n{EXIST}'),
        (("measure", "report:x"), f'"report:x" {NO_TASK}  did you mean report?\n{EXIST}'),
        (("-n", "1", "list"), "`list` is a command and must come first\n  write `prprep list ...`"),
        (("run", "explain"), "`explain` is a command and must come first\n  write `prprep explain ...`"),
    ],
    ids=lambda value: " ".join(value) if type(value) is tuple else "",
)
def test_names_that_the_manifest_does_not_have(prprep, fresh, arguments, message):
    code, out, error = prprep(fresh, *arguments)
    assert (code, error) == (3, f"ERROR: {message}\n")
    assert arguments[0] == "doctor" or not out


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES])
def test_every_command_has_a_page_by_three_ways(prprep, tmp_path, name):
    code, page, error = prprep(tmp_path, name, "--help")
    assert (code, error) == (0, "")
    assert page.startswith(f"Usage:\n  prprep {name}")
    assert [line for line in page.splitlines() if line != line.rstrip()] == []
    assert "\nOptions:\n" in page
    assert "  -h, --help" in page
    assert "\nExample:\n  prprep " in page
    assert prprep(tmp_path, name, "-h") == prprep(tmp_path, "help", name) == (0, page, "")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_no_option_of_a_command_replaces_one_of_doit(entry):
    command = entry.load()(task_loader=ManifestLoader(), config={}, bin_name="prprep", cmds={})
    names = [option.name for option in command.get_options()]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", [*NAMES, "report", "measure:tables"])
def test_every_stage_has_a_page(prprep, tmp_path, name):
    code, page, error = prprep(tmp_path, "help", name)
    assert (code, error) == (0, "")
    assert page.startswith(f"Usage:\n  prprep {name}")


def test_no_option_of_a_page_is_without_its_text(prprep, tmp_path):
    for entry in ENTRIES:
        options = prprep(tmp_path, entry.name, "-h")[1].partition("\nOptions:\n")[2].partition("\nExample:\n")[0]
        for line in filter(str.strip, options.splitlines()):
            assert line.startswith("   ") or len(line.strip().split("  ", 1)) == 2, line
            assert "dodo" not in line


def test_the_main_page_is_prprep_s_own_and_lists_every_command_and_stage(prprep, tmp_path):
    code, page, error = prprep(tmp_path, "--help")
    assert (code, error) == (0, "")
    assert prprep(tmp_path, "help")[1] == prprep(tmp_path, "-h")[1] == page
    assert [line for line in page.splitlines() if line != line.rstrip()] == []
    assert page.startswith("prprep turns finished optimizations into ready-to-merge performance pull requests.")
    assert "pydoit" not in page
    for entry in ENTRIES:
        assert f"\n  {entry.name} " in page
    assert all(f"\n  {name} " in page for name in NAMES)
    first = page.partition("\nMost used:\n")[2].partition("\n\n")[0].splitlines()
    assert len(first) == 10


def test_options_may_follow_the_words(prprep, fresh):
    code, out, _ = prprep(fresh, "list", "measure", "--all", "--quiet")
    assert code == 0
    assert [line.strip() for line in out.splitlines()] == ["measure", "measure:item_00000", "measure:item_00001"]


def test_the_database_is_printed(prprep, fresh, tmp_path):
    (tmp_path / "prprep.yaml").write_text((fresh / "prprep.yaml").read_text())
    assert prprep(tmp_path, "dumpdb") == (0, "nothing is recorded yet\n", "")
    database = tmp_path / ".prprep/doit.json"
    database.parent.mkdir(exist_ok=True)
    database.write_text('{"report": {"checker:": "ArtifactChecker"}}')
    assert prprep(tmp_path, "dumpdb") == (0, "report -> {'checker:': 'ArtifactChecker'}\n", "")
    database.write_text("{")
    code, out, error = prprep(tmp_path, "dumpdb")
    assert (code, out) == (3, "")
    assert error.endswith("doit.json: the database is corrupt; the next run replaces it\n")


def test_a_defect_keeps_its_traceback(prprep, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.manifest.schema.schema_text", lambda: 1 / 0)
    code, _, error = prprep(tmp_path, "schema")
    assert code == 2
    assert "ZeroDivisionError" in error
    assert error.endswith("ERROR: this is a defect of prprep\n  please report it with the lines above\n")


@pytest.mark.parametrize("ended", [SystemExit(143), KeyboardInterrupt()], ids=["terminated", "interrupted"])
def test_an_error_while_a_run_ends_is_no_defect(monkeypatch, ended, capsys):
    def schema():
        try:
            raise ended
        finally:
            never_opened.close()  # noqa: F821 - as doit's database, if the signal comes when it is opened

    monkeypatch.setattr("tasks.manifest.schema.schema_text", schema)
    with pytest.raises(type(ended)) as raised:
        PrprepMain().run(["schema"])
    assert raised.value is ended
    assert capsys.readouterr() == ("", "")


def command(*arguments):
    """Spell prprep as its users have it: nothing is measured here, so it need not be `briefly`."""
    return [sys.executable, "-m", "tasks", *arguments]


def run(folder, *arguments):
    environment = variables_of({})
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.slow
def test_a_process_ends_with_the_code_and_the_message(tmp_path):
    done = run(tmp_path, *command("lsit"))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f'ERROR: "lsit" {NO_TASK}  did you mean list?\n{EXIST}\n'
    assert run(tmp_path, *command("--version")).stdout.startswith("prprep ")


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error(fresh):
    reading = subprocess.Popen(
        command("list", "--all"), cwd=fresh, env=variables_of({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    reading.stdout.close()
    assert reading.stderr.read() == b""
    assert reading.wait(60) == 0


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """Make a project on which detect runs again and again."""
    folder = tmp_path_factory.mktemp("streamed")
    make_fresh(folder, 2)
    return folder


def started(folder, *arguments, **streams):
    """Run prprep with the given streams; return its code and what it wrote to pipes."""
    settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    variables = variables_of(settings.pop("variables", {}))
    done = subprocess.run(command(*arguments), cwd=folder, env=variables, check=False, timeout=120, **settings)
    return done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode()


DETECTS = ("-a", "detect")


def left(folder, *arguments, both=False):
    """Run prprep with an output that its reader has closed; return its code and what it wrote to standard error."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        code, _, error = started(folder, *arguments, stdout=writer, **({"stderr": writer} if both else {}))
    finally:
        os.close(writer)
    return code, error


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [DETECTS, (*DETECTS, "-n", "2")], ids=" ".join)
def test_a_run_whose_reader_leaves_is_no_success_and_nothing_is_blocked(streamed, arguments):
    code, error = left(streamed, *arguments)
    assert (code, error.splitlines()[-1:]) == (
        141,
        ["nobody reads the output any more; finished work is kept, and the next run continues from there"],
    )
    assert left(streamed, *arguments, both=True) == (141, "")
    assert not list(streamed.glob(".prprep/*/failure.json"))
    assert started(streamed, "detect")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("help", "run"), ("--version",), ("status",)], ids=" ".join)
def test_a_page_whose_reader_leaves_is_no_failure(streamed, arguments):
    assert left(streamed, *arguments) == (0, "")


@pytest.fixture(scope="module")
def updated(streamed):
    """Return the project with a report of all its work: a run whose reader left has not updated it."""
    assert started(streamed, *DETECTS)[0] == 0
    return streamed


@pytest.mark.slow
@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)], ids=str)
def test_a_closed_stream_changes_neither_the_work_nor_any_file(updated, closed):
    streamed = updated
    before = {path: path.read_bytes() for path in streamed.rglob("*") if path.is_file() and ".prprep" not in path.parts}
    closing = "".join(f" {number}{'<' if number == 0 else '>'}&-" for number in closed)
    shell = ["sh", "-c", f'"$@"{closing}', "sh", *command(*DETECTS)]
    done = subprocess.run(shell, cwd=streamed, env=variables_of({}), capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) == (1 not in closed)
    assert bool(done.stderr) == (2 not in closed)
    assert {path: path.read_bytes() for path in before} == before
    # Otherwise the lock's file, the first that is opened, would get the number of the closed stream.
    assert all(b"item" not in lock.read_bytes() for lock in streamed.rglob("lock"))


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("status",), ("help", "run"), DETECTS], ids=" ".join)
def test_a_full_device_is_one_message_for_output_and_none_for_progress(streamed, arguments):
    with Path("/dev/full").open("wb", buffering=0) as full:
        code, _, error = started(streamed, *arguments, stdout=full)
        assert code == 3
        assert "Traceback" not in error
        assert error.startswith("ERROR: ") or arguments == DETECTS
        # Standard error is for people to follow; what a run does is as good without it.
        assert started(streamed, *arguments, stderr=full)[:2] == started(streamed, *arguments)[:2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=lambda variables: next(iter(variables.items())),
)
def test_an_output_that_lacks_characters_spells_them(streamed, variables):
    code, out, error = started(streamed, "status", variables=variables)
    assert (code, error) == (0, "")
    assert "time -49.7 %" in out


LOADED = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, sep="\\n", file=sys.stderr))
from tasks.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("list", "--all"), ("measure:item_00001",)], ids=" ".join)
def test_a_run_with_nothing_to_do_imports_only_what_it_needs(fresh, arguments):
    assert run(fresh, *command(*arguments)).returncode == 0
    done = run(fresh, sys.executable, "-c", LOADED, *arguments)
    assert done.returncode == 0, done.stderr
    imported = set(done.stderr.splitlines())
    assert not imported & {"pydantic", "git", "ruamel.yaml", "jinja2", "yaml", "numpy", "rich", "markdown_it"}
    commands = {name for name in imported if name.startswith("tasks.commands.")}
    assert commands == {"tasks.commands.arguments", "tasks.commands.doit_commands"}
