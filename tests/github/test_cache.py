import json

import pytest

from tasks.github.cache import DAY, HOUR, ResponseCache, format_time

REPOSITORY = "acme/pages"
RESULT = {"default_branch": "main", "parent": None, "pull_requests": [], "notes": []}


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(tmp_path, clock):
    return ResponseCache(tmp_path / "forge.json", now=clock)


def test_a_result_is_fresh_for_a_day(cache, clock):
    assert cache.state(REPOSITORY, "a") is None
    cache.store_results(REPOSITORY, {"a": ("q", RESULT)})
    state = cache.state(REPOSITORY, "a")
    assert state is not None
    assert cache.is_fresh(REPOSITORY, "a", "q")
    assert not cache.is_fresh(REPOSITORY, "a", "another query")
    clock.now += DAY - 1
    assert cache.state(REPOSITORY, "a") == state
    clock.now += 1
    assert (cache.state(REPOSITORY, "a"), cache.is_fresh(REPOSITORY, "a", "q")) == (None, False)
    assert cache.result(REPOSITORY, "a", "q") == (RESULT, 1_800_000_000.0)
    assert cache.asked_at(REPOSITORY, "a") == 1_800_000_000.0


def test_the_state_depends_on_the_result_and_not_its_age(cache, clock):
    cache.store_results(REPOSITORY, {"a": ("q", RESULT)})
    state = cache.state(REPOSITORY, "a")
    clock.now += 60
    cache.store_results(REPOSITORY, {"a": ("q", RESULT)})
    assert cache.state(REPOSITORY, "a") == state
    cache.store_results(REPOSITORY, {"a": ("q", {**RESULT, "default_branch": "trunk"})})
    assert cache.state(REPOSITORY, "a") != state


def test_a_refresh_makes_older_results_stale(cache, clock):
    cache.store_results(REPOSITORY, {"a": ("q", RESULT), "b": ("q", RESULT)})
    clock.now += 5
    refreshed = ResponseCache(cache.store, not_before=clock.now, now=clock)
    assert refreshed.state(REPOSITORY, "a") is None
    refreshed.store_results(REPOSITORY, {"a": ("q", RESULT)})
    assert refreshed.state(REPOSITORY, "a") == cache.state(REPOSITORY, "a")
    assert refreshed.state(REPOSITORY, "b") is None


def test_a_failure_keeps_the_older_result_and_delays_the_next_request(cache, clock):
    cache.store_results(REPOSITORY, {"a": ("q", RESULT)})
    before = cache.state(REPOSITORY, "a")
    clock.now += 3 * DAY
    cache.store_failure(REPOSITORY, "no network", "connect")
    assert cache.failure(REPOSITORY)["what"] == "no network"
    assert cache.result(REPOSITORY, "a", "q") == (RESULT, 1_800_000_000.0)
    failed = cache.state(REPOSITORY, "a")
    assert failed not in (None, before)
    assert cache.state(REPOSITORY, "never asked") not in (None, failed)
    clock.now += HOUR
    assert (cache.failure(REPOSITORY), cache.state(REPOSITORY, "a")) == (None, None)


def test_a_result_clears_a_failure(cache):
    cache.store_failure(REPOSITORY, "no network", "connect")
    cache.store_results(REPOSITORY, {"a": ("q", RESULT)})
    assert cache.failure(REPOSITORY) is None


def test_a_login_clears_a_failure(cache, monkeypatch):
    cache.store_failure(REPOSITORY, "gh is not logged in", "log in")
    assert cache.failure(REPOSITORY)
    monkeypatch.setenv("GH_TOKEN", "t")
    assert cache.failure(REPOSITORY) is None


def test_repositories_are_separate(cache):
    cache.store_results(REPOSITORY, {"a": ("q", RESULT)})
    cache.store_failure("acme/other", "no network", "connect")
    assert cache.state("acme/other", "a") is not None
    assert cache.failure(REPOSITORY) is None
    assert cache.result("acme/other", "a", "q") is None


def test_another_process_writes_the_store(cache, clock):
    other = ResponseCache(cache.store, now=clock)
    assert other.state(REPOSITORY, "a") is None
    cache.store_results(REPOSITORY, {"a": ("q", RESULT)})
    assert other.state(REPOSITORY, "a") == cache.state(REPOSITORY, "a")
    cache.store.unlink()
    assert other.state(REPOSITORY, "a") is None


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"acme/pages": null}', '{"acme/pages": {"items": {"a": null}}}'])
def test_a_broken_store_is_empty(cache, text):
    cache.store.write_text(text)
    assert (cache.state(REPOSITORY, "a"), cache.failure(REPOSITORY), cache.result(REPOSITORY, "a", "q")) == (
        None,
        None,
        None,
    )
    cache.store_results(REPOSITORY, {"a": ("q", RESULT)})
    assert json.loads(cache.store.read_text())[REPOSITORY]["items"]["a"]["answer"] == RESULT


def test_a_clock_set_back_makes_a_result_stale(cache, clock):
    cache.store_results(REPOSITORY, {"a": ("q", RESULT)})
    clock.now -= 60
    assert cache.state(REPOSITORY, "a") is None


def test_times_are_formatted_in_utc():
    assert format_time(0) == "1970-01-01 00:00 UTC"
