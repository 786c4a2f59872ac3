"""Find in a text what notes of an optimization effort have in them: commits, branches, functions, files, numbers, outcomes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ..manifest.model import Domain
    from .candidate import Standing

# -- commits, branches, pull requests -----------------------------------------------------------------

_HEX = re.compile(r"(?<![\w#/.@-])([0-9a-f]{7,40})(?![\w/-]|\.\w)")
_HEX_OF_A_FIELD = re.compile(r"(?<![\w#/.@-])([0-9a-fA-F]{4,40})(?![\w/-]|\.\w)")
_RANGE = re.compile(r"(?<![\w/.])([0-9a-f]{7,40}|[\w./-]*[\w/-])\.{2,3}([0-9a-f]{7,40}|[\w/-][\w./-]*)(?![\w/])")
_COMMIT_LINK = re.compile(r"/commits?/([0-9a-fA-F]{7,40})\b")
_PULL_LINK = re.compile(r"/pull/(\d+)\b")
_TREE_LINK = re.compile(r"/tree/([^?#\s]+)")
_PULL = re.compile(r"\b(?:PR|pull request)\s*:?\s*#?(\d+)\b|\bPR\b[^.\n]{0,20}#(\d+)\b", re.IGNORECASE)
# A commit that is named for another reason than that it holds the change.
_OTHERS: Final = re.compile(
    r"\b(?:supersed\w+|replac\w+|revert\w*|since|from|before|baseline|base|on top of|based on|builds? on|depends on|vs\.?|against|after|"
    r"parent)(?:\s+(?:of|by|in|commit|is|was|at|measured))*\s*[:=(]?\s*[`*(\[]*$",
    re.IGNORECASE,
)
BRANCH: Final = re.compile(
    r"^(?:[\w.-]+/)?(?:perf|optimi[sz]\w*|opt|speed-?ups?|faster|codeflash)[/-][\w./-]*\w$", re.IGNORECASE
)
"""How branches are named that hold an optimization."""
_BRANCH_IN_TEXT = re.compile(
    r"(?<![\w./-])((?:perf|optimi[sz]\w*|opt|speed-?ups?|codeflash)/[\w./-]*\w)(?![\w/])", re.IGNORECASE
)


def commits_in(text: str, *, field: bool = False) -> tuple[str, ...]:
    """Return what looks like a commit that holds the change; a `field` for commits may hold them shorter, and spelled otherwise."""
    found = []
    for match in (_HEX_OF_A_FIELD if field else _HEX).finditer(text):
        sha = match[1]
        # Seven digits are a number, seven letters may be a word.
        like_a_commit = field or (any(each.isdigit() for each in sha) and any(each.isalpha() for each in sha))
        if like_a_commit and not _OTHERS.search(text[max(0, match.start() - 40) : match.start()]):
            found.append(sha.lower())
    return tuple(dict.fromkeys(found))


def linked_commits(links: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found[1].lower() for link in links if (found := _COMMIT_LINK.search(link))))


def linked_branch(links: tuple[str, ...]) -> str:
    return next((found[1] for link in links if (found := _TREE_LINK.search(link))), "")


def range_in(text: str) -> tuple[str, str] | None:
    """Return base and head of `base..head`."""
    found = _RANGE.search(text)
    return (found[1], found[2]) if found else None


def branch_in(text: str, *, field: bool = False) -> str:
    """Return the branch that a text names; in a field for branches that is its first word."""
    if field:
        words = re.sub(r"[`*()\[\]]", " ", text).split()
        return words[0].rstrip(",;") if words and re.fullmatch(r"[\w./-]+", words[0].rstrip(",;")) else ""
    found = _BRANCH_IN_TEXT.search(text)
    return found[1] if found and not re.search(r"\.\w{1,4}$", found[1]) else ""


def pull_request_in(text: str, links: tuple[str, ...] = (), *, field: bool = False) -> int | None:
    """Return the number of a pull request; a bare `#12` counts only in a field for pull requests."""
    if linked := next((found[1] for link in (*links, text) if (found := _PULL_LINK.search(link))), None):
        return int(linked)
    found = _PULL.search(text) or (re.search(r"#(\d+)\b", text) if field else None)
    return int(next(filter(None, found.groups()))) if found else None


# -- functions and files ------------------------------------------------------------------------------

_FILE_FUNCTION = re.compile(r"(?<![\w./-])([\w./-]+\.pyx?)(?:::|:)([A-Za-z_][\w.]*(?:::\w+)*)")
_FILE = re.compile(r"(?<![\w./:-])([\w.-]*[\w/.-]+\.(?:pyx?|pxd|c|h|cc|cpp|rs))(?![\w/])")
_CODE = re.compile(r"`([^`\n]+)`")
_NAME = re.compile(r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)?(?:\([^()]*\))?$")
_CALLED = re.compile(r"(?<![\w.`])((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)\(\)")


def functions_in(text: str, *, field: bool = False) -> tuple[str, ...]:
    """Return the functions that a text names as such: `file.py::name`, and in a field for functions any name.

    They come as `path::name` or as `dotted.name` or `module:name`.
    """
    found = [f"{path}::{name.replace('::', '.')}" for path, name in _FILE_FUNCTION.findall(text)]
    if field:
        bare = _FILE_FUNCTION.sub(" ", text)
        # Beside names in code, words are only words.
        spans = [span for span in _CODE.findall(bare) if not _FILE.fullmatch(span)]
        parts = [*spans, *re.split(r"[,;\n]|\band\b|\+|\s/\s", _CODE.sub(", " if spans else " ", bare))]
        parts = [
            part
            for part in map(str.strip, parts)
            if part in spans or not spans or re.search(r"[._()]|[a-z][A-Z]", part)
        ]
        found += [
            _without_call(part) for part in map(str.strip, parts) if _NAME.match(part) and not _FILE.fullmatch(part)
        ]
    return tuple(dict.fromkeys(found))


def mentions_in(text: str) -> tuple[str, ...]:
    """Return the names that occur as code, or as a call; which of them are the project's is not known here."""
    spans = [_without_call(span.strip()) for span in _CODE.findall(text) if _NAME.match(span.strip())]
    return tuple(dict.fromkeys(name for name in (*spans, *_CALLED.findall(text)) if not _HEX.fullmatch(name)))


def files_in(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path.removeprefix("./") for path in _FILE.findall(text)))


def _without_call(name: str) -> str:
    return name.partition("(")[0]


# -- numbers ------------------------------------------------------------------------------------------

_UNIT = r"(?:%|percent\b|[x×](?![A-Za-z0-9])|ms\b|[µμu]s\b|ns\b|s\b|sec(?:onds?)?\b|min\b|[KMG]i?B\b|kB\b|bytes?\b|FPS\b|ops/s|allocations?\b)"
_NUMBER = r"(?<![\d.])[-+−~≈<>]?\d[\d,]*(?:\.\d+)?(?:\s?[-–]\s?\d+(?:\.\d+)?)?"
_QUANTITY = rf"{_NUMBER}\s?{_UNIT}(?:\s?±\s?{_NUMBER}\s?{_UNIT}?)?"
CLAIM: Final = re.compile(
    rf"{_QUANTITY}(?:\s*(?:→|->|=>|to|vs\.?)\s*{_QUANTITY})?|{_NUMBER}\s*(?:→|->|=>)\s*{_QUANTITY}"
)
# What only a measurement, or a run of the tests, can say.
_ASSERTED: Final = re.compile(
    r"\b(?:faster|slower|speed-?ups?|sped up|regress\w*|bit-for-bit|identical|drop-in|verified|benchmark(?:ed|s)?|measured|improv\w+)\b"
    r"|\btests?\b[^.]*\bpass|\bpass\w*\b[^.]*\btests?\b|\bcorrectness\b",
    re.IGNORECASE,
)


def claims_in(text: str) -> tuple[str, ...]:
    """Return the measured numbers of a text, with their units."""
    return tuple(dict.fromkeys(" ".join(found[0].split()) for found in CLAIM.finditer(text)))


def asserts(text: str) -> bool:
    """Return whether a sentence tells what has to be measured or run before it may be told."""
    return bool(CLAIM.search(text) or _ASSERTED.search(text))


# -- outcomes -----------------------------------------------------------------------------------------


class Outcome(NamedTuple):
    standing: Standing
    word: str


_MARKS: Final[tuple[tuple[Standing, str], ...]] = (
    ("discarded", "❌✗✘✖🔴🚫⛔🗑👎↩⏪🔙"),
    ("unfinished", "🚧⏳🟡🔄⏸🔜"),
    ("kept", "✅✔✓☑🟢👍🎉🏆"),
)
_NEUTRAL = r"baseline|measurement|control|reference|calibration|n/?a"
_DISCARDED = (
    r"(?:did|does)(?:n['’]t| not) \w+|not[ -]kept|not[ -]merged|not[ -]worth\w*|not[ -]taken|discard\w*|"
    r"revert\w*|reject\w*|abandon\w*|drop(?:ped)?|undone|rolled[ -]back|"
    r"regress\w+|regression|fail\w*|crash\w*|skip(?:ped)?|no[ -](?:measurable[ -])?(?:gain|effect|change|improvement|win|difference)|"
    r"superseded|removed|worse|slower|broken|neutral|lost|bad|wontfix|won't"
)
_UNFINISHED = (
    r"wip|in[ -]progress|pending|to[ -]?do|unfinished|partial(?:ly)?|draft|blocked|not[ -](?:pursued|attempted|tried|started|done)|"
    r"not[ -]committed|deferred|parked|planned|open|untested|needs?[ -]\w+|ongoing|experimental|investigat\w+"
)
_KEPT = (
    r"kept|keep|keeper|accept\w*|merged|land\w*|ship\w*|commit(?:ted)?|done|success\w*|win|wins|won|adopted|applied|complete[d]?|ready|"
    r"improved|improvement|gain|good|pass(?:ed|es)?|worked|works"
)
_WORDS: Final[tuple[tuple[Standing, re.Pattern[str]], ...]] = (
    ("discarded", re.compile(rf"(?<![\w-])({_DISCARDED})(?![\w-])", re.IGNORECASE)),
    ("unfinished", re.compile(rf"(?<![\w-])({_UNFINISHED})(?![\w-])", re.IGNORECASE)),
    ("kept", re.compile(rf"(?<![\w-])({_KEPT})(?![\w-])", re.IGNORECASE)),
)
_FIRST: Final = tuple(
    (standing, re.compile(rf"\W*({words})(?![\w-])", re.IGNORECASE))
    for standing, words in (
        ("none", _NEUTRAL),
        ("discarded", _DISCARDED),
        ("unfinished", _UNFINISHED),
        ("kept", rf"{_KEPT}|yes|y|true"),
        ("discarded", r"no|n|false"),
    )
)
_IN_THE_END = re.compile(
    r"\b(?:then|later|but|since|subsequently|afterwards)\s+(?:was\s+)?(revert\w*|discard\w*|rolled back|abandoned)",
    re.IGNORECASE,
)
_NOT_SO = re.compile(r"\b(?:no|without|zero|any)\s+(?:\w+\s+)?(?:regress\w+|fail\w+|crash\w*|loss)\b", re.IGNORECASE)
_BRACKETED = re.compile(
    rf"[\[(]\s*({_DISCARDED}|{_UNFINISHED}|kept|keep|merged|accepted|committed|landed|applied|done|wins?)\s*[\])]",
    re.IGNORECASE,
)
_AT_AN_END = re.compile(r"^\s*([A-Z]{3,}(?:[ -][A-Z]+)*)\b|[\s:—–-]([A-Z]{3,})\W*$")
_BOX = re.compile(r"^\s*\[([ xX~-])\]\s")


def outcome_of_field(text: str) -> Outcome | None:
    """Read a field or cell that says what became of an optimization."""
    text = _NOT_SO.sub(" ", text.strip().strip("`*_"))
    if later := _IN_THE_END.search(text):
        return Outcome("discarded", later[1].lower())
    if marked := _marked(text):
        return marked
    for standing, pattern in _FIRST:
        if found := pattern.match(text):
            return Outcome(standing, found[1].lower())  # type: ignore[arg-type]
    return outcome_in(text)


def outcome_of_title(text: str) -> Outcome | None:
    """Read what a heading or the first line of an item says by a mark, a box, a word in brackets or one in capitals."""
    if box := _BOX.match(text):
        return Outcome("kept", "[x]") if box[1] in "xX" else Outcome("unfinished", f"[{box[1]}]")
    if later := _IN_THE_END.search(text):
        return Outcome("discarded", later[1].lower())
    if marked := _marked(text):
        return marked
    if bracketed := _BRACKETED.search(text):
        return outcome_in(bracketed[1])
    for found in _AT_AN_END.finditer(text):
        if said := outcome_in(found[1] or found[2]):
            return said
    return None


def outcome_in(text: str) -> Outcome | None:
    """Return the first outcome that words of a text tell, the bad ones first."""
    text = _NOT_SO.sub(" ", text)
    for standing, pattern in _WORDS:
        if found := pattern.search(text):
            return Outcome(standing, found[1].lower())
    return None


def _marked(text: str) -> Outcome | None:
    found = [
        (text.index(mark), Outcome(standing, mark)) for standing, marks in _MARKS for mark in marks if mark in text
    ]
    return min(found)[1] if found else None


# -- domains ------------------------------------------------------------------------------------------

_DOMAINS: Final[tuple[tuple[Domain, str], ...]] = (
    ("mem", r"mem(?:ory)?|allocations?|peak|rss"),
    ("async", r"async\w*|concurren\w+|await"),
    ("struct", r"struct\w*|imports?|import[ -]time|start-?up"),
    ("cpu", r"cpu|time|runtime|speed|compute|latency|throughput|algorithm\w*|hot ?path"),
)


def domains_in(text: str) -> tuple[Domain, ...]:
    """Return the domains that a field or a heading names, in the order in which it does."""
    found = [
        (match.start(), domain)
        for domain, words in _DOMAINS
        if (match := re.search(rf"\b(?:{words})\b", text, re.IGNORECASE))
    ]
    return tuple(domain for _, domain in sorted(found))


# -- sentences ----------------------------------------------------------------------------------------


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, line ends as blanks."""
    joined = " ".join(text.split())
    yield from (part.strip() for part in re.split(r"(?<=[.!?])\s+(?=[A-Z`\"'(\d])", joined) if part.strip())
