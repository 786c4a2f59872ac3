"""What artifacts have in common: JSON below a header line that says what they were made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import ArtifactError
from .files import digest_of, write_whole


class Record(BaseModel):
    """A part of an artifact: frozen, extra keys refused."""

    # Built at first use: a run with nothing to do reads no artifact through its model.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Artifact(Record):
    """A JSON file between two stages, with a schema version of its own."""

    SCHEMA: ClassVar[int] = 1

    def write(self, target: Path, fingerprint: str = "") -> None:
        """Write to a temporary name beside `target`, then rename."""
        body = json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        about = {
            "schema": self.SCHEMA,
            "kind": type(self).__name__,
            "fingerprint": fingerprint,
            "digest": digest_of(body.encode()),
        }
        write_whole(target, json.dumps(about) + "\n" + body)

    @classmethod
    def read(cls, source: Path) -> Self:
        """Read it back; raise ArtifactError where it is missing, cut short, of another version, or not as it was written."""
        try:
            head, body = source.read_text(encoding="utf-8").split("\n", 1)
            header = json.loads(head)
            if (header["kind"], header["schema"]) != (cls.__name__, cls.SCHEMA):
                raise ArtifactError(
                    "this artifact was written by another version", where=str(source), hint="run doit again"
                )
            if header["digest"] != digest_of(body.encode()):
                raise ArtifactError(
                    "this artifact was changed since it was written", where=str(source), hint="run doit again"
                )
            return cls.model_validate_json(body)
        except FileNotFoundError:
            raise ArtifactError("this artifact is not there", where=str(source), hint="run doit to make it") from None
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise ArtifactError(
                f"this artifact cannot be read: {error}", where=str(source), hint="delete it and run doit again"
            ) from None
