import pytest

from tasks.environments.diagnoses import diagnose
from tasks.environments.tracebacks import foreign_use
from tests.support.projects import Files

TREE = Files(
    {
        "textkit/__init__.py": """
            import httpx
            from yarl import URL
            from textkit.tables import Table

            def total():
                return httpx.AsyncClient(app=1)
        """,
        "textkit/tables.py": "class Table:\n    def __init__(self, rows): ...\n\ndef _rows(): ...\n",
        "tests/test_total.py": "import httpx\n",
    }
)
PACKAGES = ("flask==2.0.1", "httpx==0.28.1", "pyyaml==6.0", "werkzeug==3.0.1", "yarl==1.9")
BENCHMARK = "tests/test_total.py:5: in test_total\n    assert benchmark(total) == 1\n"
WORKER = (
    "/x/prprep_worker/benchmark/calls.py:75: in _call\n    value = self.function(*args, **kwargs)\n            ^^^^^\n"
)
PROJECT = BENCHMARK + WORKER + "textkit/__init__.py:{line}: in total\n    {source}\n"
PLAIN = """
  File "textkit/__init__.py", line 3, in <module>
    import werkzeug.contrib.cache
ModuleNotFoundError: No module named 'werkzeug.contrib'
"""
FLASK = "environments/dependencies/0a/lib/python3.11/site-packages/flask/app.py:30: in <module>\n    from a import b\n"


def fails(source: str, error: str, line: int = 7) -> str:
    return PROJECT.format(source=source, line=line) + f"E   {error}"


def use(output: str):
    return foreign_use(output, trees=[TREE], own=("textkit",), packages=PACKAGES)


FOREIGN = {
    "a keyword that the package no longer has": (
        fails("httpx.AsyncClient(app=1)", "TypeError: AsyncClient.__init__() got an unexpected keyword argument 'app'"),
        ("AsyncClient.__init__", "httpx 0.28.1", "the project's own code (textkit/__init__.py:7)"),
    ),
    "the same in Python 3.9, which names no class": (
        fails("return URL(Table([]), fast=1)", "TypeError: __init__() got an unexpected keyword argument 'fast'"),
        ("__init__", "yarl 1.9", "the project's own code (textkit/__init__.py:7)"),
    ),
    "a method of a class that no import names": (
        fails("client.send(1)", "TypeError: Client.send() missing 1 required positional argument: 'stream'"),
        ("Client.send", "packages", "the project's own code (textkit/__init__.py:7)"),
    ),
    "a name between two packages": (
        FLASK + "E   ImportError: cannot import name 'url_quote' from 'werkzeug.urls' (/x/werkzeug/urls.py)",
        ("url_quote", "werkzeug 3.0.1", "the installed flask"),
    ),
    "an attribute of a package": (
        fails("yaml.load(x)", "AttributeError: module 'yaml' has no attribute 'load'"),
        ("load", "pyyaml 6.0", "the project's own code (textkit/__init__.py:7)"),
    ),
    "a module of a package, in a plain traceback": (
        PLAIN,
        ("werkzeug.contrib", "werkzeug 3.0.1", "the project's own code (textkit/__init__.py:3)"),
    ),
    "Python's own library": (
        fails("inspect.getargspec(f)", "AttributeError: module 'inspect' has no attribute 'getargspec'"),
        ("getargspec", "inspect", "the project's own code (textkit/__init__.py:7)"),
    ),
    "a warning filter": (
        FLASK.replace("flask/app", "_pytest/config/__init__")
        + "E   AttributeError: module 'yaml' has no attribute 'OldWarning'",
        ("OldWarning", "pyyaml 6.0", "the project's configuration of pytest"),
    ),
    "the benchmark itself": (
        BENCHMARK + "E   ImportError: cannot import name 'Gone' from 'httpx' (/x/httpx/__init__.py)",
        ("Gone", "httpx 0.28.1", "the benchmark (tests/test_total.py:5)"),
    ),
}
OWN = {
    "the benchmark's call of the target": BENCHMARK
    + WORKER
    + "E   TypeError: total() got an unexpected keyword argument",
    "the benchmark's call of a helper": BENCHMARK
    + "E   TypeError: Table() missing 1 required positional argument: 'a'",
    "the project's call of itself": fails(
        "_rows(1)", "TypeError: _rows() takes 0 positional arguments but 1 was given"
    ),
    "the project's class": fails("Table()", "TypeError: __init__() missing 1 required positional argument: 'rows'"),
    "the project's module": fails(
        "a()", "ImportError: cannot import name 'gone' from 'textkit.tables' (textkit/tables.py)"
    ),
    "a module that is not installed": fails("import a.b", "ModuleNotFoundError: No module named 'nothing.like_it'"),
    "another error": fails("httpx.get(1)", "ValueError: no"),
}


@pytest.mark.parametrize(("output", "expected"), FOREIGN.values(), ids=FOREIGN)
def test_uses_of_packages_that_do_not_fit(output, expected):
    found = use(output)
    assert (found.it, found.values["package"], found.caller) == expected


@pytest.mark.parametrize("output", OWN.values(), ids=OWN)
def test_failures_that_no_package_causes(output):
    assert use(output) is None


def test_the_diagnosis_names_whose_code_failed_and_the_cure():
    output = FOREIGN["a keyword that the package no longer has"][0]
    found = diagnose(output, "benchmark", uses="package", values=use(output).values)
    assert found.cause == (
        "the project's own code (textkit/__init__.py:7) does not fit the installed httpx 0.28.1: "
        "it uses `AsyncClient.__init__` as another version has it"
    )
    assert found.hint == ("install the version that it was written for, such as `env: {install: ['httpx<0.28']}`")
    unknown = FOREIGN["a method of a class that no import names"][0]
    found = diagnose(unknown, "benchmark", uses="package", values=use(unknown).values)
    assert "does not fit the installed packages" in found.cause
    assert "`env: {install: ['PACKAGE==VERSION']}`" in found.hint
    assert diagnose(output, "benchmark").diagnosis.name == "signature-differs"
    assert diagnose(output, "benchmark", uses="python").diagnosis.name == "python-changed"
