"""Which lines of a call are executed, in interpreters with `sys.monitoring` and without it."""

from __future__ import annotations

import json
import subprocess

import pytest

from tasks.bench.workers.workers import WORKER_FOLDER
from tests.support.pairs import write
from tests.support.pythons import interpreter

pytestmark = pytest.mark.slow

CODE = """
import queue
import threading

jobs, done = queue.Queue(), queue.Queue()

def serve():
    while True:
        done.put(jobs.get()())

threading.Thread(target=serve, daemon=True).start()

class Table:
    @property
    def rows(self):
        return self.kept

    @rows.setter
    def rows(self, rows):
        self.kept = list(rows)

def in_thread():
    return 1

def in_old_thread():
    return 2

key = lambda row: (
    row + 1
)

def call():
    table = Table()
    table.kept = [1]
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    jobs.put(in_old_thread)
    return table.rows, done.get(), key(1)

def setter():
    table = Table()
    table.rows = [1]
    return table.rows
"""
PROGRAM = """
import json, sys
sys.path[:0] = [{worker!r}, {tree!r}]
import lines
from prprep_worker.benchmark import watch
seen = []
for function in (lines.call, lines.setter, lines.call):
    executed = {{"lines.py": []}}
    with watch._traced({{"lines.py": list(range(1, 60))}}, {tree!r}, executed):
        function()
    seen.append(executed["lines.py"])
print(json.dumps(seen))
"""


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_executed_lines_are_those_of_the_call_in_all_threads(tmp_path, version):
    python = interpreter(tmp_path, version)
    write(tmp_path, {"lines.py": CODE})
    program = PROGRAM.format(worker=str(WORKER_FOLDER), tree=str(tmp_path))
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, setter, again = json.loads(done.stdout)
    source = ["", *(tmp_path / "lines.py").read_text().splitlines()]
    code = [source[line].strip() for line in first]
    assert {"return self.kept", "return 1", "row + 1"} <= set(code)
    assert "self.kept = list(rows)" not in code
    assert "self.kept = list(rows)" in [source[line].strip() for line in setter]
    assert again == first
    # Without `sys.monitoring`, a thread that began before the call is not seen.
    assert ("return 2" in code) is (version == "3.13")
