"""Places of secrets in bytes: values, merged where they overlap, never across the end of a line."""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


GENERIC = frozenset({"assigned-secret", "authorization", "bearer", "prefixed-token"})
"""Rules that say less about a secret than others that find it too."""


class Finding(NamedTuple):
    """A secret's place, and the name of the rule that found it.

    `end` is behind its last byte. `is_rest` tells that it goes on a secret of an earlier line.
    """

    start: int
    end: int
    rule: str
    is_rest: bool = False


def marker(rule: str) -> bytes:
    """Return what stands for a secret in masked text; no rule finds it again."""
    return b"[REDACTED:%s]" % rule.encode("utf-8", "replace")


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in order, those that overlap or touch as one with the name of the first."""
    merged: list[Finding] = []
    for found in sorted(findings, key=_order):
        if merged and found.start <= merged[-1].end:
            last = merged[-1]
            if found.end > last.end:
                merged[-1] = last._replace(end=found.end)
        else:
            merged.append(found)
    return merged


def _order(found: Finding) -> tuple[int, bool, int, str]:
    return found.start, found.rule in GENERIC, -found.end, found.rule


def in_lines(data: bytes, found: Finding) -> Iterator[Finding]:
    """Yield a finding line by line, without line ends and the blanks around them."""
    start, is_rest = found.start, found.is_rest
    while start < found.end:
        line_end = data.find(b"\n", start, found.end)
        end = found.end if line_end < 0 else line_end
        part = data[start:end]
        left = start + len(part) - len(part.lstrip(b" \t")) if start != found.start else start
        right = end if end == found.end else start + len(part.rstrip(b" \t"))
        if left < right:
            yield Finding(left, right, found.rule, is_rest)
            is_rest = True
        start = end + 1
