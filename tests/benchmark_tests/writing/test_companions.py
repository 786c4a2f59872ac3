from __future__ import annotations

from textwrap import dedent

import pytest

from tasks.benchmark_tests.writing.companions import companions, own_fixture

BENCHMARK = "tests/benchmarks/test_benchmark_f.py"


class Files:
    """A tree of literal files."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        return dedent(self.files[path]).encode() if path in self.files else None


SIZED = "import pytest\n@pytest.fixture\ndef pages(): return [0] * SIZE\n"
FIXTURE = "import pytest\n@pytest.fixture\ndef {}({}): ...\n"


@pytest.mark.parametrize(
    ("text", "files", "expected"),
    [
        pytest.param(
            "def test_f(benchmark): ...",
            {"tests/benchmarks/conftest.py": FIXTURE.format("pages", "")},
            [],
            id="uses nothing",
        ),
        pytest.param(
            "def test_f(benchmark, pages): ...",
            {"tests/benchmarks/conftest.py": FIXTURE.format("pages", ""), "tests/benchmarks/__init__.py": ""},
            ["tests/benchmarks/conftest.py"],
            id="a fixture",
        ),
        pytest.param(
            "class TestF:\n  def test_f(self, benchmark, pages): ...",
            {
                "tests/benchmarks/conftest.py": FIXTURE.format("pages", "book"),
                "tests/conftest.py": FIXTURE.format("book", ""),
            },
            ["tests/benchmarks/conftest.py", "tests/conftest.py"],
            id="a fixture of a fixture further up",
        ),
        pytest.param(
            "def test_f(pages): ...",
            {
                "tests/benchmarks/conftest.py": FIXTURE.format("pages", ""),
                "tests/conftest.py": FIXTURE.format("pages", ""),
            },
            ["tests/benchmarks/conftest.py"],
            id="the nearest of two",
        ),
        pytest.param(
            FIXTURE.format("pages", "") + "def test_f(pages): ...",
            {"tests/benchmarks/conftest.py": FIXTURE.format("pages", "")},
            [],
            id="its own fixture",
        ),
        pytest.param(
            "@pytest.mark.usefixtures('pages')\ndef test_f(): ...",
            {"conftest.py": "from pytest import fixture\n@fixture(name='pages')\ndef _pages(): ..."},
            ["conftest.py"],
            id="by mark and by name",
        ),
        pytest.param(
            "def test_f(request):\n  request.getfixturevalue('pages')",
            {"conftest.py": FIXTURE.format("pages", "")},
            ["conftest.py"],
            id="asked for while running",
        ),
        pytest.param(
            "from ._pages import make\nfrom . import more",
            {
                "tests/__init__.py": "",
                "tests/benchmarks/__init__.py": "",
                "tests/benchmarks/_pages.py": "from .deeper import x",
                "tests/benchmarks/deeper.py": "",
                "tests/benchmarks/more.py": "",
                "tests/benchmarks/not_imported.py": "",
            },
            [
                "tests/__init__.py",
                "tests/benchmarks/__init__.py",
                "tests/benchmarks/_pages.py",
                "tests/benchmarks/deeper.py",
                "tests/benchmarks/more.py",
            ],
            id="relative imports",
        ),
        pytest.param(
            "from tests.benchmarks.pages import make\nimport json, p.pages",
            {
                "tests/benchmarks/__init__.py": "",
                "tests/benchmarks/pages.py": "",
                "p/pages.py": "",
                "tests/other.py": "",
            },
            ["tests/benchmarks/__init__.py", "tests/benchmarks/pages.py"],
            id="absolute import through the package",
        ),
        pytest.param(
            "import pages",
            {"tests/benchmarks/__init__.py": "", "tests/benchmarks/pages.py": "import test_benchmark_f"},
            ["tests/benchmarks/pages.py"],
            id="a sibling",
        ),
        pytest.param(
            "from ._pages import make\nPAGE = Path(__file__).with_name('page.json')",
            {
                "tests/benchmarks/_pages.py": "open(Path(__file__).parent / 'data' / 'more.bin')",
                "tests/benchmarks/page.json": "[]",
                "tests/benchmarks/data/more.bin": "x",
                "tests/benchmarks/data/other.bin": "x",
                "tests/benchmarks/__init__.py": "",
            },
            [
                "tests/benchmarks/__init__.py",
                "tests/benchmarks/_pages.py",
                "tests/benchmarks/data/more.bin",
                "tests/benchmarks/page.json",
            ],
            id="data that it and its siblings read",
        ),
        pytest.param(
            "from ...deep import x", {"deep.py": "", "tests/benchmarks/deep.py": ""}, [], id="out of the folder"
        ),
        pytest.param(
            "from tests.helpers import make\nfrom ..data import more\nimport pkg.core",
            {
                "tests/helpers.py": "from .deeper import x\nimport pkg.core",
                "tests/deeper.py": "",
                "tests/data/__init__.py": "",
                "tests/data/more.py": "open(Path(__file__).parents[1] / 'items.json')",
                "tests/items.json": "[]",
                "pkg/core.py": "",
                "tests/__init__.py": "",
                "tests/benchmarks/__init__.py": "",
            },
            [
                "tests/__init__.py",
                "tests/benchmarks/__init__.py",
                "tests/data/__init__.py",
                "tests/data/more.py",
                "tests/deeper.py",
                "tests/helpers.py",
                "tests/items.json",
            ],
            id="helpers and data in parent folders, and no code of the project",
        ),
        pytest.param(
            "def test_f(benchmark): ...",
            {
                "conftest.py": "import helpers\n"
                + FIXTURE.format("pages", "").replace("fixture", "fixture(autouse=True)"),
                "tests/helpers.py": "",
            },
            ["conftest.py"],
            id="a fixture that is always used",
        ),
        pytest.param("def test_f(:", {"conftest.py": FIXTURE.format("f", "")}, [], id="no Python"),
    ],
)
def test_companions_of_a_benchmark(text: str, files: dict[str, str], expected: list[str]) -> None:
    assert [companion.path for companion in companions(BENCHMARK, text.encode(), Files(files).read)] == expected


@pytest.mark.parametrize(
    ("path", "mine", "theirs", "served"),
    [
        ("tests/benchmarks/conftest.py", FIXTURE.format("pages", ""), None, False),
        ("tests/benchmarks/conftest.py", FIXTURE.format("pages", ""), FIXTURE.format("pages", ""), True),
        ("tests/benchmarks/conftest.py", FIXTURE.format("pages", ""), FIXTURE.format("pages", "") + "# more\n", False),
        ("tests/conftest.py", FIXTURE.format("pages", ""), "import json\n" + FIXTURE.format("pages", ""), True),
        ("tests/conftest.py", FIXTURE.format("pages", ""), FIXTURE.format("pages", "tmp_path"), False),
        ("tests/conftest.py", FIXTURE.format("pages", ""), FIXTURE.format("others", ""), False),
        ("tests/conftest.py", "SIZE = 3\n" + SIZED, "OTHER = 1\nSIZE = 3\n" + SIZED, True),
        ("tests/conftest.py", "SIZE = 3\n" + SIZED, "SIZE = 4\n" + SIZED, False),
        (
            "tests/conftest.py",
            SIZED + "SIZE = make(1)\ndef make(x): return x\n",
            SIZED + "SIZE = make(1)\ndef make(x): return 2\n",
            False,
        ),
    ],
)
def test_companions_that_the_other_side_serves(path: str, mine: str, theirs: str | None, *, served: bool) -> None:
    [companion] = companions(BENCHMARK, b"def test_f(pages): ...", Files({path: mine}).read)
    assert companion.is_satisfied_by(theirs.encode() if theirs else None, folder="tests/benchmarks") is served


@pytest.mark.parametrize("folder", ["tests/benchmarks", "tests/benchmarks/data"])
def test_data_files_must_be_equal(folder: str) -> None:
    text = b"open(Path(__file__).parent / 'a.json')\nopen(Path(__file__).parent / 'data' / 'a.json')"
    [companion] = companions(BENCHMARK, text, Files({f"{folder}/a.json": "[1]"}).read)
    assert [companion.is_satisfied_by(other, folder="tests/benchmarks") for other in (b"[1]", b"[2]", None)] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("mine", "theirs", "served"),
    [
        ("os.environ['ITEMS'] = '30'", "import os\nos.environ['ITEMS'] = '3'", False),
        ("if CI:\n    os.environ['ITEMS'] = '30'", "if CI:\n    os.environ['ITEMS'] = '3'", False),
        ("_ = os.environ.setdefault('ITEMS', '30')", "_ = os.environ.setdefault('ITEMS', '3')", False),
        ("for name in NAMES:\n    use(name)\nNAMES = 'ab'", "for name in NAMES:\n    use(name)\nNAMES = 'a'", False),
        (
            "def pytest_generate_tests(metafunc):\n    metafunc.parametrize('size', SIZES)\nSIZES = [30]",
            "def pytest_generate_tests(metafunc):\n    metafunc.parametrize('size', SIZES)\nSIZES = [3]",
            False,
        ),
        ("pytest_plugins = ['tests.large']", "pytest_plugins = ['tests.small']", False),
        ("random.seed(1)", "import json\nOTHER = 2\nrandom.seed(1)", True),
    ],
)
def test_what_pytest_runs_of_a_conftest_for_every_test_must_be_equal(mine, theirs, served):
    [companion] = companions(BENCHMARK, b"def test_f(benchmark): ...", Files({"conftest.py": mine}).read)
    assert companion.is_satisfied_by(theirs.encode(), folder="tests/benchmarks") is served
    assert companion.why == "pytest runs it"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\nusefixtures = pages\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nusefixtures = ['pages']\n"),
    ],
)
def test_fixtures_that_the_configuration_uses_for_every_test_are_needed(name, text):
    files = Files({"tests/conftest.py": FIXTURE.format("pages", ""), name: text})
    [companion] = companions(BENCHMARK, b"def test_f(benchmark): ...", files.read)
    assert companion.why == "it uses `pages`"


def test_packages_of_tests_must_be_equal_and_those_of_the_project_exist():
    files = Files({"tests/__init__.py": "SIZE = 30", "tests/pages.py": ""})
    package, _ = companions("tests/test_f.py", b"from . import pages", files.read)
    assert not package.is_satisfied_by(b"SIZE = 3", folder="tests")
    files = Files({"pkg/__init__.py": "x = 1", "pkg/tests/__init__.py": "", "pkg/tests/pages.py": ""})
    package, *_ = companions("pkg/tests/test_f.py", b"from . import pages", files.read)
    assert package.path == "pkg/__init__.py"
    assert package.is_satisfied_by(b"other = 1", folder="pkg/tests")
    assert not package.is_satisfied_by(None, folder="pkg/tests")


@pytest.mark.parametrize(
    ("parameters", "found"),
    [("", True), ("request", True), ("benchmark", False), ("benchmark, request", False)],
)
@pytest.mark.parametrize("path", ["tests/conftest.py", BENCHMARK])
def test_a_fixture_that_replaces_that_of_pytest_benchmark_is_found(path, parameters, found):
    fallback = "try:\n    import plugin\nexcept ImportError:\n    " + FIXTURE.replace("\n", "\n    ")
    files = Files({path: fallback.format("benchmark", parameters), "conftest.py": ""})
    assert own_fixture(BENCHMARK, files.read) == (path if found else "")
