"""`prprep worker`: let this machine perform the jobs of a scheduler."""

from typing import Any

from doit.cmd_base import Command

from ..cluster.addresses import Address
from ..cluster.keys import keys_folder
from ..cluster.worker import JOB_SECONDS, work
from ..errors import UsageError
from ..graph.loader import option
from ..storage.paths import cache_folder
from .doit_commands import KEYS
from .workers import print_line


class Worker(Command):  # type: ignore[misc]
    doc_usage = "ADDRESS"
    doc_description = (
        "It holds the machine's lock while it performs a job. Run one on each machine, as a user who "
        "may run the code of everybody who has a client's certificate. See docs/cluster.md."
    )
    example = "prprep worker tls://bench-scheduler:8786"
    may_fail = True
    cmd_options = (
        KEYS,
        option(
            "timeout",
            f"a job is ended after so many seconds [default: {JOB_SECONDS:g}]",
            "SECONDS",
            type=float,
            default=JOB_SECONDS,
        ),
        option("listen", "where scheduler and other workers reach this one [default: any free port]", "HOST[:PORT]"),
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        timeout = opt_values["timeout"]
        if not timeout > 0:
            raise UsageError(f"--timeout is {timeout:g}, must be more than 0")
        address, keys = Address.of(pos_args[0]), keys_folder(opt_values["keys"])
        if opt_values["listen"]:
            Address.of(f"{address.scheme}://{opt_values['listen']}")
        work(address, keys, cache=cache_folder(), timeout=timeout, listen=opt_values["listen"], report=print_line)
        return 0
