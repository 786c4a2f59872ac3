"""A manifest of any size whose artifacts are all fresh, as after a complete run.

The artifacts hold literal samples of realistic size (8 launches of 24 blocks a side) and the fingerprints of a real
run, to see the cost and the decisions of the graph without measuring.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.artifacts import (
    Change,
    ChangedFunction,
    CodeflashRun,
    Commit,
    Comparison,
    Decision,
    Detection,
    DomainProposal,
    Injection,
    Interval,
    Launch,
    Layout,
    Linting,
    Measurement,
    MetricName,
    Presence,
    ProjectTests,
    Provenance,
    Recording,
    Rendering,
    RunCommand,
    Samples,
    Scaffolding,
    SideRun,
    Survey,
    TreeSpec,
    Verdict,
    Verification,
)
from tasks.pipeline import STAGES, staleness_of, write_report
from tasks.processes.progress import silent
from tasks.stages.render import body_of
from tasks.storage.files import write_whole
from tasks.storage.hashing import digest, sha256_of
from tasks.workspace.workspace import Workspace
from tests.support.targets import TargetRepo

if TYPE_CHECKING:
    from tasks.staleness import Staleness
    from tasks.storage.artifact import Artifact

ITEM = "item_%05d"
BENCHMARK = "tests/benchmarks/test_benchmark_total.py"
_LAUNCH = Launch(
    first="base",
    seed=7,
    iterations={"base": 4, "head": 8},
    base=tuple(0.002 + 0.0000013 * number for number in range(24)),
    head=tuple(0.001 + 0.0000011 * number for number in range(24)),
)

_RUN = SideRun(code=0, passed=212, skipped=3)


def make_fresh(folder: Path, count: int) -> Workspace:
    """Create a repository, a manifest of `count` items and all their artifacts in `folder`."""
    repository = TargetRepo(folder / "target", {"app.py": "def total(values):\n    return sum([v for v in values])\n"})
    base = repository.head
    repository.branch("perf")
    faster = "def total(values):\n    return sum(values)\n"
    repository.commit({"app.py": faster, BENCHMARK: "def test_total(benchmark):\n    benchmark(sum, [1])\n"})
    repository.checkout("main")
    manifest = folder / "prprep.yaml"
    write_whole(
        manifest,
        "\n".join(["version: 1", "repo: target", "upstream: main", "optimizations:", *map(_entry, range(count))])
        + "\n",
    )
    workspace = Workspace.open(manifest)
    staleness = staleness_of(workspace)
    for number in range(count):
        _finish(staleness, ITEM % number, (base, repository.git("rev-parse", "perf")))
    write_report(staleness, silent)
    workspace.run_cache.save()
    return workspace


def _entry(number: int) -> str:
    item = ITEM % number
    return (
        f"  - id: {item}\n    title: Sum without a list, number {number}\n    domain: cpu\n    head: perf\n"
        f"    functions: app:total\n    benchmark: {BENCHMARK}"
    )


def _finish(staleness: Staleness, item_id: str, commits: tuple[str, str]) -> None:
    """Write the item's artifacts in the order of the stages, each with its fingerprint in a real run."""
    workspace, paths = staleness.workspace, staleness.workspace.paths.item(item_id)
    body = body_of(staleness.item(item_id))
    artifacts = _artifacts(item_id, commits, body=str(body.relative_to(workspace.folder)))
    for stage in STAGES:
        if stage.name == "render":
            write_whole(body, f"# {item_id}\n")
            artifacts["render"] = artifacts["render"].model_copy(
                update={
                    "sha256": sha256_of(body),
                    "comparison": digest(paths.compare),
                    "headline": "time −49.7 %",
                }
            )
        artifacts[stage.name].write(paths.artifact(stage.name), staleness.fingerprint(stage, item_id))
        staleness.changed()


def _artifacts(item_id: str, commits: tuple[str, str], *, body: str) -> dict[str, Artifact]:
    base, head = commits
    sha256 = "0" * 64
    sides = [
        Provenance(
            commit=commit, tree=commit, python="3.11.7", environment="0" * 32, packages=("pytest==9.2.0",), modules=()
        )
        for commit in commits
    ]
    change = Change(
        test="test_total",
        metric=MetricName.TIME,
        unit="s",
        base=0.002016,
        head=0.001013,
        samples=192,
        interval=Interval(ratio=0.5025, low=0.4975, high=0.5078, confidence=0.99),
        verdict=Verdict.IMPROVED,
        negligible=0.01,
        launches=8,
        primary=True,
    )
    benchmark = {"benchmark": BENCHMARK, "benchmark_sha256": sha256}
    samples = {
        "item": item_id,
        "platform": "made up — 2 cores, 8 GiB RAM, Python 3.11.7",
        "base": sides[0],
        "head": sides[1],
    }
    return {
        "detect": _detection(item_id, commits),
        "survey": Survey(
            item=item_id,
            slug=None,
            unknown="no remote",
            decision=Decision(kind="new", reason="nothing else is about the same functions"),
        ),
        "record": Recording(item=item_id, notes=("there is a benchmark",)),
        "scaffold": Scaffolding(
            item=item_id, path=BENCHMARK, origin="head", source=head, sha256=sha256, made_from="existing"
        ),
        "inject": Injection(
            item=item_id,
            strategy="inject",
            reason="the benchmark is at head only",
            base=TreeSpec(commit=base, files={BENCHMARK: sha256}, tree=base),
            head=TreeSpec(commit=head, files={BENCHMARK: sha256}, tree=head),
            **benchmark,
        ),
        "lint": Linting(item=item_id, path=BENCHMARK, ran=True),
        "tests": ProjectTests(item=item_id, command="python -m pytest", found="conftest.py", base=_RUN, head=_RUN),
        "measure": Samples(
            measurements=(Measurement(test="test_total", metric=MetricName.TIME, launches=(_LAUNCH,) * 8, looks=(8,)),),
            **benchmark,
            **samples,
        ),
        "codeflash": CodeflashRun(item=item_id),
        "compare": Comparison(
            verdict=Verdict.IMPROVED,
            reason="time fell",
            headline="time −49.7 %",
            changes=(change,),
            outputs=(),
            negligible=0.01,
            benchmark=BENCHMARK,
            **samples,
        ),
        "verify": Verification(item=item_id, commands=(RunCommand(text=f"prprep compare:{item_id}\n", code=0),)),
        "render": Rendering(item=item_id, body=body, sha256=sha256, template="pr-body-cpu.md.j2"),
    }


def _detection(item_id: str, commits: tuple[str, str]) -> Detection:
    base, head = commits
    return Detection(
        item=item_id,
        title="Sum without a list",
        base=base,
        head=head,
        base_ref=base,
        head_ref="perf",
        upstream=base,
        upstream_ref="main",
        slug=None,
        commits=(Commit(sha=head, title="Sum without a list"),),
        files=("app.py",),
        functions=(ChangedFunction(path="app.py", module="app", name="total", status="modified", lines=(1, 2)),),
        target="app:total",
        target_reason="named in the manifest",
        domain=DomainProposal(domains=("cpu",), reason="named in the manifest", given=True),
        benchmark=Presence(path=BENCHMARK, base=None, head="0" * 40, worktree=None),
        layout=Layout(
            kind="flat",
            project="",
            import_roots=("",),
            packages=("app",),
            installable=False,
            benchmarks_root="tests/benchmarks",
            benchmarks_root_reason="it exists",
            runner="python",
            runner_reason="no lock file",
        ),
    )
