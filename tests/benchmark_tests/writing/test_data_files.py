from __future__ import annotations

import ast
import hashlib

import pytest

from tasks.artifacts import DataFile, Scaffolding
from tasks.benchmark_tests.writing.data_files import data_files_read, write_data_files

BENCHMARK = "tests/benchmarks/test_benchmark_f.py"
BESIDE = "tests/benchmarks/a.json"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Path(__file__).with_name("a.json")', [BESIDE]),
        ('pathlib.Path(__file__).parent / "a.json"', [BESIDE]),
        ('Path(__file__).resolve().parent.joinpath("data", "a.json")', ["tests/benchmarks/data/a.json"]),
        ('os.path.join(os.path.dirname(os.path.abspath(__file__)), "a.json")', [BESIDE]),
        ('DATA = Path(__file__).parent / "data"\nopen(DATA / "a.json")', ["tests/benchmarks/data", "tests/benchmarks/data/a.json"]),
        ('HERE = os.path.dirname(__file__)\nopen(os.path.join(HERE, "a.json"))', [BESIDE]),
        ('Path(__file__).parents[2] / "README.md"', []),
        ('Path(__file__).parent.parent / "a.json"', ["tests/a.json"]),
        ('DATA = Path(__file__).resolve().parents[1] / "data" / "a.json"', ["tests/data", "tests/data/a.json"]),
        ("Path(__file__).with_name(name)", []),
        ('Path("a.json")', []),
        ("x = y = 3\n(a, b) = c", []),
    ],
)  # fmt: skip
def test_files_named_relative_to_the_benchmark_are_found(text, expected):
    assert data_files_read(BENCHMARK, ast.parse(text), area="tests") == expected


# -- those that are written --------------------------------------------------------------------------


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def scaffolding(origin: str = "generated", **more) -> Scaffolding:
    source = ".codeflash/benchmarks/item/test_benchmark_f.py"
    return Scaffolding(
        item="item", path=BENCHMARK, origin=origin, source=source, sha256="0" * 64, made_from="recorded", **more
    )


@pytest.fixture
def target(tmp_path):
    return tmp_path / ".codeflash/benchmarks/item/a.json"


def test_a_file_is_written_beside_the_benchmark(tmp_path, target):
    made = write_data_files(scaffolding(), {"a.json": b"[1]"}, last=None, folder=tmp_path)
    assert target.read_bytes() == b"[1]"
    expected = DataFile(source=".codeflash/benchmarks/item/a.json", sha256=sha256(b"[1]"), written=sha256(b"[1]"))
    assert (made.data, made.notes) == ({BESIDE: expected}, ())


def test_unedited_file_is_updated_and_removed(tmp_path, target):
    made = write_data_files(scaffolding(), {"a.json": b"[1]"}, last=None, folder=tmp_path)
    made = write_data_files(scaffolding(), {"a.json": b"[2]"}, last=made, folder=tmp_path)
    assert target.read_bytes() == b"[2]"
    assert write_data_files(scaffolding(), {}, last=made, folder=tmp_path).data == {}
    assert not target.exists()


def test_edited_file_is_not_overwritten(tmp_path, target):
    made = write_data_files(scaffolding(), {"a.json": b"[1]"}, last=None, folder=tmp_path)
    target.write_bytes(b"[1, 2]")
    same = write_data_files(scaffolding(), {"a.json": b"[1]"}, last=made, folder=tmp_path)
    assert (same.data[BESIDE].sha256, same.data[BESIDE].written, same.notes) == (sha256(b"[1, 2]"), sha256(b"[1]"), ())
    other = write_data_files(scaffolding(), {"a.json": b"[3]"}, last=same, folder=tmp_path)
    assert target.read_bytes() == b"[1, 2]"
    assert other.notes == (
        "this file was edited by hand and kept, though prprep would now write another: .codeflash/benchmarks/item/a.json",
    )
    write_data_files(scaffolding(), {}, last=other, folder=tmp_path)
    assert target.read_bytes() == b"[1, 2]"


def test_file_of_unknown_origin_is_kept(tmp_path, target):
    target.parent.mkdir(parents=True)
    target.write_bytes(b"mine")
    made = write_data_files(scaffolding(), {"a.json": b"[1]"}, last=None, folder=tmp_path)
    assert (target.read_bytes(), made.data[BESIDE].sha256) == (b"mine", sha256(b"mine"))


def test_edited_benchmark_keeps_its_files(tmp_path, target):
    made = write_data_files(scaffolding(), {"a.json": b"[1]"}, last=None, folder=tmp_path)
    edited = write_data_files(scaffolding("edited"), {}, last=made, folder=tmp_path)
    assert (edited.data, target.read_bytes()) == (made.data, b"[1]")
