from __future__ import annotations

import math

import pytest
import yaml

from tasks.manifest import document as document_module
from tasks.manifest.construct import BROKEN, MAX_DEPTH, plain
from tasks.manifest.document import Document


def problems(text: str | bytes) -> list[str]:
    """Return the problems as `line:column: message (suggestion)`."""
    document = Document(text.encode() if isinstance(text, str) else text)
    return [problem.render("f").splitlines()[0].removeprefix("f:") for problem in document.problems]


class TestPositions:
    TEXT = "a:\n  - b: x\n    c: [1, 22]\nd: {e: &m {f: 3}}\ng:\n  <<: *m\n  h: 4\n"

    @pytest.mark.parametrize(
        ("loc", "position"),
        [
            ((), (1, 1)),
            (("a",), (2, 3)),
            (("a", 0), (2, 5)),
            (("a", 0, "c", 1), (3, 12)),
            (("a", 0, "b", 0), (2, 8)),
            (("a", 0, "missing"), (2, 5)),
            (("a", 7), (2, 3)),
            (("d", "e", "f"), (4, 15)),
            (("g", "h"), (7, 6)),
            (("g", "f"), (4, 15)),
            (("g", "missing"), (5, 1)),
        ],
    )
    def test_of_a_loc(self, loc, position):
        assert Document(self.TEXT.encode()).position(loc) == position

    def test_the_caret_is_below_the_value_after_wide_characters(self):
        problem = Document("a: {t: '漢字 e\u0301', x: y}\n".encode()).problem("here", ("a", "x"))
        assert (problem.line, problem.column, problem.caret) == (1, 20, 21)

    def test_a_long_line_is_cut_around_the_position(self):
        document = Document(b"{a: " + b"x" * 300 + b", b: y, c: " + b"z" * 300 + b"}")
        lines = document.problem("here", ("b",)).render("f").splitlines()
        assert lines[0] == "f:1:310: here"
        assert len(lines[1]) < 140
        assert lines[1][lines[2].index("^")] == "y"

    def test_lines_end_as_in_editors(self):
        text = "a: 1\r\nb: 2\rc: 'x\u2028y'\nd: 4\n"
        assert [Document(text.encode()).position((key,)) for key in "abcd"] == [(1, 4), (2, 4), (3, 4), (4, 4)]

    def test_control_characters_do_not_reach_the_terminal(self):
        assert Document(b"a: \tx\x1b[31m").source.excerpt(1) == "a:  x\ufffd[31m"


class TestScalars:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            *(("", None), ("~", None), ("null", None), ("true", True), ("FALSE", False)),
            *(("12", 12), ("-3", -3), ("0755", 755), ("0x1F", 31), ("0o17", 15)),
            *(("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0), ("-.inf", -math.inf)),
            *(
                ("yes", "yes"),
                ("on", "on"),
                ("1_000", "1_000"),
                ("2024-01-01", "2024-01-01"),
                ("12:30", "12:30"),
                ("n", "n"),
            ),
            *(("1a", "1a"), ("e5", "e5"), ("nullify", "nullify"), ("-", "-"), ("٣", "٣")),
        ],
    )
    def test_yaml_1_2(self, text, value):
        assert (plain(text), type(plain(text))) == (value, type(value))

    def test_not_a_number(self):
        assert math.isnan(plain(".nan"))

    def test_a_number_of_thousands_of_digits(self):
        assert plain("9" * 5000) == math.inf

    def test_quotes_and_tags_make_text(self):
        assert Document(b"""[ '12', "12", !!str 12, 12 ]""").content == ("12", "12", "12", 12)

    def test_yamls_own_tags(self):
        assert Document(b"[!!int 12, !!float 1, !!bool true, !!null ~, !!seq [], !!map {}]").content == (
            12,
            1,
            True,
            None,
            (),
            {},
        )
        assert problems("[!!int x]") == ["1:2: the YAML tag `!!int` is not supported (remove it)"]


class TestMistakesThatYamlAllows:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a: {b: 1, b: 2}", "1:11: duplicate key `b` (first on line 1)"),
            ("a: {'b': 1, b: 2}", "1:13: duplicate key `b` (first on line 1)"),
            ("a:\n  - b:\n      c: 1\n      d: 2\n      c: 3\n", "5:7: duplicate key `c` (first on line 3)"),
            ("{12: x}", '1:2: keys must be text, but YAML reads 12 as a number (quote it: "12")'),
            ("true: x", '1:1: keys must be text, but YAML reads true as a boolean (quote it: "true")'),
            ("? [a]\n: x", "1:3: keys must be text"),
            ("~: x", "1:1: keys must be text"),
            (
                "a: !!python/object:os.system x",
                "1:4: the YAML tag `!!python/object:os.system` is not supported (remove it)",
            ),
            ("a: !mine [x]", "1:4: the YAML tag `!mine` is not supported (remove it)"),
            ("a: !!set {x}", "1:4: the YAML tag `!!set` is not supported (remove it)"),
            ("a: &x [*x]", "1:8: the alias `*x` is inside its own anchor `&x`"),
            ("a: &x {b: *x}", "1:11: the alias `*x` is inside its own anchor `&x`"),
            ("a: *x", "1:4: the alias `*x` has no anchor `&x` above it"),
            ("<<: x", "1:5: `<<` can only merge a mapping, or a list of mappings"),
            ("a: 1\n---\nb: 2", "2:1: a second document starts here (remove the `---`)"),
            ('a: "x\\0y"', "1:4: the character U+0000 (NUL) is not allowed here"),
            ('a: "\\e[31m"', "1:4: the character U+001B (escape) is not allowed here"),
        ],
    )
    def test_is_a_problem(self, text, message):
        assert problems(text) == [message]

    def test_a_quoted_merge_key_is_a_key(self):
        assert Document(b"'<<': {a: 1}").content == {"<<": {"a": 1}}

    def test_own_keys_win_over_merged_ones_and_earlier_merges_over_later_ones(self):
        text = "- &a {x: 1, y: 1}\n- &b {x: 2, y: 2, z: 2}\n- {<<: [*a, *b], x: 3}\n"
        assert Document(text.encode()).content[2] == {"x": 3, "y": 1, "z": 2}

    def test_a_reported_value_is_marked(self):
        assert Document(b"a: !mine x").content == {"a": BROKEN}

    def test_an_alias_bomb(self):
        lines = [
            "a: &a [x,x,x,x,x,x,x,x,x,x]",
            *(f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)),
        ]
        [message] = problems("\n".join(lines))
        assert message.startswith("5:29: the aliases up to this one expand to more than 100,")

    def test_a_reasonable_number_of_aliases(self):
        assert problems("- &a {x: 1, y: [1, 2]}\n" + "- *a\n" * 5000) == []

    def test_aliases_that_nest_deeply(self):
        chain = [f"a{depth}: &a{depth} [*a{depth - 1}]" for depth in range(1, 20_000)]
        [message] = problems("\n".join(["a0: &a0 [x]", *chain]))
        assert " the aliases up to this one expand to more than " in message

    @pytest.mark.parametrize(
        ("text", "position"),
        [
            ("[" * 100_000, (1, 101)),
            ("{a: " * 100_000, (1, 401)),
            ("- " * 5_000, (1, 201)),
            ("\n".join(" " * depth + "a:" for depth in range(3000)), (101, 101)),
        ],
    )
    def test_deep_nesting(self, text, position):
        [problem] = Document(text.encode()).problems
        assert problem.message == f"values are nested more than {MAX_DEPTH} levels deep"
        assert (problem.line, problem.column) == position


class TestSyntax:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a:\n\tb: 1", "2:1: this line is indented with a tab; YAML allows only spaces"),
            ("a:\n  b: 1\n  \tc: 2", "3:3: this line is indented with a tab; YAML allows only spaces"),
            ("-\t- x", "1:2: this line is indented with a tab; YAML allows only spaces"),
            ("a: [1, 2\nb: c\n", "1:4: this `[` is not closed, or a `,` is missing after it"),
            ("a: {b: c\n", "1:4: this `{` is not closed, or a `,` is missing after it"),
            ("a: 1\nb: 'x\nc: 2\n", "2:4: this quote is not closed"),
            ("a: 1\nb\nc: 2\n", "2:1: expected `key: value`; the `:` and a space are missing"),
            (
                "a: b: c",
                "1:5: unexpected `:`; quote a value that contains `: `, and indent a key like the keys above it",
            ),
            ("a: @x", "1:4: a value cannot start with this character; quote it"),
            ("a: - b", "1:4: a list cannot start here; put it on the next line"),
            ("- a\nb: c", "2:1: expected `-`; check that the indentation matches the lines above"),
            ("a:\n  - b\n - c", "3:2: expected a key; check that the indentation matches the lines above"),
            ('a: "\\d"', "1:5: unknown escape in double quotes; use single quotes, or double the backslash"),
            (" a: 1\nb: 2", "2:1: this is outside of the manifest; check that the indentation matches the first line"),
            ("%YAML 3.0\n---\na", "1:1: this is not valid YAML: found incompatible YAML document"),
        ],
    )
    def test_one_message_with_its_position(self, text, message):
        if document_module.LOADER is yaml.SafeLoader:
            pytest.skip("the messages are those of libyaml")
        assert problems(text) == [message]

    def test_earlier_items_of_a_list_are_kept(self):
        document = Document(b"version: 1\noptimizations:\n  - id: a\n  - id: b\n  - id: 'c\n")
        assert document.is_cut
        assert document.content == {"version": 1, "optimizations": ({"id": "a"}, {"id": "b"})}

    def test_earlier_items_of_a_mapping_are_kept(self):
        document = Document(b"version: 1\noptimizations:\n  a: {head: x}\n  b: {head: [}\n")
        assert document.content == {"version": 1, "optimizations": {"a": {"head": "x"}}}

    @pytest.mark.parametrize("text", ["'x", "a", "a: 'b", "[{", "a: &b {<<: *b, 'c", "- &a", "&a !b"])
    def test_without_the_c_library(self, text, monkeypatch):
        by_c_library = problems(text)
        monkeypatch.setattr(document_module, "LOADER", yaml.SafeLoader)
        assert len(problems(text)) == len(by_c_library)


class TestBytes:
    def test_bytes_that_are_not_utf_8(self):
        assert problems(b"a: ok\nb: caf\xe9 cr\xe8me\nc: \xff\n") == [
            "2:7: the byte 0xe9 is not UTF-8",
            "3:4: the byte 0xff is not UTF-8",
        ]

    def test_control_characters(self):
        assert problems(b"a: x\x00y\nb: \x1b[31m\n") == [
            "1:5: the character U+0000 (NUL) is not allowed here",
            "2:4: the character U+001B (escape) is not allowed here",
        ]

    def test_utf_16(self):
        assert problems("a: b".encode("utf-16")) == [" this file is UTF-16, not UTF-8 (save it as UTF-8)"]

    def test_a_byte_order_mark_is_ignored(self):
        assert Document(b"\xef\xbb\xbfa: b").position(("a",)) == (1, 4)
