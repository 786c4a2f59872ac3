"""The types of single values in `prprep.yaml`: names, refs, paths, and one value instead of a list of one.

The patterns have no lookaround, since Rust's regex crate and editors (ECMAScript) read them too.
A validator's message begins after the key, which the reader adds.
"""

import re
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

# A part of a relative path: anything but `..`; the first part must not begin with the `~` of a home folder either.
_PART = r"(?:\.|[^/\\.][^/\\]*|\.[^/\\.][^/\\]*|\.\.[^/\\]+)"
_FIRST = r"(?:\.|[^/\\.~][^/\\]*|\.[^/\\.][^/\\]*|\.\.[^/\\]+)"
ID_FORM = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
REF_FORM = r"^[^\s.-](?:[^\s.]|\.[^\s.])*$"
FUNCTION_FORM = r"^[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*(\([\w ,|.\[\]]+\))?(#[1-9]\d*)?)?$"
FOLDER_FORM = rf"^{_FIRST}(?:/{_PART})*/?$"
_TEST = r"::[^\W\d]\w*"
BENCHMARK_FORM = rf"^(?:{_FIRST}/(?:{_PART}/)*)?[^/\\:]+\.py(?:(?:{_TEST}){{1,2}}(?:\[[^\n]+\])?)?$"
FILE_FORM = rf"^(?:{_FIRST}/(?:{_PART}/)*)?[^/\\.~][^/\\]*$"
VARIABLE_FORM = r"^[A-Za-z_][A-Za-z0-9_]*$"
NAME_FORM = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
SLUG_FORM = r"^[A-Za-z0-9_.][A-Za-z0-9_.-]*/[A-Za-z0-9_.][A-Za-z0-9_.-]*$"
WEB_ADDRESS_FORM = r"^https://[A-Za-z0-9.:/~%+@_-]*[A-Za-z0-9~%+@_-]$"
OPTION_FREE_FORM = r"^[^\s-]"
_OWN_FOLDER_FORM = r"^(?:\./)*(\.git|\.prprep)(?:/|$)"
_TRANSPORT_FORM = r"^[A-Za-z][A-Za-z0-9+.-]*::"
_STATE_FILE_FORM = r"\.(?:json|log)$"

# doit's commands, prprep's own and the stages, and the lock in .prprep/.
RESERVED_IDS = frozenset(
    {
        *("help", "run", "list", "info", "clean", "forget", "ignore", "dumpdb", "strace", "tabcompletion", "reset-dep"),
        *("init", "try", "ci", "bisect", "job", "worker", "workers", "add", "inventory"),
        *("doctor", "status", "explain", "schema", "branch", "open"),
        *("detect", "survey", "record", "scaffold", "inject", "lint", "tests"),
        *("measure", "codeflash", "compare", "verify", "render", "report"),
        "lock",
    },
)


class OneOrMany:
    """Let a tuple field take a list, or one text instead of a list of one."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(_many, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


def _text_or_switch(value: object) -> object:
    # A union would report an error for each of its types.
    return value if isinstance(value, bool) else _TEXT.validate_python(value, strict=True)


def _many(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def no_boolean(value: object) -> object:
    """Turn true and false into text, which fails: for pydantic true equals the literal 1."""
    return str(value).lower() if isinstance(value, bool) else value


def _without_duplicates(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        duplicate = next(value for index, value in enumerate(values) if value in values[:index])
        raise PydanticCustomError("listed_twice", "lists {value} twice", {"value": duplicate})
    return values


def _outside_own_folders(path: str) -> str:
    if match := re.match(_OWN_FOLDER_FORM, path):
        raise PydanticCustomError("own_folder", "must not be in {folder}", {"folder": match[1]})
    return path


def _without_transport(address: str) -> str:
    if match := re.match(_TRANSPORT_FORM, address):
        raise PydanticCustomError(
            "transport", "uses git's transport {name}, which can run programs", {"name": match[0]}
        )
    return address


def _free_id(value: str) -> str:
    if value.lower() in RESERVED_IDS:
        raise PydanticCustomError("reserved", "must not be {name}, which is a command or a task", {"name": value})
    if value.lower().endswith((".json", ".log")):
        raise PydanticCustomError("state_file", "must not end with .json or .log, as prprep's own files do", {})
    return value


LONGEST_PATH = 4096
"""Linux refuses longer paths, and no ref or address needs more."""

T = TypeVar("T")
Text = Annotated[str, Field(min_length=1)]
_TEXT = TypeAdapter(Text)
TextOrSwitch = Annotated[Text | bool, BeforeValidator(_text_or_switch)]
Name = Annotated[str, Field(pattern=NAME_FORM)]
Variable = Annotated[str, Field(pattern=VARIABLE_FORM)]
OptionFree = Annotated[str, Field(min_length=1, pattern=OPTION_FREE_FORM)]
Ref = Annotated[
    str, Field(min_length=1, max_length=LONGEST_PATH, pattern=REF_FORM, description="a branch, tag or commit")
]
Slug = Annotated[str, Field(pattern=SLUG_FORM)]
FunctionName = Annotated[
    str,
    Field(
        pattern=FUNCTION_FORM,
        description="package.module:Qualified.name, or package.module for code that runs on import",
    ),
]
Id = Annotated[
    str,
    Field(
        pattern=ID_FORM,
        max_length=100,
        json_schema_extra={"not": {"anyOf": [{"enum": sorted(RESERVED_IDS)}, {"pattern": _STATE_FILE_FORM}]}},
    ),
    AfterValidator(_free_id),
]
Folder = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_PATH,
        pattern=FOLDER_FORM,
        json_schema_extra={"not": {"pattern": _OWN_FOLDER_FORM}},
    ),
    AfterValidator(_outside_own_folders),
]
WebAddress = Annotated[str, Field(max_length=LONGEST_PATH, pattern=WEB_ADDRESS_FORM)]
Address = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_PATH,
        pattern=OPTION_FREE_FORM,
        json_schema_extra={"not": {"pattern": _TRANSPORT_FORM}},
    ),
    AfterValidator(_without_transport),
]
FilePath = Annotated[str, Field(min_length=1, max_length=LONGEST_PATH, pattern=FILE_FORM)]
BenchmarkPath = Annotated[str, Field(min_length=1, max_length=LONGEST_PATH, pattern=BENCHMARK_FORM)]
Unique = (AfterValidator(_without_duplicates), Field(json_schema_extra={"uniqueItems": True}))
Several = Annotated[tuple[T, ...], OneOrMany(), *Unique]
Names = Several[Name]
Texts = Annotated[tuple[Text, ...], OneOrMany()]
