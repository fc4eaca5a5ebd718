"""A JSON value that begins somewhere in a long text, at a cost that goes with its own length.

The decoder of the standard library counts the lines before every error, which makes many errors in a long
text quadratic; so it is given a window, and a larger one when the value goes on beyond it.
"""

from __future__ import annotations

import json
from typing import Any

_FIRST_WINDOW = 1 << 8  # what is no JSON mostly shows it at once, and costs a window each time
_GROWTH = 16
_LONGEST_TOKEN = 16  # what is cut off at the end of a window is told of so many characters before it
_DECODER = json.JSONDecoder()


class BrokenJson(ValueError):
    """No JSON; `position` is the place in the text that is wrong, None where it is not known."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason)
        self.position = position


def decode_at(text: str, begin: int) -> tuple[Any, int]:
    """Return the object or array that begins at a place, and where it ends.

    Raises:
        BrokenJson: there is none.
    """
    size = _FIRST_WINDOW
    while True:
        window = text[begin : begin + size]
        try:
            value, end = _DECODER.raw_decode(window)
            return value, begin + end
        except json.JSONDecodeError as error:
            is_last = begin + size >= len(text)
            if is_last or not _is_cut_off(error, len(window)):
                raise BrokenJson(error.msg, begin + error.pos) from None
        except (ValueError, RecursionError) as error:
            raise BrokenJson(reason_of(error)) from None
        size *= _GROWTH


def _is_cut_off(error: json.JSONDecodeError, length: int) -> bool:
    return error.pos >= length - _LONGEST_TOKEN or error.msg.startswith("Unterminated string")


def reason_of(error: Exception) -> str:
    """Say in a few words why something is no JSON."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)[:200]
