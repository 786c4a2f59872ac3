"""Why a value has no spelling as code."""


class CannotWriteError(Exception):
    """A value cannot be written as code; the text is the reason."""


class UnknownConstructionError(CannotWriteError):
    """An object's attributes do not show the arguments of its constructor; `kind` is its class."""

    def __init__(self, kind: type, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
