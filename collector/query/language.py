"""The filter language: text to conditions and back; pure.

    status:failed type:test since:1h cmd:dotnet* duration:>60s tag:x -session:abc "connection refused"

`parse_query(format_query(query), now).terms == query.terms` for every query that this can say. Order
and window of a query are not part of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector.errors import InputError
from collector.model.query import FIELDS, TEXT, Operator, RunQuery, Term
from collector.model.run import CONTEXTS, STATUS_ALIASES, STATUSES, TYPES
from collector.query.times import parse_duration, parse_time

KEYS: dict[str, str] = {
    "status": "status", "type": "type", "task": "task", "session": "session_id",
    "cmd": "command_line", "since": "start_time", "until": "start_time", "exit": "exit_code",
    "duration": "duration_ms", "tag": "tag", "agent": "agent", "parent": "parent_run_id",
    "host": "host", "context": "context", "id": "run_id", "name": "name",
    "instance": "agent_instance_id", "task_id": "task_id", "tool": "tool", "call": "tool_call_id",
    "model": "model", "tokens": "tokens_used", "started": "start_time", "text": TEXT,
}  # fmt: skip
"""Each key and the field it asks about; a field's own name is a key too."""

CHOICES: dict[str, tuple[str, ...]] = {"status": STATUSES, "type": TYPES, "context": CONTEXTS}
"""The fields that know all their values."""

_ALIASES = {"command": "cmd", "instance_id": "instance", "start": "started"}
_BOUNDS: dict[str, Operator] = {"since": ">=", "until": "<="}
_OPERATORS: tuple[Operator, ...] = (">=", "<=", ">", "<")
_COMPARED = frozenset({"number", "time", "duration"})
_TEXTS = frozenset({"prefix", "glob"})
_ULIDS = frozenset({"run_id", "parent_run_id"})
_NEEDS_QUOTES = frozenset('",:\\')
_INT64 = 1 << 63


class FilterError(InputError):
    """A word of a filter that was not understood: `text[start:end]`."""

    def __init__(self, message: str, hint: str, start: int, end: int) -> None:
        super().__init__("ACODE-RUN-018", f"{message} at column {start + 1}", hint)
        self.start = start
        self.end = end


class _Part:
    """A piece of a word between separators: its text, and whether it was quoted."""

    __slots__ = ("quoted", "text")

    def __init__(self, text: str, quoted: bool) -> None:
        self.text = text
        self.quoted = quoted


class _Word:
    """One word of a filter: `-key:value,value`, `key` None for bare text."""

    __slots__ = ("end", "key", "negated", "start", "values")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.negated = False
        self.key: str | None = None
        self.values: list[_Part] = []

    def error(self, message: str, hint: str = "") -> FilterError:
        """Return the error that points at this word."""
        return FilterError(message, hint, self.start, self.end)


def parse_query(text: str, now_ms: int) -> RunQuery:
    """Parse a filter; an empty one fits every run.

    Args:
        text: what was typed.
        now_ms: what relative times count from, in milliseconds since 1970.

    Raises:
        FilterError: pointing at the word that was not understood.
    """
    return RunQuery(tuple(_term(word, now_ms) for word in _words(text)))


def parse_term(key: str, text: str, now_ms: int) -> Term:
    """Parse one condition whose value is the whole text: what an option `--key TEXT` means.

    Commas separate alternatives, quotes mean themselves.

    Raises:
        FilterError: when the value does not fit the key.
    """
    word = _Word(0, len(text))
    word.key = key
    word.values = [_Part(part.strip(), False) for part in text.split(",")]
    return _term(word, now_ms)


def field_keys() -> tuple[str, ...]:
    """Return every key that can be typed, the short ones first."""
    return (*KEYS, *(name for name in FIELDS if name not in KEYS))


# From text to words


def _words(text: str) -> Iterator[_Word]:
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text):
            return
        word, position = _read_word(text, position)
        yield word


def _read_word(text: str, start: int) -> tuple[_Word, int]:
    word = _Word(start, start)
    position = start
    if text[position] == "-":
        word.negated = True
        position += 1
    parts, position = _read_parts(text, position, word)
    word.end = position
    _check_parts(word, parts)
    word.values = parts
    return word, position


def _read_parts(text: str, position: int, word: _Word) -> tuple[list[_Part], int]:
    """Read up to the next space outside quotes; the first unquoted colon ends the key."""
    parts = [_Part("", False)]
    while position < len(text) and not text[position].isspace():
        character = text[position]
        if character == '"' and parts[-1].text in ("", "=") and not parts[-1].quoted:
            exactly = parts[-1].text
            parts[-1], position = _read_quoted(text, position, word)
            parts[-1] = _Part(exactly + parts[-1].text, not exactly)
            continue
        if character == ":" and word.key is None and not parts[-1].quoted:
            word.key = parts[-1].text.lower()
            parts = [_Part("", False)]
        elif character == "," and word.key is not None:
            parts.append(_Part("", False))
        else:
            parts[-1].text += character
        position += 1
    return parts, position


def _read_quoted(text: str, start: int, word: _Word) -> tuple[_Part, int]:
    value, position = "", start + 1
    while position < len(text):
        character = text[position]
        if character == '"':
            return _Part(value, True), position + 1
        if character == "\\" and text[position + 1 : position + 2] in ('"', "\\"):
            position += 1
            character = text[position]
        value += character
        position += 1
    word.end = len(text)
    raise word.error(f"{text[start:]!r} has no closing quote", 'end it with "')


def _check_parts(word: _Word, parts: list[_Part]) -> None:
    if any(not part.text for part in parts):
        if word.key is not None:
            raise word.error(f"{word.key + ':'!r} needs a value", f"write {word.key}:VALUE")
        raise word.error("a word is missing", 'put a word or a "quoted phrase" there')


# From words to conditions


def _term(word: _Word, now_ms: int) -> Term:
    if word.key is None:
        return Term(TEXT, (word.values[0].text,), ":", word.negated)
    key = _ALIASES.get(word.key, word.key)
    field = KEYS.get(key) or (key if key in FIELDS else None)
    if field is None:
        raise _unknown_key(word)
    operator = _BOUNDS.get(key) or _take_operator(word, field)
    _check_parts(word, word.values)
    values = tuple(_value(word, part, field, now_ms) for part in word.values)
    return Term(field, values, operator, word.negated)


def _unknown_key(word: _Word) -> FilterError:
    from collector.suggest import did_you_mean

    key = word.key or ""
    whole = f'to search for text with a colon, quote it: "{key}:…"'
    return word.error(f"unknown key {key!r}", did_you_mean(key, field_keys(), whole))


def _take_operator(word: _Word, field: str) -> Operator:
    """Take `>`, `>=` … off the first value; only what has an order can be compared. `=` asks for the
    whole of a text.
    """  # noqa: D205 - one thought
    first = word.values[0]
    if FIELDS[field] in _TEXTS and first.text.startswith("=") and not first.quoted:
        first.text = first.text[1:]
        return "="
    if FIELDS[field] not in _COMPARED or first.quoted:
        return ":"
    for operator in _OPERATORS:
        if first.text.startswith(operator):
            first.text = first.text[len(operator) :]
            return operator
    return ":"


def _value(word: _Word, part: _Part, field: str, now_ms: int) -> str | int:
    kind = FIELDS[field]
    try:
        if kind == "time":
            return parse_time(part.text, now_ms)
        if kind == "duration":
            return parse_duration(part.text)
    except InputError as error:
        raise word.error(error.message, error.hint) from None
    if kind == "number":
        return _number(word, part.text)
    if field in CHOICES:
        return _choice(word, part.text, field)
    return part.text.upper() if field in _ULIDS else part.text


def _number(word: _Word, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or int(digits) >= _INT64:
        raise word.error(f"{text!r} is not a whole number", "write exit:1 or exit:>0")
    return int(text)


def _choice(word: _Word, text: str, field: str) -> str:
    from collector.suggest import did_you_mean

    value = text.lower()
    if field == "status":
        value = STATUS_ALIASES.get(value, value)
    if value in CHOICES[field]:
        return value
    known = (*CHOICES[field], *(STATUS_ALIASES if field == "status" else ()))
    hint = did_you_mean(value, known, f"use one of {', '.join(CHOICES[field])}")
    raise word.error(f"unknown {field} {text!r}", hint)


# From conditions to text


def format_query(query: RunQuery) -> str:
    """Format the conditions of a query as text that `parse_query` reads back as they are."""
    return " ".join(format_term(term) for term in query.terms)


def format_term(term: Term) -> str:
    """Format one condition."""
    sign = "-" if term.negated else ""
    if term.field == TEXT and len(term.values) == 1:
        return f"{sign}{_quote(str(term.values[0]))}"
    key, operator = _key(term)
    return f"{sign}{key}:{operator}{','.join(_format_values(term))}"


def _key(term: Term) -> tuple[str, str]:
    operator = "" if term.operator == ":" else term.operator
    if FIELDS.get(term.field) == "time":
        for key, bound in _BOUNDS.items():
            if bound == term.operator:
                return key, ""
        return "started", operator
    for key, field in KEYS.items():
        if field == term.field:
            return key, operator
    return term.field, operator


def _format_values(term: Term) -> Iterable[str]:
    from collector.clock import format_iso

    kind = FIELDS.get(term.field)
    for value in term.values:
        if isinstance(value, str):
            yield _quote(value)
        elif kind == "time":
            yield format_iso(value)
        else:
            yield f"{value}ms" if kind == "duration" else str(value)


def _quote(value: str) -> str:
    plain = not (_NEEDS_QUOTES & set(value)) and not any(c.isspace() for c in value)
    if plain and value and not value.startswith(("-", "=")):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
