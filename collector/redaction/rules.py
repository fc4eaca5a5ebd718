"""All rules together, compiled, and which lines are looked at with which of them."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from collector.errors import InputError
from collector.redaction.assignments import FILTER
from collector.redaction.engine import compile_bytes
from collector.redaction.judging import is_sample
from collector.redaction.known import Known, compile_known
from collector.redaction.providers import FORMATS
from collector.redaction.spans import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

MARKER = b"[REDACTED:"
_MAX_SOURCE = 4000


class Custom(NamedTuple):
    """A rule of the user's."""

    name: str
    pattern: Any


class Rules(NamedTuple):
    """What is looked for; made by `build_rules`, and good for any number of texts."""

    custom: tuple[Custom, ...]
    format_lines: Any
    """Fits every line in which a format may be found."""
    custom_lines: Any
    """Fits every line in which a rule of the user's may be."""
    assignment_lines: Any
    """Fits every line in which something else may be. One pattern for both would have too many states."""
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
    return Rules(
        custom,
        _filter(_light_formats()),
        _one_of(tuple((patterns or {}).values())),
        _filter((FILTER,)),
        _allowed(tuple(allow)),
        compile_known(known),
    )


@functools.cache
def _exact(source: bytes) -> Any:
    """Return a format's pattern; most are never needed, and all of them take a while."""
    return compile_bytes(source, captures=True, in_lines=True)


@functools.cache
def _light_formats() -> tuple[bytes, ...]:
    return tuple(rule.light or light(rule.pattern) for rule in FORMATS)


@functools.cache
def _filter(sources: tuple[bytes, ...]) -> Any:
    return compile_bytes(b"|".join(b"(?:%s)" % source for source in sources), in_lines=True)


def light(source: bytes) -> bytes:
    """Return a pattern that matches within every match of another one, and takes fewer states.

    Repeats have no maximum. What follows the first long repeat behind a literal is left out, and of what
    stands before the first literal only the end of a long repeat is left.
    """
    begin = place = 0
    has_literal = False
    while place < len(source):
        end = _atom_end(source, place)
        atom = source[place:end]
        repeat = re.match(rb"\{(\d+)(?:,\d*)?\}", source[end:])
        if repeat is None:
            has_literal = has_literal or _is_literal(atom)
            place = end
            continue
        low = int(repeat.group(1))
        if low >= 8 and has_literal:
            return _least(source[begin:place]) + atom + b"{%d}" % min(low, 12)
        if low >= 8:
            rest = light(source[end + repeat.end() :])
            return atom + b"{4}" + rest
        place = end + repeat.end()
    return _least(source[begin:])


def _is_literal(atom: bytes) -> bool:
    is_group = atom[:1] == b"(" and len(atom) > 5
    return is_group or atom.isalnum() or (atom[:1] == b"\\" and not atom[1:].isalnum())


def _atom_end(source: bytes, place: int) -> int:
    """Return where an atom of a pattern ends: a character, an escape, a class or a group."""
    if source[place : place + 1] == b"\\":
        return place + 2
    if source[place : place + 1] == b"[":
        return source.index(b"]", place + (3 if source[place + 1 : place + 2] == b"^" else 2)) + 1
    if source[place : place + 1] != b"(":
        return place + 1
    place += 1
    while source[place : place + 1] != b")":
        place = _atom_end(source, place)
    return place + 1


def _least(source: bytes) -> bytes:
    return re.sub(rb"\{(\d+),\d*\}", rb"{\1,}", source)


def _custom(name: str, source: str) -> Custom:
    import re2

    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise InputError(
            "ACODE-RUN-037", f"{name!r} cannot name a redaction rule", "use letters, digits, - and _"
        )
    try:
        rule = Custom(name, compile_bytes(_source(source), captures=True, in_lines=True, utf8=True))
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


def _allowed(sources: tuple[str, ...]) -> Any:
    for source in sources:
        _custom("allow", source)
    return _one_of(sources)


@functools.lru_cache(maxsize=8)
def _one_of(sources: tuple[str, ...]) -> Any:
    """Return a pattern for what any of the user's patterns matches; None without one."""
    if not sources:
        return None
    return compile_bytes(
        b"|".join(b"(?:%s)" % _source(source) for source in sources), in_lines=True, utf8=True
    )


# Looking


def find_formats(line: bytes) -> Iterator[Finding]:
    """Yield what has a format of its own in a line."""
    for rule in FORMATS:
        if any(word in line for word in rule.words):
            for found in _matches(rule.name, _exact(rule.pattern), line):
                if not is_sample(line[found.start : found.end]):
                    yield found


def find_custom(rules: Rules, line: bytes) -> Iterator[Finding]:
    """Yield what the user's rules find in a line."""
    for rule in rules.custom:
        yield from _matches(rule.name, rule.pattern, line)


def _matches(name: str, pattern: Any, line: bytes) -> Iterator[Finding]:
    group = min(1, pattern.groups)
    for match in pattern.finditer(line):
        start, end = match.span(group)
        if start < end:
            yield Finding(start, end, name)


def is_allowed(rules: Rules, secret: bytes) -> bool:
    """Tell whether something found is no secret: the user said so, or it is what stands for one."""
    if secret.startswith(MARKER):
        return True
    return rules.allowed is not None and rules.allowed.fullmatch(secret) is not None
