"""The peers' environments, below prprep's cache folder and never in the project's own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

PEERS = Path(__file__).with_name("requirements.txt")


def made(requirements: Path, cache: Path) -> Path:
    """Give the folder of the programs that `requirements` installs; made once for the same content."""
    content = requirements.read_bytes()
    folder = cache / "peers" / hashlib.sha256(content).hexdigest()[:16]
    if not (folder / "whole").exists():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "install", "--quiet", "--python", str(folder), "--requirement", str(requirements))
        (folder / "whole").touch()
    return folder / "bin"


def variables(programs: Path | None = None, **more: str) -> dict[str, str]:
    """Give an environment in which `programs` come first and nothing of ours is seen."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "PYTEST", "CODEFLASH"))
    }
    path = f"{programs}{os.pathsep}{kept['PATH']}" if programs else kept["PATH"]
    return {**kept, "PATH": path, **more}


def _uv(*words: str) -> None:
    subprocess.run([find_uv_bin(), *words], check=True)
