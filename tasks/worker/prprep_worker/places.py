"""Find the file that a module or a call names; imports nothing whose import the target would then get for free."""

import os

# The target may replace them.
_realpath, _isabs, _isfile = os.path.realpath, os.path.isabs, os.path.isfile


def real_path(file):  # noqa: ANN001, ANN201 - `typing` would be free for the target
    """Return the real path of a file, None if it is only a name: `__file__` can be anything (in torch `_ops.py`)."""
    try:
        return _realpath(file) if _isabs(file) or _isfile(file) else None
    except (OSError, ValueError):  # too long, or with a NUL
        return None
