"""Write titles of commits and pull requests in the project's style."""

import re
from collections.abc import Sequence
from typing import Final

_KINDS = "build|chore|ci|docs?|feat|fix|perf|refactor|revert|style|tests?"
CONVENTIONAL: Final = re.compile(rf"^(?:{_KINDS})(?:\([^)]*\))?!?: \S")
_FEWEST_TITLES: Final = 5
NEWEST: Final = 50
"""Newest commits of upstream whose titles show the project's style."""


def is_conventional(titles: Sequence[str]) -> bool:
    """Return whether most of the titles are conventional (`fix: …`), generated ones left out."""
    written = [title for title in titles if not title.startswith(("Merge ", "Revert ", "Bump ", "[pre-commit.ci]"))]
    count = sum(bool(CONVENTIONAL.match(title)) for title in written)
    return len(written) >= _FEWEST_TITLES and count * 2 > len(written)


def pull_request_title(title: str, *, conventional: bool) -> str:
    """Return the title, with `perf: ` before it if it should be conventional and is not."""
    if CONVENTIONAL.match(title) or not conventional:
        return title
    return f"perf: {with_lower_start(title)}"


def own_title(function: str, *, benchmark: bool, entry: bool, titles: Sequence[str]) -> str:
    """Return the title of the commit that adds the benchmark, the changelog entry, or both."""
    what = f"a benchmark of {function}" if benchmark else f"a changelog entry for {function}"
    title = f"Add {what} and a changelog entry" if benchmark and entry else f"Add {what}"
    if not is_conventional(titles):
        return title
    test_kind = "tests" if any(other.startswith(("tests:", "tests(")) for other in titles) else "test"
    return f"{test_kind if benchmark else 'docs'}: {with_lower_start(title)}"


def with_lower_start(text: str) -> str:
    """Start with a lower-case letter, unless the first word is a name."""
    first = text.split(" ", 1)[0]
    return text[0].lower() + text[1:] if first[1:] == first[1:].lower() and first.isalpha() else text
