"""The bundle of evidence: everything that somebody needs who doubts the numbers, the same bytes every time."""

from __future__ import annotations

import hashlib
import zipfile

from tasks.pull_request.bundle import files_of, packed, path_for, write
from tests.support.evidence import Case


def test_it_holds_the_artifacts_the_benchmark_and_a_manifest(tmp_path):
    paths = Case().write(tmp_path)
    files = files_of(paths, benchmark={"tests/test_x.py": b"x"}, manifest="version: 1\n", branch=paths.state)
    artifacts = {"compare.json", "codeflash.json", "tests.json", "verify.json"}
    assert set(files) == {
        *artifacts,
        *(f"branch/{name}" for name in artifacts),
        "benchmark/tests/test_x.py",
        "prprep.yaml",
    }
    assert files["compare.json"] == paths.compare.read_bytes()


def test_the_same_files_make_the_same_bytes(tmp_path):
    one, two = {"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}
    assert packed(one) == packed(two)
    assert write(tmp_path / "new" / "e.zip", one, root=tmp_path, last=None) == hashlib.sha256(packed(two)).hexdigest()
    with zipfile.ZipFile(tmp_path / "new" / "e.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == one
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "e.zip"]


def test_the_archive_is_named_after_the_body(tmp_path):
    assert path_for(tmp_path / "pr-body-total.md") == tmp_path / "evidence-total.zip"
