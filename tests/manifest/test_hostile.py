"""Hostile repositories, commits and manifests: nothing of theirs runs except the measured code."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tasks.artifacts import Linting
from tests.support.mistakes import BENCHMARK, CODE, LIGHT, MEASURES, compare, is_improved, item, ran, target
from tests.support.untouched import untouched

pytestmark = pytest.mark.slow(0.6)


def refused(folder: Path, text: str) -> str:
    """Run prprep on a manifest that it must refuse, and return its output."""
    folder.mkdir(exist_ok=True)
    (folder / "prprep.yaml").write_text(text)
    done = ran(folder, "run")
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 3, done.stdout + done.stderr
    return done.stdout + done.stderr


# -- programs that a repository can make git run ----------------------------------------------------------

HOOKS = (
    *(
        "post-checkout",
        "pre-commit",
        "post-commit",
        "post-merge",
        "pre-merge-commit",
        "commit-msg",
        "prepare-commit-msg",
        "applypatch-msg",
    ),
    *(
        "reference-transaction",
        "post-index-change",
        "pre-auto-gc",
        "post-rewrite",
        "pre-rebase",
        "fsmonitor-watchman",
        "pre-push",
        "update",
    ),
)
COMMANDS = (
    *(
        "core.fsmonitor",
        "core.sshCommand",
        "core.editor",
        "core.pager",
        "core.askPass",
        "core.gitProxy",
        "core.alternateRefsCommand",
    ),
    *(
        "sequence.editor",
        "diff.external",
        "diff.trap.command",
        "diff.trap.textconv",
        "merge.trap.driver",
        "merge.tool",
        "gpg.program",
    ),
    *(
        "filter.trap.smudge",
        "filter.trap.clean",
        "filter.trap.process",
        "interactive.diffFilter",
        "uploadpack.packObjectsHook",
    ),
    *(
        "pager.log",
        "pager.diff",
        "pager.status",
        "remote.origin.uploadpack",
        "remote.origin.receivepack",
        "log.showSignature.program",
    ),
)
BANGED = (
    "credential.helper",
    "alias.status",
    "alias.diff-tree",
    "alias.cat-file",
    "alias.worktree",
    "submodule.sub.update",
)
TREE_ATTRIBUTES = "* filter=trap merge=trap diff=trap\n*.py export-subst\n"


def booby_trapped(repo, marker):
    """Make every program that git's configuration can run leave a mark."""
    trap = repo.path / ".git" / "trap"
    trap.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{marker}'\ncat\n")
    trap.chmod(0o755)
    (repo.path / ".git/hooks").mkdir(exist_ok=True)
    for hook in HOOKS:
        (repo.path / ".git/hooks" / hook).symlink_to(trap)
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text(TREE_ATTRIBUTES)
    plain = {
        "core.hooksPath": str(repo.path / ".git/hooks"),
        "filter.trap.required": "true",
        "commit.gpgSign": "true",
        "log.showSignature": "true",
        "protocol.ext.allow": "always",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{trap} x",
        "core.attributesFile": str(repo.path / ".git/info/attributes"),
    }
    settings = {**dict.fromkeys(COMMANDS, str(trap)), **dict.fromkeys(BANGED, f"!{trap}"), **plain}
    with (repo.path / ".git/config").open("a") as stream:
        for key, value in settings.items():
            section, _, name = key.rpartition(".")
            first, _, rest = section.partition(".")
            stream.write(f'[{first} "{rest}"]\n' if rest else f"[{first}]\n")
            stream.write(f'\t{name} = "{value}"\n')


def test_no_program_of_the_repositorys_git_configuration_runs(tmp_path):
    repo = target(
        tmp_path,
        {
            ".gitattributes": TREE_ATTRIBUTES,
            ".gitmodules": '[submodule "sub"]\n\tpath = sub\n\turl = ext::x\n',
        },
    )
    marker = tmp_path / "marker"
    picked = item(id="picked", commits=[repo.head], base="main")
    del picked["head"]
    booby_trapped(repo, marker)
    subprocess.run(["git", "status"], cwd=repo.path, capture_output=True, check=False)
    assert marker.exists(), "the traps are not set"
    marker.unlink()
    with untouched(repo.path):
        run = compare(repo, item(), picked, stages=("lint:faster", "render:picked", "report"))
    assert not marker.exists(), marker.read_text()
    assert run.code == 0, run.output
    assert executed_changed_code(run, "faster")
    assert is_improved(run.comparison("picked"))


def executed_changed_code(run, name):
    reach = Linting.read(run.state(name) / "lint.json").reach
    return reach.executed == reach.statements > 0


# -- addresses, refs and paths that look like options ---------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% MARKER",
        "ext::touch MARKER",
        "EXT::touch MARKER",
        "fd::17",
        "--upload-pack=touch MARKER",
        "-uMARKER",
        "ssh://-oProxyCommand=touch MARKER/x",
        "ssh://me@-oProxyCommand=touch%20MARKER/x",
        "-oProxyCommand=touch:x",
        "me@-oProxyCommand=touch:x",
        "ftp://host/x",
        "https://",
        "https:///x",
        "git+ssh://host/x",
        "file:///nowhere\\0/x",
        "https://host/a\\nb",
    ],
)
def test_addresses_that_would_run_a_program_are_refused(tmp_path, address):
    marker = tmp_path / "marker"
    spelled = address.replace("MARKER", str(marker))
    output = refused(tmp_path / "work", f'version: 1\nrepo: "{spelled}"\noptimizations: {{a: {{head: x}}}}\n')
    assert not marker.exists()
    assert "prprep.yaml" in output


@pytest.mark.parametrize(
    "line",
    ["head: --upload-pack=touch MARKER", "head: --output=MARKER", "base: --exec=MARKER", "commits: [--output=MARKER]"],
)
def test_refs_that_look_like_options_are_refused_even_if_they_exist(tmp_path, line):
    repo = target(tmp_path)
    for name in ("--upload-pack=x", "--output=MARKER", "-x"):
        repo.git("update-ref", f"refs/heads/{name}", "main")
    head = "" if line.startswith(("head", "commits")) else "\n    head: faster"
    output = refused(tmp_path / "work", f"version: 1\nrepo: ../repo\noptimizations:\n  - id: a\n    {line}{head}\n")
    assert "git would read a leading `-` as an option" in output
    assert not list(tmp_path.rglob("MARKER"))


def test_benchmarks_whose_names_look_like_options(tmp_path):
    names = {
        "plugin": "-pevil.py",
        "collect": "--co.py",
        "usage": "-h.py",
        "at": "@evil.py",
        "temp": "--basetemp=evil.py",
    }
    repo = target(tmp_path, {BENCHMARK: None, **dict.fromkeys(names.values(), MEASURES)})
    items = [item(id=key, benchmark=name) for key, name in names.items()]
    run = compare(repo, *items, stages=("lint", "compare:plugin"))
    assert run.code == 0, run.output
    assert all(executed_changed_code(run, key) for key in names)
    assert is_improved(run.comparison("plugin"), test=f"{names['plugin']}::test_total")


# -- files ------------------------------------------------------------------------------------------

NAMES = [
    "new\nline.py",
    'quo"te.py',
    "quo'te.py",
    "--output=x.py",
    "-rf.py",
    "$(touch x).py",
    "`touch x`.py",
    "esc\x1b]0;title\x07.py",
    "{{ 7*7 }}.py",
]


def test_links_that_lead_out_of_the_tree(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("SECRET = 'hush'\n")
    repo = target(tmp_path, {BENCHMARK: None})
    (repo.path / "tests").symlink_to(outside)
    (repo.path / "secret.py").symlink_to(outside / "secret.py")
    (repo.path / "pyproject.toml").symlink_to("/etc/passwd")
    (repo.path / "loop").symlink_to("loop")
    repo.commit({}, "Links")
    with untouched(repo.path), untouched(outside):
        run = compare(repo, item(benchmark={"setup": "from textkit import total", "call": "total()"}))
    assert run.code == 1
    assert "leads out of the tree" in run.output
    assert "hush" not in run.output + "".join(path.read_text(errors="replace") for path in run.folder.rglob("*.json"))
    assert "root:" not in run.output


# -- text ------------------------------------------------------------------------------------------

TITLE = "<img src=x onerror=alert(1)> \x1b]0;pwned\x07\x1b[31mred {{ 7*191 }} {% include 'x' %} @octocat closes #1 | a | [l](javascript:x)"
MESSAGE = f"""{TITLE}

# Heading
</details><script>alert(1)</script><!-- hidden
{{{{ 7*191 }}}} {{% for x in range(9) %}}y{{% endfor %}} {{# gone #}}
\x1b[2J\x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x9b31m \u202egnp.exe
```
open fence
"""


def check_harmless(run):
    """Check that foreign text reaches terminal and bodies as plain text only."""
    bodies = [path.read_text() for path in run.folder.glob(".codeflash/*.md")]
    for text in (run.output, *bodies):
        assert not {
            character for character in text if character != "\n" and not (character.isprintable() or character == "\t")
        } - {"\u200b"}
        assert "1337" not in text
    for body in bodies:
        # The comment with the title, which nothing in it can end.
        shown = re.sub(r"\A<!-- Title: (?:(?!--).)* -->\n", "", body)
        page = MarkdownIt("commonmark").enable("table").render(shown)
        assert not any(tag in page for tag in ("<script", "<img", "<!--", 'href="javascript'))


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Run prprep on a change with a hostile message, beside files and refs with names of every kind."""
    repo = target(tmp_path_factory.mktemp("odd"), head={})
    for name in ("--upload-pack=x", "-x", "<b>x</b>", "a'b\"c$(touch${IFS}x)`touch`;x"):
        repo.git("update-ref", f"refs/heads/{name}", "main")
    for name in (*map(os.fsencode, NAMES), b"caf\xe9.py", b"\xff\xfe.txt"):
        (repo.path / os.fsdecode(name)).write_bytes(b"def changed():\n    return 1\n")
    with (repo.path / "huge.bin").open("wb") as stream:
        stream.truncate(20 * 2**20)
    (repo.path / "long.py").write_text("value = '" + "x" * 3_000_000 + "'\n")
    repo.commit({CODE: LIGHT}, MESSAGE)
    smaller = json.dumps({"tasks.storage.files.LARGEST": 16 * 2**20})
    with untouched(repo.path):
        return compare(repo, PRPREP_BRIEFLY=smaller)


def test_refs_and_files_with_names_of_every_kind_and_a_huge_file(odd):
    assert odd.code == 0, odd.output
    assert is_improved(odd.comparison())
    assert set(NAMES) < set(odd.detection().files)


def test_commit_messages_and_names_reach_body_and_terminal_as_text(odd):
    assert "onerror" in odd.body()
    check_harmless(odd)


def test_output_of_the_projects_code_reaches_the_terminal_as_text(tmp_path):
    output = "\x1b]0;pwned\x07\x1b[2J\x9b31m<script>alert(1)</script>"
    failing = (
        f"print({output!r})\n\n\ndef test_total(benchmark):\n    benchmark(int)\n    raise ValueError({output!r})\n"
    )
    repo = target(tmp_path, {BENCHMARK: failing})
    run = compare(repo)
    assert run.code == 1
    assert "the benchmark failed on" in run.output
    assert "alert(1)" in run.output
    check_harmless(run)
