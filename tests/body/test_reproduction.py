from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.artifacts import MetricName, TreeSpec
from tasks.body.reproduction import manifest_text
from tasks.manifest.reader import read
from tasks.stages.render.render import bounded
from tests.support.evidence import (
    BENCHMARK,
    CPU_IMPROVED,
    DETECTION,
    HEAD,
    IMPORT_IMPROVED,
    INJECTION,
    ITEM,
    LAYOUT,
    SCAFFOLDING,
    SHA256,
    Case,
)
from tests.support.targets import TargetRepo


def body_of(case: Case) -> str:
    return bounded(case.evidence, None).text


def visible(body: str) -> str:
    return re.sub(r"<details>.*?</details>", "", body, flags=re.DOTALL)


def manifest_in(body: str) -> dict:
    return yaml.safe_load(re.search(r"```yaml\n(.*?)```", body, re.DOTALL)[1])


def test_the_manifest_names_commits_and_settings():
    item = ITEM.model_copy(update={"budget": 40.0, "base": "main", "head": "feature", "pr": 3, "details": "x"})
    item = item.model_copy(
        update={
            "env": item.env.model_copy(
                update={"python": "/opt/python", "install": ("--index-url https://ada:secret@example.org/simple",)}
            )
        }
    )
    assert manifest_in(body_of(Case(item=item))) == {
        "version": 1,
        "upstream": DETECTION.base,
        "optimizations": [
            {
                "id": "merge_lines",
                "base": DETECTION.base,
                "head": DETECTION.head,
                "domain": ["cpu"],
                "functions": ["pagelayout.text:merge_lines"],
                "benchmark": BENCHMARK,
                "budget": 40.0,
                "env": {"install": ["--index-url https://example.org/simple"]},
            }
        ],
    }


def test_a_cherry_picked_head_is_named_by_its_picks():
    body = body_of(Case(detection=DETECTION.model_copy(update={"picked": ("aa" * 20, "bb" * 20)})))
    (entry,) = manifest_in(body)["optimizations"]
    assert (entry["commits"], "head" in entry) == (["aa" * 20, "bb" * 20], False)
    assert f'git worktree add --detach "$work"/head {DETECTION.base}\n' in body
    assert f'git -C "$work"/head cherry-pick --no-commit {"aa" * 20} {"bb" * 20}\n' in body
    assert f"`{HEAD}`" not in visible(body)


@pytest.mark.parametrize(
    ("runner", "command"),
    [
        ("uv run python", f"uv run --with pytest-benchmark --with pytest-memray python -m pytest {BENCHMARK}\n"),
        (
            "poetry run python",
            f"poetry install\n  poetry run python -m pip install pytest-benchmark pytest-memray\n  poetry run python -m pytest {BENCHMARK}\n",
        ),
        (
            "hatch run python",
            f"hatch run pip install pytest-benchmark pytest-memray\n  hatch run python -m pytest {BENCHMARK}\n",
        ),
        ("python", f'PYTHONPATH="$work/$side"/src python -m pytest {BENCHMARK}\n'),
    ],
)
def test_plain_pytest_runs_as_the_project_does(runner, command):
    assert f"  {command}" in body_of(
        Case(detection=DETECTION.model_copy(update={"layout": LAYOUT.model_copy(update={"runner": runner})}))
    )


@pytest.mark.parametrize(
    ("runner", "built", "commands"),
    [
        (
            "python",
            "src/pagelayout/fast.so",
            (
                "  python -m pip install --quiet --no-deps --editable .\n"
                f'  PYTHONPATH="$work/$side"/src python -m pytest {BENCHMARK}\n'
            ),
        ),
        (
            "python",
            "build/cp312/fast.so",
            f"  python -m pip install --quiet --no-deps --editable .\n  python -m pytest {BENCHMARK}\n",
        ),
        ("poetry run python", "src/pagelayout/_version.py", "  poetry install\n  poetry run python -m pip install"),
    ],
)
def test_each_worktree_is_built_if_the_benchmark_imports_what_a_build_makes(runner, built, commands):
    detection = DETECTION.model_copy(update={"layout": LAYOUT.model_copy(update={"runner": runner})})
    case = Case(CPU_IMPROVED.model_copy(update={"built": (built,)}), detection=detection)
    assert commands in body_of(case)
    installs = "# this builds each side and installs it into this Python: use a virtual environment\n"
    assert (installs in body_of(case)) is (runner == "python")
    confined = case.vary(item=ITEM.model_copy(update={"sandbox": "bwrap"}))
    if runner == "python":
        assert "git worktree add" not in body_of(confined)
        assert "There are no commands for plain pytest: they would have to build each side, which" in body_of(confined)


def test_there_are_no_pytest_commands_if_a_conftest_replaces_the_fixture():
    injection = INJECTION.model_copy(update={"own_fixture": "tests/conftest.py"})
    body = body_of(Case(CPU_IMPROVED, injection=injection))
    assert "git worktree add" not in body
    assert "There are no commands for plain pytest: tests/conftest.py defines a fixture named benchmark" in body


def test_the_variables_of_the_projects_tests_are_set():
    variables = {"ITEMS": "3000", "TITLE": "it's $HOME"}
    body = body_of(Case(CPU_IMPROVED.model_copy(update={"variables": variables})))
    assert "  export ITEMS=3000\n  export TITLE='it'\"'\"'s $HOME'\n" in body


def test_paths_are_quoted_for_the_shell():
    path = "tests/my benchmarks/test_$(x)`y`.py"
    case = Case(
        scaffolding=SCAFFOLDING.model_copy(update={"path": path}),
        injection=INJECTION.model_copy(
            update={"base": TreeSpec(commit=DETECTION.base, files={path: SHA256}, tree="a" * 40)}
        ),
    )
    assert f"cp \"$work\"/head/'{path}' \"$work\"/base/'{path}'\n" in body_of(case)


def test_a_benchmark_that_a_commit_holds_is_taken_from_that_sides_worktree():
    """Injecting writes it over both trees; a reader's checkout need not have it."""
    both = {"base": TreeSpec(commit=DETECTION.base, files={BENCHMARK: SHA256}, tree="a" * 40)}
    both["head"] = TreeSpec(commit=HEAD, files={BENCHMARK: SHA256}, tree="b" * 40)
    injection = INJECTION.model_copy(update=both)
    body = body_of(Case(injection=injection))
    assert re.findall(r"^cp .*$", body, re.MULTILINE) == [f'cp "$work"/head/{BENCHMARK} "$work"/base/{BENCHMARK}']
    assert "the benchmark below" not in body
    body = body_of(
        Case(
            injection=injection, scaffolding=SCAFFOLDING.model_copy(update={"origin": "base", "source": DETECTION.base})
        )
    )
    assert re.findall(r"^cp .*$", body, re.MULTILINE) == [f'cp "$work"/base/{BENCHMARK} "$work"/head/{BENCHMARK}']


def test_the_readers_own_tree_is_never_touched():
    assert not re.search(r"git (stash|checkout|switch|reset)", body_of(Case()))


def target(folder: Path) -> tuple[TargetRepo, str]:
    """Make a repository in src layout, not installed, whose head adds a benchmark and a faster function."""
    repo = TargetRepo(
        folder / "target",
        {"src/pagelayout/__init__.py": "", "src/pagelayout/text.py": "def merge_lines(lines):\n    return 'base'\n"},
    )
    base = repo.head
    benchmark = "from pagelayout.text import merge_lines\n\n\ndef test_x(benchmark):\n    print('SIDE', benchmark(merge_lines, []))\n"
    repo.commit({"src/pagelayout/text.py": "def merge_lines(lines):\n    return 'head'\n", BENCHMARK: benchmark})
    repo.checkout(base)
    return repo, base


@pytest.mark.slow
def test_the_commands_run_each_sides_own_code_and_leave_nothing_behind(tmp_path):
    repo, base = target(tmp_path)
    head = repo.git("rev-parse", "main")
    layout = LAYOUT.model_copy(update={"runner": "python"})
    case = Case(
        comparison=IMPORT_IMPROVED,
        detection=DETECTION.model_copy(update={"base": base, "head": head, "layout": layout}),
        injection=INJECTION.model_copy(
            update={
                "base": TreeSpec(commit=base, files={BENCHMARK: SHA256}, tree="a" * 40),
                "head": TreeSpec(commit=head, tree="b" * 40),
            }
        ),
    )
    commands = re.findall(r"```sh\n(.*?)```", body_of(case), re.DOTALL)[1].replace(
        " -m pytest ", " -m pytest -s -q -p no:cacheprovider "
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = {"cwd": repo.path, "capture_output": True, "text": True}
    # Each benchmark would run for a second.
    variables = {"PATH": path, "TMPDIR": str(tmp_path), "PYTEST_ADDOPTS": "--benchmark-max-time=0.05"}
    done = subprocess.run(["bash", "-c", commands], check=True, env={**os.environ, **variables}, **run)
    assert re.findall(r"SIDE (\w+)", done.stdout) == ["base", "head"]
    assert repo.git("status", "--porcelain") == ""
    assert len(repo.git("worktree", "list").splitlines()) == 1


def test_the_manifest_is_one_that_prprep_reads(tmp_path):
    item = ITEM.model_copy(update={"budget": 40.0, "negligible": 0.02, "metrics": ("time", "memory")})
    item = item.model_copy(update={"drive": "python convert.py --token=hunter2 /srv/data/private.pdf"})
    path = tmp_path / "prprep.yaml"
    path.write_text(manifest_text(item, DETECTION, SCAFFOLDING), encoding="utf-8")
    assert "drive" not in path.read_text(encoding="utf-8")
    assert "hunter2" not in body_of(Case(item=item))
    (found,) = read(path).manifest.optimizations
    assert (found.id, found.base, found.head, found.benchmark) == (item.id, DETECTION.base, DETECTION.head, BENCHMARK)
    assert (found.budget, found.negligible, found.metrics, found.functions) == (
        40.0,
        0.02,
        ("time", "memory"),
        item.functions,
    )


@pytest.mark.parametrize(
    ("metrics", "listed"),
    [
        ({MetricName.TIME}, "the project's dependencies and pytest-benchmark"),
        (set(MetricName), "the project's dependencies, pytest-benchmark and pytest-memray"),
    ],
)
def test_what_a_reader_has_to_install_is_a_list(metrics, listed):
    layout = DETECTION.layout.model_copy(update={"runner": "python"})
    changes = tuple(change for change in CPU_IMPROVED.changes if change.metric in metrics)
    detection = DETECTION.model_copy(update={"layout": layout})
    body = body_of(Case(CPU_IMPROVED.model_copy(update={"changes": changes}), detection=detection))
    assert f"# this Python needs {listed}\n" in body


def test_a_reader_gets_packages_of_the_same_date():
    old = CPU_IMPROVED.model_copy(update={"packages_as_of": "2021-03-04"})
    by_uv = "  UV_EXCLUDE_NEWER=2021-03-04T23:59:59Z uv run --with pytest-benchmark "
    assert by_uv in body_of(Case(comparison=old))
    layout = LAYOUT.model_copy(update={"runner": "poetry run python"})
    detection = DETECTION.model_copy(update={"layout": layout})
    body = body_of(Case(comparison=old, detection=detection))
    assert (
        "# this Python needs the project's dependencies as of 2021-03-04, pytest-benchmark and pytest-memray\n" in body
    )
