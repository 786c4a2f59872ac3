"""What a module may call its file, and where that is."""

from __future__ import annotations

import os
import sys

import pytest

from tasks.bench.workers.workers import WORKER_FOLDER

sys.path.append(str(WORKER_FOLDER))
from prprep_worker.places import real_path
from prprep_worker.startup import import_timer


@pytest.mark.parametrize("name", ["_ops.py", "<string>", "x" * 5000, "a\0b", "/a\0b", "", "sub/_ops.py", "\udcff"])
def test_a_name_that_is_no_file_has_no_path(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert real_path(name) is None
    assert real_path(name, {}) is None


@pytest.mark.parametrize("folders", [None, {}])
def test_a_file_is_where_its_links_lead(tmp_path, monkeypatch, folders):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.py").touch()
    (tmp_path / "link.py").symlink_to("there.py")
    (tmp_path / "folder").symlink_to(".")
    for name in ("link.py", "there.py", "folder/there.py", "folder/link.py"):
        for file in (name, str(tmp_path / name)):
            assert real_path(file, folders) == os.path.realpath(file), file
    assert real_path(str(tmp_path / "gone.py"), folders) == str(tmp_path / "gone.py")
    assert real_path(str(tmp_path / "folder" / ".."), folders) == str(tmp_path.parent)


def test_the_import_timer_returns_modules_with_a_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, file in {"pkg.real": tmp_path / "real.py", "pkg.odd": "_ops.py", "pkg.nul": "a\0b"}.items():
        module = type(sys)(name)
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, name, module)
    found = list(import_timer.modules_of_project(["pkg"], [str(tmp_path)]))
    assert found == [{"name": "pkg.real", "path": str(tmp_path / "real.py")}]
