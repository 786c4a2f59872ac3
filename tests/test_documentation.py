"""README and docs/: links, keys, commands and stages are those of the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.commands import ENTRIES, MOST_USED
from tasks.json_output import schema
from tests.support import pages

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def anchor(heading: str) -> str:
    """Return the fragment that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
    for target in re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", page.read_text(encoding="utf-8")):
        path, _, fragment = "".join(target).partition("#")
        if "://" in path:
            continue
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if fragment:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in map(anchor, headings)


def test_the_index_lists_every_page():
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages == set(re.findall(r"^\| \[[^]]+\]\(([^)]+)\)", text_of("docs/README.md"), re.MULTILINE))


def test_the_readme_is_short():
    assert len(text_of("README.md").splitlines()) <= 200


def test_the_tables_of_the_manifest_are_those_of_the_models():
    assert text_of("docs/manifest.md").endswith(pages.manifest_tables())


def test_the_readme_lists_the_most_used_commands():
    readme = text_of("README.md")
    names = {entry.name for entry in ENTRIES if entry.group == MOST_USED} - {"run"}
    assert {name for name in names if f"| `prprep {name}" not in readme} == set()


def test_every_stage_is_documented():
    documented = set(re.findall(r"^\| `(\w+)` \|", text_of("docs/stages.md"), re.MULTILINE))
    assert {path.parent.name for path in (ROOT / "tasks/stages").glob("*/__init__.py")} == documented


def test_maintainers_names_tests_that_exist():
    named = set(re.findall(r"test_\w+\.py", text_of("docs/maintainers.md")))
    assert named <= {path.name for path in (ROOT / "tests").rglob("test_*.py")}


def test_the_agent_guide_names_what_exists():
    guide = text_of("docs/agents.md")
    assert len(guide.splitlines()) < 150
    assert set(re.findall(r"`prprep ([a-z][a-z-]+)", guide)) <= {entry.name for entry in ENTRIES}
    parts = schema.schema()["$defs"]
    item = parts["Item"]["properties"]
    for part, names in {
        "comparison": "Comparison",
        "failure": "Failure",
        "benchmark": "Benchmark",
        "paths": "Files",
    }.items():
        assert part in item
        assert set(re.findall(rf"`{part}\.(\w+)`", guide)) <= parts[names]["properties"].keys()


@pytest.mark.slow
def test_the_site_has_no_broken_link(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-c", "docs", ".", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    loaded = {
        address
        for page in tmp_path.rglob("*.html")
        for address in re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)', page.read_text("utf-8"))
    }
    assert loaded == set()
