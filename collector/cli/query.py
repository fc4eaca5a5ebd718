"""`acode query save|list|show|remove`: filters under a name, for `@name` wherever a filter is typed."""

from __future__ import annotations

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.filters import negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format
from collector.errors import InputError, NotFoundError
from collector.query.language import parse_query
from collector.query.saved import check_name, read_saved, remove_filter, save_filter

_FIELDS = ("name", "filter", "from")
_GLOBAL = "for every workspace of this user"


def _configure_save(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="what @NAME will stand for")
    parser.add_argument("filter", metavar="FILTER", nargs="+", help="status:failed duration:>60s …")
    parser.add_argument("--global", dest="is_global", action="store_true", help=_GLOBAL)


def _save(options: Namespace, context: Context) -> int:
    text = " ".join(options.filter)
    check_name(options.name)
    if not text.strip():
        raise InputError(
            "ACODE-RUN-018", "the filter is empty", "write what it looks for, such as status:failed"
        )
    saved = dict(context.saved_filters) | {options.name: text}
    parse_query(f"@{options.name}", clock.now_ms(), saved)
    known = save_filter(_path(options, context), options.name, text)
    output.note(f"{'changed' if known else 'saved'} @{options.name}")
    return 0


def _path(options: Namespace, context: Context) -> str:
    mine, users = context.saved_files()
    if not options.is_global:
        return mine
    if users is None:
        raise InputError("ACODE-RUN-023", "there is no home for the user's filters", "set HOME")
    return users


def _configure_list(parser: Parser) -> None:
    add_format(parser)


def _list(options: Namespace, context: Context) -> int:
    from collector.cli.records import choose_fields, write_fields, write_records

    records = list(_records(context))
    form = chosen_format(options)
    fields = choose_fields(options.fields, _FIELDS)
    if form != "table":
        write_records(records, form, fields, _FIELDS)
        return 0
    if not records:
        output.note("no saved filters; 'acode query save NAME FILTER' saves one")
        return 0
    if fields is not None:
        write_fields(records, fields, context.environ)
        return 0
    from collector.cli.table import Column, render

    columns = [Column("NAME", 8), Column("FROM", 9, 1), Column("FILTER", 10)]
    rows = [["@" + record["name"], record["from"], record["filter"]] for record in records]
    width = output.terminal_width(context.environ)
    output.write("".join(line + "\n" for line in render(columns, rows, width)))
    return 0


def _records(context: Context) -> list[dict[str, str]]:
    mine, users = context.saved_files()
    found = {name: ("user", text) for name, text in (read_saved(users) if users else {}).items()}
    found |= {name: ("workspace", text) for name, text in read_saved(mine).items()}
    return [{"name": n, "filter": text, "from": origin} for n, (origin, text) in sorted(found.items())]


def _configure_show(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="a saved filter")


def _show(options: Namespace, context: Context) -> int:
    name = options.name.removeprefix("@")
    saved = context.saved_filters
    if name not in saved:
        from collector.suggest import did_you_mean

        hint = did_you_mean(name, saved, "'acode query list' shows what there is")
        raise NotFoundError("ACODE-RUN-001", f"no saved filter {name!r}", hint)
    output.line(output.sanitize(saved[name]))
    return 0


def _configure_remove(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="a saved filter")
    parser.add_argument("--global", dest="is_global", action="store_true", help="one of the user's")


def _remove(options: Namespace, context: Context) -> int:
    name = options.name.removeprefix("@")
    remove_filter(_path(options, context), name)
    output.note(f"removed @{name}")
    return 0


COMMANDS = {
    "save": Command(_configure_save, _save, negated_filters_last),
    "list": Command(_configure_list, _list),
    "show": Command(_configure_show, _show),
    "remove": Command(_configure_remove, _remove),
}
