r"""Recorded text made harmless: what a command printed must not drive the reader's terminal.

Two lines of defence, and either alone is enough. Here, control characters become visible pictures (ESC
turns into U+241B), so that a reader sees that something was there. `acode_tui.guard` removes whatever a
widget let through anyway.

Joiners and variation selectors go too: terminals do not agree on how wide they make a character, and
then nothing after it stands where it should.

Harmful are C0 and C1 controls (OSC 52 writes the clipboard, CSI 2 J wipes the screen), bidirectional
controls (https://trojansource.codes), invisible characters, and lone surrogates, which cannot even be
written as UTF-8.
"""

from __future__ import annotations

_TAB = 8


def is_safe(text: str) -> bool:
    """Tell whether a text is harmless for sure; almost every one is, and this is the quickest way to know."""
    return text.isascii() and text.isprintable()


def one_line(text: str, limit: int = 4096) -> str:
    """Return the text as one harmless line of at most `limit` characters.

    White space of any kind becomes a space, everything else that is unsafe a visible stand-in.
    """
    text = text[:limit]
    if is_safe(text):
        return text
    from acode_tui.render.unsafe import inline

    return inline(text)


def text_of(value: object, limit: int = 400) -> str:
    """Return what a record says, of whatever type it is, as one harmless line; nothing for nothing."""
    return one_line(value if isinstance(value, str) else "" if value is None else str(value), limit)


def line_of_output(text: str) -> str:
    """Return a line of recorded output as a harmless one: tabs become spaces up to the next stop."""
    if is_safe(text):
        return text
    from acode_tui.render.unsafe import pictures

    return pictures(text.expandtabs(_TAB) if "\t" in text else text)


def strip_unsafe(text: str) -> str:
    """Return the text without its unsafe characters; they take no cell, so the width stays."""
    if is_safe(text):
        return text
    from acode_tui.render.unsafe import removed

    return removed(text)
