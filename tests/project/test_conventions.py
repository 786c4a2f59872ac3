from __future__ import annotations

import pytest

from tasks.project import conventions
from tests.support.projects import Files


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"CHANGELOG.md": "based on https://KeepAChangelog.com"}, "keep-a-changelog CHANGELOG.md"),
        ({"CHANGELOG.md": "# Changes\n## [Unreleased]\n"}, "keep-a-changelog CHANGELOG.md"),
        ({"CHANGES.rst": "1.0\n===", "NEWS": ""}, "plain CHANGES.rst"),
        ({"docs/history.md": "Version 1.0"}, "plain docs/history.md"),
        ({"NEWS": "See https://github.com/acme/pages/releases\n"}, None),
        ({"CHANGES.rst": "", "NEWS": "2.1 (2024)\n"}, "plain NEWS"),
        (
            {"CHANGES.rst": "Changelog\n=========\n\n.. include:: docs/log.rst\n", "docs/log.rst": "pages 1.2\n"},
            "plain docs/log.rst",
        ),
        (
            {"CHANGELOG.md": "Moved to [docs](docs/news.md).", "docs/news.md": "## [Unreleased]\n"},
            "keep-a-changelog docs/news.md",
        ),
        ({"CHANGES.md": "Moved to docs/gone.md.", "NEWS.md": "Python 3.9 is needed.\n"}, None),
        ({"HISTORY.txt": "line\n" * 20}, "plain HISTORY.txt"),
        ({"pyproject.toml": '[tool.towncrier]\ndirectory = "changes"\n', "CHANGELOG.md": ""}, "towncrier changes/"),
        (
            {"towncrier.toml": '[tool.towncrier]\npackage = "pages"\npackage_dir = "src"\n'},
            "towncrier src/pages/newsfragments/",
        ),
        ({"setup.cfg": "[tool:scriv]\nfragment_directory = news.d\n"}, "scriv news.d/"),
        ({"pyproject.toml": "[tool.scriv]\n"}, "scriv changelog.d/"),
        ({"changelog.d/scriv.ini": "[scriv]\n"}, "scriv changelog.d/"),
        ({"doc/source/whatsnew/v1.rst": "", "CHANGELOG.md": ""}, "whatsnew doc/source/whatsnew/"),
        ({"pages/changelog.py": "", "vendor/CHANGELOG.md": ""}, None),
    ],
)
def test_the_changelog(files, expected):
    assert conventions.changelog(Files(files)) == expected


def test_a_projects_own_changelog_comes_before_the_roots():
    tree = Files({"CHANGELOG.md": "1.0\n", "py/CHANGES.md": "1.0\n"})
    assert conventions.changelog(tree, project="py") == "plain py/CHANGES.md"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {".github/PULL_REQUEST_TEMPLATE.md": "", "docs/pull_request_template.md": ""},
            ".github/PULL_REQUEST_TEMPLATE.md",
        ),
        ({"Pull_Request_Template.txt": ""}, "Pull_Request_Template.txt"),
        ({"docs/pull_request_template.md": ""}, "docs/pull_request_template.md"),
        (
            {".github/PULL_REQUEST_TEMPLATE/b.md": "", ".github/PULL_REQUEST_TEMPLATE/a.md": ""},
            ".github/PULL_REQUEST_TEMPLATE/a.md",
        ),
        ({"src/pull_request_template.md": "", ".github/ISSUE_TEMPLATE.md": ""}, None),
    ],
)
def test_the_pull_request_template(files, expected):
    assert conventions.pull_request_template(Files(files)) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"benchmarks/asv.conf.json": "{}"}, "asv"),
        ({"asv.conf.actions.json": "{}", "tox.ini": "deps = pyperf"}, "asv"),
        ({"a/b/c/asv.conf.json": "{}"}, None),
        ({"requirements/bench.txt": "pyperf>=2\n"}, "pyperf"),
        ({"CONTRIBUTING.md": "Please run pyperformance."}, "pyperf"),
        ({"docs/contributing.rst": "use ``pyperf``"}, "pyperf"),
        ({"src/mypyperfect.py": "pyperf", "CONTRIBUTING.md": "mypyperfect"}, None),
        ({}, None),
    ],
)
def test_benchmark_tool(files, expected):
    assert conventions.benchmark_tool(Files(files)) == expected
