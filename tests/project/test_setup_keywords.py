import tracemalloc

import pytest

from tasks.project.setup_keywords import setup_keywords

FORMS = {
    "name": "A = ['six']\nsetup(a=A)",
    "annotated": "A: list[str] = ['six']\nsetup(a=A)",
    "several names": "A = B = ['six']\nsetup(a=B)",
    "unpacked": "A, B = ['attrs'], ['six']\nsetup(a=B)",
    "added to": "A = []\nA += ['six']\nsetup(a=A)",
    "appended": "A = []\nA.append('six')\nsetup(a=A)",
    "key": "A = {}\nA['x'] = ['six']\nsetup(a=A['x'])",
    "updated": "A = {}\nA.update(x=['six'])\nsetup(a=A['x'])",
    "called": "A = dict(x=['six'], y=read())\nsetup(a=A.get('x'))",
    "sum": "A = {'x': ['six']}\nsetup(a=sum(A.values(), []))",
    "spread": "A = ['six']\nsetup(a=[*A])",
    "keywords": "A = dict(a=['six'])\nsetup(**A)",
    "list of a tuple": "A = ('six',)\nsetup(a=list(A))",
    "split": "setup(a='''\nsix\n'''.split())",
    "formatted": "A = 'six'\nsetup(a=[f'{A}'])",
    "percent": "A = 'six'\nsetup(a=['%s' % A])",
    "in a function": "def main():\n    A = ['six']\n    setup(a=A)\nmain()",
    "in a block": "if __name__ == '__main__':\n    A = ['six']\n    setup(a=A)\nelse:\n    A = []",
    "long": f"A = {' + '.join(['[]'] * 200)} + ['six']\nsetup(a=A)",
}


@pytest.mark.parametrize("source", FORMS.values(), ids=FORMS)
def test_keywords_are_read_from_what_the_file_builds_of_literals(source):
    assert setup_keywords(source.encode()) == {"a": ["six"]}


@pytest.mark.parametrize(
    "value",
    [
        "read()", "['six', *read()]", "['six'] + read()", "'six'.__class__", "'six' % 0", "5 % 0", "open('x')", "X",
        "'six=={}'.format(read())", "'six=={x}'.format(x=read())", "f'six=={read()}'", "'six==%s' % (read(),)",
        "'%99999999999999999999d' % 1", "find_packages(HERE)",
    ],
)  # fmt: skip
def test_what_only_running_the_file_would_show_is_not_guessed(value):
    assert setup_keywords(f"setup(a={value}, b='b')".encode()) == {"a": None, "b": "b"}


def test_a_dictionary_is_read_in_part():
    source = b"A = {'x': ['six'], 'y': read()}\nA['z'] = read()\nA[read()] = A[['x']] = 1\nsetup(a=A, b=['b', read()])"
    assert setup_keywords(source) == {"a": {"x": ["six"], "y": None, "z": None}, "b": ["b", None]}


def test_a_changed_name_that_cannot_be_read_is_not_the_old_one():
    assert setup_keywords(b"A = 'six'\nA = read()\nsetup(a=A)") == {"a": None}


GROWING = {
    "repeated": ("x = 'a'", "x = x + x"), "list": ("x = ['a']", "x = x + x"), "tuple": ("x = ('a',)", "x = x + x"),
    "in place": ("x = ['a']", "x += x"), "extended": ("x = ['a']", "x.extend(x)"), "starred": ("x = [1]", "x = [*x, *x]"),
    "f-string": ("x = 'a'", "x = f'{x}{x}'"), "percent": ("x = 'a'", "x = '%s%s' % (x, x)"),
    "joined": ("x = 'a'", "x = x.join([x, x, x])"), "formatted": ("x = '{0}{0}'", "x = x.format(x)"),
    "summed": ("x = ['a']", "x = sum([x, x], [])"), "shown": ("x = ['a']", "x = [x, x]\ny = x = f'{x}'"),
    "pairs": ("x = 1", "x = (x, x)"), "updated": ("x = {}", "x.setdefault('a', x)\nx = f'{x}'"),
    "itself": ("x = []", "x.append(x)\nx = f'{x}'"),
    "wide": ("x = 1", "x = '%1000000000d' % x"), "as wide as": ("x = 1", "x = '%*d' % (1000000000, x)"),
    "precise": ("x = 1", "x = '%.1000000000f' % x"), "laid out": ("x = 'a'", "x = '{:>1000000000}'.format(x)"),
    "laid out as": ("x = 'a'", "x = '{:{}}'.format(x, 1000000000)"),
    "times": ("x = 'a'", "x = 'a' * 10**9"), "power": ("x = 1", "x = 10 ** 10 ** 9"), "shifted": ("x = 1", "x = 1 << 10**10"),
    "comprehension": ("x = 1", "x = [y for y in range(10**9)]"), "padded": ("x = 'a'", "x = x.ljust(10**9)"),
    "list of a range": ("x = 1", "x = list(range(10**9))"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("first", "step"), GROWING.values(), ids=GROWING)
def test_what_grows_without_bounds_is_not_known_and_takes_no_memory(first, step):
    source = "\n".join((first, *[step] * 40, "setup(a=x, b='b')"))
    tracemalloc.start()
    try:
        assert setup_keywords(source.encode()) == {"a": None, "b": "b"}
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "change", ["A += read()", "A.append(read())", "A.extend(read())", "A.remove('six')", "A.append('%s' % [read()])"]
)
def test_a_value_whose_change_cannot_be_read_is_not_the_old_one(change):
    assert setup_keywords(f"A = ['six']\n{change}\nsetup(a=A)".encode()) == {"a": None}


def test_an_expression_may_be_too_deep():
    assert setup_keywords(f"setup(a={'+'.join(['[]'] * 5000)}, b='b')".encode()) in ({}, {"a": None, "b": "b"})


def test_a_file_without_a_call_has_none():
    assert setup_keywords(b"") == setup_keywords(b"A = 1") == setup_keywords(b"print 'old'") == {}
