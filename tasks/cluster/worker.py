"""`prprep worker`: performs one job at a time, each in a process of its own that ends if its client is gone."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..bench import machine
from ..errors import BusyError, ClusterError, PrprepError, SystemCallError
from ..git import bundles
from ..jobs import process
from ..jobs.files import Job
from ..jobs.process import GivenUpError
from ..processes.locks import file_lock, machine_lock
from ..processes.progress import Report
from ..processes.scratch import scratch_folder
from ..storage.files import write_whole
from ..text import figures
from . import entry
from .addresses import Address
from .extra import LOCAL_PAGE, distributed, reason, root_cause
from .keys import security
from .scheduler import until_signal

JOB_SECONDS: Final = 6 * 3600.0
"""Time limit of a job, which may wait for other comparisons on its machine."""
CONNECT_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.2
WANTED_STATES: Final = {"executing", "long-running"}
"""Of a task that a client waits for; without the client it is `cancelled`."""


@dataclass(frozen=True, slots=True)
class JobRunner:
    """Performs jobs; `environment` is that of the worker's start, before dask was imported."""

    cache: Path
    timeout: float
    environment: Mapping[str, str]
    report: Report

    def __call__(self, job: bytes, commits: bytes | None, variables: dict[str, str], label: str) -> dict[str, Any]:
        """Return the result of a job, or the commits that are here if others are missing."""
        began = time.monotonic()
        try:
            with scratch_folder(self.cache) as folder:
                write_whole(folder / "job.zip", job)
                described, files = Job.read(folder / "job.zip")
                outline = described.bundle(files)
                if commits is not None:
                    bundles.unpack(outline._replace(content=commits), self.cache)
                elif request := self._request_for_commits(outline):
                    return request
                self.report(f"{label}: begins")
                content = self._performed(folder, variables)
        except GivenUpError as error:
            self.report(f"{label}: was ended: {error.what}")
            return {"refused": error.what}
        except (PrprepError, OSError) as raised:
            failure = SystemCallError(raised) if isinstance(raised, OSError) else raised
            failure.where = ""  # a file that exists only here, and only now
            self.report(f"{label}: {failure}")
            return {"refused": str(failure)}
        self.report(f"{label}: done after {figures.seconds(time.monotonic() - began)}")
        return {"result": content}

    def _request_for_commits(self, outline: bundles.Bundle) -> dict[str, Any] | None:
        """Return the commits that are here, None if all that the job needs are."""
        present = bundles.present_commits(outline.history, self.cache)
        if set(bundles.commits_of(outline)) <= set(present):
            return None
        return {"present": list(present), "worker": distributed().get_worker().address}

    def _performed(self, folder: Path, variables: Mapping[str, str]) -> bytes:
        worker = distributed().get_worker()
        key = worker.get_current_task()

        def is_wanted() -> bool:
            task = worker.state.tasks.get(key)
            return task is not None and task.state in WANTED_STATES and worker.status.name == "running"

        def send(line: str) -> None:
            worker.log_event(entry.TOPIC, {"key": key, "line": line})

        with machine_held(is_wanted, send):
            process.run(
                folder / "job.zip",
                folder / "result.zip",
                cache=self.cache,
                timeout=self.timeout,
                report=send,
                environment={**self.environment, **variables},
                is_wanted=is_wanted,
            )
        return (folder / "result.zip").read_bytes()


@contextmanager
def machine_held(is_wanted: Callable[[], bool], report: Report) -> Iterator[None]:
    """Hold the machine's lock; wait for it as long as the job is wanted, else raise GivenUpError."""
    with ExitStack() as stack:
        has_waited = False
        while True:
            try:
                stack.enter_context(file_lock(machine_lock(), busy="busy", for_all_users=True))
                break
            except BusyError:
                if not has_waited:
                    report("another comparison is running on the worker's machine: waiting until it has ended")
                has_waited = True
            except PrprepError as error:
                report(f"{error.where}: {error.what}; a comparison of another user may run at the same time")
                break
            if not is_wanted():
                raise GivenUpError("nobody waits for this job any more")
            time.sleep(POLL_SECONDS)
        yield


def work(address: Address, keys: Path, *, cache: Path, timeout: float, listen: str, report: Report) -> None:
    """Perform jobs until SIGINT or SIGTERM; raise ClusterError if the scheduler cannot be reached, or goes away."""
    entry.WORKERS[:] = [JobRunner(cache, timeout, dict(os.environ), report)]
    distributed()
    secured = security("worker", address, keys)
    with scratch_folder(cache) as folder:
        asyncio.run(join(address, secured, folder, listen=listen, report=report))


async def join(address: Address, secured: Any, folder: Path, *, listen: str, report: Report) -> None:
    """Work for a scheduler until a signal comes; `folder` is for dask's own files. Raises ClusterError."""
    from distributed import Worker

    await reach(address, secured, "worker")
    worker = Worker(
        str(address),
        nthreads=1,
        memory_limit=0,
        local_directory=str(folder),
        host=listen or (None if address.is_encrypted else "127.0.0.1"),
        protocol=address.scheme,
        security=secured,
        dashboard=False,
        dashboard_address=LOCAL_PAGE,
        death_timeout=CONNECT_SECONDS,
        startup_information={"prprep": lambda _: {"kind": machine.kind()}},
    )
    try:
        await worker
    except (OSError, TimeoutError, RuntimeError) as error:
        if not isinstance(root_cause(error), OSError):
            raise
        raise ClusterError(f"the worker could not join: {reason(error)}", where=str(address)) from None
    report(f"working for {address}, one job at a time, as {worker.address}")
    signalled, finished = asyncio.ensure_future(until_signal()), asyncio.ensure_future(worker.finished())
    await asyncio.wait({signalled, finished}, return_when=asyncio.FIRST_COMPLETED)
    if signalled.done():
        await worker.close()
        return
    hint = "start this worker again, and before it the scheduler if that has ended"
    what = "the scheduler cannot be reached any more; a job that ran was ended"
    raise ClusterError(what, where=str(address), hint=hint)


async def reach(address: Address, secured: Any, role: str) -> None:
    """Connect once, to say why that fails: dask tries on and on. Raises ClusterError."""
    hint = "is the scheduler running? `prprep workers start`"
    if address.is_encrypted:
        hint += "; are the certificates of this machine from the same `prprep workers keys`?"
    try:
        await asyncio.wait_for(_identify(address, secured, role), CONNECT_SECONDS)
    except OSError as error:
        what = f"no scheduler can be reached: {_why(address, error)}"
        raise ClusterError(what, where=str(address), hint=hint) from None
    except (ValueError, MemoryError):  # the length of a frame was read from something else
        raise ClusterError("something else than a scheduler answers", where=str(address), hint=hint) from None


def _why(address: Address, error: OSError) -> str:
    """Return why dask could not connect; its last attempt may have no time left, and hides why the others failed."""
    if isinstance(root_cause(error), TimeoutError):
        try:
            socket.create_connection((address.host, address.port), timeout=1).close()
        except OSError as refused:
            return refused.strerror or str(refused)
    return reason(error)


async def _identify(address: Address, secured: Any, role: str) -> None:
    from distributed.core import connect
    from distributed.security import Security

    arguments = (secured or Security()).get_connection_args(role)
    connection = await connect(str(address), timeout=CONNECT_SECONDS / 2, **arguments)
    await connection.write({"op": "identity", "reply": True})
    await connection.read()
    await connection.close()
