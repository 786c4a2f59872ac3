import pytest

from tasks.project.absent import absence
from tests.support.projects import Files

MODULES = (
    '[submodule "core"]\n\tpath = src/pkg/vendored\n\turl = https://example.org/core.git\n[submodule "x"]\n'
    "\tpath = third_party/lib-x\n"
)


@pytest.mark.parametrize(
    ("module", "cause", "hint"),
    [
        ("pkg.vendored.core", "is in the submodule src/pkg/vendored, which is empty", "`repo:` a clone of it"),
        ("pkg.vendored", "is in the submodule src/pkg/vendored, which is empty", "`repo:` a clone of it"),
        ("lib_x.core", "is in the submodule third_party/lib-x, which is empty", "`repo:` a clone of it"),
        ("app.core", "is libs/app/app/core.py of the repository", "(`libs/app`)"),
        ("app", "is libs/app/app/__init__.py of the repository", "(`libs/app`)"),
        ("helpers", "is tests/helpers.py of the repository", "(`tests`)"),
        ("pkg.fast", "is compiled from src/pkg/fast.pyx", "build"),
    ],
)
def test_where_a_module_is(module, cause, hint):
    files = {".gitmodules": MODULES, "libs/app/app/__init__.py": "", "libs/app/app/core.py": "", "tests/helpers.py": ""}
    found = absence(module, Files({**files, "src/pkg/__init__.py": "", "src/pkg/fast.pyx": ""}), ("src",))
    assert found is not None
    assert found.cause.startswith(f"`{module}` {cause}")
    assert hint in found.hint
    assert "install" not in found.hint.replace("or installed", "")


def test_what_the_repository_does_not_have_is_no_absence():
    assert absence("numpy.linalg", Files({".gitmodules": MODULES, "src/pkg/__init__.py": ""}), ("src",)) is None
    assert absence("x", Files({".gitmodules": "[submodule\n"}), ("",)) is None
