"""What the user's `summarize:` command wrote about an optimization."""

from ..storage.artifact import Artifact


class Bullets(Artifact):
    """The bullets as written; `objections` say why they are not used, one line each."""

    SCHEMA = 1
    STAGE = "summarize"

    item: str
    command: str
    bullets: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()

    @property
    def are_used(self) -> bool:
        return bool(self.bullets) and not self.objections
