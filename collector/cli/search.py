"""`acode search`: lines with a text or an expression in what runs wrote, those of the newest runs first."""

from __future__ import annotations

from collections.abc import Iterator

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.filters import filter_query, negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.cli.records import Record
    from collector.query.search import Hit, Hits
    from collector.store.patterns import Pattern

_LIMIT = 50
_MAX_COUNT = 10
_TIMEOUT = "10s"
_INDEX_SECONDS = 2.0
HIT_FIELDS = (
    "run_id", "name", "artifact_id", "path", "line", "column", "text", "before", "after", "other_runs"
)  # fmt: skip
_FILE_FIELDS = ("run_id", "name", "artifact_id", "path", "other_runs")
_COUNT_FIELDS = (*_FILE_FIELDS, "count")


def configure(parser: Parser) -> None:
    """Add the options of `acode search`."""
    parser.add_argument("text", metavar="TEXT", help="a text, or re:/a regular expression (RE2)/")
    parser.add_argument(
        "filter", metavar="FILTER", nargs="*", default=[], help="only in these runs: status:failed …"
    )
    parser.add_argument("-i", "--ignore-case", action="store_true", help="a also means A")
    text = "a only means a (without either: when there is a capital letter)"
    parser.add_argument("-s", "--case-sensitive", action="store_true", help=text)
    parser.add_argument("-F", "--fixed-strings", action="store_true", help="re:/…/ is a text like any other")
    text = "show N lines around each"
    parser.add_argument("-C", "--context", dest="around", type=whole_number, metavar="N", help=text)
    parser.add_argument("-B", "--before-context", type=whole_number, metavar="N", help="N lines before each")
    parser.add_argument("-A", "--after-context", type=whole_number, metavar="N", help="N lines after each")
    parser.add_argument("-l", "--files-with-matches", action="store_true", help="only runs and files")
    parser.add_argument("-c", "--count", action="store_true", help="how many lines of each file match")
    text = f"at most so many; 0: all (default: {_LIMIT} on a terminal and with json)"
    parser.add_argument("--limit", type=whole_number, metavar="N", help=text)
    text = f"at most so many lines of a file; 0: all (default: {_MAX_COUNT} on a terminal and with json)"
    parser.add_argument("--max-count", type=whole_number, metavar="N", help=text)
    text = f"show what was found after so long; 0: take any time (default: {_TIMEOUT})"
    parser.add_argument("--timeout", metavar="T", default=_TIMEOUT, help=text)
    add_format(parser)


def prepare(words: list[str]) -> list[str]:
    """Put options first: argparse takes no FILTER behind them otherwise."""
    parser = Parser("acode search", "")
    configure(parser)
    words = negated_filters_last(words)
    end = words.index("--") if "--" in words else len(words)
    options: list[str] = []
    others: list[str] = []
    follows = False
    for word in words[:end]:
        is_option = word.startswith("-") and word != "-"
        (options if is_option or follows else others).append(word)
        follows = is_option and word in parser.names_with_value()
    return [*options, *others, *words[end:]]


def run(options: Namespace, context: Context) -> int:
    """Search, and afterwards index what waits for it where nobody else does."""
    from collector.cli.records import choose_fields

    form = chosen_format(options)
    known = _COUNT_FIELDS if options.count else _FILE_FIELDS if options.files_with_matches else HIT_FIELDS
    fields = choose_fields(options.fields, known)
    hits = _hits(options, context, form)
    view = _View(hits, _limit(options, form))
    if form == "table" and fields is None:
        _write_text(view, options, context)
    else:
        _write_records(view, options, form, fields or known, context.environ)
    output.flush()
    _say(view, hits, form)
    if view.shown:
        context.note_access("search", {"hits": view.shown})
    if hits is not None and hits.has_work:
        from collector.store.waiting import index_texts_waiting

        index_texts_waiting(context.workspace, _INDEX_SECONDS)
    return 0


def _hits(options: Namespace, context: Context, form: str) -> Hits | None:
    from collector.query.search import Hits, Search
    from collector.units import parse_duration

    around = options.around or 0
    search = Search(
        pattern=pattern_of(options),
        query=filter_query(options, clock.now_ms(), context.saved_filters),
        max_count=_max_count(options, form),
        before=around if options.before_context is None else options.before_context,
        after=around if options.after_context is None else options.after_context,
        timeout_seconds=parse_duration(options.timeout) / 1000,
    )
    stores = context.find_stores()
    return None if stores is None else Hits(context.workspace, stores[0], search, context.masking)


def pattern_of(options: Namespace) -> Pattern:
    """Return what is looked for; without capital letters in it, case does not matter.

    Raises:
        InputError: it is empty, of several lines, or no regular expression.
    """
    from collector.query.search_line import search_pattern

    ignore_case = False if options.case_sensitive else True if options.ignore_case else None
    return search_pattern(options.text, ignore_case, options.fixed_strings)


def _is_short(form: str) -> bool:
    """Tell whether somebody wants to see some, not all; what goes to another program is whole."""
    return form == "json" or (form == "table" and output.is_terminal())


def _limit(options: Namespace, form: str) -> int:
    if options.limit is not None:
        return int(options.limit)
    return _LIMIT if _is_short(form) else 0


def _max_count(options: Namespace, form: str) -> int:
    if options.files_with_matches:
        return 1
    if options.max_count is not None:
        return int(options.max_count)
    return 0 if options.count or not _is_short(form) else _MAX_COUNT


class _View:
    """The hits that are shown; `has_more` says whether the limit cut them off.

    Args:
        hits: what is found; None where there is nothing to search.
        limit: of lines, or of files; 0 is none.
    """

    def __init__(self, hits: Hits | None, limit: int) -> None:
        self._hits = hits
        self._limit = limit
        self.shown = 0
        self.has_more = False

    def __iter__(self) -> Iterator[Hit]:
        for hit in self._hits or ():
            if self._is_full():
                return
            self.shown += 1
            yield hit

    def files(self) -> Iterator[tuple[Hit, int]]:
        """Yield the first hit of each file, and how many there are."""
        first: Hit | None = None
        count = 0
        for hit in self._hits or ():
            if first is not None and not _same_file(first, hit):
                yield first, count
                first = None
            if first is None:
                if self._is_full():
                    return
                self.shown += 1
                first, count = hit, 0
            count += 1
        if first is not None:
            yield first, count

    def _is_full(self) -> bool:
        self.has_more = bool(self._limit) and self.shown >= self._limit
        return self.has_more


def _same_file(one: Hit, other: Hit) -> bool:
    return (one.run.run_id, one.path) == (other.run.run_id, other.path)


def _write_text(view: _View, options: Namespace, context: Context) -> None:
    from collector.cli import search_text

    color = output.has_color(context.environ)
    if options.count or options.files_with_matches:
        for hit, count in view.files():
            output.line(search_text.file_line(hit, count if options.count else None))
    elif output.is_terminal():
        width = output.terminal_width(context.environ)
        for text in search_text.grouped(view, width, color, clock.now_ms()):
            output.line(text)
    else:
        for text in search_text.plain(view):
            output.line(text)


def _write_records(
    view: _View, options: Namespace, form: str, fields: tuple[str, ...], environ: Mapping[str, str]
) -> None:
    from collector.cli.records import write_fields, write_records

    records = _records(view, options)
    if form == "table":
        write_fields(records, fields, environ)
    else:
        write_records(records, form, fields, fields)


def _records(view: _View, options: Namespace) -> Iterator[Record]:
    if not (options.count or options.files_with_matches):
        yield from (hit.to_json() for hit in view)
        return
    for hit, count in view.files():
        record = hit.to_json() | {"count": count}
        yield {key: record[key] for key in (_COUNT_FIELDS if options.count else _FILE_FIELDS)}


def _say(view: _View, hits: Hits | None, form: str) -> None:
    """Say on stderr what the output does not: nothing, more, not everything."""
    if hits is not None and hits.unreadable:
        output.note(f"acode: warning: {hits.unreadable} files could not be read; 'acode doctor' says more")
    if hits is not None and hits.key_problem is not None:
        files = "1 file was" if hits.locked == 1 else f"{hits.locked} files were"
        output.note(f"acode: warning: {files} not searched: {hits.key_problem}")
    if hits is not None and hits.stopped:
        older = f": runs from before {output.format_time(hits.stopped_at)}" if hits.stopped_at else ""
        output.note(f"acode: time is up, not everything was searched{older}; --timeout 0 takes any time")
    elif view.has_more:
        output.note("acode: there are more; --limit 0 shows all")
    elif not view.shown and form == "table":
        output.note("no matches")


COMMANDS = {"search": Command(configure, run, prepare)}
