"""The regular expressions of redaction: RE2's, over bytes, which take time in proportion to the text."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MAX_MEMORY = 64 << 20


def compile_bytes(source: bytes, captures: bool = False, in_lines: bool = False, utf8: bool = False) -> Any:
    r"""Return a compiled pattern over bytes; of alternatives the longest counts.

    Args:
        source: the pattern.
        captures: whether its groups are asked for, and its alternatives stand in order of preference.
        in_lines: whether nothing matches a line end, and `^` and `$` are a line's ends.
        utf8: whether the pattern and the text are UTF-8; what is none matches nothing.
    """
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.UTF8 if utf8 else re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    options.never_nl = in_lines
    options.longest_match = not captures
    return re2.compile(b"(?m)" + source if in_lines else source, options)


def escape(data: bytes) -> bytes:
    """Return a pattern that means bytes as they are."""
    return b"".join(
        bytes([byte]) if chr(byte).isalnum() and byte < 128 else rb"\x%02x" % byte for byte in data
    )
