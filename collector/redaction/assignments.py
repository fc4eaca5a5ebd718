r"""Secrets that nothing but their place gives away: values of names like `password`, and parts of addresses.

A name is found first; then what stands beside it (`X_PASSWORD=…`, `"token": "…"`, `--api-key …`,
`<secret>…</secret>`, `"name": "TOKEN", "value": "…"`), or in the next line (`password: |`); then `judging`
says whether that is a secret. `places` are found by patterns of their own.
"""

from __future__ import annotations

import functools

from collector.redaction import judging
from collector.redaction.engine import compile_bytes
from collector.redaction.places import FILTER as PLACES_FILTER
from collector.redaction.places import places
from collector.redaction.spans import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

RULE = "assigned-secret"
_WORD = (
    rb"(?i)pass(?:words?|wd|wort)?|p(?:a?s{1,2})w(?:o?r?d)?|pw[dr]?|psk|secrets?|tokens?|keys?|credentials?"
    rb"|private|access|auth(?:entication)?|[_-]pat\b|conn(?:ection)?[ _-]?str(?:ing)?"
)
_NAME = bytes(range(ord("a"), ord("z") + 1)) + bytes(range(ord("A"), ord("Z") + 1)) + b"0123456789_$-"
_COLOUR = rb"(?:\x1b\[[0-9;]{0,20}m)?"
_SIGN = (
    rb"(?:\x1b\[[0-9;]{0,20}m)?\\{0,3}(?:&quot;|[\"'`]{0,3})[)\]]{0,2}(?:\x1b\[[0-9;]{0,20}m)?"
    rb"(?:"
    # A type between the name and the sign, in any of the places where languages write it.
    rb"[ \t]{0,4}:[ \t]{0,4}[A-Za-z_&*][\w.\[\]<>?&*']{0,30}(?:[ \t]{0,4}\|[ \t]{0,4}None)?[ \t]{0,4}(={1,2})"
    rb"|[ \t]{1,4}(?:string|str|\[\]byte|\[\][ \t]?string|char\[\])[ \t]{0,4}(:?=)"
    rb"|[ \t]{0,20}(\?\?=|\|\|=|={1,3}>?|:{1,3}=|\?=|\+=|\.=|!={1,2}|->|<-|:{1,2}|\|{1,2})"
    rb"|(?i:,[ \t]{0,4}\\{0,3}[\"']value\\{0,3}[\"'])[ \t]{0,4}([:=,])"
    rb"|(?i:[ \t]{1,4}(?:value|content|default))[ \t]{0,4}(=)"
    rb"|(?:[ \t]{1,8}[\w:.-]{1,40}=(?:\"[^\"<>]{0,80}\"|'[^'<>]{0,80}')){0,3}[ \t]{0,4}(>)"
    rb"|[ \t]{0,4}(,|\()"
    rb")[ \t]{0,20}(?:\x1b\[[0-9;]{0,20}m)?"
)
_QUOTE = rb"(?:[@bfruN$L]|\[[ \t]{0,4}|new Buffer\()?(\\{0,3}(?:\"{3}|'{3}|[\"'`]|&quot;))"
_BARE = rb"[^\s\"'`<>(){}\[\],;\x1b\\|&]+(?:&[^\s\"'`<>(){}\[\],;\x1b\\|&=]+)?"
_NEXT = (
    rb"^[ \t>|*#-]{0,80}(?:[<\"']{0,2}(?i:value|val|default|string"
    rb"|data)[\"']?[ \t]{0,4}[:=>]{1,2}[ \t]{0,4})?"
    rb"\\{0,3}[\"'`]?([^\s\"'`<>\\]{6,1000})\\{0,3}[\"'`]?[ \t]*(?:[,;/]?>?|</[\w:.-]+>),?[ \t]*$"
)
_DEFINES = rb"(?:^|[^\w])[#%]?(?:define|global|setenv|export)(?:[ \t]|\\t){1,4}[\w.-]{1,60}$"
_MAX_VALUE = 4000
_MAX_AROUND = 200
"""How much of a line is looked at around each of the names in it; all of it would take time squared."""
_MAX_SIGN = 240

FILTER = (
    rb"(?i:passw|pwd|pswd|p(?:a?s{1,2})w(?:o?r?)d|pass(?:phrase|code|wd)|(?:\b|_|sql|db|user|[0-9])p(?:ass|w|sk)"
    rb"|secret|token|credential|api[ _.-]?key|[_-]pat|conn(?:ection)?[ _-]?str|[a-z]key|[_. -]keys?)"
    rb"[A-Za-z0-9_\-]*\\*(?:\x1b\[[0-9;]*m)?[\"'`)\]]*[ \t]*"
    rb"(?:[:=>|,(]|/>|[?+.!]{1,2}=|<-|-+>|\x1b|&quot;|value|content|string[ \t=]|str[ \t=]|\[\]byte|\\t)"
    rb"|(?i:name|key|id)[\"']?[ \t]*[:=][ \t]*[\"']?[\w.-]*(?i:secret|token|passw|key)[\w-]*[\"']?[ \t]*,?"
    rb"[ \t]*$"
    rb"|(?i:secret|token|key|private|access|auth|passw[a-z]*)[A-Za-z_-]*[ \t\"'#_=:>,(-]+[A-Za-z0-9+/_.-]{16}"
    rb"|--[a-z-]*(?:pass|token|secret|key)|(?:define|global|setenv|export)[ \t].*[\"']|" + PLACES_FILTER
)
"""Fits every line with a name that says so and a sign, a name and something long, or a place."""


@functools.cache
def _re(pattern: bytes) -> Any:
    return compile_bytes(pattern, captures=True, in_lines=True)


class Assignments:
    """Finds them line by line; a name at the end of a line has its value in the next."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting = ""

    @property
    def is_waiting(self) -> bool:
        """Whether the next line may hold the value of a name in the last one."""
        return bool(self._waiting)

    def find(self, line: bytes) -> Iterator[Finding]:
        """Yield the secrets of a line."""
        waiting, self._waiting = self._waiting, ""
        if waiting:
            yield from _in_next_line(line, waiting)
        lowered = line.lower()
        for place in places():
            if place.word in lowered:
                for match in place.pattern.finditer(line):
                    value = match.group(1)
                    if judging.is_template(value) or (place.is_judged and not judging.is_random(value, 16)):
                        continue
                    yield Finding(match.start(1), match.end(1), place.rule)
        yield from self._find_named(line)

    def _find_named(self, line: bytes) -> Iterator[Finding]:
        end = 0
        for word in _re(_WORD).finditer(line):
            if word.start() < end:
                continue
            start, end = _bounds(line, word.start(), word.end())
            name = line[start:end]
            before = line[max(0, start - 16) : start].split()
            kind = judging.kind_of_name(
                name, before[-1] if before and line[start - 1 : start] == b" " else b""
            )
            if not kind or line[max(0, start - 5) : start] == b"/etc/":
                continue
            if kind == judging.KEY and b"cache" in line[max(0, start - _MAX_AROUND) : start].lower():
                continue
            found = _value_of(line, start, end, kind)
            if found is not None:
                yield Finding(found[0], found[1], RULE)
                end = found[1]
            elif kind != judging.KEY and _goes_on(line, start, end):
                self._waiting = kind


def _goes_on(line: bytes, start: int, end: int) -> bool:
    """Tell whether the value of a name that ends a line is in the next one."""
    if len(line) - end > _MAX_AROUND:
        return False
    rest = line[end:].strip()
    if rest.strip(b"\"'\\") in (b":", b": |", b": >", b": |-", b": >-", b">", b"= \\", b"/>", b" />"):
        return True
    return (
        rest in (b'",', b"',", b"")
        and _re(rb"(?i)(?:name|key|id)[\"']?[ \t]*[:=][ \t]*[\"']?$").search(line[max(0, start - 40) : start])
        is not None
    )


def _bounds(line: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the name around a word begins and ends."""
    left = line[max(0, start - 60) : start]
    right = line[end : end + 40]
    return start - len(left) + len(left.rstrip(_NAME)), end + len(right) - len(right.lstrip(_NAME))


def _in_next_line(line: bytes, kind: str) -> Iterator[Finding]:
    found = _re(_NEXT).search(line)
    if found is None:
        return
    value = found.group(1).rstrip(b",;/")
    if value.endswith((b"(", b")", b"{")):
        return
    if judging.is_quoted_secret(kind, b"", value) and (kind == judging.PASSWORD or judging.is_mixed(value)):
        yield Finding(found.start(1), found.start(1) + len(value), RULE)


def _value_of(line: bytes, name_start: int, name_end: int, kind: str) -> tuple[int, int] | None:
    """Return where the value of a name is, when it is a secret."""
    sign = _re(_SIGN).match(line, name_end, min(len(line), name_end + _MAX_SIGN))
    name = line[name_start:name_end]
    if sign is None:
        return _beside(line, name, name_end, kind)
    mark = next(filter(None, sign.groups()), b"")
    start = sign.end()
    quote = _re(_QUOTE).match(line, start, min(len(line), start + 20))
    if quote is not None and _closes(line, name_start, sign.group(0), quote.group(0)):
        return None
    if quote is not None:
        end = line.find(quote.group(1), quote.end(), quote.end() + _MAX_VALUE)
        if end >= 0:
            value = line[quote.end() : end]
            if mark in (b",", b"(") and not _may_be_argument(value):
                return None
            return (quote.end(), end) if judging.is_quoted_secret(kind, name, value) else None
        start = quote.end()
    bare = _re(_BARE).match(line, start)
    if bare is None:
        return None
    value = bare.group(0)
    if line[bare.end() : bare.end() + 1] == b"=" and b"&" in value:
        value = value[: value.rindex(b"&")]  # the next parameter of an address
    rest = line[start + len(value) : start + len(value) + _MAX_AROUND]
    if rest[:1] in (b"(", b"[", b"{") or not _may_be_bare(kind, value, mark):
        return None
    is_alone = name_start < _MAX_AROUND and not line[:name_start].strip(b" \t-\"'>#/*<{$;")
    is_last = not rest.strip(b" \t,;\"'`)}]/\\") or rest.startswith((b"<", b"&", b"|", b'"', b"'", b"\\"))
    if judging.is_bare_secret(kind, name, value, mark, is_alone, is_last):
        return start, start + len(value)
    return None


def _may_be_bare(kind: str, value: bytes, mark: bytes) -> bool:
    """Tell whether a value without quotes may follow a sign that programs use for other things."""
    if mark in (b",", b"("):
        return kind != judging.KEY and judging.is_random(value, 12)
    return mark not in (b"->", b"::") or judging.is_random(value, 8)


def _may_be_argument(value: bytes) -> bool:
    has_digit = not {*value}.isdisjoint(b"0123456789")
    return has_digit and len(value) >= 8 and b" " not in value and judging.is_mixed(value)


def _closes(line: bytes, start: int, sign: bytes, quote: bytes) -> bool:
    """Tell whether a quote ends what was quoted before a name, as in `'passwd:' and`."""
    return quote == line[start - 1 : start] and quote not in sign and not sign.endswith((b" ", b"="))


def _beside(line: bytes, name: bytes, end: int, kind: str) -> tuple[int, int] | None:
    """Return where a value stands that no sign gives to a name: an argument, or something random."""
    gap = len(line[end : end + 8]) - len(line[end : end + 8].lstrip(b" \t\"'#-_"))
    bare = _re(_BARE).match(line, end + gap) if gap else None
    if bare is None:
        return None
    value = bare.group(0)
    is_quoted = line[end + gap - 1 : end + gap] in (b'"', b"'")
    is_option = name.startswith(b"-") and line[end : end + 1] in (b" ", b"\t") and value[:1] not in b"@#"
    is_option = is_option or (
        is_quoted and _re(_DEFINES).search(line[max(0, end - _MAX_AROUND) : end]) is not None
    )
    if is_option and kind == judging.PASSWORD and not judging.is_mixed(value):
        is_option = b"passw" in name.lower()
    mark = b"=" if is_option and kind != judging.KEY else b""
    return bare.span() if judging.is_bare_secret(kind, name, value, mark, True, True) else None
