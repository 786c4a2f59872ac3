"""Turn one of the project's own tests into statements that a benchmark repeats, with all that they need."""

import ast
import copy
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from types import MappingProxyType

from ...project.files import upwards
from ...project.syntax import (
    Function,
    bound_names,
    indented,
    is_generator,
    keywords,
    last_name,
    names,
    parse_or_empty,
    string_value,
    without_docstring,
)
from ..reading import PytestFunction, marks_of
from .assertions import (
    OPENING,
    STACK,
    SUBTESTS,
    WithoutAssertions,
    is_assertion,
    looks_like_assertion,
    registers_cleanup,
)
from .class_attributes import (
    SET_UPS,
    Attributes,
    as_cleanup,
    as_function,
    attributes_of,
    is_call_of_base,
    variable_of,
)
from .constant_branches import constant_of, taken
from .copied_fixtures import (
    REQUEST,
    OneParam,
    as_context_manager,
    can_be_opened,
    divided,
    leaves,
    needs_pytest,
    with_one_value,
)
from .expected_errors import ExpectedErrors
from .needed_code import (
    ALWAYS_THERE,
    NeededCode,
    NotCopiedError,
    TestClass,
    TestModule,
    TestModules,
    star_imports,
    used_names,
    with_paths,
)

BY_PYTEST = frozenset(
    {"tmp_path", "tmp_path_factory", "tmpdir", "monkeypatch", "capsys", "capfd", "caplog", "recwarn", "request"}
)
"""Fixtures of pytest itself."""
MOCKING = frozenset({"mocker", "class_mocker", "module_mocker", "package_mocker", "session_mocker"})
"""Fixtures of pytest-mock."""
PlainValue = str | int | bool | None
MOCKS = re.compile(r"\bmock\b")
"""In an import: what a mock does is not the project's work."""
TAKEN = "benchmark"


@dataclass(frozen=True, slots=True)
class OwnStatement:
    """A statement of a test, as code, and the names that it binds.

    A check is what is left of an assertion, or expects an error (`fails`); one that is given assigns the value of a
    parameter; one that `opens` something has it closed after the test, or defines a function that does so.
    """

    code: str
    is_check: bool = False
    binds: frozenset[str] = frozenset()
    is_given: bool = False
    fails: bool = False
    opens: bool = False


@dataclass(frozen=True, slots=True)
class TestBody:
    """The statements of a test, what they need, the fixtures that the benchmark has to request, and its marks."""

    __test__ = False  # this is no test class

    imports: tuple[str, ...]
    definitions: tuple[str, ...]
    statements: tuple[OwnStatement, ...]
    fixtures: tuple[str, ...]
    marks: tuple[str, ...] = ()


def body_of(
    test: str,
    case: Mapping[str, int],
    modules: TestModules,
    *,
    folder: str,
    method: str = "",
    values: Mapping[str, PlainValue] = MappingProxyType({}),
    inlines_fixtures: bool = False,
) -> TestBody | str:
    """Return the statements of a test, by pytest's id, for a benchmark in a folder; or why that is impossible.

    `case` has for each parametrized name the index of its value, `values` has those that are plain. What assertions
    evaluate is kept, but only what runs the `method` (see `WithoutAssertions`) or may run other code of the project.
    With `inlines_fixtures` the code of fixtures is written as well that the benchmark could request, to be repeated.
    """
    path, *owners, name = test.partition("[")[0].split("::")
    file = modules.module(path)
    classes = modules.classes(file, owners[-1]) if file and owners else []
    if file is None:
        return "it is not written in its file"
    functions = [(each, owner.file) for owner in classes for each in owner.functions()]
    functions += [] if owners else [(each, file) for each in file.functions(None)]
    function, written_in = next(((each, its) for each, its in functions if each.node.name == name), (None, file))
    if function is None:
        return "it is not written in its file"
    try:
        body = _Body(
            file,
            function,
            written_in,
            classes,
            case,
            values,
            modules,
            folder,
            method,
            inlines_fixtures=inlines_fixtures,
        )
        return body.body()
    except (NotCopiedError, SyntaxError, RecursionError) as error:
        return f"it {error}"


@dataclass(frozen=True, slots=True)
class _Group:
    """Statements of one function, such as a fixture or the test, and the file whose names they use."""

    code: str
    file: TestModule
    binds: frozenset[str]
    of_module: frozenset[str]
    """The names of the file that they use, as opposed to attributes of the test's object."""


@dataclass(frozen=True, slots=True)
class _FoundFixture:
    """A fixture, the file that it is written in, and whether the benchmark sees it without a copy."""

    function: PytestFunction
    file: TestModule
    is_visible: bool = False


@dataclass
class _Body:
    """Collects the statements of one test."""

    file: TestModule
    test: PytestFunction
    written_in: TestModule
    """The file of the class that the test is inherited from, else `file`."""
    classes: Sequence[TestClass]
    """The test's class, then its base classes."""
    case: Mapping[str, int]
    values: Mapping[str, PlainValue]
    modules: TestModules
    folder: str
    method: str
    inlines_fixtures: bool
    statements: list[OwnStatement] = field(default_factory=list)
    fixtures: list[str] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    """The fixtures, parameters and attributes of the test's object that have a variable by now."""
    attributes: set[str] = field(default_factory=set)
    opening_functions: set[str] = field(default_factory=set)
    """The methods of the class that register cleanups, by their names."""
    groups: list[_Group] = field(default_factory=list)
    expectations: set[str] = field(default_factory=set)
    """The variables that hold what expects an error."""
    copied: dict[str, tuple[PytestFunction, TestModule]] = field(default_factory=dict)
    """The fixtures that are copied as such, by name."""
    opening: list[tuple[Function, TestModule]] = field(default_factory=list)
    """Fixtures that have to be undone, as context managers."""
    written: set[str] = field(default_factory=set)
    """The parametrized names whose value in this case the code has."""

    def body(self) -> TestBody:
        self._check()
        for fixture in self._automatic():
            self._fixture(fixture)
        for name, undoing in SET_UPS.items():
            self._set_up(name)
            self._undo(undoing)
        for name in self.test.parameters:
            if name != SUBTESTS:
                self._parameter(name)
        statements = without_docstring(self.test.node)
        is_ended = isinstance(statements[-1], ast.Return) and statements[-1].value is None
        self._add(statements[:-1] if is_ended else statements, self.written_in)
        needed = NeededCode(self.modules, self.folder)
        for function, opening_file in self.opening:
            needed.add_fixture(function, opening_file, is_changed=True)
        for copied, file in sorted(self.copied.values(), key=lambda each: (each[1].path, each[0].node.lineno)):
            node = with_one_value(copied, self._value_of_request(copied, file))
            needed.add_fixture(node, file, is_changed=node is not copied.node)
        own = {STACK} if any(each.opens for each in self.statements) else set[str]()
        for group in self.groups:
            needed.add(group.code, group.file, known=self._known(group) | own)
        of_modules = (own & group.of_module for group in self.groups)
        taken = needed.names.union(self.fixtures, *(each.binds for each in self.statements), *of_modules)
        if hidden := taken & {TAKEN, *own}:
            raise NotCopiedError(f"uses the name {min(hidden)}")
        if any(MOCKS.search(line) for line in needed.imports):
            raise NotCopiedError("replaces code by mocks")
        marks = tuple(self._case_marks())
        of_marks = ["import pytest"] if marks else []
        opening = {OPENING[isinstance(function, ast.AsyncFunctionDef)] for function, _ in self.opening}
        of_opening = [f"from contextlib import {', '.join(sorted(opening))}"] if opening else []
        imports = dict.fromkeys((*needed.all_imports, *of_marks, *of_opening))
        definitions, live = tuple(needed.definitions), tuple(self._taken())
        return TestBody(tuple(imports), definitions, live, tuple(self.fixtures), marks)

    def _taken(self) -> Iterator[OwnStatement]:
        """Yield the statements without branches that are not taken in this case."""
        constants: dict[str, object] = {}
        for each in self.statements:
            if each.is_given and (constant := constant_of(each.code)):
                constants[constant[0]] = constant[1]
            for code in taken(each.code, constants):
                binds = each.binds if code == each.code else frozenset(bound_names([parse_or_empty(code.encode())]))
                yield replace(each, code=code, binds=binds)
            if not each.is_given:
                constants = {name: value for name, value in constants.items() if name not in each.binds}

    def _case_marks(self) -> Iterator[str]:
        """Yield the marks that choose this case of fixtures with several values, which the benchmark requests."""
        known = {*self.fixtures, *(name for each in self._requested.values() for name in each.parameters)}
        is_async = isinstance(self.test.node, ast.AsyncFunctionDef)  # a plugin may add fixtures to it
        for name in self.case if self.fixtures else ():
            if name not in self.written and name in self.values and (name in known or not is_async):
                indirect = ", indirect=True" if self._given(name, indirect=False)[0] is None else ""
                yield f'pytest.mark.parametrize("{name}", [{self.values[name]!r}]{indirect})'

    def _known(self, group: _Group) -> set[str]:
        """Return the names that a group uses of the test; raise NotCopiedError if its module's are hidden by them."""
        known = {*group.binds, *self.made, *self.fixtures}
        others = set[str]().union(*(each.binds for each in self.groups if each is not group)) - known
        others = (others & used_names(group.code)) | self.attributes
        if hidden := sorted(others & group.of_module - ALWAYS_THERE):
            raise NotCopiedError(f"has a variable of the same name as something of its module: {hidden[0]}")
        return known

    def _check(self) -> None:
        for mark, _ in self._marks:
            is_mark = ".mark." in ast.unparse(mark) or "unittest" in ast.unparse(mark)
            if not is_mark or last_name(mark) in {"xfail", "expectedFailure"}:
                raise NotCopiedError(f"is decorated by {ast.unparse(mark).partition('(')[0]}")

    @cached_property
    def _marks(self) -> list[tuple[ast.expr, TestModule]]:
        """The marks of the test and of the classes that inherit it, with their files."""
        inheriting = (owner for owner in self.classes if owner.node is not self.test.owner)
        inherited = ((mark, owner.file) for owner in inheriting for mark in marks_of(owner.node))
        marks = (*((mark, self.written_in) for mark in self.test.marks), *inherited)
        return [(_assigned(mark, file), file) for mark, file in marks]

    # -- fixtures

    def _automatic(self) -> Iterator[str]:
        """Yield the fixtures of the file that run for the test without being a parameter of it."""
        of_classes = (each for owner in self.classes for each in owner.functions())
        yield from (each.fixture_name for each in (*self.file.functions(None), *of_classes) if each.is_autouse)
        for mark, _ in self._marks:
            if isinstance(mark, ast.Call) and last_name(mark) == "usefixtures":
                yield from filter(None, map(string_value, mark.args))

    def _parameter(self, name: str) -> None:
        if name in self.made:
            return
        value, file = self._given(name, indirect=False)
        if value is not None:
            self.written.add(name)
            self._assign(name, value, file)
        else:
            self._fixture(name)

    def _given(self, name: str, *, indirect: bool) -> tuple[ast.expr | None, TestModule]:
        """Return the value that a mark gives to a parameter, or (`indirect`) to its fixture, and the mark's file."""
        found = ((self._value(mark, name, indirect=indirect, file=file), file) for mark, file in self._marks)
        return next((each for each in found if each[0] is not None), (None, self.file))

    def _value(self, mark: ast.expr, name: str, *, indirect: bool, file: TestModule) -> ast.expr | None:
        """Return the value that a mark `parametrize` gives to a parameter in this case."""
        if not isinstance(mark, ast.Call) or last_name(mark) != "parametrize" or len(mark.args) < 2:
            return None
        first, values = mark.args[:2]
        texts = [string_value(each) for each in first.elts] if isinstance(first, ast.Tuple | ast.List) else None
        own = [each.strip() for each in (texts if texts is not None else string_value(first).split(","))]
        if name not in own or name not in self.case or _is_indirect(mark, name) != indirect:
            return None
        value = self._element(values, self.case[name], file)
        if len(own) == 1 and texts is None and "," not in string_value(first):
            return value
        position = own.index(name)
        if isinstance(value, ast.Tuple | ast.List):
            return value.elts[position]
        return ast.Subscript(value, ast.Constant(position), ast.Load())

    def _element(self, values: ast.expr, index: int, file: TestModule) -> ast.expr:
        """Return an element of the values of a parameter, as code; of a list that is written down it is the node."""
        assigned = _assigned(values, file)
        values = assigned if isinstance(assigned, ast.List | ast.Tuple) else values
        if not isinstance(values, ast.List | ast.Tuple) or any(isinstance(each, ast.Starred) for each in values.elts):
            return ast.Subscript(values, ast.Constant(index), ast.Load())
        if index >= len(values.elts):
            raise NotCopiedError("has other values than its file lists")
        value = values.elts[index]
        if isinstance(value, ast.Call) and last_name(value) == "param":
            if any(last_name(each) == "xfail" for each in ast.walk(value) if isinstance(each, ast.expr)):
                raise NotCopiedError("is expected to fail in this case")
            return value.args[0] if len(value.args) == 1 else ast.Tuple(value.args, ast.Load())
        return value

    def _fixture(self, name: str) -> None:
        """Request a fixture that the benchmark sees, copy one that has to stay a fixture, else write what it does."""
        if name in self.made:
            return
        self.made.add(name)
        found = self._found(name)
        if not found and name in MOCKING:
            raise NotCopiedError("replaces code by mocks")
        if found and name not in self._requested:
            self._write_fixture(name, found.function, found.file)
        else:
            self.fixtures.append(name)

    @cached_property
    def _requested(self) -> dict[str, PytestFunction]:
        """The fixtures of files that remain fixtures, and those that they use; note which of them are copied."""
        given = (each for each in self.test.parameters if self._given(each, indirect=False)[0] is not None)
        names = [*self._automatic(), *(each for each in self.test.parameters if each not in {*given})]
        requested: dict[str, PytestFunction] = {}
        pending, seen = [(name, False) for name in names], set[tuple[str, bool]]()
        while pending:
            name, is_used_by_fixture = pending.pop(0)
            found = self._found(name)
            if not found or (name, is_used_by_fixture) in seen:
                continue
            seen.add((name, is_used_by_fixture))
            is_async = isinstance(found.function.node, ast.AsyncFunctionDef)
            is_seen = found.is_visible and not self.inlines_fixtures
            is_pytests = needs_pytest(found.function) and not (self.inlines_fixtures and can_be_opened(found.function))
            stays = is_used_by_fixture or (not is_async and (is_seen or is_pytests))
            if stays:
                requested[name] = found.function
            if stays and not found.is_visible:
                self.copied[name] = (found.function, found.file)
            pending += [(each, stays) for each in found.function.parameters]
        return requested

    def _found(self, name: str) -> "_FoundFixture | None":
        """Return the fixture that the test gets by a name; None if no file of its own or above it has one."""
        folders = upwards(posixpath.dirname(self.file.path))
        conftests = (self.modules.module(posixpath.join(folder, "conftest.py")) for folder in folders)
        of_classes = (_FoundFixture(each, owner.file) for owner in self.classes for each in owner.functions())
        of_files = (
            _FoundFixture(each, written_in, is_visible=self._sees(file))
            for file in (self.file, *filter(None, conftests))
            for written_in, each in self._of_file(file, name)
        )
        return next((each for each in (*of_classes, *of_files) if each.function.fixture_name == name), None)

    def _of_file(self, file: TestModule, name: str) -> Iterator[tuple[TestModule, PytestFunction]]:
        """Yield the functions of a file, and those that it imports by a name, with the files that they are in."""
        yield from ((file, each) for each in file.functions(None))
        for node in (*file.bound.get(name, ()), *star_imports(file)):
            with suppress(NotCopiedError):
                imported = self.modules.imported(node, file.path) if isinstance(node, ast.ImportFrom) else None
                if isinstance(imported, TestModule) and imported.path != file.path:
                    yield from self._of_file(imported, name)

    def _sees(self, file: TestModule) -> bool:
        folder, name = posixpath.split(file.path)
        return name == "conftest.py" and (not folder or f"{self.folder}/".startswith(f"{folder}/"))

    def _write_fixture(self, name: str, fixture: PytestFunction, file: TestModule) -> None:
        for parameter in fixture.parameters:
            if parameter != REQUEST:
                self._fixture(parameter)
        statements, value, last = divided(fixture)
        is_async = isinstance(fixture.node, ast.AsyncFunctionDef)
        if is_async and not isinstance(self.test.node, ast.AsyncFunctionDef):
            raise NotCopiedError(f"uses the asynchronous fixture {name}, but is not asynchronous")
        if (is_async or self.inlines_fixtures) and is_generator(fixture.node) and leaves(statements):
            self._open(name, fixture, self._value_of_request(fixture, file), file)
            return
        if leaves(statements):
            raise NotCopiedError(f"uses the fixture {name}, which has to be undone or returns in several places")
        if value is not None and not (isinstance(value, ast.Name) and value.id == name):
            statements.append(ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), last))
        request = OneParam(name, self._value_of_request(fixture, file))
        self._add([request.visit(each) for each in statements], file)

    def _open(self, name: str, fixture: PytestFunction, value: ast.expr | None, file: TestModule) -> None:
        """Write a fixture as a context manager that is closed after the test."""
        manager, call = as_context_manager(fixture, value)
        self.opening.append((manager, file))
        is_async = isinstance(manager, ast.AsyncFunctionDef)
        code = f"{name} = {'await ' * is_async}{STACK}.enter_{'async_' * is_async}context({call})"
        self.statements.append(OwnStatement(code, binds=frozenset({name}), opens=True))
        self.groups.append(_Group("pass", file, frozenset({name}), frozenset()))

    def _value_of_request(self, fixture: PytestFunction, file: TestModule) -> ast.expr | None:
        """Return the value of `request.param` in a fixture, if that has several."""
        name = fixture.fixture_name
        if name not in self.case:
            return None
        self.written.add(name)
        value, of_mark = self._given(name, indirect=True)
        if value is not None:
            if of_mark.path != file.path and names([value]):
                raise NotCopiedError(f"gets {name} by a fixture of another file (`indirect`)")
            return value
        mark = next((each for each in fixture.node.decorator_list if last_name(each) == "fixture"), None)
        values = keywords(mark).get("params") if mark else None
        return self._element(values, self.case[name], file) if values is not None else None

    # -- the object of a test class

    @cached_property
    def _variables(self) -> set[str]:
        """The names of variables in the test, and in the methods that run before it."""
        methods = [owner.method(name) for owner in self.classes for name in SET_UPS]
        of_methods = (bound_names(each.body) for each in methods if each)
        return {*self.test.parameters, *bound_names(self.test.node.body)}.union(*of_methods)

    def _set_up(self, name: str) -> None:
        # Of one file together: a later statement may use what an earlier one imports or assigns.
        for _, found in groupby(self._setting_up(name, self.classes), key=lambda each: each[1].path):
            statements, files = zip(*found, strict=True)
            self._add(statements, files[0])

    def _undo(self, name: str) -> None:
        """Register the calls of a method that runs after the test, if they use only what exists by now."""
        with suppress(NotCopiedError):
            calls = [(as_cleanup(each), file) for each, file in self._setting_up(name, self.classes)]
            for call, file in reversed(calls):
                if call and self._has_all_of(call, file):
                    self._add([call], file)

    def _has_all_of(self, cleanup: ast.stmt, file: TestModule) -> bool:
        """Return whether all that a cleanup uses is imported, has a variable by now, or is a method of the class."""
        needed = NeededCode(self.modules, self.folder)
        with suppress(NotCopiedError):
            needed.add(ast.unparse(cleanup), file, known={"self", "cls"})
            attributes = attributes_of(cleanup) - {"addCleanup"}
            made = {each for each in attributes if variable_of(each, self._variables) in self.made}
            of_class = {each for each in attributes for owner in self.classes if owner.method(each)}
            is_mocked = any(map(MOCKS.search, needed.imports))
            return not (needed.definitions or is_mocked) and attributes == made | of_class
        return False

    def _setting_up(self, name: str, classes: Sequence[TestClass]) -> Iterator[tuple[ast.stmt, TestModule]]:
        """Yield the statements of a method; `super().name()` is replaced by those of the base class."""
        for index, owner in enumerate(classes):
            if method := owner.method(name):
                for statement in without_docstring(method):
                    if is_call_of_base(statement, name):
                        yield from self._setting_up(name, classes[index + 1 :])
                    elif "super" in names([statement]):
                        raise NotCopiedError(f"has a {name} that calls that of a base class")
                    else:
                        yield statement, owner.file
                return

    def _attribute(self, name: str) -> None:
        """Write a constant of the test's class, or a method that uses no state of it."""
        variable = variable_of(name, self._variables)
        if variable in self.made:
            return
        self.made.add(variable)
        for owner in self.classes:
            for statement in owner.node.body:
                if name in bound_names([statement]):
                    if variable != name:
                        raise NotCopiedError(f"has both a variable {name} and self.{name}")
                    code = as_function(statement) if isinstance(statement, Function) else statement
                    self._add([code], owner.file, attribute=name)
                    return
        raise NotCopiedError(f"uses self.{name}, which its class does not define")

    # -- statements

    def _assign(self, name: str, value: ast.expr, file: TestModule) -> None:
        self.made.add(name)
        self._add([ast.Assign([ast.Name(name, ast.Store())], value)], file)

    def _add(self, nodes: Sequence[ast.stmt], file: TestModule, *, attribute: str = "") -> None:
        statements = [each for node in nodes for each in self._copied(node, file)]
        binds = frozenset[str]().union(*(each.binds for each in statements))
        if hidden := sorted(self.attributes & bound_names(nodes) - {attribute}):
            raise NotCopiedError(f"has a variable {hidden[0]}, which is the name of an attribute")
        of_module = frozenset(names(nodes) & file.bound.keys())
        if statements:
            code = "\n".join(each.code for each in statements)
            self.groups.append(_Group(f"async def _():\n{indented(code)}", file, binds, of_module))
        self.statements += statements

    def _copied(self, original: ast.stmt, file: TestModule) -> Iterator[OwnStatement]:
        """Yield what is left of a statement without assertions and without the object of the test's class."""
        NeededCode(self.modules, self.folder).check_inner_imports(original, file)
        if leaves([original]):
            raise NotCopiedError("returns or yields")
        if any(isinstance(each, ast.Global) for each in ast.walk(original)):
            raise NotCopiedError("changes variables of its module")
        node = with_paths(copy.deepcopy(original), file.path, self.folder)
        changed = WithoutAssertions(self.method, self._is_inherited_assertion).visit(node)
        for each in changed if isinstance(changed, list) else [changed]:
            attributes = Attributes(self._variables)
            attributes.visit(each)
            for name in sorted(attributes.loaded - attributes.stored):
                self._attribute(name)
            loaded, stored = (
                {variable_of(name, self._variables) for name in each} for each in (attributes.loaded, attributes.stored)
            )
            self.made |= stored
            self.attributes |= loaded | stored
            if "self" in used_names(ast.unparse(ast.fix_missing_locations(each))):
                raise NotCopiedError("uses the object of its class")
            if not isinstance(each, ast.Pass):
                code = self._code(original, each, file)
                is_given, binds = not hasattr(original, "lineno"), frozenset(bound_names([each]))
                fails = ExpectedErrors(self.modules, file, self.classes).are_in(original, frozenset(self.expectations))
                if fails and isinstance(each, ast.Assign):
                    self.expectations |= binds
                opens = registers_cleanup(original) or not self.opening_functions.isdisjoint(names([each]))
                if opens and isinstance(each, Function):
                    self.opening_functions |= binds
                is_check = fails or is_assertion(original, self._is_inherited_assertion)
                yield OwnStatement(code, is_check, binds, is_given, fails, opens)

    def _is_inherited_assertion(self, method: str) -> bool:
        """Return whether a method looks like an assertion, and no class of the tests defines it."""
        return looks_like_assertion(method) and not any(owner.method(method) for owner in self.classes)

    def _code(self, original: ast.stmt, node: ast.stmt, file: TestModule) -> str:
        """Return the code of a statement, as its file has it if nothing was changed."""
        source = file.code(original) if hasattr(original, "lineno") else ""
        if source and list(map(ast.dump, parse_or_empty(source.encode()).body)) == [ast.dump(node)]:
            return source
        if isinstance(node, ast.Assign) and (value := _source_of_value(node.value, file.text)):
            return f"{ast.unparse(node.targets[0])} = {value}"
        return ast.unparse(ast.fix_missing_locations(node))


def _source_of_value(node: ast.expr, text: str) -> str:
    """Return the code of an expression as a file has it, "" if it is not from there."""
    segment = ast.get_source_segment(text, node) if hasattr(node, "end_lineno") else None
    with suppress(SyntaxError):
        if segment and ast.dump(ast.parse(f"({segment})", mode="eval").body) == ast.dump(node):
            return f"({segment})" if "\n" in segment else segment
    return ""


def _assigned(node: ast.expr, file: TestModule) -> ast.expr:
    """Return what a file assigns to a name, and any other expression as it is."""
    bound = file.bound.get(node.id, []) if isinstance(node, ast.Name) else []
    return bound[0].value if len(bound) == 1 and isinstance(bound[0], ast.Assign) else node


def _is_indirect(mark: ast.Call, name: str) -> bool:
    """Return whether a mark gives a name's value to the fixture of that name."""
    indirect = keywords(mark).get("indirect")
    if isinstance(indirect, ast.List | ast.Tuple):
        return name in map(string_value, indirect.elts)
    return indirect is not None and not (isinstance(indirect, ast.Constant) and not indirect.value)
