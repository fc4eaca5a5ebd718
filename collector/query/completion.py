"""What can be typed next in a filter: keys, values, saved filters; pure but for the values it is given."""

from __future__ import annotations

from collector.model.frozen import dataclass
from collector.model.query import FIELDS, TEXT
from collector.query.language import CHOICES, KEYS, MEANINGS, field_of, quote_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Values = Callable[[str], Mapping[str, int]]

_TIMES = ("1h", "24h", "7d", "30d", "today", "yesterday")
_EXAMPLES: dict[str, tuple[str, ...]] = {
    "time": _TIMES,
    "duration": (">1s", ">10s", ">1m", ">10m", "<1s"),
    "size": (">100KB", ">1MB", ">100MB"),
}
_NUMBERS: dict[str, tuple[str, ...]] = {
    "exit_code": ("0", "1", "2", "126", "127", "130", "137", "143", ">0"),
    "failed_tests": (">0", "0"),
    "tests": (">0",), "coverage": ("<80", ">80"), "tokens_used": (">1000", ">100000"),
}  # fmt: skip
_SIGNS = (">=", "<=", ">", "<", "=")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to type: what it puts in place, and what it means (or how many runs have it)."""

    text: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What `text[start:end]` can become; a key ends with its colon, anything else is whole."""

    start: int
    end: int
    suggestions: tuple[Suggestion, ...]


def complete(text: str, cursor: int, values: Values, saved: Mapping[str, str], limit: int = 50) -> Completion:
    """Return what can stand where the cursor is.

    Args:
        text: a filter, finished or not.
        cursor: where in it the next character would go.
        values: the values of a field and how many runs have each; empty where nobody knows them.
        saved: the saved filters.
        limit: at most so many.
    """
    start, end = _word_at(text, cursor)
    word = text[start:cursor]
    negated = word.startswith("-")
    body = word[negated:]
    key, colon, typed = body.partition(":")
    if not colon:
        found = _saved(body, saved) if body.startswith("@") else _keys(body)
        return _completion(start + negated, end, found, limit)
    field = field_of(key)
    value_start = start + negated + len(key) + 1 + _last_value(typed)
    if field is None or key.lower() == "re":
        return Completion(value_start, end, ())
    return _completion(value_start, end, _values(field, text[value_start:cursor], values), limit)


def _completion(start: int, end: int, found: Iterable[Suggestion], limit: int) -> Completion:
    return Completion(
        start, end, tuple(suggestion for suggestion, _ in zip(found, range(limit), strict=False))
    )


def _word_at(text: str, cursor: int) -> tuple[int, int]:
    """Return where the word at the cursor begins and ends; spaces in quotes do not count."""
    start, quoted = 0, False
    for position, character in enumerate(text[:cursor]):
        if character == '"':
            quoted = not quoted
        elif character.isspace() and not quoted:
            start = position + 1
    end = cursor
    while end < len(text) and not text[end].isspace():
        end += 1
    return start, end


def _last_value(typed: str) -> int:
    """Return where the last of several values begins, behind its sign."""
    start, quoted = 0, False
    for position, character in enumerate(typed):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            start = position + 1
    return start


def _keys(begun: str) -> Iterator[Suggestion]:
    for key in KEYS:
        if key.startswith(begun.lower()):
            yield Suggestion(f"{key}:", MEANINGS[key])


def _saved(begun: str, saved: Mapping[str, str]) -> Iterator[Suggestion]:
    for name in sorted(saved):
        if name.startswith(begun[1:]):
            yield Suggestion(f"@{name}", saved[name])


def _values(field: str, begun: str, values: Values) -> Iterator[Suggestion]:
    """Yield the values that begin as typed, then those that have it in them, the most frequent first."""
    kind = FIELDS[field]
    counted = values(field) if kind in ("word", "glob", "prefix", "tag") and field != TEXT else {}
    known: dict[str, str] = {
        quote_value(value): f"{runs} run" + "s" * (runs != 1)
        for value, runs in sorted(counted.items(), key=lambda item: -item[1])
    }
    examples = (*CHOICES.get(field, ()), *_NUMBERS.get(field, ()), *_EXAMPLES.get(kind, ()))
    known |= {value: "" for value in examples if value not in known}
    wanted = begun.strip('"').lower()
    first = [value for value in known if value.strip('"').lower().startswith(wanted)]
    rest = [
        value for value in known if value not in first and wanted.lstrip("".join(_SIGNS)) in value.lower()
    ]
    for value in (*first, *(rest if wanted else ())):
        yield Suggestion(value, known[value])
