r"""Secrets that nothing but their place gives away: values of names like `password`, and parts of addresses.

A name is found first; then what stands beside it (`X_PASSWORD=…`, `"token": "…"`, `--api-key …`,
`<secret>…</secret>`, `"name": "TOKEN", "value": "…"`); then `judging` says whether that is a secret. Other
places have patterns of their own: `Authorization: Bearer …`, `://user:…@`, `identified by '…'`.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from collector.redaction.engine import compile_bytes
from collector.redaction.judging import is_secret
from collector.redaction.spans import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

WORDS = (
    rb"passwords?|passwd|passphrase|passcode|passwort|pswd|pwd|secrets?|tokens?|api[_ .-]?keys?"
    rb"|(?:access|account|admin|app|auth|client|consumer|deploy|encryption|license"
    rb"|master|private|secret|service"
    rb"|session|shared|signing|ssh|storage|subscription|write|ingest|integration|hmac|aes|crypto|webhook)"
    rb"[_ .-]?keys?|credentials?|connection[_-]?string|pass"
)
_NAME = rb"(?i)-{0,2}[a-z0-9_.\-$]{0,60}(?:%s)[a-z0-9_\-]{0,40}" % WORDS
_CLOSING = rb"(?:\x1b\[[0-9;]{0,20}m)?[\"'`\])\\]{0,4}(?:\x1b\[[0-9;]{0,20}m)?"
_SIGN = (
    rb"[ \t]{0,20}(?:=>|:=|\?=|\+=|\|\|=|={1,3}|:{1,2}|->|<-|\|)[ \t]{0,20}"
    rb"|(?i),[ \t]{0,4}\\{0,3}[\"']value\\{0,3}[\"'][ \t]{0,4}[:=,][ \t]{0,4}"
    rb"|(?i)[ \t]{1,4}(?:value|content)[ \t]{0,4}=[ \t]{0,4}"
    rb"|,[ \t]{0,4}"
    rb"|\([ \t]{0,4}"
    rb"|>"
)
_TYPED = (
    rb"[ \t]{0,4}:[ \t]{0,4}[A-Za-z_&*][\w.\[\]<>?&*']{0,30}(?:[ \t]{0,4}\|[ \t]{0,4}None)?"
    rb"[ \t]{0,4}={1,2}[ \t]{0,4}"
)
_SIGNS = rb"%s(?:(%s)|(%s))(?:\x1b\[[0-9;]{0,20}m)?" % (_CLOSING, _TYPED, _SIGN)
_QUOTE = rb"(?:[@bfru$]|\[[ \t]{0,4})?(\\{0,3}(?:\"{3}|'{3}|[\"'`]|&quot;))"
_BARE = (
    rb""
    rb"[^\s\"'`<>(){}\[\],;\x1b\\|&]+(?:&[^\s\"'`<>(){}\[\],;\x1b\\|&=]+(?:[^\s\"'`<>(){}\[\],;\x1b\\|&=]"
    rb"|$))*"
)
_MAX_VALUE = 4000

_PLACES: tuple[tuple[str, tuple[bytes, ...], bytes], ...] = (
    (
        "url-password",
        (b"://",),
        rb"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/:@\"'<>]{0,200}:([^\s/@\"'<>]{3,200})@[\w\[%$({-]",
    ),
    (
        "authorization",
        (b"uthorization", b"UTHORIZATION"),
        rb"(?i)authorization[\"'\]\\]{0,4}[ \t]{0,8}(?:[:=,]"
        rb"|=>)[ \t]{0,8}\\{0,3}[\"'`]?[bf]?[\"']?(?:bearer|basic|token|apikey|api-key"
        rb"|negotiate|digest|aws4-hmac-sha256)?(?:[ \t]{1,8}|%20)?([A-Za-z0-9._~+/=:-]{8,})",
    ),
    ("bearer", (b"earer ", b"EARER "), rb"(?i)\bbearer[ \t]{1,8}([A-Za-z0-9._~+/-]{16,}={0,2})"),
    (
        "sql-password",
        (b"DENTIFIED", b"dentified", b"ASSWORD", b"assword"),
        rb"(?i)(?:identified[ \t]{1,4}by(?:[ \t]{1,4}password)?|\bpassword"
        rb"|\bpassword[ \t]*[(])[ \t]{1,4}[\"']([^\"'\s]{4,200})[\"'][ \t]*(?:[;,)]|$|valid"
        rb"|login|createdb|superuser|nosuperuser)",
    ),
    (
        "command-password",
        (b" -u ", b"--user ", b"--user="),
        rb"\b(?:curl|wget|https?)\b.*[ \t](?:-u|--user)[ =][\"']?[^\s:\"']{1,200}:([^\s\"']{3,200})",
    ),
    (
        "command-password",
        (b" -p",),
        rb"\b(?:mysql|mysqldump|mysqladmin|sshpass|mariadb|psql|docker[ \t]+login"
        rb"|podman[ \t]+login|redis-cli|mongo|mongosh"
        rb"|mongodump)\b.*[ \t]-p[ \t]?[\"']?([^\s\"'-][^\s\"']{3,200})",
    ),
    ("netrc-password", (b"machine ",), rb"\bmachine[ \t]+\S+[ \t]+login[ \t]+\S+[ \t]+password[ \t]+(\S+)"),
    (
        "secure-string",
        (b"ecureString",),
        rb"(?i)ConvertTo-SecureString[ \t]+(?:-String[ \t]+)?[\"']([^\"']{3,200})[\"']",
    ),
)


class Place(NamedTuple):
    """Where a secret may stand."""

    rule: str
    words: tuple[bytes, ...]
    pattern: Any


@functools.cache
def _re(pattern: bytes) -> Any:
    return compile_bytes(pattern, captures=True, in_lines=True)


@functools.cache
def _places() -> tuple[Place, ...]:
    return tuple(Place(rule, words, _re(pattern)) for rule, words, pattern in _PLACES)


# Lines that may hold one have a name and a sign, or one of the other words.
FILTER = (
    rb"(?i:passwords?|passw|passphrase|passcode|pswd|pwd|secrets?|tokens?|[_.-]key"
    rb"|apikey|credentials?|[a-z]key|_pass|\bpass|string)"
    rb"[A-Za-z0-9_\-]{0,40}[\"'`\])\\m\x1b\[]{0,8}[ \t]{0,20}(?:[:=>|,(?+]|<-|->|value)"
    rb"|--[a-z-]{0,20}(?:pass|token|secret|key)"
    rb"|://[^\s/:@\"'<>]{0,200}:[^\s/@\"'<>]{3,200}@"
    rb"|(?i:authorization|bearer )|(?i:identified[ \t]{1,4}by|password[ \t]{1,4}[\"'])"
    rb"|[ \t](?:-u|--user)[ =][\"']?[^\s:\"']{1,200}:"
    rb"|(?:mysql|mariadb|sshpass|login|mongo|redis|psql).*[ \t]-p|\bmachine[ \t]|ecureString"
)


def find_assigned(line: bytes) -> Iterator[Finding]:
    """Yield the secrets of a line that have no format."""
    for place in _places():
        if any(word in line for word in place.words):
            for match in place.pattern.finditer(line):
                value = match.group(1)
                if is_secret(b"password", value, is_quoted=True):
                    yield Finding(match.start(1), match.end(1), place.rule)
    for name in _re(_NAME).finditer(line):
        found = _value_of(line, name.start(), name.end())
        if found is not None:
            yield Finding(found[0], found[1], "assigned-secret")


def _value_of(line: bytes, name_start: int, name_end: int) -> tuple[int, int] | None:
    name = line[name_start:name_end]
    sign = _re(_SIGNS).match(line, name_end)
    if sign is not None:
        start = sign.end()
    elif name.startswith(b"-") and line[name_end : name_end + 1] in (b" ", b"\t"):
        start = name_end + 1
    else:
        return None
    mark = b"=" if sign is None or sign.group(1) else sign.group(2).strip()
    quote = _re(_QUOTE).match(line, start)
    if quote is not None:
        end = line.find(quote.group(1), quote.end(), quote.end() + _MAX_VALUE)
        if end > 0:
            value = line[quote.end() : end]
            return (quote.end(), end) if is_secret(name, value, is_quoted=True, mark=mark) else None
        start = quote.end()
    if mark in (b",", b"(") and quote is None:
        return None
    bare = _re(_BARE).match(line, start)
    if bare is None:
        return None
    value, rest = bare.group(0), line[bare.end() :]
    is_alone = not line[:name_start].strip(b" \t-\"'>#/*") or mark != b":"
    if not is_secret(name, value, is_quoted=quote is not None, mark=mark, rest=rest, is_alone=is_alone):
        return None
    return bare.start(), bare.end()
