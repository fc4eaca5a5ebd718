"""`acode runs follow`: a run's output as it is written, until the run ends."""

from __future__ import annotations

import os
import time

from collector.cli import output
from collector.cli.context import Context, index_waiting
from collector.cli.parsing import Command, Namespace, Parser, add_run
from collector.errors import NotFoundError
from collector.model.run import Run
from collector.workspace import RUN_JSON, STDERR, STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_SECONDS = 0.03
_ALIVE_SECONDS = 1.0
_CHUNK = 64 << 10
_TIMED_OUT = 124


def configure(parser: Parser) -> None:
    """Add the options of `acode runs follow`."""
    add_run(parser)
    parser.add_argument("--exit-status", action="store_true", help="exit as the run did")


def run(options: Namespace, context: Context) -> int:
    """Print stdout to stdout and stderr to stderr until the run has ended."""
    found = context.resolve(options.run)
    folder = os.path.dirname(context.stores()[1].path_in(found.folder, RUN_JSON))  # noqa: PTH120
    sinks = _Sinks(output.has_color(context.environ))
    tail = _Tail(folder, sinks.write)
    watch = _Watch(folder, found)
    try:
        tail.catch_up()
        while not watch.has_ended():
            if not tail.pump():
                time.sleep(_POLL_SECONDS)
        while tail.pump():
            pass
    finally:
        tail.close()
        sinks.end()
    ended = _final(found, watch, context)
    return exit_status(ended) if options.exit_status else 0


def exit_status(run: Run) -> int:
    """Return the exit status that says how a run ended; 1 where only that it failed is known."""
    if run.status == "success":
        return 0
    if run.status == "timeout":
        return _TIMED_OUT
    if run.exit_code is not None:
        return run.exit_code & 0xFF or 1
    return 128 + run.signal if run.signal is not None else 1


def _final(run: Run, watch: _Watch, context: Context) -> Run:
    if run.is_finished:
        return run
    index_waiting(context.workspace)
    ended = watch.record() or context.stores()[0].find(run.run_id) or run
    if not ended.is_finished:
        output.note(f"acode: ACODE-RUN-011: the recording of {run.name} was cut short")
    return ended


class _Sinks:
    """Where the two streams go; each is made harmless if it is a terminal."""

    def __init__(self, color: bool) -> None:
        from collector.cli.harmless import HarmlessStream

        self._streams = {n: HarmlessStream(color) if os.isatty(n) else None for n in (1, 2)}

    def write(self, stream: int, data: bytes) -> None:
        filtering = self._streams[stream]
        self._put(stream, data if filtering is None else filtering.feed(data))

    def end(self) -> None:
        for stream, filtering in self._streams.items():
            if filtering is not None:
                self._put(stream, filtering.end())

    def _put(self, stream: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(stream, view) :]


_NAMES = {1: STDOUT, 2: STDERR}


class _Tail:
    """Both stream files, read as they grow."""

    def __init__(self, folder: str, write: Callable[[int, bytes], None]) -> None:
        self._folder = folder
        self._write = write
        self._seen = {1: 0, 2: 0}
        self._files: dict[int, int] = {}
        for stream, name in _NAMES.items():
            self._open(stream, name)  # now: once the run has ended they may be compressed at any moment

    def catch_up(self) -> None:
        """Print what is there already, in the order it came."""
        from collector.record.output_index import iter_output

        for _, stream, data in iter_output(self._folder):
            self._write(stream, data)
            self._seen[stream] += len(data)

    def pump(self) -> bool:
        """Print what was added; tell whether anything was."""
        added = False
        for stream, name in _NAMES.items():
            data = self._read(stream, name)
            if data:
                self._write(stream, data)
                added = True
        return added

    def _read(self, stream: int, name: str) -> bytes:
        if stream not in self._files and not self._open(stream, name):
            return b""
        data = os.pread(self._files[stream], _CHUNK, self._seen[stream])
        self._seen[stream] += len(data)
        return data

    def _open(self, stream: int, name: str) -> bool:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._files[stream] = os.open(f"{self._folder}/{name}", flags)
        except OSError:
            return False
        return True

    def close(self) -> None:
        for fd in self._files.values():
            os.close(fd)


class _Watch:
    """Whether a run has ended: its run.json says so, or its recorder is dead."""

    def __init__(self, folder: str, run: Run) -> None:
        self._folder = folder
        self._run = run
        self._stamp = (0, 0)
        self._looked = time.monotonic()
        self._record: Run | None = None

    def record(self) -> Run | None:
        """Return the finished record, when there is one."""
        return self._record

    def has_ended(self) -> bool:
        if self._run.is_finished:
            return True
        stamp = self._stat()
        if stamp != self._stamp:
            self._stamp = stamp
            self._record = self._load()
        return self._record is not None or self._is_abandoned()

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


COMMANDS = {"follow": Command(configure, run)}
