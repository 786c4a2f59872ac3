import pytest

from tasks.project.code.imported_names import is_public


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("f", True),
        ("C.m", True),
        ("C.__iter__", True),
        ("_f", False),
        ("_C.m", False),
        ("C._m", False),
        ("C.__m", False),
        ("f.g", True),
    ],
)
def test_public_names(name, answer):
    assert is_public(name) is answer
