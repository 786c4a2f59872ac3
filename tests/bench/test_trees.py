import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.artifacts import Injection, Scaffolding, TreeSpec
from tasks.bench import trees
from tasks.errors import MeasuringError
from tasks.git import Clone
from tests.support.targets import TargetRepo
from tests.support.untouched import snapshot, untouched

pytestmark = pytest.mark.slow

BENCHMARK = "tests/benchmarks/test_benchmark_f.py"
TEXT = b"def test_benchmark_f(benchmark): ...\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def target(tmp_path: Path) -> TargetRepo:
    files: dict[str, str | None] = {
        "src/p/__init__.py": "x = 1\n",
        "src/p/m.py": "m = 1\n",
        "conftest.py": "",
        ".gitignore": "*.so\nbuild/\n",
    }
    return TargetRepo(tmp_path / "target", files)


@pytest.fixture
def clone(target: TargetRepo, cache: Path) -> Clone:
    return Clone.open(str(target.path), cache)


def spec_of(
    target: TargetRepo, files: dict[str, bytes] | None = None, picks: tuple[str, ...] = (), tree: str = ""
) -> TreeSpec:
    hashes = {path: sha256(content) for path, content in (files or {}).items()}
    return TreeSpec(commit=target.head, picks=picks, files=hashes, tree=tree or target.git("rev-parse", "HEAD^{tree}"))


def test_a_tree_is_the_commit_with_the_files_written_over_it(target: TargetRepo, clone: Clone, cache: Path) -> None:
    files = {BENCHMARK: TEXT, "src/p/m.py": b"m = 2\r\n"}
    with untouched(target.path):
        tree = trees.prepare(clone, spec_of(target, files), files, cache=cache)
    assert tree.parent == cache / "trees"
    assert {path: (tree / path).read_bytes() for path in files} == files
    assert (tree / "src/p/__init__.py").read_text() == "x = 1\n"


def test_a_tree_is_created_once_and_not_changed(target: TargetRepo, clone: Clone, cache: Path) -> None:
    files = {BENCHMARK: TEXT}
    spec = spec_of(target, files)
    tree = trees.prepare(clone, spec, files, cache=cache)
    for product in (
        "src/p/fast.so",
        "build/lib/m.py",
        "src/p.egg-info/PKG-INFO",
        "src/p/_version.py",
        "src/p/__pycache__/m.pyc",
    ):
        (tree / product).parent.mkdir(parents=True, exist_ok=True)
        (tree / product).write_text("built")
    before = snapshot(tree)
    assert trees.prepare(clone, spec, files, cache=cache) == tree
    assert snapshot(tree) == before


def test_other_files_or_commits_have_another_tree(target: TargetRepo, clone: Clone, cache: Path) -> None:
    one = trees.prepare(clone, spec_of(target), {}, cache=cache)
    two = trees.prepare(clone, spec_of(target, {BENCHMARK: TEXT}), {BENCHMARK: TEXT}, cache=cache)
    assert one != two
    assert not (one / BENCHMARK).exists()


@pytest.mark.parametrize(
    "damage",
    [
        "echo changed >> src/p/m.py",
        "rm src/p/m.py",
        "rm -r src",
        "chmod +x src/p/m.py",
        "rm src/p/m.py; ln -s /etc/passwd src/p/m.py",
        "touch tests/conftest.py",
        "echo changed >> tests/benchmarks/test_benchmark_f.py",
        "rm -r tests",
        "touch pytest.ini",
        "git rm --quiet --cached src/p/m.py",
        "git checkout --quiet --orphan other",
        "rm .git",
        ": > $(git rev-parse --git-dir)/index",
        "rm $(git rev-parse --git-dir)/index",
        "touch $(git rev-parse --git-dir)/index.lock; rm src/p/m.py",
        "rm -rf $(git rev-parse --git-dir)",
        "rm -rf $(git rev-parse --git-dir)/prprep-whole",
        "rm -rf $PWD",
        "rm $PWD.json",
    ],
)
def test_a_damaged_tree_is_repaired(target: TargetRepo, clone: Clone, cache: Path, damage: str) -> None:
    files = {BENCHMARK: TEXT}
    spec = spec_of(target, files)
    tree = trees.prepare(clone, spec, files, cache=cache)
    subprocess.run(damage, shell=True, cwd=tree, check=True)
    assert trees.prepare(clone, spec, files, cache=cache) == tree
    assert (tree / BENCHMARK).read_bytes() == TEXT
    assert {path for _, path in clone.status(tree)} == {BENCHMARK}
    assert not (tree / "src/p/m.py").is_symlink()


@pytest.mark.parametrize("form", ["folder", "file", "linked", "bare"])
def test_no_repository_that_the_projects_code_left_in_its_tree_is_used(
    target: TargetRepo, clone: Clone, cache: Path, tmp_path: Path, form: str
) -> None:
    """Its configuration would run programs: filters, a monitor, hooks."""
    spec = spec_of(target)
    tree = trees.prepare(clone, spec, {}, cache=cache)
    program, ran = tmp_path / "program", tmp_path / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o755)
    own = tree / ("evil" if form == "file" else ".git")
    evil = TargetRepo(tmp_path / "evil", {"src/p/m.py": "m = 1\n"})
    for key, value in {
        "filter.x.clean": program,
        "filter.x.smudge": program,
        "core.fsmonitor": program,
        "core.hooksPath": program.parent,
    }.items():
        evil.git("config", key, str(value))
    (evil.path / ".git/info").mkdir(exist_ok=True)
    (evil.path / ".git/info/attributes").write_text("* filter=x\n")
    (tree / ".gitattributes").write_text("* filter=x\n")
    if form == "bare":  # git takes such a folder for a repository
        shutil.copytree(evil.path / ".git", tree, dirs_exist_ok=True)
    else:
        (tree / ".git").unlink()
        if form == "linked":
            (tree / ".git").symlink_to(evil.path / ".git")
        else:
            shutil.copytree(evil.path / ".git", own)
        if form == "file":
            (tree / ".git").write_text("gitdir: evil\n")
    (tree / "src/p/m.py").write_text("m = 2\n")
    assert trees.prepare(clone, spec, {}, cache=cache) == tree
    assert (tree / "src/p/m.py").read_text() == "m = 1\n"
    assert not ran.exists()
    assert evil.git("rev-parse", "HEAD") == evil.head


def test_a_checkout_that_always_differs_is_not_repeated(tmp_path: Path, cache: Path) -> None:
    target = TargetRepo(tmp_path / "crlf")
    (target.path / "a.txt").write_bytes(b"one\r\ntwo\r\n")
    target.commit({})
    target.commit({".gitattributes": "*.txt text eol=lf\n"})
    with Clone.open(str(target.path), cache) as clone:
        tree = trees.prepare(clone, spec_of(target), {}, cache=cache)
        (tree / "built.so").touch()
        before = snapshot(tree)
        trees.prepare(clone, spec_of(target), {}, cache=cache)
        assert snapshot(tree) == before


def test_cherry_picks_are_repeated_in_a_new_clone(target: TargetRepo, tmp_path: Path) -> None:
    target.branch("opt")
    change = target.commit({"src/p/m.py": "m = 2\n"})
    target.checkout("main")
    onto = target.commit({"other.py": ""})
    with Clone.open(str(target.path), tmp_path / "one") as clone:
        spec = spec_of(target, picks=(change,), tree=clone.tree_of(clone.cherry_pick(onto, [change])))
    with Clone.open(str(target.path), tmp_path / "two") as clone:
        tree = trees.prepare(clone, spec, {}, cache=tmp_path / "two")
    assert (tree / "src/p/m.py").read_text() == "m = 2\n"
    assert (tree / "other.py").exists()


def test_a_tree_that_differs_from_the_recorded_one_is_an_error(target: TargetRepo, clone: Clone, cache: Path) -> None:
    with pytest.raises(MeasuringError) as caught:
        trees.prepare(clone, spec_of(target, tree="0" * 40), {}, cache=cache)
    assert str(caught.value) == (
        f"{target.head[:12]} with 0 cherry-picked commits does not give the recorded tree\n"
        "  run the item's inject stage again: `prprep forget inject:ITEM`, then `prprep`"
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../out.py", "../out.py: this path is not in the tree"),
        ("/etc/out.py", "/etc/out.py: this path is not in the tree"),
        ("a/../../out.py", "a/../../out.py: this path is not in the tree"),
        (".git/hooks/x", ".git/hooks/x: this path is not in the tree"),
        ("away/out.py", "away/out.py: a symbolic link in this path leads out of the tree"),
        ("conftest.py/out.py", "conftest.py/out.py: something else in the tree has this path"),
        ("src/p", "src/p: something else in the tree has this path"),
    ],
)
def test_nothing_is_written_outside_of_the_tree(
    target: TargetRepo, cache: Path, tmp_path: Path, path: str, message: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (target.path / "away").symlink_to(outside)
    target.commit({})
    with Clone.open(str(target.path), cache) as clone, pytest.raises(MeasuringError) as caught:
        trees.prepare(clone, spec_of(target, {path: TEXT}), {path: TEXT}, cache=cache)
    assert str(caught.value).splitlines()[0] == message
    assert not list(outside.iterdir())


def test_a_link_is_replaced_and_a_link_inside_is_followed(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious.py"
    precious.write_text("years of work")
    (target.path / "linked.py").symlink_to(precious)
    (target.path / "inside").symlink_to("src")
    target.commit({})
    files = {"linked.py": TEXT, "inside/new.py": TEXT}
    with Clone.open(str(target.path), cache) as clone:
        tree = trees.prepare(clone, spec_of(target, files), files, cache=cache)
    assert precious.read_text() == "years of work"
    assert (tree / "linked.py").read_bytes() == (tree / "src/new.py").read_bytes() == TEXT


def test_missing_or_wrong_contents_are_an_error(target: TargetRepo, clone: Clone, cache: Path) -> None:
    spec = spec_of(target, {BENCHMARK: TEXT})
    with pytest.raises(MeasuringError, match="the content of this injected file is missing"):
        trees.prepare(clone, spec, {}, cache=cache)
    with pytest.raises(MeasuringError, match="this file was edited or removed since the item was prepared"):
        trees.prepare(clone, spec, {BENCHMARK: b"other"}, cache=cache)
    assert not (cache / "trees").exists()


def test_two_processes_create_the_same_tree_at_once(target: TargetRepo, cache: Path) -> None:
    code = """
import sys
from pathlib import Path
from tasks.bench import trees
from tasks.artifacts import TreeSpec
from tasks.git import Clone
address, cache, spec = sys.argv[1:]
with Clone.open(address, Path(cache)) as clone:
    print(trees.prepare(clone, TreeSpec.model_validate_json(spec), {}, cache=Path(cache)))
"""
    command = [sys.executable, "-c", code, str(target.path), str(cache), spec_of(target).model_dump_json()]
    makers = [
        subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    outputs = {maker.communicate(timeout=120)[0] for maker in makers}
    assert [maker.returncode for maker in makers] == [0] * 3
    assert len(outputs) == 1
    assert (Path(outputs.pop().strip()) / "src/p/m.py").exists()


# -- the benchmark's bytes ------------------------------------------------------------------------------


def scaffolding(origin: str, source: str, content: bytes = TEXT) -> Scaffolding:
    values = {
        "item": "f",
        "path": BENCHMARK,
        "origin": origin,
        "source": source,
        "sha256": sha256(content),
        "made_from": "existing",
    }
    return Scaffolding.model_validate(values)


def test_the_benchmark_is_read_from_its_origin(target: TargetRepo, cache: Path, tmp_path: Path) -> None:
    commit = target.commit({BENCHMARK: "committed = 1\n"})
    target.write({BENCHMARK: "in_the_tree = 1\n", ".codeflash/benchmarks/b.py": "generated = 1\n"})
    chosen = {
        ("head", commit): b"committed = 1\n",
        ("worktree", BENCHMARK): b"in_the_tree = 1\n",
        ("worktree", "../target/" + BENCHMARK): b"in_the_tree = 1\n",
        ("generated", ".codeflash/benchmarks/b.py"): b"generated = 1\n",
    }
    with Clone.open(str(target.path), cache) as clone:
        for (origin, source), content in chosen.items():
            read = trees.benchmark_bytes(
                scaffolding(origin, source, content), clone, folder=target.path, worktree=target.path
            )
            assert read == content
            with pytest.raises(MeasuringError) as caught:
                trees.benchmark_bytes(
                    scaffolding(origin, source, b"as it was"), clone, folder=target.path, worktree=target.path
                )
            expected = f"{BENCHMARK}: this file was edited or removed since the item was prepared\n  run prprep again"
            assert str(caught.value) == expected


def test_all_injected_files_are_read_again(target: TargetRepo, cache: Path) -> None:
    conftest = "tests/benchmarks/conftest.py"
    base = target.head
    base_tree = target.git("rev-parse", "HEAD^{tree}")
    head = target.commit({conftest: "shared = 1\n"})
    target.write({BENCHMARK: TEXT.decode()})
    files = {BENCHMARK: sha256(TEXT), conftest: sha256(b"shared = 1\n")}
    injection = Injection(
        item="f",
        strategy="inject",
        reason="",
        benchmark=BENCHMARK,
        benchmark_sha256=sha256(TEXT),
        base=TreeSpec(commit=base, files=files, tree=base_tree),
        head=TreeSpec(commit=head, files=files, tree=target.git("rev-parse", "HEAD^{tree}")),
    )
    with Clone.open(str(target.path), cache) as clone:
        chosen = scaffolding("worktree", BENCHMARK)
        contents = trees.contents(injection, chosen, clone, folder=target.path, worktree=target.path)
        assert contents == {BENCHMARK: TEXT, conftest: b"shared = 1\n"}
        assert trees.prepare(clone, injection.base, contents, cache=cache) != trees.prepare(
            clone, injection.head, contents, cache=cache
        )
