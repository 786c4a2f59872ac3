"""Files of the output folder: what prprep wrote is replaced and removed, what others wrote stays."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from benchmarks.fresh_items import make_fresh
from tasks.cli import PrprepMain
from tasks.errors import LinkError, OutputError
from tasks.storage.hashing import sha256
from tasks.workspace.output_files import check_output, remove_output, write_output
from tests.support import mistakes
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow

OURS, THEIRS, NEW = "ours\n", "theirs\n", "new\n"
KNOWN = sha256(OURS.encode())


@pytest.fixture
def repo(tmp_path):
    """Make a repository that tracks a file of its own among the bodies."""
    return TargetRepo(tmp_path / "repo", {".codeflash/tracked.md": THEIRS, ".codeflash/committed.md": OURS})


def test_what_prprep_wrote_is_replaced_and_removed(repo):
    for name in ("new.md", "committed.md"):
        target = repo.path / ".codeflash" / name
        write_output(target, NEW, root=repo.path, last=KNOWN)
        assert target.read_text() == NEW
    remove_output(repo.path / ".codeflash/new.md", root=repo.path, last=sha256(NEW.encode()))
    assert sorted(path.name for path in (repo.path / ".codeflash").iterdir()) == ["committed.md", "tracked.md"]


def test_what_git_tracks_is_neither_changed_nor_moved_nor_removed(repo):
    target = repo.path / ".codeflash/tracked.md"
    with untouched(repo.path):
        for last in (None, KNOWN, ""):
            with pytest.raises(OutputError) as raised:
                write_output(target, NEW, root=repo.path, last=last)
            assert raised.value.where == str(target)
            assert "`output:`" in raised.value.hint
            with pytest.raises(OutputError):
                check_output(target, root=repo.path, last=last)
            remove_output(target, root=repo.path, last=last)
        remove_output(repo.path / ".codeflash/committed.md", root=repo.path, last=KNOWN)
        write_output(target, THEIRS, root=repo.path, last=None)


@pytest.mark.parametrize("name", [":(glob)*.md", "a b.md", "ä.md", "-x.md", "t[r]acked.md"])
def test_names_that_git_reads_as_patterns(repo, name):
    target = repo.path / ".codeflash" / name
    target.write_text(THEIRS)
    write_output(target, NEW, root=repo.path, last=None)
    assert target.read_text() == NEW
    repo.git("add", "--all")
    with pytest.raises(OutputError):
        write_output(target, OURS, root=repo.path, last=None)


def test_what_others_wrote_is_moved_aside(tmp_path):
    target = tmp_path / "out/body.md"
    for text in ("one", "two"):
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
        write_output(target, NEW, root=tmp_path, last=KNOWN)
    target.unlink()
    target.symlink_to(tmp_path / "elsewhere.md")
    write_output(target, NEW, root=tmp_path, last=KNOWN)
    names = ["body.edited-2.md", "body.edited-3.md", "body.edited.md", "body.md"]
    assert sorted(path.name for path in target.parent.iterdir()) == names
    assert [(target.parent / name).read_text() for name in ("body.edited.md", "body.edited-2.md")] == ["one", "two"]
    assert (target.parent / "body.edited-3.md").is_symlink()
    remove_output(target.parent / "body.edited.md", root=tmp_path, last=KNOWN)
    assert (target.parent / "body.edited.md").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_moved_aside(tmp_path, make):
    """A pipe without a writer would never end."""
    target = tmp_path / "body.md"
    make(target)
    write_output(target, NEW, root=tmp_path, last=KNOWN)
    assert target.read_text() == NEW
    assert (tmp_path / "body.edited.md").exists()


@pytest.mark.parametrize("link", ["out", "out/benchmarks", "out/benchmarks/item"])
def test_nothing_is_written_or_removed_through_a_link(tmp_path, link):
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    target = root / "out/benchmarks/item/test_a.py"
    (elsewhere / target.relative_to(root / link)).parent.mkdir(parents=True)
    (elsewhere / target.relative_to(root / link)).write_text(OURS)
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(elsewhere)
    with untouched(elsewhere):
        for act in (write_output, lambda *arguments, **more: remove_output(arguments[0], **more)):
            with pytest.raises(LinkError) as raised:
                act(target, NEW, root=root, last=KNOWN)
            assert raised.value.what.startswith(f"{link} is a symbolic link to {elsewhere}")


# -- prprep itself ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make_fresh(folder, 1)
    return folder


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    """Make a copy of the folder with the manifest, and go there."""
    shutil.copytree(made, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def ran(capfd):
    """Run prprep here, in this process, which keeps the lock of a run that failed."""

    def run(*arguments):
        code = PrprepMain().run([*arguments])
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return run


LINKS = [
    ".prprep",
    ".prprep/doit.json",
    ".prprep/item_00000",
    ".prprep/defect.log",
    ".codeflash",
    ".codeflash/benchmarks",
    "deep/out",
]
INNER_LINKS = [".prprep/item_00000/log.txt", ".prprep/item_00000/profiles", ".prprep/item_00000/branch"]


def linked(project, link, manifest=""):
    """Replace a file or folder of the project by a link to one elsewhere; return that."""
    elsewhere, path = project.parent / "elsewhere", project / link
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(elsewhere)
    elif path.suffix:
        elsewhere.write_text("mine")
    else:
        (elsewhere / "benchmarks").mkdir(parents=True)
        (elsewhere / "mine").write_text("mine")
    path.symlink_to(elsewhere)
    return elsewhere


def contents(path):
    """Return what is at a path, and below it."""
    return (
        path.read_bytes()
        if path.is_file()
        else {each: each.is_file() and each.read_bytes() for each in path.rglob("*")}
    )


@pytest.mark.parametrize("link", LINKS)
def test_a_link_where_prprep_writes_is_refused_by_every_command(project, ran, link):
    if link == "deep/out":
        manifest = project / "prprep.yaml"
        manifest.write_text(f"output: deep/out/inner\n{manifest.read_text()}")
    elsewhere = linked(project, link)
    for arguments in (("-a", "detect"), ("clean",), ("forget",)) if link.startswith(".codeflash") else (("clean",),):
        before = contents(elsewhere)
        done = ran(*arguments)
        assert contents(elsewhere) == before
        assert done.returncode == 3, done.stdout + done.stderr
        assert f"{link} is a symbolic link to {elsewhere}" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("link", INNER_LINKS)
def test_a_link_in_an_items_folder_is_refused_by_what_would_use_it(project, link):
    elsewhere = linked(project, link)
    before = contents(elsewhere)
    for arguments in (("-a", "detect"), ("clean", "measure"), ("branch", "item_00000", "--no-measure")):
        done = mistakes.ran(project, *arguments)
        output = done.stdout + done.stderr
        assert done.returncode != 0, output
        assert "Traceback" not in output
        assert contents(elsewhere) == before
        assert (project / ".prprep/item_00000/samples.json").exists()
    assert f"{link} is a symbolic link" in mistakes.ran(project, "-a", "detect").stdout


@pytest.mark.slow
def test_a_report_that_git_tracks_is_refused_before_the_work(project):
    repo = TargetRepo(project)
    (project / ".codeflash/report.md").write_text("my own report\n")
    repo.git("add", "--force", ".codeflash/report.md")
    for arguments in ((), ("-a", "detect"), ("inventory",)):
        done = mistakes.ran(project, *arguments)
        assert done.returncode == 3, done.stdout
        assert "report.md: git tracks this file, and prprep did not write it" in done.stderr
        assert "detect:" not in done.stdout
    assert mistakes.ran(project, "clean").returncode == 0
    assert (project / ".codeflash/report.md").read_text() == "my own report\n"


def test_a_state_folder_that_git_tracks_is_refused(project, ran):
    repo = TargetRepo(project)
    (project / ".prprep/.gitignore").unlink(missing_ok=True)
    repo.git("add", "--force", ".prprep/item_00000/samples.json")
    before = contents(project / ".prprep")
    for arguments in ((), ("clean",), ("list",)):
        done = ran(*arguments)
        assert (done.returncode, "git tracks files in .prprep" in done.stderr) == (3, True)
        assert contents(project / ".prprep") == before


def test_a_report_that_somebody_edited_is_moved_aside(project, ran):
    report = project / ".codeflash/report.md"
    report.write_text("my own report\n")
    manifest = project / "prprep.yaml"
    manifest.write_text(manifest.read_text().replace("Sum without", "Add without"))
    assert ran("report").returncode == 0
    assert report.read_text().startswith("# Performance pull requests")
    assert (project / ".codeflash/report.edited.md").read_text() == "my own report\n"
    assert ran("clean", "report").returncode == 0
    assert not report.exists()
