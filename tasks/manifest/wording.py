"""Say pydantic's errors in plain words: what was found, what is allowed, what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..text.messages import nearest, quoted
from ..text.messages import printable as shown
from .forms import (
    BENCHMARK_FORM,
    FOLDER_FORM,
    FUNCTION_FORM,
    ID_FORM,
    NAME_FORM,
    OPTION_FREE_FORM,
    REF_FORM,
    SLUG_FORM,
    VARIABLE_FORM,
)
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

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

_LONGEST_QUOTE = 60
_OWNERS: dict[str, tuple[type[Model], str]] = {
    "env": (EnvironmentSettings, "`env`"),
    "lint": (LintSettings, "`lint`"),
    "defaults": (Measuring, "`defaults`"),
    CODE_FORM_TAG: (BenchmarkCode, "`benchmark`"),
}
_TOPS: dict[type[Model], str] = {Manifest: "the manifest", Optimization: "an optimization"}
_HOMES: dict[type[Model], str] = {
    Manifest: "at the top of the manifest",
    Optimization: "in an optimization",
    EnvironmentSettings: "below `env:`",
    LintSettings: "below `lint:`",
    BenchmarkCode: "below `benchmark:`",
}
_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """A message, what was probably meant, and whether the key is to be pointed at rather than the value."""

    message: str
    suggestion: str = ""
    at_key: bool = False
    meant: str = ""
    """The key that an unknown key was probably meant to be."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One of pydantic's errors: its kind, the model at the top, and the value as pydantic and as the file has it."""

    kind: str
    model: type[Model]
    loc: tuple[str | int, ...]
    value: object
    context: dict[str, Any]
    text: str
    written: str
    in_list: bool

    @property
    def label(self) -> str:
        keys = [part for part in self.loc if isinstance(part, str) and part not in {PATH_FORM_TAG, CODE_FORM_TAG}]
        return f"`{'.'.join(keys)}`"

    @property
    def is_or_holds(self) -> str:
        return "holds" if self.in_list else "is"

    @property
    def owner(self) -> tuple[type[Model], str]:
        """Return the model that the last key belongs to, and how to call it."""
        parents = [part for part in self.loc[:-1] if part in _OWNERS]
        return _OWNERS[str(parents[-1])] if parents else (self.model, _TOPS[self.model])


def mistake(details: ErrorDetails, model: type[Model], *, written: str, in_list: bool) -> Mistake:
    """Take one of pydantic's errors, with the value as the file spells it."""
    return Mistake(
        kind=details["type"],
        model=model,
        loc=details["loc"],
        value=details["input"],
        context=details.get("ctx", {}),
        text=details["msg"],
        written=written if len(written) <= _LONGEST_QUOTE else written[:_LONGEST_QUOTE] + "…",
        in_list=in_list and isinstance(details["loc"][-1], int),
    )


def explain(wrong: Mistake) -> Words:
    """Return the sentence for one of pydantic's errors."""
    if wrong.kind == "extra_forbidden":
        return _unknown_key(wrong)
    if wrong.kind == "missing":
        return Words(f"{wrong.label} is missing: {wrong.owner[1]} needs it")
    if wrong.value is None:
        return _no_value(wrong)
    if wrong.loc == ("version",):
        return _version(wrong)
    # What our own validators find comes with its words.
    return _BY_KIND[wrong.kind](wrong) if wrong.kind in _BY_KIND else Words(f"{wrong.label} {wrong.text}")


def keyed(model: type[Model]) -> dict[str, FieldInfo]:
    """Return a model's fields by the keys that the file has for them: `pass` is no name that Python allows."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _unknown_key(wrong: Mistake) -> Words:
    model, owner = wrong.owner
    key = str(wrong.loc[-1])
    message = f"`{shown(key)}` is no key of {owner}"
    if belongs := next((where for other, where in _HOMES.items() if other is not model and key in keyed(other)), None):
        return Words(message, f"it belongs {belongs}", at_key=True)
    if meant := nearest(key, keyed(model)):
        return Words(message, f"did you mean `{meant}`?", at_key=True, meant=meant)
    return Words(message, "its keys are " + _keys(model), at_key=True)


def _keys(model: type[Model]) -> str:
    """List a model's own keys, then those that it shares with `defaults`."""
    return ", ".join(sorted(keyed(model), key=lambda key: model is Optimization and key in keyed(Measuring)))


def _no_value(wrong: Mistake) -> Words:
    field = keyed(wrong.owner[0]).get(str(wrong.loc[-1]))
    required = field is None or field.is_required()
    return Words(
        f"{wrong.label} has no value",
        "give one" if required else "give one or leave the key out",
        at_key=field is not None,
    )


def _version(wrong: Mistake) -> Words:
    if isinstance(wrong.value, (int, float)):
        return Words(f"this prprep reads version {VERSION} of the manifest, and this one says version {wrong.written}")
    return Words(
        f"`version` is {_found(wrong) if isinstance(wrong.value, (tuple, dict)) else wrong.written}, must be the number {VERSION}"
    )


def _found(wrong: Mistake) -> str:
    match wrong.value:
        case str():
            return quoted(wrong.value)
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return wrong.written


def _no_text(wrong: Mistake) -> Words:
    if isinstance(wrong.value, (bool, int, float)):
        kind = "true or false" if isinstance(wrong.value, bool) else "a number"
        message = f"{wrong.label} {wrong.is_or_holds} {wrong.written}, which YAML reads as {kind}, must be text"
        return Words(message, f'quote it: "{wrong.written}"')
    return Words(f"{wrong.label} {wrong.is_or_holds} {_found(wrong)}, must be text")


def _no_number(wrong: Mistake) -> Words:
    wanted = "a whole number" if wrong.kind.startswith("int") else "a number"
    message = f"{wrong.label} is {_found(wrong)}, must be {wanted}"
    bare = wrong.value.strip().lstrip("#") if isinstance(wrong.value, str) else ""
    return Words(message, f"write {bare}, without quotes" if re.fullmatch(r"[0-9]+(\.[0-9]+)?", bare) else "")


def _no_choice(wrong: Mistake) -> Words:
    choices = re.findall(r"'([^']*)'", wrong.context["expected"])
    message = f"{wrong.label} {wrong.is_or_holds} {_found(wrong)}, must be one of {', '.join(choices)}"
    meant = nearest(wrong.value, choices) if isinstance(wrong.value, str) else None
    return Words(message, f"did you mean {meant}?" if meant else "")


def _no_mapping(wrong: Mistake) -> Words:
    if CODE_FORM_TAG in wrong.loc:
        return Words(
            f"{wrong.label} is {_found(wrong)}, must be the path of a test, or a mapping with `call` and `setup`"
        )
    return Words(
        f"{wrong.label} is {_found(wrong)}, must be a mapping", f"its keys are {_keys(_OWNERS[str(wrong.loc[-1])][0])}"
    )


def _bad_form(wrong: Mistake) -> Words:
    allowed, suggest = _FORMS[wrong.context["pattern"]]
    value = str(wrong.value)
    return Words(f"{wrong.label} {wrong.is_or_holds} {quoted(value)}, must be {allowed}", suggest(value))


def _why_no_ref(value: str) -> str:
    if value.startswith("-"):
        return "git would take what begins with `-` for an option"
    if ".." in value:
        return "`..` makes a range: write `base:` and `head:`"
    return "a ref has no spaces in it" if re.search(r"\s", value) else ""


def _meant_function(value: str) -> str:
    """Turn `src/pkg/mod.py::f()` and the like into `pkg.mod:f`."""
    meant = value.strip().removesuffix("()").replace("::", ":")
    path, dot_py, rest = meant.partition(".py")
    if dot_py and rest[:1] in {"", ":"}:
        meant = path.removeprefix("./").removeprefix("src/").replace("/", ".") + rest
    return f"did you mean {meant}?" if meant != value and re.match(FUNCTION_FORM, meant) else ""


def _meant_path(value: str) -> str:
    path, selection, _ = value.partition("::")
    if selection and re.match(BENCHMARK_FORM, path):
        return f"did you mean {path}?"
    if value.startswith(("/", "~", "..")) or "/.." in value:
        return "this path leaves it"
    return "code goes below `call:`" if "(" in value else ""


def _why_no_folder(value: str) -> str:
    return "this path leaves it" if value.startswith(("/", "~", "..")) or "/.." in value else ""


def _meant_slug(value: str) -> str:
    found = re.search(r"github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", value)
    return f"did you mean {found[1]}?" if found else ""


def _meant_id(value: str) -> str:
    meant = re.sub(r"[^A-Za-z0-9_.-]+", "_", value).strip("_.-")
    return f"for example {meant}" if meant else ""


def _no_option(value: str) -> str:
    return "what begins with `-` would be taken for an option" if value.startswith("-") else ""


_FORMS: dict[str, tuple[str, Callable[[str], str]]] = {
    ID_FORM: ("letters, digits, `_`, `-` and `.`, a letter or digit first", _meant_id),
    REF_FORM: ("a branch, tag or commit", _why_no_ref),
    FUNCTION_FORM: ("package.module:Qualified.name", _meant_function),
    FOLDER_FORM: ("a folder below the manifest's own", _why_no_folder),
    BENCHMARK_FORM: ("the path of a .py file in the repository", _meant_path),
    NAME_FORM: ("a name of letters, digits, `_`, `-` and `.`", _no_option),
    VARIABLE_FORM: (
        "the name of a variable: letters, digits and `_`",
        lambda value: "give the name alone" if "=" in value else "",
    ),
    OPTION_FREE_FORM: ("a path, name or address", _no_option),
    SLUG_FORM: ("owner/name", _meant_slug),
}


def _beyond(wrong: Mistake) -> Words:
    words, key = _LIMITS[wrong.kind]
    return Words(f"{wrong.label} is {wrong.written}, must be {words} {wrong.context[key]:g}")


_BY_KIND: dict[str, Callable[[Mistake], Words]] = {
    **dict.fromkeys(_LIMITS, _beyond),
    "string_type": _no_text,
    "string_pattern_mismatch": _bad_form,
    "string_too_short": lambda wrong: Words(
        f"{wrong.label} {wrong.is_or_holds} {'an empty text' if wrong.in_list else 'empty'}"
    ),
    "string_too_long": lambda wrong: Words(
        f"{wrong.label} has {len(str(wrong.value))} characters, at most {wrong.context['max_length']}"
    ),
    "int_type": _no_number,
    "int_from_float": _no_number,
    "float_type": _no_number,
    "finite_number": lambda wrong: Words(f"{wrong.label} is {wrong.written}, must be a finite number"),
    "literal_error": _no_choice,
    "tuple_type": lambda wrong: Words(f"{wrong.label} is {_found(wrong)}, must be text or a list of texts"),
    "too_short": lambda wrong: Words(f"{wrong.label} is an empty list", "give one or leave the key out"),
    "too_long": lambda wrong: Words(
        f"{wrong.label} has {wrong.context['actual_length']} entries, at most {wrong.context['max_length']}"
    ),
    "model_type": _no_mapping,
}
