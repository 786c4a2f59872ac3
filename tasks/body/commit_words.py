"""Read commits: which of them are about the optimization, and what their messages say about it, in whole sentences."""

import re
from collections.abc import Sequence
from typing import Final

from ..artifacts import Commit
from ..text import amounts, markdown

LONGEST: Final = 300
"""Characters of a bullet."""

_MOST_READ: Final = 20_000
_TRUNK: Final = r"(?:(?:upstream|origin|master|main|develop|trunk)(?:/\S+)?)"
_REF: Final = rf"(?:{_TRUNK}|[0-9a-f]{{7,40}}|[^\s/]+/\S+|'[^']*')"
# As git and its hosts write them: "Merge chunks into one buffer" is none.
MERGE: Final = re.compile(
    r"^merged? (?:(?:branch(?:es)?|tag|commit|pull request|pr|mr) v?['\"#!\d]"
    r"|(?:branch|tag|commit) \S+ (?:into|of)\b|remote-tracking\b"
    rf"|(?:(?:latest|with) )*{_TRUNK}(?:$| (?:in|into|branch|changes?)\b)|(?:the )?(?:latest )?changes? from {_REF}"
    rf"|in (?:{_REF}|changes|latest)(?: |$)|commit {_REF}$|{_REF} in(?:to)?\b|\S+ into {_REF}$)",
    re.IGNORECASE,
)
UNFINISHED: Final = re.compile(r"^(?:fixup!|squash!|amend!|wip\b|\[wip\]|tmp\b|xxx\b)", re.IGNORECASE)
CONVENTIONAL_PREFIX: Final = re.compile(r"^[A-Za-z]+(?:\([^)]*\))?!?:\s+(?=\S)|^\[[^\]]*\]\s+(?=\S)")

_PREFIX: Final = re.compile(r"^\W*(perf(?:ormance)?|optim\w*|opt|speed-?ups?)\b(?:\([^)]*\))?!?\s*[:\]]", re.IGNORECASE)
_OTHER_ITEM: Final = re.compile(
    r"^\W*(?:docs?|ci|chore|build|deps|style|tests?|release|bump|typo|typing|lint|revert|merge|benchmarks?|bench)\b"
    r"(?:\([^)]*\))?!?\s*[:\]]|"
    r"^(?:revert|bump|update changelog|add tests?|add benchmarks?)\b",
    re.IGNORECASE,
)
# An item of a list that begins like this may be about the change: "Release page images before inference".
_OTHER_WORK: Final = re.compile(rf"{_OTHER_ITEM.pattern}|^(?:merge|release|prepare)\b", re.IGNORECASE)
_CHORE: Final = re.compile(
    r"^(?:address|apply|incorporate)\b.*\b(?:reviews?|comments?|feedback|suggestions?)\b"
    r"|^(?:fix|update|add|run|appease|satisfy|please)\b.*\b(?:typos?|lint\w*|format\w*|mypy|ruff|black|flake8|isort|pre-commit"
    r"|tests?|docs?|docstrings?|changelog|ci|benchmarks?)$"
    r"|^(?:update|create|delete|rename) [\w./-]+\.\w+$|^(?:clean ?up|re-?format|typos?|lint|format)\W*$",
    re.IGNORECASE,
)
_FIX: Final = re.compile(r"^\W*(?:fix(?:es|ed)?|bug-?fix|hotfix)\b", re.IGNORECASE)
_SIGNS: Final = ("\u26a1", ":zap:", "\U0001f680", "\U0001f40e", ":racehorse:")
_LEADING_SIGNS: Final = re.compile(rf"^(?:{'|'.join(map(re.escape, _SIGNS))}|[\ufe0f :])+")
_STRONG: Final = re.compile(
    r"\b(?:(?:speed(?:s|ed|ing)?|sped)[ -]?(?:up|ups)|speed-?ups?|faster|fast[ -]?paths?|optimi[sz]\w+|"
    r"performan(?:ce|t)|perf|"
    r"quadratic|linear time|hot (?:path|loop)|slow(?:er|ness|down)?|vectori[sz]\w+|"
    r"(?:reduc\w+|lower\w*|less|cut\w*|sav\w+|improv\w+|halv\w+)\s+(?:\w+\s+){0,3}?(?:memory|allocations?|footprint|peak|"
    r"overhead|latency|copies|copying|time|rss)|memory (?:usage|consumption|footprint|efficien\w+)|peak memory|"
    r"(?:import|start-?up|startup)[ -]time|memoi[sz]\w+|O\([^)]*\))",
    re.IGNORECASE,
)
_WEAK: Final = re.compile(
    r"\b(?:cach(?:ed|ing)|caches?(?=\s+\w)|lru_cache|laz(?:y|ily)|pre-?comput\w+|pre-?compil\w+|pre-?allocat\w+|batch(?:ed|ing)?|"
    r"in bulk|bulk|__slots__|slots|in[ -]place|"
    r"avoid\w* (?:\w+\s+){0,3}?(?:cop(?:y|ies|ying)|allocat\w+|comput\w+|pars\w+|scan\w*|import\w*|work)|"
    r"(?:instead of|rather than) (?:a |the )?(?:list|scan\w*|loop\w*|cop\w+)|reus(?:e[ds]?|ing)|stream(?:s|ed|ing)?)\b",
    re.IGNORECASE,
)
_MEASURED: Final = re.compile(
    r"(?:\d+(?:\.\d+)?\s?[x\u00d7]|\d+(?:\.\d+)?\s?%)\s+(?:faster|less|fewer|speed-?up|lower|reduction)", re.IGNORECASE
)

_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE: Final = re.compile(r"^[ >]*(`{3,}|~{3,}).*?(?:^[ >]*\1.*?$|\Z)", re.DOTALL | re.MULTILINE)
_TAG: Final = re.compile(
    r"</?(?:a|b|br|code|details|div|em|h[1-6]|hr|i|img|ins|kbd|li|ol|p|picture|pre|s|small|span|strong|sub|summary|sup"
    r"|table|tbody|td|th|thead|tr|u|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_FOR_CI: Final = re.compile(r"\s*\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)
IN_PULL_REQUEST: Final = re.compile(r"\s+in PR #\d+(?: \([^()]*\))?$|\s*\((?:#|gh-)\d+\)$", re.IGNORECASE)
_STRONG_TEXT: Final = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_NO_SENTENCE: Final = re.compile(
    r"^\s*(?:"
    r"[-=_*~#>+.\u2014\u2013\u2500\s]{3,}$"  # separators
    r"|#{1,6}\s.*|\|.*|.*:\s*\**$"  # headings, tables, what introduces a list
    r"|[a-z][a-z-]*-(?:by|to|from|id|on|with|of|link|request|reviewed):.*"  # trailers
    r"|(?:cc|bug|issue|pr|link|ref|see also|breaking[ -]change):.*"
    r"|(?:(?:,|and)?\s*(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?|see|re|part of|related to):?"
    r"\s+\S{0,200}?#?\d{1,20})+\W*$"
    r"|https?://\S+$|lgtm\W*$"
    r"|\(cherry[- ]picked from .*|git-svn-id:.*|conflicts:.*|this reverts commit .*"
    r"|\W*(?:co-)?(?:generated|written|authored) (?:with|by)\b.*)",
    re.IGNORECASE,
)
_BULLET: Final = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,2}[.)])\s+(?=\S)")


def why_performance(commit: Commit) -> str:
    """Say why a commit looks like performance work; "" if it does not."""
    title = commit.title
    if match := _PREFIX.search(title):
        return f"its title begins with {match[1]}"
    if sign := next((sign for sign in _SIGNS if sign in title), None):
        return f"{sign} in its title"
    if _OTHER_WORK.search(title):
        return ""
    if match := _STRONG.search(title) or (None if _FIX.search(title) else _WEAK.search(title)):
        return f'"{match[0]}" in its title'
    match = _MEASURED.search(commit.message)
    return f'"{match[0]}" in its message' if match else ""


def about_the_change(commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """Return the commits that describe the change: those of performance first, without merges, fixups and chores.

    If all are of these kinds, all but merges and fixups are returned.
    """
    proper = list(filter(is_proper, commits))
    performance = [each for each in proper if why_performance(each)]
    others = [each for each in proper if each not in performance]
    notable = [each for each in others if not (_OTHER_WORK.search(each.title) or _CHORE.search(each.title))]
    return tuple([*performance, *notable] or proper)


def is_proper(commit: Commit) -> bool:
    """Return whether a commit is neither a merge nor a part of another one, by its title."""
    return not (MERGE.search(commit.title) or UNFINISHED.search(commit.title))


def title_sentence(commit: Commit) -> str:
    """Return a commit's title without markup, signs and a prefix such as `perf(tables): `."""
    title = _LEADING_SIGNS.sub("", IN_PULL_REQUEST.sub("", _FOR_CI.sub("", _plain(commit.title))))
    title = CONVENTIONAL_PREFIX.sub("", title.strip())
    return title if is_sentence(title) else ""


def is_sentence(line: str) -> bool:
    """Return whether a line has words, and is no separator, heading, trailer or reference."""
    return _NO_SENTENCE.match(line) is None and _is_words(line)


def message_parts(commit: Commit) -> tuple[list[list[str]], list[list[str]]]:
    """Return the sentences of each paragraph of a message, and those of each list item."""
    body = commit.message.removeprefix(commit.title)[:_MOST_READ]
    paragraphs, items = _parts(_FENCE.sub("\n", _COMMENT.sub("\n", markdown.plain(body).expandtabs(4))))
    return [_sentences(part) for part in paragraphs], [_sentences(part) for part in items]


def _parts(text: str) -> tuple[list[str], list[str]]:
    """Split a message into paragraphs and list items, each on one line."""
    paragraphs: list[str] = []
    items: list[str] = []
    current: list[str] | None = None  # the list that the next line may continue
    for line in text.split("\n"):
        if _NO_SENTENCE.match(line) or not line.strip():
            current = None
        elif _BULLET.match(line):
            current = items
            items.append(_BULLET.sub("", line).strip())
        elif current:
            current[-1] += f" {line.strip()}"
        else:
            current = paragraphs
            paragraphs.append(line.strip())
    return paragraphs, [item for item in items if not (_NO_SENTENCE.match(item) or _is_of_no_note(item))]


def _is_of_no_note(item: str) -> bool:
    """Return whether an item is the title of a merge, fixup, revert or chore, as squashed commits list them."""
    return any(pattern.search(item) for pattern in (MERGE, UNFINISHED, _CHORE, _OTHER_ITEM))


def _sentences(text: str) -> list[str]:
    return [each for each in amounts.sentences(_plain(text)) if _is_words(each)]


def _plain(text: str) -> str:
    """Return one line without HTML, links and bold; code keeps its backticks."""
    text = _LINK.sub(r"\1", _TAG.sub(" ", _COMMENT.sub(" ", text)))
    return markdown.one_line(_STRONG_TEXT.sub(r"\2", text))


def _is_words(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]{2}", text))
