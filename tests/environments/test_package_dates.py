from datetime import date

import pytest

from tasks.environments.package_dates import (
    Cutoff,
    date_of,
    if_old,
    install_as_of,
    pythons_of,
    supported_since,
    without_date,
)
from tasks.errors import CommandFailedError
from tasks.git import Clone
from tests.support.targets import TargetRepo


def test_only_commits_older_than_a_year_have_a_date():
    assert if_old(date(2025, 3, 4), today=date(2026, 3, 4)) == date(2025, 3, 4)
    assert if_old(date(2025, 3, 5), today=date(2026, 3, 4)) is None
    assert if_old(date(2096, 1, 1)) is None


def test_the_date_is_the_newest_commits(tmp_path):
    repo = TargetRepo(tmp_path / "repo")
    repo._clock = 1_600_000_000
    old = repo.commit({"a.py": ""})
    repo._clock = 1_700_000_000
    new = repo.commit({"a.py": "1"})
    with Clone.open(str(repo.path), tmp_path / "cache") as clone:
        assert date_of(clone, old) == date(2020, 9, 13)
        assert date_of(clone, new, old) == date(2023, 11, 14)


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2018, 5, 6), [9, 10, 11]),  # none of them is that old
        (date(2022, 1, 1), [9, 10, 11]),  # 3.10 is new
        (date(2022, 6, 1), [10, 9, 11]),
        (date(2023, 6, 1), [11, 10, 9]),
    ],
)
def test_pythons_for_packages_of_a_day(day, first):
    assert list(pythons_of(day))[:3] == first


def test_a_python_that_is_not_known_is_no_limit():
    assert supported_since(99) == date.min
    assert supported_since(9) == date(2021, 2, 2)


class Index:
    """Installs like uv: `hidden` packages have no version of the time, and fail one after the other."""

    def __init__(self, *hidden: str) -> None:
        self.hidden, self.calls = hidden, 0

    def install(self, arguments: list[str]) -> None:
        self.calls += 1
        assert arguments[:2] == ["--exclude-newer", "2022-06-01T23:59:59Z"]
        for name in self.hidden:
            if f"{name}=false" not in arguments:
                text = f"hint: `{name}` was filtered by `exclude-newer` to only include packages uploaded before"
                raise CommandFailedError(("uv",), code=1, error=text)


def test_packages_without_a_version_of_the_time_are_exempt():
    index = Index("acme", "other-pages")
    cutoff = install_as_of(index.install, date(2022, 6, 1))
    assert cutoff == Cutoff(date(2022, 6, 1), ("acme", "other-pages"))
    assert index.calls == 3
    assert cutoff.note(" (the date of the commits)") == (
        "Only packages that were uploaded until 2022-06-01 (the date of the commits) are used, "
        "except of acme, other-pages, whose index shows no version of that time."
    )


def test_an_index_that_knows_no_times_is_given_up():
    index = Index(*(f"package-{number}" for number in range(50)))
    with pytest.raises(CommandFailedError):
        install_as_of(index.install, date(2022, 6, 1))
    assert index.calls < 20


def test_other_failures_stay_what_they_are():
    def install(arguments):
        raise CommandFailedError(("uv",), code=1, error="no solution found")

    with pytest.raises(CommandFailedError, match="no solution"):
        install_as_of(install, date(2022, 6, 1))


def test_arguments_without_a_date():
    given = ["--index", "A", "--exclude-newer", "2022-01-01", "--find-links", "B", "--exclude-newer=2022-01-01"]
    assert without_date(given) == ("--index", "A", "--find-links", "B")
