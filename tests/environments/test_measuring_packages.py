import pytest

from tasks.environments.measuring_packages import MeasuringPackages, too_old


@pytest.mark.parametrize(
    ("line", "minor", "is_old"),
    [
        ("pytest==3.7.1", 9, True),
        ("pytest<4,>=3.7", 9, True),
        ("pytest~=3.0", 9, True),
        ("pytest==3.*", 9, True),
        ("pytest<=4.5", 9, True),
        ("pytest==5.4.3", 9, False),
        ("pytest<6,>=5.2", 9, False),
        ("pytest==5.4.3", 11, True),
        ("pytest<6,>=5.2", 11, True),
        ("pytest==6.2.5", 12, False),
        ("pytest>=3", 12, False),
        ("pytest~=6.0", 12, False),
        ("pytest", 12, False),
        ("PyTest_Benchmark==3.1.1", 12, True),
        ("pytest-benchmark==3.4.1", 12, False),
        ("memray==1.9.1", 12, False),
        ("memray<1.1", 12, True),
        ("rich==1.0", 12, False),
        ("pytest===nightly", 12, False),
        ("pytest<5; python_version < '3.8'", 12, False),
        ("pytest<5; python_version >= '3.8'", 12, True),
        ("pytest===4.0", 12, True),
        ("pytest>60", 12, False),
        ("pytest>4,<6.2.0", 12, True),
        ("pytest!=6.2", 12, False),
        ("pytest!=6.2.*,<7", 12, False),
        ("pytest!=6.*,<7", 12, True),
        ("pytest<6.2.1,>6.2", 12, False),
        ("pytest==7.0.0rc1", 12, False),
        ("pytest @ https://example.org/pytest.zip", 12, False),
        ("-r requirements.txt", 12, False),
    ],
)
def test_versions_that_are_too_old_to_measure_with(line, minor, is_old):
    assert list(too_old([line], minor)) == ([line] if is_old else [])


@pytest.mark.parametrize(
    ("installed", "locked", "wanted"),
    [
        ((), (), ">=3.2.2"),
        (("pytest==8.4.2", "tables==1"), (), ">=4"),
        (("PyTest==6.2.5", "py==1.11.0"), (), ">=3.2.2"),
        (("pytest==5.3.5", "py==1.11.0"), (), ">=3.2.2,<4"),
        (("tables==1",), ("pytest==4.6.11; python_version > '3'",), ">=3.2.2,<4"),
        ((), ("pytest==nightly",), ">=3.2.2"),
        (("pytest==7.0.1", "py==1.11.0"), ("pytest==4.6.11",), ">=3.2.2"),
    ],
)
def test_the_pytest_benchmark_that_runs_with_the_projects_pytest(installed, locked, wanted):
    packages = MeasuringPackages(installed, locked, (), as_of=None, minor=9, own_name="pages")
    assert packages.benchmark_requirement == f"pytest-benchmark{wanted}"
