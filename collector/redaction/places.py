"""Places that hold a secret whatever it looks like: addresses, headers, commands, statements."""

from __future__ import annotations

import functools
from typing import NamedTuple

from collector.redaction.engine import compile_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SCHEMES = rb"(?:bearer|basic|token|apikey|api-key|negotiate|digest|ntlm|oauth|key)"
_CLIENTS = (
    rb"(?:mysql|mysqldump|mysqladmin|mariadb|sshpass|docker[ \t]+login|podman[ \t]+login|mongo"
    rb"|mongosh|mongodump"
    rb"|ssh|sqlplus|smbclient|ldapsearch|az[ \t]+login|helm|skopeo)"
)
_SOURCES: tuple[tuple[str, bytes, bytes], ...] = (
    # Name (with `?` when the value must look random), a word that the line has in lower case, pattern.
    (
        "url-password",
        b"://",
        rb"[A-Za-z][A-Za-z0-9+.-]{1,30}:\\?/\\?/[^\s/:@\"'<>]{0,200}:([^\s/@\"'<>]{3,200})@[\w\[%$({-]",
    ),
    (
        "authorization",
        b"authorization",
        rb"(?i)authorization(?:[\"'\]\\]{0,4}[ \t]{0,8}(?:[:=,]|=>|\])"
        rb"|%3a)[ \t]{0,8}\\{0,3}[\"'`]?[bf]?[\"']?"
        + _SCHEMES
        + rb"(?:[ \t]{1,8}|%20|:[ \t]?)([A-Za-z0-9._~+/=:-]{6,})",
    ),
    (
        "authorization?",
        b"authorization",
        rb"(?i)authorization[\"'\]\\]{0,4}[ \t]{0,8}(?:[:=,]"
        rb"|=>)[ \t]{0,8}\\{0,3}[\"'`]?([A-Za-z0-9._~+/=-]{16,})",
    ),
    ("bearer", b"bearer", rb"(?i)\bbearer(?:[ \t]{1,8}|=)\\{0,3}[\"']?([A-Za-z0-9._~+/-]{16,}={0,2})"),
    (
        "sql-password",
        b"identified",
        rb"(?i)identified[ \t]{1,4}(?:with[ \t]{1,4}\S+[ \t]{1,4})?(?:by|as)(?:[ \t]{1,4}(?:password"
        rb"|values))?"
        rb"[ \t]{1,4}\\{0,2}[\"'`]([^\"'`\s\\]{3,200})",
    ),
    (
        "sql-password",
        b"password",
        rb"(?i)\b(?:with|encrypted|set|role|user|login)\b.{0,120}\bpassword(?:[ \t]{1,4}for\b.{0,80}=)?"
        rb"[ \t]{0,4}(?:=|\()?[ \t]{0,4}\(?\\{0,2}[\"']([^\"'\s\\]{3,200})\\{0,2}[\"']",
    ),
    (
        "command-password",
        b"-u",
        rb"\b(?:curl|wget|https?|svn|snmp\w*|mvn)\b.*[ \t\"'](?:-u|--user|--proxy-user|-U)[ =,\"']{0,3}[\"']?"
        rb"[^\s:\"'/]{1,200}:([^\s\"'/]{3,200})",
    ),
    (
        "command-password",
        b" -p",
        rb"\b" + _CLIENTS + rb"\b.*[ \t](?:-p|-P|-pw)[ \t=]?[\"']?([^\s\"'=-][^\s\"']{3,200})",
    ),
    (
        "connection-string-password",
        b";",
        rb"(?i)[;\"' \t](?:password|pwd)[ \t]?=[ \t]?([^;\"'\s$%{<]{3,200})(?:;|\"|'|$)",
    ),
    ("netrc-password", b"login", rb"\blogin[ \t]+\S+[ \t]+password[ \t]+(\S{3,200})"),
    ("netrc-password", b"password ", rb"^[ \t]*password[ \t]+(\S{4,200})[ \t]*$"),
    (
        "secure-string",
        b"securestring",
        rb"(?i)ConvertTo-SecureString[ \t]+(?:-(?:String|AsPlainText|Force)[ \t]+)*[\"']([^\"']{3,200})[\"']",
    ),
    (
        "network-credential",
        b"credential",
        rb"(?i)(?:NetworkCredential|PSCredential|UsernamePasswordCredentials?|BasicAuth"
        rb"|DirectoryEntry)\(.{0,200}"
        rb"[,\"'][ \t]*[\"']([^\"'\s]{3,200})[\"'][ \t]*\)",
    ),
    (
        "command-password",
        b"unseal",
        rb"(?i)\bunseal(?:[ \t]key[ \t]?\d{0,2}:?)?[ \t]+([A-Za-z0-9+/]{43,44}=?)",
    ),
    (
        "said-password",
        b" is ",
        rb"(?i)\b(?:password|passphrase|secret|token|pin|api[ _-]key)(?:[ \t]for[ \t].{1,40})?[ \t]is:?[ \t]+"
        rb"\\{0,2}[\"'`]([^\"'`\s]{4,200}?)\\{0,2}[\"'`]",
    ),
    (
        "said-password",
        b" is the ",
        rb"(?i)(?:^|[\s\"'#;/*])([^\s\"'#;/*]{8,200})[\"']?[ \t]is[ \t]the[ \t](?:password|secret"
        rb"|token|passphrase)\b",
    ),
)


class Place(NamedTuple):
    """Where a secret stands; it is the pattern's group."""

    rule: str
    word: bytes
    pattern: Any
    is_judged: bool
    """Whether only what looks random is a secret there."""


FILTER = (
    rb"(?i):\\?/\\?/[^\s/:@\"'<>]*:[^\s/@\"'<>]{3,}@"
    rb"|authorization[\"'\]\\:=, %]|bearer[ \t=]|identified[ \t]|password[ \t]*[(\"'=]|pwd[ \t]?="
    rb"|[ \t\"'](?:-u|--user|--proxy-user)[ =,\"']+[^\s:\"'/]+:"
    rb"|[ \t]-p(?:w[ \t=])?[ \t]?[\"']?[^\s\"'=-]{4}|\blogin[ \t]|^[ \t]*password[ \t]"
    rb"|securestring|credentials?\(|basicauth\(|directoryentry\(|unseal[ \t]"
    rb"|(?:word|phrase|secret|token|pin|key)(?:[ \t]for[ \t].*)?[ \t]is:?[ \t]"
    rb"|[ \t]is[ \t]the[ \t](?:passw|secr|tok)"
)
"""Fits every line that may hold one; without repeats that count, which would take many states."""


@functools.cache
def places() -> tuple[Place, ...]:
    """Return the places, compiled."""
    return tuple(
        Place(rule.rstrip("?"), word, compile_bytes(source, captures=True, in_lines=True), rule.endswith("?"))
        for rule, word, source in _SOURCES
    )
