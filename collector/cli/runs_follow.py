"""`acode runs follow`: a run's output as it is written, until the run ends."""

from __future__ import annotations

import os
import time

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_run
from collector.cli.run_end import EndWatch, exit_status
from collector.workspace import RUN_JSON, STDERR, STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_SECONDS = 0.03
_CHUNK = 64 << 10


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
    watch = EndWatch(folder, found)
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
    ended = watch.final(context)
    return exit_status(ended) if options.exit_status else 0


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


COMMANDS = {"follow": Command(configure, run)}
