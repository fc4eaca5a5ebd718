"""A content in which secrets are masked as it is read: as long as it was, with the same lines.

A secret becomes `[REDACTED:rule]` filled up with stars, or stars where it is too short for that. So line
numbers, offsets, the index of the output and JSON stay what they are, and any part of a file can be shown
masked without reading all of it.

A part is masked as if everything was: what lies up to 64 KiB before it and 16 KiB behind it is looked at,
too, so that the middle of a private key is masked when its first line is far above the screen; this holds
for a file that still grows, and for rules that are new.
"""

from __future__ import annotations

import io
import os

from collector.record.redacting import marker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, BinaryIO

    from collector.redaction import Rules

    Place = tuple[int, int, str]
    """From where to where something is a secret, and which rule says so."""

BLOCK = 256 << 10
BEFORE = 64 << 10
BEHIND = 16 << 10
STEP = 1 << 20
_CACHED = 4
PLACES = "secret_places"
"""The key of an artifact's metadata: where secrets were found, as [start, end, rule]."""


def noted_places(metadata: Mapping[str, Any]) -> list[Place]:
    """Return where secrets were found, as far as that can be read."""
    found = metadata.get(PLACES)
    places = found if isinstance(found, list) else []
    return [
        (place[0], place[1], place[2])
        for place in places
        if isinstance(place, list) and list(map(type, place)) == [int, int, str]
    ]


def masked_content(content: BinaryIO, rules: Rules | None, places: Iterable[Place] = ()) -> BinaryIO:
    """Return a content with its secrets masked, or as it is without rules; closing it closes both.

    Args:
        content: what was recorded.
        rules: what is masked.
        places: what is masked as well.
    """
    return content if rules is None else io.BufferedReader(_Masked(content, rules, sorted(places)), BLOCK)


def find_places(content: BinaryIO, rules: Rules) -> Iterator[tuple[Place, bool]]:
    """Yield where a content holds secrets, in order, each with whether it goes on that of the line before.

    Memory stays flat.
    """
    from collector.redaction import find_secrets

    start = 0
    content.seek(0)
    window = content.read(STEP + BEHIND)
    before = b""
    while window:
        for found in find_secrets(before + window, rules):
            begin, end = found.start - len(before), found.end - len(before)
            if 0 <= begin < STEP or (begin >= STEP and len(window) < STEP + BEHIND):
                yield (start + begin, start + end, found.rule), found.is_rest
        if len(window) < STEP + BEHIND:
            return
        before = (before + window[:STEP])[-BEFORE:]
        window = window[STEP:] + content.read(STEP)
        start += STEP


def places_in(data: bytes, rules: Rules) -> list[Place]:
    """Return where data holds secrets, in order."""
    from collector.redaction import find_secrets

    return sorted((found.start, found.end, found.rule) for found in find_secrets(data, rules))


class _Masked(io.RawIOBase):
    """A content in which secrets are masked, block by block as it is read."""

    def __init__(self, content: BinaryIO, rules: Rules, places: Sequence[Place]) -> None:
        self._content = content
        self._rules = rules
        self._places = places
        self._place = 0
        self._blocks: dict[int, bytes] = {}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_CUR:
            offset += self._place
        elif whence == os.SEEK_END:
            offset += self._content.seek(0, os.SEEK_END)
        if offset < 0:
            raise OSError("a place before the beginning")
        self._place = offset
        return offset

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        number, within = divmod(self._place, BLOCK)
        data = self._block(number)[within : within + len(view)]
        view[: len(data)] = data
        self._place += len(data)
        return len(data)

    def _block(self, number: int) -> bytes:
        known = self._blocks.get(number)
        if known is not None:
            return known
        start = number * BLOCK
        first = max(0, start - BEFORE)
        wanted = start + BLOCK + BEHIND - first
        self._content.seek(first)
        window = self._content.read(wanted)
        noted = [
            (max(0, begin - first), end - first, rule)
            for begin, end, rule in self._places
            if end > first and begin < first + len(window)
        ]
        places = [*noted, *places_in(window, self._rules)]
        masked = _filled(window, places)[start - first : start - first + BLOCK]
        if len(window) == wanted:  # else it may grow, and what is at its end turn out to be a secret
            while len(self._blocks) >= _CACHED:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[number] = masked
        return masked

    def close(self) -> None:
        if not self.closed:
            self._content.close()
        super().close()


def _filled(data: bytes, spans: Iterable[Place]) -> bytes:
    """Return data of the same length and with the same lines, what is at some places masked."""
    parts, place = [], 0
    for start, end, rule in sorted(spans):
        start = max(start, place)
        end = min(end, len(data))
        if start < end:
            parts += [data[place:start], filler(data[start:end], rule)]
            place = end
    return b"".join([*parts, data[place:]])


def filler(secret: bytes, rule: str) -> bytes:
    """Return what is shown in place of a secret: as long, and with its line ends."""
    filled: list[bytes] = []
    for line in secret.splitlines(keepends=True):
        text = line.rstrip(b"\r\n")
        mark = marker(rule) if not filled else b""
        filled.append((mark if len(mark) <= len(text) else b"").ljust(len(text), b"*") + line[len(text) :])
    return b"".join(filled)
