"""`prprep report`: report.md and report.html brought up to date, opened, or served while a run goes on."""

import webbrowser
from typing import Any

from doit.cmd_base import Command

from ..errors import BusyError, UsageError
from ..graph.loader import ManifestLoader, flag, graph_of, option
from ..processes import output
from ..stages.report import EXTRA, has_extra

PORT = 8765


class Report(Command):  # type: ignore[misc]
    doc_description = (
        "It is written from what was measured so far; nothing is run. --serve answers this machine alone, and the page "
        "follows a run that goes on in another terminal."
    )
    example = "prprep report --open"
    cmd_options = (
        *ManifestLoader.cmd_options,
        flag("open", "open report.html in a browser"),
        flag("serve", "serve the report on 127.0.0.1 until Ctrl-C"),
        option("port", f"the port to serve on, 0 for any that is free [default: {PORT}]", "N", type=int, default=PORT),
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:  # noqa: ARG002 - doit's signature
        if (opt_values["open"] or opt_values["serve"]) and not has_extra():
            raise UsageError("report.html needs optional packages", hint=EXTRA)
        if opt_values["serve"]:
            return self._serve(opt_values)
        graph = graph_of(opt_values["manifest"])
        graph.config()
        try:
            graph.begin()
        except BusyError as error:
            hint = f"`prprep report --serve` shows a run while it goes on; or {error.hint}"
            raise BusyError(error.what, where=error.where, hint=hint) from None
        print(graph.summary())
        paths = graph.workspace.paths
        print(f"\nreport: {paths.report}" + (f"\nin a browser: {paths.page}" if has_extra() else f"\ncharts: {EXTRA}"))
        if opt_values["open"]:
            _open(paths.page.as_uri())
        return 0

    def _serve(self, opt_values: dict[str, Any]) -> int:
        from ..live_report.server import serving
        from ..live_report.watch import Watch

        if not 0 <= opt_values["port"] <= 65535:
            raise UsageError(f"--port is {opt_values['port']}, must be 0 to 65535")
        # By its absolute path, because the current folder is the manifest's from then on.
        manifest = str(graph_of(opt_values["manifest"]).manifest)
        watch = Watch(lambda: graph_of(manifest))
        with serving(watch, opt_values["port"]) as address:
            print(f"the report is at {address} (Ctrl-C ends it)", flush=True)
            if opt_values["open"]:
                _open(address)
            try:
                watch.run()
            except KeyboardInterrupt:
                output.say("")
        return 0


def _open(address: str) -> None:
    try:
        is_open = webbrowser.open(address)
    except webbrowser.Error:
        is_open = False
    if not is_open:
        output.say(f"no browser could be started; open {address}")
