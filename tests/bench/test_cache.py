"""What is kept in the cache folder is shown, and removed without harm."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from tasks.bench import cache, machine
from tasks.bench.cache import Kept, beyond, kept, limit_of, prune
from tasks.commands.cache import select
from tasks.errors import BusyError, UsageError
from tasks.processes import locks
from tests.support.mistakes import command, compare, is_improved, target, variables_of


def caching(folder, *words, **variables):
    environment = variables_of({"PRPREP_CACHE": str(folder), **variables})
    done = subprocess.run(
        command("cache", *words), cwd=folder.parent, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_what_a_run_kept_is_shown_and_made_again_after_it_was_removed(tmp_path):
    repo, folder = target(tmp_path), tmp_path / "cache"
    assert is_improved(compare(repo, PRPREP_CACHE=str(folder)).comparison())
    code, told, _ = caching(folder, COLUMNS="200")
    assert code == 0
    kinds = [line.split("  ")[0] for line in told.splitlines()[2:] if line.strip()][:-1]
    assert sorted(kinds) == ["clone", "environment", "environment of a tree", "environment of a tree", "tree", "tree"]
    assert str(repo.path) in told
    assert "limit 20.0 GiB (PRPREP_CACHE_LIMIT)" in told

    code, told, said = caching(folder, "prune", "--all")
    assert (code, told.split(",")[0], said.count("was used just now and stays")) == (0, "removed: 0 of 6", 6)
    for each in kept(folder):
        for name in (each.path, each.path / "HEAD", each.path / "prprep-layer.json", each.path.with_suffix(".json")):
            if name.exists():
                os.utime(name, (0, 0))
    assert caching(folder, "prune", "--older-than", "1", "--dry-run")[1].startswith("would be removed: 6 of 6, ")
    assert len(kept(folder)) == 6
    assert caching(folder, "prune", "--older-than", "1")[1].startswith("removed: 6 of 6, ")
    assert kept(folder) == []
    assert caching(folder)[1] == f"{folder}: empty\n"

    (tmp_path / "work/.prprep/faster/samples.json").unlink()
    assert is_improved(compare(repo, PRPREP_CACHE=str(folder)).comparison())


def old(folder, *names):
    """Make environments that were used long ago, the later ones later."""
    for number, name in enumerate(names):
        place = folder / "environments/dependencies" / name
        place.mkdir(parents=True)
        (place / "package.py").write_bytes(b"x" * 100_000)
        (place / "prprep-layer.json").write_text("{}")
        os.utime(place / "prprep-layer.json", (1000 + number, 1000 + number))
    return kept(folder)


A, B, C = "a" * 32, "b" * 32, "c" * 32


def test_the_least_recently_used_go_first(tmp_path):
    things = old(tmp_path, A, B, C)
    assert [each.path.name for each in things] == [A, B, C]
    assert [each.path.name for each in beyond(things, things[0].size * 2)] == [A]
    assert [each.path.name for each in select(things, days=0.0, everything=False, now=time.time())] == [A, B, C]
    assert select(things, days=None, everything=False, now=time.time()) == []
    clone = Kept("clone", tmp_path / "clones/d.git", 10, 0.0)
    assert beyond([clone, *things], 10) == things


def test_only_what_is_ours_is_ever_removed(tmp_path):
    (tmp_path / "environments/dependencies/mine").mkdir(parents=True)
    (tmp_path / "trees").symlink_to(tmp_path / "environments")
    things = old(tmp_path, A)
    assert [each.path.name for each in prune(tmp_path, things, print)] == [A]
    assert (tmp_path / "environments/dependencies/mine").exists()


def test_what_is_in_use_stays(tmp_path):
    (tmp_path / "trees" / A).mkdir(parents=True)
    os.utime(tmp_path / "trees" / A, (0, 0))
    said = []
    with locks.file_lock(tmp_path / "trees" / f"{A}.lock", busy=None):
        assert prune(tmp_path, kept(tmp_path), said.append) == []
    assert said == [f"tree {A[:12]} is in use and stays"]
    with locks.file_lock(machine.lock_path(tmp_path), busy=None), pytest.raises(BusyError):
        prune(tmp_path, kept(tmp_path), said.append)


def test_the_limit_holds_after_a_run_and_is_looked_at_once_a_day(tmp_path, monkeypatch):
    size = old(tmp_path, A, B)[0].size
    monkeypatch.setenv(cache.LIMIT_VARIABLE, f"{size} B")
    said = []
    cache.keep_within_limit(tmp_path, said.append)
    assert [each.path.name for each in kept(tmp_path)] == [B]
    assert said == [f"removed {cache.figures.size(size)} from the cache, to stay within {cache.figures.size(size)}"]
    assert (tmp_path / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    old(tmp_path, C)
    cache.keep_within_limit(tmp_path, said.append)
    assert len(kept(tmp_path)) == 2


@pytest.mark.parametrize(
    ("text", "size"), [("20 GiB", 20 << 30), ("0", 0), ("1.5kib", 1536), ("5 MB", 5_000_000), (" 7 ", 7)]
)
def test_a_limit_is_read(text, size):
    assert limit_of(text) == size


@pytest.mark.parametrize("text", ["", "much", "5 XB", "-1"])
def test_a_limit_that_is_none_is_refused_in_words(text):
    with pytest.raises(UsageError, match="is no size"):
        limit_of(text)


def test_a_wrong_limit_fails_no_run(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "much")
    said = []
    cache.keep_within_limit(tmp_path, said.append)
    assert said == ["PRPREP_CACHE_LIMIT: 'much' is no size\n  write it like `20 GiB`, or 0 for no limit"]


def test_a_wrong_word_is_refused_in_words(tmp_path):
    assert caching(tmp_path / "cache", "prun")[::2] == (
        3,
        "ERROR: `prprep cache` has no prun\n  did you mean prune?\n  it has: prune\n",
    )
