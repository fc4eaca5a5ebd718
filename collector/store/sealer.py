"""Sealing the runs that the spool says have ended: gathering what they produced, then `record/seal.py`.

Never touches the database, so that it can be done by a thread beside the one that writes it: what has been
sealed is announced as a changed run. An announcement is renamed while its run is being sealed, so that one
that comes meanwhile is not lost, and one that a crash left is taken up again.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from collector.config import Config, load_config
from collector.errors import InputError
from collector.record import spool
from collector.record.expire import expire_logs
from collector.record.gather import Changed, Knowing
from collector.record.seal import (
    Sealing,
    Surroundings,
    is_sealed,
    read_record,
    remove_leftovers,
    seal,
    sealing_of,
)
from collector.store.run_folders import RunFolders
from collector.store.stored_files import StoredFiles
from collector.store.trouble import Log, ignore, raise_if_passing
from collector.workspace import Workspace

_LONGEST_SECONDS = 300.0


class _Postponed(NamedTuple):
    """When a run may be tried again, by the monotonic clock, and after how long."""

    until: float
    delay: float


_NEVER = _Postponed(0.0, 0.5)


class Sealer:
    """Seals runs of one workspace; used by one thread of the process that holds the writer's lock.

    Args:
        workspace: whose.
        log: told of what goes wrong.
        config: how; None to read it when there is something to seal.
    """

    def __init__(self, workspace: Workspace, log: Log = ignore, config: Config | None = None) -> None:
        self._workspace = workspace
        self._log = log
        self._config = config
        self._folders = RunFolders(workspace, log)
        self._sealing: Sealing | None = None
        self._postponed: dict[str, _Postponed] = {}
        self._stored = StoredFiles(workspace)
        self.changed: Changed | None = None
        """Knows what changed in the workspace, where somebody watches it."""

    def has_waiting(self) -> bool:
        """Tell whether a run waits to be sealed, or is being sealed."""
        return bool(self._waiting())

    def _waiting(self) -> list[spool.Announcement]:
        waiting = [a for a in spool.list_announcements(self._workspace.spool) if a[1] in spool.SEALS]
        now = time.monotonic()
        return [a for a in waiting if self._postponed.get(a[2], _NEVER).until <= now]

    def seal_waiting(self, budget_seconds: float = float("inf")) -> int:
        """Seal what waits, for about so long and at least one run; return how many are left.

        Raises:
            OSError: the disk is full, or in other trouble that passes; what is left waits.
        """
        try:
            return self._seal_waiting(time.monotonic() + budget_seconds)
        finally:
            self._stored.close()  # nobody else must find the database open

    def _seal_waiting(self, deadline: float) -> int:
        waiting = self._waiting()
        done = 0
        cut_short = {folder for _, kind, folder in waiting if kind == spool.SEALING}
        for name, kind, folder in waiting:
            if done and time.monotonic() > deadline:
                break
            is_expiry = kind == spool.EXPIRE
            taken = name if is_expiry else spool.take_seal(self._workspace.spool, name)
            done += 1
            try:
                changed = self._do(folder, is_expiry, was_cut_short=folder in cut_short)
            except OSError as error:
                raise_if_passing(error)
                self._postpone(folder, error)
                continue
            self._postponed.pop(folder, None)
            if changed:
                spool.announce(self._workspace.spool, spool.RUN, folder)
            spool.remove(self._workspace.spool, [taken])
        return len(waiting) - done

    def _postpone(self, folder: str, error: OSError) -> None:
        """Leave a run that the disk refuses for later, each time for longer; others go on."""
        delay = min(2 * self._postponed.get(folder, _NEVER).delay, _LONGEST_SECONDS)
        if folder not in self._postponed:
            self._log("run.unsealed", folder=folder, error=str(error))
        self._postponed[folder] = _Postponed(time.monotonic() + delay, delay)

    def _do(self, folder: str, is_expiry: bool, was_cut_short: bool) -> bool:
        """Seal one run, or delete its logs; tell whether its record may have changed.

        Raises:
            OSError: the disk refuses something.
        """
        try:
            path = self._folders.path(folder)
            record = read_record(path)
            if is_expiry and is_sealed(record):
                expire_logs(path, record, self.config.file_mode)
                return True
            if was_cut_short:
                remove_leftovers(path, record)
            knowing = Knowing(self.changed, self._stored.shorter_runs)
            surroundings = Surroundings(knowing, self._stored.find)
            seal(path, self._folders.checked(folder, record), self._settings(), surroundings)
        except FileNotFoundError:
            return False  # deleted meanwhile
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - what a run's files hold must not keep others from being sealed
            self._log("run.unsealed", folder=folder, error=f"{type(error).__name__}: {error}")
            return False
        return True

    @property
    def config(self) -> Config:
        """The settings."""
        if self._config is None:
            self._config = read_config(self._workspace)
        return self._config

    def _settings(self) -> Sealing:
        if self._sealing is None:
            self._sealing = sealing_of(self.config, self._workspace)
        return self._sealing


def read_config(workspace: Workspace) -> Config:
    """Return the settings; a mistake in them must not keep runs from being sealed."""
    try:
        return load_config(workspace.root, os.environ)
    except InputError:
        return Config({})
