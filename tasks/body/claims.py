"""Check sentences against the evidence: no figure beyond it, no amount in words, no claim without the verdict."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..artifacts import Change, Comparison, Interval, MetricName, Verdict
from ..text import amounts
from ..text.amounts import Figure, Kind

MOST, LONGEST = 3, 300

_BETTER = re.compile(
    r"\b(?:fast\w*|quick\w*|speed\w*|sped|accelerat(?:e|es|ing)|snappier|improv\w*|sav(?:e|es|ing|ings|ed)"
    r"|reduc\w*|decreas\w*|shorten\w*|less|fewer|lower\w*|cheap\w*|smaller|leaner|cuts?|shrinks?|shav(?:e|es|ed|ing)"
    r"|efficien\w*|optimi[sz]\w*|outperform\w*|(?:perform|scale)s? better|better (?:performance|latency|throughput)"
    r"|performant|high-performance|performance (?:gains?|wins?))\b",
    re.IGNORECASE,
)
# Words that say which metrics an effect is one of.
_NAMED = {
    (MetricName.TIME, MetricName.CPU, MetricName.INSTRUCTIONS): re.compile(
        r"\b(?:fast\w*|slow\w*|quick\w*|speed\w*|sped|time|runtime|latency|throughput|cpu|instructions)\b",
        re.IGNORECASE,
    ),
    (MetricName.PEAK, MetricName.LEAKED, MetricName.KEPT): re.compile(
        r"\b(?:memory|peak|rss|footprint|lean\w*|left)\b", re.IGNORECASE
    ),
    (MetricName.ALLOCATIONS,): re.compile(r"\ballocat\w*", re.IGNORECASE),
    (MetricName.IMPORT, MetricName.START): re.compile(r"\b(?:import\w*|start\w*)\b", re.IGNORECASE),
}
_CERTAINTY = re.compile(r"\b(?:intervals?|confiden\w+|certain\w*)\b", re.IGNORECASE)
_LESS = (
    r"(?:less|fewer|lower\w*|reduc\w*|decreas\w*|sav(?:e|es|ed|ing|ings)|cut(?:s|ting)?|smaller|short(?:er|ens?)|shrink\w*"
    r"|minimi[sz]\w*|slash\w*|trim\w*)"
)
_TIMES = {MetricName.TIME, MetricName.CPU, MetricName.INSTRUCTIONS, MetricName.IMPORT, MetricName.START}
_MEMORY = {MetricName.PEAK, MetricName.ALLOCATIONS, MetricName.LEAKED, MetricName.KEPT}


def _less(nouns: str) -> str:
    """Match `less peak memory`, `memory use is reduced` and the like."""
    nouns = rf"(?:{nouns})(?![\w-])"
    is_reduced = r"(?:\s+\w+)?\s+(?:reduc|lower|decreas|shrink|sav(?:ed|ings?\b))\w*"
    return rf"{_LESS}[\s-]+(?:\w+\s+){{0,2}}{nouns}|{nouns}{is_reduced}"


_LESS_TIME = re.compile(
    r"\b(?:faster|quicker|snappier|accelerat(?:e|es|ing)"
    r"|speed(?:s|ed|ing)?[ -]?ups?|(?:speed(?:s|ing)?|sped) (?:\S+ ){0,3}up"
    r"|(?:improv\w*|boosts?|better|higher) (?:\w+ ){0,2}(?:speed|runtime|latency|throughput)"
    rf"|{_less(r'time(?! (?:series|stamps?|steps?|zones?))|runtime|latency|cpu')})\b",
    re.IGNORECASE,
)
_LESS_MEMORY = re.compile(rf"\b(?:leaner|{_less('memory|footprint|peak|rss')})\b", re.IGNORECASE)
_FEWER_ALLOCATIONS = re.compile(rf"\b(?:allocates (?:less|fewer)|{_less('allocations?')})\b", re.IGNORECASE)
# Words that claim something, the metrics of which one has to be improved then, and what is claimed.
_CLAIMS = (
    (_LESS_TIME, _TIMES, "less time"),
    (_LESS_MEMORY, _MEMORY, "less memory"),
    (_FEWER_ALLOCATIONS, {MetricName.ALLOCATIONS}, "fewer allocations"),
)
_ASSERTS = re.compile(
    r"\b(?:(?:bit|byte)-(?:for-(?:bit|byte)|identical)|(?:identical|same|equivalent) (?:results?|outputs?|behaviou?r)"
    r"|(?:results?|outputs?|behaviou?r) (?:is|are|stays?|remains?) (?:\w+ )?(?:identical|equal|the same|unchanged)"
    r"|no (?:functional|behaviou?r\w*) changes?|no changes? (?:in|of|to) (?:\w+ )?behaviou?r"
    r"|tested (?:locally|manually|on|by|with)|(?:locally|manually|well|fully) tested"
    r"|works on my|verified|benchmarked|benchmarks? shows?|measured|correctness)\b"
    r"|\b(?:tests?|suite)\b[^.]*\b(?:pass|succeed|(?:is|are) green)|\bpass\w*\b[^.]*\b(?:tests?|suite)\b"
    r"|\b(?:no|zero|without) (?:\w+ )?regress\w*",
    re.IGNORECASE,
)
# Words that lead to an amount: "by up to 12 %", "from about 3 ms", "a factor of"; but "speed up" is a verb.
_LEADING = (
    r"(?:(?:^|(?<=\s)|\()(?:by|from|to|for|at|of|with|in|about|around|over|(?<!speed )(?<!speeds )(?<!sped )up|down"
    r"|an?|the|factor|nearly|almost|roughly|more|than|now|only|under|below|instead|between|least|most)\s+)*"
)
# What an amount leaves in a title until the words and signs around it are tidied up.
_GAP = "\0"
_JOINS = r"(?:->|=>|[-\u2013\u2014\u2022\u2192/|+&,;]|\b(?:to|and|or|vs)\b)"
_PAUSE = r"\s*(?:[:;,]|\s[-\u2013\u2014])"
_AROUND_GAPS = (
    (rf"{_GAP}(?:[\s,]*{_JOINS}[\s,]*{_GAP}|\s*{_GAP})*(?:\s+or\s+(?:more|less)\b)?", _GAP),
    (rf"[\"'\u201c(\[]\s*{_GAP}\s*[\"'\u201d)\]]", f" {_GAP} "),
    # Of two pauses around an amount one remains.
    (rf"(?:{_PAUSE})?\s*{_GAP}\s*(?=[:;,.!?\"'\u201d]+(?:\s|$)|$)", ""),
    (rf"{_PAUSE}\s*{_GAP}\s*(?=[(\[]|[-\u2013\u2014]\s)", " "),
)
# What remains of "Halve the time of parse" or "Cut 3 s off startup" would be no phrase, or another one.
_MAIMED = re.compile(
    rf"^(?:\w+(?:\([^()]*\))?!?:)?\s*{_GAP}\s*(?:the|of|as|off|speed)\b"
    rf"|\b(?:cuts?|saves?|shaves?|drops?|gains?|takes?)\s*{_GAP}\s*(?:off|of|at|in|on|from|per|for|when|with)\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"</?[a-z!]|\]\(|!\[|://|\bwww\.|```|^\s*\||@\w|(?:^|\s)#\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CitableEvidence:
    """The comparison, and the texts (diff, titles) whose bare numbers may be repeated."""

    comparison: Comparison
    texts: str = ""


def objections(bullets: list[str], evidence: CitableEvidence) -> tuple[str, ...]:
    """Return what is wrong with generated bullets, one line each with the bullet it is about."""
    if not bullets:
        return ("there is no bullet",)
    too_many = [f"there are {len(bullets)} bullets; at most {MOST} are allowed"] if len(bullets) > MOST else []
    wrong = (f"{fault}: {bullet[:LONGEST]}" for bullet in bullets for fault in _faults(bullet, evidence))
    return (*too_many, *wrong)


def _faults(bullet: str, evidence: CitableEvidence) -> Iterator[str]:
    if len(bullet) > LONGEST:
        yield f"longer than {LONGEST} characters"
    if _MARKUP.search(bullet):
        yield "markup, a link or a mention"
    yield from unproven(bullet, evidence, bare=True)


def unproven(text: str, evidence: CitableEvidence, *, bare: bool = False) -> Iterator[str]:
    """Yield what a text claims and the evidence does not show.

    Numbers without a unit count if their sentence compares something, with `bare` always.
    """
    text = amounts.seen(text)
    for amount in amounts.amounts_in_words(text):
        yield f"an amount in words (“{amount}”), which cannot be checked"
    yield from _unproven_improvements(text, evidence.comparison)
    yield from (f"a number that is not in the evidence ({figure})" for figure in unproven_figures(text, evidence, bare))


def _unproven_improvements(text: str, comparison: Comparison) -> Iterator[str]:
    """Yield a claim of an improvement if there is none, or none of what the text says is better."""
    if comparison.verdict != Verdict.IMPROVED:
        searched = (words.search(text) for words in (_BETTER, _LESS_TIME, _LESS_MEMORY, _FEWER_ALLOCATIONS))
        if claim := next(filter(None, searched), None):
            yield f"claims an improvement (“{claim[0]}”), but the verdict is {comparison.verdict}"
        return
    improved = {change.metric for change in comparison.changes if change.verdict == Verdict.IMPROVED}
    for words, metrics, what in _CLAIMS:
        if (claim := words.search(text)) and not improved & metrics:
            yield f"claims {what} (“{claim[0]}”), which the evidence does not show"


def unproven_figures(text: str, evidence: CitableEvidence, bare: bool = False) -> Iterator[str]:  # noqa: FBT001, FBT002
    for sentence in amounts.sentences(text):
        any_number = bare or amounts.compares(sentence)
        for figure in amounts.figures(sentence):
            if (figure.kind or any_number) and not _is_proven(figure, sentence, evidence):
                yield figure.text


def asserts(sentence: str) -> bool:
    """Return whether a sentence says what only a measurement or a run of the tests can show."""
    return bool(_ASSERTS.search(sentence))


def claims(text: str) -> tuple[str, ...]:
    """Return the amounts in a text that only a measurement can show, with or without a unit."""
    text = amounts.seen(text)
    result = [*amounts.amounts_in_words(text)]
    for sentence in amounts.sentences(text):
        comparing = amounts.compares(sentence)
        result += [figure.text for figure in amounts.figures(sentence) if figure.kind or comparing]
    return tuple(dict.fromkeys(result))


def without_claims(title: str) -> str:
    """Return a title without amounts and what introduces them; "" if little of it remains."""
    if not claims(title):
        return title
    text = amounts.seen(title)
    text = re.sub(r"\s*(\([^()]*\)|\[[^\[\]]*\])", lambda match: f" {_GAP} " if claims(match[1]) else match[0], text)
    for figure in claims(text):
        amount = rf"{_LEADING}[~\u2248<>+\u2212-]*{re.escape(figure)}(?!\w)"
        text = re.sub(amount, f" {_GAP} ", text, count=1, flags=re.IGNORECASE)
    for pattern, replacement in _AROUND_GAPS:
        text = re.sub(pattern, replacement, text)
    if _MAIMED.search(text):
        return ""
    text = " ".join(text.replace(_GAP, " ").split()).strip(" :;,\u2014\u2013-")
    return text if not claims(text) and len(re.findall(r"[^\W\d_]{2,}", text)) > 1 else ""


def _is_proven(figure: Figure, sentence: str, evidence: CitableEvidence) -> bool:
    """Look a number up to its last digit; a share also matches if the body rounds it outwards."""
    if figure.value is None:
        return False
    if figure.kind is None and re.search(
        rf"(?<![\w.]){re.escape(figure.digits)}(?![\w.]\d|\d)", amounts.without_units(evidence.texts)
    ):
        return True
    slack = figure.slack * (1.0001 if figure.kind == "share" else 0.5001)
    values = _values(evidence.comparison, figure.kind, sentence)
    # Rounding must not leave nothing of a value.
    return any(abs(figure.value - value) <= slack + abs(value) * 1e-9 for value in values if figure.value or not value)


def _values(comparison: Comparison, kind: Kind | None, sentence: str) -> Iterator[float]:
    """Yield the comparison's values that are shown in units of `kind`, without signs.

    Effects only of the metrics that the sentence names, if it names any.
    """
    named = {metric for metrics, words in _NAMED.items() if words.search(sentence) for metric in metrics}
    for change in comparison.changes:
        if kind not in {"share", "factor"} or not named or change.metric in named:
            yield from _values_of(change, kind)
    for first in comparison.first_calls:
        if kind == "share":
            yield from _shares(first.interval)
        elif kind == "time":
            yield from (first.base, first.head, abs(first.base - first.head))
    if kind == "share" and _CERTAINTY.search(sentence):
        yield from (change.interval.confidence for change in comparison.changes)
    if kind == "share" and not _BETTER.search(sentence):
        yield from (side.share for share in comparison.functions for side in (share.base, share.head) if side)
    elif kind is None:
        yield from (output.inputs for output in comparison.outputs)


def _values_of(change: Change, kind: Kind | None) -> Iterator[float]:
    if kind == "share":
        yield from _shares(change.interval)
    elif kind == "factor":
        yield from _factors(change)
    elif change.unit == {"time": "s", "rate": "s", "size": "B"}.get(kind or "", "1"):
        yield from (1 / cost for cost in _costs(change) if cost) if kind == "rate" else _costs(change)


def _costs(change: Change) -> tuple[float, ...]:
    return change.base, change.head, abs(change.base - change.head)


def _factors(change: Change) -> Iterator[float]:
    for ratio in (change.interval.ratio, change.interval.low, change.interval.high):
        yield from (ratio, 1 / ratio) if ratio else ()


def _shares(interval: Interval) -> Iterator[float]:
    for ratio in (interval.ratio, interval.low, interval.high):
        yield from (abs(ratio - 1), abs(1 / ratio - 1)) if ratio else (1.0,)
