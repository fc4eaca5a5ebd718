"""A run as a terminal recording that asciinema plays: asciicast v3 (asciinema 3) or v2 (older players).

Both streams come as they came, in their order and at their times. A terminal makes of a newline a carriage
return and a newline; what went through a pipe has newlines only, and gets the carriage return here. Bytes
that are no UTF-8 become U+FFFD; a character that came in two pieces is whole. Memory stays flat.

https://docs.asciinema.org/manual/asciicast/v3/ and .../v2/
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Literal

from collector.model.run import Run
from collector.record.output_index import Piece, iter_output

_FULL_SCREEN = ("\x1b[?1049h", "\x1b[?1047h", "\x1b[?47h")
_CONTROL = re.compile("[\x7f-\x9f]")


def write_cast(  # noqa: PLR0913 - what a recording's header asks for
    run: Run,
    folder: str,
    target: BinaryIO,
    *,
    columns: int = 80,
    rows: int = 24,
    max_idle: float | None = None,
    version: Literal[2, 3] = 3,
    open_stream: Callable[[str], BinaryIO] | None = None,
) -> int:
    """Write a run as a recording; return how many events it has.

    Args:
        run: the run; it may still be running.
        folder: its run folder. Without `output.idx` all output comes at the start.
        target: where to write.
        columns: width of the terminal: nothing recorded tells it.
        rows: its height.
        max_idle: seconds; a player makes longer waits as short. The times in the file stay.
        version: 3, or 2 for players that do not know it (there is no exit code then).
        open_stream: opens a stream by its name, where its secrets are to be masked.

    Raises:
        OSError: the output cannot be read, or the target not be written.
    """
    header = json.dumps(_header(run, (columns, rows), max_idle, version), ensure_ascii=False)
    target.write(_escaped(header).encode("utf-8", "replace") + b"\n")
    events = last_ms = 0
    for ms, code, data in _events(run, iter_output(folder, open_stream), version):
        at_ms = max(ms, last_ms)
        shown = at_ms - last_ms if version == 3 else at_ms
        last_ms = at_ms
        quoted = _escaped(json.dumps(data, ensure_ascii=False))
        target.write(f'[{shown // 1000}.{shown % 1000:03d}, "{code}", {quoted}]\n'.encode())
        events += 1
    return events


def _header(run: Run, size: tuple[int, int], max_idle: float | None, version: int) -> dict[str, Any]:
    columns, rows = size
    environment = {name: run.environment[name] for name in ("SHELL", "TERM") if name in run.environment}
    header: dict[str, Any] = {"version": version}
    if version == 3:
        header["term"] = {"cols": columns, "rows": rows}
        if "TERM" in environment:
            header["term"]["type"] = environment.pop("TERM")
    else:
        header |= {"width": columns, "height": rows}
        if run.duration_ms is not None:
            header["duration"] = run.duration_ms / 1000
    header["timestamp"] = run.start_time // 1000
    if max_idle is not None:
        header["idle_time_limit"] = max_idle
    header |= {"command": run.command_line, "title": run.name}
    if environment:
        header["env"] = environment
    return header


def _events(run: Run, pieces: Iterable[Piece], version: int) -> Iterator[tuple[int, str, str]]:
    """Yield (milliseconds since the start, code, data)."""
    streams = {1: _Stream(), 2: _Stream()}
    ms = 0
    for ms, number, data in pieces:
        text = streams[number].show(data)
        if text:
            yield ms, "o", text
    for stream in streams.values():
        text = stream.show(b"", is_end=True)
        if text:
            yield ms, "o", text
    code = run.exit_code
    if code is None and run.signal is not None:
        code = 128 + run.signal  # as a shell says it
    if version == 3 and code is not None:
        yield run.duration_ms or 0, "x", str(code)


class _Stream:
    """One stream on its way to the screen."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._last = ""
        self._is_terminal: bool | None = None

    def show(self, data: bytes, is_end: bool = False) -> str:
        """Return what a terminal is sent for a piece of output."""
        text = self._decode(data, is_end)
        if not text:
            return ""
        if self._is_terminal is None:
            self._is_terminal = self._tell(text)
        shown = text if self._is_terminal else self._with_returns(text)
        self._last = text[-1]
        return shown

    def _tell(self, text: str) -> bool | None:
        """Tell from the first newline whether it was a terminal that this went to; None before it.

        A full-screen program has newlines alone on a terminal too: there they go down in the same column.
        """
        newline = text.find("\n")
        before = text[:newline] if newline >= 0 else text
        if any(sequence in before for sequence in _FULL_SCREEN):
            return True
        if newline < 0:
            return None
        return (before or self._last)[-1:] == "\r"

    def _with_returns(self, text: str) -> str:
        if self._last == "\r" and text.startswith("\n"):
            return "\n" + self._with_returns_within(text[1:])
        return self._with_returns_within(text)

    @staticmethod
    def _with_returns_within(text: str) -> str:
        return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _escaped(document: str) -> str:
    """Return JSON without any control character, so that looking at the file is harmless."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
