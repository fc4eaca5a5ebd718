"""Source code and log lines in colour: which language a file is, and the inks of its tokens."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from acode_tui.render.ansi import InkSpan, Styled

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MAX_LEXED = 64 * 1024
"""More than this is never coloured in one go: Pygments does 0.2 to 5 MB a second."""

_BY_SUFFIX = {
    ".json": "json", ".jsonl": "json", ".py": "python", ".js": "javascript", ".ts": "typescript",
    ".xml": "xml", ".trx": "xml", ".yml": "yaml", ".yaml": "yaml", ".toml": "toml", ".ini": "ini",
    ".diff": "diff", ".patch": "diff", ".html": "html", ".css": "css", ".sh": "bash", ".go": "go",
    ".rs": "rust", ".java": "java", ".c": "c", ".h": "c", ".cpp": "cpp", ".cs": "csharp", ".rb": "ruby",
    ".sql": "sql", ".md": "markdown", ".tsx": "tsx", ".jsx": "jsx", ".php": "php", ".kt": "kotlin",
}  # fmt: skip
_INKS = (
    ("Comment", "comment"), ("Keyword", "keyword"), ("Operator.Word", "keyword"),
    ("Literal.String", "string"), ("Literal.Number", "number"), ("Literal.Date", "number"),
    ("Name.Tag", "name"), ("Name.Attribute", "attribute"), ("Name.Function", "name"),
    ("Name.Class", "name"), ("Name.Decorator", "attribute"), ("Name.Builtin", "name"),
    ("Name.Exception", "failure"), ("Generic.Deleted", "failure"), ("Generic.Inserted", "success"),
    ("Generic.Heading", "accent"), ("Generic.Subheading", "running"), ("Generic.Error", "failure"),
    ("Generic.Traceback", "failure"), ("Generic.Strong", "accent"),
)  # fmt: skip
_LEVELS = re.compile(
    r"(?P<failure>\b(?:ERROR|FATAL|CRITICAL|FAILED|FAILURES?|FAIL|Error|error|panicked|Traceback"
    r"|[A-Z][A-Za-z]+(?:Error|Exception))\b|[✗✘❌])"
    r"|(?P<timeout>\b(?:WARN|WARNING|Warning|warning|SKIPPED|XFAIL|DEPRECATED)\b|⚠)"
    r"|(?P<success>\b(?:PASSED|PASS|SUCCESS|OK|passed)\b|[✓✔✅])"
    r"|(?P<running>\b(?:INFO|DEBUG|NOTICE)\b|https?://[^\s'\"<>)]+)"
    r"|(?P<name>(?<![\w/.-])[~/]?(?:[\w.@+-]+/)+[\w.@+-]+\.\w+(?::\d+)*)"
)


def language_of(name: str, head: bytes) -> str | None:
    """Return the language of a file by its name, else by how it begins; None for plain output."""
    dot = name.rfind(".")
    suffix = name[dot:].lower() if dot > 0 else ""
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    start = head[:512].lstrip()
    if start.startswith((b"<?xml", b"<testsuite", b"<coverage")):
        return "xml"
    if start.startswith((b"diff --git ", b"--- a/")):
        return "diff"
    if start[:1] in (b"{", b"[") and start[1:2] in (b'"', b"\n", b" ", b"{", b"\r"):
        return "json"
    return None


def color_levels(line: Styled) -> Styled:
    """Give words such as ERROR and PASSED their ink, in a line that brings no colours of its own."""
    if line.spans or not line.text:
        return line
    spans = tuple(
        (match.start(), match.end(), str(match.lastgroup)) for match in _LEVELS.finditer(line.text[:2000])
    )
    return Styled(line.text, spans) if spans else line


def color_code(lines: list[Styled], language: str) -> list[Styled]:
    """Give lines of source code their inks; lines that have colours already keep them.

    A block is lexed by itself, so that a token which began before it (a long comment) may be missed:
    the price of opening any place of any file at once.
    """
    lexer = _lexer(language)
    text = "\n".join(line.text for line in lines)
    if lexer is None or len(text) > MAX_LEXED or any(line.spans for line in lines):
        return lines
    colored: list[Styled] = []
    spans: list[InkSpan] = []
    column = 0
    for token, value in lexer.get_tokens(text):
        ink = _ink(str(token)[6:])
        for number, piece in enumerate(value.split("\n")):
            if number:
                colored.append(Styled("", tuple(spans)))
                spans, column = [], 0
            if ink and piece:
                spans.append((column, column + len(piece), ink))
            column += len(piece)
    colored.append(Styled("", tuple(spans)))
    colored += [Styled("")] * (len(lines) - len(colored))
    return [Styled(line.text, found.spans) for line, found in zip(lines, colored, strict=False)]


@lru_cache(16)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    options: dict[str, Any] = {"stripnl": False, "ensurenl": False}
    try:
        return get_lexer_by_name(language, **options)
    except ClassNotFound:
        return None


@lru_cache(512)
def _ink(token: str) -> str | None:
    for prefix, ink in _INKS:
        if token.startswith(prefix):
            return ink
    return None
