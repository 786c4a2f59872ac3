"""The cache folder is listed and pruned without harm."""

import os
import time

import pytest

from tasks.bench import cache
from tasks.bench.cache import CacheEntry, list_entries, over_limit, parse_size, prune
from tasks.bench.exclusive import cache_lock
from tasks.commands.cache import select
from tasks.errors import BusyError, UsageError
from tasks.processes import locks
from tests.support.mistakes import compare, ran, target


def caching(folder, *words, **variables):
    completed = ran(folder.parent, "cache", *words, PRPREP_CACHE=str(folder), **variables)
    return completed.returncode, completed.stdout, completed.stderr


@pytest.mark.slow
def test_a_cache_is_listed_pruned_and_rebuilt(tmp_path):
    # By links, as one has them to a larger disk: the cache itself, and one of its folders.
    (tmp_path / "disk").mkdir()
    (tmp_path / "larger").mkdir()
    (tmp_path / "disk/trees").symlink_to("../larger")
    (tmp_path / "link").symlink_to("disk")
    repo, folder = target(tmp_path), tmp_path / "link"
    assert compare(repo, stages=("lint",), PRPREP_CACHE=str(folder)).code == 0
    code, output, _ = caching(folder, COLUMNS="200")
    assert code == 0
    kinds = [line.split("  ")[0] for line in output.splitlines()[2:] if line.strip()][:-1]
    assert sorted(kinds) == [
        *("clone", "environment", "environment for measuring", "environment of a tree", "environment of a tree"),
        *("tree", "tree"),
    ]
    assert str(repo.path) in output
    assert "limit 20.0 GiB (PRPREP_CACHE_LIMIT)" in output

    code, output, errors = caching(folder, "prune", "--all")
    assert (code, output.split(",")[0], errors.count("stays: it was used just now")) == (0, "removed: 0 of 7", 7)
    for entry in list_entries(folder):
        for file in (
            entry.path,
            entry.path / "HEAD",
            entry.path / "prprep-layer.json",
            entry.path.with_suffix(".json"),
        ):
            if file.exists():
                os.utime(file, (0, 0))
    assert caching(folder, "prune", "--older-than", "1", "--dry-run")[1].startswith("would be removed: 7 of 7, ")
    assert len(list_entries(folder)) == 7
    assert caching(folder, "prune", "--older-than", "1")[1].startswith("removed: 7 of 7, ")
    assert list_entries(folder) == []
    assert caching(folder)[1] == f"{folder.resolve()}: empty\n"
    assert not [path for path in (tmp_path / "larger").iterdir() if path.is_dir()]

    (tmp_path / "work/.prprep/faster/lint.json").unlink()
    assert compare(repo, stages=("lint",), PRPREP_CACHE=str(folder)).code == 0
    assert len(list_entries(folder)) == 7


def old(folder, *names):
    """Create environments that were used long ago, in the order of their names."""
    for number, name in enumerate(names):
        environment = folder / "environments/dependencies" / name
        environment.mkdir(parents=True)
        (environment / "package.py").write_bytes(b"x" * 100_000)
        (environment / "prprep-layer.json").write_text("{}")
        os.utime(environment / "prprep-layer.json", (1000 + number, 1000 + number))
    return list_entries(folder)


A, B, C = "a" * 32, "b" * 32, "c" * 32


def test_the_least_recently_used_go_first(tmp_path):
    entries = old(tmp_path, A, B, C)
    assert [entry.path.name for entry in entries] == [A, B, C]
    assert [entry.path.name for entry in over_limit(entries, entries[0].size * 2)] == [A]
    assert [entry.path.name for entry in select(entries, days=0.0, everything=False, now=time.time())] == [A, B, C]
    assert select(entries, days=None, everything=False, now=time.time()) == []
    clone = CacheEntry("clone", tmp_path / "clones/d.git", 10, 0.0)
    assert over_limit([clone, *entries], 10) == entries


def test_only_entries_of_prprep_are_removed(tmp_path):
    (tmp_path / "environments/dependencies/mine").mkdir(parents=True)
    (tmp_path / "trees").symlink_to(tmp_path / "environments")
    entries = old(tmp_path, A)
    assert [entry.path.name for entry in prune(tmp_path, entries, print)] == [A]
    assert (tmp_path / "environments/dependencies/mine").exists()


def test_only_the_folder_of_a_clone_goes_with_a_tree(tmp_path):
    """The project's code may have named another one in the tree's `.git`."""
    clone = f"clones/{C[:20]}.git"
    named = {A: "mine/worktrees/x", B: f"{clone}/worktrees/x", C: f"{clone}/trees/worktrees/x"}
    for name, folder in named.items():
        tree = tmp_path / "trees" / name
        for created in (tree, tmp_path / folder):
            created.mkdir(parents=True)
        (tree / ".git").write_text(f"gitdir: {tmp_path / folder}\n")
        os.utime(tree, (0, 0))
    trees = [entry for entry in list_entries(tmp_path) if entry.kind == "tree"]
    assert [entry.path.name for entry in prune(tmp_path, trees, print)] == [*named]
    assert [name for name, folder in named.items() if (tmp_path / folder).exists()] == [A]


def test_entries_in_use_stay(tmp_path):
    (tmp_path / "trees" / A).mkdir(parents=True)
    os.utime(tmp_path / "trees" / A, (0, 0))
    lines = []
    with locks.file_lock(tmp_path / "trees" / f"{A}.lock", busy=None):
        assert prune(tmp_path, list_entries(tmp_path), lines.append) == []
    assert lines == [f"tree {A[:12]} stays: it is in use"]
    comparison = tmp_path / "tries" / B  # `prprep try` has not ended once
    with locks.file_lock(comparison / ".prprep/lock", busy=None):
        assert prune(tmp_path, list_entries(tmp_path), lines.append) != []
    assert (lines[1:], comparison.exists()) == ([f"comparison {B[:12]} stays: it is in use"], True)
    assert [entry.kind for entry in prune(tmp_path, list_entries(tmp_path), lines.append)] == ["comparison"]
    with locks.file_lock(cache_lock(tmp_path), busy=None), pytest.raises(BusyError):
        prune(tmp_path, list_entries(tmp_path), lines.append)


def test_a_run_checks_the_limit_once_a_day(tmp_path, monkeypatch):
    size = old(tmp_path, A, B)[0].size
    monkeypatch.setenv(cache.LIMIT_VARIABLE, f"{size} B")
    lines = []
    cache.keep_within_limit(tmp_path, lines.append)
    assert [entry.path.name for entry in list_entries(tmp_path)] == [B]
    assert lines == [f"removed {cache.figures.size(size)} from the cache, to stay within {cache.figures.size(size)}"]
    assert (tmp_path / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    old(tmp_path, C)
    cache.keep_within_limit(tmp_path, lines.append)
    assert len(list_entries(tmp_path)) == 2


@pytest.mark.parametrize(
    ("text", "size"), [("20 GiB", 20 << 30), ("0", 0), ("1.5kib", 1536), ("5 MB", 5_000_000), (" 7 ", 7)]
)
def test_sizes_are_parsed(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "5 XB", "-1"])
def test_a_wrong_size_is_an_error(text):
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)


def test_a_wrong_limit_does_not_fail_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "much")
    lines = []
    cache.keep_within_limit(tmp_path, lines.append)
    assert lines == ["PRPREP_CACHE_LIMIT: 'much' is not a size\n  write `20 GiB`, or 0 for no limit"]
