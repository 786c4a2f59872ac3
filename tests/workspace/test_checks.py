from __future__ import annotations

import pytest

from tasks import git
from tasks.errors import SourceError
from tasks.manifest.reader import read
from tasks.workspace import checks
from tasks.workspace.checks import function_lookup
from tests.support.targets import TargetRepo
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A repository with the branches `main`, `perf/tables`, `perf/merge`, `broken` and `moved`, the tag `v1` and a branch of origin's."""
    repo = TargetRepo(
        tmp_path_factory.mktemp("target"),
        {
            "pyproject.toml": "[project]\nname = 'pages'\nversion = '1'\n",
            "pages/__init__.py": "",
            "pages/tables.py": "def extract(page):\n    return page\n",
        },
    )
    repo.git("tag", "-a", "-m", "one", "v1")
    repo.branch("perf/tables")
    repo.commit({"pages/tables.py": "class Table:\n    def rows(self):\n        return []\n"})
    repo.branch("perf/merge", "main")
    repo.commit({"pages/text.py": "def merge(parts):\n    return ''.join(parts)\n"})
    repo.branch("broken", "main")
    repo.commit({"pages/odd.py": "def f(:\n"})
    repo.branch("moved", "main")
    modules = '[submodule "pages"]\n\tpath = pages\n\turl = https://example.org/pages.git\n'
    repo.commit({"pages/__init__.py": None, "pages/tables.py": None, ".gitmodules": modules})
    repo.git("update-ref", "refs/remotes/origin/perf/remote", "perf/merge")
    repo.checkout("main")
    return repo


def loaded(folder, text):
    manifest = folder / "prprep.yaml"
    manifest.write_text(text)
    return read(manifest)


def check(found, repository, exists=lambda *_: (True, ())):
    return checks.check(found, repository, exists, [item.id for item in found.manifest.optimizations])


def lines(problems):
    """Show all problems as they are shown to the user."""
    return "\n".join(problem.render("prprep.yaml") for problem in problems)


def test_refs_that_are_not_there(tmp_path, target):
    found = loaded(
        tmp_path,
        "version: 1\nupstream: mian\noptimizations:\n"
        "  - {id: a, head: perf/tabels}\n"
        "  - {id: b, head: perf/remote, base: v2}\n"
        "  - id: c\n    commits:\n      - perf/merge\n      - 0123456789abcdef0123456789abcdef01234567\n"
        "  - {id: d, commits: deadbeef}\n"
        "  - {id: e, head: 'main:pages'}\n",
    )
    with untouched(target.path):
        problems = check(found, target.path)
    assert lines(problems) == (
        'prprep.yaml:2:11: `upstream` is "mian", but the repository has no such branch, tag or commit (did you mean main?)\n'
        "    2 | upstream: mian\n"
        "      |           ^\n"
        'prprep.yaml:4:19: `head` is "perf/tabels", but the repository has no such branch, tag or commit (did you mean perf/tables?)\n'
        "    4 |   - {id: a, head: perf/tabels}\n"
        "      |                   ^\n"
        'prprep.yaml:5:38: `base` is "v2", but the repository has no such branch, tag or commit\n'
        "    5 |   - {id: b, head: perf/remote, base: v2}\n"
        "      |                                      ^\n"
        'prprep.yaml:9:9: `commits` holds "0123456789abcdef0123456789abcdef01234567", but the repository has no such branch, tag or commit'
        " (fetch it, if another repository has it)\n"
        "    9 |       - 0123456789abcdef0123456789abcdef01234567\n"
        "      |         ^\n"
        'prprep.yaml:10:22: `commits` is "deadbeef", but the repository has no such branch, tag or commit'
        " (it may be ambiguous: give more digits)\n"
        "   10 |   - {id: d, commits: deadbeef}\n"
        "      |                      ^\n"
        'prprep.yaml:11:19: `head` is "main:pages", but the repository has no such branch, tag or commit\n'
        "   11 |   - {id: e, head: 'main:pages'}\n"
        "      |                   ^"
    )


def test_refs_that_are_there(tmp_path, target):
    text = f"version: 1\nupstream: main\noptimizations:\n  a: {{head: perf/tables, base: v1~0}}\n  b: {{commits: [{target.head[:12]}, perf/remote]}}\n"
    assert check(loaded(tmp_path, text), target.path) == []


def test_a_folder_without_a_repository(tmp_path):
    found = loaded(tmp_path, "version: 1\nrepo: sub\noptimizations: {a: {head: x}}\n")
    [problem] = check(found, tmp_path / "sub")
    assert (problem.line, problem.column, problem.message) == (2, 7, "there is no such folder")


def test_all_wrong_refs_are_listed(tmp_path, target):
    text = "version: 1\noptimizations:\n" + "".join(
        f"  - {{id: i{number}, head: perf/tables{number}}}\n" for number in range(200)
    )
    problems = check(loaded(tmp_path, text), target.path)
    assert [problem.line for problem in problems] == list(range(3, 203))
    assert sum(problem.suggestion == "did you mean perf/tables?" for problem in problems) == 20


def test_functions_are_asked_for_where_the_refs_are_there(tmp_path, target):
    asked = []

    def exists(item, function):
        asked.append((item.id, function))
        return function == "pages.tables:extract", ("pages.tables:extract",) if function.startswith("pages") else ()

    found = loaded(
        tmp_path,
        "version: 1\noptimizations:\n"
        "  a: {head: perf/tables, functions: [pages.tables:extract, pages.tables:extrat, other:f]}\n"
        "  b: {head: nowhere, functions: pages.tables:g}\n",
    )
    message = lines(check(found, target.path, exists=exists))
    assert asked == [("a", "pages.tables:extract"), ("a", "pages.tables:extrat"), ("a", "other:f")]
    assert message == (
        'prprep.yaml:4:13: `head` is "nowhere", but the repository has no such branch, tag or commit\n'
        "    4 |   b: {head: nowhere, functions: pages.tables:g}\n"
        "      |             ^\n"
        'prprep.yaml:3:60: `functions` holds "pages.tables:extrat", which is neither at head nor at base (did you mean pages.tables:extract?)\n'
        "    3 |   a: {head: perf/tables, functions: [pages.tables:extract, pages.tables:extrat, other:f]}\n"
        "      |                                                            ^\n"
        'prprep.yaml:3:81: `functions` holds "other:f", which is neither at head nor at base\n'
        "    3 |   a: {head: perf/tables, functions: [pages.tables:extract, pages.tables:extrat, other:f]}\n"
        "      |                                                                                 ^"
    )


class TestFunctionLookup:
    @pytest.fixture
    def ask(self, target, tmp_path):
        """Ask for a function of an item with this head."""

        def answer(head, function, base=None):
            found = loaded(tmp_path, f"version: 1\noptimizations: {{a: {{head: {head}}}}}\n")
            with git.Clone.open(str(target.path), tmp_path / "cache") as clone:
                commits = clone.resolve([ref for ref in ("main", head, base) if ref])
                refs = git.Refs(
                    str(target.path),
                    target.path,
                    None,
                    "main",
                    commits["main"],
                    commits[base] if base else None,
                    commits[head],
                )
                return function_lookup(clone, lambda _: refs)(found.manifest.optimizations[0], function)

        return answer

    @pytest.mark.parametrize("function", ["pages.tables:Table.rows", "pages.tables:extract", "pages.tables"])
    def test_at_head_or_at_the_merge_base(self, ask, function):
        assert ask("perf/tables", function) == (True, ())

    def test_at_base_though_head_has_it_in_a_submodule(self, ask):
        assert ask("moved", "pages.tables:extract") == (True, ())

    def test_in_a_submodule(self, ask):
        with pytest.raises(SourceError, match=r"`pages\.tables` is in the submodule pages"):
            ask("moved", "pages.tables:extract", base="moved")

    def test_a_name_like_it(self, ask):
        assert ask("perf/tables", "pages.tables:Table.row") == (
            False,
            ("pages.tables:Table.rows", "pages.tables:Table"),
        )
        assert ask("perf/tables", "pages.tables:extrac", base="v1") == (False, ("pages.tables:extract",))

    def test_a_module_like_it(self, ask):
        assert ask("perf/merge", "pages.txt:merge") == (False, ("pages.text:merge",))
        there, near = ask("perf/merge", "page.text")
        assert (there, near[0]) == (False, "pages.text")

    def test_nothing_like_it(self, ask):
        assert ask("perf/merge", "numpy:zeros") == (False, ())

    def test_a_file_that_is_no_python_is_for_the_stage_to_refuse(self, ask):
        assert ask("broken", "pages.odd:f") == (True, ())
