"""When and how a run ends, for who waits for it."""

from __future__ import annotations

import os
import time

from collector.cli import output
from collector.cli.context import Context, index_waiting
from collector.errors import NotFoundError
from collector.model.run import Run
from collector.workspace import RUN_JSON

_ALIVE_SECONDS = 1.0
TIMED_OUT = 124


def exit_status(run: Run) -> int:
    """Return the exit status that says how a run ended; 1 where only that it failed is known."""
    if run.status == "success":
        return 0
    if run.status == "timeout":
        return TIMED_OUT
    if run.exit_code is not None:
        return run.exit_code & 0xFF or 1
    return 128 + run.signal if run.signal is not None else 1


class EndWatch:
    """Whether a run has ended: its run.json says so, or its recorder is dead.

    Args:
        folder: the run folder.
        run: as it was when the watch began.
    """

    def __init__(self, folder: str, run: Run) -> None:
        self._folder = folder
        self._run = run
        self._stamp = (0, 0)
        self._looked = time.monotonic()
        self._record: Run | None = None

    @property
    def run(self) -> Run:
        """The run as it was when the watch began."""
        return self._run

    def has_ended(self) -> bool:
        """Tell whether it has. Raises NotFoundError when the run was deleted."""
        if self._run.is_finished:
            return True
        stamp = self._stat()
        if stamp != self._stamp:
            self._stamp = stamp
            self._record = self._load()
        return self._record is not None or self._is_abandoned()

    def final(self, context: Context) -> Run:
        """Return the run as it ended; one that was cut short is closed first, if that can be done."""
        if self._run.is_finished:
            return self._run
        index_waiting(context.workspace)
        ended = self._record or context.stores()[0].find(self._run.run_id) or self._run
        if not ended.is_finished:
            output.note(f"acode: ACODE-RUN-011: the recording of {ended.name} was cut short")
        return ended

    def _stat(self) -> tuple[int, int]:
        try:
            found = os.stat(f"{self._folder}/{RUN_JSON}")  # noqa: PTH116
        except FileNotFoundError:
            raise NotFoundError("ACODE-RUN-001", f"run {self._run.name} was deleted") from None
        return found.st_ino, found.st_mtime_ns

    def _load(self) -> Run | None:
        from collector.record.seal import read_record

        try:
            record = Run.from_json(read_record(self._folder))
        except (OSError, ValueError):
            return None
        return record if record.is_finished else None

    def _is_abandoned(self) -> bool:
        if time.monotonic() - self._looked < _ALIVE_SECONDS:
            return False
        from collector.record.recorder import is_recorder_alive

        self._looked = time.monotonic()
        return not is_recorder_alive(self._folder, dict(self._run.recorder))
