"""One line of an item, or of the top of a manifest, and what is said about it."""

from __future__ import annotations

import pytest

from tasks.errors import ManifestError
from tasks.manifest.reader import read

ITEM = [
    # Text
    ("title: 12", '4:12: `title` is 12, which YAML reads as a number, must be text (quote it: "12")'),
    ("title: true", '4:12: `title` is true, which YAML reads as true or false, must be text (quote it: "true")'),
    ("title: [a]", "4:12: `title` is a list, must be text"),
    ("title: {a: b}", "4:12: `title` is a mapping, must be text"),
    ("title: ''", "4:12: `title` is empty"),
    ("tests: ''", "4:12: `tests` is empty"),
    ("summary: [a, '']", "4:18: `summary` holds an empty text"),
    ("summary: [a, b, c, d]", "4:14: `summary` has 4 entries, at most 3"),
    ("summary: {a: b}", "4:14: `summary` is a mapping, must be text or a list of texts"),
    ("summary:", "4:5: `summary` has no value (give one or leave the key out)"),
    # Numbers
    ("timeout: '20'", '4:14: `timeout` is "20", must be a number (write 20, without quotes)'),
    ("timeout: soon", '4:14: `timeout` is "soon", must be a number'),
    ("timeout: true", "4:14: `timeout` is true, must be a number"),
    ("timeout: .inf", "4:14: `timeout` is .inf, must be a finite number"),
    ("timeout: -1", "4:14: `timeout` is -1, must be more than 0"),
    ("budget: 100000", "4:13: `budget` is 100000, must be at most 86400"),
    ("budget:", "4:5: `budget` has no value (give one or leave the key out)"),
    ("negligible: -0.1", "4:17: `negligible` is -0.1, must be at least 0"),
    ("confidence: 1", "4:17: `confidence` is 1, must be less than 1"),
    ("pr: '#12'", '4:9: `pr` is "#12", must be a whole number (write 12, without quotes)'),
    ("pr: 1.5", "4:9: `pr` is 1.5, must be a whole number"),
    ("pr: 0", "4:9: `pr` is 0, must be at least 1"),
    # Choices
    ("engine: nativ", '4:13: `engine` is "nativ", must be one of native, codeflash (did you mean native?)'),
    (
        "strategy: cherrypick",
        '4:15: `strategy` is "cherrypick", must be one of auto, inject, cherry-pick (did you mean cherry-pick?)',
    ),
    ("strategy: [auto]", "4:15: `strategy` is a list, must be one of auto, inject, cherry-pick"),
    ("domain: fast", '4:13: `domain` is "fast", must be one of mem, cpu, async, struct'),
    ("domain: CPU", '4:13: `domain` is "CPU", must be one of mem, cpu, async, struct (did you mean cpu?)'),
    ("domain: [mem, mem]", "4:13: `domain` lists mem twice"),
    (
        "metrics: [time, tim]",
        '4:21: `metrics` holds "tim", must be one of time, instructions, memory, import (did you mean time?)',
    ),
    ("metrics: []", "4:14: `metrics` is an empty list (give one or leave the key out)"),
    # Refs
    (
        "base: --upload-pack=x",
        '4:11: `base` is "--upload-pack=x", must be a branch, tag or commit (git would take what begins with `-` for an option)',
    ),
    (
        "base: main..topic",
        '4:11: `base` is "main..topic", must be a branch, tag or commit (`..` makes a range: write `base:` and `head:`)',
    ),
    ("base: my branch", '4:11: `base` is "my branch", must be a branch, tag or commit (a ref has no spaces in it)'),
    ("base: 0012345", '4:11: `base` is 0012345, which YAML reads as a number, must be text (quote it: "0012345")'),
    ('base: "a\\nb"', '4:11: `base` is "a b", must be a branch, tag or commit (a ref has no spaces in it)'),
    ("base: ''", "4:11: `base` is empty"),
    # Functions
    (
        "functions: pkg/mod.py:f",
        '4:16: `functions` is "pkg/mod.py:f", must be package.module:Qualified.name (did you mean pkg.mod:f?)',
    ),
    (
        "functions: ['pkg.mod:f()']",
        '4:17: `functions` holds "pkg.mod:f()", must be package.module:Qualified.name (did you mean pkg.mod:f?)',
    ),
    ("functions: a b", '4:16: `functions` is "a b", must be package.module:Qualified.name'),
    ("functions: [a:f, a:f]", "4:16: `functions` lists a:f twice"),
    # Paths
    (
        "benchmark: ../test_x.py",
        '4:16: `benchmark` is "../test_x.py", must be the path of a .py file in the repository (this path leaves it)',
    ),
    (
        "benchmark: a/../../test_x.py",
        '4:16: `benchmark` is "a/../../test_x.py", must be the path of a .py file in the repository (this path leaves it)',
    ),
    (
        "benchmark: ~/test_x.py",
        '4:16: `benchmark` is "~/test_x.py", must be the path of a .py file in the repository (this path leaves it)',
    ),
    (
        "benchmark: 'a.py::test'",
        '4:16: `benchmark` is "a.py::test", must be the path of a .py file in the repository (did you mean a.py?)',
    ),
    (
        "benchmark: f(1)",
        '4:16: `benchmark` is "f(1)", must be the path of a .py file in the repository (code goes below `call:`)',
    ),
    (
        "benchmark: [a.py]",
        "4:16: `benchmark` is a list, must be the path of a test, or a mapping with `call` and `setup`",
    ),
    ("benchmark: {setup: x}", "4:5: `benchmark.call` is missing: `benchmark` needs it"),
    ("benchmark: {call: ''}", "4:23: `benchmark.call` is empty"),
    # Environments
    (
        "env: uv run python",
        '4:10: `env` is "uv run python", must be a mapping (its keys are runner, python, extras, groups, install, pass)',
    ),
    (
        "env: {python: 3.10}",
        '4:19: `env.python` is 3.10, which YAML reads as a number, must be text (quote it: "3.10")',
    ),
    (
        "env: {python: -c}",
        '4:19: `env.python` is "-c", must be a path, name or address (what begins with `-` would be taken for an option)',
    ),
    (
        "env: {extras: [--x]}",
        '4:20: `env.extras` holds "--x", must be a name of letters, digits, `_`, `-` and `.` (what begins with `-` would be taken for an option)',
    ),
    (
        "env: {pass: [A=b]}",
        '4:18: `env.pass` holds "A=b", must be the name of a variable: letters, digits and `_` (give the name alone)',
    ),
    ("env: {pass: [A, A]}", "4:17: `env.pass` lists A twice"),
    ("env: {passed: A}", "4:11: `passed` is no key of `env` (did you mean `pass`?)"),
    ("pass: A", "4:5: `pass` is no key of an optimization (it belongs below `env:`)"),
    ("sandbox: docker", '4:14: `sandbox` is "docker", must be one of none, bwrap'),
    ("env: {pyhton: x}", "4:11: `pyhton` is no key of `env` (did you mean `python`?)"),
    # Keys
    ("python: '3.12'", "4:5: `python` is no key of an optimization (it belongs below `env:`)"),
    ("output: a", "4:5: `output` is no key of an optimization (it belongs at the top of the manifest)"),
    ("call: f()", "4:5: `call` is no key of an optimization (it belongs below `benchmark:`)"),
    ("Title: x", "4:5: `Title` is no key of an optimization (did you mean `title`?)"),
    (
        "zzz: 1",
        "4:5: `zzz` is no key of an optimization (its keys are id, title, summary, details, domain, base, head, commits, functions, benchmark, boundary_bytes, drive, repo, upstream, slug, push, pr, strategy, engine, metrics, timeout, budget, confidence, negligible, sandbox, env, tests, tests_timeout, verify, commit_benchmark, lint, template, summarize)",
    ),
]

IDS = [
    ("-x", '2:22: `id` is "-x", must be letters, digits, `_`, `-` and `.`, a letter or digit first (for example x)'),
    (
        "Lese schnell!",
        '2:22: `id` is "Lese schnell!", must be letters, digits, `_`, `-` and `.`, a letter or digit first (for example Lese_schnell)',
    ),
    ("12", '2:22: `id` is 12, which YAML reads as a number, must be text (quote it: "12")'),
    ("run", "2:22: `id` is run, a word that the command line uses for something else"),
    ("Compare", "2:22: `id` is Compare, a word that the command line uses for something else"),
    ("report.json", "2:22: `id` is report.json, but files of prprep's own end like that"),
    ("x" * 101, "2:22: `id` has 101 characters, at most 100"),
    ("''", '2:22: `id` is "", must be letters, digits, `_`, `-` and `.`, a letter or digit first'),
]

TOP = [
    ("version: '1'", "2:10: `version` is '1', must be the number 1"),
    ("version: true", "2:10: `version` is true, must be the number 1"),
    ("version: 3.5", "2:10: this prprep reads version 1 of the manifest, and this one says version 3.5"),
    ("version:", "2:1: `version` has no value (give one)"),
    (
        "version: 1\nrepo: --x",
        '3:7: `repo` is "--x", must be a path, name or address (what begins with `-` would be taken for an option)',
    ),
    ("version: 1\nrepo: 'ext::sh -c id'", "3:7: `repo` uses git's transport ext::, which can run programs"),
    (
        "version: 1\nslug: https://github.com/ada/pages.git",
        '3:7: `slug` is "https://github.com/ada/pages.git", must be owner/name (did you mean ada/pages?)',
    ),
    ("version: 1\nslug: pages", '3:7: `slug` is "pages", must be owner/name'),
    (
        "version: 1\noutput: /tmp/out",
        '3:9: `output` is "/tmp/out", must be a folder below the manifest\'s own (this path leaves it)',
    ),
    ("version: 1\noutput: a\\b", '3:9: `output` is "a\\b", must be a folder below the manifest\'s own'),
    ("version: 1\noutput: ./.git/x", "3:9: `output` lies in .git, which is no place for files of yours"),
    (
        "version: 1\ntemplates: a/../../b",
        '3:12: `templates` is "a/../../b", must be a folder below the manifest\'s own (this path leaves it)',
    ),
    ("version: 1\ndefaults:", "3:1: `defaults` has no value (give one or leave the key out)"),
    ("version: 1\ndefaults: {head: x}", "3:12: `head` is no key of `defaults` (it belongs in an optimization)"),
    ("version: 1\ndefaults: {timout: 3}", "3:12: `timout` is no key of `defaults` (did you mean `timeout`?)"),
    (
        "version: 1\nupstream: -x",
        '3:11: `upstream` is "-x", must be a branch, tag or commit (git would take what begins with `-` for an option)',
    ),
    ("repo: .", "1:1: `version` is missing: the manifest needs it"),
]


def said(folder, text):
    """Give the first lines of all problems, without the file's name."""
    manifest = folder / "m.yaml"
    manifest.write_text(text)
    with pytest.raises(ManifestError) as caught:
        read(manifest)
    return [problem.render("").splitlines()[0].removeprefix(":") for problem in caught.value.problems]


@pytest.mark.parametrize(("line", "message"), ITEM)
def test_of_an_item(tmp_path, line, message):
    assert said(tmp_path, f"version: 1\noptimizations:\n  - id: a\n    {line}\n    head: x\n") == [message]


@pytest.mark.parametrize(("item_id", "message"), IDS)
def test_of_an_id(tmp_path, item_id, message):
    assert said(tmp_path, f"version: 1\noptimizations: [{{id: {item_id}, head: x}}]\n") == [message]


@pytest.mark.parametrize(("lines", "message"), TOP)
def test_of_the_top(tmp_path, lines, message):
    assert said(tmp_path, f"optimizations: {{a: {{head: x}}}}\n{lines}\n") == [message]
