"""Find amounts in a text as its reader sees them: figures however they are spelled, amounts in words, comparisons."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["time", "size", "share", "factor", "rate"]

UNITS: Final[dict[Kind, dict[str, float]]] = {
    "time": {
        **dict.fromkeys(("ns", "nsec", "nsecs", "nanos", "nanosec", "nanosecs", "nanosecond", "nanoseconds"), 1e-9),
        **dict.fromkeys(
            ("us", "\u03bcs", "usec", "usecs", "micros", "microsec", "microsecs", "microsecond", "microseconds"), 1e-6
        ),
        **dict.fromkeys(
            ("ms", "msec", "msecs", "millis", "millisec", "millisecs", "millisecond", "milliseconds"), 1e-3
        ),
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
        **dict.fromkeys(("sekunden", "secondes", "segundos", "secondi", "секунд"), 1.0),
        **dict.fromkeys(("millisekunden", "millisecondes", "milisegundos", "millisecondi"), 1e-3),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
        **dict.fromkeys(("h", "hour", "hours"), 3600.0),
        **dict.fromkeys(("day", "days"), 86400.0),
        **dict.fromkeys(("week", "weeks"), 604800.0),
    },
    "size": {
        **dict.fromkeys(("b", "byte", "bytes"), 1.0),
        **dict.fromkeys(("kb", "kilobyte", "kilobytes"), 1e3),
        **dict.fromkeys(("mb", "meg", "megs", "megabyte", "megabytes"), 1e6),
        **dict.fromkeys(("gb", "gig", "gigs", "gigabyte", "gigabytes"), 1e9),
        **dict.fromkeys(("tb", "terabyte", "terabytes"), 1e12),
        **dict.fromkeys(("kib", "kibibyte", "kibibytes"), 2.0**10),
        **dict.fromkeys(("mib", "mebibyte", "mebibytes"), 2.0**20),
        **dict.fromkeys(("gib", "gibibyte", "gibibytes"), 2.0**30),
        **dict.fromkeys(("tib", "tebibyte", "tebibytes"), 2.0**40),
    },
    "share": {
        **dict.fromkeys(("%", "percent", "per cent", "per-cent", "percentage points", "pct", "pp"), 0.01),
        **dict.fromkeys(("prozent", "pour cent", "por ciento", "per cento", "procent", "процентов", "процента"), 0.01),
        **dict.fromkeys(("\u2030", "per mille", "permille"), 0.001),
        **dict.fromkeys(("basis points", "bps"), 0.0001),
    },
    "factor": dict.fromkeys(
        ("x", "times", "fold", "\u500d", "\ubc30", "mal", "fach", "fois", "veces", "vezes", "volte", "раз", "раза"), 1.0
    ),
    "rate": {
        **{
            f"{what}/{per}": 1.0
            for what in ("op", "ops", "calls", "it", "iter", "req")
            for per in ("s", "sec", "second")
        },
        **dict.fromkeys(("hz", "fps", "rps", "qps"), 1.0),
        **{f"{prefix}hz": scale for prefix, scale in (("k", 1e3), ("m", 1e6), ("g", 1e9))},
    },
}
_KINDS: Final = {unit: kind for kind, units in UNITS.items() for unit in units}
_SCALES: Final = {unit: scale for units in UNITS.values() for unit, scale in units.items()}
_SPELLED: Final = "|".join(sorted(map(re.escape, _SCALES), key=len, reverse=True))
_DIGITS: Final = r"(?:\d{1,3}(?:[,_'\u2019 ]\d{3}){1,6}(?!\d)|\d+)(?:\.\d+)?|\.\d+"
_EXPONENT: Final = r"(?:e[+-]?\d+|\s?(?:x|\*|\u00b7)\s?10\^?[-\u2212]?\d+(?!\w)(?=\s*(?:x|%|times|fold)))"
_FIGURE: Final = re.compile(
    rf"(?<![\w.^])(?<!\d\u00b7)(?P<digits>{_DIGITS})(?P<exponent>{_EXPONENT})?"
    rf"(?:[ -]?(?P<unit>{_SPELLED}))?(?!\w|\.\d)",
    re.IGNORECASE,
)
# A number in some other notation before a unit of effects, such as 2^10x, 1.2kx or 1OOx; then 10xfaster, 1/3 of, 10:1,
# and 2m30s; `bare`: x10, 390K.
_ODD_FIGURE: Final = re.compile(
    r"(?:(?<![\w.,'^])\d[\w.,'^\u00b7]*(?<=\w)|(?<!\w)(?-i:[lI][0OolI1]+))(?:[ +-]{0,2}|[.)] )"
    r"(?:x|times|fold|%|percent|\u500d)(?!\w)"
    r"|(?<![\w.])\d[\d.,]*x(?=(?:fast|slow|quick|speed|less|more|small|cheap))"
    r"|(?<=[^\W\d])\d{2,}(?:\.\d+)?(?:x|%|-fold)(?!\w)"
    r"|(?<![\w./])\d+ ?/ ?\d+(?:[rt][hd]s?)? (?:of|the|as)(?!\w)|(?<![\w.:])\d+(?::|-to-)1(?![\w.:])"
    r"|(?<![\w.])\d+ ?(?:h|m|min) ?\d+ ?(?:m|min|s|sec)(?!\w)"
    r"|(?P<bare>(?<!\w)x ?\d[\d.,]*|(?<![\w.])\d[\d.,]*(?:[kmg]| [kmg] (?=\w+/s)))(?!\w)",
    re.IGNORECASE,
)
_DIMENSIONS: Final = re.compile(r"(?<![\w.])\d+(?: ?x ?\d+)+(?![\w.%]| ?x)", re.IGNORECASE)

_COUNT: Final = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?"
    r"|\w{0,4}illions?|umpteen|dozens?|couple|several|multiple|many|few|countless)"
)
_PART: Final = r"(?:thirds?|quarters?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?|hundredths?|thousandths?)"
_SEVERAL: Final = rf"(?:an?[ -])?{_COUNT}(?:[ -](?:and[ -]|of[ -])?{_COUNT}){{0,4}}"
_WORD_UNITS: Final = "|".join(sorted((unit for unit in _SCALES if len(unit) > 4), key=len, reverse=True))
_DURATION: Final = r"(?:weeks?|days?|hours?|minutes?|seconds?|milliseconds?|microseconds?)"
_MORE: Final = r"(?:fast|slow|quick|cheap|small|low|high|larg|bett)er|less|fewer|more|as"
_IN_WORDS: Final = re.compile(
    rf"\b(?:twice|thrice|(?:by|in) half|half (?:the|of|as|an?|its)|halv(?:e|es|ed|ing)"
    rf"|(?:doubl|tripl|quadrupl|quintupl)(?:es|ed|ing|e (?:the|as|speed|throughput|performance))"
    rf"|{_SEVERAL}[ -]?(?:fold|x)|manifold|orders?[ -]of[ -]magnitude|magnitudes? (?:{_MORE})"
    rf"|{_SEVERAL}(?:[ -]and[ -]a[ -]half)?(?:[ -]of)?[ -](?:{_WORD_UNITS})"
    rf"|(?:an?|{_SEVERAL})[ -]{_PART}|{_SEVERAL} out of {_SEVERAL}|factors? of {_SEVERAL}"
    rf"|{_PART} of the (?:time|memory|work)|a half (?:{_MORE})"
    rf"|{_DURATION} (?:to|into|became|instead of) (?:an? )?{_DURATION}"
    r"|(?:zehn|hundert|tausend)(?:mal|fach)\w{0,2}|(?:dix|cent|mille) fois|(?:diez|cien|mil) veces)\b"
    r"|[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u767e\u5343\u4e07]+\u500d",
    re.IGNORECASE,
)
_VAGUE: Final = re.compile(
    r"(?<!\bto )(?<!\binto )(?<!\bbecame )(?<!\bof )\ba second\b"
    r"|\b(?:many|few|several|multiple|couple of|(?:dozen|hundred|thousand|million)s of) times\b"
    rf"(?! (?:{_MORE}))",
    re.IGNORECASE,
)

# Signs and words between or beside numbers that make them a measured result.
_COMPARES: Final = re.compile(
    r"[\u2190-\u21ff\u2794-\u27be\u27f0-\u27ff\u2900-\u297f]|[-=]>|/s(?:ec(?:ond)?)?\b|\bfrom\b.{0,60}?\d.{0,60}?\bto\b"
    r"|\b(?:instead of|rather than|vs|versus|compared|down to|up to|at least|factor|ratio|score\w*|fast\w*|slow\w*"
    r"|quick\w*|speed\w*|sped|less|fewer|more|lower\w*|higher|reduc\w*|improv\w*|sav(?:e[ds]?|ings?)|gain\w*|cuts?"
    r"|drop(?:s|ped)?|memory|peak|latency|throughput|runtime|allocations?|instructions|cycles|calls?|takes?|took|costs?"
    r"|times?|per second|percent\w*|per cent|nano|micro|milli|performance|efficien\w*|overhead|benchmark\w*)\b",
    re.IGNORECASE,
)
_ENGLISH: Final = re.compile(
    r"\b(?:the|an?|is|are|and|of|to|in|on|for|it|its|with|by|as|or|at|if|be|that|this)\b", re.IGNORECASE
)
_ALONE: Final = re.compile(r"(?<!\S)\d[\d.,]*(?=[\s.,;:!?)]|$)")
# Numbers that are no measurements: references, dates, orders of growth.
_REFERENCES: Final = re.compile(
    r"(?:(?<![\w#])#\d+|\bgh-\d+|\b(?:pr|pull request|issue|pep|rfc|cve)[ -]?#?\d[\d-]*"
    r"|\b(?:c?python|pypy|version|release) ?\d+(?:\.\d+)*|\b\d{4}-\d\d-\d\d)\b"
    r"(?![ -]?(?:x|times|fold|%|percent|[mnu\u03bc]?s|[kmg]i?b)(?!\w))"
    r"|\bO\((?![^()]*\d ?(?:x|times|%)(?!\w))[^()]*(?:\([^()]*\)[^()]*)?\)|\bn\+1\b",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    rf"\b[A-Z][\w+-]*[^\W\d][ -]v?\d+(?:\.\d+)*(?![\w%]|\.\d|[ -]?(?:{_SPELLED})(?!\w))"
    r"|[^\W\d]\w*(?:\[\d+\]|\(\d+\))|[^\W\d]\w* ?[<>=~!]= ?\d+(?:\.\d+)*|^\d{1,2}[.)] ",
    re.MULTILINE,
)
_ADDRESS: Final = re.compile(r"https?://\S+")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(\d])|\n+")

_LIKE_ASCII: Final = str.maketrans(
    {
        **dict.fromkeys(
            "\u00d7\u2715\u2716\u2717\u2718\u2a2f\u2a09\u2573\u0445\u0425\u03c7\u03a7\u292b\u166d\uab53\u2cad\u2613",
            "x",
        ),
        **dict.fromkeys("\u066a\ufe6a", "%"),
        **dict.fromkeys("\u2044\u2215", "/"),
        **dict.fromkeys("\u2010\u2011\u2012", "-"),
        "\u066b": ".",
        "\u066c": ",",
        "\u00b5": "\u03bc",
        "\U0001f4af": "100",
        "\U0001f51f": "10",
    }
)
_DIGIT_NAMES: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten")
_SHORTCODES: Final = {f":{name}:": str(value) for value, name in enumerate(_DIGIT_NAMES)} | {
    ":100:": "100",
    ":heavy_multiplication_x:": "x",
    ":x:": "x",
}
_SHORTCODE: Final = re.compile("|".join(map(re.escape, _SHORTCODES)))
# A factor with its sign before it, which is no dimension such as 2 \u00d7 3.
_SIGN_FIRST: Final = re.compile(r"(?<![\w)\]])(?<![\w)\]] )[\u00d7\u2715\u2716]\ufe0f? ?(\d[\d.,]*)(?!\w)")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit; `value` is in seconds, bytes or 1, and `slack` is one unit of its last digit.

    `value` is None if the notation cannot be read, `kind` if there is no unit.
    """

    text: str
    digits: str
    value: float | None
    slack: float
    kind: Kind | None


def seen(text: str) -> str:
    """Return a text with the characters that its reader sees: look-alikes as ASCII, without what is invisible."""
    if not text.isascii():
        text = "".join(map(_roman_as_digits, _SIGN_FIRST.sub(r"\1x", text)))
        text = unicodedata.normalize("NFKC", text.translate(_LIKE_ASCII)).translate(_LIKE_ASCII)
        text = "".join(map(_seen_character, text))
    return _SHORTCODE.sub(lambda match: _SHORTCODES[match[0]], text)


def figures(text: str) -> Iterator[Figure]:
    """Yield the numbers of a text that `seen` returned, except references such as #12, dates and orders of growth."""
    text = _REFERENCES.sub(_blank, text)
    text = _DIMENSIONS.sub(lambda match: re.sub("x", ";", match[0], flags=re.IGNORECASE), text)
    rest, addresses = list(text), [match.span() for match in _ADDRESS.finditer(text)]
    for match in _FIGURE.finditer(text):
        unit = (match["unit"] or "").lower()
        kind = _KINDS.get(unit)
        if kind is None and any(low <= match.start() < high for low, high in addresses):
            continue
        # In `utf-8` the number belongs to a name, in `up-to-10x` it does not.
        if kind not in {"factor", "share"} and re.search(r"\w-$", text[max(0, match.start() - 2) : match.start()]):
            continue
        if kind:
            rest[match.start() : match.end()] = " " * len(match[0])
        digits = re.sub(r"[,_'\u2019 ]", "", match["digits"])
        power = int("".join(re.findall(r"[-\u2212\d]+$", match["exponent"]))) if match["exponent"] else 0
        scale = _SCALES.get(unit, 1.0) * (10.0**power if abs(power) < 300 else 0.0)
        slack = 10.0 ** -len(digits.partition(".")[2]) * scale
        yield Figure(match[0].strip(), match["digits"], float(digits) * scale, slack, kind)
    for match in _ODD_FIGURE.finditer("".join(rest)):
        yield Figure(match[0], "", None, 0.0, None if match["bare"] else "factor")


def amounts_in_words(text: str) -> Iterator[str]:
    """Yield `twice`, `a thousand times`, `two thirds` and the like."""
    yield from (match[0] for match in _IN_WORDS.finditer(_VAGUE.sub(_blank, text)))


def without_units(text: str) -> str:
    """Return a text without the numbers that have a unit."""
    return _FIGURE.sub(lambda match: _blank(match) if match["unit"] else match[0], text)


def without_names(text: str) -> str:
    """Return a text without numbers of names, code and lists: `Ubuntu 22.04`, `numpy>=1.20`, `x[0]`, `2.`."""
    return _NAMED.sub(lambda match: match[0] if compares(match[0]) else _blank(match), text)


def compares(sentence: str) -> bool:
    """Return whether bare numbers in a sentence are results: `1203 instead of 411 calls`.

    Two different ones in another language may be.
    """
    is_english = _ENGLISH.search(sentence)
    return bool(_COMPARES.search(sentence)) or (not is_english and len(set(_ALONE.findall(sentence))) > 1)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text; a line end ends one, too."""
    yield from (part.strip() for part in _SENTENCE.split(text) if part and part.strip())


def _roman_as_digits(character: str) -> str:
    return f"{unicodedata.numeric(character):g}" if unicodedata.category(character) == "Nl" else character


def _seen_character(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category in {"Cf", "Mn", "Me"}:
        return ""
    if category.startswith("Z") or character == "\u2800":  # a Braille cell without dots
        return " "
    number = unicodedata.numeric(character, None)
    return f"{number:g}" if number is not None and category.startswith("N") else character


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
