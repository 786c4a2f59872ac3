"""Guards: no test touches the user's cache or git configuration."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def _apart(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRPREP_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for name in ("PYTEST_ADDOPTS", "PYTHONPATH", "VIRTUAL_ENV"):
            patch.delenv(name, raising=False)
        yield
