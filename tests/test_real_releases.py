"""The whole way, on releases of real packages that prprep has never seen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tasks.artifacts import Comparison, Detection, Verdict
from tasks.body.effects import change_of
from tasks.body.views import leading
from tests.support.mistakes import ran
from tests.support.releases import repository_of
from tests.support.untouched import untouched

if TYPE_CHECKING:
    from tests.support.targets import TargetRepo

pytestmark = pytest.mark.slow(1.2)


@dataclass(frozen=True)
class Release:
    """Two releases of a package, what to measure, and what is true of them."""

    name: str
    versions: tuple[str, str]
    function: str
    setup: str
    call: str
    metric: str
    verdicts: frozenset[Verdict]
    layout: str
    roots: tuple[str, ...]
    module: str
    depends_otherwise: bool = False


RELEASES = (
    Release(
        "packaging",
        ("25.0", "26.0"),
        "packaging.version:Version",
        "from packaging.version import Version",
        "[Version(f'{a}.{b}.1') for a in range(20) for b in range(20)]",
        "memory",
        frozenset({Verdict.IMPROVED}),
        "src",
        ("src",),
        "src/packaging/version.py",
        depends_otherwise=True,
    ),
    Release(
        "idna",
        ("3.9", "3.10"),
        "idna:encode",
        "import idna\nnames = ['königsgäßchen.example', 'ἀρχή.example', 'παράδειγμα.example'] * 20",
        "[idna.encode(name) for name in names]",
        "memory",
        frozenset({Verdict.UNCHANGED}),
        "flat",
        ("",),
        "idna/core.py",
    ),
)


def manifest_of(release: Release) -> str:
    item = {
        "id": "release",
        "base": release.versions[0],
        "head": release.versions[1],
        "domain": "cpu",
        "functions": release.function,
        "metrics": release.metric,
        "budget": 1,
        "tests": False,
        "verify": False,
        "benchmark": {"setup": release.setup, "call": release.call},
    }
    return json.dumps({"version": 1, "repo": f"../{release.name}", "upstream": "main", "optimizations": [item]})


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_a_release_is_measured_against_the_one_before(release, tmp_path):
    repository = repository_of(release.name, release.versions, tmp_path)
    (tmp_path / "work" / "sub").mkdir(parents=True)
    (tmp_path / "work" / "prprep.yaml").write_text(manifest_of(release))
    with untouched(repository.path):
        first = ran(tmp_path / "work" / "sub")
        second = ran(tmp_path / "work")
    assert first.returncode == 0, first.stdout + first.stderr
    assert [line for line in second.stdout.splitlines() if line.startswith(".  ")] == []
    state = tmp_path / "work" / ".prprep" / "release"
    detection, comparison = Detection.read(state / "detect.json"), Comparison.read(state / "compare.json")
    assert (detection.layout.kind, detection.layout.import_roots) == (release.layout, release.roots)
    assert bool(detection.dependencies) is release.depends_otherwise
    assert comparison.verdict in release.verdicts, comparison.headline
    measures_its_own_tree(repository, comparison, release)
    body = (tmp_path / "work" / ".codeflash" / f"pr-body-{detection.function}.md").read_text()
    lead = leading(comparison)
    assert lead
    assert change_of(lead.interval) in body
    assert all(side.commit in body for side in (comparison.base, comparison.head))


def measures_its_own_tree(repository: TargetRepo, comparison: Comparison, release: Release) -> None:
    """Hold every measured file of the project against git's own answer for that side's commit."""
    for side, version in zip((comparison.base, comparison.head), release.versions, strict=True):
        measured = {
            module.path: module.blob for module in side.modules if not module.path.startswith("tests/benchmarks/")
        }
        assert release.module in measured
        assert measured == {path: repository.git("rev-parse", f"{version}:{path}") for path in measured}
