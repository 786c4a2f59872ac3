"""Audit a branch for files and commits that a maintainer would send back."""

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from ..artifacts import AuditFinding, Commit, Comparison, ContributionRule
from ..body.claims import CitableEvidence, unproven
from ..body.commit_words import UNFINISHED
from ..git.history import ChangedFile
from ..project.pytest_config import is_test_code
from ..text.messages import enumeration

LARGE: Final = 500_000
"""Bytes from which a file is reported (pre-commit's limit is 500 kB)."""

TOO_LARGE: Final = 5_000_000
"""Bytes from which a file is fatal."""

SCRATCH: Final = (
    *("*.orig", "*.rej", "*.bak", "*.swp", "*.swo", "*~", "*.tmp", ".DS_Store", "Thumbs.db", "*.pyc", "nohup.out"),
    *("core", "*.prof", "*.pstats", "*.lprof", "*.speedscope.json", "perf.data", "callgrind.out.*", "cachegrind.out.*"),
    *("memray-*.bin", "memray-flamegraph-*.html", ".coverage", "coverage.xml", "*.benchmark.json"),
)
_SCRATCH_FOLDERS = {
    ".codeflash", ".prprep", "__pycache__", ".benchmarks", ".pytest_cache", ".mypy_cache", ".ruff_cache",
    ".ipynb_checkpoints",
}  # fmt: skip
_BUILT = ("*.so", "*.o", "*.a", "*.pyd", "*.dll", "*.dylib", "*.exe", "*.whl", "*.egg")
_BENCHMARK_FOLDERS = frozenset({"benchmark", "benchmarks", "asv_bench"})
_DOCUMENTATION = re.compile(
    r"(^|/)(docs?|changes|changelog\.d|news|newsfragments|release|Misc/NEWS\.d)/|\.(md|rst|txt)$", re.IGNORECASE
)
_CO_AUTHOR = re.compile(r"^co-authored-by:\s*(?P<who>.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_MODEL = re.compile(
    r"\b(?:claude|anthropic|chatgpt|gpt-?\d|openai|codex|copilot|cursor(?:agent)?|gemini|devin|aider|codeflash|deepseek|qwen|mistral|llama|"
    r"windsurf|amazon ?q|jules|grok)\b",
    re.IGNORECASE,
)
SIGNED_OFF: Final = re.compile(r"^signed-off-by:\s*.+<.+@.+>", re.IGNORECASE | re.MULTILINE)


def of_files(files: Sequence[ChangedFile], *, related: Collection[str]) -> Iterator[AuditFinding]:
    """Check the files that a branch changes; `related` are those that the optimization is about, and prprep's own."""
    for file in files:
        if file.status != "D":
            yield from _of_file(file)
    unrelated = [file.path for file in files if file.path not in related and _is_code(file.path)]
    if related and unrelated:
        what = f"no optimized function and no test of one is in {enumeration(unrelated)}"
        yield AuditFinding(about="unrelated", text=f"{what}: check that it belongs to this change")


def of_commit(commit: Commit, rules: Sequence[ContributionRule]) -> Iterator[AuditFinding]:
    """Check title, trailers and sign-off of one of the optimization's commits."""
    name = f"{commit.sha[:12]} ({commit.title})"
    if UNFINISHED.search(commit.title):
        yield AuditFinding(about="title", text=f"the title of {name} says that it is unfinished", fatal=True)
    first_rules = {rule.about: rule for rule in reversed(rules)}
    for who in model_co_authors(commit.message):
        rule = first_rules.get("co-author")
        why = f"; {rule.path}:{rule.line}: “{rule.sentence}”" if rule else ""
        text = f"{name} names {who} as an author{why}; --drop-model-authors drops such trailers from the branch"
        yield AuditFinding(about="co-author", text=text, fatal=rule is not None)
    if (rule := first_rules.get("sign-off")) and not SIGNED_OFF.search(commit.message):
        author = commit.author or "its author"
        text = f"{name} has no Signed-off-by, which {rule.path}:{rule.line} asks for: {author} must add it"
        yield AuditFinding(about="sign-off", text=text, fatal=True)


def of_claims(commit: Commit, comparison: Comparison) -> Iterator[AuditFinding]:
    """Report what a commit's message claims and the evidence does not show: it is published as it is."""
    faults = tuple(dict.fromkeys(unproven(f"{commit.title}\n{commit.message}", CitableEvidence(comparison))))
    if faults:
        listed = enumeration(faults, separator="; ")
        text = f"the message of {commit.sha[:12]} ({commit.title}) is published as it is: {listed}"
        yield AuditFinding(about="title", text=text)


def of_white_space(lines: Sequence[str]) -> tuple[AuditFinding, ...]:
    """Report what `git diff --check` says."""
    return (AuditFinding(about="whitespace", text=f"white space: {enumeration(lines)}"),) if lines else ()


def without_model_co_authors(message: bytes) -> bytes:
    """Drop the trailers that name a language model as an author."""
    lines = message.split(b"\n")
    remaining = [line for line in lines if not model_co_authors(line.decode("utf-8", "replace"))]
    if len(remaining) == len(lines):
        return message
    return b"\n".join(remaining).rstrip(b"\n") + b"\n"


def model_co_authors(message: str) -> tuple[str, ...]:
    """Return the language models that a message names as authors."""
    return tuple(match["who"] for match in _CO_AUTHOR.finditer(message) if _MODEL.search(match["who"]))


def _of_file(file: ChangedFile) -> Iterator[AuditFinding]:
    name, folders = posixpath.basename(file.path), file.path.split("/")[:-1]
    if _matches(name, SCRATCH) or _SCRATCH_FOLDERS.intersection(folders):
        yield AuditFinding(about="scratch", text=f"{file.path} is a scratch file", fatal=True)
    elif name.endswith(".ipynb") and file.status == "A":
        yield AuditFinding(about="scratch", text=f"{file.path} is a notebook that this change adds")
    if _matches(name, _BUILT):
        yield AuditFinding(about="binary", text=f"{file.path} is a build product", fatal=True)
    elif file.binary:
        yield AuditFinding(about="binary", text=f"{file.path} is a binary file ({file.size:,} bytes)")
    if file.size >= LARGE:
        limit = TOO_LARGE if file.size >= TOO_LARGE else LARGE
        text = f"{file.path} has {file.size:,} bytes, more than {limit:,}"
        yield AuditFinding(about="size", text=text, fatal=file.size >= TOO_LARGE)


def _is_code(path: str) -> bool:
    benchmark = not _BENCHMARK_FOLDERS.isdisjoint(path.split("/")[:-1])
    return not (benchmark or is_test_code(path) or _DOCUMENTATION.search(path))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
