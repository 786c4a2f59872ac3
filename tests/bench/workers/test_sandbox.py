"""What the target's code sees of the user's secrets, and of the machine where it is confined."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tasks.artifacts import SIDES, Recording, TreeSpec
from tasks.bench import trees
from tasks.bench.memory import memory
from tasks.bench.request import SideRequest
from tasks.bench.time import timing
from tasks.bench.workers import sandbox
from tasks.environments import builder
from tasks.errors import MeasuringError
from tasks.git import Clone
from tasks.manifest.model import Optimization
from tasks.processes import programs
from tasks.processes.cores import move
from tasks.processes.descendants import descendants, threads
from tasks.processes.progress import silent
from tasks.processes.secrets import Secrets
from tasks.project.files import FolderTree
from tasks.project.layout import describe
from tests.support.mistakes import (
    BENCHMARK,
    CODE,
    HEAVY,
    LIGHT,
    MEASURES,
    compare,
    is_improved,
    item,
    target,
)
from tests.support.pairs import both, one_launch, pair
from tests.support.projects import PROJECT, SETUPTOOLS
from tests.support.sandboxes import confined, demand_bubblewrap
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

SECRETS = {
    "MY_TOKEN": "",
    "hf_token": "",
    "CLIENT_SECRET": "",
    "DB_PASSWORD": "",
    "PGPASSWORD": "",
    "MYSQL_PWD": "",
    "OPENAI_API_KEY": "",
    "SIGNING_KEY": "",
    "SSH_PRIVATE_KEY_FILE": "",
    "GOOGLE_APPLICATION_CREDENTIALS": "",
    "AWS_PROFILE": "",
    "AWS_ACCESS_KEY_ID": "",
    "GH_HOST": "",
    "GITHUB_ACTOR": "",
    "SSH_AUTH_SOCK": "",
    "DATABASE_URL": "postgres://me:{}@host/db",
    "PIP_INDEX_URL": "https://{}@index.example.org/simple",
    "UV_INDEX_PRIVATE_PASSWORD": "",
}
HARMLESS = {
    "TOKENIZERS_PARALLELISM": "false",
    "KEYBOARD": "de",
    "PWD": "/somewhere",
    "OMP_NUM_THREADS": "1",
    "HOMEPAGE": "https://host:8080/a@b",
    "PLAIN_REMOTE": "ssh://git@host/x",
}


@pytest.fixture
def secrets(monkeypatch):
    values = {name: (form or "{}").format(f"hush-{name.lower()}") for name, form in SECRETS.items()}
    for name, value in {**values, **HARMLESS}.items():
        monkeypatch.setenv(name, value)
    return values


def test_the_target_sees_no_secrets(secrets):
    given = programs.project_environment({"EXTRA_TOKEN": "ours"})
    assert not secrets.keys() & given.keys()
    assert "hush" not in json.dumps(given)
    assert HARMLESS.items() <= given.items()
    assert given["EXTRA_TOKEN"] == "ours"


def test_only_named_variables_are_passed(secrets):
    given = programs.project_environment(passed=("hf_token", "DATABASE_URL", "NOT_THERE"))
    assert {name for name, value in given.items() if "hush" in value} == {"hf_token", "DATABASE_URL"}


def test_the_installer_keeps_its_credentials(secrets, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hush@proxy:3128")
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "/elsewhere")
    given = programs.installer_environment({"UV_NO_PROGRESS": "1"})
    kept = {name for name, value in given.items() if "hush" in value}
    assert kept == {"PIP_INDEX_URL", "UV_INDEX_PRIVATE_PASSWORD", "HTTPS_PROXY", "SSH_AUTH_SOCK"}
    assert given["UV_NO_PROGRESS"] == "1"
    assert "UV_PROJECT_ENVIRONMENT" not in given


# -- whole runs -------------------------------------------------------------------------------------

TELLING = """
import json
import os
from pathlib import Path

from project import work


def test_work(benchmark):
    Path(__file__).with_suffix(".json").write_text(json.dumps(dict(os.environ)))
    benchmark(work)
"""


def reports(run, suffix):
    """Read what the benchmark wrote beside itself, in the trees of both sides."""
    trees = Path(os.environ["PRPREP_CACHE"]) / "trees"
    paths = list(trees.glob(f"*/{Path(BENCHMARK).with_suffix('')}*{suffix}"))
    assert len({path.parent for path in paths}) >= 2, run.output
    return [json.loads(path.read_text()) for path in paths]


@pytest.mark.slow
def test_a_benchmark_gets_no_secrets_but_those_that_are_passed(tmp_path, secrets):
    request = pair(tmp_path, **both({"tests/test_benchmark.py": TELLING}))
    sides = {side: replace(request.side(side), passed=tuple(PASSED["pass"])) for side in SIDES}
    one_launch(replace(request, **sides), share=None)
    for side in SIDES:
        assert only_passed_secrets(json.loads((tmp_path / side / "tests/test_benchmark.json").read_text()))


PASSED = {"pass": ["OPENAI_API_KEY", "DB_PASSWORD"]}


def only_passed_secrets(given):
    """Say whether an environment has of the secrets those that the manifest passes, and what is harmless."""
    shown = {name for name, value in given.items() if "hush" in value}
    return (shown, given["TOKENIZERS_PARALLELISM"]) == ({*PASSED["pass"]}, "false")


# -- confined ---------------------------------------------------------------------------------------


PRYING = """
import json
import os
import socket
import sys
import time
from pathlib import Path


def attempt(what):
    try:
        return str(what())
    except OSError as error:
        return type(error).__name__


TRIED = {
    "network": attempt(lambda: socket.create_connection(ADDRESS, timeout=5)),
    "home": attempt(lambda: (Path(HOME) / "secret").read_text()),
    "repository": attempt(lambda: os.listdir(REPOSITORY)),
    "other tree": attempt(lambda: [path for path in Path(__file__).parents[3].iterdir() if path.name != Path(__file__).parents[2].name]),
    "shadow": attempt(lambda: Path("/etc/shadow").read_text()),
    "processes": attempt(lambda: len([name for name in os.listdir("/proc") if name.isdigit()]) < 6),
    "write to usr": attempt(lambda: Path("/usr/lib/prprep-was-here").write_text("")),
    "write to environment": attempt(lambda: (Path(os.__file__).parent / "x").write_text("")),
    "write to site-packages": attempt(lambda: (Path(json.loads(PACKAGES)[0]) / "x").write_text("")) if PACKAGES else "",
    "own home": attempt(lambda: (Path.home() / "x").write_text("x")),
    "own tmp": attempt(lambda: Path("/tmp/prprep-was-here").write_text("x")),
    "tmp holds": attempt(lambda: sorted(name for name in os.listdir("/tmp") if "pytest" in name)),
    "environment": dict(os.environ),
}
Path(__file__).with_suffix(f".{time.time_ns()}{SUFFIX}").write_text(json.dumps(TRIED))
"""


@pytest.mark.slow(0.5)
def test_confined_code_reaches_nothing_but_its_tree(tmp_path, secrets, monkeypatch):
    """It sees no secrets either."""
    metrics = ["memory", "import"]
    monkeypatch.delenv("PIP_INDEX_URL")  # uv would ask there
    demand_bubblewrap()
    import socket

    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("hush")
    with socket.create_server(("127.0.0.1", 0)) as server:
        suffix = f".{tmp_path.name}"
        facts = {
            "SUFFIX": suffix,
            "ADDRESS": server.getsockname(),
            "HOME": str(home),
            "REPOSITORY": str(tmp_path / "repo"),
        }
        known = "".join(f"{name} = {value!r}\n" for name, value in facts.items())
        packages = "import pytest, json\nPACKAGES = json.dumps([__import__('os').path.dirname(pytest.__path__[0])])\n"
        repo = target(tmp_path, {BENCHMARK: known + packages + PRYING + MEASURES})
        with untouched(repo.path):
            run = compare(repo, item(sandbox="bwrap", metrics=metrics, timeout=60, env=PASSED))
    assert run.code == 0, run.output
    for tried in reports(run, suffix):
        refused = {
            "network",
            "home",
            "repository",
            "shadow",
            "write to usr",
            "write to environment",
            "write to site-packages",
        }
        assert {name for name in refused if not tried[name].endswith("Error")} == set(), tried
        assert (tried["processes"], tried["own home"], tried["own tmp"]) == ("True", "1", "1")
        assert tried["other tree"] == "[]"
        assert only_passed_secrets(tried["environment"])
    assert not Path("/tmp/prprep-was-here").exists()
    assert is_improved(run.comparison())
    assert list(run.state().glob("profiles/*.html"))


LEAVING = """
import os
import sys

try:
    with open(OUTSIDE + "/" + str(os.getpid()), "w") as out:
        out.write(" ".join(sys.argv))
except OSError:
    pass
"""
TESTS = """
import base64
import json
import os
from urllib.parse import quote

import pytest
from textkit import total

SECRET = os.environ["PLAIN_NAME"]
FORMS = [
    SECRET, SECRET.encode(), "Basic " + base64.b64encode(b"me:" + SECRET.encode()).decode(), quote(SECRET, safe=""),
    {SECRET: [1]}, json.dumps({"auth": SECRET}), (SECRET, 1), "words and words before " + SECRET, SECRET.encode().hex(),
]


@pytest.mark.parametrize("note", FORMS)
def test_total(note):
    print("a test printed", note)
    assert total(2_000 + len(str(note)) * 50, note)


def test_without_a_note():
    assert total(12_000)  # by far the longest call, on a busy machine as well


def test_that_fails():
    os.environ.pop("PLAIN_NAME")
    assert total(20_000, SECRET) == SECRET
"""


@pytest.mark.slow(0.5)
def test_no_stage_leaves_the_sandbox_or_writes_what_it_was_passed(tmp_path, monkeypatch):
    """From recording on, of tests or a command, every process that imports the project tries to write outside."""
    demand_bubblewrap()
    outside, secret = tmp_path / "outside", "hush+Hush/31415926 5"
    outside.mkdir()
    monkeypatch.setenv("PLAIN_NAME", secret)
    code = f"OUTSIDE = {str(outside)!r}\n{LEAVING}\n" + HEAVY.replace("size=1000", "size=1000, note=None")
    light = code.partition("def total")[0] + LIGHT.replace("size=1000", "size=1000, note=None")
    repo = target(tmp_path, {CODE: code, BENCHMARK: None, "tests/test_total.py": TESTS}, {CODE: light})
    settings = item(sandbox="bwrap", functions=["textkit:total"], env={"pass": ["PLAIN_NAME"]}, tests=True)
    del settings["benchmark"]
    driven = {"id": "driven", "drive": "python -m pytest tests/test_total.py --color=no", "tests": False}
    with untouched(repo.path):
        run = compare(repo, settings, settings | driven)
    assert list(outside.iterdir()) == []
    for name, ran in (("faster", "tests/test_total.py"), ("driven", "the command of `drive`")):
        assert is_improved(run.comparison(name), test=run.comparison(name).tests[0])
        recording = Recording.read(run.state(name) / "record.json")
        assert (recording.calls, recording.ran) == (11, (ran,))
    written = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    forms = [form.encode() for form in Secrets([secret]).forms]
    assert {str(path) for path, content in written.items() for form in forms if form in content} == set()
    assert not Secrets([secret]).are_in(run.output)
    assert "--color=no" not in run.output


FORKS = """
import os
import sys
import time

def work(size=1000):
    if process := os.fork():
        os.waitpid(process, 0)
        return 499500
    held = bytearray(b"x") * (20 << 20)
    time.sleep(0.05)
    os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the system reports no proportional set size")
def test_child_processes_are_sampled_in_the_sandbox(tmp_path, monkeypatch):
    """Where they have other ids."""
    demand_bubblewrap()
    for name in ("REPEATS", "MOST_REPEATS"):
        monkeypatch.setattr(memory, name, 1)
    request = pair(tmp_path, **both({"src/project/__init__.py": FORKS}), metrics=("memory",))
    request = replace(request, base=confined(request.base), head=confined(request.head))
    peak, *_ = memory.measure_memory(request, random.Random(1), silent).measurements
    assert peak.together
    assert 20 << 20 < peak.launches[0].base[0] < 25 << 20


@pytest.mark.slow
def test_a_confined_process_ends_with_the_run(tmp_path):
    demand_bubblewrap()
    waiting = both({"tests/test_benchmark.py": "import time\n\ntime.sleep(600)\n"})
    request = pair(tmp_path, **waiting, timeout=1.0)
    request = replace(request, base=confined(request.base), head=confined(request.head))
    with pytest.raises(MeasuringError, match="time limit"):
        timing.measure_time(request, random.Random(1), silent)
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in "".join(line for line in left.splitlines(keepends=True) if "bwrap" in line)


@pytest.mark.slow
def test_nothing_that_confined_code_leaves_in_its_tree_is_built(tmp_path):
    """An environment is built outside of the sandbox, also after a run: for a repair, or if its files are gone."""
    cache, escaped = Path(os.environ["PRPREP_CACHE"]), tmp_path / "escaped"
    repo = TargetRepo(tmp_path / "repo", {"pyproject.toml": SETUPTOOLS + PROJECT, "pages.py": ""})
    layout, settings = describe(FolderTree(repo.path)), Optimization(id="x", head="h").env

    def built():
        with Clone.open(str(repo.path), cache) as clone:
            spec = TreeSpec(commit=repo.head, tree=clone.tree_of(repo.head))
            open_clone = partial(Clone.open, str(repo.path), cache)
            checkout = trees.check_out(clone, spec, {}, open_clone=open_clone, cache=cache, confined=True)
            assert checkout.tree != trees.prepare(clone, spec, {}, cache=cache)
        return checkout.tree, builder.build(checkout.tree, layout, settings, cache=cache, renew=checkout.renew)

    tree, environment = built()
    (tree / ".gitignore").write_text("*\n")
    (tree / "setup.py").write_text(f"open({str(escaped)!r}, 'w').close()\nimport setuptools\nsetuptools.setup()\n")
    assert built() == (tree, environment)
    for metadata in tree.glob("*.egg-info"):
        shutil.rmtree(metadata)
    assert built() == (tree, environment)
    assert list(tree.glob("*.egg-info"))
    assert not escaped.exists()
    assert not (tree / "setup.py").exists()


@pytest.mark.slow
def test_environments_are_compiled_once_and_the_base_python_never(tmp_path):
    paths = {}
    for name in ("own", "shared", "base"):
        paths[name] = tmp_path / name / "lib/python3.11/site-packages/module.py"
        paths[name].parent.mkdir(parents=True)
        paths[name].touch()
        (tmp_path / name / "pyvenv.cfg").touch()
    (tmp_path / "base/pyvenv.cfg").unlink()
    request, seen = pair(tmp_path / "pair", controlled=True), tmp_path / "seen"
    seen.write_text("")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    folders = {"base": ("own", "shared", "base"), "head": ("shared", "base"), "control": ("shared",)}
    sides = {
        role: replace(
            request.side(role), python=python, confined=True, environments=tuple(tmp_path / name for name in names)
        )
        for role, names in folders.items()
    }
    elsewhere = tmp_path / "elsewhere"
    sides["control"] = replace(sides["control"], pycache=elsewhere)
    sandbox.compile_environments(replace(request, **sides))
    assert {name for name, path in paths.items() if list(path.parent.rglob("*.pyc"))} == {"own", "shared"}
    assert [line.count("site-packages") for line in seen.read_text().splitlines()] == [2, 1]
    assert len(list(elsewhere.rglob("module.*.pyc"))) == 1


def test_missing_bubblewrap_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(sandbox, "_program", lambda: "")
    with pytest.raises(MeasuringError) as caught:
        sandbox.check()
    assert str(caught.value) == (
        "`sandbox: bwrap` needs bubblewrap, which is not installed on this machine\n"
        "  install it (`apt-get install bubblewrap`), or remove `sandbox` from the item; nothing was measured"
    )


def test_refused_namespaces_are_one_clear_error(tmp_path, monkeypatch):
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(sandbox, "_program", lambda: str(refusing))
    with pytest.raises(
        MeasuringError, match="is not possible on this machine: No permissions to create new namespace"
    ) as caught:
        sandbox.check()
    assert "remove `sandbox`" in caught.value.hint


def test_a_side_without_sandbox_has_no_wrapper(tmp_path):
    assert sandbox.wrapper(SideRequest(tmp_path, tmp_path), tmp_path, worker=tmp_path) == ()
    assert sandbox.variables(SideRequest(tmp_path, tmp_path), tmp_path) == {}


@pytest.mark.slow
def test_a_confined_process_can_be_moved_to_a_core(tmp_path):
    demand_bubblewrap()
    confinement = sandbox.wrapper(SideRequest(tmp_path, tmp_path, confined=True), tmp_path, worker=tmp_path)
    with programs.start([*confinement, "/bin/sleep", "60"], cwd=tmp_path) as running:
        inside = sleeping(running.pid)
        core = min(os.sched_getaffinity(inside))
        for pid in (running.pid, *descendants(running.pid)):
            for thread in threads(pid):
                move(thread, (core,))
        assert os.sched_getaffinity(inside) == {core}
    for _ in range(100):
        if not Path(f"/proc/{inside}").exists():
            return
        time.sleep(0.05)
    raise AssertionError("it outlives its block")


def sleeping(pid):
    for _ in range(200):
        for below in descendants(pid):
            if Path(f"/proc/{below}/cmdline").read_bytes().startswith(b"/bin/sleep"):
                return below
        time.sleep(0.05)
    raise AssertionError("nothing runs in the sandbox")
