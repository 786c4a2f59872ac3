"""`prprep workers start`: the scheduler, which hands jobs to the workers that have joined."""

import asyncio
import signal
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..processes.progress import Report
from . import entry  # noqa: F401 - the scheduler, too, has to know the function by its name
from .addresses import Address
from .extra import LOCAL_PAGE, distributed, reason, root_cause
from .keys import security


def start(address: Address, keys: Path, report: Report) -> None:
    """Serve until SIGINT or SIGTERM; raise UsageError if the address cannot be used."""
    distributed()
    secured = security("scheduler", address, keys)
    asyncio.run(_serve(address, secured, report))


async def _serve(address: Address, secured: Any, report: Report) -> None:
    from distributed import Scheduler

    scheduler = Scheduler(
        host=str(address),
        protocol=address.scheme,
        security=secured,
        dashboard=False,
        dashboard_address=LOCAL_PAGE,
        plugins=[_announcing(report)],
    )
    try:
        await scheduler
    except (OSError, RuntimeError) as error:
        if not isinstance(root_cause(error), OSError):
            raise
        raise UsageError(f"{address} cannot be used: {reason(error)}", hint="name another address") from None
    try:
        report(f"the scheduler is at {scheduler.address}")
        await until_signal()
    finally:
        await scheduler.close()


def _announcing(report: Report) -> Any:
    from distributed import SchedulerPlugin

    class Announcing(SchedulerPlugin):  # type: ignore[misc]
        """Reports which workers join and leave."""

        def add_worker(self, scheduler: Any, worker: str) -> None:  # noqa: ARG002 - dask's signature
            report(f"the worker at {worker} has joined")

        def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:  # noqa: ARG002
            report(f"the worker at {worker} has gone")

    return Announcing()


async def until_signal() -> None:
    """Return when the process is asked to end."""
    signalled, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, signalled.set)
    await signalled.wait()
