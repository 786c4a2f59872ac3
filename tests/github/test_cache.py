"""Answers with their age."""

from __future__ import annotations

import json

import pytest

from tasks.github.cache import DAY, HOUR, ResponseCache, format_time

PLACE = "acme/pages"
ANSWER = {"default_branch": "main", "parent": None, "pull_requests": [], "notes": []}


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def kept(tmp_path, clock):
    return ResponseCache(tmp_path / "forge.json", now=clock)


def test_an_answer_is_recent_for_a_day(kept, clock):
    assert kept.state(PLACE, "a") is None
    kept.store_results(PLACE, {"a": ("q", ANSWER)})
    state = kept.state(PLACE, "a")
    assert state is not None
    assert kept.is_recent(PLACE, "a", "q")
    assert not kept.is_recent(PLACE, "a", "another question")
    clock.now += DAY - 1
    assert kept.state(PLACE, "a") == state
    clock.now += 1
    assert (kept.state(PLACE, "a"), kept.is_recent(PLACE, "a", "q")) == (None, False)
    assert kept.answer(PLACE, "a", "q") == (ANSWER, 1_800_000_000.0)
    assert kept.asked_at(PLACE, "a") == 1_800_000_000.0


def test_the_state_has_no_age_and_changes_with_the_answer(kept, clock):
    kept.store_results(PLACE, {"a": ("q", ANSWER)})
    state = kept.state(PLACE, "a")
    clock.now += 60
    kept.store_results(PLACE, {"a": ("q", ANSWER)})
    assert kept.state(PLACE, "a") == state
    kept.store_results(PLACE, {"a": ("q", {**ANSWER, "default_branch": "trunk"})})
    assert kept.state(PLACE, "a") != state


def test_a_refresh_makes_everything_from_before_it_old(kept, clock):
    kept.store_results(PLACE, {"a": ("q", ANSWER), "b": ("q", ANSWER)})
    clock.now += 5
    refreshed = ResponseCache(kept.store, not_before=clock.now, now=clock)
    assert refreshed.state(PLACE, "a") is None
    refreshed.store_results(PLACE, {"a": ("q", ANSWER)})
    assert refreshed.state(PLACE, "a") == kept.state(PLACE, "a")
    assert refreshed.state(PLACE, "b") is None


def test_a_failure_keeps_the_older_answer_and_is_not_tried_again_at_once(kept, clock):
    kept.store_results(PLACE, {"a": ("q", ANSWER)})
    answered = kept.state(PLACE, "a")
    clock.now += 3 * DAY
    kept.store_failure(PLACE, "no network", "connect")
    assert kept.failure(PLACE)["what"] == "no network"
    assert kept.answer(PLACE, "a", "q") == (ANSWER, 1_800_000_000.0)
    failed = kept.state(PLACE, "a")
    assert failed not in (None, answered)
    assert kept.state(PLACE, "never asked") not in (None, failed)
    clock.now += HOUR
    assert (kept.failure(PLACE), kept.state(PLACE, "a")) == (None, None)


def test_an_answer_ends_a_failure(kept):
    kept.store_failure(PLACE, "no network", "connect")
    kept.store_results(PLACE, {"a": ("q", ANSWER)})
    assert kept.failure(PLACE) is None


def test_a_login_ends_a_failure(kept, monkeypatch):
    kept.store_failure(PLACE, "gh is not logged in", "log in")
    assert kept.failure(PLACE)
    monkeypatch.setenv("GH_TOKEN", "t")
    assert kept.failure(PLACE) is None


def test_places_are_apart(kept):
    kept.store_results(PLACE, {"a": ("q", ANSWER)})
    kept.store_failure("acme/other", "no network", "connect")
    assert kept.state("acme/other", "a") is not None
    assert kept.failure(PLACE) is None
    assert kept.answer("acme/other", "a", "q") is None


def test_what_another_process_kept_is_seen(kept, clock):
    other = ResponseCache(kept.store, now=clock)
    assert other.state(PLACE, "a") is None
    kept.store_results(PLACE, {"a": ("q", ANSWER)})
    assert other.state(PLACE, "a") == kept.state(PLACE, "a")
    kept.store.unlink()
    assert other.state(PLACE, "a") is None


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"acme/pages": null}', '{"acme/pages": {"items": {"a": null}}}'])
def test_a_broken_store_says_nothing(kept, text):
    kept.store.write_text(text)
    assert (kept.state(PLACE, "a"), kept.failure(PLACE), kept.answer(PLACE, "a", "q")) == (None, None, None)
    kept.store_results(PLACE, {"a": ("q", ANSWER)})
    assert json.loads(kept.store.read_text())[PLACE]["items"]["a"]["answer"] == ANSWER


def test_a_clock_that_was_put_back_makes_an_answer_old(kept, clock):
    kept.store_results(PLACE, {"a": ("q", ANSWER)})
    clock.now -= 60
    assert kept.state(PLACE, "a") is None


def test_a_time_is_spelled_in_utc():
    assert format_time(0) == "1970-01-01 00:00 UTC"
