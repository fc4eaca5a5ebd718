"""`acode runs stats`: what many runs amount to, in one head and as many sections as were asked for."""

from __future__ import annotations

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.filters import add_filters, filter_query, negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format, whole_number
from collector.errors import InputError
from collector.model.query import RunQuery
from collector.model.statistics import GROUPINGS, Totals
from collector.query.statistics import SORTS, totals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from collector.cli.stats_sections import Section

_TITLE = "Run Statistics"
_LABEL = 18
_LIMIT = 10


def configure(parser: Parser) -> None:
    """Add the options of `acode runs stats`."""
    add_filters(parser)
    parser.add_argument("--by", metavar="X", help=", ".join(GROUPINGS))
    text = f"{', '.join(SORTS)} (default: runs; newest for times)"
    parser.add_argument("--sort", metavar="X", help=text)
    text = f"at most so many in each section; 0: all (default: {_LIMIT}; all with jsonl and csv)"
    parser.add_argument("--limit", type=whole_number, metavar="N", help=text)
    parser.add_argument("--trend", action="store_true", help="over time, in hours, days, weeks …")
    text = "this period beside the one before it, or beside PERIOD: 'since:14d until:7d'"
    parser.add_argument("--compare", metavar="PERIOD", nargs="?", const="", help=text)
    parser.add_argument("--slowest", action="store_true", help="commands that take longest, by the median")
    parser.add_argument("--failing", action="store_true", help="commands that failed most often")
    parser.add_argument("--flaky", action="store_true", help="commands that fail now and then")
    text = "commands that worked when last run before, and failed then, first failure first"
    parser.add_argument("--broken-since", metavar="TIME", help=text)
    parser.add_argument(
        "--storage", action="store_true", help="what is stored, by type, and the largest runs"
    )
    add_format(parser)


def run(options: Namespace, context: Context) -> int:
    """Print statistics."""
    form = chosen_format(options)
    now_ms = clock.now_ms()
    saved = context.saved_filters
    earlier = _earlier(options, now_ms, saved)
    query = filter_query(options, now_ms, saved)
    broken_since = _time(options.broken_since, now_ms)
    _refuse_unknown(options)
    if form == "json" and options.fields is not None:
        raise InputError("ACODE-RUN-019", "--fields does not go with --json", "use --format jsonl")
    stores = context.find_stores()
    sections = _Sections(options, context, query, form)
    if stores is not None:
        sections.ask(stores, earlier, broken_since, now_ms)
    if form == "table" and options.fields is None:
        sections.show()
    elif form == "json":
        output.line(output.format_json(sections.to_json()))
    else:
        sections.write(form)
    return 0


def _refuse_unknown(options: Namespace) -> None:
    """Refuse a grouping or order that does not exist, whether or not there are runs."""
    from collector.suggest import did_you_mean

    for flag, value, known in (("--by", options.by, GROUPINGS), ("--sort", options.sort, SORTS)):
        if value is not None and value not in known:
            hint = did_you_mean(value, known, f"use {', '.join(known)}")
            raise InputError("ACODE-RUN-018", f"{flag}: there is no {value!r}", hint)


def _earlier(options: Namespace, now_ms: int, saved: Mapping[str, str]) -> RunQuery | None:
    """Return the period of `--compare`; a word that says no time is a filter that stands behind it."""
    from collector.query.language import parse_query

    if not options.compare:
        return None
    query = parse_query(options.compare, now_ms, saved)
    if any(term.field == "start_time" for term in query.terms):
        return query
    options.filter = [*options.filter, options.compare]
    return None


def _time(text: str | None, now_ms: int) -> int | None:
    from collector.query.times import parse_time

    try:
        return None if text is None else parse_time(text, now_ms)
    except InputError as error:
        raise InputError(error.code, f"--broken-since: {error.message}", error.hint) from None


class _Sections:
    """What was asked for and what came of it."""

    def __init__(self, options: Namespace, context: Context, query: RunQuery, form: str) -> None:
        self._options = options
        self._environ = context.environ
        self._query = query
        self._form = form
        self._totals = Totals()
        self._stored = (0, 0)
        self._sections: list[Section] = []

    def ask(self, stores: Any, earlier: RunQuery | None, broken_since: int | None, now_ms: int) -> None:
        """Ask the stores for everything that is wanted."""
        from collector.cli import spark
        from collector.cli import stats_sections as of

        runs, artifacts = stores
        options, query = self._options, self._query
        limit, by = self._limit(), options.by or "command"
        width = output.terminal_width(self._environ)
        found = self._sections
        if self._form in ("table", "json"):
            self._totals = totals(runs, query)
            self._stored = artifacts.count_stored(query)
        if options.trend:
            found.append(of.trend_section(runs, query, width, spark.can_show_blocks(self._environ)))
        if options.compare is not None:
            found.append(of.compare_section(runs, query, earlier, by, limit, now_ms))
        if options.slowest:
            found.append(of.slowest_section(runs, query, by, limit))
        if options.failing:
            found.append(of.failing_section(runs, query, by, limit))
        if options.flaky:
            found.append(of.flaky_section(runs, query, limit))
        if broken_since is not None:
            found.append(of.broken_section(runs, query, broken_since, limit))
        if options.storage:
            found += of.storage_section(artifacts, query, limit)
        if self._wants_groups():
            found.append(of.groups_section(runs, query, by, options.sort, limit))

    def _limit(self) -> int:
        if self._options.limit is not None:
            return int(self._options.limit)
        return 0 if self._form in ("jsonl", "csv") else _LIMIT

    def _wants_groups(self) -> bool:
        """Groups are shown when asked for, and to people who asked for nothing else."""
        options = self._options
        if options.by is not None or options.sort is not None:
            return not (options.compare is not None or options.slowest or options.failing)
        return not self._sections and self._form != "json"

    def to_json(self) -> dict[str, object]:
        """Return everything as one object."""
        record = head_to_json(self._totals, self._stored)
        for section in self._sections:
            record[section.key] = section.records if section.value is None else section.value
        return record

    def write(self, form: str) -> None:
        """Write the records of the one section: for programs, or the keys that `--fields` names.

        Raises:
            InputError: several were asked for, or `--fields` names what it has not.
        """
        from collector.cli.records import choose_fields, write_fields, write_records
        from collector.cli.stats_sections import TOTAL_COLUMNS

        if len(self._sections) > 1:
            keys = " and ".join(section.key for section in self._sections)
            raise InputError(
                "ACODE-RUN-019", f"{form} has one table, not {keys}", "ask for one, or use --json"
            )
        section = self._sections[0] if self._sections else None
        columns = section.csv_columns if section else ("name", *TOTAL_COLUMNS)
        records = section.records if section else ()
        fields = choose_fields(self._options.fields, tuple(records[0]) if records else columns)
        if form == "table":
            write_fields(records, fields or columns, self._environ)
        else:
            write_records(records, form, fields, columns)

    def show(self) -> None:
        """Print the head and a table for each section."""
        color = output.has_color(self._environ)
        output.line(_TITLE)
        output.line("─" * len(_TITLE))
        for label, text in _lines(self._totals, self._stored):
            output.line(f"{label + ':':<{_LABEL}}{text}")
        for section in self._sections:
            output.line()
            output.line(output.paint(section.title, "bold", color))
            self._show_table(section, color)

    def _show_table(self, section: Section, color: bool) -> None:
        from collector.cli.table import render

        if section.lines or section.rows:
            width = output.terminal_width(self._environ)
            lines = section.lines or render(section.columns, section.rows, width, color=color)
            output.write("".join(line + "\n" for line in lines))
        else:
            output.line("none")
        left = section.total - len(section.records)
        if left > 0 and self._options.limit is None:
            output.flush()
            output.note(f"acode: {left:,} more; --limit 0 lists all")


def head_to_json(found: Totals, stored: tuple[int, int]) -> dict[str, object]:
    """Return totals as JSON has them."""
    return {**found.to_json(), "artifacts": stored[0], "stored_bytes": stored[1]}


def _lines(found: Totals, stored: tuple[int, int]) -> list[tuple[str, str]]:
    mean = found.mean_duration_ms
    finished = found.success + found.failed
    ranks = (found.p50_duration_ms, found.p95_duration_ms, found.p99_duration_ms)
    lines = [
        ("Total Runs", f"{found.runs:,}"),
        ("Successful", _share(found.success, finished)),
        ("Failed", _share(found.failed, finished)),
        ("Running", f"{found.running:,}"),
        ("Total Artifacts", f"{stored[0]:,}"),
        ("Storage Used", output.format_size(stored[1])),
        ("Oldest Run", output.format_time(found.oldest)),
        ("Latest Run", output.format_time(found.newest)),
        ("Avg Duration", output.format_duration(None if mean is None else round(mean))),
        ("P50/P95/P99", " / ".join(map(output.format_duration, ranks))),
        ("Max Duration", output.format_duration(found.max_duration_ms)),
    ]
    if found.tokens_used is not None:
        lines.append(("Tokens", output.format_tokens(found.tokens_used) or "0"))
    if found.cost is not None:
        lines.append(("Cost", output.format_cost(found.cost)))
    return lines


def _share(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / total:.1f}%)" if total else f"{count:,}"


COMMANDS = {"stats": Command(configure, run, negated_filters_last)}
