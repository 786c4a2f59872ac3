from benchmarks import timeline


def test_builds_are_counted_by_stage_and_apart_from_those_of_the_bodys_commands(tmp_path):
    lines = (
        "== lint, 2026-11-29 22:57:18",
        "environment of base",
        "installing the project from the root of its tree",
        "== verify, 2026-11-29 22:58:18",
        "installing the project from python",
        "lint:words-00: installing the project from the root of its tree",
        "lint:words-00: installing the project from the root of its tree",
    )
    for item in ("words-00", "words-01"):
        (tmp_path / ".prprep" / item).mkdir(parents=True)
        (tmp_path / ".prprep" / item / "log.txt").write_text("\n".join(lines))
    assert timeline.builds(tmp_path) == {"lint": 2, "verify": 2, "the commands of verify": 4}
