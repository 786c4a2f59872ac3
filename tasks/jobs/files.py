"""The two files of a job, each a zip archive with a description: what a stage needs, and what it wrote."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from pydantic import Field, ValidationError

from .. import __version__, pipeline
from ..artifacts import (
    CodeflashRun,
    Comparison,
    Detection,
    Injection,
    Linting,
    ProjectTests,
    Recording,
    Samples,
    Scaffolding,
    Verification,
)
from ..errors import ArchiveError, PrprepError
from ..git.bundles import Bundle
from ..manifest.forms import Id
from ..manifest.model import Optimization
from ..staleness import Stage
from ..storage.archives import packed, unpacked
from ..storage.artifact import Artifact, Record
from ..storage.hashing import sha256

FORMAT: Final = 2
MEASURE: Final = "measure"
STAGES: Final = {
    stage.name: stage
    for stage in pipeline.STAGES
    if stage.name in {MEASURE, "record", "lint", "tests", "codeflash", "verify"}
}
"""The stages that run the project's code, and can do so on another machine."""
COMMITS: Final = "commits.bundle"
LOG: Final = "log.txt"
_SHA = r"^[0-9a-f]{40}$"
MODELS: Final[Mapping[str, type[Artifact]]] = {
    model.STAGE: model
    for model in (
        *(Detection, Recording, Scaffolding, Injection, Linting, ProjectTests),
        *(Samples, CodeflashRun, Comparison, Verification),
    )
}
"""The artifacts that these stages read and write."""


class Description(Record):
    """What both archives have in common; `files` are the SHA-256 of all other files in the archive."""

    NAME: ClassVar[str]
    OTHER: ClassVar[str]
    """What to do with the other of the two files."""

    format: int = FORMAT
    prprep: str = __version__
    stage: str
    version: int
    """Of the stage: another one works in another way."""
    item: Id
    fingerprint: str
    """Of the stage's inputs, as they were when the job was packed."""
    made_from: dict[str, Any]
    """The same inputs by name, to say what has changed since."""
    files: dict[str, str]

    def archive(self, files: Mapping[str, bytes]) -> bytes:
        """Return the file's bytes, the same for the same content."""
        text = json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
        return packed({**files, self.NAME: f"{text}\n".encode()}, stored={COMMITS})

    @classmethod
    def read(cls, file: Path) -> tuple[Self, dict[str, bytes]]:
        """Return the description and the other files; raise ArchiveError if prprep did not write the file."""
        files = unpacked(file)
        text = files.pop(cls.NAME, None)
        if text is None:
            what = f"this file is not a {cls.NAME.removesuffix('.json')}: it has no {cls.NAME}"
            raise ArchiveError(what, where=str(file), hint=cls.OTHER)
        try:
            _check_versions(json.loads(text))
            description = cls.model_validate_json(text)
        except ArchiveError as error:
            error.where = str(file)
            raise
        except (ValidationError, ValueError, RecursionError):
            raise ArchiveError(f"its {cls.NAME} is not what prprep writes", where=str(file)) from None
        if {name: sha256(content) for name, content in files.items()} != description.files:
            what = "its files are not those that prprep packed"
            raise ArchiveError(what, where=str(file), hint="it was changed on the way: copy it again")
        return description, files


class Job(Description):
    """What a stage needs for an item; `settings` are those that it declares, by the manifest's names."""

    NAME = "job.json"
    OTHER = "`prprep job pack ID` writes one; the result of a job is for `prprep job collect FILE`"

    settings: dict[str, Any]
    confidence: float
    negligible: float
    seed: int
    history: str = Field(pattern=r"^[0-9a-f]{32}$")
    shallow: tuple[str, ...] = Field(default=())

    @property
    def optimization(self) -> Optimization:
        """The item, with the manifest's defaults for settings that the stage does not use; raise ValidationError."""
        rule = {"confidence": self.confidence, "negligible": self.negligible}
        return Optimization.model_validate_json(json.dumps({**self.settings, **rule, "id": self.item}))

    @property
    def declaration(self) -> Stage:
        return STAGES[self.stage]

    def bundle(self, files: Mapping[str, bytes]) -> Bundle:
        return Bundle(files[COMMITS], self.history, self.shallow)


class Failed(Record):
    """Why there is no result; `defect` if it was a mistake of prprep's own."""

    what: str
    where: str = ""
    hint: str = ""
    kind: str = PrprepError.__name__
    defect: bool = False


class Result(Description):
    """What the stage wrote, or why it wrote nothing, and on which machine it ran."""

    NAME = "result.json"
    OTHER = "`prprep job run FILE` writes one from the file that `prprep job pack ID` wrote"

    platform: str
    error: Failed | None = None

    @classmethod
    def of(cls, job: Job, platform: str, files: Mapping[str, bytes], error: Failed | None = None) -> Self:
        return cls(
            stage=job.stage,
            version=job.version,
            item=job.item,
            fingerprint=job.fingerprint,
            made_from=job.made_from,
            files=hashes(files),
            platform=platform,
            error=error,
        )


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: sha256(content) for name, content in files.items()}


def _check_versions(fields: Any) -> None:
    """Raise ArchiveError for a file of another prprep, before any other field is checked."""
    if not isinstance(fields, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what JSON's own errors are
    prprep, stage = fields.get("prprep"), STAGES.get(str(fields.get("stage")))
    is_other = isinstance(fields.get("format"), int) and fields["format"] != FORMAT
    if is_other or (stage and fields.get("version") != stage.version):
        what = f"it was written by prprep {prprep}, which measures in another way than this one ({__version__})"
        raise ArchiveError(what, hint="install the same prprep on both machines, and pack the item again")
    if "stage" in fields and stage is None:
        raise ValueError("not a stage that runs elsewhere")
