"""Find what a project's pages demand of contributions: disclosure, trailers, sign-off, an issue first."""

import posixpath
import re
from collections.abc import Iterator

from ..artifacts import ContributionRule
from .files import TreeReader

PAGES = re.compile(
    r"(contributing|agents|claude|gemini|copilot[-_]instructions|pull_request_template|llm[-_]?policy"
    r"|(generative[-_])?ai[-_]?(policy|usage|contributions?)?|automated[-_]contributions?([-_]policy)?)"
    r"\.(md|rst|txt|markdown)",
    re.IGNORECASE,
)
_BELOW = ("", "dev", "developers", "contributing")
FOLDERS = frozenset({"", ".github"}) | {
    posixpath.join(top, below).rstrip("/") for top in ("docs", "doc", "docs/source", "doc/source") for below in _BELOW
}
MOST_RULES = 24
LONGEST_SENTENCE = 400

# Case matters: "ai" is part of many words.
_MODELS = re.compile(
    r"\bAI\b|\bLLMs?\b|\bGPT|ChatGPT|Copilot|\bClaude\b|\bCursor\b|\b[Gg]enerative\b|language models?\b|\b[Aa]gents?\b"
)
_CO_AUTHOR = re.compile(r"co-?author", re.IGNORECASE)
_DISCLOSE = re.compile(r"\b(?:disclos\w*|state|declare|indicate|mention|name the tool)\b", re.IGNORECASE)
_TEXT = re.compile(
    r"\b(?:description|text|comment|pull request|PR|contribution|issue|code|submit)s?\b|generated|written|assisted",
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(r"signed-off-by|\bsign(?:ing)?[- ]off\b|developer certificate of origin|\bDCO\b", re.IGNORECASE)
_ISSUE_FIRST = re.compile(
    r"\b(?:open|file|create|start)\b.{0,40}\b(?:issue|discussion)\b.{0,60}\b(?:first|before)\b|\bissue first\b",
    re.IGNORECASE,
)
_MARKER = re.compile(r"(?:[-*+]|\d+[.)]|#+|>)\s+(?:\[[ xX]\]\s*)?")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[`*\"'(])")
_BENCHMARK = re.compile(r"\bbenchmark", re.IGNORECASE)


def contribution_rules(tree: TreeReader) -> tuple[ContributionRule, ...]:
    """Return the sentences of the project's pages that bind a pull request, pages near the root first."""
    rules: dict[tuple[str, str], ContributionRule] = {}
    for path in sorted(filter(_is_page, tree.files()), key=lambda path: (path.count("/"), path.lower())):
        for line, sentence in _sentences((tree.read(path) or b"").decode("utf-8", "replace")):
            if about := _about(sentence):
                rule = ContributionRule(path=path, line=line, about=about, sentence=sentence)
                rules.setdefault((about, sentence), rule)
    return tuple(rules.values())[:MOST_RULES]


def _is_page(path: str) -> bool:
    return posixpath.dirname(path).lower() in FOLDERS and bool(PAGES.fullmatch(posixpath.basename(path)))


def _about(sentence: str) -> str:
    if _MODELS.search(sentence):
        for about, pattern in (("co-author", _CO_AUTHOR), ("disclosure", _DISCLOSE), ("generated text", _TEXT)):
            if pattern.search(sentence):
                return about
    others = (("sign-off", _SIGN_OFF), ("issue first", _ISSUE_FIRST), ("benchmark", _BENCHMARK))
    return next((about for about, pattern in others if pattern.search(sentence)), "")


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences of paragraphs, list items and comments, each with the 1-based line where it begins."""
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        content = line.strip().removeprefix("<!--").removesuffix("-->").strip()
        marker = _MARKER.match(content)
        if block and (marker or not content):
            yield from _split("\n".join(block), number - len(block))
            block = []
        if content:
            block.append(content[marker.end() :] if marker else content)


def _split(block: str, number: int) -> Iterator[tuple[int, str]]:
    start = 0
    for end in [*(match.end() for match in _SENTENCE_END.finditer(block)), len(block)]:
        yield number + block.count("\n", 0, start), re.sub(r"\s+", " ", block[start:end]).strip()[:LONGEST_SENTENCE]
        start = end
