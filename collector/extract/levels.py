"""What log levels are called, and what they are called here."""

from __future__ import annotations

_NAMES = {
    "error": ("error", "err", "errors", "fatal", "critical", "crit", "severe", "emerg", "emergency", "alert",
              "panic", "fail", "failed", "failure", "exception"),
    "warn": ("warn", "warning", "warnings", "caution", "deprecated"),
    "info": ("info", "information", "notice", "log", "success", "ok", "hint", "note"),
    "debug": ("debug", "dbug", "trace", "trce", "verbose", "fine", "finer", "finest", "silly"),
}  # fmt: skip
_LEVELS = {name: level for level, names in _NAMES.items() for name in names}
_LETTERS = {"e": "error", "f": "error", "w": "warn", "i": "info", "d": "debug", "v": "debug", "t": "debug"}
_NUMBERS = ((50, "error"), (40, "warn"), (30, "info"))


def level_of(name: object) -> str | None:
    """Return the level that a word or number (as bunyan and pino have them, from 10 to 60) means."""
    if isinstance(name, bool):
        return None
    if isinstance(name, int | float):
        return next((level for least, level in _NUMBERS if name >= least), "debug")
    return _LEVELS.get(name.strip().lower()) if isinstance(name, str) else None


def level_of_letter(letter: str) -> str | None:
    """Return the level of a single letter, as glog and log4j's short forms have it."""
    return _LETTERS.get(letter.lower())
