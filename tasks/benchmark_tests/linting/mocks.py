"""Judge what a benchmark puts in the place of real code, by reading alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ...project.code.definitions import contents
from ...project.code.imported_names import absolute_name, imports
from ...project.syntax import Function, dotted_name
from ..benchmark_file import MOCKS
from .boundaries import boundary

if TYPE_CHECKING:
    from ...project.code.definitions import Definition
    from ..benchmark_file import BenchmarkFile, BenchmarkTest, Patch

CONFIGURATION: Final = re.compile(
    r"(^|_)(config|configs|configuration|settings|conf|cfg|options|env_config|environ)$", re.IGNORECASE
)
PROCESS: Final = frozenset({"sys.argv", "sys.path", "sys.stdin", "sys.stdout", "sys.stderr", "os.getcwd"})
"""What a process is given, and no code of the project's."""
FAKE: Final = re.compile(r"^_?(Fake|Mock|Stub|Dummy|Null|NoOp|Noop)|(Fake|Mock|Stub|Dummy)$")
SIZED: Final = frozenset(
    {
        "bytearray", "bytes", "empty", "zeros", "ones", "full", "arange", "linspace", "rand", "randn", "random", "integers", "randint",
        "normal", "uniform", "empty_like", "zeros_like", "ones_like", "tile", "repeat", "eye", "new",
    },
)  # fmt: skip
SMALL: Final = frozenset({"len", "int", "str", "float", "bool", "print", "isinstance", "getattr", "type"})
LARGE: Final = 1024


class Standin(NamedTuple):
    """What runs in the place of real code, at `node`: a function, or a Mock; `real` is the definition that it stands for.

    `is_object` says that it is handed over as an object, whose methods are called.
    """

    name: str
    node: ast.AST
    real: Definition | None
    at_boundary: str = ""
    is_object: bool = False


def boundary_of(patch: Patch, file: BenchmarkFile, more: frozenset[str]) -> str:
    """Return the package of the boundary that a replaced name is of, or that the code which defines it uses; "" for none."""
    if named := boundary(patch.replaced, more):
        return named
    found = real_of(patch, file)
    if found is None:
        return ""
    path, definition = found
    source = file.sources.tree.read(path) or b""
    known = dict(imports(ast.parse(source)))
    lines = source.decode("utf-8", "replace").splitlines()[definition.start - 1 : definition.end]
    used = {word for line in lines for word in re.findall(r"[A-Za-z_]\w*", line)}
    return next(
        (package for name in sorted(known) if name in used and (package := boundary(absolute_name(name, known), more))),
        "",
    )


def real_of(patch: Patch, file: BenchmarkFile) -> tuple[str, Definition] | None:
    """Find the definition that a patch replaces, where its owner is a module or a class of the project."""
    parts = patch.replaced.split(".")
    for count in range(len(parts) - 1, 0, -1):
        found = file.sources.try_find(f"{'.'.join(parts[:count])}:{'.'.join(parts[count:])}")
        if found and found.definition.kind in {"function", "class"}:
            return found.path, found.definition
    return None


def is_configuration(patch: Patch) -> bool:
    """Return whether it is a setting that is replaced, by its name."""
    if patch.kind == "environment":
        return True
    names = [part for part in patch.owner.split(".") if part]
    own = patch.name.rpartition(".")[2]
    return any(CONFIGURATION.search(name) for name in (*names[-1:], own)) or own.isupper()


def standins(test: BenchmarkTest, more: frozenset[str]) -> Iterator[Standin]:
    """Yield what the patches of a test put in place, and the methods of fakes that it hands to what is measured."""
    for patch in test.patches:
        if patch.kind == "attribute" and not is_configuration(patch) and not patch.is_property_mock:
            found = real_of(patch, test.file)
            package = boundary_of(patch, test.file, more)
            yield from _of(patch.new, patch.name, test, found and found[1], package, patch.node)
    for name, made in test.variables.items():
        if isinstance(made, ast.Call) and _is_used(name, test):
            spelled = dotted_name(made.func)
            if spelled.rpartition(".")[2] in MOCKS:
                if not _is_told(name, test):
                    yield Standin(name, made, None, "", is_object=True)
            elif FAKE.search(spelled):
                yield from _of(made, name, test, None, "a fake", made)


def _is_used(name: str, test: BenchmarkTest) -> bool:
    parts = [node for measured in test.measured for node in (*measured.body, *measured.arguments)]
    return any(isinstance(node, ast.Name) and node.id == name for part in parts for node in ast.walk(part))


def _is_told(name: str, test: BenchmarkTest) -> bool:
    """Return whether the test says what methods of a Mock return: `name.method.return_value = ...`."""
    targets = (target for node in ast.walk(test.file.module) if isinstance(node, ast.Assign) for target in node.targets)
    return any(dotted_name(target).startswith(f"{name}.") for target in targets)


def _of(
    new: ast.expr | None, name: str, test: BenchmarkTest, real: Definition | None, package: str, node: ast.AST
) -> Iterator[Standin]:
    if isinstance(new, ast.Name) and isinstance(value := test.variables.get(new.id), ast.Call | ast.Lambda):
        new = value
    if (made := _made_by(new, test)) is not None:
        # What loads a model is replaced by what gives a fake one: that is what runs in its place.
        kind = real.returns.strip("'\"").rpartition(".")[2] if real else ""
        yield from _methods(made, test, kind, package)
        return
    if new is None or isinstance(new, ast.Lambda):
        yield Standin(name, new or node, real, package)
        return
    spelled = dotted_name(new.func if isinstance(new, ast.Call) else new)
    if spelled.rpartition(".")[2] in MOCKS:
        yield Standin(name, new, real, package)
        return
    for held in ast.walk(test.file.module):
        if isinstance(held, Function) and held.name == spelled:
            yield Standin(name, held, real, package)
        elif isinstance(held, ast.ClassDef) and held.name == spelled:
            yield from _methods(held, test, real.name if real and real.kind == "class" else "", package)


def _methods(fake: ast.ClassDef, test: BenchmarkTest, kind: str, package: str) -> Iterator[Standin]:
    """Yield the methods of a fake class; `kind` is the class that it stands for, "" where that is not known."""
    own = [
        each
        for each in fake.body
        if isinstance(each, Function) and each.name not in {"__init__", "__enter__", "__exit__"}
    ]
    real = _methods_of(kind, test) if kind else {}
    yield from (Standin(f"{fake.name}.{each.name}", each, real.get(each.name), package) for each in own)


def _made_by(new: ast.expr | None, test: BenchmarkTest) -> ast.ClassDef | None:
    """Return the fake class of which a replacement returns an instance."""
    given = new.body if isinstance(new, ast.Lambda) else None
    if isinstance(new, ast.Call):
        given = next((word.value for word in new.keywords if word.arg == "return_value"), None)
    if isinstance(given, ast.Name):
        given = test.variables.get(given.id)
    name = dotted_name(given.func) if isinstance(given, ast.Call) else ""
    return next(
        (each for each in ast.walk(test.file.module) if isinstance(each, ast.ClassDef) and each.name == name), None
    )


def _methods_of(kind: str, test: BenchmarkTest) -> dict[str, Definition]:
    """Find the methods of the project's class of that name."""
    sources = test.file.sources
    for path in sources.tree.files():
        content = sources.tree.read(path) if path.endswith(".py") else None
        if content and f"class {kind}".encode() in content:
            found = [each for each in contents(content, path).definitions if each.name.rpartition(".")[0] == kind]
            return {each.name.rpartition(".")[2]: each for each in found}
    return {}


# -- what a stand-in does -----------------------------------------------------------------------------


def allocates(node: ast.AST) -> bool:
    """Return whether a stand-in allocates more than next to nothing, or calls what may do so."""
    if isinstance(node, ast.Call) and dotted_name(node.func).rpartition(".")[2] in MOCKS:
        effects = [word.value for word in node.keywords if word.arg == "side_effect"]
        return any(isinstance(effect, ast.Name) or allocates(effect) for effect in effects)
    return any(_allocates(inner) for part in _parts(node) for inner in ast.walk(part))


def _parts(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, Function):
        return list(node.body)
    return [node.body] if isinstance(node, ast.Lambda) else []


def _allocates(node: ast.AST) -> bool:
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return any(
            isinstance(side, ast.List) or isinstance(getattr(side, "value", None), str | bytes)
            for side in (node.left, node.right)
        )
    if not isinstance(node, ast.Call):
        return False
    last = dotted_name(node.func).rpartition(".")[2]
    if last in SIZED:
        return any(_is_large(argument) for argument in (*node.args, *(word.value for word in node.keywords)))
    return last == "copy" or (isinstance(node.func, ast.Name) and last.islower() and last not in SMALL)


def _is_large(node: ast.AST) -> bool:
    """Tell a size that is not small: a number, a product, or what is computed from names; a 0 anywhere makes nothing of it."""
    numbers = [
        each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, int | float)
    ]
    if 0 in numbers:
        return False
    named = any(isinstance(each, ast.Name | ast.Attribute | ast.Call) for each in ast.walk(node))
    product = 1.0
    for number in numbers:
        product *= number
    return named or product >= LARGE


def returned_kind(node: ast.AST) -> str:
    """Name the type of what a stand-in returns, where that is written there: `list`, `str`, `None`, `Mock`; "" where it is not."""
    if isinstance(node, ast.Call):
        words = {word.arg: word.value for word in node.keywords}
        given = words.get("return_value")
        return ("" if "side_effect" in words else "Mock") if given is None else _kind(given)
    if isinstance(node, ast.Lambda):
        return _kind(node.body)
    if not isinstance(node, Function):
        return "Mock"
    if any(isinstance(each, ast.Yield | ast.YieldFrom | ast.Raise) for each in ast.walk(node)):
        return ""
    kinds = {_kind(each.value) if each.value else "None" for each in ast.walk(node) if isinstance(each, ast.Return)}
    return kinds.pop() if len(kinds) == 1 else ("" if kinds else "None")


def _kind(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return type(node.value).__name__.replace("NoneType", "None")
    for kinds, name in _DISPLAYS:
        if isinstance(node, kinds):
            return name
    if isinstance(node, ast.Call):
        last = dotted_name(node.func).rpartition(".")[2]
        return "Mock" if last in MOCKS else last if last in {"list", "dict", "tuple", "set", "str", "bytes"} else ""
    return ""


def fits(kind: str, annotation: str) -> bool:
    """Return whether a value of a plain kind can be what an annotation says; what is not known fits."""
    if not kind or not annotation:
        return True
    names = set(re.findall(r"[A-Za-z_][\w.]*", annotation.strip("'\"")))
    last = {name.rpartition(".")[2] for name in names}
    if kind == "Mock":
        return False
    if last & {"Any", "object", "Self", "TypeVar", "T"} or any(len(name) <= 2 for name in last):
        return True
    return bool(last & _FITTING.get(kind, frozenset({kind})))


_DISPLAYS: Final = (
    ((ast.List, ast.ListComp), "list"),
    ((ast.Dict, ast.DictComp), "dict"),
    ((ast.Set, ast.SetComp), "set"),
    ((ast.Tuple,), "tuple"),
)
_FITTING: Final = {
    "None": frozenset({"None", "Optional", "NoReturn"}),
    "list": frozenset(
        {"list", "List", "Sequence", "Iterable", "Collection", "MutableSequence", "Container", "Reversible"}
    ),
    "dict": frozenset({"dict", "Dict", "Mapping", "MutableMapping", "TypedDict"}),
    "tuple": frozenset({"tuple", "Tuple", "Sequence", "Iterable", "Collection", "NamedTuple"}),
    "set": frozenset({"set", "Set", "AbstractSet", "MutableSet", "Iterable", "Collection"}),
    "str": frozenset({"str", "AnyStr", "Literal", "LiteralString", "Sequence", "Iterable"}),
    "bytes": frozenset({"bytes", "AnyStr", "Buffer", "ReadableBuffer"}),
    "int": frozenset({"int", "float", "complex", "Literal", "Number"}),
    "float": frozenset({"float", "complex", "Number"}),
    "bool": frozenset({"bool", "int", "Literal"}),
}
