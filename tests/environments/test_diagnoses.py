"""Every diagnosis, with its real failure; see test_builder and test_installer for those of environments."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.bench.observing.watching import watch
from tasks.environments.declared import requirement_for
from tasks.environments.diagnoses import diagnose, tables
from tasks.errors import MeasuringError
from tasks.processes.progress import silent
from tasks.project.files import FolderTree, Project
from tests.support.diagnosis_examples import EXAMPLES, VALUES
from tests.support.mistakes import BENCHMARK as PLACE
from tests.support.mistakes import CODE, LIGHT, MEASURES, compare, item, target
from tests.support.pages import diagnosis_pages
from tests.support.pairs import pair

DOCS = Path(__file__).parents[2] / "docs"


def failing(line, *, before=""):
    """Return a benchmark that runs `line` before it measures."""
    return f"{before}{MEASURES.replace('(benchmark):', f'(benchmark):{chr(10)}    {line}')}"


def importing(text):
    return f"{text}\n{MEASURES}"


COMPILED = """
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import tempfile

folder = pathlib.Path(tempfile.mkdtemp())
(folder / "a.c").write_text("int not_there(void); int here(void) {{ return {call}; }}")
(folder / "b.c").write_text("int not_there(void) {{ return 0; }}")
subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "libnotthere.so", folder / "b.c"], check=True)
subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "a.so", folder / "a.c", *{link}], check=True)
(folder / "libnotthere.so").unlink()
loader = importlib.machinery.ExtensionFileLoader("a", str(folder / "a.so"))
spec = importlib.util.spec_from_file_location("a", folder / "a.so", loader=loader)
importlib.util.module_from_spec(spec)
"""
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
PROPERTY = "class Thing:\n    @property\n    def name(self):\n        return 1\n\n\n"

# By diagnosis: the files of head, a part of the cause, and settings of the item.
FAILURES = {
    "lfs-pointer": (
        {PLACE: failing("text = open('data/tables.json').read()\n    assert text[0] == '[', text")},
        "Git LFS pointer",
        {},
    ),
    "module-missing": (
        {PLACE: importing("import nothing_like_it")},
        "the module `nothing_like_it` is not in the environment",
        {},
    ),
    "shared-library-missing": (
        {PLACE: importing(COMPILED.format(call="not_there()", link='["-L", folder, "-lnotthere"]'))},
        "the system library libnotthere.so is missing",
        {},
    ),
    "binary-mismatch": (
        {PLACE: importing(COMPILED.format(call="not_there()", link="[]"))},
        "was built for another version",
        {},
    ),
    "pytest-itself": ({"pluggy/__init__.py": "OLD = True\n"}, "pytest itself depends on this project", {}),
    "package-changed": (
        {CODE: f"import pluggy\n\n{LIGHT}\npluggy.PluginManager('textkit', fast=True)\n"},
        "the project's own code (textkit/__init__.py:6) does not fit the installed pluggy ",
        {},
    ),
    "python-changed": (
        {CODE: f"import inspect\n\n{LIGHT}\ninspect.getargspec(total)\n"},
        "the project's own code (textkit/__init__.py:6) is written for another Python",
        {},
    ),
    "conftest-needs-file": (
        {"tests/conftest.py": "def pytest_generate_tests():\n    open('data/cases.json')\n"},
        "a conftest.py of the project needs data/cases.json",
        {},
    ),
    "name-missing": (
        {CODE: LIGHT + "\n\ndef added():\n    return total()\n", PLACE: MEASURES.replace("total", "added")},
        "`added` does not exist on this side",
        {"functions": "textkit:total"},
    ),
    "signature-differs": (
        {
            CODE: LIGHT.replace("(size=1000)", "(size=1000, fast=True)", 1),
            PLACE: MEASURES.replace("(total)", "(total, fast=True)"),
        },
        "`total` has another signature",
        {},
    ),
    "newer-python": (
        {PLACE: importing("def newer(value -> int: return value")},
        "written for another version, or broken",
        {},
    ),
    "option-required": (
        {
            "tests/conftest.py": "def pytest_addoption(parser):\n"
            "    parser.addoption('--size', type=int, required=True)\n"
        },
        "a conftest of the project requires pytest's option `--size`",
        {},
    ),
    "plugin-not-importable": (
        {"pytest.ini": "[pytest]\naddopts = -p nothing_like_it\n"},
        "pytest cannot import the plugin `nothing_like_it`",
        {},
    ),
    "fixture-missing": (
        {PLACE: MEASURES.replace("(benchmark)", "(benchmark, tables)")},
        "the fixture `tables` does not exist",
        {},
    ),
    "async-unsupported": (
        {PLACE: MEASURES.replace("def test", "async def test")},
        "no plugin in this environment runs asynchronous tests",
        {},
    ),
    "marker-unknown": (
        {
            PLACE: MEASURES.replace("def test", "@pytest.mark.slowly\ndef test").replace(
                "\nfrom", "\nimport pytest\nfrom", 1
            ),
            "pytest.ini": "[pytest]\nstrict_markers = true\n",
        },
        "the marker `slowly` belongs to a plugin",
        {},
    ),
    "option-unknown": (
        {"pytest.ini": "[pytest]\nstrict_config = true\nno_such_option = 1\n"},
        "pytest does not know `no_such_option`",
        {},
    ),
    "pytest-too-old": (
        {"pytest.ini": "[pytest]\nminversion = 99.0\n"},
        "the project requires pytest 99.0 or newer",
        {},
    ),
    "property-has-no-setter": ({PLACE: failing("Thing().name = 2", before=PROPERTY)}, "a property without setter", {}),
    "skipped": ({PLACE: failing('__import__("pytest").skip("not here")')}, "own mark or condition", {}),
    "out-of-memory": ({PLACE: failing("bytearray(1 << 55)")}, "not enough memory", {}),
    "killed": (
        {PLACE: failing('__import__("os").kill(__import__("os").getpid(), 11)')},
        "crashed the process (SIGSEGV)",
        {},
    ),
    "disk-full": ({PLACE: failing('open("/dev/full", "w").write("x" * 9999)')}, "the disk is full", {}),
    "environment-variable-missing": (
        {PLACE: failing('__import__("os").environ["TEXTKIT_API_TOKEN"]')},
        "reads the environment variable TEXTKIT_API_TOKEN",
        {},
    ),
    "no-network": (
        {PLACE: failing('__import__("socket").create_connection(("127.0.0.1", 1))')},
        "uses the network",
        {},
    ),
    "settings-missing": (
        {PLACE: failing('__import__("django.conf").conf.settings.DATABASES')},
        "Django is used without settings",
        {"env": {"install": ["django"]}},
    ),
    "file-missing": (
        {PLACE: failing('open("data/pages.json")')},
        "the file data/pages.json is not in this side's tree",
        {},
    ),
    "not-allowed": ({PLACE: failing('__import__("os").mkdir("/sys/prprep")')}, "has no permission for a file", {}),
    "conftest-fails": (
        {"tests/conftest.py": 'raise RuntimeError("not here")\n'},
        "a conftest.py of the project cannot be imported",
        {},
    ),
}
REPAIRED = {PLACE: importing("import dateutil").replace("(benchmark)", "(benchmark, mocker)")}
REPAIRS = (
    "python-dateutil was installed for all sides, since the module `dateutil` is not in the environment",
    "pytest-mock was installed for all sides, since the fixture `mocker` does not exist",
)
MISSING = {
    "requests": {
        "pytest.ini": "[pytest]\nfilterwarnings =\n    error\n    ignore::requests.exceptions.RequestsWarning\n"
    },
    "pyyaml": {"tests/conftest.py": "import pytest\n\npytest.importorskip('yaml')\n"},
}
"""Files of a project by the package that they need."""


# What prprep adds to the message depends on these projects, commits and settings; of the others on the message alone.
IN_A_RUN = (
    *("lfs-pointer", "module-missing", "pytest-itself", "package-changed", "python-changed", "name-missing"),
    *("signature-differs", "settings-missing", "file-missing"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run failures, each on a branch of its own, in one run."""
    repo = target(tmp_path_factory.mktemp("diagnoses"), {"data/tables.json": POINTER})
    for name, files in {**{name: FAILURES[name][0] for name in IN_A_RUN}, "repaired": REPAIRED}.items():
        repo.branch(name, "main")
        repo.commit({CODE: LIGHT, **files}, f"Fail by {name}")
    repo.checkout("main")  # a benchmark of the work tree that differs would be taken for one that is being edited
    return compare(repo, *(item(name, **FAILURES[name][2]) for name in IN_A_RUN), item("repaired"))


def entry_of(name):
    return next(each for each in tables()["benchmark"] if each.name == name)


@pytest.mark.slow(0.5)
@pytest.mark.parametrize("name", IN_A_RUN)
def test_a_failure_of_a_run_has_cause_and_hint(run, name):
    entry, message = entry_of(name), run.failure(name)
    assert FAILURES[name][1] in message
    found = diagnose(message, "benchmark", uses=entry.uses)
    assert found.diagnosis is entry
    assert re.fullmatch(re.escape(found.hint).replace(r"\{older\}", r"pluggy<1\.\d+"), message.splitlines()[-1].strip())


def message_of(folder, files):
    """Return how a benchmark fails in a project of these files."""
    request = pair(folder, head={CODE: LIGHT, PLACE: MEASURES, **files}, benchmark=PLACE)
    request = replace(request, head=replace(request.head, path_entries=(request.head.tree,)))
    with pytest.raises(MeasuringError) as raised:
        watch(request, "head", lines={}, report=silent)
    return raised.value.what


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FAILURES.keys() - IN_A_RUN))
def test_a_failure_is_recognised(tmp_path, name):
    found = diagnose(message_of(tmp_path, FAILURES[name][0]), "benchmark")
    assert found.diagnosis is entry_of(name)
    assert FAILURES[name][1] in found.cause


@pytest.mark.slow
@pytest.mark.parametrize("package", MISSING)
def test_a_missing_package_is_recognised(tmp_path, package):
    found = diagnose(message_of(tmp_path, MISSING[package]), "benchmark")
    assert requirement_for(found, Project(FolderTree(tmp_path / "head"), ""), ("textkit",), "3.11.7") == package


@pytest.mark.parametrize(
    ("module", "declared", "repair"),
    [
        ("pkg_resources", "", "setuptools<81"),
        ("pkg_resources", "setuptools; python_version >= '3.12'", "setuptools<81"),
        ("pkg_resources", "setuptools>=60  # for entry points", "setuptools<81,>=60"),
        ("setuptools", "setuptools>=60", "setuptools>=60"),
        ("pkg_resources", "setuptools @ https://example.org/setuptools.zip", None),
        ("chardet", "chardet>=5; python_version >= '3.12'", ""),
        ("chardet", "chardet>=5; python_version >= '3.12'\nchardet<5; python_version < '3.12'", "chardet<5"),
        ("chardet", "chardet>=3", "chardet>=3"),
    ],
)
def test_a_missing_module_is_installed_as_the_project_has_it_for_this_python(tmp_path, module, declared, repair):
    (tmp_path / "requirements.txt").write_text(declared)
    found = diagnose(f"ModuleNotFoundError: No module named '{module}'", "benchmark")
    requirement = requirement_for(found, Project(FolderTree(tmp_path), ""), ("textkit",), "3.11.7")
    assert requirement.partition(";")[0] == (declared if repair is None else repair)


@pytest.mark.slow
@pytest.mark.parametrize("message", REPAIRS)
def test_known_packages_are_installed_for_all_sides(run, message):
    comparison = run.comparison("repaired")
    assert message in comparison.repairs
    body = run.body("repaired").replace("`", "").replace("<code>", "").replace("</code>", "").replace("\\", "")
    assert message.replace("`", "") in body
    package = message.split()[0]
    for side in (comparison.base, comparison.head):
        assert any(each.partition("==")[0] == package for each in side.packages)


# From codeflash 0.20.6 and its tests; test_codeflash has the real failures of those that can occur in prprep.
@pytest.mark.parametrize("entry", tables()["benchmark"], ids=lambda entry: entry.name)
def test_every_entry_has_a_failure(entry):
    assert entry.name in FAILURES


@pytest.mark.parametrize(("table", "entry"), [(name, entry) for name, entries in tables().items() for entry in entries])
def test_the_example_of_each_entry_is_recognised(table, entry):
    tried = (table, "benchmark") if table == "codeflash" else (table,)
    match = diagnose(EXAMPLES[table][entry.name], *tried, uses=entry.uses, values=VALUES.get(entry.name))
    assert match.diagnosis == entry
    assert not re.search(r"\{\w+\}", match.cause + match.hint)


def test_there_is_a_page_for_each_diagnosis_and_they_are_those_of_the_table():
    pages = diagnosis_pages()
    if os.environ.get("PRPREP_WRITE_GOLDEN"):
        for path, text in pages.items():
            (DOCS / path).parent.mkdir(exist_ok=True)
            (DOCS / path).write_text(text, encoding="utf-8")
    assert {f"diagnoses/{path.name}" for path in (DOCS / "diagnoses").iterdir()} == pages.keys() - {"diagnoses.md"}
    assert [path for path, text in pages.items() if (DOCS / path).read_text(encoding="utf-8") != text] == []


@pytest.mark.parametrize(
    ("output", "package"),
    [
        ("RuntimeError: The app.testclient module requires the httpx package to be installed.", "httpx"),
        ("ImportError: to read tables, run `pip install pandas`", "pandas"),
        ("the docs say: pip install pandas", None),
        # pandas, openpyxl, scikit-learn, fastapi, hypothesis, tqdm, plotly
        ("ImportError: Missing optional dependency 'openpyxl'.  Use pip or conda to install openpyxl.", "openpyxl"),
        (
            "ImportError: plot requires matplotlib. You can install matplotlib with `pip install matplotlib`",
            "matplotlib",
        ),
        ('RuntimeError: Form data requires "python-multipart" to be installed. ', "python-multipart"),
        ("ImportError: IProgress not found. Please pip install ipywidgets.", "ipywidgets"),
        ("ValueError: Image export requires the 'kaleido' package.\nInstall it with pip", "kaleido"),
        ("ImportError: please run: python -m pip install zope.interface==5.0 first", "zope.interface"),
        ("ModuleNotFoundError: No module named 'yaml'", "yaml"),
        # prose, extras, addresses, files and options name no package
        ("ImportError: the reader is missing, please pip install it", None),
        ("RuntimeError: use pip install from source", None),
        ("RuntimeError: pip install command failed", None),
        ("ImportError: email-validator is not installed, run `pip install pydantic[email]`", None),
        ("ImportError: run `pip install git+https://example.org/tables`", None),
        ("ImportError: run `pip install path/to/wheel.whl`", None),
        ("ImportError: run `pip install -r requirements.txt`", None),
        ("ValueError: the archive requires the following package names", None),
        ("ValueError: the label requires the right package size", None),
        ("TypeError: No module named tables was given", None),
        ("RuntimeError: this requires the same package", None),
    ],
)
def test_packages_that_an_error_asks_for_are_missing(output, package):
    found = diagnose(output, "benchmark")
    assert (found and (found.diagnosis.name, found.text)) == (package and ("module-missing", package))


def test_unknown_names_are_not_installed():
    found = diagnose("ModuleNotFoundError: No module named 'yamll'", "benchmark")
    assert (found.text, found.requirement) == ("yamll", "")
    # Python names the first module that is missing: this `yaml` is there, in another version or from another package.
    assert diagnose("ModuleNotFoundError: No module named 'yaml.reader'", "benchmark").requirement == ""
    filters = "Failed to import filter module 'requests.exceptions'"
    assert diagnose(filters, "benchmark").requirement == "requests"
    # What is to be installed is a distribution already.
    assert diagnose("ImportError: use `pip install pillow`", "benchmark").requirement == "pillow"
    assert diagnose("all is well", "benchmark") is None


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("the benchmark failed as its xfail mark expects on base:", "skipped"),
        ("E   KeyError: 'user_id'", None),
        ("<frozen os>:679: in __getitem__\n    ???\nE   KeyError: 'HF_TOKEN'", "environment-variable-missing"),
        ("E   AttributeError: 'Parser' object has no attribute 'fast'", "name-missing"),
        ("E   IndentationError: unexpected indent", "newer-python"),
        ("it was killed by signal 9 (SIGKILL) before", "out-of-memory"),
        ("it was killed by signal 6 (SIGABRT) before", "killed"),
        ("Missing required plugins: pytest-mock", "option-unknown"),
    ],
)
def test_patterns(output, name):
    found = diagnose(output, "benchmark")
    assert (found and found.diagnosis.name) == name
