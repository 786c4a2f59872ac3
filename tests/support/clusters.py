"""A scheduler, workers and clients as processes of their own, each with a cache and a machine's lock as on a machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.marked import MARK, ended
from tests.support.mistakes import command, ran, variables_of

CHECK = """
import json, os, pathlib, time

folder = pathlib.Path(os.environ["PROCESS_OF_THIS_TEST"])
(folder / f"seen-{os.getpid()}.json").write_text(json.dumps(dict(os.environ)))
while (folder / "hold").exists():
    time.sleep(0.05)
"""
"""A test command that writes down its environment, and goes on until the test lets it end."""


class Program:
    """A prprep that runs until it is ended; its output goes to a file."""

    def __init__(self, arguments: tuple[str, ...], log: Path, variables: dict[str, str]) -> None:
        self.log, self.arguments = log, arguments
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                command(*arguments), cwd=log.parent, env=variables_of(variables), stdout=stream, stderr=stream
            )

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, *, after: int = 0, seconds: float = 90) -> str:
        """Wait until a line has this text, and return what follows it in the line; skip `after` characters."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for line in self.output[after:].splitlines():
                if text in line:
                    return line.partition(text)[2]
            assert self.process.poll() is None or text in self.output, self.output
            time.sleep(0.05)
        raise AssertionError(f"{self.arguments} did not say {text!r}:\n{self.output}")

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        return self.process.wait(60)


@dataclass
class ClusterOfProcesses:
    root: Path
    keys: Path | None = None
    programs: list[Program] = field(default_factory=list)
    address: str = ""

    def variables(self, name: str) -> dict[str, str]:
        home = self.root / name
        home.mkdir(exist_ok=True)
        own = {"PRPREP_CACHE": f"{home}/cache", "PRPREP_LOCK": f"{home}/lock", MARK: str(self.root)}
        return {**own, "PRPREP_KEYS": str(self.keys or home / "none"), "HOME": str(home)}

    def _start(self, name: str, *arguments: str, **variables: str) -> Program:
        number = len(self.programs)
        program = Program(arguments, self.root / f"{name}-{number}.log", {**self.variables(name), **variables})
        self.programs.append(program)
        return program

    def scheduler(self) -> Program:
        scheme = "tls" if self.keys else "tcp"
        program = self._start("scheduler", "workers", "start", f"{scheme}://127.0.0.1:0")
        self.address = program.wait_for("the scheduler is at ")
        return program

    def worker(self, name: str, *options: str, **variables: str) -> Program:
        """Start a worker; those of one name share a machine, and its cache."""
        program = self._start(name, "worker", self.address, *options, **variables)
        program.wait_for("working for ")
        return program

    def client(self, folder: Path, *arguments: str, **variables: str) -> Program:
        """Start a run that goes on while the test does something."""
        arguments = ("run", "--manifest", str(folder / "prprep.yaml"), "--workers", self.address, *arguments)
        return self._start("client", *arguments, **variables)

    def ran(self, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        arguments = ("run", "--workers", self.address, *arguments)
        return ran(folder, *arguments, **{**self.variables("client"), **variables})

    def hold(self) -> Path:
        """Let test commands wait until this file is removed."""
        (self.root / "hold").touch()
        return self.root / "hold"

    def seen(self) -> list[dict[str, str]]:
        """Return the environments of test commands, and forget them."""
        files = sorted(self.root.glob("seen-*.json"))
        found = [json.loads(file.read_text()) for file in files]
        for file in files:
            file.unlink()
        return found

    def end(self, *programs: Program) -> None:
        for program in programs or tuple(reversed(self.programs)):
            program.end()

    def has_ended(self, *running: Program) -> bool:
        """Return whether nothing is left besides these, and what ends processes if one of these dies."""
        besides = {each.process.pid for each in running}
        for child in [child for pid in besides for child in psutil.Process(pid).children()]:
            if any(word.endswith("reaper.py") for word in child.cmdline()):
                besides.add(child.pid)
        return ended(str(self.root), besides=frozenset(besides))
