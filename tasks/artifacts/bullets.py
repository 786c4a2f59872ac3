"""What a command of the user's wrote about an optimization."""

from ..storage.artifact import Artifact


class Bullets(Artifact):
    """The bullets as they were written; `objections` say why they are not used, one line each."""

    SCHEMA = 1
    STAGE = "summarize"

    item: str
    command: str
    bullets: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()

    @property
    def are_used(self) -> bool:
        return bool(self.bullets) and not self.objections
