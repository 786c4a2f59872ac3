"""Run a composite action's scripts as GitHub's runner does: bash, expressions, conditions, and the files of each step.

Steps with `uses:` are skipped; what they put out is given. Any expression beyond those of action.yml is an error.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*')|(?P<name>[a-z][\w.-]*)|(?P<sign>==|!=|&&|\|\||[()]))")


@dataclass
class Job:
    """A job on a runner; `variables` are those of its environment, with the runner's folders below `folder`."""

    action: Path
    folder: Path
    workspace: Path
    variables: Mapping[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""
    summary: str = ""

    def run(self, given: Mapping[str, str], *, only: str = "") -> bool:
        """Run the action with these inputs, or only the step of one name; return whether it succeeded."""
        described = yaml.safe_load((self.action / "action.yml").read_text())
        assert set(given) <= set(described["inputs"]), "the runner warns of an unknown input"
        self._inputs = {name: given.get(name, str(each["default"])) for name, each in described["inputs"].items()}
        succeeded = True
        for step in described["runs"]["steps"]:
            condition = step.get("if", "success()")
            runs = (succeeded or "always()" in condition) and self._value(condition, succeeded=succeeded)
            if runs and "run" in step and only in {"", step["name"]}:
                succeeded = self._script(step) and succeeded
        for name, each in described["outputs"].items():
            self.outputs.setdefault("", {})[name] = self._text(each["value"])
        return succeeded

    def _script(self, step: dict[str, Any]) -> bool:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an expression in a script is run as a part of it"
        temporary = self.folder / "temp"
        temporary.mkdir(parents=True, exist_ok=True)
        files = {name: temporary / f"{name}.txt" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")}
        for path in files.values():
            path.write_text("")
        script = temporary / "script.sh"
        script.write_text(step["run"])
        env = {
            **self.variables,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.action),
            "RUNNER_TEMP": str(temporary),
            **{name: str(path) for name, path in files.items()},
            **{name: self._text(str(value)) for name, value in step.get("env", {}).items()},
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(command, cwd=self.workspace, env=env, capture_output=True, text=True, check=False)
        self.log += done.stdout + done.stderr
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        if "id" in step:
            lines = files["GITHUB_OUTPUT"].read_text().splitlines()
            self.outputs[step["id"]] = dict(line.split("=", 1) for line in lines)
        return done.returncode == 0

    def _text(self, text: str) -> str:
        return _EXPRESSION.sub(lambda match: str(self._value(match[1], succeeded=True)), text)

    def _value(self, expression: str, *, succeeded: bool) -> Any:
        """Evaluate an expression as Python, which has the same precedence and the same `and` and `or`."""
        words, position = [], 0
        expression = expression.replace("always()", "'true'").replace("success()", "'true'" if succeeded else "''")
        while position < len(expression.rstrip()):
            token = _TOKEN.match(expression, position)
            assert token, f"the test's runner cannot read {expression[position:]!r}"
            word = token[0].strip()
            words.append(repr(self._lookup(word)) if token["name"] else {"&&": "and", "||": "or"}.get(word, word))
            position = token.end()
        return eval(" ".join(words), {"__builtins__": {}})

    def _lookup(self, name: str) -> str:
        match name.split("."):
            case ["inputs", key]:
                return self._text(self._inputs[key])
            case ["steps", step, "outputs", key]:
                return self.outputs.get(step, {}).get(key, "")
            case ["runner", "temp"]:
                return str(self.folder / "temp")
            case ["github", "token"]:
                return self.variables.get("TOKEN_OF_JOB", "")
        raise AssertionError(f"the test's runner knows no {name}")


def environment(**more: str) -> dict[str, str]:
    """Return a job's environment: none of the variables that lead this process to GitHub."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GH_", "PYTHONPATH"))}
    return ours | more
