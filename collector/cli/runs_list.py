"""`acode runs list`: options and filters to one query, a page of runs to a table or to records."""

from __future__ import annotations

from collections.abc import Iterator

from collector import clock
from collector.cli import output, runs_export
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format, whole_number
from collector.errors import InputError
from collector.model.frozen import replace
from collector.model.query import SORTS, RunQuery, Term
from collector.model.run import Run
from collector.query.language import field_keys, parse_query, parse_term

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.store.protocols import RunStore

_TABLE_LIMIT = 20
_PAGE = 500
_SORT_ALIASES = {
    "started": "start_time", "start": "start_time", "time": "start_time", "ended": "end_time",
    "duration": "duration_ms", "exit": "exit_code", "command": "command_line", "cmd": "command_line",
    "session": "session_id", "size": "output_bytes",
}  # fmt: skip
_TERMS = {
    "status": ("status", "", "running, success, failed, timeout or cancelled"),
    "session": ("session", "", "begins with this session"),
    "task": ("task", "", "this task; * and ? stand for anything"),
    "command": ("cmd", "", "the command line has this in it, or fits it with * and ?"),
    "type": ("type", "", "command, build, test or generate"),
    "context": ("context", "", "host, docker or remote"),
    "agent": ("agent", "", "started by this agent: claude-code, codex …"),
    "instance": ("instance", "", "begins with this agent instance"),
    "model": ("model", "", "asked for by this model; * and ? stand for anything"),
    "tool": ("tool", "", "this tool of an agent: Bash, Edit, mcp__*"),
    "tag": ("tag", "", "has this tag: NAME or NAME=VALUE"),
    "exit_code": ("exit", "", "this exit code; >N, >=N, <N or <=N compare"),
    "duration_gt": ("duration", ">", "took longer: 500ms, 60s, 1h30m"),
    "duration_lt": ("duration", "<", "took less time"),
    "since": ("since", "", "started then or later: 1h, 7d, yesterday, 2026-01-15T10:00"),
    "until": ("until", "", "started then or earlier"),
    "last": ("since", "", "started within so long: --last 24h"),
}
CSV_COLUMNS = (
    "run_id", "name", "task", "type", "status", "exit_code", "start_time", "end_time", "duration_ms",
    "session_id", "agent", "agent_instance_id", "model", "tool", "working_directory", "command_line",
)  # fmt: skip


def configure(parser: Parser) -> None:
    """Add the options of `acode runs list`."""
    parser.add_argument("filter", metavar="FILTER", nargs="*", help="status:failed type:test since:1h …")
    names = {"since": ("--since", "--from"), "until": ("--until", "--to")}
    for option, (_, _, text) in _TERMS.items():
        flags = names.get(option, ("--" + option.replace("_", "-"),))
        parser.add_argument(*flags, dest=option, action="append", metavar="X", help=text)
    parser.add_argument("--sort", metavar="FIELD", default="start_time", help=", ".join(SORTS))
    parser.add_argument("--desc", dest="descending", action="store_true", default=True, help="largest first")
    parser.add_argument("--asc", dest="descending", action="store_false", help="smallest first")
    text = f"at most so many; 0: all (default: {_TABLE_LIMIT}; all with jsonl and csv)"
    parser.add_argument("--limit", type=whole_number, metavar="N", help=text)
    parser.add_argument("--skip", type=whole_number, default=0, metavar="N", help="leave out the first")
    parser.add_argument("--after-cursor", metavar="CURSOR", help="go on where --show-cursor ended")
    parser.add_argument("--show-cursor", action="store_true", help="say on stderr where this ended")
    add_format(parser)
    runs_export.configure(parser)


def prepare(words: list[str]) -> list[str]:
    """Move filters that begin with a dash, such as `-session:abc`, to where argparse takes them."""
    negated = [word for word in words if _is_negated_filter(word)]
    if not negated or "--" in words:
        return words
    return [*(word for word in words if word not in negated), "--", *negated]


def _is_negated_filter(word: str) -> bool:
    key, colon, _ = word[1:].partition(":")
    return word.startswith("-") and bool(colon) and key.lower() in field_keys()


def run(options: Namespace, context: Context) -> int:
    """List runs."""
    if options.export is not None:
        return runs_export.export(options, lambda: run(options, context))
    if options.watch:
        from collector.cli.runs_watch import watch

        return watch(
            options, context, lambda: build_query(options, clock.now_ms()), lambda: run(options, context)
        )
    from collector.cli.records import choose_fields, write_records

    form = chosen_format(options)
    query = build_query(options, clock.now_ms())
    from collector.model.run import FIELDS

    fields = choose_fields(options.fields, ("schema_version", *FIELDS))
    limit = options.limit if options.limit is not None else _default_limit(form)
    stores = context.find_stores()
    listing = _Listing(stores[0] if stores else None, query, limit)
    if form == "table":
        _write_table(listing, fields, context)
    else:
        write_records((run.to_json() for run in listing), form, fields, CSV_COLUMNS)
    _say_rest(listing, options, form)
    return 0


def _default_limit(form: str) -> int:
    """A stream for another program is whole unless told otherwise; what a person reads is short."""
    return 0 if form in ("jsonl", "csv") else _TABLE_LIMIT


def build_query(options: Namespace, now_ms: int) -> RunQuery:
    """Return the query that options and filters mean.

    Raises:
        InputError: naming the word or option that was not understood.
    """
    terms: list[Term] = []
    for option, (key, operator, _) in _TERMS.items():
        values = getattr(options, option, None) or ()
        terms += [_term(option, key, operator + value, now_ms) for value in values]
    terms += parse_query(" ".join(getattr(options, "filter", None) or ()), now_ms).terms
    return RunQuery(
        tuple(terms), _sort(options.sort), options.descending, _PAGE, options.skip, options.after_cursor
    )


def _term(option: str, key: str, value: str, now_ms: int) -> Term:
    try:
        return parse_term(key, value, now_ms)
    except InputError as error:
        flag = "--" + option.replace("_", "-")
        message = error.message.removesuffix(" at column 1")
        raise InputError(error.code, f"{flag}: {message}", error.hint) from None


def _sort(name: str) -> str:
    field = name.lower().replace("-", "_")
    field = _SORT_ALIASES.get(field, field)
    if field in SORTS:
        return field
    from collector.suggest import did_you_mean

    hint = did_you_mean(name, (*SORTS, *_SORT_ALIASES), f"use one of {', '.join(SORTS)}")
    raise InputError("ACODE-RUN-018", f"cannot sort by {name!r}", hint)


class _Listing:
    """The runs of a query, read a page at a time; `cursor` says whether and where there is more."""

    def __init__(self, store: RunStore | None, query: RunQuery, limit: int) -> None:
        self._store = store
        self._query = query
        self._limit = limit
        self.cursor: str | None = None

    def __iter__(self) -> Iterator[Run]:
        left = self._limit
        query = self._query
        while self._store is not None:
            query = replace(query, limit=min(_PAGE, left) if self._limit else _PAGE)
            page = self._store.list(query)
            yield from page.items
            left -= len(page.items)
            self.cursor = page.next_cursor
            if page.next_cursor is None or (self._limit and left <= 0):
                return
            query = replace(query, after=page.next_cursor, skip=0)


def _say_rest(listing: _Listing, options: Namespace, form: str) -> None:
    if listing.cursor is None:
        return
    if options.show_cursor:
        output.note(f"next: --after-cursor {listing.cursor}")
    elif options.limit is None and (form == "json" or output.is_terminal()):
        output.note("acode: there are more; --limit 0 lists all")


def _write_table(listing: _Listing, fields: tuple[str, ...] | None, context: Context) -> None:
    from collector.cli.table import Column, render

    width = output.terminal_width(context.environ)
    color = output.has_color(context.environ)
    if fields is not None:
        rows = [[_plain(run.to_json()[key]) for key in fields] for run in listing]
        columns = [Column(key.upper(), 4, index) for index, key in enumerate(fields)]
        output.write("".join(line + "\n" for line in render(columns, rows, width)))
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


def _plain(value: object) -> str:
    from collector.cli.records import csv_cell

    return value if isinstance(value, str) else csv_cell(value)


COMMANDS = {"list": Command(configure, run, prepare)}
