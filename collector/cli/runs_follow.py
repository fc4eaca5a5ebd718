"""`acode runs follow`: a run's output as it is written, until the run ends."""

from __future__ import annotations

import os
import time
from functools import partial

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_run
from collector.cli.run_end import EndWatch, exit_status
from collector.cli.runs_content import add_redact
from collector.workspace import RUN_JSON, STDERR, STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

_POLL_SECONDS = 0.03
_LINE_SECONDS = 0.2
_CHUNK = 64 << 10


def configure(parser: Parser) -> None:
    """Add the options of `acode runs follow`."""
    add_run(parser)
    add_redact(parser)
    parser.add_argument("--exit-status", action="store_true", help="exit as the run did")


def run(options: Namespace, context: Context) -> int:
    """Print stdout to stdout and stderr to stderr until the run has ended."""
    found = context.resolve(options.run)
    artifacts = context.stores()[1]
    folder = os.path.dirname(artifacts.path_in(found.folder, RUN_JSON))  # noqa: PTH120
    sinks = _Sinks(output.has_color(context.environ))
    shown = partial(artifacts.open_as, found)
    recorded = shown if context.masking is None else partial(context.recorded_stores()[1].open_as, found)
    masked = {n for n in _NAMES if context.masking is not None and (options.redact or os.isatty(n))}
    openers = {n: shown if n in masked else recorded for n in _NAMES}
    tail = _Tail(folder, openers, masked, sinks.write)
    watch = EndWatch(folder, found)
    try:
        tail.catch_up()
        while not watch.has_ended():
            if not tail.pump():
                time.sleep(_POLL_SECONDS)
        tail.waits.clear()
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
    """Both stream files, read as they grow.

    Args:
        folder: the run folder.
        openers: what opens each of them.
        waits: those of which a line that is not whole yet waits a moment for its end: a secret that comes in
            two pieces is none before that.
        write: takes what is new.
    """

    def __init__(
        self,
        folder: str,
        openers: Mapping[int, Callable[[str], BinaryIO]],
        waits: set[int],
        write: Callable[[int, bytes], None],
    ) -> None:
        self._folder = folder
        self._openers = openers
        self.waits = waits
        self._write = write
        self._seen = {1: 0, 2: 0}
        self._quiet_since = {1: 0.0, 2: 0.0}
        self._files: dict[int, BinaryIO] = {}
        for stream, name in _NAMES.items():
            self._open(stream, name)  # now: once the run has ended they may be compressed at any moment

    def catch_up(self) -> None:
        """Print what is there already, in the order it came."""
        from collector.record.output_index import iter_output

        streams = {name: stream for stream, name in _NAMES.items()}
        for _, stream, data in iter_output(self._folder, lambda name: self._openers[streams[name]](name)):
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
        file = self._files[stream]
        file.seek(self._seen[stream])
        data = file.read(_CHUNK)
        data = data[: self._whole(stream, data)]
        self._seen[stream] += len(data)
        return data

    def _whole(self, stream: int, data: bytes) -> int:
        """Return how much of what is new can be shown."""
        if stream not in self.waits:
            return len(data)
        end = data.rfind(b"\n") + 1
        if end or not data:
            self._quiet_since[stream] = 0.0
            return end
        now = time.monotonic()
        self._quiet_since[stream] = self._quiet_since[stream] or now
        return len(data) if now - self._quiet_since[stream] > _LINE_SECONDS else 0

    def _open(self, stream: int, name: str) -> bool:
        try:
            self._files[stream] = self._openers[stream](name)
        except (OSError, ValueError):
            return False
        return True

    def close(self) -> None:
        for file in self._files.values():
            file.close()


COMMANDS = {"follow": Command(configure, run)}
