from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest

from tasks.errors import ManifestError
from tasks.manifest.model import BenchmarkCode, EnvironmentSettings, Measuring, Optimization
from tasks.manifest.reader import LoadedManifest, read, read_leniently, with_defaults

WRONG = """\
version: 2
repo: .
upstrem: main
output: ../elsewhere
defaults:
  budget: "20"
  env: {python: 3.10}
optimizations:
  - id: table_extraction
    domian: mem
    head: 12345e6
  - id: Table_Extraction
    domain: stuct
    head: -rf
    head: other
    functions: src/pkg/mod.py::f
  - title: Text merge
    commits: [a1b2c3d, d4e5f6a]
    head: perf/merge
    benchmark: /etc/passwd.py
    timeout: 0
  - id: a b
    summary: [1, b]
    benchmark: {setup: 3, cal: f()}
    tests: !!python/object:os.system ls
  - id: table_extraction
    head: perf/again
  - 12
"""

MESSAGES = """\
prprep.yaml:1:10: this prprep reads version 1 of the manifest, not version 2
    1 | version: 2
      |          ^
prprep.yaml:3:1: unknown key `upstrem` in the manifest (did you mean `upstream`?)
    3 | upstrem: main
      | ^
prprep.yaml:4:9: `output` must be a folder below the manifest's folder, not "../elsewhere" (this path leads out of it)
    4 | output: ../elsewhere
      |         ^
prprep.yaml:6:11: `defaults.budget` must be a number, not "20" (write 20, without quotes)
    6 |   budget: "20"
      |           ^
prprep.yaml:7:17: `defaults.env.python` must be text, but YAML reads 3.10 as a number (quote it: "3.10")
    7 |   env: {python: 3.10}
      |                 ^
prprep.yaml:10:5: unknown key `domian` in an optimization (did you mean `domain`?)
   10 |     domian: mem
      |     ^
prprep.yaml:11:11: `head` must be text, but YAML reads 12345e6 as a number (quote it: "12345e6")
   11 |     head: 12345e6
      |           ^
prprep.yaml:12:9: the ids `Table_Extraction` and `table_extraction` (line 9) differ only in case, and would share a folder
   12 |   - id: Table_Extraction
      |         ^
prprep.yaml:13:13: `domain` must be one of mem, cpu, async, struct, not "stuct" (did you mean struct?)
   13 |     domain: stuct
      |             ^
prprep.yaml:14:11: `head` must be a branch, tag or commit, not "-rf" (git would read a leading `-` as an option)
   14 |     head: -rf
      |           ^
prprep.yaml:15:5: duplicate key `head` (first on line 14)
   15 |     head: other
      |     ^
prprep.yaml:16:16: `functions` must be package.module:Qualified.name, not "src/pkg/mod.py::f" (did you mean pkg.mod:f?)
   16 |     functions: src/pkg/mod.py::f
      |                ^
prprep.yaml:17:5: an optimization needs the key `id`
   17 |   - title: Text merge
      |     ^
prprep.yaml:18:5: `commits` and `head` cannot both be set (remove one)
   18 |     commits: [a1b2c3d, d4e5f6a]
      |     ^
prprep.yaml:20:16: `benchmark` must be the path of a .py file in the repository, not "/etc/passwd.py" (this path leads out of it)
   20 |     benchmark: /etc/passwd.py
      |                ^
prprep.yaml:21:14: `timeout` must be more than 0, not 0
   21 |     timeout: 0
      |              ^
prprep.yaml:22:5: this optimization has neither `head` nor `commits`
   22 |   - id: a b
      |     ^
prprep.yaml:22:9: `id` must be made of letters, digits, `_`, `-` and `.`, starting with a letter or digit, not "a b" (for example a_b)
   22 |   - id: a b
      |         ^
prprep.yaml:23:15: each item of `summary` must be text, but YAML reads 1 as a number (quote it: "1")
   23 |     summary: [1, b]
      |               ^
prprep.yaml:24:24: `benchmark.setup` must be text, but YAML reads 3 as a number (quote it: "3")
   24 |     benchmark: {setup: 3, cal: f()}
      |                        ^
prprep.yaml:24:27: unknown key `cal` in `benchmark` (did you mean `call`?)
   24 |     benchmark: {setup: 3, cal: f()}
      |                           ^
prprep.yaml:25:12: the YAML tag `!!python/object:os.system` is not supported (remove it)
   25 |     tests: !!python/object:os.system ls
      |            ^
prprep.yaml:26:9: duplicate id `table_extraction` (first on line 9)
   26 |   - id: table_extraction
      |         ^
prprep.yaml:28:5: an optimization must be a mapping (with `id:` and `head:`, for example)
   28 |   - 12
      |     ^
24 problems in prprep.yaml; nothing was run"""


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def loaded(text: str | bytes) -> LoadedManifest:
    Path("prprep.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return read(Path("prprep.yaml"))


def error_text(text: str | bytes) -> str:
    with pytest.raises(ManifestError) as caught:
        loaded(text)
    return str(caught.value)


def item(lines: str) -> Optimization:
    """Read a manifest with one item that has an id and a head."""
    written = dedent(lines).strip().replace("\n", "\n    ")
    return loaded(f"version: 1\noptimizations:\n  - id: one\n    head: topic\n    {written}\n").manifest.optimizations[
        0
    ]


class TestAllAtOnce:
    def test_every_mistake_is_reported_with_its_position(self):
        assert error_text(WRONG) == MESSAGES

    def test_the_exit_code_is_that_of_a_wrong_manifest(self):
        with pytest.raises(ManifestError) as caught:
            loaded(WRONG)
        assert caught.value.exit_code == 3

    def test_the_valid_part_is_returned_for_further_checks(self):
        Path("prprep.yaml").write_text(WRONG)
        found, problems = read_leniently(Path("prprep.yaml"))
        assert len(problems) == 24
        assert found is not None
        valid = [
            (item.id, item.head, place)
            for item, place in zip(found.manifest.optimizations, found.item_locs, strict=True)
        ]
        assert valid == [
            ("table_extraction", None, ("optimizations", 0)),
            ("Table_Extraction", None, ("optimizations", 1)),
            ("table_extraction", "perf/again", ("optimizations", 4)),
        ]

    def test_without_a_valid_repo_nothing_is_returned(self):
        Path("prprep.yaml").write_text("version: 1\nrepo: ext::sh\noptimizations: {a: {head: x}}\n")
        found, problems = read_leniently(Path("prprep.yaml"))
        assert found is None
        assert [problem.message for problem in problems] == [
            "`repo` uses git's transport ext::, which can run programs"
        ]

    def test_a_misspelled_key_is_not_missing_as_well(self):
        assert error_text("version: 1\noptimizations:\n  - idd: a\n    haed: b\n") == (
            "prprep.yaml:3:5: unknown key `idd` in an optimization (did you mean `id`?)\n"
            "    3 |   - idd: a\n"
            "      |     ^\n"
            "prprep.yaml:4:5: unknown key `haed` in an optimization (did you mean `head`?)\n"
            "    4 |     haed: b\n"
            "      |     ^\n"
            "2 problems in prprep.yaml; nothing was run"
        )

    def test_items_before_a_syntax_error_are_checked(self):
        assert error_text("version: 1\noptimizations:\n  - id: a\n    head: 1234567\n  - id: b\n    head: 'b\n") == (
            'prprep.yaml:4:11: `head` must be text, but YAML reads 1234567 as a number (quote it: "1234567")\n'
            "    4 |     head: 1234567\n"
            "      |           ^\n"
            "prprep.yaml:6:11: this quote is not closed\n"
            "    6 |     head: 'b\n"
            "      |           ^\n"
            "2 problems in prprep.yaml; nothing was run"
        )

    def test_a_mistake_that_many_items_merge_is_reported_once(self):
        text = "version: 1\noptimizations:\n" + "".join(
            f"  - {{id: i{number}, head: h, env: {'&shared {python: 3}' if number == 0 else '*shared'}}}\n"
            for number in range(5)
        )
        assert error_text(text).splitlines()[-1] == "1 problem in prprep.yaml; nothing was run"


class TestItems:
    def test_as_a_list(self):
        found = loaded("version: 1\noptimizations:\n  - {id: a, head: x}\n  - {id: b, commits: [y, z]}\n")
        assert [(item.id, item.head, item.commits) for item in found.manifest.optimizations] == [
            ("a", "x", ()),
            ("b", None, ("y", "z")),
        ]
        assert found.item_locs == (("optimizations", 0), ("optimizations", 1))
        assert found.document.position((*found.item_locs[1], "commits", 1)) == (4, 26)

    def test_as_a_mapping_by_id(self):
        found = loaded("version: 1\noptimizations:\n  a:\n    head: x\n  b:\n    id: b\n    commits: y\n")
        assert [(item.id, item.head, item.commits) for item in found.manifest.optimizations] == [
            ("a", "x", ()),
            ("b", None, ("y",)),
        ]
        assert found.item_locs == (("optimizations", "a"), ("optimizations", "b"))
        assert found.document.position((*found.item_locs[1], "commits", 0)) == (7, 14)

    def test_problems_in_a_mapping_by_id(self):
        text = "version: 1\noptimizations:\n  a b: {head: x}\n  c:\n  d: {id: e, head: x}\n  7: {head: y}\n  f: [x]\n  D: {head: -x}\n  c: {head: z}\n"
        assert error_text(text) == dedent("""\
            prprep.yaml:3:3: `id` must be made of letters, digits, `_`, `-` and `.`, starting with a letter or digit, not "a b" (for example a_b)
                3 |   a b: {head: x}
                  |   ^
            prprep.yaml:4:3: this optimization has neither `head` nor `commits`
                4 |   c:
                  |   ^
            prprep.yaml:5:11: `id` differs from the key of this optimization (remove it, or write d)
                5 |   d: {id: e, head: x}
                  |           ^
            prprep.yaml:6:3: keys must be text, but YAML reads 7 as a number (quote it: "7")
                6 |   7: {head: y}
                  |   ^
            prprep.yaml:7:6: an optimization must be a mapping (with `id:` and `head:`, for example)
                7 |   f: [x]
                  |      ^
            prprep.yaml:8:3: the ids `D` and `d` (line 5) differ only in case, and would share a folder
                8 |   D: {head: -x}
                  |   ^
            prprep.yaml:8:13: `head` must be a branch, tag or commit, not "-x" (git would read a leading `-` as an option)
                8 |   D: {head: -x}
                  |             ^
            prprep.yaml:9:3: duplicate key `c` (first on line 4)
                9 |   c: {head: z}
                  |   ^
            8 problems in prprep.yaml; nothing was run""")

    @pytest.mark.parametrize(
        ("optimizations", "message"),
        [
            ("[]", "2:16: `optimizations` must have at least one optimization"),
            ("{}", "2:16: `optimizations` must have at least one optimization"),
            ("", "2:1: `optimizations` must be a list of optimizations, or a mapping by id"),
            ("text", "2:16: `optimizations` must be a list of optimizations, or a mapping by id"),
        ],
    )
    def test_no_items(self, optimizations, message):
        assert error_text(f"version: 1\noptimizations: {optimizations}\n").splitlines()[0] == f"prprep.yaml:{message}"

    def test_an_id_from_a_merge(self):
        text = "version: 1\noptimizations:\n  - &first\n    id: a\n    head: x\n  - <<: *first\n    head: y\n"
        assert error_text(text).splitlines()[0] == "prprep.yaml:6:5: duplicate id `a` (first on line 4)"


class TestShortForms:
    def test_one_text_instead_of_a_list_of_one(self):
        found = item("""
            summary: Page images are let go.
            domain: mem
            functions: pkg.tables:Table.rows
            metrics: memory
            env: {extras: fast, groups: dev, install: numpy<3}
        """)
        assert found.summary == ("Page images are let go.",)
        assert found.domain == ("mem",)
        assert found.functions == ("pkg.tables:Table.rows",)
        assert found.metrics == ("memory",)
        assert found.env == EnvironmentSettings(extras=("fast",), groups=("dev",), install=("numpy<3",))

    def test_lists(self):
        found = item("domain: [mem, cpu]\nfunctions:\n  - pkg.a:f\n  - pkg.b\nmetrics: [time, memory]")
        assert (found.domain, found.functions, found.metrics) == (
            ("mem", "cpu"),
            ("pkg.a:f", "pkg.b"),
            ("time", "memory"),
        )

    def test_a_benchmark_as_path_and_as_code(self):
        assert item("benchmark: tests/benchmarks/test_a.py").benchmark == "tests/benchmarks/test_a.py"
        assert item("benchmark: {setup: import x, call: x.f()}").benchmark == BenchmarkCode(
            setup="import x", call="x.f()"
        )

    def test_booleans_of_yaml_1_1_are_text(self):
        assert item("title: no").title == "no"

    def test_numbers_with_an_exponent(self):
        assert item("timeout: 1e2").timeout == 100

    def test_empty_values_of_optional_keys(self):
        assert item("title:\nbase: ~").model_dump(include={"title", "base"}) == {"title": None, "base": None}

    def test_anchors_aliases_and_merges(self):
        text = """
            version: 1
            optimizations:
              - &first
                id: a
                head: x
                env: &env {python: "3.12", extras: [fast]}
              - <<: *first
                id: b
                env: {<<: *env, extras: []}
              - <<: [{id: c, domain: cpu}, *first]
        """
        found = loaded(dedent(text)).manifest.optimizations
        assert [(item.id, item.head, item.domain, item.env.python, item.env.extras) for item in found] == [
            ("a", "x", (), "3.12", ("fast",)),
            ("b", "x", (), "3.12", ()),
            ("c", "x", ("cpu",), "3.12", ("fast",)),
        ]

    @pytest.mark.parametrize(
        "encoded",
        [
            b"\xef\xbb\xbfversion: 1\noptimizations: {a: {head: x}}\n",
            b"version: 1\r\noptimizations:\r\n  a: {head: x}\r\n",
        ],
    )
    def test_a_byte_order_mark_and_line_ends_of_windows(self, encoded):
        assert loaded(encoded).manifest.optimizations[0].id == "a"


class TestFiles:
    def test_no_file(self):
        with pytest.raises(
            ManifestError, match=r"(?m)^none\.yaml: there is no such file \(pass the manifest with -m FILE\)$"
        ):
            read(Path("none.yaml"))

    def test_a_folder(self):
        Path("sub").mkdir()
        with pytest.raises(ManifestError, match=r"(?m)^sub: this is a folder, not a manifest"):
            read(Path("sub"))

    def test_a_pipe(self):
        os.mkfifo("prprep.yaml")
        with pytest.raises(ManifestError, match=r"(?m)^prprep\.yaml: this file cannot be read: not a regular file"):
            read(Path("prprep.yaml"))

    def test_a_file_below_a_file(self):
        Path("prprep.yaml").write_text("")
        with pytest.raises(ManifestError, match=r"(?m)^prprep\.yaml/x: this file cannot be read: Not a directory"):
            read(Path("prprep.yaml/x"))

    def test_a_file_that_is_too_large(self):
        with Path("prprep.yaml").open("wb") as stream:
            stream.truncate(65 * 2**20)
        with pytest.raises(ManifestError, match="this file is larger than 64 MiB, too large for a manifest"):
            read(Path("prprep.yaml"))

    @pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n...\n", "~"])
    def test_an_empty_file(self, text):
        assert error_text(text) == (
            "prprep.yaml: this file is empty (it needs `version: 1` and `optimizations:`)\n1 problem in prprep.yaml; nothing was run"
        )

    @pytest.mark.parametrize("text", ["[a]", "text", "- version: 1", "12"])
    def test_a_top_level_other_than_a_mapping(self, text):
        assert (
            error_text(text).splitlines()[0]
            == "prprep.yaml:1:1: a manifest must be a mapping (it needs `version: 1` and `optimizations:`)"
        )

    def test_a_path_outside_of_the_current_folder_is_shown_in_full(self, tmp_path, monkeypatch):
        monkeypatch.chdir("/")
        with pytest.raises(ManifestError) as caught:
            read(Path("/nowhere/prprep.yaml"))
        assert caught.value.file == "nowhere/prprep.yaml"
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ManifestError) as caught:
            read(Path("/nowhere/prprep.yaml"))
        assert caught.value.file == "/nowhere/prprep.yaml"


class TestWithDefaults:
    def test_settings_of_the_item_win(self):
        defaults = Measuring(budget=5, timeout=60, strategy="inject")
        merged = with_defaults(Optimization(id="a", head="x", budget=7), defaults)
        assert (merged.budget, merged.timeout, merged.strategy, merged.id) == (7, 60, "inject", "a")

    def test_an_item_can_unset_a_default(self):
        assert with_defaults(Optimization(id="a", timeout=None), Measuring(timeout=60)).timeout is None

    def test_an_item_can_set_the_builtin_default(self):
        assert with_defaults(Optimization(id="a", engine="native"), Measuring(engine="codeflash")).engine == "native"

    def test_env_is_merged_key_by_key(self):
        defaults = Measuring(env=EnvironmentSettings(python="3.12", extras=("fast",), groups=("dev",)))
        merged = with_defaults(Optimization(id="a", env=EnvironmentSettings(extras=("slow",), groups=())), defaults)
        assert merged.env == EnvironmentSettings(python="3.12", extras=("slow",), groups=())

    def test_variables_to_pass_are_merged(self, tmp_path):
        (tmp_path / "prprep.yaml").write_text(
            "version: 1\ndefaults: {env: {pass: A_KEY}}\noptimizations: {a: {head: x, env: {python: '3.12'}}}\n"
        )
        manifest = read(tmp_path / "prprep.yaml").manifest
        assert with_defaults(manifest.optimizations[0], manifest.defaults).env.passed == ("A_KEY",)

    def test_without_defaults_the_item_is_the_same(self):
        plain = Optimization(id="a", head="x")
        assert with_defaults(plain, Measuring()) is plain
