"""Recorded output as numbered lines of plain text; memory does not grow with the output."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

_LONGEST_LINE = 10_000
_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|[ -/]*[0-~])|"
    r"[\x00-\x08\x0b-\x1f\x7f]"
)


def plain_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Yield lines, numbered from 1, without control sequences; of overwritten ones what was seen last."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    number, rest = 0, ""
    for chunk in chunks:
        *whole, more = decoder.decode(chunk).split("\n")
        if whole:
            whole[0] = rest + whole[0]
            rest = more
        else:
            rest += more
        for text in whole:
            number += 1
            yield number, _plain(text)
        rest = rest if len(rest) <= 2 * _LONGEST_LINE else rest[:_LONGEST_LINE] + rest[-_LONGEST_LINE:]
    rest += decoder.decode(b"", final=True)
    if rest:
        yield number + 1, _plain(rest)


def _plain(text: str) -> str:
    text = text[:_LONGEST_LINE]
    if "\r" in text:
        shown = [part for part in text.split("\r") if part.strip()]
        text = shown[-1] if shown else ""
    return text if text.isascii() and text.isprintable() else _SEQUENCE.sub("", text.expandtabs(4))
