"""Find the functions of a file that a change of its own code, outside of functions and classes, can affect."""

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

_DYNAMIC = {"globals", "exec", "eval", "vars", "setattr", "getattr"}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def affected_functions(base: bytes, head: bytes) -> tuple[frozenset[int], frozenset[int]] | None:
    """Return the first lines of affected functions at base and at head; None if any function may be affected.

    A function is affected if it uses a name that a changed statement binds, or one that is bound by means of such a
    name. Raises SyntaxError and ValueError, as `ast.parse` does.
    """
    trees = ast.parse(base), ast.parse(head)
    own = [[each for each in tree.body if not isinstance(each, _DEFINITIONS)] for tree in trees]
    dumps = [Counter(map(ast.dump, statements)) for statements in own]
    changed = [
        each
        for statements, other in zip(own, reversed(dumps), strict=True)
        for each in statements
        if ast.dump(each) not in other
    ]
    if not changed or any(_DYNAMIC & set(_names(tree)) for tree in trees):
        return None
    names = _bound_by(changed)
    sides = [None if names is None else _affected(tree, names) for tree in trees]
    return None if None in sides else (sides[0], sides[1])  # type: ignore[return-value]


def _affected(tree: ast.Module, changed: frozenset[str]) -> frozenset[int] | None:
    """Return the first lines of the functions that use one of the names; None if that cannot be known."""
    names: frozenset[str] = frozenset()
    while names != (more := names | changed):
        names = more
        users = [each for each in tree.body if not isinstance(each, _DEFINITIONS) and names.intersection(_names(each))]
        bound = _bound_by(users)
        if bound is None:
            return None
        changed = bound | {each.name for each in tree.body if isinstance(each, ast.ClassDef) and _uses(each, names)}
    return frozenset(_lines(tree, names, is_affected=False))


def _lines(node: ast.AST, names: frozenset[str], *, is_affected: bool) -> Iterator[int]:
    for child in ast.iter_child_nodes(node):
        affected = is_affected or (isinstance(child, ast.ClassDef) and child.name in names)
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            affected = affected or not names.isdisjoint(_names(child))
            if affected:
                yield min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
        yield from _lines(child, names, is_affected=affected)


def _uses(definition: ast.ClassDef, names: frozenset[str]) -> bool:
    """Return whether a class uses a name outside of its methods' bodies."""
    parts = [each for each in definition.body if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return any(names.intersection(_names(each)) for each in (*parts, *definition.bases, *definition.decorator_list))


def _names(node: ast.AST) -> Iterator[str]:
    return (each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def _bound_by(statements: Iterable[ast.stmt]) -> frozenset[str] | None:
    """Return the names that statements bind; None if one of them does anything else."""
    names = set[str]()
    found: Collection[str] | None
    for each in statements:
        match each:
            case ast.Assign(targets=targets):
                found = _targets(targets)
            case ast.AnnAssign(target=target):
                found = _targets([target])
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found = {(alias.asname or alias.name).partition(".")[0] for alias in aliases}
                found = None if "*" in found else found
            case ast.If(body=body, orelse=orelse) | ast.Try(body=body, orelse=orelse):
                handlers = [line for handler in getattr(each, "handlers", ()) for line in handler.body]
                found = _bound_by([*body, *orelse, *handlers, *getattr(each, "finalbody", ())])
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                found = set()
            case _:
                found = None
        if found is None:
            return None
        names |= found
    return frozenset(names)


def _targets(targets: Iterable[ast.expr]) -> set[str] | None:
    names = set[str]()
    for target in targets:
        if isinstance(target, (ast.Tuple, ast.List)):
            inner = _targets(target.elts)
        else:
            inner = {target.id} if isinstance(target, ast.Name) else None
        if inner is None:
            return None
        names |= inner
    return names
