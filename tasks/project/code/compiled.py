"""Find the sources of compiled modules: C, C++, Rust, Fortran, Cython."""

import posixpath
import re

from ..files import TreeReader

SUFFIXES = (
    *(".pyx", ".pxd", ".pxi", ".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".cu", ".rs", ".f", ".f90", ".f95", ".pyf"),
    *(".zig", ".go", ".mojo", ".nim", ".s", ".asm"),
)
_BUILD_FILES = frozenset(
    {"setup.py", "pyproject.toml", "setup.cfg", "Cargo.toml", "CMakeLists.txt", "meson.build", "build.py", "build.rs"}
)


def is_compiled(path: str) -> bool:
    """Return whether a file is a source of compiled code."""
    return path.lower().endswith(SUFFIXES)


def compiled_source(module: str, tree: TreeReader) -> str | None:
    """Return the file that a compiled module is built from or by, None if nothing in the tree speaks for one.

    That is a source with the module's name, a source that defines its initialization, or a build file that names it.
    """
    name = module.rpartition(".")[2]
    sources = [path for path in tree.files() if is_compiled(path)]
    stems = {name, f"{name}module", name.lstrip("_")}
    same = [path for path in sources if posixpath.basename(path).rpartition(".")[0] in stems]
    quoted = re.escape(name).encode()
    init = re.compile(
        rb"PyInit_%b\b|PYBIND11_MODULE\(\s*%b\b|NB_MODULE\(\s*%b\b|\bmod\s+%b\b|\bfn\s+%b\b" % ((quoted,) * 5)
    )
    named = re.compile(rb"""["'(./]%b["'\s,).]""" % quoted)
    build = [path for path in tree.files() if sources and posixpath.basename(path) in _BUILD_FILES]
    if same:
        return min(same, key=lambda path: (not path.endswith(".pyx"), path))
    contents = [*((path, init) for path in sources), *((path, named) for path in build)]
    return next((path for path, pattern in contents if pattern.search(tree.read(path) or b"")), None)
