"""`acode runs delete` and `acode runs reindex`: asked of the collector, or done in its place."""

from __future__ import annotations

import os
import sys

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import ConflictError
from collector.model.run import Run


def configure_delete(parser: Parser) -> None:
    """Add the options of `acode runs delete`."""
    parser.add_argument("runs", metavar="RUN", nargs="+", help="id, name or beginning of either, @1 …")
    parser.add_argument("--confirm", action="store_true", help="ask first (always done on a terminal)")
    parser.add_argument("--force", action="store_true", help="never ask")


def delete(options: Namespace, context: Context) -> int:
    """Delete runs; nothing is deleted unless every reference is understood and nothing runs."""
    from collector.daemon.control import request_delete

    runs = list({run.run_id: run for run in map(context.resolve, options.runs)}.values())
    for run in runs:
        if not run.is_finished:
            raise ConflictError(
                "ACODE-RUN-017", f"run {run.name} is still running", "stop it before deleting it"
            )
    asks = not options.force and (options.confirm or os.isatty(0))
    if asks and not _confirm(runs):
        output.note("nothing was deleted")
        return 1
    for run in runs:
        request_delete(context.workspace, run.run_id)
        output.line(f"deleted {output.sanitize(run.name)}")
    return 0


def _confirm(runs: list[Run]) -> bool:
    for run in runs:
        output.note(f"  {run.name}  {output.format_size(run.output_bytes)}  {run.command_line}")
    count = "this run" if len(runs) == 1 else f"these {len(runs)} runs"
    os.write(2, f"Delete {count} with all files? [y/N] ".encode())
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def configure_reindex(parser: Parser) -> None:
    """`acode runs reindex` has no options of its own."""


def reindex(options: Namespace, context: Context) -> int:  # noqa: ARG001, RUF100
    """Rebuild the database from the run folders."""
    from collector.daemon.control import request_reindex

    report = request_reindex(context.workspace)
    if report is None:
        output.line("the collector has rebuilt the database; 'acode collector logs' says what it found")
        return 0
    output.line(f"indexed {report.indexed} runs, removed {report.removed} that are gone")
    for folder, why in report.damaged:
        output.note(f"acode: ACODE-ART-007: {folder} cannot be indexed: {why}")
    return 1 if report.damaged else 0


COMMANDS = {
    "delete": Command(configure_delete, delete),
    "reindex": Command(configure_reindex, reindex),
}
