"""`acode runs list --watch`: a table that is drawn anew when something changes; in a pipe, what changes.

Where no collector runs, whoever watches does its work, so that new runs are seen all the same.
"""

from __future__ import annotations

import os
import select
import sys
import time

from collector import clock
from collector.cli import output
from collector.cli.context import Context, index_waiting
from collector.cli.parsing import Namespace, chosen_format

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from collector.model.query import RunQuery
    from collector.model.run import Run
    from collector.store.runs import SqliteRunStore

_LOOK_SECONDS = 0.25
_TICK_SECONDS = 1.0
_REMEMBERED = 10_000
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # drawn at once where the terminal can


class _Changes:
    """Tells when the store has changed, whoever changes it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._version = -1
        self._inode = 0
        self.store: SqliteRunStore | None = None

    def look(self) -> bool:
        """Bring the store up to date; True when something was committed since the last look."""
        index_waiting(self._context.workspace)
        try:
            inode = os.stat(self._context.workspace.database).st_ino  # noqa: PTH116
        except FileNotFoundError:
            return False
        if inode != self._inode:
            self._context.close()
            stores = self._context.find_stores()
            self.store, self._inode, self._version = stores[0] if stores else None, inode, -1
        version = self.store.data_version() if self.store else -1
        changed, self._version = version != self._version, version
        return changed


# On a terminal


class _Held:
    """Keeps what would have been printed."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Take what is printed."""
        self._parts.append(data)

    def lines(self) -> list[str]:
        """Return all of it."""
        return b"".join(self._parts).decode().splitlines()


class _Keys:
    """Keys as they are pressed, within `with`; the terminal is as it was afterwards."""

    def __enter__(self) -> _Keys:
        self._saved: list[Any] | None = None
        if os.isatty(0):
            import termios
            import tty

            self._saved = termios.tcgetattr(0)
            tty.setcbreak(0, termios.TCSADRAIN)
        os.write(1, _HIDE.encode())
        return self

    def __exit__(self, *error: object) -> None:
        os.write(1, _SHOW.encode())
        if self._saved is not None:
            import termios

            termios.tcsetattr(0, termios.TCSADRAIN, self._saved)

    def pressed(self, seconds: float) -> str:
        """Return the keys that are pressed within a time; `q` when the terminal is gone."""
        if self._saved is None:
            time.sleep(seconds)
            return ""
        if not select.select([0], [], [], seconds)[0]:
            return ""
        return os.read(0, 64).decode("utf-8", "replace") or "q"


def watch(
    options: Namespace, context: Context, query: Callable[[], RunQuery], listing: Callable[[], int]
) -> int:
    """Show a listing and what becomes of it, until told to stop.

    Args:
        options: of the listing.
        context: its workspace.
        query: what is listed, with times that count from now.
        listing: prints it.
    """
    options.watch = False
    query()  # what is wrong with it is said now
    if chosen_format(options) == "table" and output.is_terminal():
        return _redraw(options, context, listing)
    return _stream(options, context, query)


def _redraw(options: Namespace, context: Context, listing: Callable[[], int]) -> int:
    changes = _Changes(context)
    limit, drawn, drawn_at, size = options.limit, 0, 0.0, (0, 0)
    with _Keys() as keys:
        while True:
            now = time.monotonic()
            resized = size != (size := _size())
            if changes.look() or resized or now - drawn_at > _TICK_SECONDS:
                options.limit = min(limit or size[1], max(size[1] - 3, 1))
                lines = _lines(listing, size)
                # After a change of size lines have wrapped, and nobody knows how.
                up = "\x1b[H\x1b[2J" if resized and drawn else f"\x1b[{drawn}A" if drawn else ""
                picture = "".join(line + "\n" for line in lines)
                os.write(1, f"{_BEGIN}{up}\r\x1b[J{picture}{_END}".encode())
                drawn, drawn_at = len(lines), now
            if "q" in keys.pressed(_LOOK_SECONDS):
                return 0


def _size() -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:
        columns, rows = 80, 24
    return columns or 80, rows or 24


def _lines(listing: Callable[[], int], size: tuple[int, int]) -> list[str]:
    """Return the lines of a listing that fit the terminal, and one that says how to leave."""
    held, notes = _Held(), list[str]()
    output.sink, output.held_notes = held, notes
    try:
        listing()
    finally:
        output.sink, output.held_notes = None, None
    lines = [*held.lines(), *map(output.sanitize, notes)][: max(size[1] - 2, 1)]
    return [*lines, f"{time.strftime('%H:%M:%S')}  q ends"[: size[0] - 1]]


# In a pipe


def _stream(options: Namespace, context: Context, query: Callable[[], RunQuery]) -> int:
    changes, shown = _Changes(context), _Shown(options)
    changes.look()
    last = changes.store.last_event_id() if changes.store else 0
    if options.limit and changes.store:
        from collector.model.frozen import replace

        shown.write(reversed(changes.store.list(replace(query(), limit=options.limit)).items))
    gone = select.poll()
    gone.register(1, 0)
    while not gone.poll(_LOOK_SECONDS * 1000):  # nothing but the reader's end wakes it
        if changes.look() and changes.store is not None:
            last, seqs = _news(changes.store, last)
            shown.write(_found(changes.store, query(), seqs))
    return 0


def _news(store: SqliteRunStore, last: int) -> tuple[int, list[int]]:
    """Return the last event, and the runs that events since another were about, in that order."""
    last = min(last, store.last_event_id())  # a database that was made anew begins to count anew
    seqs: dict[int, None] = {}
    while batch := store.events(last):
        last = batch[-1].event_id
        for event in batch:
            seqs.pop(event.seq, None)
            seqs[event.seq] = None
    return last, list(seqs)


def _found(store: SqliteRunStore, query: RunQuery, seqs: Sequence[int]) -> Iterator[Run]:
    for begin in range(0, len(seqs), 500):
        part = seqs[begin : begin + 500]
        runs, wanted = store.by_seq(part), store.matching(query, part)
        yield from (runs[seq] for seq in part if seq in wanted and seq in runs)


class _Shown:
    """Prints runs one at a time, and none again that has not changed."""

    def __init__(self, options: Namespace) -> None:
        from collector.cli.records import choose_fields
        from collector.cli.runs_list import CSV_COLUMNS
        from collector.model.run import FIELDS

        form = chosen_format(options)
        self._form = "jsonl" if form == "json" else form
        self._fields = choose_fields(options.fields, ("schema_version", *FIELDS))
        self._columns = self._fields or CSV_COLUMNS
        self._known: dict[str, int] = {}
        if self._form == "csv":
            output.write(",".join(self._columns) + "\r\n")
            sys.stdout.flush()

    def write(self, runs: Iterator[Run]) -> None:
        """Print those that are new or have changed."""
        for run in runs:
            line = self._line(run)
            if self._known.get(run.run_id) != hash(line):
                self._known[run.run_id] = hash(line)
                output.write(line)
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        sys.stdout.flush()

    def _line(self, run: Run) -> str:
        record = run.to_json()
        if self._form == "table" and self._fields is None:
            return "  ".join(map(output.sanitize, _cells(run))).rstrip() + "\n"
        from collector.cli.records import csv_cell, plain

        if self._form == "jsonl":
            from json import dumps

            chosen = record if self._fields is None else {key: record[key] for key in self._fields}
            return dumps(chosen, ensure_ascii=False) + "\n"
        if self._form == "csv":
            return ",".join(csv_cell(record[key]) for key in self._columns) + "\r\n"
        return "  ".join(output.sanitize(plain(record[key])) for key in self._columns) + "\n"


def _cells(run: Run) -> list[str]:
    return [
        f"{run.status:<9}", run.name, output.format_time(run.start_time, clock.now_ms()),
        f"{output.format_duration(run.duration_ms):>6}", "" if run.exit_code is None else str(run.exit_code),
        run.command_line,
    ]  # fmt: skip
