"""What must be installed to measure, and which versions of it are too old for that."""

from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


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
        if name in needed and _excludes(requirement, Version(needed[name].partition(">=")[2].partition(";")[0])):
            outdated[line] = needed[name]
    return outdated


def _excludes(requirement: Requirement, oldest: Version) -> bool:
    """Return whether a requirement allows no version from `oldest` on."""
    named = (each.version for each in requirement.specifier if not each.version.endswith("*"))
    versions = {
        oldest,
        *map(Version, named),
        *(Version(f"{major}.{minor}") for major in range(40) for minor in range(40)),
    }
    newer = (version for version in versions if version >= oldest)
    return not any(requirement.specifier.contains(version, prereleases=True) for version in newer)
