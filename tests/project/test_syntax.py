from __future__ import annotations

from tasks.project.syntax import with_globals


def test_functions_change_variables_of_a_module_instead_of_those_around_them():
    code = """
count = 0
def counted(step):
    if step:
        nonlocal count
    seen = 0
    def again():
        nonlocal seen, step
        seen += step
    again()
    count += seen
counted(2)
"""
    names: dict[str, object] = {}
    exec(with_globals(code), names)
    assert names["count"] == 2
    assert "nonlocal seen, step" in with_globals(code)
    assert with_globals("count  =  1") == "count  =  1"
