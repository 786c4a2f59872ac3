import pytest

from tasks.project.submodules import Submodule, submodules
from tests.support.projects import Files


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[submodule "a"]\n\tpath = libs/a\n\turl = ../a.git\n', [("libs/a", "../a.git")]),
        ('[submodule "a"]\n path = "two words"\n', [("two words", "")]),
        ('[submodule "a"]\n\tpath = a/ ; moved\n\turl = x # old\n\tshallow\n', [("a", "x")]),
        ('# all\n[submodule "a"]\npath=a\n[submodule "b"]\npath=b\n', [("a", ""), ("b", "")]),
        ('[submodule "a"]\n\turl = x\n[core]\n\tpath = y\n', []),
        ("[submodule\n", []),
        ("", []),
    ],
)
def test_submodules_of_a_repository(text, found):
    assert submodules(Files({".gitmodules": text})) == tuple(Submodule(*each) for each in found)
