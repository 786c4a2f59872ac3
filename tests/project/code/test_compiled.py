import pytest

from tasks.project.code.compiled import compiled_source
from tests.support.projects import Files


@pytest.mark.parametrize(
    ("module", "files", "source"),
    [
        ("pkg.fast", {"pkg/fast.pyx": "", "pkg/fast.c": ""}, "pkg/fast.pyx"),
        ("pkg._fast", {"src/fast.cpp": ""}, "src/fast.cpp"),
        ("pkg._fast", {"src/bindings.cpp": "PYBIND11_MODULE(_fast, m) {}"}, "src/bindings.cpp"),
        ("pkg._fast", {"src/lib.rs": "#[pymodule]\nfn _fast(m: &Bound) {}"}, "src/lib.rs"),
        (
            "pkg._fast",
            {"src/lib.rs": "", "pyproject.toml": '[tool.maturin]\nmodule-name = "pkg._fast"\n'},
            "pyproject.toml",
        ),
        ("pkg._fast", {"c/a.c": "", "setup.py": 'Extension("pkg._fast", ["c/a.c"])\n'}, "setup.py"),
        ("pkg.tabls", {"src/fast.c": "int breakfast;", "setup.py": 'Extension("pkg._fast", ["a.c"])\n'}, None),
        ("pkg._fast", {"pyproject.toml": '[tool.ruff]\nexclude = ["_fast"]\n'}, None),
    ],
)
def test_source_of_a_compiled_module(module, files, source):
    assert compiled_source(module, Files(files)) == source
