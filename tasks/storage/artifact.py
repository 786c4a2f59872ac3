"""What artifacts have in common: JSON below a header line with the fingerprint of what they were made from.

The header also holds the digest of the rest, so that a change by hand is noticed. An artifact that comes out the
same leaves the next stage fresh, since digests leave the header out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import ArtifactError
from .files import write_whole
from .hashing import digest_of

ALL = ("*",)
"""A declaration of every field."""
M = TypeVar("M", bound=BaseModel)


class UndeclaredInputError(Exception):
    """A stage read a setting, field, artifact or value that its declaration does not name: a defect of prprep."""


class Restrictable(BaseModel):
    """A model of which `restricted` can leave fields out; reading one of these raises UndeclaredInputError."""

    def __getattr__(self, name: str) -> Any:
        if name in type(self).model_fields:
            raise UndeclaredInputError(f"{type(self).__name__}.{name} is not declared as an input of this stage")
        return super().__getattr__(name)  # type: ignore[misc]


def restricted(model: M, fields: Iterable[str]) -> M:
    """Return a copy with the named fields alone; `outer.inner` leaves of `outer`, or of each of its entries, `inner`."""
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


class Record(Restrictable):
    """A part of an artifact: frozen, extra keys refused."""

    # Built at first use: a run with nothing to do reads no artifact through its model.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Artifact(Record):
    """A JSON file between two stages, with a schema version of its own."""

    SCHEMA: ClassVar[int] = 1
    STAGE: ClassVar[str] = ""
    """The stage that writes it."""

    def write(self, target: Path, fingerprint: str = "") -> None:
        """Write to a temporary name beside `target`, then rename."""
        body = json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        header = {"schema": self.SCHEMA, "kind": type(self).__name__}
        header |= {"fingerprint": fingerprint, "digest": digest_of(body.encode())}
        write_whole(target, json.dumps(header) + "\n" + body)

    @classmethod
    def read(cls, source: Path) -> Self:
        """Read it back; raise ArtifactError if it is missing, cut short, of another version, or changed by hand."""
        try:
            head, body = source.read_text(encoding="utf-8").split("\n", 1)
            header = json.loads(head)
            if (header["kind"], header["schema"]) != (cls.__name__, cls.SCHEMA):
                what = "this artifact was written by another version"
                raise ArtifactError(what, where=str(source), hint="run doit again")
            if header["digest"] != digest_of(body.encode()):
                what = "this artifact was changed since it was written"
                raise ArtifactError(what, where=str(source), hint="run doit again")
            return cls.model_validate_json(body)
        except FileNotFoundError:
            what = "this artifact does not exist"
            raise ArtifactError(what, where=str(source), hint="run doit to make it") from None
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            what = f"this artifact cannot be read: {error}"
            raise ArtifactError(what, where=str(source), hint="delete it and run doit again") from None
