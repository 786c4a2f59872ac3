"""A manifest as YAML: its values, and the position of each in the file."""

import re

import yaml

from ..errors import Problem
from ..text.messages import printable_line
from .construct import MAX_DEPTH, Located, TooDeepError, ValueBuilder, as_written
from .source import ManifestText

Loc = tuple[str | int, ...]

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAB = "this line is indented with a tab; YAML allows only spaces"
_INDENTATION = "check that the indentation matches the lines above"
# libyaml's messages in plain words. Those of the second table are about the beginning of something (a bracket, a
# quote), not about the position where the parser gave up.
_MESSAGES_HERE = {
    "mapping values are not allowed in this context": (
        "unexpected `:`; quote a value that contains `: `, and indent a key like the keys above it"
    ),
    "did not find expected key": f"expected a key; {_INDENTATION}",
    "did not find expected '-' indicator": f"expected `-`; {_INDENTATION}",
    "found character that cannot start any token": "a value cannot start with this character; quote it",
    "did not find expected <document start>": (
        "this is outside of the manifest; check that the indentation matches the first line"
    ),
    "block sequence entries are not allowed in this context": "a list cannot start here; put it on the next line",
    "found unknown escape character": "unknown escape in double quotes; use single quotes, or double the backslash",
}
_MESSAGES_AT_BEGINNING = {
    "did not find expected ',' or ']'": "this `[` is not closed, or a `,` is missing after it",
    "did not find expected ',' or '}'": "this `{` is not closed, or a `,` is missing after it",
    "could not find expected ':'": "expected `key: value`; the `:` and a space are missing",
    "found unexpected end of stream": "this quote is not closed",
}


class Document:
    """The values of a manifest, with all problems of its YAML; `is_cut` if reading stopped at one of them.

    A `loc` is pydantic's: the keys and indices that lead from the top to a value. Parts of it that the file does not
    have (a missing key, the index of text that stands for a list) are skipped.
    """

    def __init__(self, raw: bytes) -> None:
        self.source = ManifestText(raw)
        self.problems = self.source.problems
        builder = ValueBuilder(self.source)
        self.is_cut = False
        try:
            builder.build(yaml.parse(self.source.text, Loader=LOADER))
        except yaml.MarkedYAMLError as error:
            self._stop(builder, *_syntax_problem(error, self.source.text))
        except TooDeepError as error:
            self._stop(builder, f"values are nested more than {MAX_DEPTH} levels deep", error.args[0])
        self._root, self._collections = builder.root, builder.collections
        self.content = self._root.content

    def position(self, loc: Loc) -> tuple[int, int]:
        """Return the line and column, from 1, of the value at `loc`."""
        return self.source.position(self._find(loc).offset)

    def as_written(self, loc: Loc) -> str:
        return as_written(self.source.text, self._find(loc).offset)

    def is_list(self, loc: Loc) -> bool:
        return isinstance(self._find(loc).content, tuple)

    def problem(self, message: str, loc: Loc, *, suggestion: str = "", at_key: bool = False) -> Problem:
        """Return a problem that points at the value of `loc`, or at its key."""
        located = self._find(loc)
        return self.source.problem(message, located.key_offset if at_key else located.offset, suggestion)

    def _stop(self, builder: ValueBuilder, message: str, offset: int) -> None:
        self.source.report(message, offset)
        self.is_cut = True
        builder.close_complete()

    def _find(self, loc: Loc) -> Located:
        """Follow `loc`; a missing key is at the key of the mapping that lacks it."""
        located = self._root
        for part in loc:
            if child := self._child(located.content, part):
                located = child
            elif isinstance(part, str):
                located = located._replace(offset=located.key_offset)
        return located

    def _child(self, content: object, part: str | int) -> Located | None:
        collection = self._collections.get(id(content))
        if collection is None:
            return None
        if not collection.is_mapping:
            return collection.at(part) if isinstance(part, int) and part < len(collection.items) else None
        if own := collection.value_of(part):
            return own
        merge = collection.value_of("<<")
        merged = merge.content if merge else ()
        children = (self._child(mapping, part) for mapping in (merged if isinstance(merged, tuple) else (merged,)))
        return next((child for child in children if child), None)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> tuple[str, int]:
    """Return a syntax error in plain words, and its offset."""
    problem = str(error.problem)
    offset = min(error.problem_mark.index if error.problem_mark else 0, len(text))
    beginning = min(error.context_mark.index if error.context_mark else offset, len(text))
    line_start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    indentation = re.compile(r"[ \t]*").match(text, line_start)
    tab = text.find("\t", line_start, indentation.end() if indentation else line_start)
    if tab >= 0 or text.startswith("\t", offset):
        return _TAB, tab if tab >= 0 else offset
    if problem in _MESSAGES_AT_BEGINNING:
        return _MESSAGES_AT_BEGINNING[problem], beginning
    return _MESSAGES_HERE.get(problem) or f"this is not valid YAML: {printable_line(problem)}", offset
