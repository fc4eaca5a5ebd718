"""What `acode keys` does to the files of all runs: another key, or encryption at last."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from collector.cli.context import Context
from collector.encryption.key import Key
from collector.keys.encryption_keys import KeyPlaces
from collector.record import spool
from collector.record.encrypting import wants_encryption
from collector.record.rewrap import iter_encrypted, rewrap_file
from collector.record.seal import read_record

_BATCH = 200
_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.02
_ROUNDS = 10


@dataclass(slots=True)
class Rewrapped:
    """How many files were changed, how many needed nothing, and what was wrong with others."""

    changed: int = 0
    already: int = 0
    problems: list[str] = field(default_factory=list)


def rewrap_all(key: Key, places: KeyPlaces, context: Context) -> Rewrapped:
    """Let a key open every encrypted file of the workspace; what could not be done is told, and left."""
    done = Rewrapped()
    for _ in range(_ROUNDS):
        found = _rewrap_round(key, places, context)
        done.changed += found.changed
        done.already, done.problems = found.already, found.problems
        if not found.changed:
            break
    done.already -= done.changed
    return done


def _rewrap_round(key: Key, places: KeyPlaces, context: Context) -> Rewrapped:
    done, progress = Rewrapped(), Progress("files looked at")
    for path, header in iter_encrypted(context.workspace):
        progress.step()
        shown = os.path.relpath(path, context.workspace.root)
        if header is None:
            done.problems.append(f"{shown} is damaged, or cannot be read")
            continue
        try:
            changed = rewrap_file(path, places.find, key)
        except OSError as error:
            done.problems.append(f"{shown}: {error.strerror or error}")
            continue
        done.changed += changed
        done.already += not changed
    progress.end()
    return done


def count_under(key: Key, context: Context) -> int:
    """Return how many files a key alone opens."""
    return sum(
        header is not None and header.key_name == key.name for _, header in iter_encrypted(context.workspace)
    )


def encrypt_all(context: Context) -> tuple[int, int]:
    """Have the files of every finished run encrypted; return how many runs, and how many files are left."""
    from collector.model.query import RunQuery

    progress, seen, left = Progress("runs"), 0, 0
    after: str | None = None
    while True:
        page = context.stores()[0].list(RunQuery(limit=_BATCH, after=after))
        folders = [run.folder for run in page.items if run.is_finished]
        _seal(folders, context)
        left += sum(_count_plain(folder, context) for folder in folders)
        seen += len(folders)
        progress.step(len(folders))
        after = page.next_cursor
        if after is None:
            break
    progress.end()
    return seen, left


def _count_plain(folder: str, context: Context) -> int:
    try:
        record = read_record(context.workspace.run_folder(folder))
    except (OSError, ValueError):
        return 0
    return sum(map(wants_encryption, record.get("artifacts", ())))


def _seal(folders: list[str], context: Context) -> None:
    """Announce runs, and wait until they have been looked at."""
    from collector.store.waiting import index_waiting

    for folder in folders:
        spool.announce(context.workspace.spool, spool.SEAL, folder)
    wanted, deadline, before = set(folders), time.monotonic() + _PATIENCE_SECONDS, len(folders) + 1
    while True:
        index_waiting(context.workspace, seal_seconds=2.0)
        waiting = {a[2] for a in spool.list_announcements(context.workspace.spool) if a[1] in spool.SEALS}
        left = len(wanted & waiting)
        if left < before:
            before, deadline = left, time.monotonic() + _PATIENCE_SECONDS
        if not left or time.monotonic() > deadline:
            return
        time.sleep(_POLL_SECONDS)


class Progress:
    """A count on the terminal, where there is one, while something takes long."""

    def __init__(self, what: str) -> None:
        self._what, self._done = what, 0
        self._is_shown = os.isatty(2)
        self._next = time.monotonic() + 0.5

    def step(self, count: int = 1) -> None:
        """Say that so many more are done."""
        self._done += count
        if self._is_shown and time.monotonic() > self._next:
            self._next = time.monotonic() + 0.1
            os.write(2, f"\r\x1b[Kacode: {self._done:,} {self._what}".encode())

    def end(self) -> None:
        """Leave no trace."""
        if self._is_shown:
            os.write(2, b"\r\x1b[K")
