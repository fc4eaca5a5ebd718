"""Changing a filter's text condition by condition, where the rest of it stays as it was typed; pure.

Only plain conditions count: `key:value,value` and `@name`, also negated. Ranges, expressions and comparisons
are nobody's choice of a value.
"""

from __future__ import annotations

from collector.errors import InputError
from collector.model.frozen import dataclass
from collector.model.query import FIELDS
from collector.query.language import CHOICES, field_key, field_of, parse_term, quote_value
from collector.query.words import Word, iter_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

SAVED_FIELD = "@"
"""What stands for a field where a saved filter is chosen; its value is the name."""

_TEXTS = frozenset({"glob", "prefix"})


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a filter asks for, or (negated) leaves out."""

    field: str
    value: str
    negated: bool = False


def choices_of(text: str) -> tuple[Choice, ...]:
    """Return the values that a filter asks for one by one. Raises FilterError."""
    return tuple(
        Choice(field, value, word.negated)
        for word in iter_words(text)
        for field, values in [_plain(word)]
        for value in values
    )


def toggle_choice(text: str, choice: Choice, known: Iterable[str] = ()) -> str:
    """Return the filter with a value asked for (or left out), or without it when it was that already.

    Args:
        text: the filter.
        choice: a value as `RunStore.facets` tells it, or the name of a saved filter.
        known: the other values there are; the condition does not fit these.

    Raises:
        FilterError: the text is no filter.
    """
    was = choice in choices_of(text)
    without = _edit(text, lambda word: _without_value(word, choice))
    return without if was else _with_value(without, choice, known)


def without_field(text: str, field: str) -> str:
    """Return the filter without the plain conditions on a field. Raises FilterError."""
    return _edit(text, lambda word: "" if _plain(word)[0] == field else None)


def _plain(word: Word) -> tuple[str, Sequence[str]]:
    """Return the field and the values of a plain condition; none of either for anything else."""
    first = word.values[0]
    if word.key is None:
        is_saved = first.text.startswith("@") and not first.quoted
        return (SAVED_FIELD, [first.text[1:]]) if is_saved else ("", [])
    field = field_of(word.key) or ""
    kind = FIELDS.get(field)
    if kind not in ("word", "tag", *_TEXTS) or any(part.is_regex for part in word.values):
        return "", []
    if field in CHOICES:
        return field, [_canonical(field, part.text) for part in word.values]
    values = [part.text for part in word.values]
    if kind in _TEXTS and not first.quoted:
        values[0] = values[0].removeprefix("=")
    return field, values


def _canonical(field: str, text: str) -> str:
    """Return `failure` for `failed`; what is no value at all stays."""
    try:
        return str(parse_term(field, text, 0).values[0])
    except InputError:
        return text


def _edit(text: str, change: Callable[[Word], str | None]) -> str:
    """Return the text with some words changed; an empty one goes with the space before it, None stays."""
    parts: list[str] = []
    for word, gap in _gaps(text):
        changed = change(word)
        if changed != "":
            parts.append(gap + (text[word.start : word.end] if changed is None else changed))
    return "".join(parts).lstrip()


def _gaps(text: str) -> Iterator[tuple[Word, str]]:
    end = 0
    for word in iter_words(text):
        yield word, text[end : word.start] or ""
        end = word.end


def _without_value(word: Word, choice: Choice) -> str | None:
    field, values = _plain(word)
    if field != choice.field or choice.value not in values:
        return None
    left = [value for value in values if value != choice.value]
    if not left:
        return ""
    exactly = "=" if _is_exact(word) else ""
    return f"{'-' * word.negated}{word.key}:{exactly}{','.join(map(quote_value, left))}"


def _is_exact(word: Word) -> bool:
    first = word.values[0]
    return (
        first.text.startswith("=") and not first.quoted and FIELDS[field_of(word.key or "") or ""] in _TEXTS
    )


def _with_value(text: str, choice: Choice, known: Iterable[str]) -> str:
    if choice.field == SAVED_FIELD:
        return f"{text} {'-' * choice.negated}@{choice.value}".strip()
    exact = _needs_exact(choice, known)
    value = quote_value(choice.value)
    added = False

    def append(word: Word) -> str | None:
        nonlocal added
        if added or not _takes(word, choice, exact):
            return None
        added = True
        typed = text[word.start : word.end]
        if exact and not _is_exact(word):
            typed = typed.replace(":", ":=", 1)
        return f"{typed},{value}"

    edited = _edit(text, append)
    if added:
        return edited
    return f"{text} {'-' * choice.negated}{field_key(choice.field)}:{'=' * exact}{value}".strip()


def _takes(word: Word, choice: Choice, exact: bool) -> bool:
    """Whether a value can stand beside those of a word; one that must fit exactly makes the others do so."""
    field, values = _plain(word)
    if field != choice.field or word.negated != choice.negated:
        return False
    return not exact or _is_exact(word) or not any(_is_pattern(value) for value in values)


def _is_pattern(value: str) -> bool:
    return any(sign in value for sign in "*?")


def _needs_exact(choice: Choice, known: Iterable[str]) -> bool:
    """Whether the value, as it stands, would fit others too."""
    kind = FIELDS.get(choice.field)
    if kind == "glob":
        return _is_pattern(choice.value)
    return kind == "prefix" and any(
        other != choice.value and other.startswith(choice.value) for other in known
    )
