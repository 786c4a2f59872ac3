"""Models that allow reading declared fields only."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel

ALL = ("*",)
"""A declaration of every field."""
M = TypeVar("M", bound=BaseModel)


class UndeclaredInputError(Exception):
    """A stage read a setting, field, artifact or value that its declaration does not name: a defect of prprep."""


class Restrictable(BaseModel):
    """A model whose fields `restricted` can leave out; reading one that is left out raises UndeclaredInputError."""

    def __getattr__(self, name: str) -> Any:
        if name in type(self).model_fields:
            raise UndeclaredInputError(f"{type(self).__name__}.{name} is not declared as an input of this stage")
        return super().__getattr__(name)  # type: ignore[misc]


def restricted(model: M, fields: Iterable[str]) -> M:
    """Return a copy with only the named fields; `outer.inner` keeps `inner` of `outer`, or of each of its entries."""
    fields = tuple(fields)
    if fields == ALL:
        return model
    copy = model.model_copy()
    for name in type(model).model_fields:
        inner = tuple(_below(name, fields))
        if not inner:
            copy.__dict__.pop(name, None)
        elif "" not in inner:
            copy.__dict__[name] = _restricted(copy.__dict__[name], inner)
    return copy


def _below(name: str, fields: Iterable[str]) -> Iterator[str]:
    for field in fields:
        first, _, rest = field.partition(".")
        if first == name:
            yield rest


def _restricted(value: Any, fields: tuple[str, ...]) -> Any:
    if isinstance(value, tuple):
        return tuple(_restricted(each, fields) for each in value)
    return restricted(value, fields) if isinstance(value, BaseModel) else value
