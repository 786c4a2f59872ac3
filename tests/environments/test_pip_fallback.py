from pathlib import Path

import pytest

from tasks.environments import pip_fallback
from tasks.environments.pip_fallback import translate
from tasks.errors import CommandFailedError

HERE = Path("/tree")
PIP = ["/v/bin/python", "-m", "pip"]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["venv", "--no-project", "--python", "/usr/bin/python3", "/v"], ["/usr/bin/python3", "-m", "venv", "/v"]),
        (
            ["pip", "list", "--format", "json", "--python", "/v/bin/python"],
            [*PIP, "list", "--disable-pip-version-check", "--format", "json"],
        ),
        (
            ["pip", "uninstall", "--python", "/v/bin/python", "a"],
            [*PIP, "uninstall", "--disable-pip-version-check", "--quiet", "--yes", "a"],
        ),
        (
            [
                "pip",
                "install",
                "--python",
                "/v/bin/python",
                "-r",
                "pyproject.toml",
                "--extra",
                "test",
                "-r",
                "asked.in",
                "--constraints",
                "pins",
            ],
            [
                *PIP,
                "install",
                "--disable-pip-version-check",
                "--quiet",
                "-r",
                "asked.in",
                "--constraint",
                "pins",
                "/tree[test]",
            ],
        ),
        (
            [
                "pip",
                "install",
                "--no-deps",
                "--python",
                "/v/bin/python",
                "-e",
                "/tree",
                "--default-index",
                "https://example.org",
            ],
            [
                *PIP,
                "install",
                "--disable-pip-version-check",
                "--quiet",
                "--no-deps",
                "-e",
                "/tree",
                "--index-url",
                "https://example.org",
            ],
        ),
    ],
)
def test_uv_commands_are_translated_to_pip(monkeypatch, words, command):
    monkeypatch.setattr(pip_fallback, "_has_pip", lambda _: False)
    assert translate(words, HERE) == command


def test_the_pip_of_an_interpreter_serves_its_environments_without_one(monkeypatch, tmp_path):
    monkeypatch.setattr(pip_fallback, "_has_pip", lambda python: python == str(tmp_path / "python"))
    (tmp_path / "python").touch()
    (tmp_path / "v/bin").mkdir(parents=True)
    (tmp_path / "v/bin/python").symlink_to(tmp_path / "python")
    base, own = str(tmp_path / "python"), str(tmp_path / "v/bin/python")
    assert translate(["venv", "--python", base, "/v"], HERE) == [base, "-m", "venv", "--without-pip", "/v"]
    install = ["pip", "install", "--python", own, "a"]
    assert translate(install, HERE)[:6] == [base, "-m", "pip", "--python", own, "install"]
    (tmp_path / "v/lib/python3.11/site-packages/pip").mkdir(parents=True)
    assert translate(install, HERE)[:4] == [own, "-m", "pip", "install"]


def test_commands_that_need_uv():
    with pytest.raises(CommandFailedError, match="this needs uv, which does not run here"):
        translate(["sync", "--frozen", "--python", "/v/bin/python"], HERE)


def test_pythons_are_found_by_version_and_specifier(tmp_path):
    for name in ("python3.9", "python3.12"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    for request, name in (
        ("3.9", "python3.9"),
        (">=3.9", "python3.12"),
        (">=3.8,<3.12", "python3.9"),
        ("3.12.4", "python3.12"),
    ):
        found = pip_fallback.run(
            ["python", "find", "--system", "--", request], cwd=tmp_path, env={"PATH": str(tmp_path)}
        )
        assert found == str(tmp_path / name)
    with pytest.raises(CommandFailedError, match=r"no Python 3\.10 was found"):
        pip_fallback.run(["python", "find", "3.10"], cwd=tmp_path, env={"PATH": str(tmp_path)})
