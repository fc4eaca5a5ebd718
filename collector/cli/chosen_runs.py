"""Which runs a command is to work on: named ones, those that fit a filter, or all."""

from __future__ import annotations

from collections.abc import Iterator

from collector import clock
from collector.cli.context import Context
from collector.cli.filters import filter_query
from collector.cli.parsing import Namespace
from collector.errors import InputError
from collector.model.frozen import replace
from collector.model.query import RunQuery
from collector.model.run import Run

_PAGE = 500


def iter_chosen(options: Namespace, context: Context, verb: str) -> Iterator[Run]:
    """Yield the runs that were named, then those that fit the filter if there is one.

    Args:
        options: `filter`, whose words are filters or name runs, `runs`, `all`, and the options of filters.
        context: of the call.
        verb: what is to be done to them.

    Raises:
        InputError: nothing was named, or a filter was not understood.
        NotFoundError: there is no run of that name.
    """
    names, query = chosen(options, context, verb)
    for name in names:
        yield context.resolve(name)
    if query is not None:
        yield from iter_all(context, query)


def chosen(options: Namespace, context: Context, verb: str) -> tuple[list[str], RunQuery | None]:
    """Return what names runs, and the query that finds more; None for no more."""
    names = [word for word in options.filter if _is_reference(word)] + options.runs
    rest = [word for word in options.filter if not _is_reference(word)]
    query = filter_query(
        Namespace(**{**vars(options), "filter": rest}), clock.now_ms(), context.saved_filters
    )
    if query.terms or options.all:
        return names, query
    if not names:
        raise InputError("ACODE-RUN-019", f"nothing to {verb}", "name runs, a filter, or --all")
    return names, None


def _is_reference(word: str) -> bool:
    return word.startswith("@") or (":" not in word and not word.startswith(("-", '"')))


def iter_all(context: Context, query: RunQuery) -> Iterator[Run]:
    """Yield the runs of a query, a page at a time."""
    stores = context.find_stores()
    after: str | None = ""
    while stores is not None and after is not None:
        page = stores[0].list(replace(query, limit=_PAGE, after=after or None))
        yield from page.items
        after = page.next_cursor
