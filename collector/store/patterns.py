"""What people look for in text, plain or as a regular expression, and what an index can know of it.

Regular expressions are RE2's (https://github.com/google/re2/wiki/Syntax): they take time in proportion to
the text, whatever they are, and have neither lookaround nor backreferences.

An index of trigrams finds texts that may fit: `trigram_match` gives a condition that every text with a
match fulfils. It is SQLite's tokenizer `trigram`, without regard to case; a text's NUL characters, at
which that tokenizer would stop, must have been replaced when it was indexed (`indexable`).
"""

from __future__ import annotations

from collector.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    Span = tuple[int, int]
    Token = tuple[Any, Any]

_MAX_LENGTH = 4000
_MAX_TRIGRAMS = 24
"""A condition of more trigrams takes longer and hardly says more."""
_MAX_MEMORY = 16 << 20


class Pattern:
    """A text or a regular expression to look for, compiled.

    Args:
        source: the text, or the expression.
        is_regex: which of the two.
        ignore_case: whether `a` also means `A`.

    Raises:
        InputError: it is no regular expression, or one that RE2 does not know or finds too large.
    """

    __slots__ = ("_compiled", "_in_lines", "_lowered", "ignore_case", "is_regex", "source")

    def __init__(self, source: str, is_regex: bool, ignore_case: bool) -> None:
        self.source = source
        self.is_regex = is_regex
        self.ignore_case = ignore_case
        self._compiled: Any = None
        self._in_lines: Any = None
        self._lowered = (b"", b"")
        if is_regex or len(source) > _MAX_LENGTH:
            self._engine()

    def _engine(self) -> Any:
        """Return the compiled pattern; the engine takes longer to load than a text to be found."""
        if self._compiled is None:
            self._compiled = _compile(self.source, self.is_regex, self.ignore_case)
        return self._compiled

    def find(self, text: str) -> Span | None:
        """Return where the first match is, in characters; None when there is none."""
        found = self._engine().search(text)
        return None if found is None else found.span()

    def fits(self, text: str) -> bool:
        """Tell whether there is a match."""
        return self._engine().search(text) is not None

    def find_in_line(self, data: bytes, start: int = 0) -> Span | None:
        """Return where, in bytes, the first match within a line is; `^` and `$` are a line's ends.

        What is no UTF-8 fits nothing, not even a dot.
        """
        if not self.is_regex and (self.source.isascii() or not self.ignore_case):
            return self._find_text(data, start)
        if self._in_lines is None:
            source = f"(?m){self.source}" if self.is_regex else self.source
            self._in_lines = _compile(source, self.is_regex, self.ignore_case, in_lines=True)
        found = self._in_lines.search(data, start)
        return None if found is None else found.span()

    def _find_text(self, data: bytes, start: int) -> Span | None:
        text = self.source.encode("utf-8", "replace")
        if self.ignore_case:
            if self._lowered[0] is not data:
                self._lowered = data, data.lower()
            data, text = self._lowered[1], text.lower()
        place = -1 if b"\n" in text else data.find(text, start)
        return None if place < 0 else (place, place + len(text))

    def iter_spans(self, text: str) -> Iterator[Span]:
        """Yield where the matches are, in characters; they do not overlap."""
        for found in self._engine().finditer(text):
            yield found.span()


def compile_text(text: str, ignore_case: bool = False) -> Pattern:
    """Return a pattern that means a text as it is."""
    return Pattern(text, False, ignore_case)


def compile_regex(source: str, ignore_case: bool = False) -> Pattern:
    """Return a pattern that is a regular expression. Raises InputError."""
    return Pattern(source, True, ignore_case)


def indexable(text: str) -> str:
    """Return a text as an index of trigrams must be given it."""
    return text.replace("\0", "\ufffd")


def _compile(source: str, is_regex: bool, ignore_case: bool, in_lines: bool = False) -> Any:
    import re2

    shown = source if len(source) <= 60 else source[:60] + "…"
    if len(source) > _MAX_LENGTH:
        hint = f"use at most {_MAX_LENGTH} characters"
        raise InputError("ACODE-RUN-018", f"{shown!r} is too long to look for", hint)
    options = re2.Options()
    options.log_errors = False
    options.literal = not is_regex
    options.case_sensitive = not ignore_case
    options.max_mem = _MAX_MEMORY
    options.never_nl = in_lines
    try:
        return re2.compile(source.encode("utf-8", "replace").decode(), options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        hint = "see https://github.com/google/re2/wiki/Syntax"
        raise InputError("ACODE-RUN-018", f"{shown!r} is not a regular expression: {why}", hint) from None


# What an index can know


def trigram_match(pattern: Pattern) -> str | None:
    """Return a MATCH expression of FTS5 that every text with a match fulfils; None when all may have one."""
    if not pattern.is_regex:
        return match_of_text(pattern.source, pattern.ignore_case)
    # Where the two dialects read the same text differently: POSIX classes are RE2's alone.
    if "[:" in pattern.source:
        return None
    import re
    import warnings
    from importlib import import_module

    parser: Any = import_module("re._parser")  # not public, and known to some type checkers only

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = parser.parse(pattern.source)
    except (re.error, OverflowError, RecursionError):
        return None
    ignore_case = pattern.ignore_case or "(?" in pattern.source
    return _all(_required(parsed, ignore_case))


def match_of_text(text: str, ignore_case: bool = False) -> str | None:
    """Return `trigram_match` of a text as it is, without compiling it."""
    return _all(_trigrams(text, ignore_case))


def _trigrams(text: str, ignore_case: bool) -> list[str]:
    found: dict[str, None] = {}
    for start in range(len(text) - 2):
        part = text[start : start + 3]
        # SQLite folds fewer letters than RE2 does; of ASCII, both fold the same.
        if "\0" not in part and "\ufffd" not in part and (part.isascii() or not ignore_case):
            found['"' + part.replace('"', '""') + '"'] = None
    step = max(1, -(-len(found) // _MAX_TRIGRAMS))
    return list(found)[::step]


def _all(conditions: Iterable[str]) -> str | None:
    return " AND ".join(dict.fromkeys(conditions)) or None


def _required(tokens: Iterable[Token], ignore_case: bool) -> list[str]:
    """Return conditions that all hold wherever a sequence of tokens matches."""
    conditions: list[str] = []
    text = ""
    for kind, value in _flat(tokens):
        if kind == "LITERAL":
            text += chr(value)
            continue
        repeated = _literal(value) if kind == "REPEAT" else ""
        conditions += _trigrams(text + repeated, ignore_case)
        text = repeated
        if kind == "BRANCH":
            conditions += _either(value, ignore_case)
        elif kind == "REPEAT" and not repeated:
            conditions += _required(value, ignore_case)
    return [*conditions, *_trigrams(text, ignore_case)][: 2 * _MAX_TRIGRAMS]


def _literal(tokens: Iterable[Token]) -> str:
    """Return the text that tokens are, empty when they may be others."""
    parts = list(_flat(tokens))
    return "".join(chr(value) for _, value in parts) if all(kind == "LITERAL" for kind, _ in parts) else ""


def _either(branches: Iterable[Iterable[Token]], ignore_case: bool) -> list[str]:
    parts = [_all(_required(branch, ignore_case)) for branch in branches]
    if not all(parts):
        return []
    return ["(" + " OR ".join(f"({part})" for part in parts) + ")"]


def _flat(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield tokens with groups opened: `LITERAL` a character, `BRANCH` alternatives, `REPEAT` what comes at
    least once, and `OTHER`, which may be anything.
    """  # noqa: D205 - one thought
    for token, value in tokens:
        kind = str(token)
        if kind == "LITERAL":
            yield "LITERAL", value
        elif kind == "SUBPATTERN":
            yield from _flat(value[-1])
        elif kind == "BRANCH":
            yield "BRANCH", value[1]
        elif kind in ("MAX_REPEAT", "MIN_REPEAT") and value[0] >= 1:
            yield "REPEAT", value[2]
        elif kind != "AT":  # a place, such as \b, stands between characters without being one
            yield "OTHER", None
