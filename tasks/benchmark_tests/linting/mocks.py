"""Judge by reading what a benchmark runs instead of real code."""

import ast
import math
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from ...project.code.definitions import Definition, contents
from ...project.code.imported_names import absolute_name, imports
from ...project.code.sources import LocatedDefinition
from ...project.syntax import Function, callee, dotted_name, keywords, last_name, names, parse_or_empty
from ..benchmark_file import BenchmarkFile, BenchmarkTest
from ..patches import MOCKS, Patch
from .boundaries import boundary

CONFIGURATION: Final = re.compile(
    r"(^|_)(configs?|configuration|settings|conf|cfg|options|env_config|environ)$", re.IGNORECASE
)
PROCESS: Final = frozenset({"sys.argv", "sys.path", "sys.stdin", "sys.stdout", "sys.stderr", "os.getcwd"})
"""Attributes of the process, which are no code of the project."""
FAKE: Final = re.compile(r"^_?(Fake|Mock|Stub|Dummy|Null|NoOp|Noop)|(Fake|Mock|Stub|Dummy)$")
SIZED: Final = frozenset(
    {
        "bytearray", "bytes", "empty", "zeros", "ones", "full", "arange", "linspace", "rand", "randn", "random",
        "integers", "randint", "normal", "uniform", "empty_like", "zeros_like", "ones_like", "tile", "repeat", "eye",
        "new",
    },
)  # fmt: skip
SMALL: Final = frozenset({"len", "int", "str", "float", "bool", "print", "isinstance", "getattr", "type"})
LARGE: Final = 1024


class Replacement(NamedTuple):
    """A function or Mock that runs instead of the definition `real`; `is_object` if its methods are called instead.

    `boundary` is the package of the boundary that it replaces, "" for none.
    """

    name: str
    node: ast.AST
    real: Definition | None
    boundary: str = ""
    is_object: bool = False


def boundary_of(patch: Patch, file: BenchmarkFile, more: frozenset[str]) -> str:
    """Return the boundary's package that a patched name is of, or that its definition uses; "" for none."""
    package, found = boundary(patch.replaced, more), _real(patch, file)
    if package or found is None:
        return package
    source = file.sources.tree.read(found.path) or b""
    imported = dict(imports(parse_or_empty(source)))
    lines = source.decode("utf-8", "replace").splitlines()[found.definition.start - 1 : found.definition.end]
    used = sorted(imported.keys() & set(re.findall(r"[A-Za-z_]\w*", "\n".join(lines))))
    return next(filter(None, (boundary(absolute_name(name, imported), more) for name in used)), "")


def _real(patch: Patch, file: BenchmarkFile) -> LocatedDefinition | None:
    """Find the definition that a patch replaces, if its owner is a module or class of the project."""
    return next((each for each in file.locate(patch.replaced) if each.definition.kind in {"function", "class"}), None)


def is_configuration(patch: Patch) -> bool:
    """Return whether a patch replaces a setting, by its name."""
    owner, name = patch.owner.rpartition(".")[2], patch.name.rpartition(".")[2]
    return patch.kind == "environment" or name.isupper() or any(map(CONFIGURATION.search, (owner, name)))


def replacements(test: BenchmarkTest, more: frozenset[str]) -> Iterator[Replacement]:
    """Yield what a test's patches put in place, and the methods of fakes that it hands to measured code."""
    for patch in test.patches:
        if patch.kind == "attribute" and not is_configuration(patch) and not patch.is_property_mock:
            real = _real(patch, test.file)
            package = boundary_of(patch, test.file, more)
            yield from _of(patch.new, test, Replacement(patch.name, patch.node, real and real.definition, package))
    used = names(node for measured in test.measured for node in (*measured.body, *measured.arguments))
    assignments = [node for node in ast.walk(test.file.module) if isinstance(node, ast.Assign)]
    for name, value in test.variables.items():
        if not isinstance(value, ast.Call) or name not in used:
            continue
        if last_name(value) not in MOCKS:
            if FAKE.search(dotted_name(value.func)):
                yield from _of(value, test, Replacement(name, value, None, "a fake"))
        # A Mock is fine if the test sets what its methods return: `name.method.return_value = ...`.
        elif not any(dotted_name(each).startswith(f"{name}.") for node in assignments for each in node.targets):
            yield Replacement(name, value, None, is_object=True)


def _of(new: ast.expr | None, test: BenchmarkTest, default: Replacement) -> Iterator[Replacement]:
    """Yield what runs if `new` replaces `default.real`: a function, a Mock, or the methods of a fake."""
    if isinstance(new, ast.Name) and isinstance(value := test.variables.get(new.id), ast.Call | ast.Lambda):
        new = value
    real = default.real
    if fake := _fake_returned(new, test):
        # What loads a model is replaced by what returns a fake one, and that runs.
        yield from _methods(fake, test, real.returns.strip("'\"").rpartition(".")[2] if real else "", default.boundary)
    elif new is None or isinstance(new, ast.Lambda) or last_name(new) in MOCKS:
        yield default._replace(node=new or default.node)
    else:
        name = dotted_name(callee(new))
        for node in ast.walk(test.file.module):
            if isinstance(node, Function) and node.name == name:
                yield default._replace(node=node)
            elif isinstance(node, ast.ClassDef) and node.name == name:
                kind = real.name if real and real.kind == "class" else ""
                yield from _methods(node, test, kind, default.boundary)


def _methods(fake: ast.ClassDef, test: BenchmarkTest, kind: str, package: str) -> Iterator[Replacement]:
    """Yield the methods of a fake class; `kind` is the class that it replaces, "" if unknown."""
    real = _methods_of(kind, test) if kind else {}
    for node in fake.body:
        if isinstance(node, Function) and node.name not in {"__init__", "__enter__", "__exit__"}:
            yield Replacement(f"{fake.name}.{node.name}", node, real.get(node.name), package)


def _fake_returned(new: ast.expr | None, test: BenchmarkTest) -> ast.ClassDef | None:
    """Return the fake class that a replacement returns an instance of."""
    value = new.body if isinstance(new, ast.Lambda) else keywords(new).get("return_value") if new else None
    if isinstance(value, ast.Name):
        value = test.variables.get(value.id)
    name = dotted_name(value.func) if isinstance(value, ast.Call) else ""
    nodes = ast.walk(test.file.module)
    return next((node for node in nodes if isinstance(node, ast.ClassDef) and node.name == name), None)


def _methods_of(kind: str, test: BenchmarkTest) -> dict[str, Definition]:
    """Find the methods of the project's class of that name."""
    tree = test.file.sources.tree
    for path in tree.files():
        content = tree.read(path) if path.endswith(".py") else None
        if content and f"class {kind}".encode() in content:
            qualified = ((each.name.rpartition("."), each) for each in contents(content, path).definitions)
            return {name: each for (owner, _, name), each in qualified if owner == kind}
    return {}


# -- what a replacement does ---------------------------------------------------------------------------


def allocates(node: ast.AST) -> bool:
    """Return whether a replacement allocates more than next to nothing, or calls what may."""
    if isinstance(node, ast.Call) and last_name(node) in MOCKS:
        effect = keywords(node).get("side_effect")
        return effect is not None and (isinstance(effect, ast.Name) or allocates(effect))
    body = node.body if isinstance(node, Function) else [node.body] if isinstance(node, ast.Lambda) else []
    return any(_allocates(inner) for part in body for inner in ast.walk(part))


def _allocates(node: ast.AST) -> bool:
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        is_list = isinstance(node.left, ast.List) or isinstance(node.right, ast.List)
        return is_list or any(isinstance(getattr(each, "value", None), str | bytes) for each in (node.left, node.right))
    if not isinstance(node, ast.Call):
        return False
    last = dotted_name(node.func).rpartition(".")[2]
    if last in SIZED:
        return any(map(_is_large, (*node.args, *keywords(node).values())))
    return last == "copy" or (isinstance(node.func, ast.Name) and last.islower() and last not in SMALL)


def _is_large(size: ast.AST) -> bool:
    """Return whether a size is a large number or product, or is computed from names; a factor of 0 makes it small."""
    nodes = list(ast.walk(size))
    numbers = [each.value for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, int | float)]
    computed = any(isinstance(each, ast.Name | ast.Attribute | ast.Call) for each in nodes)
    return 0 not in numbers and (computed or math.prod(numbers) >= LARGE)


def returned_kind(node: ast.AST) -> str:
    """Return the type of what a replacement returns if it is obvious: `list`, `str`, `None`, `Mock`; else ""."""
    if isinstance(node, ast.Call):
        named = keywords(node)
        return _kind(named["return_value"]) if "return_value" in named else "" if "side_effect" in named else "Mock"
    if not isinstance(node, Function):
        return _kind(node.body) if isinstance(node, ast.Lambda) else "Mock"
    nodes = list(ast.walk(node))
    kinds = {_kind(each.value) if each.value else "None" for each in nodes if isinstance(each, ast.Return)} or {"None"}
    is_plain = not any(isinstance(each, ast.Yield | ast.YieldFrom | ast.Raise) for each in nodes)
    return kinds.pop() if is_plain and len(kinds) == 1 else ""


def _kind(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return type(node.value).__name__.replace("NoneType", "None")
    if isinstance(node, ast.Call):
        last = last_name(node)
        return "Mock" if last in MOCKS else last if last in {"list", "dict", "tuple", "set", "str", "bytes"} else ""
    return type(node).__name__.removesuffix("Comp").lower() if isinstance(node, _DISPLAYS) else ""


def fits(kind: str, annotation: str) -> bool:
    """Return whether a value of a plain type can be what an annotation says; anything unknown fits."""
    if not kind or not annotation:
        return True
    if kind == "Mock":
        return False
    last = {name.rpartition(".")[2] for name in re.findall(r"[A-Za-z_][\w.]*", annotation.strip("'\""))}
    if last & {"Any", "object", "Self", "TypeVar", "T"} or any(len(name) <= 2 for name in last):
        return True
    return not last.isdisjoint({kind, *_FITTING.get(kind, "").split()})


_DISPLAYS: Final = (ast.List, ast.ListComp, ast.Dict, ast.DictComp, ast.Set, ast.SetComp, ast.Tuple)
_FITTING: Final = {
    "None": "Optional NoReturn",
    "list": "List Sequence Iterable Collection MutableSequence Container Reversible",
    "dict": "Dict Mapping MutableMapping TypedDict",
    "tuple": "Tuple Sequence Iterable Collection NamedTuple",
    "set": "Set AbstractSet MutableSet Iterable Collection",
    "str": "AnyStr Literal LiteralString Sequence Iterable",
    "bytes": "AnyStr Buffer ReadableBuffer",
    "int": "float complex Literal Number",
    "float": "complex Number",
    "bool": "int Literal",
}
