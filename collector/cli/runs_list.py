"""`acode runs list`: options and filters to one query, a page of runs to a table or to records."""

from __future__ import annotations

import os
from collections.abc import Iterator

from collector import clock
from collector.cli import output, runs_export
from collector.cli.context import Context
from collector.cli.filters import add_filters, filter_query, negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format, whole_number
from collector.errors import InputError
from collector.model.frozen import replace
from collector.model.query import SORTS, RunQuery
from collector.model.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.store.protocols import RunStore

_TABLE_LIMIT = 20
_PAGE = 500
_SORT_ALIASES = {
    "started": "start_time", "start": "start_time", "time": "start_time", "ended": "end_time",
    "duration": "duration_ms", "exit": "exit_code", "command": "command_line", "cmd": "command_line",
    "session": "session_id", "size": "output_bytes", "memory": "max_rss_bytes", "tokens": "tokens_used",
    "recorded": "revision",
}  # fmt: skip
CSV_COLUMNS = (
    "run_id", "name", "task", "type", "status", "exit_code", "start_time", "end_time", "duration_ms",
    "session_id", "agent", "agent_instance_id", "model", "tool", "working_directory", "command_line",
)  # fmt: skip


def configure(parser: Parser) -> None:
    """Add the options of `acode runs list`."""
    add_filters(parser)
    parser.add_argument("--sort", metavar="FIELD", default="start_time", help=", ".join(SORTS))
    parser.add_argument("--desc", dest="descending", action="store_true", default=True, help="largest first")
    parser.add_argument("--asc", dest="descending", action="store_false", help="smallest first")
    text = f"at most so many; 0: all (default: {_TABLE_LIMIT}; all with jsonl and csv)"
    parser.add_argument("--limit", type=whole_number, metavar="N", help=text)
    parser.add_argument("--skip", type=whole_number, default=0, metavar="N", help="leave out the first")
    parser.add_argument("--count", action="store_true", help="only say how many there are")
    parser.add_argument("--after-cursor", metavar="CURSOR", help="go on where --show-cursor ended")
    parser.add_argument("--show-cursor", action="store_true", help="say on stderr where this ended")
    text = "what is new or has ended since the last time, oldest first; FILE remembers where this ended"
    parser.add_argument("--cursor-file", metavar="FILE", help=text)
    parser.add_argument("--timeout", metavar="T", help="show what was found after so long (default: 30s)")
    add_format(parser)
    runs_export.configure(parser)


def run(options: Namespace, context: Context) -> int:
    """List runs."""
    if options.export is not None:
        return runs_export.export(options, lambda: run(options, context))
    if options.watch:
        from collector.cli.runs_watch import watch

        if options.count:
            raise InputError("ACODE-RUN-019", "--count does not go with --watch", "use one of them")

        def query_now() -> RunQuery:
            return build_query(options, clock.now_ms(), context.saved_filters)

        return watch(options, context, query_now, lambda: run(options, context))
    from collector.cli.records import choose_fields, write_records
    from collector.model.run import FIELDS

    form = chosen_format(options)
    query = build_query(options, clock.now_ms(), context.saved_filters)
    fields = choose_fields(options.fields, ("schema_version", *FIELDS))
    stores = context.find_stores()
    store = stores[0] if stores else None
    if options.count:
        output.line(str(store.count(query) if store is not None else 0))
        return 0
    place = None
    if options.cursor_file is not None:
        from collector.cli.cursor_file import CursorFile

        place = CursorFile(options.cursor_file, store)
        query = place.resume(query)
    listing = _Listing(store, query, _limit(options, form), _timeout_ms(options, context))
    if form == "table":
        _write_table(listing, fields, context)
        _say_alerts(context)
    else:
        write_records((run.to_json() for run in listing), form, fields, CSV_COLUMNS)
    if place is not None:
        output.flush()
        place.remember(listing.end)
    _say_rest(listing, options, form)
    return 0


def _limit(options: Namespace, form: str) -> int:
    """A stream for another program is whole unless told otherwise; what a person reads is short."""
    if options.limit is not None:
        return int(options.limit)
    return 0 if form in ("jsonl", "csv") or options.cursor_file is not None else _TABLE_LIMIT


def _timeout_ms(options: Namespace, context: Context) -> int | None:
    if options.timeout is None:
        return context.config.query_timeout_ms
    from collector.units import parse_duration

    return parse_duration(options.timeout) or None


def build_query(options: Namespace, now_ms: int, saved: Mapping[str, str]) -> RunQuery:
    """Return the query that options and filters mean.

    Raises:
        InputError: naming the word or option that was not understood.
    """
    query = filter_query(options, now_ms, saved)
    if options.cursor_file is not None:
        if not options.cursor_file:
            raise InputError("ACODE-RUN-019", "--cursor-file needs a name", "name a file; it need not exist")
        for given, option in (
            (options.after_cursor, "--after-cursor"), (options.skip, "--skip"),
            (options.sort != "start_time", "--sort"),
        ):  # fmt: skip
            if given:
                raise InputError(
                    "ACODE-RUN-019", f"{option} does not go with --cursor-file", "it has an order of its own"
                )
        return replace(query, sort="revision", descending=False, limit=_PAGE)
    return replace(
        query, sort=_sort(options.sort), descending=options.descending, limit=_PAGE, skip=options.skip,
        after=options.after_cursor,
    )  # fmt: skip


def _sort(name: str) -> str:
    field = name.lower().replace("-", "_")
    field = _SORT_ALIASES.get(field, field)
    if field in SORTS:
        return field
    from collector.suggest import did_you_mean

    hint = did_you_mean(name, (*SORTS, *_SORT_ALIASES), f"use one of {', '.join(SORTS)}")
    raise InputError("ACODE-RUN-018", f"cannot sort by {name!r}", hint)


class _Listing:
    """The runs of a query, read a page at a time.

    `cursor` says whether and where there is more, `end` where it ended, `complete` whether there was time
    to look for all.
    """

    def __init__(self, store: RunStore | None, query: RunQuery, limit: int, timeout_ms: int | None) -> None:
        self._store = store
        self._query = query
        self._limit = limit
        self._timeout_ms = timeout_ms
        self.cursor: str | None = None
        self.end: str | None = None
        self.complete = True

    def __iter__(self) -> Iterator[Run]:
        left = self._limit
        query = self._query
        while self._store is not None:
            query = replace(query, limit=min(_PAGE, left) if self._limit else _PAGE)
            page = self._store.list(query, time_limit_ms=self._timeout_ms)
            yield from page.items
            left -= len(page.items)
            self.cursor = page.next_cursor
            self.end = page.end_cursor or self.end
            self.complete = page.complete
            if page.next_cursor is None or (self._limit and left <= 0) or not page.complete:
                return
            query = replace(query, after=page.next_cursor, skip=0)


def _say_rest(listing: _Listing, options: Namespace, form: str) -> None:
    if not listing.complete:
        output.note("acode: ACODE-RUN-003: there was no time to look at all runs; narrow it, or --timeout 5m")
    if options.show_cursor and (cursor := listing.cursor or listing.end) is not None:
        output.note(f"next: --after-cursor {cursor}")
    elif listing.cursor and options.limit is None and (form == "json" or output.is_terminal()):
        output.note("acode: there are more; --limit 0 lists all")


def _say_alerts(context: Context) -> None:
    """One line for a person about what the collector says is wrong."""
    if not output.is_terminal() or not os.path.exists(context.workspace.alerts):  # noqa: PTH110
        return
    from collector.retention.alerts import list_alerts

    alerts = list_alerts(context.workspace)
    if alerts:
        more = f" (and {len(alerts) - 1} more: 'acode doctor')" if len(alerts) > 1 else ""
        output.note(f"acode: {alerts[0].code}: {output.sanitize(alerts[0].message)}{more}")


def _write_table(listing: _Listing, fields: tuple[str, ...] | None, context: Context) -> None:
    from collector.cli.records import write_fields
    from collector.cli.table import Column, render

    width = output.terminal_width(context.environ)
    color = output.has_color(context.environ)
    if fields is not None:
        write_fields((run.to_json() for run in listing), fields, context.environ)
        return
    now_ms = clock.now_ms()
    rows = [_row(run, now_ms) for run in listing]
    if not rows:
        output.note("no runs")
        return
    columns = [
        Column("STATUS", 9), Column("NAME", 20), Column("STARTED", 8, 1), Column("TOOK", 5, 3, True),
        Column("EXIT", 4, 2, True), Column("COMMAND", 7),
    ]  # fmt: skip
    output.write("".join(line + "\n" for line in render(columns, rows, width, 0, color)))


def _row(run: Run, now_ms: int) -> list[str]:
    took = run.duration_ms if run.is_finished else max(0, now_ms - run.start_time)
    return [
        run.status, run.name, output.format_time(run.start_time, now_ms),
        output.format_duration(took), "" if run.exit_code is None else str(run.exit_code),
        run.command_line,
    ]  # fmt: skip


COMMANDS = {"list": Command(configure, run, negated_filters_last)}
