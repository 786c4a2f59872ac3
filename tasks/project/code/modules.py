"""Map paths of files to module names."""

from collections.abc import Sequence

from ...artifacts import Layout
from ..pytest_config import is_test_code


def module_of(path: str, import_roots: Sequence[str]) -> str | None:
    """Return the name by which a file is imported from its innermost import root; None if it cannot be imported."""
    if not path.endswith(".py"):
        return None
    inside = [root for root in import_roots if not root or path.startswith(f"{root}/")]
    if not inside:
        return None
    parts = path.removesuffix(".py")[len(max(inside, key=len)) :].strip("/").split("/")
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts) if parts and all(map(str.isidentifier, parts)) else None


def is_own_module(module: str, layout: Layout) -> bool:
    """Return whether a module belongs to what the project installs, rather than lying next to it."""
    return module.partition(".")[0] in layout.packages


def is_test(path: str, layout: Layout) -> bool:
    """Return whether a file is a test, a benchmark, or support code of these."""
    root = layout.benchmarks_root
    return is_test_code(path) or bool(root and path.startswith(f"{root}/"))
