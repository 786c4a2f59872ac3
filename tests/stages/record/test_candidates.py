"""What to measure, by what the tests reach: literal reaches and small trees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.artifacts import ArgumentsAsCode, ChangedFunction, RecordedCall, Recording
from tasks.bench.observing.exploring import CallChain, Reach, TimedCall
from tasks.project.code.sources import Sources
from tasks.project.files import FolderTree
from tasks.project.layout import describe
from tasks.stages.record.bookkeeping import saves_nothing
from tasks.stages.record.candidates import Candidate, at_head, callable_of, candidates, changed_lines
from tasks.stages.record.choosing import CallChooser, _Late, documents
from tasks.stages.record.exploration import LEAST_SHARE, Exploration, NamedReach, named, undisturbed, workload
from tasks.stages.record.lengths import alike, refusal, steady_share
from tasks.stages.record.relevant_tests import relevant_tests
from tasks.stages.record.sides import documents_of
from tests.support.evidence import DETECTION
from tests.support.targets import TargetRepo

PARSER = """class Parser:
    def __init__(self, text):
        self.text = text

    @classmethod
    def of(cls, text):
        return cls(text)

    def _value(self):
        # Only a comment.
        return self.text


class Sub(Parser):
    pass


@attrs.define(slots=True)
class Row:
    text: str


def load(text):
    def inner():
        return Parser.of(text)._value()

    return inner()
"""
FILES = {
    "pyproject.toml": '[project]\nname = "toml"\nversion = "1"\n',
    "src/toml/__init__.py": "from toml.parser import load\n",
    "src/toml/parser.py": PARSER,
    "tests/test_parser.py": "from toml.parser import Parser\n\ndef test_it():\n    Parser('')._value()\n",
    "tests/test_load.py": "import toml\n\ndef test_it():\n    toml.load('')\n",
    "tests/test_module.py": "from toml.parser import Sub\n\ndef test_it():\n    Sub('')\n",
    "tests/test_other.py": "def test_it(): ...\n",
    "src/toml/tests/test_inside.py": "from ..parser import load\n\ndef test_it():\n    load('')\n",
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    return Sources(FolderTree(TargetRepo(tmp_path_factory.mktemp("targets") / "tree", FILES).path), ("src",))


def reach(target, seconds, *callers, test="tests/test_load.py::test_it", longest=()):
    return NamedReach(test, f"toml.parser:{target}", seconds, ((callers, seconds),), longest)


def exploration(sources, *reached):
    found = [callable_of(sources, f"toml.parser:{name}") for name in ("Parser._value", "Parser", "load")]
    return Exploration(tuple(found), reached, sources)


def test_test_files_that_name_the_function_go_first_and_all_that_import_the_project_are_run(sources):
    located = sources.find("toml.parser:Parser._value")
    assert relevant_tests(sources, [located], packages=("toml",)) == (
        "tests/test_parser.py",
        "tests/test_load.py",
        "tests/test_module.py",
        "src/toml/tests/test_inside.py",
    )


def test_tests_that_reach_most_of_what_changed_go_first(sources):
    short, long = "tests/test_load.py::test_short[1]", "tests/test_load.py::test_long"
    found = exploration(
        sources,
        reach("load", 0.1, test=short.replace("1", "2")),
        reach("load", 0.2, test=short),
        reach("Parser", 0.1, test=short),
        reach("load", 3.0, test=long),
    )
    assert [each.test for each in found.longest_tests("toml.parser:load")] == [short, long]


@pytest.mark.parametrize(
    ("target", "watched"),
    [
        ("Parser", "toml.parser:Parser.__init__"),
        ("load.inner", "toml.parser:load"),
        ("Parser.of", "toml.parser:Parser.of"),
        ("Sub", None),
        ("Row", "toml.parser:Row.__init__"),
        ("Row.__init__", "toml.parser:Row.__init__"),
        ("nothing", None),
    ],
)
def test_what_can_be_called(sources, target, watched):
    found = callable_of(sources, f"toml.parser:{target}")
    assert (found and found.watched) == watched


def test_functions_that_changed_at_base_are_candidates_unless_the_manifest_names_some(sources):
    layout = describe(sources.tree)
    changed = [
        ChangedFunction(path="src/toml/parser.py", module="toml.parser", name=name, status=status)
        for name, status in (("Parser._value", "modified"), ("added", "added"), ("<module>", "modified"))
    ]
    detection = DETECTION.model_copy(
        update={"layout": layout, "functions": tuple(changed), "target": "toml.parser:load"}
    )
    names = [each.watched for each in candidates(detection, (), sources, sources)]
    assert names == ["toml.parser:Parser._value", "toml.parser:load"]
    assert [each.watched for each in candidates(detection, ("toml.parser:load",), sources, sources)] == [
        "toml.parser:load"
    ]


def changed_to(folder, **classes):
    """Return the candidates if a class of these methods becomes another one."""
    sides = [
        Sources(FolderTree(TargetRepo(folder / side, {**FILES, "src/toml/parser.py": code}).path), ("src",))
        for side, code in classes.items()
    ]
    functions = tuple(
        ChangedFunction(path="src/toml/parser.py", module="toml.parser", name=name, status="modified")
        for name in ("Parser", "Parser.__init__", "Parser.value")
    )
    update = {"layout": describe(sides[0].tree), "functions": functions, "target": "toml.parser:Parser"}
    return [each.watched for each in candidates(DETECTION.model_copy(update=update), (), *sides)]


CACHED = """class Parser:
    __slots__ = ("text"{slots})

    def __init__(self, text):
        self.text = text{prepared}

    def value(self):
        return self.text{value}
"""


@pytest.mark.parametrize(
    ("prepared", "value", "targets"),
    [
        ("\n        self._value: str | None = None\n        self._rows = {}", ".strip()", ["value"]),
        ("\n        self._value = text.strip()", ".strip()", ["__init__", "value"]),
        ("\n        self._value = None", "", ["__init__"]),
        ("\n        if self.text:\n            self._rows.discard(text)", ".strip()", ["value"]),
        (
            "\n        if self.text:\n            self._rows[text], self._value = 1, None",
            ".strip()",
            ["__init__", "value"],
        ),
        ("\n        if not self.text:\n            return", ".strip()", ["__init__", "value"]),
        ("\n        self.text.clear()", ".strip()", ["__init__", "value"]),
        ("\n        text = None", ".strip()", ["__init__", "value"]),
    ],
)
def test_what_only_prepares_a_cache_is_no_target_beside_what_uses_it(tmp_path, prepared, value, targets):
    base = CACHED.format(slots=",", prepared="", value="")
    head = CACHED.format(slots=", '_value', '_rows'", prepared=prepared, value=value)
    head = head.replace("    __slots__", "    _value: str | None\n    __slots__")
    assert changed_to(tmp_path, base=base, head=head) == [f"toml.parser:Parser.{name}" for name in targets]


def test_code_that_moved_may_save_something_whatever_else_is_added(tmp_path):
    before = "\n        self.size = len(text)\n        if not text:\n            return"
    after = "\n        self._rows = None\n        if not text:\n            return\n        self.size = len(text)"
    base, head = (CACHED.format(slots=",", prepared=each, value="") for each in (before, after))
    head = head.replace("return self.text", "return self.text.strip()")
    assert changed_to(tmp_path, base=base, head=head) == ["toml.parser:Parser.__init__", "toml.parser:Parser.value"]


def test_another_spelling_of_an_imported_name_is_no_change_beside_others(tmp_path):
    base = "import re\n\n" + CACHED.format(slots=",", prepared="\n        re.search(text, text)", value="")
    head = base.replace("import re\n", "from re import search\n").replace("re.search(", "search(")
    assert changed_to(tmp_path / "one", base=base, head=head) == [
        "toml.parser:Parser.__init__",
        "toml.parser:Parser.value",
    ]
    faster = head.replace("return self.text", "return self.text.strip()")
    assert changed_to(tmp_path / "two", base=base, head=faster) == ["toml.parser:Parser.value"]


def test_another_name_of_a_variable_is_no_change_beside_others(tmp_path):
    base = CACHED.format(slots=",", prepared="\n        for each in text:\n            self.text = each", value="")
    head = base.replace("each", "part").replace("return self.text", "return self.text.strip()")
    assert changed_to(tmp_path, base=base, head=head) == ["toml.parser:Parser.value"]


@pytest.mark.parametrize(
    ("before", "after", "is_nothing"),
    [
        ("def f(x):\n y = x\n return y", "def f(a):\n b = a\n return b", True),
        ("def f(x):\n return [y for y in x]", "def f(x):\n return [z for z in x]", True),
        ("def f():\n try: g()\n except E as e: h(e)", "def f():\n try: g()\n except E as error: h(error)", True),
        ("def f(x):\n match x:\n  case [y]: g(y)", "def f(x):\n match x:\n  case [z]: g(z)", True),
        ("def f(a, b):\n return [c in b for c in a]", "def f(a, b):\n return [c in a for c in b]", False),
        ("def f(a, b):\n a.append(1)\n b.add(1)\n 1 in a", "def f(c, d):\n c.append(1)\n d.add(1)\n 1 in d", False),
        ("def f(t, x):\n t = t + x\n g(t)", "def f(t, x):\n line = t + x\n g(line)", False),
        ("def f():\n global t\n u = g()", "def f():\n global t\n t = g()", False),
        ("def f(x):\n return dumps(x)", "def f(x):\n return faster(x)", False),
        ("class A:\n _fields = ('a',)", "class A:\n __slots__ = ('a',)", False),
        ("def f():\n class A:\n  fields = ()", "def f():\n class A:\n  __slots__ = ()", False),
        ("def f(x, loads=loads):\n return loads(x)", "def f(x, fast=fast):\n return fast(x)", False),
        ("def f(x):\n return slow([slow for slow in x])", "def f(x):\n return fast([fast for fast in x])", False),
        ("def f():\n nonlocal x\n x = y = 1", "def f():\n nonlocal x\n x = z = 1", False),
    ],
)
def test_a_change_that_saves_nothing(before, after, is_nothing):
    assert saves_nothing(before, after) is is_nothing


def test_code_that_is_nested_too_deep_may_save_something():
    deep = "def f(x):\n if x: pass\n" + " elif x: pass\n" * 400
    assert not saves_nothing(deep.replace("x", "y"), deep.replace("x", "z"))


def test_slots_of_a_class_that_had_none_are_of_its_constructor(tmp_path):
    head = CACHED.format(slots=",", prepared="", value="")
    base = head.replace('    __slots__ = ("text",)\n\n', "")
    assert changed_to(tmp_path, base=base, head=head) == ["toml.parser:Parser.__init__"]


ACCESSORS = """class Table:
    @property
    def rows(self):
        return self._rows

    @rows.setter
    def rows(self, rows):
        self._rows = sorted(rows)

    def __total(self):
        return sum(self._rows)


def show(row):
    return str(row)


def show(row):
    return repr(row)
"""


def accessors(folder, text=ACCESSORS):
    return Sources(FolderTree(TargetRepo(folder, {**FILES, "src/toml/parser.py": text}).path), ("src",))


def test_code_calls_a_setter_a_private_method_and_one_of_several_definitions_by_their_names(tmp_path):
    sources = accessors(tmp_path / "tree")
    names = ("Table.rows.setter", "Table.__total", "show#1", "show")
    found = [callable_of(sources, f"toml.parser:{name}") for name in names]
    assert [(each.called_as.partition(":")[2], each.function.line) for each in found] == [
        ("Table.rows", 6),
        ("Table._Table__total", 10),
        ("show", 14),
        ("show", 18),
    ]


def test_a_setter_that_changed_is_the_candidate_if_its_property_is_named_and_head_has_it_by_another_name(tmp_path):
    base, head = (
        accessors(tmp_path / "base"),
        accessors(tmp_path / "head", ACCESSORS.replace("def rows", "def lines").replace("rows.setter", "lines.setter")),
    )
    setter = ChangedFunction(
        path="src/toml/parser.py",
        module="toml.parser",
        name="Table.lines.setter",
        status="renamed",
        base_name="Table.rows.setter",
    )
    layout = describe(base.tree)
    detection = DETECTION.model_copy(update={"layout": layout, "functions": (setter,), "target": setter.target})
    (found,) = candidates(detection, ("toml.parser:Table.lines",), base, head)
    assert (found.watched, found.called_as) == ("toml.parser:Table.rows.setter", "toml.parser:Table.rows")
    there = at_head(found, detection, head)
    assert (there.watched, there.called_as) == ("toml.parser:Table.lines.setter", "toml.parser:Table.lines")
    moved = setter.model_copy(update={"only_moved": True})
    unnamed = detection.model_copy(update={"functions": (moved,), "target": None})
    assert candidates(unnamed, (), base, head) == ()


TYPED = PARSER.replace("self, text):", "self, text: str):").replace("_value(self):", "_value(self) -> str:")
TYPED = TYPED.replace("class Parser:\n", "class Parser:\n    text: str\n")


def test_functions_of_which_only_annotations_changed_are_no_candidates(tmp_path):
    base, typed, changed = (
        accessors(tmp_path / name, text)
        for name, text in (
            ("base", PARSER),
            ("typed", TYPED),
            ("changed", TYPED.replace("self.text\n", "str(self.text)\n")),
        )
    )
    functions = [
        ChangedFunction(path="src/toml/parser.py", module="toml.parser", name=name, status="modified")
        for name in ("Parser", "Parser.__init__", "Parser._value", "load")
    ]
    update = {"layout": describe(base.tree), "functions": tuple(functions), "target": None}
    detection = DETECTION.model_copy(update=update)
    found, all_typed = (
        [each.watched.rpartition(":")[2] for each in candidates(detection, (), base, head)] for head in (changed, typed)
    )
    assert found == ["Parser._value"]
    assert all_typed == ["Parser.__init__", "Parser._value", "load"]


@pytest.mark.parametrize("name", ["Parser.__init__", "load.setter", "load.register(int)", "load#2"])
def test_a_title_names_functions_as_people_do(sources, name):
    spelled = "Parser" if name.startswith("Parser") else "load"
    located = sources.find("toml.parser:load")
    candidates = tuple(Candidate(f"toml.parser:{each}", located) for each in (name, "other"))
    reached = (reach(name, 0.1), reach("other", 0.2))
    assert Exploration(candidates, reached, sources).target is candidates[1]
    assert Exploration(candidates, reached, sources, (f"Make {spelled} faster",)).target is candidates[0]


@pytest.mark.parametrize(
    ("title", "first"),
    [
        ("Optimize atomization using a for statement", True),
        ("Do not atomize values twice", True),
        ("AtomizedValue: copy less", False),
        ("Optimize other things", False),
        ("Get an operand faster", True),
        ("Improve performance of other things", False),
    ],
)
def test_a_title_may_use_a_word_of_a_name(sources, title, first):
    located = sources.find("toml.parser:load")
    names = ("Token.get_atomized_operand", "perform_other_thing")
    candidates = tuple(Candidate(f"toml.parser:{each}", located) for each in names)
    reached = tuple(reach(name, number) for number, name in enumerate(names))
    assert Exploration(candidates, reached, sources, (title,)).target is candidates[not first]


def test_the_target_is_where_the_tests_spend_the_most_time(sources):
    found = exploration(sources, reach("Parser._value", 0.2), reach("Parser._value", 0.2), reach("load", 0.3))
    assert found.target.watched == "toml.parser:Parser._value"
    assert found.reason == "1 test spends 400.0 ms in toml.parser:Parser._value, the most of 2 changed functions"
    assert exploration(sources).target is None
    for title, name in {
        "Make load faster": "load",
        "Optimize `load()`": "load",
        "Load files faster": "Parser._value",
        "load files faster": "Parser._value",
        "Parser._value no longer copies (#12)": "Parser._value",
        "Make load._value faster": "Parser._value",
        "parser.load copies less": "load",
        "": "Parser._value",
    }.items():
        titled = replace(found, titles=("", title))
        assert titled.target.watched == f"toml.parser:{name}"
    assert replace(found, titles=("Make load faster",)).reason.endswith(
        "in toml.parser:load, which a commit's title names"
    )


def test_callers_are_named_with_the_nearest_first_and_tests_left_out(sources):
    layout = describe(sources.tree)
    lines = {each.name: each.start for each in sources.definitions("src/toml/parser.py")}
    frames = [
        ("src/toml/parser.py", lines["load.inner"]),
        ("src/toml/parser.py", lines["Parser.of"]),
        ("tests/test_load.py", 3),
        ("src/toml/parser.py", 999),
    ]
    seen = Reach("t", "toml.parser:Parser._value", 3, 0.5, (CallChain(tuple(frames), 0.5),))
    ((names, seconds),) = named(seen, sources, layout, is_added=False).chains
    assert (names, seconds) == (("toml.parser:load.inner", "toml.parser:Parser.of"), 0.5)
    # Without the outer function it is called long after.
    frames.append(("src/toml/parser.py", lines["load"]))
    ((names, _),) = named(
        replace(seen, chains=(CallChain(tuple(frames), 0.5),)), sources, layout, is_added=False
    ).chains
    assert names == ("toml.parser:load", "toml.parser:Parser.of", "toml.parser:load")


def test_a_caller_counts_if_much_of_the_targets_time_is_below_it(sources):
    rare = reach("Parser._value", 0.1, "toml.parser:Parser.of")
    usual = reach("Parser._value", 0.9, "toml.parser:Parser._value", "toml.parser:load")
    found = exploration(sources, rare, usual).callers("toml.parser:Parser._value")
    assert [each.watched for each in found] == ["toml.parser:load"]


def test_tests_are_listed_by_file_without_their_cases(sources):
    found = exploration(
        sources,
        reach("load", 0.1, test="a.py::one[x]"),
        reach("load", 0.3, test="b.py::two"),
        reach("load", 0.1, test="a.py::one[y]"),
        reach("load", 0.1, test="a.py::three"),
    )
    assert found.tests("toml.parser:load") == (("b.py::two",), ("a.py::one", "a.py::three"))


def test_tests_that_head_adds_and_those_named_after_the_target_are_kept(sources):
    long = [reach("load", 9.0, test=f"long.py::test_{number}") for number in range(20)]
    named = [reach("load", 0.1, test=f"test_load.py::test_{number}") for number in range(20)]
    added = [replace(reach("load", 0.01, test=f"new.py::test_{number}"), is_added=True) for number in range(20)]
    chosen = exploration(sources, *long, *named, *added).tests("toml.parser:load")
    assert {file[0].partition("::")[0]: len(file) for file in chosen} == {"new.py": 6, "test_load.py": 3, "long.py": 3}
    others = [reach("load", 0.1, test=f"loader/test_download.py::test_reload_{number}") for number in range(20)]
    chosen = exploration(sources, *long, *others).tests("toml.parser:load")
    assert {file[0].partition("::")[0]: len(file) for file in chosen} == {"long.py": 8, "loader/test_download.py": 4}


def test_the_calls_of_tests_that_head_adds_are_wanted_however_short_they_are_there(sources):
    called = callable_of(sources, "toml.parser:load")
    old = [reach("load", 1.0, test=f"old{number}", longest=(TimedCall(1, 0.9, 0.9),)) for number in range(9)]
    added = replace(reach("load", 0.1, test="added", longest=(TimedCall(4, 0.1, 0.001),)), is_added=True)
    found = workload(called, [*old, added])
    assert next(iter(found.wanted.items())) == ("added", [4])
    assert (len(found.wanted), found.inside) == (6, 0.9)


def test_calls_in_which_the_change_takes_most_of_the_time_are_wanted(sources):
    called = callable_of(sources, "toml.parser:load")
    small, diluted, large = TimedCall(1, 0.01, 0.009), TimedCall(2, 1.0, 0.1), TimedCall(3, 0.1, 0.06)
    reached = [reach("load", 1.0, test="t", longest=(small, diluted)), reach("load", 1.0, test="u", longest=(large,))]
    found = workload(called, reached)
    assert found.wanted == {"u": [3], "t": [1]}
    assert (found.inside, round(found.share, 2)) == (0.06, 0.6)
    # Without such calls the others may serve on a larger input.
    assert workload(called, [reach("load", 1.0, longest=(diluted,))]).wanted == {"tests/test_load.py::test_it": [2]}
    assert workload(called, [reach("load", 1.0)]) is None
    # Of short calls, to watch them may have taken half.
    short, shorter = TimedCall(1, 3e-6, 0.7e-6), TimedCall(2, 2e-6, 0.3e-6)
    assert workload(called, [reach("load", 1.0, longest=(short, shorter))]).wanted == {
        "tests/test_load.py::test_it": [1]
    }


def test_calls_have_the_shortest_times_of_several_runs_and_those_that_were_interrupted_once_do_not_count():
    runs = [
        [reach("load", 1.0, longest=(TimedCall(1, 0.3, 0.2), TimedCall(7, 9.0, 8.0)))],
        [reach("load", 1.0, longest=(TimedCall(1, 0.4, 0.1), TimedCall(2, 0.1, 0.1)))],
        [reach("load", 1.0, longest=(TimedCall(2, 0.2, 0.2),)), reach("dump", 1.0, longest=(TimedCall(5, 1.0, 1.0),))],
    ]
    load, dump = undisturbed(runs)
    assert load.longest == (TimedCall(1, 0.3, 0.1), TimedCall(2, 0.1, 0.1))
    assert dump.longest == (TimedCall(5, 1.0, 1.0),)


def test_a_share_near_the_least_one_is_the_median_of_several():
    again = iter([0.45, 0.43, 0.44, 0.2])
    assert steady_share(LEAST_SHARE - 0.01, again.__next__) == 0.43
    assert steady_share(0.6, again.__next__) == 0.6


def test_times_within_a_factor_of_four_are_alike():
    assert alike([0.2, 1.0, 0.3], float) == [1.0, 0.3]


def changed_function(name, base, head):
    """A function that was modified, or moved, in a file."""
    before, after = (side.find(f"toml.parser:{name}").definition.lines for side in (base, head))
    return ChangedFunction(
        path="src/toml/parser.py",
        module="toml.parser",
        name=name,
        status="modified",
        lines=after,
        base_lines=before,
    )


def test_lines_that_head_adds_or_changes(tmp_path, sources):
    head = PARSER.replace(
        "        # Only a comment.\n        return self.text\n",
        "        # Another comment.\n        if self.text.isdigit():\n            return int(self.text)\n"
        "        return self.text\n",
    )
    after = Sources(FolderTree(TargetRepo(tmp_path / "tree", {**FILES, "src/toml/parser.py": head}).path), ("src",))
    function = changed_function("Parser._value", sources, after)
    first = head.splitlines().index("        if self.text.isdigit():") + 1
    assert changed_lines([function], sources, after) == {"src/toml/parser.py": (first, first + 1)}
    added = changed_function("load", sources, after).model_copy(update={"status": "added"})
    assert len(changed_lines([added], sources, after)["src/toml/parser.py"]) == 2
    moved = changed_function("load", sources, after).model_copy(update={"status": "moved", "only_moved": True})
    assert changed_lines([moved], sources, after) == {}


def test_what_a_class_has_itself_is_executed_by_no_call(tmp_path, sources):
    head = PARSER.replace("class Parser:\n", 'class Parser:\n    __slots__ = ("text",)\n\n')
    after = Sources(FolderTree(TargetRepo(tmp_path / "tree", {**FILES, "src/toml/parser.py": head}).path), ("src",))
    function = changed_function("Parser", sources, after)
    assert changed_lines([function], sources, after) == {}
    detection = DETECTION.model_copy(update={"target": "toml.parser:Parser", "functions": (function,)})
    assert [each.watched for each in candidates(detection, (), sources, after)] == ["toml.parser:Parser.__init__"]


def test_documents_that_were_opened_go_first_then_those_the_function_is_named_after():
    paths = ("docs/guide.md", "tests/data/a.toml", "uv.lock", "README.rst", "tests/data/b.json")
    assert documents(["tests/data/b.json"], paths, "toml.parser:load") == (
        "tests/data/b.json",
        "tests/data/a.toml",
        "README.rst",
    )
    assert documents([], paths, "shop:words") == ("README.rst",)


def test_documents_that_head_changes_are_no_input(tmp_path):
    """Each side would be measured on another one."""
    files = {"a.toml": "x = 1\n" * 400, "b.toml": "y = 2\n" * 500, "small.toml": "z = 3\n", "code.py": "x = 1\n" * 400}
    base = FolderTree(TargetRepo(tmp_path / "base", files).path)
    head = FolderTree(TargetRepo(tmp_path / "head", {**files, "b.toml": "y = 3\n" * 500}).path)
    assert documents_of(files, base, base) == ("b.toml", "a.toml")
    assert documents_of(files, base, head) == ("a.toml",)
    assert documents_of({"b.toml"}, base, base) == ("b.toml",)


def test_a_short_call_is_refused_unless_it_makes_an_object_whose_memory_counts():
    spelling = ArgumentsAsCode(scale=1, arguments=(("text", "''"),), seconds=1e-7)
    call = RecordedCall(size=1, seconds=1e-7, test="t", described=(), kinds={}, spelling=spelling)
    made = Recording(item="item", target="toml.parser:Parser.__init__", call=call)
    assert refusal(made).startswith("its calls take 100.0 ns at most")
    assert refusal(made, is_memory=True) == ""
    called = made.model_copy(update={"target": "toml.parser:Parser.of"})
    assert refusal(called, is_memory=True).startswith("its calls take")


@pytest.mark.parametrize(
    ("seconds", "lines", "scale"),
    [
        ([2e-5, 2e-4, 2e-3], [{1, 2}, {1, 2}, {1, 2, 3}], 100),
        ([2e-5, 2.1e-5, 2.2e-5], [{1, 2}, {1, 2}, {1, 2}], 1),
        ([2e-5, 2e-4, 2e-3], [{1, 2}, {1, 2}, {1}], 10),
    ],
    ids=["in proportion", "not slower", "other lines"],
)
def test_a_scaled_call_takes_longer_and_runs_the_same_lines(monkeypatch, seconds, lines, scale):
    """A search that finds its target at once is another call, however large the input."""

    def tried(_chooser, _call, spelled):
        spelling = ArgumentsAsCode(
            scale=spelled["scale"], arguments=(("text", "''"),), seconds=seconds[spelled["number"]]
        )
        return RecordedCall(size=1, seconds=1e-7, test="t", described=(), kinds={}, spelling=spelling)

    by_scale = {10**number: frozenset(each) for number, each in enumerate(lines)}
    monkeypatch.setattr(CallChooser, "_tried", tried)
    monkeypatch.setattr(CallChooser, "_executed", lambda _, call: by_scale[call.spelling.scale])
    call = {"spelled": [{"scale": 10**number, "number": number} for number in range(3)]}
    chooser = CallChooser(item=None, called=None, changed=None, site=None)
    first, best, failure = chooser._scaled_up(call)
    assert (first.spelling.scale, best.spelling.scale, failure) == (1, scale, "")
    # Head returns at once, whatever the size.
    monkeypatch.setattr(CallChooser, "_at_head", lambda _, __: {"reached": True, "seconds": 1e-6})
    assert chooser._spelled(call).spelling.scale == 1
    by_size = lambda _, tried: {"reached": True, "seconds": tried.spelling.scale * 1e-6}  # noqa: E731
    monkeypatch.setattr(CallChooser, "_at_head", by_size)
    assert chooser._spelled(call).spelling.scale == scale


def test_a_smaller_input_is_tried_only_if_base_does_not_end_on_the_whole(monkeypatch):
    """The largest that is short enough is used."""

    def tried(_chooser, call, spelled):
        spelling = ArgumentsAsCode(scale=1, divisor=spelled["divisor"], arguments=(), seconds=spelled["seconds"])
        recorded = RecordedCall(size=1, seconds=1.0, test="t", described=(), kinds={}, spelling=spelling)
        return call["failure"] if spelled["divisor"] == 1 else recorded

    monkeypatch.setattr(CallChooser, "_tried", tried)
    monkeypatch.setattr(CallChooser, "_at_head", lambda *_: {"reached": True, "seconds": 1.0})
    chooser = CallChooser(item=None, called=None, changed=None, site=None)
    whole, *smaller = ({"scale": 1, "divisor": 10**number, "seconds": 50 / 10**number} for number in range(4))
    call = {"spelled": [whole], "kept": None, "smaller": smaller}
    assert chooser._spelled({**call, "failure": "ValueError"}) == "ValueError"
    assert chooser._spelled({**call, "failure": _Late("it took longer")}).spelling.divisor == 100


@pytest.mark.parametrize(("first", "reason"), [(True, "cached"), (False, "no recorded call")])
def test_a_gap_says_whether_a_cache_answers_further_calls(monkeypatch, first, reason):
    spelling = ArgumentsAsCode(scale=1, arguments=(("text", "''"),), seconds=1.0)
    tried = RecordedCall(size=1, seconds=1.0, test="t", described=(), kinds={}, spelling=spelling)
    monkeypatch.setattr(CallChooser, "_tried", lambda *_: tried)
    monkeypatch.setattr(CallChooser, "_at_head", lambda *_: {"reached": False, "reached_first": first, "seconds": 1.0})
    chooser = CallChooser(item=None, called=None, changed=None, site=None)
    call = chooser._spelled({"spelled": [{"scale": 1}]})
    assert reason in refusal(Recording(item="item", target="toml.parser:load", call=call))
