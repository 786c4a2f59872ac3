"""Hand jobs to a cluster, and wait for their results: what `prprep --workers` connects to."""

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ..errors import ClusterError, PrprepError
from ..jobs.packing import PreparedJob
from ..processes.progress import Report
from . import entry
from .addresses import Address
from .extra import distributed
from .keys import security
from .worker import CONNECT_SECONDS, reach

COUNT_SECONDS: Final = 1.0
JOIN_SECONDS: Final = 15.0


class LostError(Exception):
    """A worker died while it had the job."""


class Cluster:
    """A connection to a scheduler, made when the first job needs it; at most one job for each worker is on its way."""

    def __init__(self, address: Address, keys: Path) -> None:
        self.address, self._keys = address, keys
        self._reports: dict[str, Report] = {}
        self._lock, self._gate = threading.Lock(), threading.Condition()
        self._running, self._is_closed = 0, False
        self._count, self._counted_until = 1, 0.0
        self._failure: PrprepError | None = None

    def perform(
        self, prepared: PreparedJob, label: str, *, variables: Mapping[str, str], kind: str = "", report: Report
    ) -> bytes:
        """Return the result of a job; a job whose worker dies is sent once more.

        `kind` asks for a machine of that kind, if one works. Raises ClusterError.
        """
        with self._turn():
            try:
                return self._attempt(prepared, label, variables, self._workers_like(kind, report), report)
            except LostError as error:
                report(f"{error}: the job is sent once more")
            try:
                return self._attempt(prepared, label, variables, self._workers_like(kind, report), report)
            except LostError as error:
                what = f"{error}; another one had died with this job before"
                hint = "what it wrote to its terminal may say why; a job may need more memory than a machine has"
                raise ClusterError(what, where=label, hint=hint) from None

    def close(self) -> None:
        """End the jobs that run, and wake up whoever waits for them."""
        self._is_closed = True  # without the lock, which is held for as long as it takes to connect
        if client := self.__dict__.get("client"):
            client.close(timeout=5)
        with self._gate:
            self._gate.notify_all()

    @cached_property
    def client(self) -> Any:
        dask = distributed()
        secured = security("client", self.address, self._keys)
        asyncio.run(reach(self.address, secured, "client"))
        client = dask.Client(
            str(self.address), security=secured, timeout=CONNECT_SECONDS, set_as_default=False, direct_to_workers=False
        )
        client.subscribe_topic(entry.TOPIC, self._heard)
        try:
            client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except TimeoutError:
            client.close()
            hint = f"start one on each machine: `prprep worker {self.address}`"
            raise ClusterError("no worker has joined this scheduler", where=str(self.address), hint=hint) from None
        return client

    def workers(self) -> dict[str, str]:
        """Return the kind of machine of each worker by its address."""
        listed = self._connected().scheduler_info(n_workers=-1)["workers"]
        return {address: (worker.get("prprep") or {}).get("kind", "") for address, worker in listed.items()}

    def _attempt(
        self,
        prepared: PreparedJob,
        label: str,
        variables: Mapping[str, str],
        workers: list[str],
        report: Report,
    ) -> bytes:
        """Send a job; if the worker that gets it lacks commits, send it these and the job again."""
        job = prepared.archive()
        answer = self._answer(job, None, variables, label, workers=workers, report=report)
        if (present := answer.get("present")) is not None:
            worker = answer["worker"]
            report(f"sending commits to {worker}")
            commits = self._scattered(prepared.bundle(present).content, worker)
            answer = self._answer(job, commits, variables, label, workers=[worker], report=report)
        if "result" in answer:
            result: bytes = answer["result"]
            return result
        raise ClusterError(f"the worker refused the job: {answer.get('refused', 'it gave no reason')}", where=label)

    def _answer(
        self, job: bytes, commits: Any, variables: Mapping[str, str], label: str, *, workers: list[str], report: Report
    ) -> dict[str, Any]:
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker, NoValidWorkerError, NoWorkerError

        client, key = self._connected(), f"prprep-{uuid.uuid4().hex}"
        self._reports[key] = report
        future = client.submit(
            entry.perform, job, commits, dict(variables), label, key=key, pure=False, retries=0, workers=workers or None
        )
        try:
            answer: dict[str, Any] = future.result()
        except KilledWorker as error:
            raise LostError(f"the worker at {error.last_worker.address} died") from None
        except (NoValidWorkerError, NoWorkerError):
            raise LostError("no worker is left") from None
        except (FutureCancelledError, CancelledError) as error:
            if self._is_closed or getattr(error, "reason", "") == "scheduler-connection-lost" or not self._is_connected:
                raise self._gone() from None
            raise LostError("the worker with the commits died") from None
        finally:
            self._reports.pop(key, None)
            future.release()
        return answer

    def _scattered(self, content: bytes, worker: str) -> Any:
        """Put bytes into the memory of a worker: as arguments they would stay in the scheduler's."""
        try:
            return self._connected().scatter([content], workers=[worker], hash=False, direct=False)[0]
        except (OSError, KeyError, TimeoutError, ValueError) as error:
            raise LostError(f"the worker at {worker} died") from error

    def _connected(self) -> Any:
        with self._lock:
            if self._is_closed:
                raise self._gone()
            if self._failure is None:
                try:
                    client = self.client
                except PrprepError as error:
                    self._failure = error  # the other items need not wait for the same
            if self._failure is not None:
                raise self._failure
        if client.status != "running":
            raise self._gone()
        return client

    @property
    def _is_connected(self) -> bool:
        return bool(self.client.status == "running")

    def _gone(self) -> ClusterError:
        if self._is_closed:
            return ClusterError("the run was interrupted, and the job ended")
        what = "the scheduler is gone, and its workers have ended their jobs"
        hint = "start it and its workers again, then run prprep again: finished work is kept"
        return ClusterError(what, where=str(self.address), hint=hint)

    def _workers_like(self, kind: str, report: Report) -> list[str]:
        if not kind:
            return []
        alike = [address for address, theirs in self.workers().items() if theirs and kind.startswith(f"{theirs}, ")]
        if not alike:
            report(f"no worker is a machine like the one that measured ({kind})")
        return alike

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until there are fewer jobs than workers: one that waits at a busy worker would be lost with it."""
        while True:
            capacity = self._capacity()  # without the gate: it may connect, and `close` must not wait for that
            with self._gate:
                if self._running < capacity:
                    self._running += 1
                    break
                self._gate.wait(COUNT_SECONDS)
        try:
            yield
        finally:
            with self._gate:
                self._running -= 1
                self._gate.notify()

    def _capacity(self) -> int:
        """Return how many jobs may be on their way; the workers are counted once a second."""
        if time.monotonic() > self._counted_until:
            self._count, self._counted_until = max(1, len(self.workers())), time.monotonic() + COUNT_SECONDS
        return self._count

    def _heard(self, event: tuple[float, Any]) -> None:
        _, message = event
        if isinstance(message, dict) and (report := self._reports.get(message.get("key", ""))):
            report(str(message.get("line", "")))
