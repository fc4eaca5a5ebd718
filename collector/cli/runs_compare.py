"""`acode runs compare`: several runs side by side, the newest at the right."""

from __future__ import annotations

from collections.abc import Sequence

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.filters import add_filter_options, filter_query, negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format, whole_number
from collector.errors import InputError
from collector.model.comparison import MatrixRow, RunMatrix
from collector.model.frozen import replace
from collector.model.run import Run
from collector.query.run_matrix import BY, compare_many, same_command, since_last_pass
from collector.query.saved import RESERVED

_LAST = 10
_MAX_RUNS = 100
_LIMIT = 40
_SHORT = {"passed": "pass", "failed": "FAIL", "error": "ERROR", "skipped": "skip"}
_BAD = ("failed", "error")


def configure(parser: Parser) -> None:
    """Add the options of `acode runs compare`."""
    text = "runs, or filters such as task:test; one run: with those of the same command before it"
    parser.add_argument("words", metavar="RUN", nargs="*", default=[], help=text)
    add_filter_options(parser, without=("last",))
    text = f"so many runs (default: {_LAST})"
    parser.add_argument("--last", dest="count", type=whole_number, metavar="N", help=text)
    text = "from the last run of this command that succeeded, and say which failed first"
    parser.add_argument("--since-last-pass", action="store_true", help=text)
    text = "what is compared (default: tests where there are some, else metrics)"
    parser.add_argument("--by", choices=BY, help=text)
    parser.add_argument("--all", action="store_true", help="also what never failed and did not change")
    text = f"at most so many rows; 0: all (default: {_LIMIT}; all but in a table)"
    parser.add_argument("--limit", type=whole_number, metavar="N", help=text)
    add_format(parser, fields=False)


def run(options: Namespace, context: Context) -> int:
    """Compare runs."""
    form = chosen_format(options)
    runs = _chosen(options, context)
    if not runs:
        output.note("no runs")
        if form == "json":
            output.line(output.format_json(to_json(RunMatrix(options.by or "metric"), ())))
        return 0
    matrix = compare_many(runs, context.stores()[1], options.by)
    rows = [row for row in matrix.rows if options.all or form != "table" or _is_telling(row, matrix.by)]
    limit = options.limit if options.limit is not None else _LIMIT if form == "table" else 0
    shown = rows[: limit or None]
    if form == "table":
        _show(matrix, shown, runs, options, context)
        if len(rows) > len(shown):
            output.note(f"acode: {len(rows) - len(shown):,} more; --limit 0 lists all")
    elif form == "json":
        output.line(output.format_json(to_json(matrix, shown)))
    else:
        _write(matrix, shown, form)
    for problem in matrix.problems:
        output.note(f"acode: warning: {problem}")
    return 0


def _chosen(options: Namespace, context: Context) -> tuple[Run, ...]:
    """Return the runs that were asked for, oldest first.

    Raises:
        InputError: a filter was not understood, or runs and filters were mixed.
        NotFoundError: a run was not found.
    """
    named = [word for word in options.words if not _is_filter(word)]
    options.filter = [word for word in options.words if _is_filter(word)]
    query = filter_query(options, clock.now_ms(), context.saved_filters)
    if named and query.terms:
        raise InputError("ACODE-RUN-019", "runs or filters, not both", "name runs, or filter them")
    count = min(_MAX_RUNS, _LAST if options.count is None else max(1, options.count))
    stores = context.find_stores()
    if query.terms and not options.since_last_pass:
        found = stores[0].list(replace(query, limit=count)).items if stores else ()
        return tuple(reversed(found))
    if len(named) > 1:
        runs = {found.run_id: found for found in map(context.resolve, named)}
        return tuple(sorted(runs.values(), key=lambda item: (item.start_time, item.seq)))[-_MAX_RUNS:]
    if stores is None and not named:
        return ()
    latest = context.stores()[0].list(replace(query, limit=1)).items
    run = context.resolve(named[0]) if named else latest[0] if latest else None
    if run is None:
        return ()
    store = context.stores()[0]
    return since_last_pass(run, store) if options.since_last_pass else same_command(run, store, count)


def _is_filter(word: str) -> bool:
    """Tell a filter (`task:test`, `"some words"`, `@slow`) from what names a run."""
    saved = word.startswith("@") and not word[1:].isdigit() and word[1:] not in ("", *RESERVED)
    names_run = word.startswith("@") and ":" in word  # the newest that fits
    return not names_run and (":" in word or '"' in word or saved)


def _is_telling(row: MatrixRow, by: str) -> bool:
    """Whether people look for it: what changed, and tests that fail."""
    return row.is_changed or by == "metric" or any(value in _BAD for value in row.values)


def to_json(matrix: RunMatrix, rows: Sequence[MatrixRow]) -> dict[str, object]:
    """Return runs and rows as JSON has them."""
    from collector.clock import format_iso

    columns = [
        {"run_id": c.run_id, "name": c.name, "status": c.status, "start_time": format_iso(c.start_time)}
        for c in matrix.columns
    ]
    return {"by": matrix.by, "runs": columns, "rows": [_record(row) for row in rows]}


def _record(row: MatrixRow) -> dict[str, object]:
    return {"name": row.name, "values": list(row.values), "changed": list(row.changed)}


def _write(matrix: RunMatrix, rows: Sequence[MatrixRow], form: str) -> None:
    """Write a record for each row, with a key for each run: its name."""
    from collector.cli.records import write_records

    names = [column.name for column in matrix.columns]
    records = ({"name": row.name, **dict(zip(names, row.values, strict=True))} for row in rows)
    write_records(records, form, None, ("name", *names))


def _show(
    matrix: RunMatrix, rows: Sequence[MatrixRow], runs: Sequence[Run], options: Namespace, context: Context
) -> None:
    """Print a column for each run; where they do not all fit, the oldest are left out."""
    from collector.cli.table import Column, render

    width = output.terminal_width(context.environ)
    now_ms = clock.now_ms()
    columns = [Column(matrix.by.upper(), 12)]
    count = len(runs)
    columns += [
        Column(output.format_time(item.start_time, now_ms), 6, count - index, True)
        for index, item in enumerate(runs)
    ]
    body = [
        ["status", *(item.status for item in runs)],
        ["took", *(output.format_duration(item.duration_ms) for item in runs)],
        *([row.name, *map(_cell, row.values, row.changed)] for row in rows),
    ]
    if options.since_last_pass:
        _say_first_bad(runs)
    output.write("".join(line + "\n" for line in render(columns, body, width)))
    if not rows and matrix.rows:
        output.line(f"nothing changed in {len(matrix.rows):,} rows; --all shows them")


def _cell(value: str | int | float | None, changed: bool) -> str:
    """Return a value, with a star where it is another than before."""
    if value is None:
        return "-"
    text = _SHORT.get(value, value) if isinstance(value, str) else f"{value:,}"
    return text + "*" if changed else text


def _say_first_bad(runs: Sequence[Run]) -> None:
    bad = next((item for item in runs if item.is_failed), None)
    passed = runs[0] if runs[0].status == "success" else None
    said = f"{passed.name}, {output.format_time(passed.start_time)}" if passed else "none"
    output.line(output.sanitize(f"Last pass:   {said}"))
    said = f"{bad.name}, {output.format_time(bad.start_time)}" if bad else "none since"
    output.line(output.sanitize(f"First bad:   {said}"))
    output.line()


COMMANDS = {"compare": Command(configure, run, negated_filters_last)}
