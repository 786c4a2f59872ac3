"""The pages of docs/ that are generated from the code: their tables are those of the models and of the rules."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tasks.benchmark_tests.linting.rules import RULES, Rule
from tasks.environments.diagnoses import Diagnosis, diagnose, tables
from tasks.json_output.schema import schema
from tasks.manifest.model import EnvironmentSettings, LintSettings, Manifest, Measuring, Optimization
from tests.support.diagnosis_examples import EXAMPLES, VALUES

_NUMBERS = {2: "two", 3: "three"}
_TABLE_HEAD = ("| key | meaning | default |", "|---|---|---|")
_NESTED: dict[str, type[BaseModel]] = {"env": EnvironmentSettings, "lint": LintSettings}


def manifest_tables() -> str:
    """Return the part of docs/manifest.md from "Top level" on."""
    own = [name for name in Optimization.model_fields if name not in Measuring.model_fields]
    sections = {
        "Top level": _setting_rows(Manifest, [*Manifest.model_fields]),
        "What an item says about itself": _setting_rows(Optimization, own),
        "What an item or `defaults` can set": _setting_rows(Measuring, [*Measuring.model_fields]),
    }
    return (
        "\n".join(line for title, rows in sections.items() for line in ("", f"## {title}", "", *_TABLE_HEAD, *rows))
        + "\n"
    )


def _setting_rows(model: type[BaseModel], names: list[str]) -> Iterator[str]:
    for name in names:
        if nested := _NESTED.get(name):
            for inner, field in nested.model_fields.items():
                yield _setting_row(f"{name}: {{{field.alias or inner}}}", field)
        else:
            yield _setting_row(name, model.model_fields[name])


def _setting_row(key: str, field: FieldInfo) -> str:
    meaning, _, default = " ".join((field.description or "").split()).partition("; default: ")
    if field.is_required():
        default = "required"
    elif not default:
        default = _shown_default(field.default)
    meaning, default = (re.sub(r"\b([a-z-]+\.md)\b", r"[\1](\1)", text) for text in (meaning, default))
    return f"| `{key}` | {meaning} | {default} |"


def _shown_default(value: Any) -> str:
    if value is None or value == ():
        return "none"
    return f"`{value:g}`" if isinstance(value, float) else f"`{str(value).lower() if value is True else value}`"


def document_tables() -> str:
    """Return the part of docs/json.md with a table for every part of the document."""
    whole = schema()
    parts = {"Document": whole, **{name: part for name, part in whole["$defs"].items() if "properties" in part}}
    return "\n".join(line for name in _order(parts) for line in _section(name, parts[name], whole["$defs"]))


def _order(parts: dict[str, Any]) -> list[str]:
    """Return the parts in the order in which the fields of the document lead to them."""
    order = ["Document"]
    for name in order:
        named = re.findall(r'"#/\$defs/(\w+)"', json.dumps(parts[name]["properties"]))
        order += dict.fromkeys(each for each in named if each in parts and each not in order)
    return order


def _section(name: str, part: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    yield from (f"### {name}", "", part["description"], "", "| field | value | meaning |", "|---|---|---|")
    for field, value in part["properties"].items():
        yield f"| `{field}` | {_value(value, parts)} | {value.get('description', '')} |"
    yield ""


def _value(value: dict[str, Any], parts: dict[str, Any]) -> str:
    """Say which values a field has: `list of strings`, `number or null`, a link to another table."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if "properties" in parts[name] else _value(parts[name], parts)
    if "anyOf" in value:
        return " or ".join(_value(each, parts) for each in value["anyOf"])
    if constants := value.get("enum", [value["const"]] if "const" in value else []):
        return ", ".join(f"`{each}`" for each in constants)
    if "prefixItems" in value:
        return f"{_NUMBERS[len(value['prefixItems'])]} {_value(value['prefixItems'][0], parts)}s"
    if value["type"] == "array":
        plural = "" if "$ref" in value["items"] else "s"
        return f"list of {_value(value['items'], parts)}{plural}"
    return str(value["type"])


_RULES_HEAD = """# Rules for benchmarks

The stage `lint` and `prprep lint PATH` check benchmarks against these rules: they read them and run
them once. A benchmark with a fatal finding measures something other than it says, and its item needs review. A comment
cannot switch a rule off; `lint: {ignore: [RULE]}` in the manifest does, for one item. `not-reached` there accepts a
benchmark that is not seen to execute what changed. The table is generated from
`tasks/benchmark_tests/linting/rules.py`.

| rule | why it matters | the fix | |
|---|---|---|---|
"""


def rules_page() -> str:
    """Return the text of docs/rules.md."""
    return _RULES_HEAD + "".join(map(_rule_row, RULES.values()))


def _rule_row(rule: Rule) -> str:
    kinds = ", ".join(["fatal"] * rule.fatal + ["`--fix`"] * rule.automatic)
    return f"| `{rule.name}` | {rule.why} | {rule.fix} | {kinds} |\n"


_ACTIONS = {
    "environment": "Building an environment",
    "benchmark": "Running the benchmark",
    "codeflash": "Running codeflash",
}
_DIAGNOSES_HEAD = """# Diagnoses

The failures that prprep recognises, by the output of the program that failed: each has a page with an example, its
cause and the fix. A repair installs a package for all sides and is listed in the evidence; the measured code is never
changed. Generated from `tasks/environments/diagnoses.yaml`.
"""


def diagnosis_pages() -> dict[str, str]:
    """Return the text of docs/diagnoses.md and of a page for each name of a diagnosis, by their paths in docs/."""
    index, pages = _DIAGNOSES_HEAD, {}
    for table, diagnoses in tables().items():
        index += f"\n## {_ACTIONS[table]}\n\n| diagnosis | cause |\n|---|---|\n"
        for diagnosis in diagnoses:
            path = f"diagnoses/{diagnosis.name}.md"
            index += f"| [{diagnosis.name}]({path}) | {_unfilled(diagnosis.cause)} |\n"
            pages.setdefault(path, f"# {diagnosis.name}\n\n[All diagnoses](../diagnoses.md)\n")
            pages[path] += "".join(_diagnosis_section(table, diagnosis))
    return {"diagnoses.md": index, **pages}


def _diagnosis_section(table: str, diagnosis: Diagnosis) -> Iterator[str]:
    output = EXAMPLES[table][diagnosis.name]
    yield f"\n## {_ACTIONS[table]}\n\n"
    yield f"- Cause: {_unfilled(diagnosis.cause)}\n"
    yield f"- Fix: {_unfilled(diagnosis.hint)}\n" if diagnosis.hint else ""
    if diagnosis.repairs:
        yield "- Repaired automatically, by installing a package that these names need: "
        yield ", ".join(f"`{name}` ({requirement})" for name, requirement in diagnosis.repairs.items()) + "\n"
    yield f"\nAn example of the output:\n\n```text\n{output}\n```\n"
    match = diagnose(output, table, uses=diagnosis.uses, values=VALUES.get(diagnosis.name))
    if match and (match.cause, match.hint) != (diagnosis.cause, diagnosis.hint):
        message = f"{match.cause}\n  {match.hint}".rstrip()
        yield f"\nWhat prprep says then:\n\n```text\n{message}\n```\n"


def _unfilled(text: str) -> str:
    """Replace what is known only when it happens."""
    return re.sub(r"\{(it|caller|package|name|older)\}", "…", text)
