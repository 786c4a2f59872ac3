"""The boundary to model inference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pagelayout.geometry import Box


class TableModel:
    """A detector of tables; its weights are a file that users download."""

    def __init__(self, weights: Path) -> None:
        if not weights.is_file():
            raise FileNotFoundError(f"download the weights of the table model to {weights}")
        self._weights = weights.read_bytes()

    def predict(self, ink: NDArray[np.bool_]) -> list[Box]:
        """Return the boxes of all tables on a page, uppermost first."""
        raise NotImplementedError("this build of pagelayout comes without an inference runtime")
