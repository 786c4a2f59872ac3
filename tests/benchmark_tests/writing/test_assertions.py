from __future__ import annotations

import ast

import pytest

from tasks.benchmark_tests.writing.assertions import WithoutAssertions, is_assertion, looks_like_assertion


def without(code: str, method: str = "") -> str:
    tree = WithoutAssertions(method).visit(ast.parse(code))
    return ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize(
    ("assertion", "left"),
    [
        ("assert load(text) == {'a': 1}", "load(text)"),
        ("assert 3 == load(text)", "load(text)"),
        ("assert load(text) == dump(document), 'they differ'", "load(text)\ndump(document)"),
        ("assert not (load(text) and len(rows) == 2)", "load(text)\nlen(rows)"),
        ("assert isinstance(load(text), dict)", "load(text)"),
        ("assert table['a'].rows == [1, load('b')]", "table['a'].rows\nload('b')"),
        ("assert load(text) or fails()", "load(text) or fails()"),
        ("assert result == expected", "pass"),
        ("self.assertEqual(load(text), {'a': 1})", "load(text)"),
        ("self.assertTrue(load(text), f'{text} fails')", "load(text)"),
        ("self.assertIn('a', load(text), msg=text)", "load(text)"),
    ],
)
def test_what_an_assertion_evaluates_stays(assertion, left):
    assert without(assertion) == left
    assert is_assertion(ast.parse(assertion).body[0])


def test_a_comparison_stays_if_it_is_what_changed():
    assert without("assert document == other", "__eq__") == "assert document == other"
    assert without("self.assertEqual(document, other)", "__eq__") == "assert document == other"
    assert without("assert 'a' in document", "__contains__") == "assert 'a' in document"
    assert without("self.assertNotIn('a', document)", "__contains__") == "assert 'a' not in document"


def test_inside_blocks_only_calls_stay_unless_an_access_is_what_changed():
    loop = "for each in rows:\n    assert each.name == 'a'\n    assert load(each) == 1\n"
    assert without(loop) == "for each in rows:\n    load(each)"
    assert without(loop, "property") == "for each in rows:\n    each.name\n    load(each)"
    assert without("for each in rows:\n    assert each == 1") == "for each in rows:\n    pass"


def test_unittests_methods_become_functions_of_pytest():
    assert without("with self.assertRaisesRegex(ValueError, 'no'):\n    load('')") == (
        "with pytest.raises(ValueError, match='no'):\n    load('')"
    )
    assert without("self.assertRaises(ValueError, load, '', strict=True)") == (
        "with pytest.raises(ValueError):\n    load('', strict=True)"
    )
    assert without("with self.subTest(text=text):\n    self.assertEqual(load(text), 1)") == "load(text)"
    assert without("with subtests.test(text):\n    assert load(text) == 1") == "load(text)"
    assert without("with subtests.test(text), opened(text):\n    assert load(text) == 1") == (
        "with opened(text):\n    load(text)"
    )
    assert without("try:\n    load('')\n    self.fail('no error')\nexcept ValueError:\n    pass") == (
        "try:\n    load('')\n    pytest.fail('no error')\nexcept ValueError:\n    pass"
    )


def test_methods_of_the_projects_own_are_no_assertions_of_unittest():
    """They may call the project themselves."""
    assert without("self.assertParses(text, 1)") == "self.assertParses(text, 1)"
    parses = ast.parse("self.assertParses(parse(text), 1)")
    assert not is_assertion(parses.body[0])
    # If no class of the tests defines it, the project's own package does.
    assert is_assertion(parses.body[0], looks_like_assertion)
    assert ast.unparse(WithoutAssertions("", looks_like_assertion).visit(parses)) == "parse(text)"
