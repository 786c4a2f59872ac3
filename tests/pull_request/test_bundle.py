"""The bundle of evidence: everything that somebody needs who doubts the numbers, the same bytes every time."""

from __future__ import annotations

import hashlib
import zipfile

from tasks.artifacts import CodeflashRun, ProjectTests, RunCommand, SideRun, Verification
from tasks.charts import drawing
from tasks.pull_request.bundle import files_of, path_for, write
from tasks.stages.verify.verify import judged
from tasks.storage.archives import packed
from tests.support.evidence import CPU_IMPROVED, Case, samples_of


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


def test_it_holds_charts_as_pictures_if_they_can_be_drawn(tmp_path, monkeypatch):
    paths = Case().write(tmp_path)
    samples_of(CPU_IMPROVED).write(paths.samples)

    def charts():
        return {name for name in files_of(paths, benchmark={}, manifest="") if name.startswith("charts/")}

    names = ("effect", "samples", "memory", "functions")
    assert charts() == {
        "charts/README.md",
        *(f"charts/{name}-{theme}.svg" for name in names for theme in ("light", "dark")),
    }
    monkeypatch.setattr(drawing, "is_available", lambda: False)
    assert charts() == set()


def test_it_holds_no_output_of_the_projects_code_and_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("SMTP_PASS", "hush-1234567890")
    paths = Case().write(tmp_path)
    side = SideRun(code=1, failed=1, tail="E   printed by a test")
    command = RunCommand(text="pytest\n", code=1, failed="pytest", tail="printed by a test\nand its last line")
    verification = judged("a", [command], CPU_IMPROVED, None)
    assert "and its last line" in verification.findings[0]
    tests = ProjectTests(item="a", base=side, head=side, new_failures=("tests/test_x.py::test_y",))
    run = CodeflashRun(item="a", findings=("test_y failed under codeflash on head (printed by a test)",))
    for artifact, file in ((tests, paths.tests), (verification, paths.verify), (run, paths.codeflash)):
        artifact.write(file, "f")
    benchmark = {"tests/test_x.py": b"# hush-1234567890\n", "tests/x.bin": bytes(range(256))}
    files = files_of(paths, benchmark=benchmark, manifest="# hush-1234567890", branch=None)
    whole = b"".join(files.values())
    for text in (b"printed by a test", b"and its last line", b"hush-1234567890"):
        assert text not in whole
    assert files["benchmark/tests/x.bin"] == bytes(range(256))
    for kind, name in ((ProjectTests, "tests"), (Verification, "verify"), (CodeflashRun, "codeflash")):
        (tmp_path / name).write_bytes(files[f"{name}.json"])
        assert kind.read(tmp_path / name).item == "a"
    (finding,) = Verification.read(tmp_path / "verify").findings
    assert finding == "a command that the body gives ended with exit code 1 in a fresh clone: pytest"
    assert CodeflashRun.read(tmp_path / "codeflash").findings == ("test_y failed under codeflash on head",)


def test_the_same_files_make_the_same_bytes(tmp_path):
    one, two = {"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}
    assert packed(one) == packed(two)
    assert write(tmp_path / "new" / "e.zip", one, root=tmp_path, last=None) == hashlib.sha256(packed(two)).hexdigest()
    with zipfile.ZipFile(tmp_path / "new" / "e.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == one
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "e.zip"]


def test_the_archive_is_named_after_the_body(tmp_path):
    assert path_for(tmp_path / "pr-body-total.md") == tmp_path / "evidence-total.zip"
