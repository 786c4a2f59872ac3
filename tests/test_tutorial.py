"""docs/tutorial.md, followed word for word on the real release that it names."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.releases import repository_of

CHECKOUT = Path(__file__).parents[1]
PAGE = (CHECKOUT / "docs/tutorial.md").read_text(encoding="utf-8")
ADDRESS = "https://github.com/jpvanhal/inflection.git"

pytestmark = pytest.mark.slow(1.5)


def test_every_command_of_the_tutorial(tmp_path, monkeypatch):
    mirror = repository_of("inflection", ("0.5.1",), tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    run = f'exec "{sys.executable}" -c "from tests.support.briefly import main; main(draws=True)" "$@"'
    (programs / "prprep").write_text(f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" {run}\n')
    (programs / "prprep").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    # Nothing below depends on the figures, so three short launches do, which is the fewest.
    timing = "tasks.bench.time.timing"
    few = {f"{timing}.LOOKS": [3], f"{timing}.SHORTEST_LAUNCH": 0.1, f"{timing}.LONGEST_LAUNCH": 0.1}
    monkeypatch.setenv("PRPREP_BRIEFLY", json.dumps(few))
    # Git clones the release from here; nothing else knows that it is not GitHub.
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{mirror.path}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", ADDRESS)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Reader")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "reader@example.com")
    commands = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    folder = tmp_path / "work"
    folder.mkdir()
    bash = ["bash", "-euo", "pipefail", "-c", commands]
    done = subprocess.run(bash, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = [line.strip() for line in re.findall(r"^ {6}(ok .*)$", PAGE, re.MULTILINE)]
    assert len(shown) > 4
    # How many calls are recorded and watched depends on the time that a busy machine leaves.
    certain = {line for line in shown if not re.search(r" \d+ (?:calls|of) ", line)}
    assert certain <= {line.strip() for line in done.stdout.splitlines()}, done.stdout
    assert (folder / "inflection/.codeflash/evidence-singularize.zip").is_file()
    git = ["git", "-C", str(folder / "inflection"), "status", "--short"]
    status = subprocess.run(git, capture_output=True, text=True, check=True)
    assert status.stdout == "?? .codeflash/\n?? prprep.yaml\n"
