"""A RunQuery as SQL: pure, and the only place where the two meet.

Values travel as parameters; column names come from tables here, never from the query.
"""

from __future__ import annotations

from _json import encode_basestring_ascii

from collector.errors import InputError
from collector.model.query import FIELDS, SORTS, TEXT, RunQuery, Term
from collector.store.quick_json import loads
from collector.store.schema import COMMAND_KEY, FAILED

_FAILED_STATUSES = {"failure", "timeout", "cancelled"}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

Sql = tuple[str, list[str | int]]


def where(query: RunQuery) -> Sql:
    """Return the condition (never empty) and its parameters."""
    conditions: list[str] = []
    parameters: list[str | int] = []
    for term in query.terms:
        condition, values = _condition(term)
        conditions.append(condition)
        parameters += values
    return " AND ".join(conditions) or "1", parameters


def order(query: RunQuery) -> str:
    """Return the ORDER BY list; ties are broken by `seq`, so every order is total."""
    direction = "DESC" if query.descending else "ASC"
    return f"{sort_key(query)} {direction}, seq {direction}"


def sort_key(query: RunQuery) -> str:
    """Return the expression that the query sorts by; missing values count as smallest.

    Raises:
        InputError: for a field that cannot be sorted by.
    """
    if query.sort not in SORTS:
        raise InputError("ACODE-RUN-018", f"cannot sort by {query.sort!r}", f"use one of {', '.join(SORTS)}")
    if query.sort in ("start_time", "output_bytes"):
        return query.sort
    text = query.sort in ("status", "task", "type", "command_line", "session_id")
    return f"IFNULL({query.sort}, '')" if text else f"IFNULL({query.sort}, -9223372036854775808)"


def beyond(query: RunQuery, cursor: str, inclusive: bool = False) -> Sql:
    """Return the condition for rows after (or from) a cursor in the query's order."""
    value, seq = decode_cursor(cursor)
    comparison = ("<" if query.descending else ">") + ("=" if inclusive else "")
    return f"({sort_key(query)}, seq) {comparison} (?, ?)", [value, seq]


def encode_cursor(value: str | int, seq: int) -> str:
    """Return the opaque place of a row in an order."""
    from binascii import b2a_base64  # `base64` would load more than a page needs

    shown = value if isinstance(value, int) else encode_basestring_ascii(value)
    text = b2a_base64(f"[{shown},{seq}]".encode(), newline=False).decode()
    return text.rstrip("=").replace("+", "-").replace("/", "_")


def decode_cursor(cursor: str) -> tuple[str | int, int]:
    """Return what `encode_cursor` was given.

    Raises:
        InputError: when it is not a cursor.
    """
    import base64
    import binascii

    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        value, seq = loads(text.decode())
    except (ValueError, binascii.Error, UnicodeEncodeError):
        value = seq = None
    if not isinstance(value, str | int) or not isinstance(seq, int):
        raise InputError("ACODE-RUN-018", f"{cursor!r} is not a cursor", "use a page's next_cursor")
    return value, seq


def _condition(term: Term) -> Sql:
    kind = FIELDS.get(term.field)
    if kind is None:
        raise InputError("ACODE-RUN-018", f"unknown field {term.field!r}")
    condition, values = _KINDS[kind](term)
    if not term.negated:
        return condition, values
    # A run without an exit code has not exited with another one; any other missing value differs.
    missing_fits = 1 if term.field == "exit_code" else 0
    return f"NOT IFNULL({condition}, {missing_fits})", values


def _any(parts: list[str]) -> str:
    return f"({' OR '.join(parts)})" if len(parts) > 1 else parts[0]


def _word(term: Term) -> Sql:
    """With one value, an index holds the rows in order. With several, it would hold them in several
    orders and all would be sorted: walking by time finds a page sooner, which the plus sign asks for.
    """  # noqa: D205 - one thought
    if term.field == "status" and {*term.values} == _FAILED_STATUSES:
        return FAILED, []
    marks = ",".join("?" * len(term.values))
    walk = "+" if len(term.values) > 1 else ""
    return f"{walk}{term.field} IN ({marks})", list(term.values)


def _comparison(term: Term) -> Sql:
    operator = "=" if term.operator == ":" else term.operator
    return _any([f"{term.field} {operator} ?" for _ in term.values]), list(term.values)


def _prefix(term: Term) -> Sql:
    if term.operator == "=":
        return _any([f"{term.field} = ?" for _ in term.values]), list(term.values)
    values: list[str | int] = []
    for value in term.values:
        values += [str(value), str(value) + "\U0010ffff"]
    return _any([f"({term.field} >= ? AND {term.field} < ?)" for _ in term.values]), values


def _glob(term: Term) -> Sql:
    if term.operator == "=":
        return _any([f"{term.field} = ?" for _ in term.values]), list(term.values)
    parts, values = [], []
    for value in map(str, term.values):
        if "*" in value or "?" in value:
            parts.append(f"{term.field} GLOB ?")
            values.append(value.replace("[", "[[]"))
        else:
            parts.append(f"{term.field} = ?")
            values.append(value)
    return _any(parts), list(values)


def _command_glob(term: Term) -> Sql:
    """A command without a wildcard is a substring, as people expect of `cmd:pytest`."""
    if term.operator == "=":
        return _exact_command(term)
    parts: list[str] = []
    values: list[str | int] = []
    for value in map(str, term.values):
        if "*" in value or "?" in value:
            condition, more = _glob(Term(term.field, (value,)))
        else:
            condition, more = _text(Term(TEXT, (value,)))
        parts.append(condition)
        values += more
    return _any(parts), values


def _exact_command(term: Term) -> Sql:
    """The index holds a key of each command line, short however long that is; SQLite makes both keys.

    Without the plus sign SQLite would put the value in the place of the column everywhere, also in the key,
    and no longer know the index's expression.
    """
    key = COMMAND_KEY.replace("command_line", "?")
    conditions = [f"({COMMAND_KEY} = {key} AND +command_line = ?)" for _ in term.values]
    return _any(conditions), [value for value in term.values for _ in range(key.count("?") + 1)]


def _text(term: Term) -> Sql:
    """LIKE ignores the case of ASCII letters, which is what a search box is expected to do."""
    escaped = [str(v).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for v in term.values]
    condition = _any(["command_line LIKE ? ESCAPE '\\'"] * len(escaped))
    return condition, [f"%{value}%" for value in escaped]


def _tag(term: Term) -> Sql:
    parts: list[str] = []
    values: list[str | int] = []
    for item in map(str, term.values):
        key, equals, value = item.partition("=")
        condition = "key = ? AND value = ?" if equals else "key = ?"
        parts.append(f"seq IN (SELECT run_seq FROM tags WHERE {condition})")
        values += [key, value] if equals else [key]
    return _any(parts), values


_KINDS: dict[str, Callable[[Term], Sql]] = {
    "word": _word,
    "number": _comparison,
    "time": _comparison,
    "duration": _comparison,
    "prefix": _prefix,
    "glob": lambda term: _command_glob(term) if term.field == "command_line" else _glob(term),
    "text": _text,
    "tag": _tag,
}
