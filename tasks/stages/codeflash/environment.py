"""Install codeflash in a layer on top of a side's environment: it sees that environment and adds nothing to it."""

from dataclasses import dataclass
from pathlib import Path

from ...artifacts import Layout
from ...environments.builder import Environment
from ...environments.installer import build_error, run_uv
from ...environments.interpreters import inspect
from ...environments.venvs import Layer, Venv
from ...errors import CommandFailedError
from ...processes.locks import file_lock
from ...processes.progress import Report
from ...processes.real_paths import real_path
from ...storage.hashing import hash_of

REQUIREMENTS = Path(__file__).with_name("requirements.txt")

VERSION = 1
PTH = "zz_prprep_below.pth"
CONTRADICTED = "codeflash needs other versions of packages than the project has, and measured the project with them: "


@dataclass(frozen=True, slots=True)
class CodeflashLayer:
    """An environment with codeflash; `version` is codeflash's, `notes` say what differs from the project's own."""

    venv: Venv
    version: str
    notes: tuple[str, ...] = ()


def build_layer(below: Environment, tree: Path, layout: Layout, *, cache: Path, report: Report) -> CodeflashLayer:
    """Return codeflash's layer over `below`, the environment of `tree`; raise EnvironmentBuildError if that fails."""
    requirements = REQUIREMENTS.read_text(encoding="utf-8")
    key = hash_of([VERSION, str(below.python), below.key, requirements])
    folder = real_path(cache / "environments")
    venv = Venv(folder / "codeflash" / key)
    with file_lock(folder / "locks" / f"{key}.lock", busy=None):
        layer = venv.cached_layer(key) or _install(venv, below, key, cwd=tree / layout.project, report=report)
    version = dict(package.partition("==")[::2] for package in layer.packages).get("codeflash", "")
    return CodeflashLayer(venv, version, layer.notes)


def _install(venv: Venv, below: Environment, key: str, *, cwd: Path, report: Report) -> Layer:
    report("installing codeflash into an environment of its own")
    venv.create(inspect(below.python))
    # This layer comes first on the path, so packages that both need are installed in the project's version if possible.
    pins = venv.write("pins.txt", below.packages)
    arguments = ("pip", "install", "--quiet", "--python", venv.python, "-r", REQUIREMENTS)
    notes: tuple[str, ...] = ()
    try:
        try:
            run_uv((*arguments, "--constraints", pins), cwd=cwd)
        except CommandFailedError:
            run_uv(arguments, cwd=cwd)
            notes = _hidden(venv.packages(), below.packages)
    except CommandFailedError as error:
        raise build_error(error, "installing codeflash", REQUIREMENTS.read_text(encoding="utf-8").strip()) from error
    link = f"import site; site.addsitedir({str(Venv(below.python.parents[1]).site_packages)!r})\n"
    (venv.site_packages / PTH).write_text(link, encoding="utf-8")
    return venv.finish(key, Layer(notes=notes))


def _hidden(own: tuple[str, ...], below: tuple[str, ...]) -> tuple[str, ...]:
    """Name the packages that the project's code sees in another version than in its own environment."""
    theirs, ours = (dict(package.partition("==")[::2] for package in side) for side in (below, own))
    changed = [name for name, version in ours.items() if theirs.get(name, version) != version]
    shown = [f"{name} {ours[name]} (the project has {theirs[name]})" for name in changed]
    return (CONTRADICTED + ", ".join(shown),) if shown else ()
