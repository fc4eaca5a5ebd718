r"""Private keys of several lines: PEM, OpenSSH, PGP and PuTTY, wherever they stand in a line.

A machine over lines: after a first line, what looks like a key's body is masked until its last line, or
until something else comes, as in a key that was cut off. A first line alone, as programs and documentation
mention it, masks nothing. Keys in one line, with `\n` for line ends as JSON has them, are found too.
"""

from __future__ import annotations

import functools

from collector.redaction.engine import compile_bytes
from collector.redaction.spans import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

RULE = "private-key"
_DER = (
    # How the DER of private keys begins in base64: PKCS #1, PKCS #8 with RSA and with curves, SEC 1.
    rb"MII[A-Za-z0-9+/]{2}[A-Za-z0-9+/]?[A-Za-z0-9+/]?IBAAK[BC][A-Za-z0-9+/]{16}"
    rb"|MII[A-Za-z0-9+/]{2,4}IBADANBgkqhkiG9w0BAQEFAAS|MIG[A-Za-z0-9+/]AgEAMB[A-Za-z0-9+/]GByqGSM49"
    rb"|M[HGI][A-Za-z0-9+/]{1,3}CAQEE[A-Za-z0-9+/]{20}|MC4CAQAwBQYDK2V[A-Za-z0-9+/]"
)
_START = rb"----[- ]BEGIN|Private-Lines:|" + _DER
_BEGIN = rb"----[- ]BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?[- ]----|Private-Lines: ?\d+"
_END = rb"----[- ]END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?[- ]----"
_BASE64_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_BASE64 = frozenset(_BASE64_BYTES)
_BREAK = rb"(?:\\{1,4}r)?\\{1,4}n|\\{1,4}r|<br ?/?>|&#(?:10|13|x[aAdD]);|%0[aAdD]"
_HEADER = rb"(?:Proc-Type|DEK-Info|Comment|Version|Charset|Hash|Subject|MessageID)\\{0,2}: ?[^\\]*"
_BODY = rb"[ \t\"'+,;]*(?:(?:%s|%s|[A-Za-z0-9+/=_-]|\\/|[ \t]+[A-Za-z0-9+/=]{16,}|[\"'+,][ \t]*)+)" % (
    _BREAK,
    _HEADER,
)
_LINE_TAIL = rb"(?:\\{1,2}[nr])*(?:[\"'`][ \t]*[\\+,;)\]]*|[ \t]*[\\,;)\]]*)[ \t]*$"


@functools.cache
def _re(pattern: bytes) -> Any:
    return compile_bytes(pattern, captures=True, in_lines=True)


class PrivateKeys:
    """The machine; its state is what the lines before have left it in."""

    __slots__ = ("_blank", "_lines", "_prefix", "_width")

    def __init__(self) -> None:
        self._lines = -1
        """Lines of the body so far; -1 outside of a key."""
        self._blank = 0
        self._prefix = 0
        """How long what stands before a first line is, as in logs with times."""
        self._width = 0
        """How long the body's lines are; 0 behind its last one, which is shorter."""

    def find(self, data: bytes) -> Iterator[Finding]:
        r"""Yield what is private in lines that follow those of the last call; line ends are `\n`."""
        place = 0
        while place < len(data):
            if self._lines < 0:
                place = _next_start(data, place)
                if place < 0:
                    return
            line_end = data.find(b"\n", place)
            line_end = len(data) if line_end < 0 else line_end
            yield from self._find_in_line(data, place, line_end)
            place = line_end + 1

    def _find_in_line(self, data: bytes, start: int, end: int) -> Iterator[Finding]:
        line = data[start:end]
        place = 0
        if self._lines >= 0:
            ending = _re(_END).search(line)
            found = _body_before_end(line[: ending.start()]) if ending else self._body_of(line)
            if self._lines == 0 and ending is None and _re(_HEADER).search(line):
                return
            if found is not None and (ending or self._fits(line[found[0] : found[1]])):
                yield Finding(start + found[0], start + found[1], RULE, self._lines > 0)
                self._lines += 1
                self._blank = 0
            elif ending is None and self._is_between(line):
                return
            else:
                self._lines = -1
            if ending is None:
                if self._lines >= 0:
                    return
            else:
                self._lines = -1
                place = ending.end()
        yield from self._find_begins(line, place, start)

    def _body_of(self, line: bytes) -> tuple[int, int] | None:
        """Return where a line that belongs to a key has its base64; None when it has none."""
        tail = _re(_LINE_TAIL).search(line)
        end = tail.start() if tail else len(line)
        start = end
        while start and line[start - 1] in _BASE64:
            start -= 1
        size = end - start
        before = len(line[:start].strip(b" \t>|#*\"'\\n,+;"))
        minimum = 16 if self._lines == 0 else 1 if not before else 4 if before == self._prefix else 24
        if size < minimum:
            return _longest_run(line)
        # A word of a sentence is no base64.
        return (start, end) if size >= 40 or not line[:start].rstrip().endswith((b":", b".")) else None

    def _fits(self, part: bytes) -> bool:
        """Tell whether base64 may go on the body: no line follows one that is shorter than others."""
        size = len(part)
        if self._lines == 0:
            self._width = size
            return True
        was, self._width = self._width, 0 if size < self._width else self._width
        fits = size >= 32 or (bool(was) and (size >= 16 or size % 4 == 0))
        return fits or (size == 5 and part[:1] == b"=")

    def _is_between(self, line: bytes) -> bool:
        """Tell whether a line may stand before a body or within it: empty, or a header."""
        self._blank += 1
        if self._blank > 8:
            return False
        bare = line.strip(b" \t>|#*\"'\\n,+;")
        return len(bare) <= self._prefix or bool(_re(rb"(?:^|[\s\"'>|#*])" + _HEADER).search(line))

    def _find_begins(self, line: bytes, place: int, base: int) -> Iterator[Finding]:
        while (begin := _re(_BEGIN).search(line, place)) is not None:
            ending = _re(_END).search(line, begin.end())
            limit = ending.start() if ending else len(line)
            inner = line[begin.end() : limit]
            size = len(inner) if ending else _body_size(inner)
            if _is_key_material(inner[:size]):
                yield Finding(base + begin.end(), base + begin.end() + size, RULE)
                goes_on = inner.rstrip().endswith((b"+", b"\\", b'"', b"'", b","))
                is_over = ending or (_re(_BREAK).search(inner) and not goes_on)
                is_over = is_over or size < len(inner.rstrip(b"\"',; \t\\+"))
                self._lines, self._width = -1 if is_over else 1, 64
            else:
                self._lines = -1 if ending or not _may_go_on(inner) else 0
            self._blank = 0
            self._prefix = len(line[: begin.start()].strip(b" \t>|#*\"'\\n,+;"))
            place = limit
        if self._lines < 0 and (begin := _re(_DER).search(line, place)) is not None:
            end = begin.end() + len(line[begin.end() :]) - len(line[begin.end() :].lstrip(_BASE64_BYTES))
            yield Finding(base + begin.start(), base + end, RULE)
            self._lines, self._width, self._blank = 1, end - begin.start(), 0


def _next_start(data: bytes, place: int) -> int:
    """Return the start of the next line that may begin a key; -1 when there is none."""
    found = _re(_START).search(data, place)
    return -1 if found is None else max(place, data.rfind(b"\n", place, found.start()) + 1)


def _body_before_end(inner: bytes) -> tuple[int, int] | None:
    """Return where what stands before a last line, in its line, is base64; None when nothing does."""
    start = len(inner) - len(inner.lstrip(b" \t"))
    if _re(_BREAK).search(inner) and _body_size(inner[start:]) == len(inner) - start:
        return start, len(inner)
    run = len(inner) - len(inner.rstrip(_BASE64_BYTES))
    return (len(inner) - run, len(inner)) if run else None


def _longest_run(line: bytes) -> tuple[int, int] | None:
    """Return where the first long run of base64 is, whatever stands behind it."""
    found = _re(rb"[A-Za-z0-9+/]{40,}={0,2}").search(line)
    return None if found is None else (found.start(), found.end())


def _body_size(inner: bytes) -> int:
    """Return how much of what follows a first line, in its line, is a key's body."""
    found = _re(_BODY).match(inner)
    return found.end() if found else 0


def _is_key_material(inner: bytes) -> bool:
    """Tell whether something looks like base64, line ends left out."""
    bare = _re(_BREAK).sub(b"", inner)
    runs = _re(rb"[A-Za-z0-9+/=_-]{16,}").findall(bare)
    return sum(map(len, runs)) >= 24


def _may_go_on(inner: bytes) -> bool:
    """Tell whether the line ends, quotes and escaped line ends left out, behind a first line."""
    return not inner.strip(b" \t\"'\\nr+,;)|") or bool(_re(_HEADER).search(inner))
