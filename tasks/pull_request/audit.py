"""Look through a branch for what a maintainer would send back: files and commits that do not belong into a pull request."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from ..artifacts import AuditFinding
from ..project.pytest_config import is_test_code

if TYPE_CHECKING:
    from ..artifacts import Commit, ContributionRule
    from ..git.history import ChangedFile

LARGE: Final = 500_000
"""Bytes from which a file is pointed out (pre-commit's own limit is 500 kB)."""

TOO_LARGE: Final = 5_000_000
"""Bytes from which a file keeps a pull request from being opened."""

SCRATCH: Final = (
    *(
        "*.orig",
        "*.rej",
        "*.bak",
        "*.swp",
        "*.swo",
        "*~",
        "*.tmp",
        ".DS_Store",
        "Thumbs.db",
        "*.pyc",
        "nohup.out",
        "core",
    ),
    *(
        "*.prof",
        "*.pstats",
        "*.lprof",
        "*.speedscope.json",
        "perf.data",
        "callgrind.out.*",
        "cachegrind.out.*",
        "memray-*.bin",
    ),
    *("memray-flamegraph-*.html", ".coverage", "coverage.xml", "*.benchmark.json"),
)
_SCRATCH_FOLDERS = (
    *(".codeflash", ".prprep", "__pycache__", ".benchmarks"),
    *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".ipynb_checkpoints"),
)
_BUILT = ("*.so", "*.o", "*.a", "*.pyd", "*.dll", "*.dylib", "*.exe", "*.whl", "*.egg")
_BENCHMARK_FOLDERS = frozenset({"benchmark", "benchmarks", "asv_bench"})
_WORDS_ABOUT = re.compile(
    r"(^|/)(docs?|changes|changelog\.d|news|newsfragments|release|Misc/NEWS\.d)/|\.(md|rst|txt)$", re.IGNORECASE
)
_UNFINISHED = re.compile(r"^(?:fixup!|squash!|amend!|wip\b|\[wip\]|tmp\b|xxx\b)", re.IGNORECASE)
_CO_AUTHOR = re.compile(r"^co-authored-by:\s*(?P<who>.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_MODEL = re.compile(
    r"\b(?:claude|anthropic|chatgpt|gpt-?\d|openai|codex|copilot|cursor(?:agent)?|gemini|devin|aider|codeflash|deepseek|qwen|mistral|llama|"
    r"windsurf|amazon ?q|jules|grok)\b",
    re.IGNORECASE,
)
SIGNED_OFF: Final = re.compile(r"^signed-off-by:\s*.+<.+@.+>", re.IGNORECASE | re.MULTILINE)

SHOWN = 5


def of_files(files: Sequence[ChangedFile], *, related: Collection[str]) -> tuple[AuditFinding, ...]:
    """Judge the files that a branch changes; `related` are those that the optimization is about, and prprep's own."""
    found = [finding for file in files if file.status != "D" for finding in _of_file(file)]
    beside = [file.path for file in files if file.path not in related and _belongs_nowhere(file.path)]
    if related and beside:
        told = f"no optimized function and no test of one lies in {_some(beside)}: see that it belongs to this change"
        found.append(AuditFinding(about="unrelated", text=told))
    return tuple(found)


def of_commits(commits: Sequence[Commit], rules: Sequence[ContributionRule]) -> tuple[AuditFinding, ...]:
    """Judge the commits that came with the optimization: titles, trailers, sign-off."""
    return tuple(finding for commit in commits for finding in _of_commit(commit, rules))


def of_white_space(lines: Sequence[str]) -> tuple[AuditFinding, ...]:
    """Pass on what `git diff --check` says."""
    return (AuditFinding(about="whitespace", text=f"white space: {_some(lines)}"),) if lines else ()


def without_model_co_authors(message: bytes) -> bytes:
    """Take the trailers out that name a language model as an author, and nothing else."""
    lines = message.split(b"\n")
    kept = [line for line in lines if not _names_model(line.decode("utf-8", "replace"))]
    if len(kept) == len(lines):
        return message
    return b"\n".join(kept).rstrip(b"\n") + b"\n"


def model_co_authors(message: str) -> tuple[str, ...]:
    """Return the language models that a message names as authors."""
    return tuple(match["who"] for match in _CO_AUTHOR.finditer(message) if _MODEL.search(match["who"]))


def _of_file(file: ChangedFile) -> Iterator[AuditFinding]:
    name, folders = posixpath.basename(file.path), file.path.split("/")[:-1]
    if _matches(name, SCRATCH) or set(folders) & set(_SCRATCH_FOLDERS):
        yield AuditFinding(about="scratch", text=f"{file.path} is a scratch file", fatal=True)
    elif name.endswith(".ipynb") and file.status == "A":
        yield AuditFinding(about="scratch", text=f"{file.path} is a notebook that this change adds")
    if _matches(name, _BUILT):
        yield AuditFinding(about="binary", text=f"{file.path} is something that was built", fatal=True)
    elif file.binary:
        yield AuditFinding(about="binary", text=f"{file.path} is a binary file ({file.size:,} bytes)")
    if file.size >= LARGE:
        limit = TOO_LARGE if file.size >= TOO_LARGE else LARGE
        told = f"{file.path} has {file.size:,} bytes, more than {limit:,}"
        yield AuditFinding(about="size", text=told, fatal=file.size >= TOO_LARGE)


def _belongs_nowhere(path: str) -> bool:
    benchmark = not _BENCHMARK_FOLDERS.isdisjoint(path.split("/")[:-1])
    return not (benchmark or is_test_code(path) or _WORDS_ABOUT.search(path))


def _of_commit(commit: Commit, rules: Sequence[ContributionRule]) -> Iterator[AuditFinding]:
    name = f"{commit.sha[:12]} ({commit.title})"
    if _UNFINISHED.search(commit.title):
        yield AuditFinding(about="title", text=f"the title of {name} says that it is not finished", fatal=True)
    for who in model_co_authors(commit.message):
        rule = _about("co-author", rules)
        why = f"; {rule.path}:{rule.line}: “{rule.sentence}”" if rule else ""
        told = f"{name} names {who} as an author{why}; --drop-model-authors takes such trailers out of the branch"
        yield AuditFinding(about="co-author", text=told, fatal=rule is not None)
    if (rule := _about("sign-off", rules)) and not SIGNED_OFF.search(commit.message):
        who = f"{commit.author} must add it" if commit.author else "its author must add it"
        yield AuditFinding(
            about="sign-off",
            text=f"{name} has no Signed-off-by, which {rule.path}:{rule.line} asks for: {who}",
            fatal=True,
        )


def _about(about: str, rules: Sequence[ContributionRule]) -> ContributionRule | None:
    return next((rule for rule in rules if rule.about == about), None)


def _names_model(line: str) -> bool:
    return bool(model_co_authors(line))


def _matches(name: str, forms: Sequence[str]) -> bool:
    return any(fnmatchcase(name, form) for form in forms)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
