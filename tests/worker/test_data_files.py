"""Values as files of data: they read back equal, run nothing, and hold nothing private."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts.recording import LARGEST_FILE
from tasks.bench.workers.workers import WORKER_FOLDER
from tasks.processes.secrets import NAME

sys.path.append(str(WORKER_FOLDER))
from prprep_worker.values import data_files, source
from prprep_worker.values.anatomy import size_of
from prprep_worker.values.errors import CannotWriteError
from prprep_worker.values.privacy import Secrets

TREE = Path(__file__).parents[2]
SECRETS = Secrets(forms=["aHVzaC1odXNo"], names=NAME)


def file_of(value):
    writer = source.Writer(str(TREE), 2, secrets=SECRETS)
    return data_files.data_file(value, "benchmark_f_x", writer.check_private, size=size_of(value))


def read(value, folder: Path):
    """Write a value to a file, and read it as a benchmark would."""
    file = file_of(value)
    (folder / file.name).write_bytes(file.content)
    names = {"__file__": str(folder / "test_x.py")}
    exec("\n".join(sorted(file.imports)), names)
    return eval(file.code, names)


DEEP = {"inner": [[[[[[[[1, 2.5, None, True, "text", {"key": "ä"}]]]]]]]]}
PLAIN = [
    "line\n",
    "line\r\n",
    b"\x00\xff",
    bytearray(b"ab"),
    DEEP,
    [DEEP] * 3,
    {"a", "b"},
    frozenset({1, 2}),
    (1, "two"),
    [float("inf")],
]
ARRAYS = [
    np.array(["one", "two"]),
    np.array([1.0, np.nan]),
    np.arange(4, dtype="complex128"),
    np.array(["2026-01-02"], dtype="datetime64[D]"),
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    np.zeros((200, 200)),
]


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(sorted(value) if type(value) is set else value))
def test_plain_data_reads_back_equal(value, tmp_path):
    back = read(value, tmp_path)
    assert (back, type(back)) == (value, type(value))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(JSON) | st.dictionaries(st.text(st.characters(codec="utf-8")), JSON))
def test_json_reads_back_equal(value):
    try:
        file = file_of(value)
    except (data_files.NotDataError, CannotWriteError):
        return
    assert json.loads(file.content) == value


@pytest.mark.parametrize("value", ARRAYS, ids=lambda array: array.dtype.str)
def test_arrays_read_back_equal(value, tmp_path):
    back = read(value, tmp_path)
    assert back.dtype == value.dtype
    assert back.tobytes() == value.tobytes()


def test_several_arrays_share_a_file(tmp_path):
    named = {"left": np.arange(3), "right": np.array(["a"])}
    assert {name: array.tolist() for name, array in read(named, tmp_path).items()} == {
        "left": [0, 1, 2],
        "right": ["a"],
    }
    assert [array.tolist() for array in read([np.arange(2), np.arange(3)], tmp_path)] == [[0, 1], [0, 1, 2]]


@pytest.mark.parametrize(
    "value", ["text", DEEP, np.arange(3.0), {"a": np.arange(3)}], ids=["text", "json", "npy", "npz"]
)
def test_the_same_value_gives_the_same_bytes(value):
    assert file_of(value) == file_of(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(np.array([object()]), "a pickle only", id="objects"),
        pytest.param([(1, 2)], "^$", id="a tuple inside would come back as a list"),
        pytest.param({1: "a"}, "^$", id="a number as a key would come back as a text"),
        pytest.param([object()], "^$", id="an object"),
        pytest.param("\ud800", "^$", id="half of a character"),
        pytest.param(lambda: None, "^$", id="a function"),
        pytest.param("x" * 200_000, "200,000 bytes, and 131,072 are the limit", id="a long text"),
        pytest.param(np.random.default_rng(0).random(100_000), "and 131,072 are the limit", id="many numbers"),
        pytest.param(np.zeros(10_000_000), "131,072 bytes, which is the limit", id="hopeless"),
        pytest.param(["a", {"b": "/etc/hostname"}], "a path of this machine", id="a path"),
        pytest.param("/etc/hostname", "a path of this machine", id="a path alone"),
        pytest.param(np.array(["/etc/hostname"]), "a path of this machine", id="a path in an array"),
    ],
)
def test_other_values_are_refused_with_a_reason(value, reason):
    with pytest.raises(data_files.NotDataError, match=reason):
        file_of(value)


@pytest.mark.parametrize("wrap", [str, lambda text: [text], lambda text: {text: 1}, str.encode, lambda text: np.array([text]),
                                  lambda text: np.frombuffer(text.encode(), dtype=np.uint8)],
                         ids=["text", "list", "key", "bytes", "array", "array of bytes"])  # fmt: skip
def test_nothing_private_is_written(wrap, monkeypatch):
    monkeypatch.setenv("SOME_API_TOKEN", "abcdefgh12345")
    for text, reason in (
        ("Bearer abcdefgh12345 and more", "a secret of the environment"),
        ("Basic aHVzaC1odXNo", "a secret of the environment"),
        (
            f"in {Path.home()}{os.sep}notes" if len(str(Path.home())) > 1 else "Bearer abcdefgh12345",
            "a folder of this machine's user|secret",
        ),
        (f"in {TREE}{os.sep}src", "a path of this machine"),
    ):
        with pytest.raises(CannotWriteError, match=reason):
            file_of(wrap(text))


def test_the_limit_is_the_documented_one():
    assert data_files.LARGEST == LARGEST_FILE


def test_many_texts_are_searched_at_once():
    searched = []
    data_files.data_file([f"word-{number:x}" for number in range(5_000)], "benchmark_f_x", searched.append)
    assert len(searched) == 2  # the texts, and the file


def test_large_values_are_refused_before_they_are_searched():
    searched = []
    with pytest.raises(data_files.NotDataError, match="are the limit"):
        data_files.data_file([f"word-{number:x}" for number in range(50_000)], "benchmark_f_x", searched.append)
    assert searched == []
