import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.errors import CommandFailedError
from tasks.processes import programs
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

PYTHON = sys.executable


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def test_run_returns_streams_and_exit_code(tmp_path: Path) -> None:
    finished = programs.run(["sh", "-c", "echo out; echo err >&2; exit 3"], cwd=tmp_path, check=False)
    assert finished == programs.CompletedProgram(("sh", "-c", "echo out; echo err >&2; exit 3"), 3, b"out\n", "err\n")


def test_no_shell_sees_the_arguments(tmp_path: Path) -> None:
    arguments = ["$HOME", "a;b", "*", "it's", 'quo"te', "new\nline", "", "~"]
    output = programs.run([PYTHON, "-c", "import sys; print(sys.argv[1:])", *arguments], cwd=tmp_path).output
    assert output == f"{arguments}\n"


def test_env_is_the_whole_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKED", "1")
    assert programs.run(["/usr/bin/env"], cwd=tmp_path, env={"ONLY": "this"}).output == "ONLY=this\n"
    assert "LEAKED=1" in programs.run(["/usr/bin/env"], cwd=tmp_path).output


def test_folder_and_environment_do_not_mix_between_threads(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(24)]
    for folder in folders:
        folder.mkdir()

    def output_in(folder: Path) -> str:
        return programs.run(["/bin/sh", "-c", 'echo "$PWD $NAME"'], cwd=folder, env={"NAME": folder.name}).output

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(output_in, folders)) == [f"{folder} {folder.name}\n" for folder in folders]


def test_invalid_utf8_is_replaced(tmp_path: Path) -> None:
    assert programs.run(["printf", r"a\377b"], cwd=tmp_path).output == "a�b"
    assert programs.run(["printf", r"a\377b"], cwd=tmp_path).raw == b"a\xffb"


def test_large_input_and_output_do_not_lock_up(tmp_path: Path) -> None:
    sent = os.urandom(3_000_000)
    assert programs.run(["cat"], cwd=tmp_path, stdin=sent, limit=None).raw == sent


def test_unread_input_is_not_an_error(tmp_path: Path) -> None:
    assert programs.run(["true"], cwd=tmp_path, stdin=b"x" * 1_000_000).code == 0


def test_long_output_loses_its_middle(tmp_path: Path) -> None:
    code = "import sys; print('first'); sys.stdout.write('x' * 9_000_000); print('last'); print('e' * 3_000_000, file=sys.stderr)"
    finished = programs.run([PYTHON, "-c", code], cwd=tmp_path)
    assert finished.output.startswith("first\n")
    assert finished.output.endswith("last\n")
    assert " bytes left out ..." in finished.output
    assert len(finished.output) < 4 * programs.STREAM_LIMIT
    assert finished.error.endswith("eee\n")
    assert len(finished.error) < 4 * programs.STREAM_LIMIT


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["no-such-program"], "`no-such-program` was not found\n  install no-such-program, or add its folder to PATH"),
        (["./plain"], "`./plain` is not executable\n  make it executable: chmod +x {cwd}/./plain"),
        (["sh", "-c", "echo why >&2; exit 4"], "`sh -c echo why >&2; exit 4` ended with exit code 4:\nwhy"),
        (["sh", "-c", "kill -9 $$"], "`sh -c kill -9 $$` was killed by signal 9"),
        (["./garbled"], "`./garbled` could not start: Exec format error"),
    ],
)
def test_messages_of_failed_commands(tmp_path: Path, command: list[str], message: str) -> None:
    (tmp_path / "plain").write_text("")
    (tmp_path / "garbled").write_bytes(b"\x7fnothing")
    (tmp_path / "garbled").chmod(0o755)
    with pytest.raises(CommandFailedError) as caught:
        programs.run(command, cwd=tmp_path)
    assert str(caught.value) == message.format(cwd=tmp_path)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError) as caught:
        programs.run(["true"], cwd=tmp_path / "gone")
    assert str(caught.value) == f"`true` could not start: the folder {tmp_path}/gone does not exist"


@pytest.mark.parametrize("session", ["", "setsid "], ids=["its group", "a session of its own"])
def test_the_time_limit_ends_grandchildren_too(tmp_path: Path, session: str) -> None:
    script = f"{session}sleep 300 & echo $! > grandchild; echo said; wait"
    with pytest.raises(CommandFailedError) as caught:
        programs.run(["sh", "-c", script], cwd=tmp_path, timeout=0.5)
    assert caught.value.code is None
    assert str(caught.value) == f"`sh -c {script}` took longer than 0.5 s and was stopped:\nsaid"
    assert wait_for(lambda: not is_alive(int((tmp_path / "grandchild").read_text())))


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "GRACE_SECONDS", 0.2)
    with pytest.raises(CommandFailedError):
        programs.run(
            ["sh", "-c", "trap '' TERM; echo $$ > pid; sleep 300 & wait; sleep 300"], cwd=tmp_path, timeout=0.4
        )
    assert wait_for(lambda: not is_alive(int((tmp_path / "pid").read_text())))


def test_a_grandchild_with_the_pipe_does_not_block(tmp_path: Path) -> None:
    finished = programs.run(["sh", "-c", "sleep 300 & echo $!"], cwd=tmp_path, timeout=60)
    assert wait_for(lambda: not is_alive(int(finished.output)))


def test_any_exception_ends_the_group(tmp_path: Path) -> None:
    command = ["sh", "-c", "sleep 300 & echo $! > child; wait"]
    with pytest.raises(KeyboardInterrupt), programs.start(command, cwd=tmp_path) as running:  # noqa: PT012
        while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert wait_for(lambda: not is_alive(running.pid))
    assert wait_for(lambda: not is_alive(int((tmp_path / "child").read_text())))


def test_a_background_program(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    log = tmp_path / "log"
    with programs.start(
        ["sh", "-c", f"echo one; echo two >&2; read word </dev/fd/{reading}; exit 5"],
        cwd=tmp_path,
        pass_fds=[reading],
        log=log,
    ) as running:
        assert running.poll() is None
        with pytest.raises(CommandFailedError, match=r"took longer than 0\.3 s"):
            running.wait(0.3)
        os.write(writing, b"go\n")
        assert running.wait(60) == 5
        assert running.tail() == "one\ntwo"
        assert running.tail(1) == "two"
    os.close(reading)
    os.close(writing)
    assert log.read_text() == "one\ntwo\n"


@pytest.mark.skipif(not programs._leash(), reason="needs setpriv of util-linux")
def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """Not even if the reaper was killed too, or has not heard of the child yet."""
    code = f"""
from pathlib import Path
from tasks.processes import programs
programs.REAPER.add = lambda group: None
with programs.start(["sleep", "300"], cwd=Path({str(tmp_path)!r})) as running:
    print(running.pid, flush=True)
    running.wait()
"""
    parent = subprocess.Popen([PYTHON, "-c", code], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    while b"sleep" not in Path(f"/proc/{child}/cmdline").read_bytes().partition(b"\0")[0]:
        time.sleep(0.01)  # setpriv has not become the program yet
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert wait_for(lambda: not is_alive(child))


def test_target_environment_has_no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "GIT_DIR",
        "PYTHONPATH",
        "PYTHONHASHSEED",
        "VIRTUAL_ENV",
        "PYTEST_ADDOPTS",
        "COV_CORE_SOURCE",
        "CONDA_PREFIX",
        "UV_PROJECT",
        "COLUMNS",
    ):
        monkeypatch.setenv(name, "ours")
    monkeypatch.setenv("THEIRS", "1")
    variables = programs.project_environment({"PYTHONHASHSEED": "7"})
    assert "ours" not in variables.values()
    assert (variables["THEIRS"], variables["PYTHONHASHSEED"], variables["PATH"]) == ("1", "7", os.environ["PATH"])


STARTS_OTHERS = """
import subprocess
import sys
import time
from pathlib import Path

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path(sys.argv[1]).write_text(f"{child.pid}\\n")
time.sleep(600)
"""


@pytest.mark.parametrize("how", ["run", "start"])
def test_a_killed_prprep_takes_its_grandchildren_along(tmp_path: Path, how: str) -> None:
    pid = tmp_path / "pid"
    running = f"[sys.executable, '-c', {STARTS_OTHERS!r}, {str(pid)!r}], cwd=Path('/')"
    block = {"run": f"programs.run({running})", "start": f"with programs.start({running}) as program: program.wait()"}[
        how
    ]
    code = f"import sys\nfrom pathlib import Path\nfrom tasks.processes import programs\n{block}\n"
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    for _ in range(400):
        if pid.exists() and pid.read_text().endswith("\n"):
            break
        time.sleep(0.05)
    grandchild = int(pid.read_text())
    assert is_alive(grandchild)
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not is_alive(grandchild))
