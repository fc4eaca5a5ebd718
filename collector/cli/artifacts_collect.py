"""`acode artifacts collect` and `migrate`: adding a file to a run, moving run folders."""

from __future__ import annotations

import os
import time

from collector.cli import output
from collector.cli.context import Context, index_waiting
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import AccessError, BusyError, InputError
from collector.model.run import Run

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.02
_STDIN = "-"


def configure_collect(parser: Parser) -> None:
    """Add the options of `acode artifacts collect`."""
    parser.add_argument(
        "--run-id", metavar="RUN", help="the run (default: the one this is called from, else the latest)"
    )
    parser.add_argument("--file", metavar="FILE", required=True, help="what to add; - for standard input")
    parser.add_argument("--name", metavar="NAME", help="its path in the run (default: the file's own name)")
    parser.add_argument("--description", metavar="TEXT", help="what it is")
    parser.add_argument("--json", action="store_true", help="the artifact as one JSON object")


def collect(options: Namespace, context: Context) -> int:
    """Add a file to a run; of one that still runs it becomes part when that ends."""
    from collector.record import spool
    from collector.record.gather import gathering_of
    from collector.record.handed_in import hand_in
    from collector.record.redacting import store_rules

    run = context.resolve(options.run_id or context.environ.get("ACODE_RUN_ID") or "latest")
    name = options.name or os.path.basename(options.file)  # noqa: PTH119
    if options.file == _STDIN and not options.name:
        raise InputError("ACODE-RUN-019", "standard input has no name", "give it one with --name NAME")
    redacted = store_rules(context.config, context.environ)
    limits = gathering_of(context.config, context.workspace, redacted).limits
    fd = 0 if options.file == _STDIN else _open(options.file)
    folder = context.workspace.run_folder(run.folder)
    artifact_id = hand_in(folder, fd, name, limits, options.description)
    if not run.is_finished:
        output.note(f"kept; it becomes part of {run.name} when that ends")
        return 0
    spool.announce(context.workspace.spool, spool.SEAL, run.folder)
    _show(artifact_id, run, context, options.json)
    return 0


def _open(path: str) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise AccessError(
            "ACODE-ART-006", f"cannot read {path}: {error.strerror}", "check the path and its permissions"
        ) from error
    if not os.path.isfile(f"/dev/fd/{fd}"):  # noqa: PTH113
        raise InputError("ACODE-RUN-019", f"{path} is no file", "pipe what it yields into --file -")
    return fd


def _show(artifact_id: str, run: Run, context: Context, as_json: bool) -> None:
    """Wait until the artifact is in the index, which whoever writes it does at once, and say what it is."""
    artifacts = context.stores()[1]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not artifacts.exists(artifact_id):
        if time.monotonic() > deadline:
            raise BusyError(
                "ACODE-RUN-022", "the collector has not taken the file in yet",
                f"it is kept; 'acode artifacts list {run.name}' will show it",
            )  # fmt: skip
        index_waiting(context.workspace)
        time.sleep(_POLL_SECONDS)
    artifact = artifacts.get(artifact_id)
    if as_json:
        output.line(output.format_json({**artifact.to_json(), "run_id": run.run_id}))
    else:
        size = output.format_size(artifact.size_bytes)
        output.line(output.sanitize(f"{artifact_id}  {size}  {run.name}/{artifact.path}"))


def configure_migrate(parser: Parser) -> None:
    """Add the options of `acode artifacts migrate`."""
    parser.add_argument(
        "--layout", choices=("flat", "dated"), required=True,
        help="dated: in folders of days, 2026/01/20; flat: all in one",
    )  # fmt: skip


def migrate(options: Namespace, context: Context) -> int:
    """Move every sealed run's folder; runs recorded from now on follow `runs.artifacts.layout`."""
    from collector.daemon.control import request_layout

    context.stores()
    request_layout(context.workspace, options.layout)
    output.line(f"run folders are {options.layout} now")
    if context.config.is_dated != (options.layout == "dated"):
        output.note(f"set runs.artifacts.layout: {options.layout}, or new runs will lie as before")
    return 0


COMMANDS = {
    "collect": Command(configure_collect, collect),
    "migrate": Command(configure_migrate, migrate),
}
