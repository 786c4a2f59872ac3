"""Try code that was written from a recorded call, before it becomes a benchmark."""

import json
from collections.abc import Mapping
from pathlib import Path

from ...errors import CommandFailedError
from ...processes import secrets
from ...processes.scratch import temporary_folder
from ...storage.files import read_json
from ..workers.channel import Message
from ..workers.pytest_options import COMMON, USAGE_ERROR, options, warning_filters
from ..workers.workers import WORKER_PROGRAMS, ended
from .site import RecordingSite, ending_of

TRIAL_SECONDS = 30.0
TRIAL = "test_trial.py"


def try_code(
    site: RecordingSite,
    order: Message,
    data: Mapping[str, bytes] | None = None,
    *,
    seconds: float = TRIAL_SECONDS,
) -> Message:
    """Run code written from a recorded call in the folder of its future test, with the files `data` next to it.

    The project's own pytest configuration decides whether warnings are errors. The order's `module` is the code
    outside of the test. If fixtures provide arguments, pytest runs the test, with `marks`. Returns `seconds`,
    `changes`, `lazy`, `returned` (a type) and the `size` of its inputs, or what was `raised`, as by a process that did
    not end within so many `seconds`, which then `is_late`.
    """
    answer = _answer(site, order, data or {}, seconds)
    if "raised" not in answer:
        return answer
    # The project's own words, for a report.
    raised = str(answer["raised"]).replace(f"{site.side.tree}/", "")
    return {**answer, "raised": secrets.current(site.side.passed).masked_in(raised)}


def _answer(site: RecordingSite, order: Message, data: Mapping[str, bytes], seconds: float) -> Message:
    try:
        with temporary_folder("prprep-trial-") as folder:
            if order.get("fixtures"):
                return _under_pytest(site, order, data, folder, seconds)
            root = _mirrored(site, folder, data) if data else site.side.tree / site.root
            order = {**order, "setup": f"{order.get('module', '')}\n{order['setup']}"}
            command = [str(site.side.python), str(WORKER_PROGRAMS / "recording/trial.py")]
            stdin = _order(site, order, root).encode()
            finished = site.run(command, seconds=seconds, writable=folder, stdin=stdin)
    except CommandFailedError as error:
        return {"raised": error.what.splitlines()[0], "is_late": error.timed_out}
    try:
        answer: Message = json.loads(finished.output)
    except ValueError:
        return {"raised": f"its process {ended(finished.code)} without an answer"}
    return answer


def _order(site: RecordingSite, order: Message, root: Path, **more: str) -> str:
    filters = warning_filters(site.side.tree, site.side.tree / site.root / TRIAL)
    return json.dumps({**order, "file": str(root / TRIAL), "filters": filters, **more})


def _under_pytest(
    site: RecordingSite, order: Message, data: Mapping[str, bytes], folder: Path, seconds: float
) -> Message:
    fixtures = ", ".join(order["fixtures"])
    answer = f"def test_trial({fixtures}):\n    trial.answer(globals(), {fixtures})\n"
    marks = (f"@{each}" for each in order.get("marks", ()))
    test = "\n".join((order.get("module", ""), "from prprep_worker.recording import trial", *marks, answer))
    tree, out, stored_order = folder / "tree", folder / "answer.json", folder / "order.json"
    tree.mkdir()
    root = _mirrored(site, tree, {**data, TRIAL: test.encode()})
    stored_order.write_text(_order(site, order, root, out=str(out)), encoding="utf-8")
    own = ("-p", "no:cacheprovider", *COMMON)
    for mode in (("--import-mode=importlib",), ()):  # pytest before 6 does not know that mode
        command = [str(site.side.python), "-m", "pytest", *options(tree, f"{site.root}/{TRIAL}", own=(*own, *mode))]
        finished = site.run(command, seconds=seconds, writable=folder, PRPREP_TRIAL=str(stored_order))
        if finished.code != USAGE_ERROR:
            break
    raised = f"with the fixtures that the test takes ({fixtures}), pytest {ending_of(finished, site)}"
    return read_json(out) or {"raised": raised}


def _mirrored(site: RecordingSite, folder: Path, data: Mapping[str, bytes]) -> Path:
    """Create the folder of benchmarks, with `data` in it, in a copy of the tree made of links."""
    copy, original = folder, site.side.tree
    for part in [*filter(None, site.root.split("/")), ""]:
        for entry in original.iterdir() if original.is_dir() else ():
            if entry.name != part and not (part == "" and entry.name in data):
                (copy / entry.name).symlink_to(entry)
        copy, original = copy / part, original / part
        copy.mkdir(exist_ok=True)
    for name, content in data.items():
        (copy / name).write_bytes(content)
    return copy
