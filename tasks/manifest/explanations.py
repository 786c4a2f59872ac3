"""Explain pydantic's errors in plain words: what is allowed, what the file has instead, and what was probably meant."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ..text.messages import nearest, printable_line, quoted
from ..text.target_names import benchmark_file
from . import forms
from .construct import kind_of
from .model import (
    CODE_FORM_TAG,
    PATH_FORM_TAG,
    VERSION,
    BenchmarkCode,
    EnvironmentSettings,
    LintSettings,
    Manifest,
    Measuring,
    Model,
    Optimization,
)

_LONGEST_VALUE = 60
_SECTIONS: dict[str, type[Model]] = {
    "env": EnvironmentSettings,
    "lint": LintSettings,
    "benchmark": BenchmarkCode,
    "defaults": Measuring,
}
_TOP_NAMES: dict[type[Model], str] = {Manifest: "the manifest", Optimization: "an optimization"}
_KEYS_BELONG: dict[type[Model], str] = {
    Manifest: "at the top of the manifest",
    Optimization: "in an optimization",
    **{model: f"under `{key}:`" for key, model in _SECTIONS.items()},
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A message with a suggestion; `at_key` points at the key instead of the value.

    `meant_key` is the key that an unknown key was probably meant to be.
    """

    message: str
    suggestion: str = ""
    at_key: bool = False
    meant_key: str = ""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One of pydantic's errors in a value of `model`; `written` is the value as it is in the file."""

    details: ErrorDetails
    model: type[Model]
    written: str
    in_list: bool

    @property
    def loc(self) -> tuple[str | int, ...]:
        return self.details["loc"]

    @property
    def value(self) -> Any:
        return self.details["input"]

    @property
    def limits(self) -> dict[str, Any]:
        return self.details.get("ctx", {})

    @property
    def subject(self) -> str:
        keys = [part for part in self.loc if isinstance(part, str) and part not in {PATH_FORM_TAG, CODE_FORM_TAG}]
        is_item = self.in_list and isinstance(self.loc[-1], int)
        return f"{'each item of ' if is_item else ''}`{'.'.join(keys)}`"

    @property
    def shown(self) -> str:
        """The value, safe and short."""
        if isinstance(self.value, str):
            return quoted(self.value)
        if isinstance(self.value, list | tuple | dict):
            return "a mapping" if isinstance(self.value, dict) else "a list"
        return self.written if len(self.written) <= _LONGEST_VALUE else f"{self.written[:_LONGEST_VALUE]}…"

    @property
    def owner(self) -> tuple[type[Model], str]:
        """The model that the last key belongs to, and its name."""
        for key in reversed(self.loc[:-1]):
            if section := _SECTIONS.get(str(key)):
                return section, f"`{key}`"
        return self.model, _TOP_NAMES[self.model]


def explain(error: FieldError) -> Explanation:
    kind, (model, owner) = error.details["type"], error.owner
    if kind == "extra_forbidden":
        return _unknown_key(error)
    if kind == "missing":
        return Explanation(f"{owner} needs the key `{error.loc[-1]}`")
    if error.value is None:
        field = _fields_by_key(model).get(str(error.loc[-1]))
        suggestion = "add one" if field is None or field.is_required() else "add one or remove the key"
        return Explanation(f"{error.subject} has no value", suggestion, at_key=field is not None)
    if error.loc == ("version",):
        if isinstance(error.value, (int, float)) and not isinstance(error.value, bool):
            return Explanation(f"this prprep reads version {VERSION} of the manifest, not version {error.written}")
        shown = error.shown if isinstance(error.value, (list, tuple, dict)) else error.written
        return Explanation(f"`version` must be the number {VERSION}, not {shown}")
    # The messages of our own validators begin after the key.
    return _EXPLAIN[kind](error) if kind in _EXPLAIN else Explanation(f"{error.subject} {error.details['msg']}")


def _must_be(error: FieldError, wanted: str, suggestion: str = "") -> Explanation:
    return Explanation(f"{error.subject} must be {wanted}, not {error.shown}", suggestion)


def _fields_by_key(model: type[Model]) -> dict[str, FieldInfo]:
    """Return a model's fields by the keys of the file: `pass` is no name that Python allows."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _unknown_key(error: FieldError) -> Explanation:
    model, owner = error.owner
    key = str(error.loc[-1])
    message = f"unknown key `{printable_line(key)}` in {owner}"
    homes = (home for other, home in _KEYS_BELONG.items() if other is not model and key in _fields_by_key(other))
    if home := next(homes, None):
        return Explanation(message, f"it belongs {home}", at_key=True)
    if meant := nearest(key, _fields_by_key(model)):
        return Explanation(message, f"did you mean `{meant}`?", at_key=True, meant_key=meant)
    return Explanation(message, f"known keys: {_keys(model)}", at_key=True)


def _keys(model: type[Model]) -> str:
    """List a model's own keys, then those that it shares with `defaults`."""
    shared = _fields_by_key(Measuring) if model is Optimization else {}
    return ", ".join(sorted(_fields_by_key(model), key=lambda key: key in shared))


def _not_text(error: FieldError) -> Explanation:
    if isinstance(error.value, (bool, int, float)):
        message = f"{error.subject} must be text, but YAML reads {error.shown} as {kind_of(error.value)}"
        return Explanation(message, f'quote it: "{error.shown}"')
    return _must_be(error, "text")


def _not_a_number(error: FieldError) -> Explanation:
    bare = error.value.strip().lstrip("#") if isinstance(error.value, str) else ""
    suggestion = f"write {bare}, without quotes" if re.fullmatch(r"[0-9]+(\.[0-9]+)?", bare) else ""
    return _must_be(error, "a whole number" if error.details["type"].startswith("int") else "a number", suggestion)


def _not_a_choice(error: FieldError) -> Explanation:
    choices = [text or number for text, number in re.findall(r"'([^']*)'|\b(\d+)\b", error.limits["expected"])]
    meant = nearest(error.value, choices) if isinstance(error.value, str) else None
    return _must_be(error, f"one of {', '.join(choices)}", f"did you mean {meant}?" if meant else "")


def _not_a_mapping(error: FieldError) -> Explanation:
    if CODE_FORM_TAG in error.loc:
        return _must_be(error, "the path of a test, or a mapping with `call` and `setup`")
    return _must_be(error, "a mapping", f"known keys: {_keys(_SECTIONS[str(error.loc[-1])])}")


def _wrong_form(error: FieldError) -> Explanation:
    wanted, suggest = _FORMS[error.limits["pattern"]]
    return _must_be(error, wanted, suggest(str(error.value)))


def _ref_hint(value: str) -> str:
    if value.startswith("-"):
        return "git would read a leading `-` as an option"
    if ".." in value:
        return "for a range set `base:` and `head:`"
    return "a ref cannot contain spaces" if re.search(r"\s", value) else ""


def _function_hint(value: str) -> str:
    """Turn `src/pkg/mod.py::f()` and the like into `pkg.mod:f`."""
    meant = value.strip().removesuffix("()").replace("::", ":")
    path, dot_py, rest = meant.partition(".py")
    if dot_py and rest[:1] in {"", ":"}:
        meant = path.removeprefix("./").removeprefix("src/").replace("/", ".") + rest
    return f"did you mean {meant}?" if meant != value and re.match(forms.FUNCTION_FORM, meant) else ""


def _folder_hint(value: str) -> str:
    return "this path leads out of it" if value.startswith(("/", "~", "..")) or "/.." in value else ""


def _benchmark_hint(value: str) -> str:
    path, test = benchmark_file(value)
    if test and re.match(forms.BENCHMARK_FORM, path):
        return "a test is named as pytest does: FILE.py::test_name"
    return _folder_hint(value) or ("code belongs under `call:`" if "(" in value else "")


def _slug_hint(value: str) -> str:
    match = re.search(r"github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", value)
    return f"did you mean {match[1]}?" if match else ""


def _id_hint(value: str) -> str:
    meant = re.sub(r"[^A-Za-z0-9_.-]+", "_", value).strip("_.-")
    return f"for example {meant}" if meant else ""


def _option_hint(value: str) -> str:
    return "a leading `-` would be read as an option" if value.startswith("-") else ""


def _web_address_hint(value: str) -> str:
    return f"did you mean {meant}?" if re.match(forms.WEB_ADDRESS_FORM, meant := value.rstrip("/")) else ""


_FORMS: dict[str, tuple[str, Callable[[str], str]]] = {
    forms.ID_FORM: ("made of letters, digits, `_`, `-` and `.`, starting with a letter or digit", _id_hint),
    forms.REF_FORM: ("a branch, tag or commit", _ref_hint),
    forms.FUNCTION_FORM: ("package.module:Qualified.name", _function_hint),
    forms.FOLDER_FORM: ("a folder below the manifest's folder", _folder_hint),
    forms.BENCHMARK_FORM: ("the path of a .py file in the repository", _benchmark_hint),
    forms.FILE_FORM: ("the path of a file in the repository", _folder_hint),
    forms.NAME_FORM: ("a name of letters, digits, `_`, `-` and `.`", _option_hint),
    forms.VARIABLE_FORM: (
        "the name of a variable (letters, digits and `_`)",
        lambda value: "write only the name" if "=" in value else "",
    ),
    forms.OPTION_FREE_FORM: ("a path, name or address", _option_hint),
    forms.WEB_ADDRESS_FORM: ("an https address without a slash at its end", _web_address_hint),
    forms.SLUG_FORM: ("owner/name", _slug_hint),
}


def _at_most(noun: str, count: Callable[[FieldError], int]) -> Callable[[FieldError], Explanation]:
    return lambda error: Explanation(
        f"{error.subject} must have at most {error.limits['max_length']} {noun}, not {count(error)}"
    )


_EXPLAIN: dict[str, Callable[[FieldError], Explanation]] = {
    "greater_than": lambda error: _must_be(error, f"more than {error.limits['gt']:g}"),
    "greater_than_equal": lambda error: _must_be(error, f"at least {error.limits['ge']:g}"),
    "less_than": lambda error: _must_be(error, f"less than {error.limits['lt']:g}"),
    "less_than_equal": lambda error: _must_be(error, f"at most {error.limits['le']:g}"),
    "string_type": _not_text,
    "string_pattern_mismatch": _wrong_form,
    "string_too_short": lambda error: Explanation(f"{error.subject} must not be empty"),
    "string_too_long": _at_most("characters", lambda error: len(error.value)),
    "int_type": _not_a_number,
    "int_from_float": _not_a_number,
    "float_type": _not_a_number,
    "bool_type": lambda error: _must_be(error, "true or false"),
    "finite_number": lambda error: _must_be(error, "a finite number"),
    "literal_error": _not_a_choice,
    "tuple_type": lambda error: _must_be(error, "text or a list of texts"),
    "too_short": lambda error: Explanation(
        f"{error.subject} must not be an empty list", "add an item or remove the key"
    ),
    "too_long": _at_most("entries", lambda error: error.limits["actual_length"]),
    "model_type": _not_a_mapping,
}
