"""The graph's tasks, and what surrounds the work of a stage, on a manifest whose artifacts are all fresh."""

from __future__ import annotations

import json
import shutil
import typing
from hashlib import sha256

import pytest

from benchmarks.fresh_items import ITEM, make_fresh
from tasks import artifacts, pipeline
from tasks.artifacts import Comparison, Detection, Failure, Rendering, Scaffolding
from tasks.errors import MeasuringError, NeedsReviewError
from tasks.manifest.model import Optimization
from tasks.pipeline import STAGES, clean, perform, report_is_fresh, staleness_of, summary, tasks
from tasks.processes.progress import silent
from tasks.stages.record import lacks_benchmark
from tasks.stages.render import SUMMARIZE, body_of
from tasks.stages.survey import GITHUB
from tasks.staleness import ALL, Staleness
from tasks.storage.files import fingerprint_of
from tasks.storage.hashing import digest
from tasks.storage.paths import shipped_templates
from tasks.storage.restricted import UndeclaredInputError
from tasks.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

ONE, TWO = "item_00000", "item_00001"
NAMES = [stage.name for stage in STAGES]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    workspace = make_fresh(folder, 2)
    for item in (ONE, TWO):
        paths = workspace.paths.item(item)
        made = Rendering.read(paths.render).model_copy(update={"comparison": digest(paths.compare)})
        made.write(paths.render, fingerprint_of(paths.render))
    summary(staleness_of(workspace))
    return folder


@pytest.fixture
def workspace(made, tmp_path):
    shutil.copytree(made, tmp_path / "copy", symlinks=True)
    return Workspace.open(tmp_path / "copy" / "prprep.yaml")


def opened(workspace, old="", new=""):
    """Edit the manifest and open it again."""
    path = workspace.paths.manifest
    path.write_text(path.read_text().replace(old, new, 1))
    return Workspace.open(path)


def graph(workspace):
    """Return every task by its name; actions and questions as they were handed over."""
    found = tasks(staleness_of(workspace), lambda _work, label: label, lambda question: question)
    return {f"{task['basename']}:{task['name']}" if task.get("name") else task["basename"]: task for task in found}


# -- the tasks --------------------------------------------------------------------------------------


def test_each_stage_has_a_task_for_each_item_and_there_is_a_report(workspace):
    assert set(graph(workspace)) == {*NAMES, *(f"{name}:{item}" for name in NAMES for item in (ONE, TWO)), "report"}


@pytest.mark.parametrize(
    ("stage", "reads", "targets"),
    [
        ("detect", [], ["detect"]),
        ("record", ["detect"], ["record"]),
        ("scaffold", ["detect", "record"], ["scaffold"]),
        ("inject", ["detect", "scaffold"], ["inject"]),
        ("lint", ["detect", "record", "scaffold", "inject"], ["lint"]),
        ("tests", ["detect"], ["tests"]),
        ("measure", ["detect", "scaffold", "inject", "lint"], ["samples"]),
        ("compare", ["detect", "scaffold", "lint", "samples", "codeflash"], ["compare"]),
        ("verify", ["detect", "scaffold", "inject", "codeflash", "compare"], ["verify"]),
    ],
)
def test_a_task_depends_on_the_artifacts_before_it_and_makes_its_own(workspace, stage, reads, targets):
    task = graph(workspace)[f"{stage}:{ONE}"]
    assert task["targets"] == [f".prprep/{ONE}/{name}.json" for name in targets]
    before = [next(known for known in STAGES if known.name == stage).reads]
    assert len(task["file_dep"]) == len(before[0]) == len(reads)
    assert set(task["file_dep"]) == {f".prprep/{ONE}/{name}.json" for name in reads}
    assert (task["actions"], task["doc"]) == ([f"{stage}:{ONE}"], "Sum without a list, number 0")


def test_render_and_report_make_what_the_user_gets(workspace):
    found = graph(workspace)
    assert found[f"render:{ONE}"]["targets"] == [f".prprep/{ONE}/render.json", ".codeflash/pr-body-total.md"]
    assert found[f"render:{ONE}"]["file_dep"] == [
        f".prprep/{ONE}/{name}.json"
        for name in ("detect", "survey", "scaffold", "inject", "tests", "compare", "codeflash", "verify")
    ]
    assert found["report"]["targets"] == [".codeflash/report.md"]


def test_every_artifact_has_one_task_that_makes_it(workspace):
    targets = [target for task in graph(workspace).values() for target in task.get("targets", ())]
    assert len(targets) == len(set(targets))
    assert {dep for task in graph(workspace).values() for dep in task.get("file_dep", ())} < set(targets)


def test_questions_are_answered_by_the_artifacts(workspace):
    assert all(question() for task in graph(workspace).values() for question in task.get("uptodate", ()))
    workspace.paths.item(ONE).compare.unlink()
    found = graph(workspace)
    assert [name for name, task in found.items() if not all(question() for question in task.get("uptodate", ()))] == [
        f"compare:{ONE}",
        f"verify:{ONE}",
        f"render:{ONE}",
        "report",
    ]


# -- bodies -----------------------------------------------------------------------------------------


def test_two_items_of_one_function_have_two_bodies(workspace):
    assert [body_of(staleness_of(workspace).item(item)).name for item in (ONE, TWO)] == [
        "pr-body-total.md",
        f"pr-body-total-{TWO}.md",
    ]


def test_the_body_of_an_unnamed_function_is_known_once_it_was_rendered(workspace):
    workspace = opened(workspace, "    functions: app:total\n")
    paths = workspace.paths.item(ONE)
    assert graph(workspace)[f"render:{ONE}"]["targets"] == [f".prprep/{ONE}/render.json", ".codeflash/pr-body-total.md"]
    paths.render.unlink()
    assert graph(workspace)[f"render:{ONE}"]["targets"] == [f".prprep/{ONE}/render.json"]


def test_an_unnamed_function_leaves_the_name_to_the_item_that_names_it(workspace):
    workspace = opened(workspace, "    functions: app:total\n")
    assert body_of(staleness_of(workspace).item(ONE)).name == f"pr-body-total-{ONE}.md"
    assert body_of(renamed(workspace)).name == "pr-body-other.md"


def test_an_unnamed_function_is_the_one_that_was_recorded(workspace):
    workspace = opened(workspace, "    functions: app:total\n")
    path = workspace.paths.item(ONE).scaffold
    Scaffolding.read(path).model_copy(update={"target": "app:recorded"}).write(path)
    assert body_of(staleness_of(workspace).item(ONE)).name == "pr-body-recorded.md"


def renamed(workspace):
    """Let detect find another function."""
    path = workspace.paths.item(ONE).detect
    Detection.read(path).model_copy(update={"target": "app:other"}).write(path)
    return staleness_of(workspace).item(ONE)


def test_an_unnamed_function_takes_no_name_that_is_taken(workspace):
    workspace = opened(workspace, "    functions: app:total\n")
    body = workspace.paths.item(ONE).body("other")
    body.write_text("somebody's\n")
    item = renamed(workspace)
    assert body_of(item).name == f"pr-body-other-{ONE}.md"
    rendering = Rendering.read(item.paths.render)
    rendering.model_copy(update={"body": ".codeflash/pr-body-other.md"}).write(item.paths.render)
    item.staleness.changed()
    assert body_of(item) == body


# -- running a stage --------------------------------------------------------------------------------


class Work:
    """Does the work of every stage in its place."""

    def __init__(self, run=lambda _inputs: None):
        self.run = run


def performed(monkeypatch, workspace, stage, run=lambda _inputs: None, report=silent):
    monkeypatch.setattr(pipeline, "work_of", lambda _stage: Work(run))
    staleness = staleness_of(workspace)
    perform(staleness, staleness.stages[stage], ONE, report)


def test_the_fingerprint_is_that_of_what_there_was_before_the_work(workspace, monkeypatch):
    paths = workspace.paths.item(ONE)
    before, whole = staleness_of(workspace).fingerprint("compare", ONE), Comparison.read(paths.compare)

    def run(inputs):
        paths.samples.unlink()
        inputs.write(whole)

    performed(monkeypatch, workspace, "compare", run)
    assert fingerprint_of(paths.compare) == before != staleness_of(workspace).fingerprint("compare", ONE)


def test_a_failure_is_kept_for_the_report_until_its_stage_goes_well(workspace, monkeypatch):
    failure = workspace.paths.item(ONE).failure

    def fail(_inputs):
        raise MeasuringError("it broke", where="there", hint="fix it")

    with pytest.raises(MeasuringError):
        performed(monkeypatch, workspace, "measure", fail)
    assert Failure.read(failure) == Failure(
        item=ONE,
        stage="measure",
        message="there: it broke\n  fix it",
        kind="MeasuringError",
        where="there",
        hint="fix it",
    )
    performed(monkeypatch, workspace, "inject")
    assert failure.exists()
    performed(monkeypatch, workspace, "measure")
    assert not failure.exists()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (StopIteration(), "this is a defect of prprep: StopIteration: "),
        (FileNotFoundError(2, "No such file", "/a"), "/a: No such file\n  fix it and run again; finished work is kept"),
        (OSError(28, "No space left", "/a", None, "/b"), "/a -> /b: No space left\n  free space there"),
        (OSError("made without a number"), "made without a number\n  fix it"),
        (TimeoutError(), "TimeoutError\n  fix it"),
    ],
)
def test_whatever_goes_wrong_in_a_stage_blocks_the_item(workspace, monkeypatch, error, message):
    def fail(_inputs):
        raise error

    workspace.paths.item(ONE).samples.unlink()
    with monkeypatch.context() as patched, pytest.raises(type(error)):
        performed(patched, workspace, "measure", fail)
    failure = workspace.paths.item(ONE).failure
    assert Failure.read(failure).message.startswith(message)
    assert message.splitlines()[0] in workspace.paths.item(ONE).log.read_text() or type(error) is StopIteration
    assert "blocked: measure" in summary(staleness_of(workspace))
    performed(monkeypatch, workspace, "measure")
    assert not failure.exists()


def test_what_cannot_be_read_to_see_whether_a_stage_is_fresh_blocks_the_item(workspace, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied", "/a")

    monkeypatch.setattr(Staleness, "made_from", fail)
    with pytest.raises(PermissionError):
        performed(monkeypatch, workspace, "measure")
    assert "/a: Permission denied" in Failure.read(workspace.paths.item(ONE).failure).message


def test_a_failure_that_cannot_be_kept_does_not_hide_its_cause(workspace, monkeypatch):
    def fail(_inputs):
        workspace.paths.item(ONE).state.mkdir(parents=True, exist_ok=True)
        workspace.paths.item(ONE).failure.mkdir()
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        performed(monkeypatch, workspace, "measure", fail)


def test_waiting_for_a_person_is_said_and_is_no_failure(workspace, monkeypatch):
    lines = []

    def wait(_inputs):
        raise NeedsReviewError("fill in the arguments", hint="then run doit again")

    performed(monkeypatch, workspace, "scaffold", wait, lines.append)
    assert lines == ["fill in the arguments\n  then run doit again"]
    assert not workspace.paths.item(ONE).failure.exists()


def test_the_stages_behind_a_gap_do_not_run(workspace, monkeypatch):
    paths, ran = workspace.paths.item(ONE), []
    gap = Scaffolding.read(paths.scaffold).model_copy(update={"needs": "fill in the arguments at x.py:3"})
    gap.write(paths.scaffold, "f")
    for name in NAMES:
        performed(monkeypatch, workspace, name, lambda _inputs, name=name: ran.append(name))
    assert ran == ["detect", "survey", "record", "scaffold", "tests"]


# -- what a stage may read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "read"),
    [
        ("compare", lambda inputs: inputs.settings.budget),
        ("measure", lambda inputs: inputs.settings.confidence),
        ("measure", lambda inputs: inputs.settings.env.runner),
        ("compare", lambda inputs: inputs.read(Detection).layout),
        ("measure", lambda inputs: inputs.read(Detection).layout.runner),
        ("measure", lambda inputs: inputs.read(Detection).functions[0].is_async),
        ("measure", lambda inputs: inputs.read(Detection).target),
        ("tests", lambda inputs: inputs.read(Scaffolding)),
        ("render", lambda inputs: inputs.digest("measure")),
        ("scaffold", lambda inputs: inputs.value(GITHUB)),
        ("survey", lambda inputs: inputs.applies(lacks_benchmark)),
        ("verify", lambda inputs: inputs.part(SUMMARIZE)),
        ("compare", lambda inputs: inputs.fields("detect")),
    ],
)
def test_a_stage_cannot_read_what_it_did_not_declare(workspace, stage, read):
    with pytest.raises(UndeclaredInputError, match=r"not declared as an input of|is not declared"):
        read(staleness_of(workspace).inputs(stage, ONE))


def test_a_stage_reads_what_it_declares(workspace):
    inputs = staleness_of(workspace).inputs("measure", ONE)
    detection = inputs.read(Detection)
    assert (inputs.settings.budget, inputs.settings.env.extras) == (20.0, ())
    assert (detection.layout.project, detection.functions[0].name) == ("", "total")
    assert detection.functions[0].target == "app:total"


def test_what_is_declared_is_there():
    """Every declared setting, field and template exists, and every stage reads what stages before it write."""
    models = {
        model.STAGE: model for model in vars(artifacts).values() if isinstance(model, type) and "STAGE" in vars(model)
    }
    seen = []
    for stage in STAGES:
        assert set(stage.reads) <= set(seen), stage.name
        seen.append(stage.name)
        for uses in stage.uses:
            for name in uses.settings if uses.settings != ALL else ():
                assert has_field(Optimization, name), (stage.name, name)
            for written, fields in uses.artifacts.items():
                assert fields == ALL or all(has_field(models[written], name) for name in fields), (stage.name, written)
            assert all((shipped_templates() / name).is_file() for name in uses.templates)
        assert all(has_field(models[stage.name], name) for name in stage.remembers), stage.name


def has_field(model, name):
    first, _, rest = name.partition(".")
    if first not in model.model_fields:
        return False
    inner = list(find_models(model.model_fields[first].annotation)) if rest else []
    return not rest or any(has_field(each, rest) for each in inner)


def find_models(annotation):
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        yield annotation
    for each in typing.get_args(annotation):
        yield from find_models(each)


# -- the report -------------------------------------------------------------------------------------


def test_a_failure_whose_cause_was_taken_back_is_forgotten(workspace):
    paths = workspace.paths.item(ONE)
    Failure(item=ONE, stage="measure", message="it broke").write(paths.failure)
    assert not report_is_fresh(staleness_of(workspace))
    assert "2 items: 2 ready" in summary(staleness_of(workspace))
    assert not paths.failure.exists()


def test_a_failure_of_what_is_stale_still_blocks(workspace):
    paths = workspace.paths.item(ONE)
    paths.samples.unlink()
    Failure(item=ONE, stage="measure", message="it broke").write(paths.failure)
    assert "2 items: 1 ready, 1 blocked" in summary(staleness_of(workspace))
    assert paths.failure.exists()


def test_the_table_is_kept_while_nothing_changes_and_made_anew_for_another_width(workspace, monkeypatch):
    first = summary(staleness_of(workspace))
    stamp = workspace.paths.report.stat().st_mtime_ns
    assert (summary(staleness_of(workspace)), workspace.paths.report.stat().st_mtime_ns) == (first, stamp)
    monkeypatch.setenv("COLUMNS", "60")
    narrow = summary(staleness_of(workspace))
    assert narrow != first
    assert report_is_fresh(staleness_of(workspace))


@pytest.mark.parametrize("name", ["pr-body-total.md", "pr-body-total.edited.md"])
def test_the_report_sees_a_body_go_and_an_edited_one_come(workspace, name):
    path = workspace.paths.output / name
    summary(staleness_of(workspace))
    if path.exists():
        path.unlink()
    else:
        path.write_text("edited\n")
    assert not report_is_fresh(staleness_of(workspace))
    assert "1 ready" in summary(staleness_of(workspace))


def test_a_broken_table_is_made_anew(workspace):
    first = summary(staleness_of(workspace))
    head = (workspace.paths.state / "report.json").read_text().split("\n", 1)[0]
    (workspace.paths.state / "report.json").write_text(head + "\n{")
    assert summary(staleness_of(workspace)) == first
    assert Rendering.read(workspace.paths.item(ONE).render).body == ".codeflash/pr-body-total.md"


def test_cleaning_leaves_a_body_that_a_person_edited(tmp_path):
    workspace = make_fresh(tmp_path, 2)
    edited, left = (workspace.paths.item(ITEM % number) for number in range(2))
    bodies = [tmp_path / json.loads(paths.render.read_text().split("\n", 1)[1])["body"] for paths in (edited, left)]
    for paths, body in zip((edited, left), bodies, strict=True):
        rendering = Rendering(
            item=paths.id,
            body=str(body.relative_to(tmp_path)),
            sha256=sha256(body.read_bytes()).hexdigest(),
            template="t",
        )
        rendering.write(paths.render)
    bodies[0].write_text("In my own words")
    for paths in (edited, left):
        clean(next(each for each in STAGES if each.name == "render"), paths)
    assert [body.exists() for body in bodies] == [True, False]
    assert not edited.render.exists()
    assert not left.render.exists()


def test_cleaning_takes_profiles_and_exports_along(tmp_path):
    paths = make_fresh(tmp_path, 1).paths.item(ITEM % 0)
    paths.profiles.mkdir()
    (paths.state / "base.benchmark.json").write_text("{}")
    clean(next(each for each in STAGES if each.name == "measure"), paths)
    assert not paths.samples.exists()
    assert not paths.profiles.exists()
    assert not (paths.state / "base.benchmark.json").exists()
