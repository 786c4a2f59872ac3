"""Read the names of definitions, which are targets with their module (`module:Qualified.name`)."""

import re
from typing import Final

_ADDED: Final = re.compile(r"\.(?:register\(.*\)|setter|deleter)$|#\d+$")
_ADDED_DEFINITION: Final = re.compile(r"(?:.*[.:])?(\w+)\.(?:register\((.*)\)|(setter|deleter))")


def own_name(target: str) -> str:
    """Return the last part of `module:Qualified.name`, as files are named: `rows`, `rows_setter`, `show_int`."""
    if added := _ADDED_DEFINITION.fullmatch(target):
        return "_".join(re.findall(r"\w+", " ".join(filter(None, added.groups()))))
    return target.replace(":", ".").rpartition(".")[2].replace("#", "_")


def with_others(name: str, changed: int) -> str:
    """Return the name of a changed function, with the others if so many `changed`."""
    return name if changed == 1 else f"{name} and the other changed functions"


def shared_name(name: str) -> str:
    """Return the name that a definition shares with others: `Table.rows` for `Table.rows.setter`, `f` for `f#1`."""
    return _ADDED.sub("", name)


def body_name(target: str) -> str:
    """Return what the body of a function is called: its own name, with its class if that is a special one."""
    qualified = target.rpartition(":")[2].split(".")
    is_special = qualified[-1].startswith("__") and qualified[-1].endswith("__")
    return ".".join(qualified[-2:]) if is_special else own_name(target)


def benchmark_file(setting: str) -> tuple[str, str]:
    """Split a `benchmark` into the path of its file and the test to measure, "" for all of them."""
    path, _, test = setting.partition("::")
    return path, test
