"""Whether a part of an output stands in a heredoc: a script that was shown, not what it printed."""

from __future__ import annotations

import re

_BEGINS = re.compile(r"<<[-~]?[ \t]*([\"']?)(\w{1,50})\1(?=[\s;|&>)]|$)")
_LONGEST = 4_000
_NEAREST = 3  # a text of nothing but beginnings costs no more than these


def is_in_heredoc(text: str, begin: int, end: int) -> bool:
    """Tell whether a heredoc that begins at most 4,000 characters before `begin` ends as near after `end`."""
    before = text[max(begin - _LONGEST, 0) : begin]
    if "<<" not in before:
        return False
    after = text[end : end + _LONGEST]
    for opening in list(_BEGINS.finditer(before))[-_NEAREST:]:
        closing = re.compile(rf"\n[ \t]*{opening[2]}[ \t]*$", re.MULTILINE)
        if not closing.search(before, opening.end()) and closing.search(after):
            return True
    return False
