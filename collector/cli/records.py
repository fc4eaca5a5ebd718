"""Listings for machines: JSON, JSON lines and CSV, written as the records come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from collector.cli.output import format_json, write
from collector.errors import InputError

Record = Mapping[str, object]
_FORMULA = frozenset("=+-@\t\r")


def choose_fields(text: str | None, known: Sequence[str]) -> tuple[str, ...] | None:
    """Return the keys that `--fields` names; None for all.

    Raises:
        InputError: naming the first that no record has.
        SystemExit: `?` or `help` asked which there are, and was told.
    """
    if text is None:
        return None
    if text in ("?", "help"):
        from collector.cli.fields import describe

        write(describe(known))
        raise SystemExit(0)
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in known:
            from collector.suggest import did_you_mean

            hint = did_you_mean(name, known, f"known are {', '.join(known)}")
            raise InputError("ACODE-RUN-019", f"unknown field {name!r}", hint)
    if not names:
        raise InputError("ACODE-RUN-019", "--fields names no field", f"known are {', '.join(known)}")
    return names


def write_records(
    records: Iterable[Record], form: str, fields: Sequence[str] | None, columns: Sequence[str]
) -> None:
    """Write records to stdout.

    Args:
        records: taken one at a time, so a million of them need no memory.
        form: `json`, `jsonl` or `csv`.
        fields: only these keys; None for all.
        columns: the keys of CSV where no fields were chosen.
    """
    if form == "csv":
        _write_csv(records, tuple(fields or columns))
        return
    chosen = (record if fields is None else {key: record[key] for key in fields} for record in records)
    if form == "json":
        _write_array(chosen)
    else:
        from json import dumps

        for record in chosen:
            write(dumps(record, ensure_ascii=False) + "\n")


def write_fields(records: Iterable[Record], fields: Sequence[str], environ: Mapping[str, str]) -> None:
    """Write a table of the keys that `--fields` names."""
    from collector.cli.output import terminal_width
    from collector.cli.table import Column, render

    rows = [[plain(record[key]) for key in fields] for record in records]
    columns = [Column(key.upper(), 4, index) for index, key in enumerate(fields)]
    write("".join(line + "\n" for line in render(columns, rows, terminal_width(environ))))


def _write_array(records: Iterator[Record]) -> None:
    opening = "[\n"
    for record in records:
        write(opening + format_json(record))
        opening = ",\n"
    write("[]\n" if opening == "[\n" else "\n]\n")


def _write_csv(records: Iterable[Record], columns: Sequence[str]) -> None:
    write(",".join(columns) + "\r\n")
    for record in records:
        write(",".join(csv_cell(record[key]) for key in columns) + "\r\n")


def csv_cell(value: object) -> str:
    """Format a cell as RFC 4180 has it; a text that a spreadsheet would run gets a leading quote."""
    text = plain(value)
    if isinstance(value, int | float):
        return text
    if text[:1] in _FORMULA:
        text = "'" + text
    if any(c in text for c in ',"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text


def plain(value: object) -> str:
    """Format a value as a table has it: a text as it is, nothing for null, else as JSON has it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    from json import dumps

    return dumps(value, ensure_ascii=False)
