"""What every family of failures shares: how a block of lines begins, goes on, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from collector.extract.locations import find_location
from collector.extract.values import whole
from collector.model.results import Location

MATTERS, LIKELY, MAYBE, CONSEQUENCE = range(4)
"""How much an error says of why: a trace or diagnostic, a program's complaint, a word, what came of it."""

Follow = Callable[[str], bool]
"""Told of the lines after the first, one after the other: does this one belong to the block?"""
Saying = Callable[[Sequence[str]], str]
"""Picks the message out of a block; an empty one says that it is no failure after all."""


class Rule(NamedTuple):
    """One kind of failure.

    `begins` is matched at the start of a line; its groups `file`, `line` and `message` are used where it has
    them, with `at` alone, a line, the file stands above. `follow` makes what decides over the lines after
    it, None for errors of one line. `looks_back` is set where the lines before may name the place.
    """

    kind: str
    begins: re.Pattern[str]
    follow: Callable[[], Follow] | None = None
    saying: Saying | None = None
    rank: int = MATTERS
    looks_back: bool = False


def rules(
    kind: str, *patterns: str, follow: Callable[[], Follow] | None = None, rank: int = MATTERS
) -> tuple[Rule, ...]:
    """Return rules that differ in how they begin only."""
    return tuple(Rule(kind, re.compile(pattern), follow, None, rank) for pattern in patterns)


def lines_like(pattern: str) -> Callable[[], Follow]:
    """Take every line whose beginning fits."""
    match = re.compile(pattern).match
    return lambda: lambda text: match(text) is not None


def lines_until(pattern: str) -> Callable[[], Follow]:
    """Take every line before the first whose beginning fits."""
    match = re.compile(pattern).match
    return lambda: lambda text: match(text) is None


def message_of(rule: Rule, lines: Sequence[str]) -> str:
    """Return what a block says in one line."""
    if rule.saying:
        return rule.saying(lines)
    match = rule.begins.match(lines[0])
    said = match.groupdict().get("message") if match else None
    return (said or lines[0]).strip()


def location_of(rule: Rule, lines: Sequence[str], before: Sequence[str]) -> Location | None:
    """Return the place that a block names, None where it names none."""
    match = rule.begins.match(lines[0])
    groups = match.groupdict() if match else {}
    if groups.get("file"):
        return Location(groups["file"], whole(groups.get("line")))
    if groups.get("at"):
        return _below(before, groups["at"])
    found = find_location("\n".join(lines), ())
    if found is None and rule.looks_back:
        found = find_location("\n".join(before), ())
    return found


def _below(before: Sequence[str], line: str) -> Location | None:
    """Return the place in the file that stands above its errors, as eslint has it."""
    file = next((text for text in reversed(before) if text and not text[0].isspace()), None)
    return Location(file, whole(line)) if file else None
