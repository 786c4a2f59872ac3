"""What must be installed to measure: beside the project's packages, in versions that fit them if there are any."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..errors import CommandFailedError
from ..processes.progress import Report
from .installer import diagnosis
from .package_dates import end_of, without_date
from .venvs import Venv


class Uv(Protocol):
    def __call__(self, *arguments: str | Path) -> None: ...


def requirements(minor: int) -> tuple[tuple[str, ...], ...]:
    """Return what measuring needs in Python 3.`minor`; what is in one tuple is installed together.

    These are the oldest versions with which prprep's worker was seen to work; older ones of pytest do not run there.
    """
    pytest = "pytest>=4.6" if minor < 10 else "pytest>=6.2"
    return (pytest, "pytest-benchmark>=3.2.2"), ("memray>=1.1; sys_platform != 'win32'",)


def too_old(lines: Iterable[str], minor: int) -> dict[str, str]:
    """Return the requirements for versions that are too old to measure with, each with what is needed instead."""
    needed = {Requirement(line).name: line for group in requirements(minor) for line in group}
    outdated = {}
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        name = canonicalize_name(requirement.name)
        if (
            name in needed
            and applies(requirement, f"3.{minor}.0")
            and _excludes(requirement, Version(needed[name].partition(">=")[2].partition(";")[0]))
        ):
            outdated[line] = needed[name]
    return outdated


def applies(requirement: Requirement, version: str) -> bool:
    """Return whether a requirement is one in this version of Python, on this machine."""
    python = {"python_full_version": version, "python_version": version.rpartition(".")[0], "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(python)


def _excludes(requirement: Requirement, oldest: Version) -> bool:
    """Return whether a requirement allows no version from `oldest` on."""
    try:
        named = [oldest, *(Version(each.version.removesuffix(".*")) for each in requirement.specifier)]
    except InvalidVersion:
        return False  # `===` allows any text
    newer = (version for each in named for version in _at_and_after(each) if version >= oldest)
    return not any(requirement.specifier.contains(version, prereleases=True) for version in newer)


def _at_and_after(version: Version) -> tuple[Version, ...]:
    """Return a version, the next that only its own `.*` has, and the next that `.*` does not have."""
    *first, last = version.release
    following = ".".join(map(str, (*first, last + 1)))
    return version, Version(f"{version.base_version}.0.0.1"), Version(f"{version.epoch}!{following}")


@dataclass(frozen=True, slots=True)
class MeasuringPackages:
    """What measuring needs beside the `installed` packages of a project.

    `locked` are the pins of its lock, which may be of packages that are not installed, such as pytest; `arguments` come
    from the manifest, `as_of` is the date of the project's packages, and `own_name` the project's name.
    """

    installed: tuple[str, ...]
    locked: tuple[str, ...]
    arguments: tuple[str, ...]
    as_of: date | None
    minor: int
    own_name: str

    def install(self, venv: Venv, *, uv: Uv, report: Report) -> tuple[str, ...]:
        """Install what is missing, and return notes; raise CommandFailedError."""
        present = {*_names(self.installed), self.own_name}
        notes: tuple[str, ...] = ()
        needed = {"pytest-benchmark": self.benchmark_requirement}
        for group in requirements(self.minor):
            names = {line: Requirement(line).name for line in group}
            if missing := [needed.get(name, line) for line, name in names.items() if name not in present]:
                report(f"installing packages for measuring: {', '.join(missing)}")
                notes += self._install(venv, missing, uv)
        return notes

    @property
    def benchmark_requirement(self) -> str:
        """Which pytest-benchmark runs with the project's pytest; its own requirements do not say so."""
        pins: dict[str, str] = {
            canonicalize_name(name): pin for name, _, pin in _parts((*self.locked, *self.installed))
        }
        installed = _names(self.installed)
        if "pytest" in installed and "py" not in installed:
            return "pytest-benchmark>=4"  # that pytest hides the py that older versions need
        try:
            is_old = Version(pins.get("pytest", "6").partition(";")[0].strip()) < Version("5.4")
        except InvalidVersion:
            is_old = False
        return "pytest-benchmark>=3.2.2,<4" if is_old else "pytest-benchmark>=3.2.2"

    def _install(self, venv: Venv, missing: Sequence[str], uv: Uv) -> tuple[str, ...]:
        names = [Requirement(line).name for line in missing]
        # Of the manifest's arguments, indexes matter here; memray is younger than many commits.
        arguments = (*missing, *without_date(self.arguments))
        install: tuple[str | Path, ...] = ("pip", "install", "--quiet", "--python", venv.python, *arguments)
        outdated, present = too_old(self.locked, self.minor), _names(self.installed)
        others = tuple(each for each in self.installed if each.partition("==")[0] != self.own_name)
        both = (*others, *(pin for pin in self.locked if pin not in outdated and not _names([pin]) & present))
        for day, pins in dict.fromkeys([(self.as_of, both), (None, both), (self.as_of, others), (None, others)]):
            limits = ["--constraints", str(venv.write("pins.txt", pins))]
            for name in names:
                limits += ["--only-binary", name]
                if day and name.startswith("pytest"):
                    limits += ["--exclude-newer-package", f"{name}={end_of(day)}"]
            try:
                uv(*install, *limits)
            except CommandFailedError as error:
                if diagnosis(error).diagnosis.final:
                    raise
            else:
                return ()
        uv(*install)
        wanted = venv.packages()
        differing = [each for each in self.installed if _names([each]) <= _names(wanted) and each not in wanted]
        shown = ", ".join(each.replace("==", " ") for each in differing)
        return (
            f"{' and '.join(names)} would need other versions than the project has, and use the project's: {shown}",
        )


def complete_benchmark(venv: Venv, uv: Uv) -> None:
    """Install py if pytest-benchmark is so old that it imports py without requiring it, and pytest is newer."""
    versions = dict(package.partition("==")[::2] for package in venv.packages())
    if versions.get("pytest-benchmark", "4").startswith(("2.", "3.")) and "py" not in versions:
        uv("pip", "install", "--quiet", "--python", venv.python, "py")


def _names(packages: Iterable[str]) -> set[str]:
    return {canonicalize_name(name) for name, _, _ in _parts(packages)}


def _parts(packages: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    return (package.partition("==") for package in packages)
