"""An installation has what the checkout has, under the one name `prprep`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PARTS = ("tasks", "templates", "pyproject.toml", "README.md", "LICENSE")

IMPORT_ALL = """
import importlib, pkgutil, prprep
for module in pkgutil.walk_packages(prprep.__path__, "prprep."):
    if not module.name.startswith("prprep.worker.") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
LARGEST_INSTALLATION = 240_000_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    # From a clean copy: a build folder that was left behind would ship modules that are gone.
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "checkout"
    copy.mkdir()
    for part in PARTS:
        source = CHECKOUT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / part)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, copy], check=True, capture_output=True
    )
    return next(folder.glob("*.whl"))


def files_of(folder: Path, under: str) -> set[str]:
    return {
        f"{under}/{path.relative_to(folder)}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_sources_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert shipped == files_of(CHECKOUT / "tasks", "prprep") | files_of(CHECKOUT / "templates", "prprep/templates")


def test_prprep_works_where_it_is_installed_and_takes_no_other_name(wheel, tmp_path):
    environment = tmp_path / "venv"
    python = environment / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    constraints = ["--constraint", CHECKOUT / "constraints.txt"]
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, *constraints, wheel], check=True)
    for name in ("tasks", "templates"):
        assert (
            subprocess.run([python, "-c", f"import {name}"], cwd=tmp_path, capture_output=True, check=False).returncode
            == 1
        )
    # What only the extra `dev` installs is not there.
    subprocess.run([python, "-c", IMPORT_ALL], cwd=tmp_path, check=True)
    assert sum(path.lstat().st_size for path in environment.rglob("*")) < LARGEST_INSTALLATION
    called = subprocess.run(
        [environment / "bin" / "prprep", "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert called.stdout.startswith("prprep 0.")
    found = subprocess.run(
        [
            python,
            "-c",
            "from prprep.storage.paths import shipped_templates as s; print(*sorted(p.name for p in s().glob('*.j2')))",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == sorted(path.name for path in (CHECKOUT / "templates").glob("*.j2"))
    refused = subprocess.run(
        [environment / "bin" / "prprep"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (refused.returncode, "Traceback" in refused.stderr) == (3, False)
