"""Read the requirements of a project, file by file, and compare two states of it."""

import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..artifacts import DependencyDifference
from ..errors import SourceError
from .files import Project, TreeReader, lookup, strings
from .pytest_config import INNER_TEST_FOLDERS

LOCK_NAME = re.compile(r"(uv|poetry|pdm)\.lock|pylock(\.[^.]+)?\.toml")
REQUIREMENTS_NAME = re.compile(r"(.*[-_.])?(requirements|constraints)([-_.].*)?\.(txt|in)")
NOT_OWN = INNER_TEST_FOLDERS | {"testing", "docs", "doc", "examples", "fixtures"}

Declared = Iterator[tuple[str, str]]
"""Labelled names with their requirements, like `("numpy (extra test)", "numpy>=1.26")`."""


def dependency_differences(base: TreeReader, head: TreeReader) -> tuple[DependencyDifference, ...]:
    """Return all requirements and locked versions that differ; raise SourceError if one of the files is malformed."""
    files = sorted({path for path in (*base.files(), *head.files()) if _reader(path)})
    differing = [path for path in files if base.read(path) != head.read(path)]
    return tuple(difference for path in differing for difference in _differences(path, base, head))


def _differences(path: str, base: TreeReader, head: TreeReader) -> Iterator[DependencyDifference]:
    before, after = declared(base, path), declared(head, path)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield DependencyDifference(file=path, name=name, base=before.get(name), head=after.get(name))


def declared(tree: TreeReader, path: str) -> dict[str, str]:
    """Return the requirements of one file by labelled name; several of one name are joined."""
    read = _reader(path)
    requirements: dict[str, set[str]] = defaultdict(set)
    for name, requirement in read(tree, path) if read and tree.read(path) is not None else ():
        requirements[name].add(requirement)
    return {name: " | ".join(sorted(several)) for name, several in requirements.items()}


def requires(tree: TreeReader, name: str) -> bool:
    """Return whether a file of the project requires a package (by its canonical name); malformed files are ignored."""
    pattern = re.compile(re.escape(name).replace(r"\-", "[-_.]+").encode(), re.IGNORECASE)
    for path in tree.files():
        if _reader(path) and pattern.search(tree.read(path) or b""):
            with suppress(SourceError):
                if name in {canonicalize_name(label.partition(" (")[0]) for label in declared(tree, path)}:
                    return True
    return False


def _reader(path: str) -> Callable[[TreeReader, str], Declared] | None:
    folder, name = posixpath.split(path)
    if REQUIREMENTS_NAME.fullmatch(name) or (
        posixpath.basename(folder) == "requirements" and name.endswith((".txt", ".in"))
    ):
        return _of_requirements_file
    if NOT_OWN & set(folder.split("/")):
        return None  # test data, perhaps malformed on purpose
    if LOCK_NAME.fullmatch(name):
        return _of_lock
    return {"pyproject.toml": _of_pyproject, "setup.cfg": _of_setup_cfg, "setup.py": _of_setup_py}.get(name)


def _of_pyproject(tree: TreeReader, path: str) -> Declared:
    table = Project(tree, posixpath.dirname(path)).pyproject
    if isinstance(python := lookup(table, "project", "requires-python"), str):
        yield "python", python
    yield from _parsed(string_list(lookup(table, "project", "dependencies")))
    yield from _by_label("extra", lookup(table, "project", "optional-dependencies"))
    yield from _by_label("group", lookup(table, "dependency-groups"))
    yield from _by_label("group", lookup(table, "tool", "pdm", "dev-dependencies"))
    yield from _parsed(string_list(lookup(table, "tool", "uv", "dev-dependencies")), "group dev")
    yield from _parsed(string_list(lookup(table, "build-system", "requires")), "build")
    yield from _of_poetry(lookup(table, "tool", "poetry"))


def resolved_group(groups: Mapping[str, Any], name: str, *, where: str) -> tuple[str, ...]:
    """Return the requirements of a group of `[dependency-groups]`, with the groups that it includes.

    Raise SourceError if it is malformed.
    """
    try:
        return resolve_dependency_groups(groups, name)
    except ExceptionGroup as errors:
        reasons = "; ".join(" ".join(str(error).split()) for error in errors.exceptions)
        what = f"the dependency group `{name}` is malformed: {reasons}"
        hint = "fix the group, or name commits in which it is valid"
        raise SourceError(what, where=f"{where}: [dependency-groups]", hint=hint) from None


def _of_poetry(poetry: object) -> Declared:
    yield from _poetry_table(lookup(poetry, "dependencies"))
    yield from _poetry_table(lookup(poetry, "dev-dependencies"), "group dev")
    groups = lookup(poetry, "group")
    for group in groups if isinstance(groups, Mapping) else ():
        yield from _poetry_table(lookup(groups, group, "dependencies"), f"group {group}")


def _poetry_table(table: object, label: str = "") -> Declared:
    for name, requirement in table.items() if isinstance(table, Mapping) else ():
        is_text = isinstance(requirement, str)
        yield _labelled(name, label), requirement if is_text else json.dumps(requirement, sort_keys=True, default=str)


def _by_label(kind: str, table: object) -> Declared:
    for label, entries in table.items() if isinstance(table, Mapping) else ():
        yield from _parsed(string_list(entries), f"{kind} {label}")


def _of_setup_cfg(tree: TreeReader, path: str) -> Declared:
    cfg = Project(tree, posixpath.dirname(path)).setup_cfg
    if python := cfg.get("options", "python_requires", fallback=""):
        yield "python", python
    yield from _parsed(cfg.get("options", "install_requires", fallback="").splitlines())
    yield from _parsed(cfg.get("options", "setup_requires", fallback="").splitlines(), "build")
    for extra, lines in cfg["options.extras_require"].items() if cfg.has_section("options.extras_require") else ():
        yield from _parsed(lines.splitlines(), f"extra {extra}")


def _of_setup_py(tree: TreeReader, path: str) -> Declared:
    keywords = Project(tree, posixpath.dirname(path)).setup_keywords
    if isinstance(python := keywords.get("python_requires"), str):
        yield "python", python
    yield from _parsed(string_list(keywords.get("install_requires")))
    yield from _by_label("extra", keywords.get("extras_require"))


def _of_requirements_file(tree: TreeReader, path: str) -> Declared:
    """Yield the requirements and `-e PATH` options of a file; the files that it includes are read by themselves."""
    text = (tree.read(path) or b"").decode("utf-8-sig", "replace")
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        bare = re.sub(r"\s--hash[= ]\S+", "", uncommented(line)).strip()
        if not bare.startswith("-") or bare.startswith(("-e ", "--editable")):
            yield from _parsed([bare])


def _of_lock(tree: TreeReader, path: str) -> Declared:
    folder, name = posixpath.split(path)
    for package in locked_packages(Project(tree, folder).toml(name)):
        yield str(package["name"]), str(package.get("version") or "no version")


def locked_packages(lock: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield the packages of a uv, poetry, pdm or pylock file: tables with `name` and mostly `version`."""
    entries = lock.get("package") or lock.get("packages")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            yield entry


def _parsed(lines: Iterable[str], label: str = "") -> Declared:
    for line in lines:
        text = uncommented(line)
        if not text:
            continue
        try:
            requirement = Requirement(text)
            yield _labelled(canonicalize_name(requirement.name), label), str(requirement)
        except InvalidRequirement:
            yield _labelled(text, label), text  # a path, an address, or a marker of another tool


def uncommented(line: str) -> str:
    return re.sub(r"(^|\s)#.*$", "", line).strip()


def _labelled(name: str, label: str) -> str:
    return f"{name} ({label})" if label else name


def string_list(value: object) -> tuple[str, ...]:
    """Return the strings of a list, or the lines of one string."""
    return tuple(filter(None, map(str.strip, value.splitlines()))) if isinstance(value, str) else strings(value)
