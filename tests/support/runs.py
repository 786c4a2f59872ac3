"""Run prprep in a process of its own, forked from one that has imported it once."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]

_BUSY = threading.Lock()

_SERVER = """
import gc
import importlib
import json
import os
import pkgutil
import sys

# What runs import late is imported here as well.
LATE = "git ruamel.yaml jinja2 hypothesis.strategies plumbum.machines.local mdit_py_plugins.tasklists"


def preload():
    import tasks

    for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
        if not module.name.startswith("tasks.worker") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in LATE.split():
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    compile_templates()
    find_out()
    gc.collect()
    gc.freeze()


def compile_templates():
    from tasks.body.placeholders import FILTERS
    from tasks.stages.report import html_templates
    from tasks.storage.paths import shipped_templates
    from tasks.text import markdown, templating

    environment = templating._environment(None, markdown.finished)
    environment.filters.update(FILTERS)
    for path in shipped_templates().glob("*.md.j2"):
        environment.get_template(path.name)
    for path in html_templates.FOLDER.glob("*.j2"):
        html_templates._environment().get_template(path.name)


def find_out():
    # What every run tries of the system once.
    from tasks.bench.workers import memory_layout
    from tasks.environments import diagnoses
    from tasks.processes import programs

    programs._leash()
    memory_layout.can_choose()
    diagnoses.tables()


def become(order):
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["env"])
    for number, stream in enumerate((os.devnull, order["out"], order["err"])):
        opened = os.open(stream, os.O_WRONLY | os.O_APPEND if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["prprep", *order["arguments"]]
    from tests.support.briefly import main

    main()


replies = os.fdopen(os.dup(1), "w")
orders = os.fdopen(os.dup(0), "r")
os.dup2(os.open(os.devnull, os.O_RDWR), 1)
preload()
while line := orders.readline():
    child = os.fork()
    if not child:
        orders.close()
        replies.close()
        become(json.loads(line))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(code, file=replies, flush=True)
"""


@cache
def _server() -> subprocess.Popen[str]:
    """Start the process that has imported prprep; it ends with this one."""
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    server = subprocess.Popen([sys.executable, "-P", "-c", _SERVER], cwd=CHECKOUT, env=env, **streams)
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[str]) -> None:
    server.stdin.close()
    server.wait()


def prprep(
    arguments: Sequence[str], *, folder: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run prprep with `arguments` in `folder`, with exactly the variables of `env`, default ours; never raise.

    The process is forked from one that has imported everything, which saves a second of each run; it repeats as little
    as `briefly` says. What a start itself does, and what a PYTHONPATH does to prprep, shows only in one started anew.
    """
    variables = dict(os.environ if env is None else env)
    with tempfile.TemporaryDirectory(prefix="prprep-tests-") as streams, _BUSY:
        out, err = Path(streams, "out"), Path(streams, "err")
        out.touch()
        err.touch()
        order = {"arguments": [*arguments], "folder": str(folder), "env": variables, "out": str(out), "err": str(err)}
        server = _server()
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        return subprocess.CompletedProcess(["prprep", *arguments], code, out.read_text(), err.read_text())
