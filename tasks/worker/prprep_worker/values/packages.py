"""Write values of numpy, pandas and Pillow as Python source; each function takes the Writer that calls it."""

from __future__ import annotations

import math
import sys
from typing import Any

from prprep_worker.values.errors import CannotWriteError

LISTED = 24
"""Elements of an array that is written whole."""


def write_foreign(writer: Any, value: Any, depth: int) -> str | None:
    """Write a value of a package that is loaded; None for all others."""
    top = type(value).__module__.partition(".")[0]
    write = {"numpy": _numpy, "pandas": _pandas, "PIL": _image}.get(top)
    return write(writer, value, depth) if write and top in sys.modules else None


def _numpy(writer: Any, value: Any, depth: int) -> str | None:
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.generic):
        code = f"np.{type(value).__name__}({value.item()!r})"
    elif isinstance(value, numpy.dtype):
        code = f"np.dtype({value.str!r})"
    elif type(value) is numpy.ndarray:
        code = _array(writer, value, depth)
    else:
        return None
    writer.imports.add("import numpy as np")
    return code


def _array(writer: Any, value: Any, depth: int) -> str:
    kind, dtype, shape = value.dtype.kind, value.dtype.name, list(value.shape)
    if shape and value.size:
        shape[0] = writer.resized(depth, shape[0])
    if math.prod(shape) <= LISTED and kind in "biufc":
        return f"np.array({value.tolist()!r}, dtype=np.{dtype})"
    size = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    writer.needs.add("np_rng")
    if kind == "b":
        return f"np_rng.random({size}) < {float(value.mean()):.3g}"
    if kind in "iu":
        return f"np_rng.integers({int(value.min())}, {int(value.max()) + 1}, size={size}, dtype=np.{dtype})"
    if kind != "f" or not sys.modules["numpy"].isfinite(value).all():
        raise CannotWriteError(f"an array of {value.dtype} has no builder")
    drawn = f"np_rng.normal({float(value.mean()):.6g}, {float(value.std()):.6g}, size={size})"
    return drawn if dtype == "float64" else f"{drawn}.astype(np.{dtype})"


def _pandas(writer: Any, value: Any, depth: int) -> str | None:
    pandas = sys.modules["pandas"]
    if not isinstance(value, (pandas.DataFrame, pandas.Series)):
        return None
    writer.imports.add("import pandas as pd")
    if isinstance(value, pandas.Series):
        return f"pd.Series({_column(writer, value, depth)})"
    columns = ", ".join(f"{name!r}: {_column(writer, value[name], depth)}" for name in value.columns)
    return f"pd.DataFrame({{{columns}}})"


def _column(writer: Any, series: Any, depth: int) -> str:
    values = series.to_numpy()
    if values.dtype.kind in "biuf" and not (values.dtype.kind == "f" and series.isna().any()):
        return writer.write(values, depth)
    if values.dtype.kind == "M":
        periods = writer.resized(depth, len(series))
        return f'pd.date_range("{series.min()}", periods={periods}, freq="min")'
    return writer.write(series.tolist(), depth)


def _image(writer: Any, value: Any, depth: int) -> str | None:
    if not hasattr(value, "mode") or not hasattr(value, "size"):
        return None
    bands = {"RGB": (3,), "RGBA": (4,), "L": ()}.get(value.mode)
    writer.imports.add("from PIL import Image")
    width, height = value.size
    height = writer.resized(depth, height)
    if bands is None or "numpy" not in sys.modules:
        return f"Image.new({value.mode!r}, ({width}, {height}))"
    writer.imports.add("import numpy as np")
    writer.needs.add("np_rng")
    size = ", ".join(map(str, (height, width, *bands)))
    return f"Image.fromarray(np_rng.integers(0, 256, size=({size}), dtype=np.uint8))"
