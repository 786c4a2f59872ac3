"""`prprep workers`: the certificates of a cluster, and its scheduler."""

import sys
from pathlib import Path
from typing import Any

from doit.cmd_base import Command

from ..cluster.addresses import PORT, Address
from ..cluster.keys import keys_folder, write_keys
from ..cluster.scheduler import start
from ..errors import UsageError
from ..graph.names import suggestion
from ..processes import output
from .doit_commands import KEYS

ACTIONS = ("keys", "start")
EVERYWHERE = f"tls://0.0.0.0:{PORT}"


class Workers(Command):  # type: ignore[misc]
    doc_usage = "keys|start [...]"
    doc_description = (
        "`keys [FOLDER]` writes the certificates of a new cluster, once for all machines. `start [ADDRESS]` starts the "
        f"scheduler [default: {EVERYWHERE}]; `prprep worker` works for it, and `prprep --workers` sends jobs to it. "
        "See docs/cluster.md."
    )
    example = "prprep workers start tls://0.0.0.0:8786"
    may_fail = True
    cmd_options = (KEYS,)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        action, *words = pos_args
        if action not in ACTIONS:
            raise UsageError(f"`prprep workers` has no {action}", hint=suggestion(action, ACTIONS, "it has"))
        if len(words) > 1:
            raise UsageError(f"`prprep workers {action}` got too many arguments", hint="see `prprep workers --help`")
        if action == "start":
            start(Address.of(*words or [EVERYWHERE]), keys_folder(opt_values["keys"]), print_line)
            return 0
        for file in write_keys(Path(words[0]).absolute() if words else keys_folder(opt_values["keys"])):
            print_line(f"wrote {file}")
        return 0


def print_line(text: str) -> None:
    """Print a line at once: a scheduler or worker runs for days, and its output often goes to a file."""
    output.say(text, sys.stdout)
