"""Bringing the database up to date before it is read: cheap when nothing waits, as it mostly does not."""

from __future__ import annotations

import os
import time

from collector.errors import AcodeError, BusyError, CorruptError, UnavailableError
from collector.model.run import Run
from collector.record import spool
from collector.store.database import open_reader
from collector.store.runs import SqliteRunStore
from collector.workspace import Workspace

_MENDING_SECONDS = 3.0
"""The collector looks once a second whether its database is still the one it opened."""
_MAX_TEXT_BYTES = 8 << 20
"""More takes longer than somebody waits."""


def index_waiting(workspace: Workspace, seal_seconds: float = 0.5) -> None:
    """Bring the database up to date before it is read, whoever's job that is.

    With a collector, wait a moment for it; without one, do its work under its lock.
    """
    if not _needs_index(workspace):
        return
    from collector.store.indexer import Indexer

    indexer = Indexer(workspace)
    if indexer.try_open():
        try:
            try:
                indexer.index_spool()
                indexer.close_abandoned()
            except CorruptError as error:
                indexer.rebuild(str(error))
            indexer.seal_spool(seal_seconds)
            indexer.empty_trash()
        finally:
            indexer.close()
        return
    _wait_for_writer(workspace, 0.5)


def _needs_index(workspace: Workspace) -> bool:
    if spool.list_announcements(workspace.spool):
        return True
    if not os.path.isdir(workspace.artifacts):  # noqa: PTH112 - on the way to every listing
        return False
    try:
        connection = open_reader(workspace.database)
    except (UnavailableError, BusyError):
        return True
    except CorruptError as error:
        if error.code == "ACODE-RUN-025":
            raise
        return True
    store = SqliteRunStore(connection)
    try:
        return any(_is_abandoned(workspace, run) for run in store.running())
    except CorruptError:
        return True
    finally:
        store.close()


def _is_abandoned(workspace: Workspace, run: Run) -> bool:
    from collector.record.recorder import is_recorder_alive

    return not is_recorder_alive(workspace.run_folder(run.folder), dict(run.recorder))


def _wait_for_writer(workspace: Workspace, patience_seconds: float) -> None:
    mine = {a[0] for a in spool.list_announcements(workspace.spool) if a[1] not in spool.SEALS}
    deadline = time.monotonic() + patience_seconds
    while mine and time.monotonic() < deadline:
        time.sleep(0.005)
        mine &= {a[0] for a in spool.list_announcements(workspace.spool)}
    deadline = time.monotonic() + _MENDING_SECONDS
    while _is_damaged(workspace) and time.monotonic() < deadline:
        time.sleep(0.05)


def _is_damaged(workspace: Workspace) -> bool:
    """Tell whether the database cannot be read, as while the collector finds out, and mends it."""
    try:
        connection = open_reader(workspace.database)
        try:
            SqliteRunStore(connection).running()
        finally:
            connection.close()
    except CorruptError as error:
        return error.code != "ACODE-RUN-025"
    except BusyError:
        return True  # it is being made anew
    except UnavailableError:
        return bool(os.listdir(workspace.artifacts))  # noqa: PTH208
    except AcodeError:
        return False
    return False


def index_texts_waiting(workspace: Workspace, budget_seconds: float) -> None:
    """Index the texts that wait for it, for about so long, where no collector does; others are let in.

    What goes wrong is left to whoever indexes next: a search looks through what is not indexed.
    """
    from collector.store.lock import WriterLock

    lock = WriterLock(workspace)
    try:
        if not lock.try_acquire():
            return
        with lock:
            _index_texts(workspace, budget_seconds)
    except (AcodeError, OSError):
        return


def _index_texts(workspace: Workspace, budget_seconds: float) -> None:
    from collector.store.text_indexer import TextIndexer

    indexer = TextIndexer(
        workspace,
        may_go_on=lambda: not spool.list_announcements(workspace.spool),
        max_bytes=_MAX_TEXT_BYTES,
    )
    try:
        indexer.index_waiting(budget_seconds)
    finally:
        indexer.close()
