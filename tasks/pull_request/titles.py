"""Word titles of commits and pull requests as a project words its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_KINDS = "build|chore|ci|docs?|feat|fix|perf|refactor|revert|style|tests?"
CONVENTIONAL: Final = re.compile(rf"^(?:{_KINDS})(?:\([^)]*\))?!?: \S")
_ENOUGH: Final = 5


def is_conventional(titles: Sequence[str]) -> bool:
    """Return whether a project's commits have conventional titles (`fix: …`): most of the newest do."""
    written = [title for title in titles if not title.startswith(("Merge ", "Revert ", "Bump ", "[pre-commit.ci]"))]
    return len(written) >= _ENOUGH and sum(bool(CONVENTIONAL.match(title)) for title in written) * 2 > len(written)


def pull_request_title(title: str, titles: Sequence[str]) -> str:
    """Return the title as the project's own are: with `perf: ` before it where they are conventional and it is not."""
    if CONVENTIONAL.match(title) or not is_conventional(titles):
        return title
    return f"perf: {lower(title)}"


def own_title(function: str, *, benchmark: bool, entry: bool, titles: Sequence[str]) -> str:
    """Return the title of the commit that adds the benchmark, the changelog entry, or both."""
    what = f"a benchmark of {function}" if benchmark else f"a changelog entry for {function}"
    title = f"Add {what} and a changelog entry" if benchmark and entry else f"Add {what}"
    if not is_conventional(titles):
        return title
    kind = (
        ("tests" if any(each.startswith(("tests:", "tests(")) for each in titles) else "test") if benchmark else "docs"
    )
    return f"{kind}: {lower(title)}"


def lower(words: str) -> str:
    """Begin small, unless the first word is a name."""
    first = words.split(" ", 1)[0]
    return words[0].lower() + words[1:] if first[1:] == first[1:].lower() and first.isalpha() else words
