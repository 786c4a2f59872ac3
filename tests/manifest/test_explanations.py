"""One wrong line of an item, or of the top of a manifest, and its message."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator

from tasks.errors import ManifestError
from tasks.manifest.document import Document
from tasks.manifest.model import (
    BenchmarkCode,
    EnvironmentSettings,
    LintSettings,
    Manifest,
    Measuring,
    Model,
    Optimization,
)
from tasks.manifest.reader import parse, read
from tasks.manifest.schema import schema

ITEM = [
    # Text
    ("title: 12", '4:12: `title` must be text, but YAML reads 12 as a number (quote it: "12")'),
    ("title: true", '4:12: `title` must be text, but YAML reads true as a boolean (quote it: "true")'),
    ("title: [a]", "4:12: `title` must be text, not a list"),
    ("title: {a: b}", "4:12: `title` must be text, not a mapping"),
    ("title: ''", "4:12: `title` must not be empty"),
    ("tests: ''", "4:12: `tests` must not be empty"),
    ("summary: [a, '']", "4:18: each item of `summary` must not be empty"),
    ("summary: [a, b, c, d]", "4:14: `summary` must have at most 3 entries, not 4"),
    ("summary: {a: b}", "4:14: `summary` must be text or a list of texts, not a mapping"),
    ("summary:", "4:5: `summary` has no value (add one or remove the key)"),
    # Numbers
    ("timeout: '20'", '4:14: `timeout` must be a number, not "20" (write 20, without quotes)'),
    ("timeout: soon", '4:14: `timeout` must be a number, not "soon"'),
    ("timeout: true", "4:14: `timeout` must be a number, not true"),
    ("timeout: .inf", "4:14: `timeout` must be a finite number, not .inf"),
    ("timeout: -1", "4:14: `timeout` must be more than 0, not -1"),
    ("budget: 100000", "4:13: `budget` must be at most 86400, not 100000"),
    ("budget:", "4:5: `budget` has no value (add one or remove the key)"),
    ("negligible: -0.1", "4:17: `negligible` must be at least 0, not -0.1"),
    ("confidence: 1", "4:17: `confidence` must be less than 1, not 1"),
    ("pr: '#12'", '4:9: `pr` must be a whole number, not "#12" (write 12, without quotes)'),
    ("pr: 1.5", "4:9: `pr` must be a whole number, not 1.5"),
    ("pr: 0", "4:9: `pr` must be at least 1, not 0"),
    # Choices
    ("engine: nativ", '4:13: `engine` must be one of native, codeflash, not "nativ" (did you mean native?)'),
    (
        "strategy: cherrypick",
        '4:15: `strategy` must be one of auto, inject, cherry-pick, not "cherrypick" (did you mean cherry-pick?)',
    ),
    ("strategy: [auto]", "4:15: `strategy` must be one of auto, inject, cherry-pick, not a list"),
    ("domain: fast", '4:13: `domain` must be one of mem, cpu, async, struct, not "fast"'),
    ("domain: CPU", '4:13: `domain` must be one of mem, cpu, async, struct, not "CPU" (did you mean cpu?)'),
    ("domain: [mem, mem]", "4:13: `domain` lists mem twice"),
    (
        "metrics: [time, tim]",
        '4:21: each item of `metrics` must be one of time, instructions, memory, import, not "tim" (did you mean time?)',
    ),
    ("metrics: []", "4:14: `metrics` must not be an empty list (add an item or remove the key)"),
    # Refs
    (
        "base: --upload-pack=x",
        '4:11: `base` must be a branch, tag or commit, not "--upload-pack=x" (git would read a leading `-` as an option)',
    ),
    (
        "base: main..topic",
        '4:11: `base` must be a branch, tag or commit, not "main..topic" (for a range set `base:` and `head:`)',
    ),
    ("base: my branch", '4:11: `base` must be a branch, tag or commit, not "my branch" (a ref cannot contain spaces)'),
    ("base: 0012345", '4:11: `base` must be text, but YAML reads 0012345 as a number (quote it: "0012345")'),
    ('base: "a\\nb"', '4:11: `base` must be a branch, tag or commit, not "a b" (a ref cannot contain spaces)'),
    ("base: ''", "4:11: `base` must not be empty"),
    (
        "charts: https://example.org/charts/",
        '4:13: `charts` must be an https address without a slash at its end, not "https://example.org/charts/" (did you mean https://example.org/charts?)',
    ),
    (
        "charts: 'https://example.org/\"><script>'",
        """4:13: `charts` must be an https address without a slash at its end, not "https://example.org/"><script>\"""",
    ),
    ("cores: 2", "4:12: `cores` must be one of auto, 1, all, not 2"),
    ("cores: '1'", '4:12: `cores` must be one of auto, 1, all, not "1" (did you mean 1?)'),
    ("cores: true", '4:12: `cores` must be one of auto, 1, all, not "true"'),
    # Functions
    (
        "functions: pkg/mod.py:f",
        '4:16: `functions` must be package.module:Qualified.name, not "pkg/mod.py:f" (did you mean pkg.mod:f?)',
    ),
    (
        "functions: ['pkg.mod:f()']",
        '4:17: each item of `functions` must be package.module:Qualified.name, not "pkg.mod:f()" (did you mean pkg.mod:f?)',
    ),
    ("functions: a b", '4:16: `functions` must be package.module:Qualified.name, not "a b"'),
    ("functions: [a:f, a:f]", "4:16: `functions` lists a:f twice"),
    # Paths
    (
        "benchmark: ../test_x.py",
        '4:16: `benchmark` must be the path of a .py file in the repository, not "../test_x.py" (this path leads out of it)',
    ),
    (
        "benchmark: a/../../test_x.py",
        '4:16: `benchmark` must be the path of a .py file in the repository, not "a/../../test_x.py" (this path leads out of it)',
    ),
    (
        "benchmark: ~/test_x.py",
        '4:16: `benchmark` must be the path of a .py file in the repository, not "~/test_x.py" (this path leads out of it)',
    ),
    (
        "benchmark: 'a.py::b c'",
        (
            '4:16: `benchmark` must be the path of a .py file in the repository, not "a.py::b c" '
            "(a test is named as pytest does: FILE.py::test_name)"
        ),
    ),
    (
        "benchmark: f(1)",
        '4:16: `benchmark` must be the path of a .py file in the repository, not "f(1)" (code belongs under `call:`)',
    ),
    (
        "benchmark: [a.py]",
        "4:16: `benchmark` must be the path of a test, or a mapping with `call` and `setup`, not a list",
    ),
    (
        "benchmark_files: [a.txt, ../b.txt]",
        (
            '4:30: each item of `benchmark_files` must be the path of a file in the repository, not "../b.txt" '
            "(this path leads out of it)"
        ),
    ),
    ("benchmark: {setup: x}", "4:5: `benchmark` needs the key `call`"),
    ("benchmark: {call: ''}", "4:23: `benchmark.call` must not be empty"),
    # Environments
    (
        "env: uv run python",
        '4:10: `env` must be a mapping, not "uv run python" (known keys: runner, python, extras, groups, install, pass)',
    ),
    (
        "env: {python: 3.10}",
        '4:19: `env.python` must be text, but YAML reads 3.10 as a number (quote it: "3.10")',
    ),
    (
        "env: {python: -c}",
        '4:19: `env.python` must be a path, name or address, not "-c" (a leading `-` would be read as an option)',
    ),
    (
        "env: {extras: [--x]}",
        '4:20: each item of `env.extras` must be a name of letters, digits, `_`, `-` and `.`, not "--x" (a leading `-` would be read as an option)',
    ),
    (
        "env: {pass: [A=b]}",
        '4:18: each item of `env.pass` must be the name of a variable (letters, digits and `_`), not "A=b" (write only the name)',
    ),
    ("env: {pass: [A, A]}", "4:17: `env.pass` lists A twice"),
    ("env: {passed: A}", "4:11: unknown key `passed` in `env` (did you mean `pass`?)"),
    ("pass: A", "4:5: unknown key `pass` in an optimization (it belongs under `env:`)"),
    ("sandbox: docker", '4:14: `sandbox` must be one of none, bwrap, not "docker"'),
    ("env: {pyhton: x}", "4:11: unknown key `pyhton` in `env` (did you mean `python`?)"),
    ("lint: x", '4:11: `lint` must be a mapping, not "x" (known keys: ignore, boundaries)'),
    ("lint: {ignor: x}", "4:12: unknown key `ignor` in `lint` (did you mean `ignore`?)"),
    # Keys
    ("python: '3.12'", "4:5: unknown key `python` in an optimization (it belongs under `env:`)"),
    ("output: a", "4:5: unknown key `output` in an optimization (it belongs at the top of the manifest)"),
    ("call: f()", "4:5: unknown key `call` in an optimization (it belongs under `benchmark:`)"),
    ("Title: x", "4:5: unknown key `Title` in an optimization (did you mean `title`?)"),
    (
        "zzz: 1",
        "4:5: unknown key `zzz` in an optimization (known keys: id, title, summary, details, charts, domain, base, head, commits, functions, benchmark, benchmark_files, lockstep, boundary_bytes, drive, repo, upstream, slug, push, pr, strategy, engine, metrics, timeout, budget, cores, confidence, negligible, negligible_memory, sandbox, env, tests, tests_timeout, verify, commit_benchmark, lint, template, summarize)",
    ),
]

IDS = [
    (
        "-x",
        '2:22: `id` must be made of letters, digits, `_`, `-` and `.`, starting with a letter or digit, not "-x" (for example x)',
    ),
    (
        "Lese schnell!",
        '2:22: `id` must be made of letters, digits, `_`, `-` and `.`, starting with a letter or digit, not "Lese schnell!" (for example Lese_schnell)',
    ),
    ("12", '2:22: `id` must be text, but YAML reads 12 as a number (quote it: "12")'),
    ("run", "2:22: `id` must not be run, which is a command or a task"),
    ("Compare", "2:22: `id` must not be Compare, which is a command or a task"),
    ("report.json", "2:22: `id` must not end with .json or .log, as prprep's own files do"),
    ("x" * 101, "2:22: `id` must have at most 100 characters, not 101"),
    ("''", '2:22: `id` must be made of letters, digits, `_`, `-` and `.`, starting with a letter or digit, not ""'),
]

TOP = [
    ("version: '1'", "2:10: `version` must be the number 1, not '1'"),
    ("version: true", "2:10: `version` must be the number 1, not true"),
    ("version: 3.5", "2:10: this prprep reads version 1 of the manifest, not version 3.5"),
    ("version:", "2:1: `version` has no value (add one)"),
    (
        "version: 1\nrepo: --x",
        '3:7: `repo` must be a path, name or address, not "--x" (a leading `-` would be read as an option)',
    ),
    ("version: 1\nrepo: 'ext::sh -c id'", "3:7: `repo` uses git's transport ext::, which can run programs"),
    (
        "version: 1\nslug: https://github.com/ada/pages.git",
        '3:7: `slug` must be owner/name, not "https://github.com/ada/pages.git" (did you mean ada/pages?)',
    ),
    ("version: 1\nslug: pages", '3:7: `slug` must be owner/name, not "pages"'),
    (
        "version: 1\noutput: /tmp/out",
        '3:9: `output` must be a folder below the manifest\'s folder, not "/tmp/out" (this path leads out of it)',
    ),
    ("version: 1\noutput: a\\b", '3:9: `output` must be a folder below the manifest\'s folder, not "a\\b"'),
    ("version: 1\noutput: ./.git/x", "3:9: `output` must not be in .git"),
    (
        "version: 1\ntemplates: a/../../b",
        '3:12: `templates` must be a folder below the manifest\'s folder, not "a/../../b" (this path leads out of it)',
    ),
    ("version: 1\ndefaults:", "3:1: `defaults` has no value (add one or remove the key)"),
    ("version: 1\ndefaults: {head: x}", "3:12: unknown key `head` in `defaults` (it belongs in an optimization)"),
    ("version: 1\ndefaults: {timout: 3}", "3:12: unknown key `timout` in `defaults` (did you mean `timeout`?)"),
    (
        "version: 1\nupstream: -x",
        '3:11: `upstream` must be a branch, tag or commit, not "-x" (git would read a leading `-` as an option)',
    ),
    ("repo: .", "1:1: the manifest needs the key `version`"),
]


def messages(folder, text):
    """Return the first line of each problem, without the file's name."""
    manifest = folder / "m.yaml"
    manifest.write_text(text)
    with pytest.raises(ManifestError) as caught:
        read(manifest)
    return [problem.render("").splitlines()[0].removeprefix(":") for problem in caught.value.problems]


@pytest.mark.parametrize(("line", "message"), ITEM)
def test_of_an_item(tmp_path, line, message):
    assert messages(tmp_path, f"version: 1\noptimizations:\n  - id: a\n    {line}\n    head: x\n") == [message]


@pytest.mark.parametrize(("item_id", "message"), IDS)
def test_of_an_id(tmp_path, item_id, message):
    assert messages(tmp_path, f"version: 1\noptimizations: [{{id: {item_id}, head: x}}]\n") == [message]


@pytest.mark.parametrize(("lines", "message"), TOP)
def test_of_the_top(tmp_path, lines, message):
    assert messages(tmp_path, f"optimizations: {{a: {{head: x}}}}\n{lines}\n") == [message]


# -- every key with every kind of value ---------------------------------------------------------------

KINDS = (
    *("toy-input", "''", "12", "-1.5", ".nan", "true", "~", "|\n      a\n      b"),
    *("[]", "[a]", "[1]", "[[a]]", "[~]", "[{a: 1}]", "{}", "{a: {b: [c]}}"),
)
SECTIONS: dict[str, type[Model]] = {"env": EnvironmentSettings, "lint": LintSettings, "benchmark": BenchmarkCode}
VALIDATOR = Draft202012Validator(schema())
ITEM_LINE = "optimizations: [{id: a, head: x}]\n"


def keys_of(model: type[Model]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def texts_with(value: str) -> Iterator[str]:
    """Yield a manifest for each key of each model, in each place that it may have."""
    for key in keys_of(Manifest):
        values = {"version": "1", "optimizations": "[{id: a, head: x}]", key: value}
        yield "".join(f"{name}: {each}\n" for name, each in values.items())
    for key in keys_of(Optimization):
        item = "".join(f"    {name}: {each}\n" for name, each in {"id": "a", "head": "x", key: value}.items())
        yield f"version: 1\noptimizations:\n  -\n{item}"
        yield f"version: 1\noptimizations:\n  a:\n{item}"
    for key in keys_of(Measuring):
        yield f"version: 1\ndefaults:\n    {key}: {value}\n{ITEM_LINE}"
    for section, model in SECTIONS.items():
        for key in keys_of(model):
            if "\n" in value:
                continue  # no block in a flow mapping
            inner = f"{section}: {{{key}: {value}}}\n"
            yield f"version: 1\noptimizations:\n  - id: a\n    head: x\n    {inner}"
            if section in Measuring.model_fields:
                yield f"version: 1\ndefaults:\n    {inner}{ITEM_LINE}"


@pytest.mark.parametrize("value", KINDS)
def test_every_key_with_a_value_of_another_kind(tmp_path, value):
    for text in texts_with(value):
        _, problems = parse(text.encode(), tmp_path)
        for problem in problems:
            # Messages of pydantic, and of Python, begin differently.
            assert re.match(
                r"(each item of )?`|this optimization|this prprep|unknown key `|an? \w+ (must|needs)", problem.message
            ), text
            assert problem.line, text
            assert not re.search(
                r"\bInput\b|\bvalid (boolean|string|dictionary)|NoneType|<|\bdict\b", problem.message
            ), text
        content = as_json(Document(text.encode()).content)
        if value != ".nan" and not re.search(r"^    id: (?!a$)", text, re.MULTILINE):
            # An id that differs from its key, and what is no number, are beyond a schema.
            assert (not problems) == VALIDATOR.is_valid(content), (text, problems)


def as_json(value):
    """Return lists instead of tuples, as a JSON parser does."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    return [as_json(each) for each in value] if isinstance(value, tuple) else value


# -- many and long ------------------------------------------------------------------------------------


def test_of_hundreds_of_unknown_keys_the_first_are_shown(tmp_path):
    manifest = tmp_path / "m.yaml"
    unknown = "".join(f"    key_{number}: 1\n" for number in range(500))
    manifest.write_text(f"version: 1\noptimizations:\n  - id: a\n    head: x\n{unknown}")
    with pytest.raises(ManifestError) as caught:
        read(manifest)
    text = str(caught.value)
    assert len(caught.value.problems) == 500
    assert len(text) < 50_000
    assert text.splitlines()[-2:] == [
        "... and 450 more, which are shown once these are fixed",
        f"500 problems in {manifest}; nothing was run",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\n? {0}\n: 1\noptimizations: [{{id: a, head: x}}]\n",
        "version: 1\n? {0}\n: 1\n? {0}\n: 2\noptimizations: {{b: {{id: {0}, head: x}}}}\n",
        "version: 1\noptimizations: [{{id: {0}, head: x}}, {{id: {0}, head: x}}]\n",
        (
            "version: 1\ntitle: *{0}\n"
            "optimizations: [{{id: a, head: x, domain: [{0}, {0}], env: {{extras: [{0}, {0}]}}}}]\n"
        ),
        "version: 1\nrepo: {0}\nupstream: {0}\noutput: {0}\noptimizations: [{{id: a, head: {0}, benchmark: {0}.py}}]\n",
        "version: 1\noptimizations: [{{id: a, head: !!{0} x}}]\n",
    ],
)
def test_a_value_as_long_as_a_file_is_cut(tmp_path, text):
    assert all(len(message) < 700 for message in messages(tmp_path, text.format("k" * 100_000)))
