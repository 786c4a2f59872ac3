"""Find the file that a module or a call names; imports nothing whose import the project would then get for free."""

import os
import stat

# The project's code may replace them.
_realpath, _isabs, _isfile, _split, _join = os.path.realpath, os.path.isabs, os.path.isfile, os.path.split, os.path.join
_lstat, _is_link = os.lstat, stat.S_ISLNK


def real_path(file, folders=None):  # noqa: ANN001, ANN201 - `typing` would be free for the project
    """Return the real path of a file, None if it is only a name: `__file__` can be anything (in torch `_ops.py`).

    `folders` has the real paths of folders, and gets others: to look at each part of hundreds of paths takes long.
    """
    try:
        if not (_isabs(file) or _isfile(file)):
            return None
        folder, name = _split(file)
        if folders is None or name in {"", ".", ".."} or _may_be_link(file):
            return _realpath(file)
        if folder not in folders:
            folders[folder] = _realpath(folder)
        return _join(folders[folder], name)
    except (OSError, ValueError):  # too long, or with a NUL
        return None


def _may_be_link(file):  # noqa: ANN001, ANN202 - as above
    try:
        return _is_link(_lstat(file).st_mode)
    except OSError:
        return True
