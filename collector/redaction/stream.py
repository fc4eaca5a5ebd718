r"""Secrets found and masked in a stream, whose result does not depend on how its bytes come.

Lines are judged when they are complete, whatever arrives with them; `\r` ends a line too, as progress bars
write it. What may go on behind the last complete line, as a wrapped value may, is held back. A line of more
than `PIECE` bytes is judged in pieces from its start on, each with the `AHEAD` bytes behind it.
"""

from __future__ import annotations

import functools

from collector.redaction.assignments import Assignments
from collector.redaction.known import find_known, open_start
from collector.redaction.private_keys import PrivateKeys
from collector.redaction.rules import find_custom, find_formats, is_allowed
from collector.redaction.spans import Finding, in_lines, marker, merge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from collector.redaction.rules import Rules

PIECE = 64 << 10
AHEAD = 8 << 10
_LIMIT = PIECE + AHEAD
_BEFORE = 64
"""Bytes before a piece that tell whether a word begins there."""


class Scanner:
    """Finds secrets in a stream; places are counted from its start."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._keys = PrivateKeys()
        self._assignments = Assignments()
        self._buffer = bytearray()
        self._base = 0
        self._later: list[Finding] = []
        """What was found already behind what has been judged: the rest of a value of several lines."""
        self._before = 0
        """How many bytes at the start of the buffer were judged before; they end within a line."""
        self._seen = 0

    def feed(self, data: bytes) -> list[Finding]:
        """Take more bytes, and return what is found in those that can be judged now."""
        self._buffer += data
        tail = self._buffer[self._seen :] if len(data) < len(self._buffer) else data
        self._seen = len(self._buffer)
        if b"\n" in tail or b"\r" in tail or len(self._buffer) - self._before >= _LIMIT:
            return self._judge(is_last=False)
        return []

    def finish(self) -> list[Finding]:
        """Return what is found in the bytes that are left."""
        return self._judge(is_last=True)

    @property
    def judged(self) -> int:
        """How many bytes of the stream have been judged."""
        return self._base + self._before

    def _judge(self, is_last: bool) -> list[Finding]:
        data = bytes(self._buffer).replace(b"\r", b"\n")
        cut = len(data) if is_last else data.rfind(b"\n") + 1
        if not is_last:
            open_at = open_start(self._rules.known, data)
            if open_at < cut:
                cut = data.rfind(b"\n", 0, open_at) + 1
        found: list[Finding] = []
        place = self._before
        while (end := _next_cut(data, place, cut, is_last)) > place:
            found += self._find_in(data, place, end)
            place = end
        found += find_known(self._rules.known, data, place)
        done = [
            Finding(part.start + self._base, part.end + self._base, part.rule, part.is_rest)
            for one in found
            for part in in_lines(data, one)
            if part.end > self._before and not is_allowed(self._rules, data[part.start : part.end])
        ]
        self._drop(data, place)
        done = merge([*self._later, *done])
        self._later = [one for one in done if one.start >= self.judged]
        return [one for one in done if one.start < self.judged]

    def _drop(self, data: bytes, place: int) -> None:
        self._before = 0 if data[place - 1 : place] in (b"\n", b"") else min(_BEFORE, place)
        self._base += place - self._before
        del self._buffer[: place - self._before]
        self._seen = len(self._buffer)

    def _find_in(self, data: bytes, start: int, end: int) -> Iterator[Finding]:
        """Yield what starts between two places; the end is a line's, or within a long line."""
        is_piece = end < len(data) and data[end - 1 : end] != b"\n"
        stop = min(len(data), end + AHEAD) if is_piece else end
        for found in self._keys.find(data[start:end]):
            yield found._replace(start=found.start + start, end=found.end + start)
        rules = self._rules
        passes: list[tuple[Any, Callable[[bytes], Iterable[Finding]], Assignments | None]] = [
            (rules.format_lines, find_formats, None),
            (rules.assignment_lines, self._assignments.find, self._assignments),
        ]
        if rules.custom:
            passes.append((rules.custom_lines, functools.partial(find_custom, rules), None))
        for wanted, find, waiting in passes:
            for line_start, line in self._lines(data, wanted, start, end, stop, waiting):
                for found in find(line):
                    if start <= found.start + line_start < end:
                        yield found._replace(start=found.start + line_start, end=found.end + line_start)

    @staticmethod
    def _lines(
        data: bytes,
        wanted: Any,
        start: int,
        end: int,
        stop: int,
        waiting: Assignments | None,
    ) -> Iterator[tuple[int, bytes]]:
        """Yield lines that a pattern fits, and those that are waited for, with their places."""
        place = start
        while place < end:
            at = place
            if waiting is None or not waiting.is_waiting:
                hit = wanted.search(data, place, stop)
                if hit is None or hit.start() >= end:
                    return
                at = hit.start()
            line_start = max(data.rfind(b"\n", 0, at) + 1, start - _BEFORE)
            line_end = data.find(b"\n", at, stop)
            line_end = stop if line_end < 0 else line_end
            yield line_start, data[line_start:line_end]
            place = line_end + 1


def _next_cut(data: bytes, place: int, cut: int, is_last: bool) -> int:
    """Return up to where data is judged next; `place` when more must come first."""
    limit = place + _LIMIT
    line_end = data.rfind(b"\n", place, min(limit, cut)) + 1
    if line_end > place:
        return line_end
    if len(data) >= limit and data.find(b"\n", place, limit) < 0:
        return place + PIECE
    return cut if is_last else place


class StreamRedactor:
    """Masks secrets in a stream; text without secrets comes out as it went in.

    `findings` counts what was masked, by rule.
    """

    def __init__(self, rules: Rules) -> None:
        self._scanner = Scanner(rules)
        self._pending = bytearray()
        self._base = 0
        self._skip = 0
        self.findings: dict[str, int] = {}

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the stream, and return those that can be shown now."""
        self._pending += data
        return self._emit(self._scanner.feed(data))

    def finish(self) -> bytes:
        """Return what was held back."""
        return self._emit(self._scanner.finish())

    def _emit(self, found: list[Finding]) -> bytes:
        end = self._scanner.judged
        if end == self._base:
            return b""
        data = bytes(self._pending[: end - self._base])
        out: list[bytes] = []
        place = min(self._skip, end)
        place = max(place, self._base)
        for one in found:
            if one.start < self._skip:
                self._skip = max(self._skip, one.end)
                place = min(max(place, one.end), end)
                continue
            out += (data[place - self._base : one.start - self._base], marker(one.rule))
            if not one.is_rest:
                self.findings[one.rule] = self.findings.get(one.rule, 0) + 1
            self._skip = one.end
            place = min(one.end, end)
        out.append(data[place - self._base :])
        del self._pending[: end - self._base]
        self._base = end
        return b"".join(out)


def find_secrets(data: bytes, rules: Rules) -> list[Finding]:
    """Return the secrets in bytes, in order; none overlap, and none goes over a line's end."""
    scanner = Scanner(rules)
    return merge([*scanner.feed(data), *scanner.finish()])


def mask(data: bytes, rules: Rules) -> bytes:
    """Return bytes with their secrets masked."""
    redactor = StreamRedactor(rules)
    return redactor.feed(data) + redactor.finish()


def mask_text(text: str, rules: Rules) -> str:
    """Return a text with its secrets masked."""
    data = text.encode("utf-8", "surrogatepass")
    masked = mask(data, rules)
    return text if masked == data else masked.decode("utf-8", "surrogatepass")
