"""The packages of the extra `prprep[cluster]`: imported only when a command needs them, and set up for measuring."""

import asyncio
import logging
from importlib import import_module
from typing import Any, Final

from ..errors import UsageError

SETTINGS: Final[dict[str, Any]] = {
    # A worker that dies is reported, and the job sent again by whoever waits for it.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.scheduler.no-workers-timeout": "60s",
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.active-memory-manager.start": False,
    # Pages over plain HTTP would show jobs.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.scheduler.preload": [],
    "distributed.worker.preload": [],
    "distributed.client.preload": [],
    # What runs every 1 to 500 ms, or would with further packages, disturbs what is measured.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "2s",
    "distributed.admin.system-monitor.interval": "30s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.large-graph-warning-threshold": "1GiB",
    "distributed.diagnostics.nvml": False,
}
LOCAL_PAGE: Final = "127.0.0.1:0"
"""Where dask's HTTP server listens, which cannot be turned off and has no pages."""


def distributed() -> Any:
    """Import dask.distributed; raise UsageError if it is not installed."""
    module = required("distributed")
    import dask

    dask.config.set(SETTINGS)
    for name in ["distributed", *logging.root.manager.loggerDict]:
        if name.partition(".")[0] in {"distributed", "tornado", "asyncio"}:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return module


def root_cause(error: BaseException) -> BaseException:
    """Return the error of the operating system or TLS, which dask wraps in errors of its own."""
    root, cause = error, error.__cause__ or error.__context__
    while cause:
        if not isinstance(cause, asyncio.CancelledError):  # how a timeout ends what takes too long
            root = cause
        cause = cause.__cause__ or cause.__context__
    return root


def reason(error: BaseException) -> str:
    cause = root_cause(error)
    if isinstance(cause, TimeoutError):
        return cause.strerror or "timed out"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def required(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        hint = "install prprep with it: pip install 'prprep[cluster]'"
        raise UsageError(f"the package {name} is not installed", hint=hint) from None
