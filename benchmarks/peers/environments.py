"""The peers' environments, in prprep's cache folder and never in the project's own."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

PEERS = Path(__file__).with_name("requirements.txt")


def environment(requirements: Path, cache: Path) -> Path:
    """Return the folder of programs of an environment with `requirements`, built once for the same content."""
    content = requirements.read_bytes()
    folder = cache / "peers" / hashlib.sha256(content).hexdigest()[:16]
    if not (folder / "whole").exists():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "install", "--quiet", "--python", str(folder), "--requirement", str(requirements))
        (folder / "whole").touch()
    return folder / "bin"


def variables(programs: Path | None = None, **more: str) -> dict[str, str]:
    """Return environment variables with `programs` first on PATH and none of ours."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "PYTEST", "CODEFLASH"))
    }
    path = f"{programs}{os.pathsep}{variables['PATH']}" if programs else variables["PATH"]
    return {**variables, "PATH": path, **more}


def _uv(*arguments: str) -> None:
    subprocess.run([find_uv_bin(), *arguments], check=True)
