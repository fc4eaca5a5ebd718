"""Which part of a content a request is for, as RFC 9110 has it (sections 13 and 14); pure."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


class Part:
    """From `start` up to, not including, `end`; `is_whole` when all of it is meant."""

    __slots__ = ("end", "is_whole", "start")

    def __init__(self, start: int, end: int, is_whole: bool = False) -> None:
        self.start = start
        self.end = end
        self.is_whole = is_whole


def part_of(size: int, header: str, if_range: str, etag: str | None) -> Part | None:
    """Return the part that `Range` means; None where there is nothing of it (status 416).

    More than one range, another unit, and what is malformed are as good as no range (section 14.2); so is a
    range of another version of the content than `If-Range` names.
    """
    found = _RANGE.fullmatch(header)
    whole = Part(0, size, is_whole=True)
    if found is None or (if_range and if_range != etag):
        return whole
    first, last = found.groups()
    if not first:
        if not last:
            return whole
        start = max(0, size - int(last))
        return Part(start, size) if int(last) and size else None
    if last and int(last) < int(first):
        return whole
    if int(first) >= size:
        return None
    return Part(int(first), min(size, int(last) + 1) if last else size)


def fits_etag(header: str, etag: str | None) -> bool:
    """Tell whether `If-None-Match` names this version of the content."""
    if etag is None:
        return False
    names = [name.strip().removeprefix("W/") for name in header.split(",")]
    return "*" in names or etag in names
