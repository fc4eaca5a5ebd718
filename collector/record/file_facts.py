"""What a file's name and first bytes say it is: MIME type and encoding."""

from __future__ import annotations

import codecs
import mimetypes

HEAD_BYTES = 8192

_TEXT = {
    ".log": "text/plain", ".trx": "application/xml", ".info": "text/plain", ".diff": "text/x-diff",
    ".patch": "text/x-diff", ".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson",
    ".yml": "application/yaml", ".yaml": "application/yaml", ".toml": "application/toml",
    ".ts": "text/x-typescript", ".tsx": "text/x-typescript", ".md": "text/markdown",
}  # fmt: skip
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\v\f\r\b\x1b")


def content_type_of(path: str, encoding: str | None) -> str:
    """Return the MIME type of a file, by its name; of one without a known name by what is in it.

    Args:
        path: its path.
        encoding: as `encoding_of` found it.
    """
    _, dot, suffix = path.rpartition("/")[2].rpartition(".")
    known = _TEXT.get(f".{suffix.lower()}") if dot else None
    known = known or mimetypes.guess_type(path, strict=False)[0]
    return known or ("application/octet-stream" if encoding is None else "text/plain")


def encoding_of(head: bytes, is_whole: bool = False) -> str | None:
    """Return how the text of a file is encoded, by its first bytes; None for what is no text.

    A file whose bytes are no UTF-8 but have no control characters is taken for Latin-1, which decodes all.
    `is_whole` says that these bytes are all there are.
    """
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    if any(byte in _CONTROLS for byte in head):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, is_whole)
    except UnicodeDecodeError:
        return "iso-8859-1"
    return "utf-8"
