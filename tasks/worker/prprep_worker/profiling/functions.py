"""Report which functions of the project a call of the benchmark executes, how often, and the share of time in each.

This is a separate pass: no timed call is instrumented. It uses two methods, since neither can do both:

- which functions one call reaches, and how often, is counted exactly: by `sys.monitoring` from Python 3.12 on, by
  `sys.setprofile` before (which does not see threads that were started before the call);
- shares are sampled (`stacks`), since hooks cost more than small functions do.

Shares are of wall time in the calls, without setup and teardown. C code and other packages are charged to the function
that called them. Work in other threads shows only as waiting of the main one, and suspended coroutines do not show.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from prprep_worker.benchmark.calls import Calls, Message
from prprep_worker.places import real_path
from prprep_worker.profiling.compiled import compiled
from prprep_worker.profiling.stacks import Place, Weighted, sampled
from prprep_worker.watching import hooked, monitored

INSTALLED = {"site-packages", "dist-packages"}


class Function(NamedTuple):
    """A function of the project: its file, its first line (with decorators), and its qualified name."""

    path: str
    line: int
    name: str


async def profile_(order: Message, calls: Calls, _described: Message) -> Message:
    """Return `functions`, the number of `samples`, their `stacks`, and which definitions are `compiled`.

    A stack is the numbers of its functions in `functions`, outermost first, with its share of the samples.
    Each function has `path`, first `line`, `name`, `module`, the `calls` of it in one call, `share` and `own`.

    `order`: `tree`, files `without` (relative to it), `seconds` of sampling, the `sampler`, and the `changed`
    definitions, each a path and the name that code calls it by.
    """
    project = ProjectFunctions(order["tree"], order["without"])
    starts = await _reached(calls, project)
    stacks, sampler = await sampled(calls, order["seconds"], order["sampler"])
    weights = _stacks(stacks, project)
    total, inclusive, own = _shares(stacks, weights)
    modules = _modules()
    ordered = sorted(starts.keys() | inclusive.keys())
    numbers = {function: number for number, function in enumerate(ordered)}
    functions = [
        {
            **each._asdict(),
            "module": modules.get(os.path.join(project.tree, *each.path.split("/")), ""),
            "calls": starts[each],
            "share": inclusive[each] / total if total else 0.0,
            "own": own[each] / total if total else 0.0,
        }
        for each in ordered
    ]
    return {
        "kind": "profiled",
        "functions": functions,
        "samples": len(stacks),
        "stacks": [
            [[numbers[each] for each in stack], weight / total] for stack, weight in weights.most_common() if weight
        ],
        "sampler": sampler,
        "compiled": compiled(order["changed"], project.tree),
    }


class ProjectFunctions:
    """The files of the side's tree, and the function that a line of them belongs to.

    Functions have qualified names (`Table.rows`, `outer.inner`), and so do lambdas that a module or class binds to a
    name; comprehensions and other lambdas belong to the function around them, the code of modules and classes to none.
    """

    def __init__(self, tree: str, without: list[str]) -> None:
        self.tree, self._without = os.path.realpath(tree), set(without)
        self.file, self._functions_of = functools.cache(self._file), functools.cache(self._parse)

    def _file(self, name: str) -> str | None:
        """Return the path, relative to the tree, of a file as code objects name it."""
        real = real_path(name)
        if real is None or not real.startswith(self.tree + os.sep) or not os.path.isfile(real):
            return None
        path = os.path.relpath(real, self.tree).replace(os.sep, "/")
        return None if INSTALLED & set(path.split("/")) or path in self._without else path

    def function(self, place: Place) -> Function | None:
        around = self._around(place)
        return around.function if around else None

    def starts(self, place: Place) -> Function | None:
        """Return the function whose code is at a place; None for a part of one, such as a comprehension."""
        around = self._around(place)
        return around.function if around and (around.is_lambda or not _own_name(place).startswith("<")) else None

    def _around(self, place: Place) -> _Definition | None:
        file, line, _ = place
        path, own = self.file(file), _own_name(place)
        if path is None or own == "<module>":
            return None
        around = [each for each in self._functions_of(path) if each.function.line <= line <= each.last]
        if not own.startswith("<"):
            # The innermost of that name; other code with a name is the body of a class.
            around = [each for each in around if each.function.name.rpartition(".")[2] == own and not each.is_lambda]
        return around[-1] if around else None

    def _parse(self, path: str) -> list[_Definition]:
        """Return a file's functions, outer ones first."""
        try:
            with open(os.path.join(self.tree, path), "rb") as source:
                return list(_definitions(ast.parse(source.read()), path))
        except (SyntaxError, ValueError):
            return []  # Cython's functions have frames too, but their files are not Python


def _own_name(place: Place) -> str:
    return place[2].rpartition(".")[2]


class _Definition(NamedTuple):
    """A function or a lambda with a name, and its last line."""

    function: Function
    last: int
    is_lambda: bool = False


def _definitions(node: ast.AST, path: str, scope: str = "", *, in_function: bool = False) -> Iterator[_Definition]:
    for child in ast.iter_child_nodes(node):
        inner, is_inside = scope, in_function
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = scope + child.name + "."
            if not isinstance(child, ast.ClassDef):
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                yield _Definition(Function(path, first, scope + child.name), child.end_lineno)
                is_inside = True
        elif isinstance(child, (ast.Assign, ast.AnnAssign)) and not in_function and _is_lambda(child.value):
            target = child.targets[0] if isinstance(child, ast.Assign) else child.target
            if isinstance(target, ast.Name):
                yield _Definition(Function(path, child.lineno, scope + target.id), child.end_lineno, is_lambda=True)
        yield from _definitions(child, path, inner, in_function=is_inside)


def _is_lambda(value: Any) -> bool:
    """Return whether a value is a lambda, perhaps with a wrapper around it, like a property."""
    while isinstance(value, ast.Call) and len(value.args) == 1:
        value = value.args[0]
    return isinstance(value, ast.Lambda)


def _modules() -> dict[str, str]:
    """Return the names of modules by the real paths of their files."""
    files = [(name, getattr(module, "__file__", None)) for name, module in list(sys.modules.items())]
    return {real_path(file): name for name, file in files if isinstance(file, str) and name != "__main__"}


async def _reached(calls: Calls, project: ProjectFunctions) -> Counter[Function]:
    """Count the starts of functions in one call; 0 if only a part of one, such as a comprehension, was executed."""
    places = Counter()
    await calls.run_under(_counted(project, places))
    starts = Counter()
    for place, count in places.items():
        function = project.function(place)
        if function:
            starts[function] += count if project.starts(place) else 0
    return starts


def _counted(project: ProjectFunctions, places: Counter[Place]) -> contextlib.AbstractContextManager[None]:
    """Count the starts of the project's code."""

    def start(code: Any, _offset: int) -> object:
        if project.file(code.co_filename) is None:
            return sys.monitoring.DISABLE
        places[code.co_filename, code.co_firstlineno, code.co_name] += 1
        return None

    def count(frame: Any, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and project.file(code.co_filename) is not None and starts(frame):
            places[code.co_filename, code.co_firstlineno, code.co_name] += 1

    return monitored("PY_START", start) if sys.version_info >= (3, 12) else hooked("profile", count)


def starts(frame: Any) -> bool:
    """Return whether a call event starts a call, rather than resuming a generator or coroutine.

    Python 3.11 has an instruction for both, whose argument is 0 at the start; before, nothing was executed at a start.
    """
    if sys.version_info >= (3, 11):
        code, at = frame.f_code.co_code, frame.f_lasti + 1
        return at >= len(code) or code[at] == 0  # the frames that Cython makes have no instructions
    return frame.f_lasti == -1


def _stacks(stacks: Iterable[Weighted], project: ProjectFunctions) -> Counter[tuple[Function, ...]]:
    """Sum weights by the project's functions on the stack, outermost first; other code belongs to its caller."""
    weights = Counter()
    function_of, starts_of = functools.cache(project.function), functools.cache(project.starts)
    for weight, places in stacks:
        functions = []
        for place in reversed(places):
            function = function_of(place)
            # A comprehension has a frame of its own on older Pythons, which is part of its function's.
            if function and (functions[-1:] != [function] or starts_of(place)):
                functions.append(function)
        if functions:
            weights[tuple(functions)] += weight
    return weights


def _shares(
    stacks: Iterable[Weighted], weights: Counter[tuple[Function, ...]]
) -> tuple[float, Counter[Function], Counter[Function]]:
    """Sum weights: of all stacks, with each function in them (once a stack), and as the innermost one."""
    inclusive, own = Counter(), Counter()
    for functions, weight in weights.items():
        for function in set(functions):
            inclusive[function] += weight
        own[functions[-1]] += weight
    return sum(weight for weight, _ in stacks), inclusive, own
