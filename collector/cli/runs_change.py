"""`acode runs delete` and `acode runs reindex`: asked of the collector, or done in its place."""

from __future__ import annotations

import os

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.deleting import confirm, count, delete_all
from collector.cli.filters import TERMS, add_filter_options, filter_query, negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import ConflictError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.store.deletions import Doomed

_SHOWN = 20


def configure_delete(parser: Parser) -> None:
    """Add the options of `acode runs delete`."""
    text = "id, name or beginning of either, @1 …; or a filter: status:failed since:1d"
    parser.add_argument("runs", metavar="RUN", nargs="*", default=[], help=text)
    add_filter_options(parser)
    parser.add_argument("--now", action="store_true", help="at once, without the way through the trash")
    parser.add_argument("--confirm", action="store_true", help="ask first (always done on a terminal)")
    parser.add_argument("--force", action="store_true", help="never ask")


def delete(options: Namespace, context: Context) -> int:
    """Delete runs; nothing is deleted unless every reference is understood and nothing named runs."""
    doomed, running = _chosen(options, context)
    if not doomed:
        output.note(
            "no runs" if not running else f"{count(running, 'run')} still running; nothing was deleted"
        )
        return 0
    asks = not options.force and (options.confirm or os.isatty(0))
    if asks and not _confirmed(doomed):
        output.note("nothing was deleted")
        return 1
    report = delete_all(context, doomed, "delete", keep_ms=0 if options.now else None)
    kept = set(report.kept)
    for run in doomed:
        if run.name not in kept:
            output.line(f"deleted {output.sanitize(run.name)}")
    if running:
        output.note(f"{count(running, 'run')} still running, and kept")
    if kept:
        raise ConflictError(
            "ACODE-RUN-010", f"{count(len(kept), 'run')} could not be deleted",
            "'acode collector logs' says why",
        )  # fmt: skip
    return 0


def _chosen(options: Namespace, context: Context) -> tuple[list[Doomed], int]:
    """Return the runs that are meant, and how many of those that a filter found still run."""
    from collector.store.deletions import Doomed
    from collector.store.facts import facts_of, iter_facts

    by_filter = _is_filter(options)
    if by_filter:
        options.filter = options.runs
        query = filter_query(options, clock.now_ms(), context.saved_filters)
        stores = context.find_stores()
        found = list(iter_facts(context.workspace.database, query)) if stores else []
    else:
        if not options.runs:
            raise InputError("ACODE-RUN-019", "no run was named", "name one, or a filter such as since:1h")
        named = list(dict.fromkeys(context.resolve(text).run_id for text in options.runs))
        facts = {run.run_id: run for run in facts_of(context.workspace.database, named)}
        found = [facts[run_id] for run_id in named if run_id in facts]
    running = [run for run in found if run.is_running]
    if running and not by_filter:
        raise ConflictError(
            "ACODE-RUN-017", f"run {running[0].name} is still running", "stop it before deleting it"
        )
    doomed = [Doomed(run.run_id, run.name, run.folder, run.bytes) for run in found if not run.is_running]
    return doomed, len(running)


def _is_filter(options: Namespace) -> bool:
    """Tell whether what was typed is a filter: an option says so, or `key:value`; `@task:x` is one run."""
    if any(getattr(options, name, None) for name in TERMS):
        return True
    return any(":" in word and not word.startswith("@") for word in options.runs)


def _confirmed(doomed: list[Doomed]) -> bool:
    for run in doomed[:_SHOWN]:
        output.note(f"  {output.sanitize(run.name)}  {output.format_size(run.bytes)}")
    if len(doomed) > _SHOWN:
        output.note(f"  … and {len(doomed) - _SHOWN:,} more")
    what = "this run" if len(doomed) == 1 else f"these {len(doomed):,} runs"
    return confirm(f"Delete {what} with all files?")


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
    "delete": Command(configure_delete, delete, negated_filters_last),
    "reindex": Command(configure_reindex, reindex),
}
