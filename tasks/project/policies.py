"""Find what a project's own pages say about contributions: text that models wrote, disclosure, trailers, sign-off, issues first."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..artifacts import ContributionRule

if TYPE_CHECKING:
    from .files import TreeReader

PAGES = re.compile(
    r"(contributing|agents|claude|gemini|copilot[-_]instructions|(generative[-_])?ai[-_]?(policy|usage|contributions?)?|"
    r"llm[-_]?policy|pull_request_template|automated[-_]contributions?([-_]policy)?)\.(md|rst|txt|markdown)",
    re.IGNORECASE,
)
_BELOW = ("", "dev", "developers", "contributing")
FOLDERS = frozenset({"", ".github"}) | {
    posixpath.join(top, below).rstrip("/") for top in ("docs", "doc", "docs/source", "doc/source") for below in _BELOW
}
MOST = 24
LONGEST = 400

# Cases count: "ai" and "agent" are parts of many a word and sentence.
_MODELS = re.compile(
    r"\bAI\b|\bLLMs?\b|\bGPT|ChatGPT|Copilot|\bClaude\b|\bCursor\b|\b[Gg]enerative\b|language models?\b|\b[Aa]gents?\b"
)
_CO_AUTHOR = re.compile(r"co-?author", re.IGNORECASE)
_DISCLOSE = re.compile(r"\b(?:disclos\w*|state|declare|indicate|mention|name the tool)\b", re.IGNORECASE)
_WORDS = re.compile(
    r"\b(?:description|text|comment|pull request|PR|contribution|issue|code|submit)s?\b|generated|written|assisted",
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(r"signed-off-by|\bsign(?:ing)?[- ]off\b|developer certificate of origin|\bDCO\b", re.IGNORECASE)
_ISSUE_FIRST = re.compile(
    r"\b(?:open|file|create|start)\b.{0,40}\b(?:issue|discussion)\b.{0,60}\b(?:first|before)\b|\bissue first\b",
    re.IGNORECASE,
)
_BENCHMARK = re.compile(r"\bbenchmark", re.IGNORECASE)


def contribution_rules(tree: TreeReader) -> tuple[ContributionRule, ...]:
    """Return the sentences of the project's pages that bind a pull request, each with its place, pages near the root first."""
    found: dict[tuple[str, str], ContributionRule] = {}
    for path in sorted(filter(_is_page, tree.files()), key=lambda path: (path.count("/"), path.lower())):
        for rule in _in_page(path, (tree.read(path) or b"").decode("utf-8", "replace")):
            found.setdefault((rule.about, rule.sentence), rule)
    return tuple(found.values())[:MOST]


def _is_page(path: str) -> bool:
    return posixpath.dirname(path).lower() in FOLDERS and bool(PAGES.fullmatch(posixpath.basename(path)))


def _in_page(path: str, text: str) -> Iterator[ContributionRule]:
    for line, sentence in _sentences(text):
        if about := _about(sentence):
            yield ContributionRule(path=path, line=line, about=about, sentence=sentence)


def _about(sentence: str) -> str:
    if _MODELS.search(sentence):
        for about, pattern in (("co-author", _CO_AUTHOR), ("disclosure", _DISCLOSE), ("generated text", _WORDS)):
            if pattern.search(sentence):
                return about
    others = (("sign-off", _SIGN_OFF), ("issue first", _ISSUE_FIRST), ("benchmark", _BENCHMARK))
    return next((about for about, pattern in others if pattern.search(sentence)), "")


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences of paragraphs and list items, each with the 1-based line where it begins; comments are text, too."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        words = line.strip().removeprefix("<!--").removesuffix("-->").strip()
        starts = re.match(r"(?:[-*+]|\d+[.)]|#+|>)\s+", words)
        if (not words or starts) and block:
            yield from _split(block)
            block = []
        if words:
            block.append((number, re.sub(r"^(?:[-*+]|\d+[.)]|#+|>)\s+(?:\[[ xX]\]\s*)?", "", words)))


def _split(block: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    text = " ".join(words for _, words in block)
    starts = [0]
    for _, words in block:
        starts.append(starts[-1] + len(words) + 1)
    position = 0
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z\[`*\"'(])", text):
        row = max(index for index in range(len(block)) if starts[index] <= position)
        yield block[row][0], re.sub(r"\s+", " ", sentence).strip()[:LONGEST]
        position += len(sentence) + 1
