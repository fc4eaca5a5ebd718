"""All rules together, compiled, and which lines are looked at with which of them."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from collector.errors import InputError
from collector.redaction.assignments import FILTER, find_assigned
from collector.redaction.engine import compile_bytes
from collector.redaction.known import Known, compile_known
from collector.redaction.providers import FORMATS
from collector.redaction.spans import Finding, marker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

MARKER = b"[REDACTED:"
_MAX_SOURCE = 4000


class CompiledFormat(NamedTuple):
    """A rule for a format of secrets, or one of the user's."""

    name: str
    words: tuple[bytes, ...]
    pattern: Any
    group: int


class Rules(NamedTuple):
    """What is looked for; made by `build_rules`, and good for any number of texts."""

    formats: tuple[CompiledFormat, ...]
    custom: tuple[CompiledFormat, ...]
    filter: Any
    allowed: Any
    known: Known


def build_rules(
    patterns: Mapping[str, str] | None = None,
    allow: Sequence[str] = (),
    known: Iterable[bytes] = (),
) -> Rules:
    """Return the rules to find secrets with.

    Args:
        patterns: more regular expressions, each with its name. What is in a first group is the secret.
        allow: regular expressions of what is no secret, compared with all of it.
        known: values that are secret wherever they stand.

    Raises:
        InputError: a name or an expression cannot be used.
    """
    custom = tuple(_custom(name, source) for name, source in (patterns or {}).items())
    sources = [f"(?:{source})" for source in (patterns or {}).values()]
    return Rules(
        _formats(),
        custom,
        _filter(tuple(sources)),
        _allowed(tuple(allow)),
        compile_known(known),
    )


@functools.cache
def _formats() -> tuple[CompiledFormat, ...]:
    return tuple(_compiled(rule.name, rule.words, rule.pattern) for rule in FORMATS)


def _compiled(name: str, words: tuple[bytes, ...], source: bytes) -> CompiledFormat:
    pattern = compile_bytes(source, captures=True, in_lines=True)
    return CompiledFormat(name, words, pattern, min(1, pattern.groups))


@functools.cache
def _filter(custom: tuple[str, ...]) -> Any:
    sources = [light(rule.pattern) for rule in FORMATS]
    sources += [FILTER, *(source.encode() for source in custom)]
    return compile_bytes(b"|".join(b"(?:%s)" % source for source in sources), in_lines=True)


def light(source: bytes) -> bytes:
    """Return a pattern that matches wherever another one does, and takes fewer states.

    What follows the first long repeat outside of groups is left out, and repeats have their minimum.
    """
    depth = place = 0
    while place < len(source):
        byte = source[place : place + 1]
        if byte == b"\\":
            place += 1
        elif byte == b"[":
            place = source.index(b"]", place + (2 if source[place + 1 : place + 2] != b"^" else 3))
        elif byte in b"()":
            depth += 1 if byte == b"(" else -1
        elif byte == b"{" and not depth:
            low = int(re.match(rb"\{(\d+)", source[place:]).group(1))  # type: ignore[union-attr]
            if low >= 8:
                return _least(source[:place]) + b"{%d}" % min(low, 12)
        place += 1
    return _least(source)


def _least(source: bytes) -> bytes:
    return re.sub(rb"\{(\d+),\d*\}", rb"{\1}", source)


def _custom(name: str, source: str) -> CompiledFormat:
    import re2

    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise InputError(
            "ACODE-RUN-037", f"{name!r} cannot name a redaction rule", "use letters, digits, - and _"
        )
    try:
        rule = _compiled(name, (), _source(source))
        matches_nothing = rule.pattern.search(b"") is not None
    except re2.error as error:
        why = error.args[0] if error.args else ""
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        hint = "see https://github.com/google/re2/wiki/Syntax"
        raise InputError("ACODE-RUN-037", f"redaction rule {name}: {why}", hint) from None
    if matches_nothing:
        raise InputError(
            "ACODE-RUN-037", f"redaction rule {name} also fits no text at all", "make it need something"
        )
    return rule


def _source(source: str) -> bytes:
    return source.encode("utf-8", "replace")


@functools.cache
def _allowed(sources: tuple[str, ...]) -> Any:
    if not sources:
        return None
    for source in sources:
        _custom("allow", source)
    return compile_bytes(b"|".join(b"(?:%s)" % _source(source) for source in sources), in_lines=True)


# Looking


def find_in_line(rules: Rules, line: bytes) -> Iterator[Finding]:
    """Yield what the formats, the user's rules and the assignments find in a line."""
    for rule in rules.formats:
        if any(word in line for word in rule.words):
            yield from _matches(rule, line)
    for rule in rules.custom:
        yield from _matches(rule, line)
    yield from find_assigned(line)


def _matches(rule: CompiledFormat, line: bytes) -> Iterator[Finding]:
    for match in rule.pattern.finditer(line):
        start, end = match.span(rule.group)
        if start < end:
            yield Finding(start, end, rule.name)


def is_allowed(rules: Rules, secret: bytes) -> bool:
    """Tell whether something found is no secret: the user said so, or it is what stands for one."""
    if secret.startswith(MARKER):
        return True
    return rules.allowed is not None and rules.allowed.fullmatch(secret) is not None


__all__ = [
    "MARKER",
    "CompiledFormat",
    "Rules",
    "build_rules",
    "find_in_line",
    "is_allowed",
    "light",
    "marker",
]
