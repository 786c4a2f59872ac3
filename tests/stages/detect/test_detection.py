from __future__ import annotations

import os

import pytest

from tasks.artifacts import Presence
from tasks.errors import SourceError
from tasks.git import Clone, Refs
from tasks.manifest.model import BenchmarkCode, EnvironmentSettings, Optimization
from tasks.stages.detect.detect import detection_of
from tests.support.histories import PROJECT, commit, detected, history
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow

TABLES = "src/pages/tables.py"
EXTRACT = "def extract(pages):\n    found = [page.table for page in pages]\n    return found\n"
LAZY = "def extract(pages):\n    for page in pages:\n        yield page.table\n"
BENCHMARK = "from pages.tables import extract\n\n\ndef test_benchmark(benchmark):\n    benchmark(extract, [])\n"


def item(**fields):
    return Optimization(**{"id": "it", "head": "faster", **fields})


@pytest.fixture
def repo(tmp_path):
    return history(tmp_path, {TABLES: EXTRACT}, {TABLES: LAZY}, "Yield tables\n\nThe peak was high.")


def test_the_whole_inventory(tmp_path):
    base = {
        TABLES: EXTRACT,
        "uv.lock": "",
        "requirements.txt": "numpy==1.26.4\n",
        "tests/benchmarks/test_speed.py": BENCHMARK,
        "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n",
        ".github/PULL_REQUEST_TEMPLATE.md": "Why?\n",
    }
    repo = history(
        tmp_path, base, {TABLES: LAZY, "requirements.txt": "numpy==2.0.0\n"}, "Yield tables\n\nThe peak was high."
    )
    repo.git("remote", "add", "origin", "git@github.com:ada/pages.git")
    main, faster = repo.git("rev-parse", "main"), repo.head
    with untouched(repo.path):
        found = detected(repo)
    blob = repo.git("hash-object", "tests/benchmarks/test_speed.py")
    assert found.model_dump(exclude={"layout"}) == {
        "has_conventional_titles": False,
        "benchmark_tool": None,
        "item": "it",
        "title": "Yield tables",
        "base": main,
        "head": faster,
        "base_ref": main,
        "head_ref": "faster",
        "upstream": main,
        "upstream_ref": "main",
        "slug": "ada/pages",
        "commits": ({"sha": faster, "title": "Yield tables", "message": "The peak was high.", "author": "Ada"},),
        "picked": (),
        "files": ("requirements.txt", TABLES),
        "functions": (
            {
                "path": TABLES,
                "module": "pages.tables",
                "name": "extract",
                "status": "modified",
                "base_path": TABLES,
                "base_name": "extract",
                "is_async": False,
                "lines": (1, 3),
                "base_lines": (1, 3),
                "only_moved": False,
            },
        ),
        "target": "pages.tables:extract",
        "target_reason": "it changed, and tests/benchmarks/test_speed.py calls it",
        "domain": {
            "domains": ("mem",),
            "reason": '"peak" in a commit message; yield replaces a list in pages.tables:extract',
            "given": False,
        },
        "benchmark": {"path": "tests/benchmarks/test_speed.py", "base": blob, "head": blob, "worktree": blob},
        "dependencies": (
            {"file": "requirements.txt", "name": "numpy", "base": "numpy==1.26.4", "head": "numpy==2.0.0"},
        ),
        "changelog": "keep-a-changelog CHANGELOG.md",
        "pull_request_template": ".github/PULL_REQUEST_TEMPLATE.md",
        "template_text": "Why?\n",
        "contribution_rules": (),
        "notes": (),
    }
    assert (found.layout.kind, found.layout.packages, found.layout.runner) == ("src", ("pages",), "uv run python")
    assert found.function == "extract"


def test_what_the_manifest_says_wins(repo):
    repo.git("tag", "v1", "main")
    repo.git("remote", "add", "origin", "git@github.com:ada/pages.git")
    given = item(
        title="Tables one by one",
        base="v1",
        domain=("cpu", "mem"),
        functions=("pages.tables:extract",),
        benchmark="./perf/./test_tables.py",
        pr=12,
        env=EnvironmentSettings(runner="make python"),
    )
    found = detected(repo, given, slug="grace/pages")
    assert (found.title, found.base_ref, found.head_ref, found.slug) == (
        "Tables one by one",
        "v1",
        "faster",
        "grace/pages",
    )
    assert (found.domain.domains, found.domain.given, found.domain.reason) == (
        ("cpu", "mem"),
        True,
        "the manifest says so",
    )
    assert (found.target, found.target_reason) == ("pages.tables:extract", "the manifest names it")
    assert found.benchmark == Presence(path="perf/test_tables.py", base=None, head=None, worktree=None)
    assert found.layout.runner == "make python"


def test_an_upstream_of_the_fork_is_noted(repo):
    for remote, slug in (("origin", "me/pages"), ("upstream", "octo/pages")):
        repo.git("remote", "add", remote, f"git@github.com:{slug}.git")
        repo.git("update-ref", f"refs/remotes/{remote}/main", "main")
    assert detected(repo, upstream_ref="upstream/main").notes == detected(repo, upstream_ref="main").notes == ()
    (note,) = detected(repo, upstream_ref="origin/main").notes
    assert note.startswith("Pull requests go to the remote `upstream`, but prprep starts from `origin/main`")


# -- the target -----------------------------------------------------------------------------------------


def test_of_several_functions_the_first_is_the_target(repo):
    found = detected(repo, item(functions=("pages.tables:extract", "pages.tables")))
    assert (found.target, found.target_reason) == ("pages.tables:extract", "the manifest names it first")


CYTHON = """cdef double square(double x):
    return x * x


def total(int n):
    return sum([square(i) for i in range(n)])


cdef class Counter:
    def add(self, int n):
        return [n]
"""
FAST = "src/pages/fast.pyx"


@pytest.mark.parametrize(
    ("old", "new", "target", "reason"),
    [
        ("sum([square(i) for i in range(n)])", "0", "pages.fast:total", "it is the only public function that changed"),
        ("x * x", "x", "pages.fast:total", "it is the only public function that changed"),  # it uses what changed
        ("[n]", "n", "pages.fast:Counter.add", "it is the only public function that changed"),
        (
            "    return sum",
            "    # twice\n    return sum",
            None,
            "no Python function of the project changed, but compiled",
        ),
    ],
)
def test_the_target_of_a_change_in_cython(tmp_path, old, new, target, reason):
    repo = history(tmp_path, {FAST: CYTHON}, {FAST: CYTHON.replace(old, new)})
    found = detected(repo)
    assert (found.target, found.functions) == (target, ())
    assert found.target_reason.startswith(reason)
    assert FAST in found.target_reason


INIT = "src/pages/__init__.py"


def test_a_new_version_does_not_hide_a_change_in_cython(tmp_path):
    faster = CYTHON.replace("sum([square(i) for i in range(n)])", "0")
    base = {FAST: CYTHON, INIT: "version = 1\n"}
    found = detected(history(tmp_path, base, {FAST: faster, INIT: "version = 2\n"}))
    assert found.target == "pages.fast:total"
    assert found.target_reason == f"it is the only public function that changed (1 line), in compiled source: {FAST}"


def test_a_new_version_does_not_hide_a_change_in_c(tmp_path):
    base = {"src/pages/fast.c": "int x = 1;\n", INIT: "version = 1\n"}
    found = detected(history(tmp_path, base, {"src/pages/fast.c": "int x = 2;\n", INIT: "version = 2\n"}))
    assert found.target == "pages"
    assert "compiled source changed too: src/pages/fast.c; name its benchmark" in found.target_reason


def test_python_that_becomes_cython_needs_a_named_function(tmp_path):
    python = {"src/pages/fast.py": "def total(n):\n    return sum(range(n))\n"}
    found = detected(history(tmp_path, python, {"src/pages/fast.py": None, FAST: CYTHON}))
    assert found.target is None
    assert found.target_reason.startswith(
        "functions were only removed: none that changed exists at both base and head;"
    )
    assert f"compiled source changed too: {FAST}; name its benchmark" in found.target_reason


def test_the_target_is_no_cython_code_of_tests(tmp_path):
    path = "src/pages/tests/fast.pyx"
    faster = CYTHON.replace("sum([square(i) for i in range(n)])", "0")
    found = detected(history(tmp_path, {path: CYTHON}, {path: faster}))
    assert (found.target, found.target_reason) == (None, "no function of the project changed")


def test_a_function_in_cython_is_found_and_so_is_its_benchmark(tmp_path):
    benchmark = "from pages.fast import total\n\n\ndef test_it(benchmark):\n    benchmark(total, 3)\n"
    base = {FAST: CYTHON, "tests/benchmarks/test_speed.py": benchmark}
    repo = history(tmp_path, base, {FAST: CYTHON.replace("sum([square(i) for i in range(n)])", "0")})
    assert (
        detected(repo).target_reason
        == f"it changed, and tests/benchmarks/test_speed.py calls it, in compiled source: {FAST}"
    )
    found = detected(repo, item(functions=("pages.fast:total",)))
    assert (found.benchmark.path, found.notes) == (
        "tests/benchmarks/test_speed.py",
        (f"Files that are not Python changed too, and may affect what is measured: {FAST}.",),
    )
    with pytest.raises(SourceError, match=r"pages\.fast:totals is neither at head nor at base"):
        detected(repo, item(functions=("pages.fast:totals",)))


def test_a_function_in_other_compiled_source_is_not_said_to_be_missing(tmp_path):
    files = {"src/native/sum.c": "int a;", "setup.py": 'Extension("pages._native", ["src/native/sum.c"])\n'}
    repo = history(tmp_path, files, {"src/native/sum.c": "int b;"})
    assert detected(repo).target_reason == (
        "no Python function of the project changed, but compiled source did: src/native/sum.c; name its benchmark as "
        "`benchmark:`, and the function that it calls as `functions:`"
    )
    found = detected(repo, item(functions=("pages._native:total",)))
    assert found.target == "pages._native:total"
    assert found.notes[0].startswith("`pages._native` is compiled from setup.py, and has no Python file: whether both")


def test_a_benchmark_by_the_names_of_the_project(tmp_path):
    options = "[pytest]\npython_files = bench_*.py\npython_functions = check_*\n"
    checks = "from pages.tables import extract\n\n\ndef check_it(benchmark):\n    benchmark(extract, [])\n"
    base = {TABLES: EXTRACT, "pytest.ini": options}
    assert (
        detected(history(tmp_path / "new", base, {TABLES: LAZY})).benchmark.path == "tests/benchmarks/bench_extract.py"
    )
    old = detected(history(tmp_path / "old", {**base, "perf/bench_all.py": checks}, {TABLES: LAZY}))
    assert (old.target_reason, old.benchmark.path) == (
        "it changed, and perf/bench_all.py calls it",
        "perf/bench_all.py",
    )


# -- submodules, and members of a workspace -------------------------------------------------------------


def bump(repo, commit="1" * 40, message="Bump"):
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},src/pages/vendored")
    repo.git("commit", "--quiet", "-m", message)


@pytest.fixture
def with_submodule(tmp_path):
    modules = '[submodule "v"]\n\tpath = src/pages/vendored\n\turl = https://me:secret@example.org/v.git\n'
    repo = TargetRepo(tmp_path / "target", {"pyproject.toml": PROJECT, TABLES: EXTRACT, ".gitmodules": modules})
    bump(repo)
    repo.branch("faster")
    bump(repo, "2" * 40)
    return repo


@pytest.mark.parametrize("given", [{}, {"benchmark": "tests/test_x.py"}, {"functions": ("pages.tables:extract",)}])
def test_a_change_of_a_submodule_alone_cannot_be_measured(with_submodule, given):
    with pytest.raises(SourceError) as raised:
        detected(with_submodule, item(**given))
    assert raised.value.what.startswith("only a submodule changed (src/pages/vendored)")
    assert "`base: 111111111111` and `head: 222222222222`" in raised.value.hint


def test_a_changed_submodule_is_noted_beside_other_changes(with_submodule):
    with_submodule.commit({TABLES: LAZY, "CHANGELOG.md": "# Changes\n"})
    bump(with_submodule, "2" * 40)  # the commit of all files leaves it out
    found = detected(with_submodule)
    assert found.target == "pages.tables:extract"
    assert found.notes[0].startswith(
        "The submodule src/pages/vendored (https://***@example.org/v.git) is at 222222222222 instead of 111111111111"
    )


def test_a_changed_submodule_is_the_reason_for_no_target(with_submodule):
    with_submodule.commit({"CHANGELOG.md": "# Changes\n"})
    bump(with_submodule, "2" * 40)  # the commit of all files leaves it out
    assert detected(with_submodule).target_reason == (
        "no function of the project changed, but the submodule src/pages/vendored did"
    )


def test_a_function_in_a_submodule_is_said_to_be_there(with_submodule):
    with_submodule.commit({TABLES: LAZY})
    bump(with_submodule, "2" * 40)  # the commit of all files leaves it out
    with pytest.raises(SourceError, match=r"`pages\.vendored\.core` is in the submodule src/pages/vendored"):
        detected(with_submodule, item(functions=("pages.vendored.core:f",)))


ROOT = '[project]\nname = "root"\nversion = "1"\ndependencies = ["app"]\n'
RUN = "tests/benchmarks/test_run.py"


@pytest.mark.parametrize(
    "sources", ['[tool.uv.workspace]\nmembers = ["libs/*"]\n', '[tool.uv.sources]\napp = {path = "libs/app"}\n']
)
def test_benchmark_and_function_of_the_project_that_requires_the_changed_one(tmp_path, sources):
    files = {
        "pyproject.toml": ROOT + sources,
        "root/__init__.py": "from app import f\n\n\ndef run():\n    return f()\n",
        "libs/app/pyproject.toml": '[project]\nname = "app"\nversion = "1"\n',
        "libs/app/app/__init__.py": "def f():\n    return [1]\n",
        RUN: "from root import run\n\n\ndef test_run(benchmark):\n    benchmark(run)\n",
    }
    repo = TargetRepo(tmp_path / "target", files)
    repo.branch("faster")
    repo.commit({"libs/app/app/__init__.py": "def f():\n    return 1\n"})
    alone = detected(repo)
    assert (alone.layout.project, alone.layout.packages, alone.target) == ("libs/app", ("app",), "app:f")
    for given, target in (
        ({"functions": ("root:run",)}, "root:run"),
        ({"benchmark": RUN}, "app:f"),
        ({"functions": ("root:run",), "benchmark": RUN}, "root:run"),
    ):
        found = detected(repo, item(**given))
        assert (found.target, found.benchmark.path) == (target, RUN)
        assert (found.layout.project, found.layout.packages) == ("", ("app", "root"))
        assert [each.target for each in found.functions] == ["app:f"]


def test_a_benchmark_of_a_project_that_does_not_require_the_changed_one(tmp_path):
    files = {
        "tools/pyproject.toml": '[project]\nname = "tools"\n',
        "tools/benches/test_x.py": "",
        "tools/tools/__init__.py": "",
        "app/pyproject.toml": '[project]\nname = "app"\n',
        "app/app/__init__.py": "def f():\n    return [1]\n",
    }
    repo = TargetRepo(tmp_path / "target", files)
    repo.branch("faster")
    repo.commit({"app/app/__init__.py": "def f():\n    return 1\n"})
    found = detected(repo, item(benchmark="tools/benches/test_x.py"))
    assert (found.layout.project, found.layout.import_roots) == ("app", ("app", "tools"))


@pytest.mark.parametrize(
    ("function", "now"),
    [
        ("pages.tables:extrct", "did you mean pages.tables:extract?"),
        ("pages.table:extract", "did you mean pages.tables:extract?"),
        ("zebra:stripes", "write it as `package.module:Qualified.name`, as Python imports it"),
    ],
)
def test_a_function_that_is_nowhere_is_an_error(repo, function, now):
    with pytest.raises(SourceError) as raised:
        detected(repo, item(functions=(function,)))
    assert str(raised.value) == f"it: functions: {function} is neither at head nor at base\n  {now}"


def test_of_a_named_function_the_definition_that_changed_is_the_target(tmp_path):
    code = (
        "@show.register\ndef _(x: int):\n    return 1\n@show.register\ndef _(x: str):\n    return 2\ndef show(x):\n"
        "    return 3\n"
    )
    repo = history(tmp_path / "one", {TABLES: code}, {TABLES: code.replace("return 2", "return -2")})
    found = detected(repo, item(functions=("pages.tables:show",)))
    reason = "pages.tables:show itself did not change; code calls this by the same name"
    assert (found.target, found.target_reason) == ("pages.tables:show.register(str)", reason)
    changed = code.replace("return 2", "return -2").replace("return 3", "return -3")
    repo = history(tmp_path / "both", {TABLES: code}, {TABLES: changed})
    assert detected(repo, item(functions=("pages.tables:show",))).target == "pages.tables:show"
    named = item(functions=("pages.tables:show.register(str)",))
    assert detected(repo, named).target_reason == "the manifest names it"


def test_a_function_of_one_side_is_noted(tmp_path):
    repo = history(tmp_path, {TABLES: "def old():\n    return 1\n"}, {TABLES: "def new():\n    return [2]\n"})
    found = detected(repo, item(functions=("pages.tables:new", "pages.tables:old")))
    assert found.notes == (
        "pages.tables:new exists only at head: a benchmark of it cannot run at base.",
        "pages.tables:old exists only at base: a benchmark of it cannot run at head.",
    )


def test_a_public_name_of_the_package_is_a_target(tmp_path):
    base = {"src/pages/__init__.py": "from .tables import extract\n", TABLES: EXTRACT}
    assert (
        detected(history(tmp_path, base, {TABLES: LAZY}), item(functions=("pages:extract",))).target == "pages:extract"
    )


def test_a_file_that_cannot_be_parsed_matters_where_the_target_is_in_it(tmp_path):
    repo = history(
        tmp_path,
        {TABLES: EXTRACT, "src/pages/b.py": "x = 1\n"},
        {TABLES: "def extract(:\n", "src/pages/b.py": "x = 2\n"},
    )
    with pytest.raises(SourceError) as raised:
        detected(repo, item(functions=("pages.tables:extract",)))
    assert raised.value.where == "src/pages/tables.py:1"
    found = detected(repo, item(functions=("pages.b",)))
    assert [function.name for function in found.functions] == ["<module>"]
    assert found.notes[0].startswith("src/pages/tables.py:1: this file cannot be read by Python ")


# -- the domain -----------------------------------------------------------------------------------------


def test_a_lazy_import_is_struct_and_its_module_the_target(tmp_path):
    base = "import json\n\n\ndef load(path):\n    return json.loads(path)\n"
    repo = history(
        tmp_path, {TABLES: base}, {TABLES: "def load(path):\n    import json\n    return json.loads(path)\n"}
    )
    found = detected(repo)
    assert found.domain.domains == ("struct",)
    assert (
        found.domain.reason
        == "`import json` is removed in the module pages.tables; `import json` is added in pages.tables:load"
    )
    assert (found.target, found.function) == ("pages.tables", "tables")
    assert found.benchmark.path == "tests/benchmarks/test_benchmark_tables.py"


def test_an_async_method_is_async(tmp_path):
    base = "class Loader:\n    async def load(self, pages):\n        return [await page for page in pages]\n"
    head = "import asyncio\n\n\nclass Loader:\n    async def load(self, pages):\n        return await asyncio.gather(*pages)\n"
    found = detected(history(tmp_path, {TABLES: base}, {TABLES: head}))
    assert (found.domain.domains, found.target) == (("async",), "pages.tables:Loader.load")
    assert [function.is_async for function in found.functions] == [False, True]


# -- the benchmark --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({}, "tests/benchmarks/test_benchmark_extract.py"),
        (
            {"tests/benchmarks/test_benchmark_extract.py": BENCHMARK, "tests/benchmarks/test_a.py": BENCHMARK},
            "tests/benchmarks/test_benchmark_extract.py",
        ),
        (
            {"tests/benchmarks/test_a.py": BENCHMARK, "tests/benchmarks/in/test_benchmark_extract.py": BENCHMARK},
            "tests/benchmarks/in/test_benchmark_extract.py",
        ),
        (
            {"tests/benchmarks/test_a.py": BENCHMARK, "tests/benchmarks/test_extract_speed.py": BENCHMARK},
            "tests/benchmarks/test_extract_speed.py",
        ),
        (
            {"tests/benchmarks/test_b.py": BENCHMARK, "tests/benchmarks/test_a.py": BENCHMARK},
            "tests/benchmarks/test_a.py",
        ),
        (
            {"tests/benchmarks/test_a.py": BENCHMARK.replace("(benchmark)", "()")},
            "tests/benchmarks/test_benchmark_extract.py",
        ),
        ({"tests/test_a.py": BENCHMARK}, "tests/benchmarks/test_benchmark_extract.py"),
    ],
)
def test_a_benchmark_that_uses_the_target_is_found(tmp_path, files, path):
    repo = history(tmp_path, {TABLES: EXTRACT, "tests/benchmarks/test_x.py": "", **files}, {TABLES: LAZY})
    found = detected(repo).benchmark
    blob = repo.git("hash-object", path) if path in files else None
    assert found == Presence(path=path, base=blob, head=blob, worktree=blob)


def test_a_benchmark_that_is_in_the_work_tree_only(repo):
    repo.write({"tests/benchmarks/test_mine.py": BENCHMARK})
    found = detected(repo).benchmark
    assert found == Presence(
        path="tests/benchmarks/test_mine.py",
        base=None,
        head=None,
        worktree=repo.git("hash-object", "tests/benchmarks/test_mine.py"),
    )


def test_a_benchmark_that_is_at_head_only_while_something_else_is_checked_out(tmp_path):
    path = "tests/benchmarks/test_benchmark_extract.py"
    repo = history(tmp_path, {TABLES: EXTRACT}, {TABLES: LAZY, path: BENCHMARK})
    blob = repo.git("hash-object", path)
    repo.checkout("main")
    assert detected(repo).benchmark == Presence(path=path, base=None, head=blob, worktree=None)


def test_code_of_the_manifest_goes_to_the_usual_place(tmp_path):
    repo = history(tmp_path, {TABLES: EXTRACT, "tests/benchmarks/test_a.py": BENCHMARK}, {TABLES: LAZY})
    found = detected(repo, item(benchmark=BenchmarkCode(call="extract([])")))
    assert found.benchmark.path == "tests/benchmarks/test_benchmark_extract.py"


# -- layouts and histories ------------------------------------------------------------------------------


def test_of_several_projects_the_one_that_changed_is_described(tmp_path):
    files = {
        f"packages/{name}/{path}": text
        for name in ("one", "two")
        for path, text in {
            "pyproject.toml": f'[project]\nname = "{name}"\n',
            f"src/{name}/__init__.py": "def f():\n    return 1\n",
        }.items()
    }
    repo = TargetRepo(tmp_path / "target", files)
    repo.branch("faster")
    repo.commit({"packages/two/src/two/__init__.py": "def f():\n    return 2\n"})
    found = detected(repo)
    assert (found.target, found.layout.project, found.layout.import_roots) == (
        "two:f",
        "packages/two",
        ("packages/two/src",),
    )
    assert found.benchmark.path == "packages/two/tests/benchmarks/test_benchmark_f.py"


def test_a_flat_layout(tmp_path):
    repo = TargetRepo(
        tmp_path / "target",
        {"pages/__init__.py": "", "pages/a.py": "def f():\n    return 1\n", "setup.py": "setup(name='pages')\n"},
    )
    repo.branch("faster")
    repo.commit({"pages/a.py": "def f():\n    return 2\n", "setup.py": "setup(name='pages', version='2')\n"})
    found = detected(repo)
    assert (found.target, found.layout.kind) == ("pages.a:f", "flat")
    assert found.notes == ("Python files outside the project's packages (pages) changed too: setup.py.",)


def test_the_title_is_not_a_merges(repo):
    repo.checkout("main")
    repo.commit({"other.txt": ""}, "Meanwhile")
    repo.checkout("faster")
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge branch 'main' into faster", "main")
    found = detected(repo)
    assert found.title == "Yield tables"
    assert found.files == (TABLES,)


def test_listed_commits_make_a_head_of_their_own(repo):
    first = repo.head
    commit(repo, {"src/pages/other.py": "def g(): ...\n"}, "Something else")
    third = commit(repo, {TABLES: LAZY.replace("page.table", "page.tables")}, "Third")
    found = detected(repo, Optimization(id="it", commits=(first[:12], third)))
    assert (found.base, found.picked) == (repo.git("rev-parse", "main"), (first, third))
    assert found.head not in (first, third)
    assert [each.title for each in found.commits] == ["Yield tables", "Third"]
    assert (found.files, found.head_ref, found.title) == ((TABLES,), f"{first[:12]}, {third}", "Third")


def test_an_optimization_that_is_merged_already(repo):
    repo.checkout("main")
    repo.git("merge", "--quiet", "faster")
    found = detected(repo)
    assert found.target == "pages.tables:extract"
    assert found.notes[0].startswith("main contains faster already")


def test_a_repository_that_is_not_on_this_machine_has_no_work_tree(tmp_path, repo):
    repo.write({"tests/benchmarks/test_mine.py": BENCHMARK})
    address = f"file://{repo.path}"
    main = repo.git("rev-parse", "main")
    refs = Refs(address, None, None, "main", main, None, repo.head)
    with Clone.open(str(repo.path), tmp_path / "cache") as clone:
        found = detection_of(item(), refs=refs, clone=clone)
    assert found.benchmark == Presence(
        path="tests/benchmarks/test_benchmark_extract.py", base=None, head=None, worktree=None
    )
    assert found.slug is None


def test_names_that_are_no_utf_8_can_be_written(repo):
    name = os.fsdecode(b"src/pages/caf\xe9.txt")
    (repo.path / name).write_text("x")
    repo.commit({}, "Add a name")
    found = detected(repo)
    assert found.files == ("src/pages/caf\\xe9.txt", TABLES)
    assert found.model_dump_json()


def test_submodules_and_lfs_files_are_noted(tmp_path):
    modules = '[submodule "data"]\n\tpath = data/pages\n\turl = ../pages\n'
    files = {".gitmodules": modules, ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"}
    repo = history(tmp_path, {TABLES: EXTRACT, **files}, {TABLES: LAZY}, "Yield tables")
    assert detected(repo).notes[-2:] == (
        "The project has submodules, which are empty in the measured trees: data/pages.",
        "The project uses Git LFS: the measured trees contain pointers instead of these files.",
    )
