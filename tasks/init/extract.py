"""Extract from text what notes of an optimization effort contain: commits, branches, functions, numbers, outcomes."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from ..body.claims import asserts, claims
from ..manifest.model import Domain
from ..text import amounts
from .candidate import Outcome

# -- commits, branches, pull requests -----------------------------------------------------------------

_SHA = re.compile(r"(?<![\w#/.@-])([0-9a-f]{7,40})(?![\w/-]|\.\w)")
_SHA_IN_FIELD = re.compile(r"(?<![\w#/.@-])([0-9a-fA-F]{4,40})(?![\w/-]|\.\w)")
_RANGE = re.compile(r"(?<![\w/.])([0-9a-f]{7,40}|[\w./-]*[\w/-])\.{2,3}([0-9a-f]{7,40}|[\w/-][\w./-]*)(?![\w/])")
_COMMIT_LINK = re.compile(r"/commits?/([0-9a-fA-F]{7,40})\b")
_PULL_LINK = re.compile(r"/pull/(\d+)\b")
_TREE_LINK = re.compile(r"/tree/([^?#\s]+)")
_PULL = re.compile(r"\b(?:PR|pull request)\s*:?\s*#?(\d+)\b|\bPR\b[^.\n]{0,20}#(\d+)\b", re.IGNORECASE)
# Words before a commit that does not hold the change itself.
_OTHER_COMMIT: Final = re.compile(
    r"\b(?:supersed\w+|replac\w+|revert\w*|since|from|before|baseline|base|on top of|based on|builds? on|depends on|"
    r"vs\.?|against|after|parent)(?:\s+(?:of|by|in|commit|is|was|at|measured))*\s*[:=(]?\s*[`*(\[]*$",
    re.IGNORECASE,
)
OPTIMIZATION_BRANCH: Final = re.compile(
    r"^(?:[\w.-]+/)?(?:perf|optimi[sz]\w*|opt|speed-?ups?|faster|codeflash)[/-][\w./-]*\w$", re.IGNORECASE
)
_BRANCH_IN_TEXT = re.compile(
    r"(?<![\w./-])((?:perf|optimi[sz]\w*|opt|speed-?ups?|codeflash)/[\w./-]*\w)(?![\w/])", re.IGNORECASE
)


def commits_in(text: str, *, field: bool = False) -> tuple[str, ...]:
    """Return commits that may hold the change; a `field` for commits may shorten them more, or use capitals."""
    commits = [
        match[1].lower()
        for match in (_SHA_IN_FIELD if field else _SHA).finditer(text)
        # Seven digits are a number, seven letters may be a word.
        if field or not (match[1].isdigit() or match[1].isalpha())
        if not _OTHER_COMMIT.search(text[max(0, match.start() - 40) : match.start()])
    ]
    return tuple(dict.fromkeys(commits))


def linked_commits(links: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match[1].lower() for link in links if (match := _COMMIT_LINK.search(link))))


def linked_branch(links: tuple[str, ...]) -> str:
    return next((match[1] for link in links if (match := _TREE_LINK.search(link))), "")


def range_in(text: str) -> tuple[str, str] | None:
    """Return base and head of `base..head`."""
    match = _RANGE.search(text)
    return (match[1], match[2]) if match else None


def branch_in(text: str, *, field: bool = False) -> str:
    """Return the branch that a text names; in a field for branches that is the first word."""
    if field:
        words = re.sub(r"[`*()\[\]]", " ", text).split()
        return words[0].rstrip(",;") if words and re.fullmatch(r"[\w./-]+", words[0].rstrip(",;")) else ""
    match = _BRANCH_IN_TEXT.search(text)
    return match[1] if match and not re.search(r"\.\w{1,4}$", match[1]) else ""


def pull_request_in(text: str, links: tuple[str, ...] = (), *, field: bool = False) -> int | None:
    """Return the number of a pull request; a bare `#12` only counts in a field for pull requests."""
    if linked := next((match[1] for link in (*links, text) if (match := _PULL_LINK.search(link))), None):
        return int(linked)
    match = _PULL.search(text) or (re.search(r"#(\d+)\b", text) if field else None)
    return int(next(filter(None, match.groups()))) if match else None


# -- functions and files ------------------------------------------------------------------------------

_FILE_FUNCTION = re.compile(r"(?<![\w./-])([\w./-]+\.pyx?)(?:::|:)([A-Za-z_][\w.]*(?:::\w+)*)")
_FILE = re.compile(r"(?<![\w./:-])([\w.-]*[\w/.-]+\.(?:pyx?|pxd|c|h|cc|cpp|rs))(?![\w/])")
_CODE = re.compile(r"`([^`\n]+)`")
_NAME = re.compile(r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)?(?:\([^()]*\))?$")
_CALLED = re.compile(r"(?<![\w.`])((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)\(\)")


def functions_in(text: str, *, field: bool = False) -> tuple[str, ...]:
    """Return functions as `path::name`, and in a field for functions also as `dotted.name` or `module:name`."""
    functions = [f"{path}::{name.replace('::', '.')}" for path, name in _FILE_FUNCTION.findall(text)]
    if field:
        rest = _FILE_FUNCTION.sub(" ", text)
        spans = [span.strip() for span in _CODE.findall(rest) if not _FILE.fullmatch(span)]
        words = map(str.strip, re.split(r"[,;\n]|\band\b|\+|\s/\s", _CODE.sub(", " if spans else " ", rest)))
        # If some names are code spans, other words are only names if they look like code.
        parts = [word for word in words if not spans or re.search(r"[._()]|[a-z][A-Z]", word)]
        named = [part for part in (*spans, *parts) if _NAME.match(part) and not _FILE.fullmatch(part)]
        functions += [part.partition("(")[0] for part in named]
    return tuple(dict.fromkeys(functions))


def mentions_in(text: str) -> tuple[str, ...]:
    """Return the names that are code spans or calls; they need not be names of the project."""
    spans = [span.strip().partition("(")[0] for span in _CODE.findall(text) if _NAME.match(span.strip())]
    return tuple(dict.fromkeys(name for name in (*spans, *_CALLED.findall(text)) if not _SHA.fullmatch(name)))


def files_in(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path.removeprefix("./") for path in _FILE.findall(text)))


# -- numbers ------------------------------------------------------------------------------------------

_UNIT = (
    r"(?:%|percent\b|[x×](?![A-Za-z0-9])|ms\b|[µμu]s\b|ns\b|s\b|sec(?:onds?)?\b|min\b|[KMG]i?B\b|kB\b|bytes?\b|FPS\b|ops/s|"
    r"allocations?\b)"
)
_NUMBER = r"(?<![\d.])[-+−~≈<>]?\d[\d,]*(?:\.\d+)?(?:\s?[-–]\s?\d+(?:\.\d+)?)?"
_QUANTITY = rf"{_NUMBER}\s?{_UNIT}(?:\s?±\s?{_NUMBER}\s?{_UNIT}?)?"
CLAIM: Final = re.compile(
    rf"{_QUANTITY}(?:\s*(?:→|->|=>|to|vs\.?)\s*{_QUANTITY})?|{_NUMBER}\s*(?:→|->|=>)\s*{_QUANTITY}"
)
# Only a measurement or a run of the tests can show these, and what `asserts` finds.
_ASSERTION: Final = re.compile(
    r"\b(?:faster|slower|speed-?ups?|sped up|regress\w*|identical|drop-in|benchmarks?|improv\w+)\b", re.IGNORECASE
)


def claims_in(text: str) -> tuple[str, ...]:
    """Return the measured numbers of a text, with their units if it has any: `1203`, `411` of a count."""
    measured = [" ".join(match[0].split()) for match in CLAIM.finditer(text)]
    counted = (claims(sentence) for sentence in sentences(text) if not CLAIM.search(sentence))
    return tuple(dict.fromkeys([*measured, *(claim for each in counted for claim in each)]))


def makes_claims(text: str) -> bool:
    """Return whether a sentence says what would have to be measured or tested first.

    Any number outside of code counts: notes give few others.
    """
    prose = amounts.seen(_CODE.sub(" ", text))
    return bool(claims(text) or any(amounts.figures(prose)) or _ASSERTION.search(text) or asserts(text))


# -- outcomes -----------------------------------------------------------------------------------------


class StatedOutcome(NamedTuple):
    """An outcome, and the word or sign that states it."""

    outcome: Outcome
    word: str


_SIGNS: Final[dict[Outcome, str]] = {
    "discarded": "❌✗✘✖🔴🚫⛔🗑👎↩⏪🔙",
    "unfinished": "🚧⏳🟡🔄⏸🔜",
    "kept": "✅✔✓☑🟢👍🎉🏆",
}
# The bad ones take precedence.
_WORDS: Final[dict[Outcome, str]] = {
    "discarded": r"(?:did|does)(?:n['’]t| not) \w+|not[ -]kept|not[ -]merged|not[ -]worth\w*|not[ -]taken|discard\w*|"
    r"revert\w*|reject\w*|abandon\w*|drop(?:ped)?|undone|rolled[ -]back|regress\w+|regression|fail\w*|crash\w*|"
    r"skip(?:ped)?|no[ -](?:measurable[ -])?(?:gain|effect|change|improvement|win|difference)|"
    r"superseded|removed|worse|slower|broken|neutral|lost|bad|wontfix|won't",
    "unfinished": r"wip|in[ -]progress|pending|to[ -]?do|unfinished|partial(?:ly)?|draft|blocked|"
    r"not[ -](?:pursued|attempted|tried|started|done)|not[ -]committed|deferred|parked|planned|open|untested|"
    r"needs?[ -]\w+|ongoing|experimental|investigat\w+",
    "kept": r"kept|keep|keeper|accept\w*|merged|land\w*|ship\w*|commit(?:ted)?|done|success\w*|win|wins|won|adopted|"
    r"applied|complete[d]?|ready|improved|improvement|gain|good|pass(?:ed|es)?|worked|works",
}
_FIRST_STATE: Final = r"(?:initial|original|unmodified|unchanged|untouched|first|current|main|upstream)\s+"
# What follows the word in "baseline run", "total time", "baseline: main": other words make it part of a name.
_OF_FIRST_STATE: Final = (
    r"(?: (?:runs?|measurements?|numbers?|results?|commit|version|code|as|at|before|for|from|of|on|was|without)\b.*"
    r"|\s*[^\w\s].*|\s*)"
)
_OF_ALL: Final = (
    r"(?: (?:of|over|for|from|improvement|gain|effect|speed-?up|results?|time|savings?|reduction)\b.*|\s*[^\w\s].*|\s*)"
)
NO_OPTIMIZATION: Final = re.compile(
    rf"\W*(?:(?:(?:the|an?|run|establish\w*|record\w*|measure\w*|new)\s+|{_FIRST_STATE})*baseline{_OF_FIRST_STATE}"
    r"|.*\(baseline\)\W*|(?:reference|control|starting point|calibration)(?: (?:run|row|measurement|numbers?))?\W*"
    rf"|(?:total|cumulative){_OF_ALL}"
    rf"|(?:the )?{_FIRST_STATE}(?:code|version|state|run|implementation|measurement)\W*|no changes?\W*)",
    re.IGNORECASE,
)
"""The title of a row or item that only measures."""
_ANYWHERE: Final = [
    (outcome, re.compile(rf"(?<![\w-])({words})(?![\w-])", re.IGNORECASE)) for outcome, words in _WORDS.items()
]
_FIRST_WORDS: Final[tuple[tuple[Outcome, str], ...]] = (
    ("none", r"baseline|measurement|control|reference|calibration|n/?a"),
    *_WORDS.items(),
    ("kept", "yes|y|true"),
    ("discarded", "no|n|false"),
)
_AT_START: Final = [(outcome, re.compile(rf"\W*({words})(?![\w-])", re.IGNORECASE)) for outcome, words in _FIRST_WORDS]
_LATER_DISCARDED = re.compile(
    r"\b(?:then|later|but|since|subsequently|afterwards)\s+(?:was\s+)?(revert\w*|discard\w*|rolled back|abandoned)",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:no|without|zero|any)\s+(?:\w+\s+)?(?:regress\w+|fail\w+|crash\w*|loss)\b", re.IGNORECASE)
_BRACKETED = re.compile(
    rf"[\[(]\s*({_WORDS['discarded']}|{_WORDS['unfinished']}|kept|keep|merged|accepted|committed|landed|applied|done|wins?)\s*[\])]",
    re.IGNORECASE,
)
_CAPITALS = re.compile(r"^\s*([A-Z]{3,}(?:[ -][A-Z]+)*)\b|[\s:—–-]([A-Z]{3,})\W*$")
_BOX = re.compile(r"^\s*\[([ xX~-])\]\s")


def outcome_of_field(text: str) -> StatedOutcome | None:
    """Read a field or cell for the outcome of an optimization."""
    text = _NEGATED.sub(" ", text.strip().strip("`*_"))
    matches = ((outcome, match) for outcome, pattern in _AT_START if (match := pattern.match(text)))
    first_word = next((StatedOutcome(outcome, match[1].lower()) for outcome, match in matches), None)
    return _later_discarded(text) or _signed(text) or first_word or outcome_in(text)


def outcome_of_title(text: str) -> StatedOutcome | None:
    """Read the outcome of a heading or item from a box, a sign, a word in brackets or one in capitals."""
    if box := _BOX.match(text):
        return StatedOutcome("kept", "[x]") if box[1] in "xX" else StatedOutcome("unfinished", f"[{box[1]}]")
    if stated := _later_discarded(text) or _signed(text):
        return stated
    if bracketed := _BRACKETED.search(text):
        return outcome_in(bracketed[1])
    return next(filter(None, (outcome_in(match[1] or match[2]) for match in _CAPITALS.finditer(text))), None)


def outcome_in(text: str) -> StatedOutcome | None:
    """Return the outcome that any word of a text states; the bad ones take precedence."""
    text = _NEGATED.sub(" ", text)
    matches = ((outcome, match) for outcome, pattern in _ANYWHERE if (match := pattern.search(text)))
    return next((StatedOutcome(outcome, match[1].lower()) for outcome, match in matches), None)


def _later_discarded(text: str) -> StatedOutcome | None:
    match = _LATER_DISCARDED.search(text)
    return StatedOutcome("discarded", match[1].lower()) if match else None


def _signed(text: str) -> StatedOutcome | None:
    """Return the outcome of the first sign in a text."""
    outcomes = {sign: outcome for outcome, signs in _SIGNS.items() for sign in signs}
    return next((StatedOutcome(outcomes[sign], sign) for sign in text if sign in outcomes), None)


# -- domains, sentences -------------------------------------------------------------------------------

_DOMAIN_WORDS: Final[dict[Domain, str]] = {
    "mem": r"mem(?:ory)?|allocations?|peak|rss",
    "async": r"async\w*|concurren\w+|await",
    "struct": r"struct\w*|imports?|import[ -]time|start-?up",
    "cpu": r"cpu|time|runtime|speed|compute|latency|throughput|algorithm\w*|hot ?path",
}


def domains_in(text: str) -> tuple[Domain, ...]:
    """Return the domains that a field or heading names, in its order."""
    patterns = {domain: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for domain, words in _DOMAIN_WORDS.items()}
    starts = {domain: match.start() for domain, pattern in patterns.items() if (match := pattern.search(text))}
    return tuple(sorted(starts, key=lambda domain: (starts[domain], domain)))


def sentences(text: str) -> Iterator[str]:
    return amounts.sentences(" ".join(text.split()))
