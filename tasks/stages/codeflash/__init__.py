"""codeflash: run the real `codeflash compare` as well, if the manifest asks for it, and find what it does not report.

It runs in a temporary repository and a temporary home folder, without an account or network access. The user's
repository, configuration and environment stay unchanged.
"""

from ...staleness import ALL, BENCHMARK, COMMITS, ENVIRONMENT, FUNCTIONS, LAYOUT, Item, Stage, Uses, times_imports


def _codeflash_is_asked_for(item: Item) -> bool:
    return bool(item.settings["engine"] == "codeflash")


def _and_imports_are_timed(item: Item) -> bool:
    return _codeflash_is_asked_for(item) and times_imports(item)


STAGE = Stage(
    name="codeflash",
    doc="run `codeflash compare` as well, if the manifest asks for it",
    version=3,
    uses=(
        Uses(settings=("engine",)),
        Uses(
            settings=("metrics", "timeout", *ENVIRONMENT),
            artifacts={
                "detect": (*COMMITS, *LAYOUT, *FUNCTIONS, "functions.is_async", "domain.domains"),
                "scaffold": BENCHMARK,
                "inject": ALL,
            },
            when=_codeflash_is_asked_for,
        ),
        Uses(artifacts={"detect": ("target",)}, when=_and_imports_are_timed),
    ),
    after=("lint", "measure"),  # both work in the trees of the item
)
