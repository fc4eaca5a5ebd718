r"""What is typed into one line to search by: text or `re:/…/`, and conditions on runs among it; pure.

    connection refused status:failed since:1d
    re:/timeout after \d+s/ task:build

A word is a condition when it begins with a key of the filter language and has a value, or names a saved
filter; everything else is text, as it stands. What is in quotes is text whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Container

from collector.errors import InputError
from collector.query.language import field_keys
from collector.store.patterns import Pattern

_WORD = re.compile(r're:/(?:\\.|[^/\\])*/(?=\s|$)|(?:"(?:\\.|[^"\\])*"|\S)+')
_KEY = re.compile(r"-?([A-Za-z_]+):(?=\S)")
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"')
_KEYS = frozenset(field_keys()) - {"re", "regex", "text"}


def split_search(line: str, saved: Container[str] = ()) -> tuple[str, str]:
    """Return the text to look for, and the filter.

    Args:
        line: what was typed.
        saved: the names of saved filters.
    """
    text: list[str] = []
    conditions: list[str] = []
    end = 0
    for match in _WORD.finditer(line):
        word = match.group()
        if _is_condition(word, saved):
            conditions.append(word)
        else:
            # The space between two words of a text is part of it.
            text.append((line[end : match.start()] if text else "") + _unquoted(word))
        end = match.end()
    return "".join(text), " ".join(conditions)


def _is_condition(word: str, saved: Container[str]) -> bool:
    if word.startswith(("@", "-@")):
        return word.lstrip("-")[1:] in saved
    key = _KEY.match(word)
    return key is not None and key.group(1).lower() in _KEYS


def _unquoted(word: str) -> str:
    found = _QUOTED.fullmatch(word)
    return re.sub(r"\\(.)", r"\1", found.group(1)) if found else word


def search_pattern(text: str, ignore_case: bool | None = None, is_fixed: bool = False) -> Pattern:
    """Return what is looked for.

    Args:
        text: a text, or `re:/…/`, `re:/…/i`, `re:…`.
        ignore_case: None ignores it where there is no capital letter.
        is_fixed: `re:/…/` is a text like any other.

    Raises:
        InputError: it is empty, of several lines, or no regular expression.
    """
    is_regex = text.startswith("re:") and not is_fixed
    source = _expression(text.removeprefix("re:")) if is_regex else text
    if not source or "\n" in source:
        raise InputError("ACODE-RUN-018", "nothing to look for in a line", "write a text, or re:/…/")
    if ignore_case is None:
        ignore_case = not _has_capital(source, is_regex)
    return Pattern(source, is_regex, ignore_case)


def _expression(text: str) -> str:
    """Return what stands between slashes, or all of a text that does not begin with one."""
    if not text.startswith("/"):
        return text
    for end, flag in (("/i", "(?i)"), ("/", "")):
        if text.endswith(end) and len(text) > len(end):
            body = text[1 : -len(end)]
            return flag + body if body else ""
    hint = "quote it whole for the shell: 're:/some words/'"
    raise InputError("ACODE-RUN-018", f"{text!r} has no closing slash", hint)


def _has_capital(source: str, is_regex: bool) -> bool:
    """Tell whether there is a capital letter that means itself: not that of a class such as W."""
    if not is_regex:
        return source != source.lower()
    is_escaped = False
    for character in source:
        if not is_escaped and character != character.lower():
            return True
        is_escaped = character == "\\" and not is_escaped
    return False
