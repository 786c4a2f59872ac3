"""Install the packages that tests lack, and record again."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from ...artifacts import Recording
from ...bench.observing.site import repairable
from ...environments.declared import requirement_for
from ...errors import PrprepError
from ...project.files import Project
from .sides import Sides

LEAST_SECONDS = 30.0
"""Recording begins again only if there is so much time left."""


def repaired(sides: Sides, record: Callable[[Sides], Recording]) -> Recording:
    """Record; as long as that fails for the lack of packages, install them all and record again."""
    recording = record(sides)
    causes: dict[str, str] = {}
    notes: list[str] = []
    while not recording.is_usable and (lacking := _lacking(recording.notes, sides, causes)):
        causes |= lacking
        before = sides
        sides, failures = _with_installed(sides, tuple(lacking))
        notes += failures
        if sides is before:
            break
        recording = record(sides)
    notes = [*(f"{each} was installed for recording, since {causes[each]}" for each in sides.install), *notes]
    return recording.model_copy(update={"notes": (*recording.notes, *notes)})


def _lacking(notes: Sequence[str], sides: Sides, known: Collection[str]) -> dict[str, str]:
    """Return the packages that were missing in a run, each with the cause; none that are `known`."""
    if sides.seconds_left < LEAST_SECONDS:
        return {}
    layout = sides.detection.layout
    project = Project(sides.base.sources.tree, layout.project)
    matches = (match for note in notes for match in repairable(note).values())
    python = sides.base.python_version
    packages = ((requirement_for(match, project, layout.packages, python), match.cause) for match in matches)
    return {package: cause for package, cause in packages if package and package not in known}


def _with_installed(sides: Sides, packages: tuple[str, ...]) -> tuple[Sides, tuple[str, ...]]:
    """Return the sides with as many of the packages as can be installed, and why others cannot."""
    try:
        together = replace(sides, install=(*sides.install, *packages))
        together.build()
    except PrprepError as error:
        if len(packages) == 1:
            return sides, (f"installing {packages[0]} failed: {error.what.splitlines()[0]}",)
    else:
        return together, ()
    failures: tuple[str, ...] = ()
    for package in packages:
        sides, failed = _with_installed(sides, (package,))
        failures = (*failures, *failed)
    return sides, failures
