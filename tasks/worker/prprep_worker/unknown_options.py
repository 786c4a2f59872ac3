"""A pytest plugin: drop options that nobody registers, since the plugin that does is not installed here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

DROPPED: list[str] = []


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(parser: Any, args: list[str]) -> Iterator[None]:
    """Take out of `args` what no plugin and no initial conftest knows, with its values."""
    yield
    # The initial conftests are loaded now, and with them all options are known.
    for option in parser.parse_known_and_unknown_args(list(args))[1]:
        if option.startswith("-") and option in args:
            place = args.index(option)
            values = itertools.takewhile(
                lambda word: not word.startswith("-") or word[1:2].isdigit(), args[place + 1 :]
            )
            del args[place : place + 1 + len(list(values))]
            DROPPED.append(option)
