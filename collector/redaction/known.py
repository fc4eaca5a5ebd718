r"""Values that are known to be secret, found in the forms in which programs print them.

A form is the value itself; each of its characters as it is or escaped for URLs, JSON, XML, shells and
strings of programs (`%2F`, `\/`, `\u002f`, `\x2f`, `&#47;`, `&amp;`, `'\''`), in any mixture; its bytes in
hexadecimal; and what the value looks like inside a text in base64, which depends on where it stands there.
Longer forms are also found when they are wrapped over several lines.

Searching takes one automaton, and the result depends on the bytes alone, not on how they come.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

from collector.redaction.engine import compile_bytes, escape
from collector.redaction.environment import MIN_LENGTH
from collector.redaction.spans import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

RULE = "known-value"
MAX_SPREAD = 8 << 10
"""A wrapped form is found when it takes no more bytes than this."""
_MAX_PART = 120
_MIN_WRAPPED = 16
_SLACK = 3
_XML = {ord("<"): b"&lt;", ord(">"): b"&gt;", ord("&"): b"&amp;", ord('"'): b"&quot;", ord("'"): b"&apos;"}
_SHORT = {9: b"t", 10: b"n", 13: b"r", 8: b"b", 12: b"f", 11: b"v", 27: b"e"}


class Known(NamedTuple):
    """What is looked for, compiled."""

    in_lines: Any
    """The pattern of all forms; None when there are none."""
    wrapped: Any
    """The pattern of all forms that may be wrapped, each without its first `_SLACK` bytes."""
    heads: dict[bytes, tuple[bytes, ...]]
    """For what `wrapped` matches, the first bytes that it may have."""
    prefixes: frozenset[bytes]
    longest: int


def compile_known(values: Iterable[bytes]) -> Known:
    """Return what finds values; too short ones are left out."""
    parts = sorted({part for value in values for part in split_value(value)})
    if not parts:
        return Known(None, None, {}, frozenset(), 0)
    forms = sorted({form for part in parts for form in wrapped_forms(part)})
    heads: dict[bytes, tuple[bytes, ...]] = {}
    for form in forms:
        heads[form[_SLACK:]] = (*heads.get(form[_SLACK:], ()), form[:_SLACK])
    prefixes = {form[:end] for form in forms for end in range(_SLACK + 1, len(form))}
    return Known(
        compile_bytes(b"|".join(expression for part in parts for expression in expressions(part))),
        compile_bytes(b"|".join(map(escape, heads))) if heads else None,
        heads,
        frozenset(prefixes),
        max(map(len, forms), default=0),
    )


def split_value(value: bytes) -> list[bytes]:
    """Return the parts of a value that are looked for: its lines, and long lines in pieces."""
    lines = [line.strip() for line in value.replace(b"\r", b"\n").split(b"\n")]
    minimum = MIN_LENGTH if len(lines) == 1 else 2 * MIN_LENGTH
    return [piece for line in lines if len(line) >= minimum for piece in _pieces(line)]


def _pieces(line: bytes) -> list[bytes]:
    count = -(-len(line) // _MAX_PART)
    size = -(-len(line) // count)
    return [line[start : start + size] for start in range(0, len(line), size)]


def expressions(part: bytes) -> Iterator[bytes]:
    """Yield regular expressions of all forms that stay within a line."""
    yield b"".join(map(_any_form, part))
    yield b"(?i:%s)" % part.hex().encode()
    yield from map(escape, base64_forms(part))


def _any_form(byte: int) -> bytes:
    # Every printable character may be escaped; a backslash before it covers shells and regular expressions.
    code = b"%02x" % byte
    forms = [
        b"%%%s" % code,
        rb"\\{1,3}(?:u00|x|U000000|u\{|u\{00)%s\}?" % code,
        b"&#(?:0{0,4}%d|x0{0,4}%s);" % (byte, code),
    ]
    plain = escape(bytes([byte]))
    if byte >= 128:
        return b"(?:%s|(?i:%s))" % (plain, b"|".join(forms))
    if not chr(byte).isalnum():
        plain = rb"\\{0,3}" + plain
    if byte == ord("'"):
        forms += [rb"'\\''", b"'\"'\"'", b"''"]
    if byte == ord('"'):
        forms.append(b'""')
    if byte == ord(" "):
        forms.append(rb"\+")
    if byte in _SHORT:
        forms.append(rb"\\{1,3}" + _SHORT[byte])
    if byte in _XML:
        forms.append(_XML[byte])
    return b"(?:%s|(?i:%s))" % (plain, b"|".join(forms))


def base64_forms(part: bytes) -> Iterator[bytes]:
    """Yield what of a value's base64 does not depend on its neighbours, at each of the three offsets."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + part)
        form = encoded[(0, 2, 3)[offset] : (offset + len(part)) * 8 // 6]
        yield form
        yield form.translate(bytes.maketrans(b"+/", b"-_"))


def wrapped_forms(part: bytes) -> Iterator[bytes]:
    """Yield the forms, without blanks, that may be broken into lines."""
    as_hex = part.hex().encode()
    for form in (b"".join(part.split()), as_hex, as_hex.upper(), *base64_forms(part)):
        if len(form) >= _MIN_WRAPPED:
            yield form


# Searching


def find_known(known: Known, data: bytes, stop: int) -> list[Finding]:
    r"""Return where known values start before `stop`; line ends must be `\n`."""
    if known.in_lines is None:
        return []
    found = [Finding(start, end, RULE) for start, end in _overlapping(known.in_lines, data, 0, stop)]
    if known.wrapped is not None and b"\n" in data:
        found += [finding for finding in _wrapped(known, data) if finding.start < stop]
    return found


def _overlapping(pattern: Any, data: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
    while (match := pattern.search(data, start)) is not None and match.start() < stop:
        yield match.span()
        start = match.start() + 1


def _wrapped(known: Known, data: bytes) -> Iterator[Finding]:
    joined = b"".join(data.split())
    places: list[int] = []
    for start, end in _overlapping(known.wrapped, joined, 0, len(joined)):
        places = places or [place for place, byte in enumerate(data) if byte not in b" \t\n\r\x0b\x0c"]
        first, last = places[start], places[end - 1] + 1
        gaps = data[first:last]
        if last - first > MAX_SPREAD or not _only_breaks(gaps):
            continue
        line_start = data.rfind(b"\n", 0, first) + 1
        head = max(_common_tail(data[line_start:first], head) for head in known.heads[joined[start:end]])
        # Where the first bytes are in the line before, what is left of the form begins its line.
        if head == _SLACK or not data[line_start : first - head].strip():
            yield Finding(first - head, last, RULE)


def _only_breaks(data: bytes) -> bool:
    """Tell whether all blanks are around line ends."""
    return all(len(line.split()) <= 1 for line in data.split(b"\n"))


def _common_tail(line: bytes, head: bytes) -> int:
    size = 0
    while (
        size < len(head)
        and line[len(line) - size - 1 : len(line) - size] == head[len(head) - size - 1 : len(head) - size]
    ):
        size += 1
    return size


def open_start(known: Known, data: bytes) -> int:
    """Return where a wrapped form may begin that goes on behind data; their length when none does."""
    if known.wrapped is None:
        return len(data)
    base = max(0, len(data) - MAX_SPREAD)
    tail = data[base:]
    joined = b"".join(tail.split())[-known.longest :]
    for size in range(len(joined), _SLACK, -1):
        if joined[-size:] in known.prefixes:
            return base + _place_from_end(tail, size)
    return len(data)


def _place_from_end(tail: bytes, size: int) -> int:
    for place in range(len(tail) - 1, -1, -1):
        size -= tail[place] not in b" \t\n\r\x0b\x0c"
        if not size:
            return place
    return 0
