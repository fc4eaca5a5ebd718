"""A filter as words: `-key:value,value`, `"quoted text"`, `re:/expression/`, `@saved`; pure.

Every word knows where it stands, so that an error can point at it.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.errors import InputError

OPERATORS = ("OR", "AND", "NOT", "||", "&&")
"""What other languages join words with."""


class FilterError(InputError):
    """A word of a filter that was not understood: `text[start:end]`."""

    def __init__(self, message: str, hint: str, start: int, end: int) -> None:
        super().__init__("ACODE-RUN-018", message, hint)
        self.start = start
        self.end = end


class Part:
    """A piece of a word between separators: its text, and whether it was quoted or is an expression."""

    __slots__ = ("is_regex", "quoted", "text")

    def __init__(self, text: str, quoted: bool = False, is_regex: bool = False) -> None:
        self.text = text
        self.quoted = quoted
        self.is_regex = is_regex


class Word:
    """One word of a filter: `-key:value,value`, `key` None for bare text."""

    __slots__ = ("end", "key", "negated", "start", "values")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.negated = False
        self.key: str | None = None
        self.values: list[Part] = []

    def error(self, message: str, hint: str = "") -> FilterError:
        """Return the error that points at this word."""
        return FilterError(f"{message} at column {self.start + 1}", hint, self.start, self.end)


def iter_words(text: str) -> Iterator[Word]:
    """Yield the words of a filter. Raises FilterError."""
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text):
            return
        word, position = _read_word(text, position)
        yield word


def _read_word(text: str, start: int) -> tuple[Word, int]:
    word = Word(start, start)
    position = start
    if text[position] == "-":
        word.negated = True
        position += 1
    if text.startswith("re:", position):
        word.key = "re"
        part, position = _read_regex(text, position + len("re:"), word)
        parts = [part]
    else:
        parts, position = _read_parts(text, position, word)
    word.end = position
    check_parts(word, parts)
    word.values = parts
    return word, position


def _read_parts(text: str, position: int, word: Word) -> tuple[list[Part], int]:
    """Read up to the next space outside quotes; the first unquoted colon ends the key."""
    parts = [Part("")]
    while position < len(text) and not text[position].isspace():
        character = text[position]
        if character == '"' and parts[-1].text in ("", "=") and not parts[-1].quoted:
            exactly = parts[-1].text
            parts[-1], position = _read_quoted(text, position, word)
            parts[-1] = Part(exactly + parts[-1].text, not exactly)
            continue
        if word.key is not None and not parts[-1].text and text.startswith("re:/", position):
            parts[-1], position = _read_regex(text, position + len("re:"), word)
            continue
        if character == ":" and word.key is None and not parts[-1].quoted:
            word.key = parts[-1].text.lower()
            parts = [Part("")]
        elif character == "," and word.key is not None:
            parts.append(Part(""))
        else:
            parts[-1].text += character
        position += 1
    return parts, position


def _read_quoted(text: str, start: int, word: Word) -> tuple[Part, int]:
    value, position = "", start + 1
    while position < len(text):
        character = text[position]
        if character == '"':
            return Part(value, quoted=True), position + 1
        if character == "\\" and text[position + 1 : position + 2] in ('"', "\\"):
            position += 1
            character = text[position]
        value += character
        position += 1
    word.end = len(text)
    raise word.error(f"{text[start:]!r} has no closing quote", 'end it with "')


def _read_regex(text: str, start: int, word: Word) -> tuple[Part, int]:
    """Read `/expression/`, in which a slash is also one where no word could end, or what ends at a space."""
    if not text.startswith("/", start):
        end = start
        while end < len(text) and not text[end].isspace():
            end += 1
        return Part(text[start:end], is_regex=True), end
    value, position = "", start + 1
    while position < len(text):
        character = text[position]
        if character == "\\":
            pair = text[position : position + 2]
            value += "/" if pair == "\\/" else pair
            position += 2
            continue
        closed = _end_of_regex(text, position) if character == "/" else None
        if closed is not None:
            ignore_case = "(?i)" if text[position + 1 : closed] == "i" else ""
            return Part(ignore_case + value, is_regex=True), closed
        value += character
        position += 1
    word.end = len(text)
    raise word.error(f"{text[start:]!r} has no closing slash", "write re:/expression/")


def _end_of_regex(text: str, slash: int) -> int | None:
    """Return where an expression ends that this slash (and an `i`) closes; None when it closes none."""
    for end in (slash + 1, slash + 2 if text.startswith("i", slash + 1) else slash + 1):
        if end >= len(text) or text[end].isspace() or text[end] == ",":
            return end
    return None


def check_parts(word: Word, parts: list[Part]) -> None:
    """Raise FilterError when there is nothing where something must be."""
    if any(not part.text for part in parts):
        if word.key is not None:
            raise word.error(f"{word.key + ':'!r} needs a value", f"write {word.key}:VALUE")
        raise word.error("a word is missing", 'put a word or a "quoted phrase" there')
    if word.key is None and not parts[0].quoted and parts[0].text in OPERATORS:
        hint = f'every word must fit; write key:a,b for either, or "{parts[0].text}" to look for it'
        raise word.error(f"{parts[0].text} joins nothing here", hint)
