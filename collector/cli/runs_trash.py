"""`acode runs trash` and `acode runs undelete`: what was deleted, and can come back for some time."""

from __future__ import annotations

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.deleting import confirm, count
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import InputError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.store.deletions import Trashed


def configure_trash(parser: Parser) -> None:
    """Add the options of `acode runs trash`."""
    parser.add_argument("--json", action="store_true", help="one JSON array")
    parser.add_argument("--empty", action="store_true", help="remove them for good, all of them")
    parser.add_argument("--force", action="store_true", help="with --empty: do not ask")


def configure_undelete(parser: Parser) -> None:
    """Add the options of `acode runs undelete`."""
    text = "id, name or beginning of either; latest: the last deleted"
    parser.add_argument("runs", metavar="DELETED", nargs="*", default=[], help=text)
    parser.add_argument("--list", action="store_true", help="the same as 'acode runs trash'")
    parser.add_argument("--json", action="store_true", help="with --list: one JSON array")


def trash(options: Namespace, context: Context) -> int:
    """List deleted runs, the last deleted first; or remove them."""
    runs = _trashed(context)
    if getattr(options, "empty", False):
        return _empty(options, context, runs)
    if options.json:
        output.line(output.format_json([_record(run) for run in runs]))
        return 0
    if not runs:
        output.note("the trash is empty")
        return 0
    _write_table(runs, context)
    return 0


def undelete(options: Namespace, context: Context) -> int:
    """Bring runs back; none of them unless all can be found."""
    from collector.daemon.control import request_undelete

    if options.list:
        return trash(options, context)
    if not options.runs:
        raise InputError("ACODE-RUN-019", "no run was named", "'acode runs trash' lists what can come back")
    runs = _trashed(context)
    for run in [_resolve(runs, text) for text in options.runs]:
        name = request_undelete(context.workspace, run.run_id)
        output.line(f"brought back {output.sanitize(name)}")
    return 0


def _trashed(context: Context) -> list[Trashed]:
    from collector.daemon.control import list_trash

    context.find_stores()  # what waits is carried out first
    context.close()
    return list_trash(context.workspace)


def _resolve(runs: Sequence[Trashed], text: str) -> Trashed:
    """Return the deleted run that a text names."""
    if text in ("latest", "@") and runs:
        return runs[0]
    found = [run for run in runs if text in (run.name, run.run_id)]
    found = found or [r for r in runs if r.name.startswith(text) or r.run_id.startswith(text.upper())]
    if not found:
        shown = output.sanitize(text)
        raise NotFoundError("ACODE-RUN-038", f"no run {shown!r} in the trash", "see 'acode runs trash'")
    if len(found) > 1:
        names = ", ".join(run.name for run in found[:5])
        raise InputError("ACODE-RUN-016", f"{text!r} is the beginning of {names}", "type more of it")
    return found[0]


def _empty(options: Namespace, context: Context, runs: Sequence[Trashed]) -> int:
    from collector.store.trash import remove

    size = output.format_size(sum(run.bytes for run in runs))
    if not options.force and not confirm(f"Remove {count(len(runs), 'deleted run')}, {size}, for good?"):
        output.note("nothing was removed")
        return 1
    removed = sum(remove(context.workspace, run.run_id) for run in runs)
    output.line(f"removed {count(removed, 'deleted run')} for good, {size}")
    return 0


def _record(run: Trashed) -> dict[str, object]:
    return {
        "run_id": run.run_id, "name": run.name, "bytes": run.bytes, "rule": run.rule,
        "deleted_at": clock.format_iso(run.deleted_ms), "expires_at": clock.format_iso(run.expires_ms),
    }  # fmt: skip


def _write_table(runs: Sequence[Trashed], context: Context) -> None:
    from collector.cli.table import Column, render

    now = clock.now_ms()
    rows = [
        [
            run.name, output.format_size(run.bytes), run.rule, output.format_time(run.deleted_ms, now),
            output.format_time(run.expires_ms, now),
        ]
        for run in runs
    ]  # fmt: skip
    columns = [
        Column("NAME", 20), Column("SIZE", 6, 0, True), Column("RULE", 8), Column("DELETED", 8),
        Column("GOES FOR GOOD", 8),
    ]  # fmt: skip
    width = output.terminal_width(context.environ)
    output.write("".join(line + "\n" for line in render(columns, rows, width)))


COMMANDS = {
    "trash": Command(configure_trash, trash),
    "undelete": Command(configure_undelete, undelete),
}
