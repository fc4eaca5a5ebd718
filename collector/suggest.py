"""The nearest known word to one that was not understood."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that looks most like this one, or None when none does."""
    from difflib import get_close_matches

    found = get_close_matches(word.lower()[:100], list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the hint that offers the nearest known word, or another hint when there is none."""
    found = nearest(word, known)
    return f"did you mean {found!r}?" if found else otherwise
