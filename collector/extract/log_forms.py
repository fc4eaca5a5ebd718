"""The forms in which programs print log entries, one function for each: a line in, what it says out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from collector.extract.levels import level_of, level_of_letter

_LEVEL = (
    r"(?P<level>TRACE|DEBUG|DBUG|VERBOSE|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT"
    r"|FATAL|ALERT|EMERG|PANIC|FAIL|FAILURE)"
)
_TIME = (
    r"(?P<time>\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?"
    r"|\[?\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?\]?|[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2})"
)
_BRACKETED = re.compile(rf"\s*(?:\[?{_TIME}\]?\s+)?\[\s*{_LEVEL}\s*\][:\s]*(?P<message>.*)", re.IGNORECASE)
_TIMED = re.compile(
    rf"\[?{_TIME}\]?[\s|:-]+(?:[^\s|]{{1,80}}[\s|]+){{0,6}}?[\[<(|]?{_LEVEL}[\]>)|]?(?=[\s:|-])[\s:|-]*(?P<message>.*)"
)
_PLAIN = re.compile(rf"\s*{_LEVEL}(?::(?P<logger>[\w.]+))?(?::|\s+-|!\s|\s{{2,}}|\s\|)\s*(?P<message>.*)")
_NAMED = re.compile(r"(?P<level>[Ee]rror|[Ww]arning|[Ff]atal|[Nn]ote|[Ii]nfo): (?P<message>.+)")
_DOTNET = re.compile(r"(?P<level>trce|dbug|info|warn|fail|crit): (?P<message>\S+\[\d+\].*)")
_GLOG = re.compile(
    r"(?P<letter>[IWEF])(?P<date>\d{4}) (?P<time>\d{2}:\d{2}:\d{2}\.\d+)\s+\d+ (?P<message>.*)"
)
_NPM = re.compile(r"npm (?P<level>ERR!|WARN|error|warn|notice) ?(?P<message>.*)")
_GITHUB = re.compile(r"::(?P<level>error|warning|notice|debug)(?: (?P<facts>[^:]*))?::(?P<message>.*)")
_NGINX = re.compile(rf"{_TIME} \[(?P<level>[a-z]+)\] (?P<message>.*)")
_LOGFMT = re.compile(r"(?:^|\s)(?:level|lvl|severity)=\"?(?P<level>\w+)\"?(?:\s|$)")
_PAIR = re.compile(r"([\w.-]+)=(\"(?:[^\"\\]|\\.)*\"|\S*)")
_SIGNS = (("✅", "info"), ("✔", "info"), ("❌", "warn"), ("⚠", "warn"))
_WORD = re.compile(
    r"\b(?:(?P<error>ERROR|FATAL|CRITICAL|[Ee]rror(?=:| TS\d| CS\d))"
    r"|(?P<warn>WARN(?:ING)?|[Ww]arning(?=:)))\b"
)
_NO_ERROR = re.compile(
    r"(?i)\b(?:0|no|without) (?:errors?|warnings?)\b|errors?: 0\b|\berror[_-]?(?:log|code 0)"
)

_MESSAGE_KEYS = ("message", "msg", "@m", "@mt", "event", "text", "body", "short_message")
_LEVEL_KEYS = (
    "level",
    "severity",
    "@l",
    "lvl",
    "log.level",
    "levelname",
    "loglevel",
    "log_level",
    "level_name",
)
_TIME_KEYS = ("timestamp", "time", "@timestamp", "@t", "ts", "datetime", "date", "asctime")
_MAX_JSON = 32 << 10


class Said(NamedTuple):
    """What a line says as a log entry; the time as ISO 8601 in UTC where a zone is known."""

    level: str
    message: str
    timestamp: str | None = None
    context: dict[str, Any] = {}  # noqa: RUF012 - never changed


def parse_json(line: str) -> Said | None:
    """A JSON object with a message or a level, as pino, zap, structlog, logstash and Serilog print it."""
    if not line.startswith("{") or len(line) > _MAX_JSON:
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    rest = dict(record)
    level = _take(rest, _LEVEL_KEYS)
    message = _take(rest, _MESSAGE_KEYS)
    if not isinstance(message, str) or (level is None and not any(key in record for key in _TIME_KEYS)):
        return None
    return Said(level_of(level) or "info", message, utc(_take(rest, _TIME_KEYS)), rest)


def _take(record: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((record.pop(key) for key in keys if key in record), None)


def parse_logfmt(line: str) -> Said | None:
    """`time=… level=warn msg="…"`, as logrus and Go's slog print it."""
    found = _LOGFMT.search(line)
    if found is None or level_of(found["level"]) is None:
        return None
    pairs: dict[str, Any] = {key: value.strip('"') for key, value in _PAIR.findall(line)}
    message = _take(pairs, _MESSAGE_KEYS)
    if message is None:
        return None
    for key in ("level", "lvl", "severity"):
        pairs.pop(key, None)
    return Said(level_of(found["level"]) or "info", message, utc(_take(pairs, _TIME_KEYS)), pairs)


def parse_glog(line: str) -> Said | None:
    """`E0102 03:04:05.1 1 file.cc:1] message`."""
    found = _GLOG.match(line)
    return Said(level_of_letter(found["letter"]) or "info", found["message"]) if found else None


def parse_github(line: str) -> Said | None:
    """`::error file=a.js,line=1::message`."""
    found = _GITHUB.match(line)
    if found is None:
        return None
    facts = dict(pair.split("=", 1) for pair in (found["facts"] or "").split(",") if "=" in pair)
    return Said(level_of(found["level"]) or "info", found["message"], None, facts)


def _by(pattern: re.Pattern[str]) -> Callable[[str], Said | None]:
    """Make a parser of a pattern whose groups are `level`, `message` and perhaps `time` and `logger`."""

    def parse(line: str) -> Said | None:
        found = pattern.match(line)
        groups = found.groupdict() if found else {}
        level = level_of((groups.get("level") or "").rstrip("!"))
        if level is None:
            return None
        message = groups["message"].strip()
        if (logger := groups.get("logger")) and message.startswith(":"):
            message = message[1:]
        return Said(level, message, utc(groups.get("time")), {"logger": logger} if logger else {})

    return parse


def parse_sign(line: str) -> Said | None:
    """✅, ❌ and ⚠️, which people and agents like."""
    for sign, level in _SIGNS:
        if sign in line:
            return Said(level, line.replace(sign, "").replace("\ufe0f", "").strip())
    return None


def parse_word(line: str) -> Said | None:
    """ERROR, WARN and the like anywhere in a line that does not say that there are none."""
    found = _WORD.search(line)
    if found is None or _NO_ERROR.search(line):
        return None
    return Said("error" if found["error"] else "warn", line.strip())


FORMS: tuple[Callable[[str], Said | None], ...] = (
    parse_json, parse_github, _by(_BRACKETED), _by(_NGINX), _by(_TIMED), parse_glog, _by(_DOTNET), _by(_NPM),
    _by(_PLAIN), _by(_NAMED), parse_logfmt, parse_sign, parse_word,
)  # fmt: skip
"""In the order in which they are tried."""


def utc(value: object) -> str | None:
    """Return a time as ISO 8601 in UTC; None for one without a zone, whose hour could be any."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            seconds = value / 1000 if value > 1e11 else value
            when = datetime.fromtimestamp(seconds, UTC)
        elif isinstance(value, str):
            when = datetime.fromisoformat(value.strip("[]").replace(",", ".").replace("/", "-"))
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    if when.tzinfo is None:
        return None
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"
