"""The four levels that records know, out of the many names and numbers that loggers have for them."""

from __future__ import annotations

from typing import Any

LEVEL_NAMES: dict[str, str] = {
    **dict.fromkeys(("debug", "trace", "verbose", "debu", "dbug", "dbg", "trce", "trc", "vrb"), "debug"),
    **dict.fromkeys(("fine", "finer", "finest", "silly"), "debug"),
    **dict.fromkeys(("info", "information", "informational", "inf", "notice", "success", "config"), "info"),
    **dict.fromkeys(("warn", "warning", "wrn"), "warn"),
    **dict.fromkeys(("error", "err", "erro", "eror", "severe", "fail", "failed", "failure"), "error"),
    **dict.fromkeys(("fatal", "fata", "ftl", "critical", "crit", "alert", "emerg", "emergency"), "error"),
    **dict.fromkeys(("panic", "dpanic"), "error"),
}


def level_of(value: Any) -> str | None:
    """Return the level that a name or a number stands for, None where it stands for none.

    Numbers are those of bunyan and pino (10 to 60), below 8 those of syslog (0 emergency, 7 debug).
    """
    if isinstance(value, str):
        if value.isascii() and value.isdigit() and len(value) < 3:
            return level_of(int(value))
        return LEVEL_NAMES.get(value.strip().lower())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if 0 <= value < 8:
        return ("error", "error", "error", "error", "warn", "info", "info", "debug")[int(value)]
    if not 10 <= value <= 100:
        return None
    return "debug" if value < 30 else "info" if value < 40 else "warn" if value < 50 else "error"
