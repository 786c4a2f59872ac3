"""A manifest as YAML: its values, and where in the file each of them stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from ..text.messages import printable as shown
from .construct import MAX_DEPTH, Builder, Entry, TooDeepError
from .scalars import as_written
from .source import Source

if TYPE_CHECKING:
    from ..errors import Problem

Loc = tuple[str | int, ...]

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAB = "a tab is used as indentation; YAML allows only spaces"
# libyaml's words, and what a reader of the manifest can do with them; those of the second table are told where
# the thing began that they are about, not where the parser gave up.
_WORDS_FOR_HERE = {
    "mapping values are not allowed in this context": (
        "a `:` stands where none can stand: a value that holds `: ` must be quoted, and a key be indented like those above it"
    ),
    "did not find expected key": "a key was expected here; is the indentation that of the lines above it?",
    "did not find expected '-' indicator": "a `-` was expected here; is the indentation that of the lines above it?",
    "found character that cannot start any token": "a value cannot begin with this character; quote it",
    "did not find expected <document start>": "this stands outside of the manifest; is the indentation that of the first line?",
    "block sequence entries are not allowed in this context": "a list cannot begin here; it belongs on the next line",
    "found unknown escape character": "this escape does not exist in double quotes; use single quotes or double the backslash",
}
_WORDS_FOR_BEGIN = {
    "did not find expected ',' or ']'": "this `[` is not closed, or a `,` is missing after it",
    "did not find expected ',' or '}'": "this `{` is not closed, or a `,` is missing after it",
    "could not find expected ':'": "this is no `key: value`; a `:` and a space are missing",
    "found unexpected end of stream": "this quotation mark is not closed",
}


class Document:
    """What a manifest says, with the problems that are YAML's; `cut` says that reading stopped at one of them.

    A `loc` is pydantic's: the keys and indices that lead from the top to a value. Parts of it that the file does
    not have (a key that is missing, the index of a text that stands for a list) are passed over.
    """

    def __init__(self, raw: bytes) -> None:
        self._source = Source(raw)
        builder = Builder(self._source)
        self.cut = False
        try:
            builder.build(yaml.parse(self._source.text, Loader=LOADER))
        except yaml.MarkedYAMLError as error:
            self._stop(builder, *_syntax_problem(error, self._source.text))
        except TooDeepError as error:
            self._stop(builder, f"values are nested more than {MAX_DEPTH} levels deep", error.offset)
        self.content = builder.value
        self._root, self._frames = builder.root, builder.frames

    @property
    def problems(self) -> list[Problem]:
        return self._source.problems

    @property
    def empty(self) -> bool:
        """Whether the file says nothing at all, as far as it could be read."""
        return self.content is None and not self._source.problems

    def position(self, loc: Loc) -> tuple[int, int]:
        """Return line and column, from 1, of the value that `loc` leads to."""
        return self._source.place(self._find(loc).value)

    def excerpt(self, line: int) -> str:
        return self._source.excerpt(line)

    def written(self, loc: Loc) -> str:
        """Return a number or word as the file spells it."""
        return as_written(self._source.text, self._find(loc).value)

    def is_list(self, loc: Loc) -> bool:
        return isinstance(self._find(loc).content, tuple)

    def problem(self, message: str, loc: Loc, *, suggestion: str = "", at_key: bool = False) -> Problem:
        """Make a problem that points at the value of `loc`, or at its key."""
        entry = self._find(loc)
        return self._source.problem(message, entry.key if at_key else entry.value, suggestion)

    def unreadable(self, problem: Problem) -> bool:
        """Return whether the problem's line holds bytes that could not be read, which is a problem already."""
        return problem.line in self._source.damaged

    def _stop(self, builder: Builder, message: str, offset: int) -> None:
        self._source.problems.append(self._source.problem(message, offset))
        self.cut = True
        builder.give_up()

    def _find(self, loc: Loc) -> Entry:
        """Follow `loc`; a key that is missing is told at the key of what it is missing in."""
        entry = self._root
        for part in loc:
            child = self._child(entry.content, part)
            entry = child or (Entry(entry.content, entry.key, entry.key) if isinstance(part, str) else entry)
        return entry

    def _child(self, content: object, part: str | int) -> Entry | None:
        frame = self._frames.get(id(content))
        if frame is None:
            return None
        if not frame.mapping:
            return frame.entry(part) if isinstance(part, int) and part < len(frame.items) else None
        if part in frame.places:
            return frame.pair(frame.places[part])
        merged = frame.items[frame.places["<<"] + 1] if "<<" in frame.places else ()
        found = (self._child(each, part) for each in (merged if isinstance(merged, tuple) else (merged,)))
        return next((entry for entry in found if entry), None)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> tuple[str, int]:
    """Say in plain words what the parser did not understand, and at which character."""
    problem = str(error.problem)
    offset = min(error.problem_mark.index if error.problem_mark else 0, len(text))
    begin = min(error.context_mark.index if error.context_mark else offset, len(text))
    line_start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    indentation = re.compile(r"[ \t]*").match(text, line_start)
    tab = text.find("\t", line_start, indentation.end() if indentation else line_start)
    if tab >= 0 or text.startswith("\t", offset):
        return _TAB, tab if tab >= 0 else offset
    if problem in _WORDS_FOR_BEGIN:
        return _WORDS_FOR_BEGIN[problem], begin
    return _WORDS_FOR_HERE.get(problem) or f"this is no YAML: {shown(problem)}", offset
