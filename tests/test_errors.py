from tasks.errors import CommandFailedError, ManifestError, MeasuringError, Problem, PrprepError


def test_a_message_has_where_what_and_hint():
    assert (
        str(PrprepError("no such ref", where="prprep.yaml", hint="name one")) == "prprep.yaml: no such ref\n  name one"
    )
    assert str(PrprepError("no such ref")) == "no such ref"


def test_a_failed_command_shows_its_last_lines():
    error = CommandFailedError(("uv", "sync"), code=2, error="\n".join(map(str, range(30))))
    assert str(error) == "`uv sync` ended with exit code 2:\n" + "\n".join(map(str, range(18, 30)))


def test_a_killed_command_names_the_signal():
    assert str(CommandFailedError(("git",), code=-9)) == "`git` was killed by signal 9"


def test_long_lines_of_a_benchmark_are_cut():
    message = str(MeasuringError(f"the benchmark failed on base:\n{'x' * 1000}", where="test_x"))
    assert message == f"test_x: the benchmark failed on base:\n{'x' * 300} … (700 more characters)"


def test_problems_are_ordered_by_line():
    later, first = Problem("b", line=9, column=3, excerpt="  b: 1"), Problem("a", line=2, column=1)
    assert str(ManifestError("m.yaml", [later, first])) == (
        "m.yaml:2:1: a\nm.yaml:9:3: b\n    9 |   b: 1\n      |   ^\n2 problems in m.yaml; nothing was run"
    )
