"""The filter language: text to conditions and back; pure.

    status:failed type:test since:1h cmd:dotnet* duration:>60s tag:x -session:abc "connection refused"
    exit:1..9 size:>1MB has:tests re:/pytest .*(login|retry)/ @slow

`parse_query(format_query(query), now).terms == query.terms` for every query that this can say. Order
and window of a query are not part of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from collector.errors import InputError
from collector.model.frozen import replace
from collector.model.query import FIELDS, HAS, ORDERED, TEXT, Operator, RunQuery, Term
from collector.model.run import CONTEXTS, STATUS_ALIASES, STATUSES, TYPES
from collector.query.times import parse_duration, parse_size, parse_time
from collector.query.words import OPERATORS, FilterError, Part, Word, check_parts, iter_words

KEYS: dict[str, str] = {
    "status": "status", "type": "type", "task": "task", "session": "session_id",
    "cmd": "command_line", "since": "start_time", "until": "start_time", "exit": "exit_code",
    "duration": "duration_ms", "tag": "tag", "agent": "agent", "parent": "parent_run_id",
    "host": "host", "context": "context", "id": "run_id", "name": "name",
    "instance": "agent_instance_id", "task_id": "task_id", "tool": "tool", "call": "tool_call_id",
    "model": "model", "tokens": "tokens_used", "started": "start_time", "ended": "end_time",
    "dir": "working_directory", "has": "has", "size": "output_bytes", "memory": "max_rss_bytes",
    "tests": "tests", "failed_tests": "failed_tests", "coverage": "coverage", "error": "error_code",
    "note": "note", "re": "command_line", "text": TEXT,
}  # fmt: skip
"""Each key and the field it asks about; a field's own name is a key too."""

MEANINGS: dict[str, str] = {
    "status": "how it ended: running, success, failure, timeout, cancelled; failed is failure",
    "type": "command, build, test or generate", "task": "its task; * and ? stand for anything",
    "session": "the beginning of its session's id",
    "cmd": "a part of the command line, or with * and ? all of it; =TEXT for exactly that",
    "since": "started then or later", "until": "started then or earlier", "exit": "its exit code",
    "duration": "how long it took", "tag": "a tag, NAME or NAME=VALUE", "agent": "the agent that started it",
    "parent": "the run within which it ran", "host": "the machine", "context": "host, docker or remote",
    "id": "the beginning of its id", "name": "its name; * and ? stand for anything",
    "instance": "the beginning of the agent instance's id", "task_id": "the id of its task",
    "tool": "the agent's tool: Bash, Edit, mcp__*", "call": "the beginning of the tool call's id",
    "model": "the model that asked for it", "tokens": "the tokens of the request that asked for it",
    "started": "when it started", "ended": "when it ended",
    "dir": "its working directory; * and ? stand for anything",
    "has": "what it has: artifacts, tests, coverage, log, diff, json, tags, a stream that is not empty; "
    "a file that is corrupt, missing or sensitive",
    "size": "how much it printed", "memory": "how much memory it took at most",
    "tests": "how many tests it ran", "failed_tests": "how many of its tests failed",
    "coverage": "which part of the lines its tests covered, in percent",
    "error": "its error code", "note": "a part of the note about it",
    "re": "a regular expression that matches in the command line",
    "text": "a part of the command line, as a word without a key",
}  # fmt: skip
"""What each key asks, in a few words."""

CHOICES: dict[str, tuple[str, ...]] = {"status": STATUSES, "type": TYPES, "context": CONTEXTS, "has": HAS}
"""The fields that know all their values."""

_CHOICE_ALIASES: dict[str, Mapping[str, str]] = {
    "status": STATUS_ALIASES,
    "has": {
        "tests": "test_result", "test": "test_result", "logs": "log", "files": "artifacts",
        "artifact": "artifacts", "tag": "tags",
    },
}  # fmt: skip
_ALIASES = {
    "command": "cmd", "instance_id": "instance", "start": "started", "cwd": "dir", "directory": "dir",
    "regex": "re", "after": "since", "before": "until", "took": "duration", "output": "size",
    "rss": "memory", "code": "exit", "failed": "failed_tests",
}  # fmt: skip
_BOUNDS: dict[str, Operator] = {"since": ">=", "until": "<="}
_OPERATORS: tuple[Operator, ...] = (">=", "<=", ">", "<")
_TEXTS = frozenset({"prefix", "glob"})
_ULIDS = frozenset({"run_id", "parent_run_id"})
_NEEDS_QUOTES = frozenset('",:\\')
_INT64 = 1 << 63
_MAX_DEPTH = 10
_MAX_VALUE = 10_000
"""SQLite refuses patterns of more than 50,000 bytes."""
_MAX_VALUES = 500
"""SQLite takes conditions about 1,000 deep, and nobody types as many."""
_UNITS: dict[str, tuple[tuple[str, int], ...]] = {
    "duration": (("h", 3_600_000), ("m", 60_000), ("s", 1000)),
    "size": (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)),
}
_IN_SAVED = "in the saved filter "
_NONE: Mapping[str, str] = {}


def parse_query(text: str, now_ms: int, saved: Mapping[str, str] = _NONE) -> RunQuery:
    """Parse a filter; an empty one fits every run.

    Args:
        text: what was typed.
        now_ms: what relative times count from, in milliseconds since 1970.
        saved: the filters that `@name` stands for.

    Raises:
        FilterError: pointing at the word that was not understood.
    """
    terms: list[Term] = []
    for word in iter_words(text):
        terms += _terms(word, now_ms, saved, 0)
        try:
            check_terms(terms)
        except InputError as error:
            raise word.error(error.message, error.hint) from None
    return RunQuery(tuple(terms))


def parse_term(key: str, text: str, now_ms: int) -> Term:
    """Parse one condition whose value is the whole text: what an option `--key TEXT` means.

    Commas separate alternatives, quotes mean themselves.

    Raises:
        FilterError: when the value does not fit the key.
    """
    word = Word(0, len(text))
    word.key = key
    is_regex = key == "re"
    word.values = (
        [Part(part.strip()) for part in text.split(",")] if not is_regex else [Part(text, is_regex=True)]
    )
    return _term(word, now_ms)


def check_terms(terms: Sequence[Term]) -> None:
    """Make sure that conditions can hold together, and can be asked for at once.

    Raises:
        InputError: they are too many, or the limits of a field are the wrong way round.
    """
    _check_number(terms)
    _check_ranges(terms)


def _check_number(terms: Sequence[Term]) -> None:
    if sum(len(term.values) for term in terms) > _MAX_VALUES:
        raise InputError(
            "ACODE-RUN-018", f"a filter has at most {_MAX_VALUES} values", "ask for fewer, or use a pattern"
        )


def _check_ranges(terms: Sequence[Term]) -> None:
    for field in dict.fromkeys(term.field for term in terms if FIELDS.get(term.field) in ORDERED):
        limits = [t for t in terms if t.field == field and not t.negated and len(t.values) == 1]
        low = max((int(t.values[0]) for t in limits if t.operator in (">", ">=")), default=None)
        high = min((int(t.values[0]) for t in limits if t.operator in ("<", "<=")), default=None)
        if low is not None and high is not None and low > high:
            key = field_key(field)
            raise InputError(
                "ACODE-RUN-018", f"no {key!r} is from {_readable(field, low)} to {_readable(field, high)}",
                "the limits are the wrong way round",
            )  # fmt: skip


def field_keys() -> tuple[str, ...]:
    """Return every key that can be typed, the short ones first."""
    return (*KEYS, *(name for name in FIELDS if name not in KEYS), *_ALIASES)


def field_of(key: str) -> str | None:
    """Return the field that a key asks about, or None when there is no such key."""
    key = _ALIASES.get(key.lower(), key.lower())
    return KEYS.get(key) or (key if key in FIELDS else None)


def field_key(field: str) -> str:
    """Return the key that people type for a field."""
    if field == "start_time":
        return "started"
    return next((key for key, name in KEYS.items() if name == field), field)


# From words to conditions


def _terms(word: Word, now_ms: int, saved: Mapping[str, str], depth: int) -> list[Term]:
    first = word.values[0]
    if any(len(part.text) > _MAX_VALUE for part in word.values):
        raise word.error("a value is too long", f"use at most {_MAX_VALUE} characters")
    if word.key is None and first.text.startswith("@") and not first.quoted:
        return _saved_terms(word, now_ms, saved, depth)
    limits = _range(word)
    if limits is None:
        return [_term(word, now_ms)]
    if word.negated:
        raise word.error("a range cannot be negated", "ask for one side of it: duration:<1s")
    terms = []
    for operator, text in limits:
        half = Word(word.start, word.end)
        half.key, half.values = word.key, [Part(text)]
        terms.append(replace(_term(half, now_ms), operator=operator))
    return terms


def _range(word: Word) -> list[tuple[Operator, str]] | None:
    """Return the two limits of `key:from..to`; None when the word is none."""
    field = field_of(word.key or "")
    part = word.values[0]
    if field is None or FIELDS[field] not in ORDERED or len(word.values) > 1 or part.quoted or part.is_regex:
        return None
    low, dots, high = part.text.partition("..")
    if not dots or (word.key or "") in _BOUNDS:
        return None
    limits: list[tuple[Operator, str]] = [(">=", low), ("<=", high)]
    found = [(operator, text) for operator, text in limits if text]
    if not found:
        raise word.error("a range needs a limit", f"write {word.key}:FROM..TO")
    return found


def _saved_terms(word: Word, now_ms: int, saved: Mapping[str, str], depth: int) -> list[Term]:
    from collector.suggest import did_you_mean

    name = word.values[0].text[1:]
    if not name:
        raise word.error("'@' needs the name of a saved filter", "'acode query list' shows them")
    if name not in saved:
        hint = did_you_mean(name, saved, f'to search for that text, quote it: "@{name}"')
        raise word.error(f"no saved filter {name!r}", hint)
    if depth >= _MAX_DEPTH:
        raise word.error(f"the saved filter {name!r} leads to itself", f"see 'acode query show {name}'")
    try:
        found = _terms_within(saved[name], now_ms, saved, depth + 1)
    except InputError as error:
        # Its column is one of the innermost filter, which is the one to mend.
        where = "" if error.message.startswith(_IN_SAVED) else f"{_IN_SAVED}{name!r}: "
        raise FilterError(where + error.message, error.hint, word.start, word.end) from None
    if not word.negated:
        return found
    if len(found) != 1:
        raise word.error(f"{name!r} has several conditions and cannot be negated", "negate them one by one")
    return [replace(found[0], negated=not found[0].negated)]


def _terms_within(text: str, now_ms: int, saved: Mapping[str, str], depth: int) -> list[Term]:
    """Return the conditions of a saved filter; filters in filters could be without end."""
    terms: list[Term] = []
    for word in iter_words(text):
        terms += _terms(word, now_ms, saved, depth)
        _check_number(terms)
    return terms


def _term(word: Word, now_ms: int) -> Term:
    if word.key is None:
        return Term(TEXT, (word.values[0].text,), ":", word.negated)
    key = _ALIASES.get(word.key, word.key)
    field = field_of(key)
    if field is None:
        raise _unknown_key(word)
    if any(part.is_regex for part in word.values):
        return _regex(word, field)
    operator = _BOUNDS.get(key) or _take_operator(word, field)
    check_parts(word, word.values)
    values = tuple(_value(word, part, field, now_ms) for part in word.values)
    return Term(field, values, operator, word.negated)


def _regex(word: Word, field: str) -> Term:
    from collector.store.patterns import compile_regex

    if FIELDS[field] not in _TEXTS and field not in (TEXT, "note"):
        raise word.error(
            f"{word.key!r} takes no regular expression", "texts do: re:/…/, cmd:re:/…/, task:re:/…/"
        )
    if not all(part.is_regex for part in word.values):
        raise word.error("a regular expression stands beside a text", "write two filters")
    for part in word.values:
        try:
            compile_regex(part.text)
        except InputError as error:
            raise word.error(error.message, error.hint) from None
    field = "command_line" if field == TEXT else field
    return Term(field, tuple(part.text for part in word.values), "~", word.negated)


def _unknown_key(word: Word) -> FilterError:
    from collector.suggest import did_you_mean

    key = word.key or ""
    whole = f'to search for text with a colon, quote it: "{key}:…"'
    return word.error(f"unknown key {key!r}", did_you_mean(key, field_keys(), whole))


def _take_operator(word: Word, field: str) -> Operator:
    """Take `>`, `>=` … off the first value; only what has an order can be compared. `=` asks for the
    whole of a text.
    """  # noqa: D205 - one thought
    first = word.values[0]
    if FIELDS[field] in _TEXTS and first.text.startswith("=") and not first.quoted:
        first.text = first.text[1:]
        return "="
    if FIELDS[field] not in ORDERED or first.quoted:
        return ":"
    for operator in _OPERATORS:
        if first.text.startswith(operator):
            first.text = first.text[len(operator) :]
            return operator
    return ":"


def _value(word: Word, part: Part, field: str, now_ms: int) -> str | int:
    kind = FIELDS[field]
    try:
        if kind == "time":
            return parse_time(part.text, now_ms)
        if kind == "duration":
            return parse_duration(part.text)
        if kind == "size":
            return parse_size(part.text)
    except InputError as error:
        raise word.error(error.message, error.hint) from None
    if kind == "number":
        return _number(word, part.text)
    if field in CHOICES:
        return _choice(word, part.text, field)
    return part.text.upper() if field in _ULIDS else part.text


def _number(word: Word, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or int(digits) >= _INT64:
        raise word.error(f"{text!r} is not a whole number", f"write {word.key}:1 or {word.key}:>0")
    return int(text)


def _choice(word: Word, text: str, field: str) -> str:
    from collector.suggest import did_you_mean

    aliases = _CHOICE_ALIASES.get(field, {})
    value = aliases.get(text.lower(), text.lower())
    if value in CHOICES[field]:
        return value
    hint = did_you_mean(text, (*CHOICES[field], *aliases), f"use one of {', '.join(CHOICES[field])}")
    raise word.error(f"unknown {field} {text!r}", hint)


# From conditions to text


def format_query(query: RunQuery) -> str:
    """Format the conditions of a query as text that `parse_query` reads back as they are."""
    return " ".join(format_term(term) for term in query.terms)


def format_term(term: Term) -> str:
    """Format one condition."""
    sign = "-" if term.negated else ""
    if term.field == TEXT and len(term.values) == 1:
        return f"{sign}{quote_value(str(term.values[0]))}"
    if term.operator == "~":
        key = (
            ""
            if term.field in ("command_line", TEXT) and len(term.values) == 1
            else field_key(term.field) + ":"
        )
        return f"{sign}{key}{','.join(f're:/{_escape_slashes(str(value))}/' for value in term.values)}"
    key, operator = _key(term)
    return f"{sign}{key}:{operator}{','.join(_format_values(term))}"


def _key(term: Term) -> tuple[str, str]:
    operator = "" if term.operator == ":" else term.operator
    if term.field == "start_time":
        for key, bound in _BOUNDS.items():
            if bound == term.operator:
                return key, ""
        return "started", operator
    return field_key(term.field), operator


def _format_values(term: Term) -> Iterable[str]:
    for value in term.values:
        yield quote_value(value) if isinstance(value, str) else _shown(term.field, value)


def _shown(field: str, value: int) -> str:
    """Return a number, time, duration or size as it is typed."""
    from collector.clock import format_iso

    kind = FIELDS.get(field)
    if kind == "time":
        return format_iso(value)
    return f"{value}ms" if kind == "duration" else f"{value}b" if kind == "size" else str(value)


def _readable(field: str, value: int) -> str:
    """Return a limit as people would say it: `1m`, not `60000ms`."""
    units = _UNITS.get(FIELDS[field], ())
    for unit, size in units:
        if value % size == 0 and value >= size:
            return f"{value // size}{unit}"
    return _shown(field, value)


def _escape_slashes(source: str) -> str:
    """Escape slashes but those that are escaped; a backslash and what follows stay together."""
    escaped, position = "", 0
    while position < len(source):
        length = 2 if source[position] == "\\" else 1
        part = source[position : position + length]
        escaped += "\\/" if part == "/" else part
        position += length
    return escaped


def quote_value(value: str) -> str:
    """Return a text as it must be typed to mean itself."""
    plain = not (_NEEDS_QUOTES & set(value)) and not any(c.isspace() for c in value)
    if plain and value and value not in OPERATORS and not value.startswith(("-", "=", "@", "re:")):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
