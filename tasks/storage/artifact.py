"""What artifacts have in common: JSON below a header line with the fingerprint of what they were made from.

The header also holds the digest of the rest, so that a change by hand is noticed. An artifact that comes out the
same leaves the next stage fresh, since digests leave the header out.
"""

import json
from pathlib import Path
from typing import ClassVar, Protocol, Self, TypeVar

from pydantic import ConfigDict, ValidationError

from ..errors import ArtifactError
from ..processes import secrets
from .files import write_whole
from .hashing import digest_of, read_file
from .restricted import Restrictable


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
        write_whole(target, self.serialized(fingerprint))

    def serialized(self, fingerprint: str = "") -> str:
        """Return the file's content, in which secrets of the environment are masked."""
        content = secrets.current().masked_in(self.model_dump(mode="json"))
        body = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        header = {"schema": self.SCHEMA, "kind": type(self).__name__}
        header |= {"fingerprint": fingerprint, "digest": digest_of(body.encode())}
        return json.dumps(header) + "\n" + body

    @classmethod
    def read(cls, source: Path) -> Self:
        """Read it back; raise ArtifactError if it is missing, cut short, of another version, or changed by hand."""
        try:
            head, body = read_file(source).decode("utf-8").split("\n", 1)
            header = json.loads(head)
            if (header["kind"], header["schema"]) == (cls.__name__, cls.SCHEMA):
                if header["digest"] == digest_of(body.encode()):
                    return cls.model_validate_json(body)
                problem, hint = "was changed since it was written", "run prprep again"
            else:
                problem, hint = "was written by another version", "run prprep again"
        except FileNotFoundError:
            problem, hint = "does not exist", "run prprep to make it"
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            problem, hint = f"cannot be read: {error}", "delete it and run prprep again"
        raise ArtifactError(f"this artifact {problem}", where=str(source), hint=hint)


A = TypeVar("A", bound=Artifact)


def read_if_valid(model: type[A], source: Path) -> A | None:
    """Read an artifact; None if it is missing or broken."""
    try:
        return model.read(source)
    except ArtifactError:
        return None


class ArtifactReader(Protocol):
    """Reads the artifacts of one item; raises ArtifactError for one that is missing or broken."""

    def read(self, model: type[A]) -> A: ...
