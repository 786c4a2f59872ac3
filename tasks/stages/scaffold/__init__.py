from ...staleness import ALL, Fields, Item, Stage, Uses, Value, writes_benchmark
from ...storage.hashing import sha256_of


def _files_unchanged(item: Item, fields: Fields) -> bool:
    """Return whether the written benchmark and its data files are as scaffold left them."""
    if fields.get("origin") not in {"generated", "edited"}:
        return True
    files = [fields, *(fields.get("data") or {}).values()]
    return all(sha256_of(item.workspace.folder / file["source"]) == file["sha256"] for file in files)


LOCKSTEP = Value(
    "`lockstep`", lambda item: item.settings["lockstep"], lambda name: {"`lockstep`": name} if name else {}
)

STAGE = Stage(
    name="scaffold",
    doc="keep the benchmark that exists, or write one",
    version=15,
    uses=(
        Uses(settings=("benchmark",), artifacts={"detect": ("base", "head", "picked", "benchmark")}),
        Uses(
            artifacts={
                "detect": (
                    *("target", "domain.domains"),
                    *(f"functions.{field}" for field in ("module", "name", "base_name", "path", "status")),
                    *("layout.project", "layout.packages", "layout.import_roots", "layout.benchmarks_root"),
                ),
                "record": ALL,
            },
            values=(LOCKSTEP,),
            templates=tuple(f"benchmark_{domain}.py.j2" for domain in ("cpu", "mem", "async", "struct")),
            when=writes_benchmark,
        ),
    ),
    remembers=("needs", "origin", "path", "source", "sha256", "data", "target", "domains"),
    intact=_files_unchanged,
    otherwise="the written benchmark is edited or gone",
    gap=lambda fields: bool(fields.get("needs")),
)
