"""One line of output as a log entry: the forms in which programs write level, time and message.

`read_form` is for lines that say what they are, `read_words` for lines that merely hold a word such as ERROR.
Most lines are neither; `may_be_entry` tells that at the price of a search.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from collector.extract.log_json import Found, read_json, read_logfmt
from collector.extract.log_levels import LEVEL_NAMES, level_of
from collector.extract.log_times import find_time, zoned

_NAMES = "|".join(sorted(LEVEL_NAMES, key=len, reverse=True))
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_SEPARATORS = " \t-|:"

# A pattern is only fast when each alternative begins with a letter that is rare in text. So words that are
# not capital are looked for by themselves, and what stands before a word is asked after its first letter.
_CAPITAL_WORDS = (
    "ERR", "WARN", "WRN", "FATAL", "CRIT", "SEVERE", "PANIC", "FAIL", "INF", "DEBU", "DBG", "TRACE", "NOTICE",
    "VERBOSE", "FINE", "ALERT", "EMERG",
)  # fmt: skip
_CAPITAL = re.compile("|".join(rf"{word[0]}(?<!\w{word[0]}){word[1:]}" for word in _CAPITAL_WORDS))
_BY_LETTER = "|".join(
    f"[{letter}{letter.upper()}](?:{'|'.join(name[1:] for name in LEVEL_NAMES if name[0] == letter)})"
    for letter in sorted({name[0] for name in LEVEL_NAMES})
)
_START = re.compile(
    rf"\s*+(?:\[ *+)?+(?:(?:{_BY_LETTER})\b"
    r'|\{\s*"|<\d|[MTWFS][a-z]{2} \w{3} \d\d \d\d:'
    r"|\d{4}[-/]\d\d[-/]\d\d[T _]\d|[IWEF]\d{4} |\d\d:\d\d:\d\d|npm |::|##|Traceback"
    rf"|(?:time|ts|t|level|lvl|msg|logger|caller)=|(?:{_MONTHS}) [ \d]\d \d\d:)"
)
_BRACKETED = re.compile(rf"\[ *({_NAMES}) *\]:?\s*(.*)", re.IGNORECASE | re.DOTALL)
_PYTHON = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL):([\w.-]+):(.*)", re.DOTALL)
_NOTHING = r"(?!(?:0|no|none|null|nil|true|false|\[\]|\{\})\s*\Z)"  # `error: null`, `FAIL: 0`
_COLON = re.compile(
    r"(?!fine\b|config\b|success\b|alert\b)(?!fail(?:ed|ure)?\b)"  # these begin sentences and summaries
    rf"({_NAMES})(?::\s+|\s+[|-]\s+){_NOTHING}(.*\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_CAPITALS = re.compile(
    r"(?:--- )?(ERROR|WARN(?:ING)?|FATAL|CRITICAL|INFO|DEBUG|TRACE|FAIL(?:ED)?)"
    rf"[:\s]\s*{_NOTHING}(.*\S.*)",
    re.DOTALL,
)
_LOGRUS = re.compile(r"(DEBU|INFO|WARN|ERRO|FATA|PANI)\[\d+\]\s*(.*)", re.DOTALL)
_GLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+(\d+)\s+([^\s\]]+:\d+)\] ?(.*)", re.DOTALL)
_DOTNET = re.compile(r"(trce|dbug|info|warn|fail|crit): ([^\s\[]+)\[(\d+)\]\s*(.*)", re.DOTALL)
_NPM = re.compile(r"npm (ERR!|error|WARN|warn|notice)(?: (.*))?$", re.DOTALL)
_GITHUB = re.compile(r"::(error|warning|notice|debug)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)", re.DOTALL)
_HASHES = re.compile(r"##(?:vso)?\[(error|warning|debug)\](.*)", re.DOTALL)
_PRIORITY = re.compile(r"<(\d{1,3})>(?:1 )?(.*)", re.DOTALL)
_SYSLOG = re.compile(
    rf"(?:{_MONTHS}) [ \d]\d \d\d:\d\d:\d\d (\S+) ([^\s:\[]+)(?:\[(\d+)\])?: (.*)", re.DOTALL
)
_APACHE = re.compile(
    rf"\[\w{{3}} (?:{_MONTHS}) \d\d [\d:.]{{8,15}} \d{{4}}\]"
    r" \[(?:([\w-]*):)?(\w+)\] (?:\[pid (\d{1,9})[^\]]*\] )?(.*)",
    re.DOTALL,
)
_CLOCK = re.compile(r"\[\d\d:\d\d:\d\d(?:[.,]\d+)?(?:\] ?|\s)")
_GOOD, _BAD = "✅", ("❌", "⚠️", "⚠")

_WORD = re.compile(
    r"(?<![\w./\\:=@$#&+\"'`-])(?:"
    r"(?P<error>ERRORS?|FATAL|CRITICAL|SEVERE|PANIC|[Ee]rrors?|[Ff]atal(?= error|:)|[Pp]anic(?=:)"
    r"|(?:[A-Za-z]\w*\.)*[A-Za-z]\w*(?:Error|Exception)(?=:))"
    r"|(?P<warn>WARN(?:ING)?S?|[Ww]arning(?=:|\[| [A-Z]+\d+:)|(?:[A-Za-z]\w*\.)*[A-Z]\w*Warning(?=:))"
    r")(?![\w/\\-]|\.\w|\(|\s*[=:]\s*(?:0|no|none|false|null|\[\])\b"
    r"|s?[ -](?:handl|messag|log|report|rate|page|bound|class|type|case|path|check|free|code|count)\w*)"
)
_NONE_OF_IT = re.compile(
    r"(?:\b0|\b[Nn]o|\b[Nn]ot an?|\b[Zz]ero|\b[Ww]ithout(?: an?y?)?|\bon|\bif an?|\bany) $"
)
_PASSED = re.compile(r"\s*(?:✓|✔|√|ok\b|PASS)|.*(?:\bPASSED\b|\.\.\. ?ok$)", re.DOTALL)
_LONGEST = 4_000  # no word counts after that


def may_be_entry(text: str) -> bool:
    """Tell whether a line can be an entry; it is False for most lines."""
    return (
        "rror" in text
        or "arning" in text
        or "xception:" in text
        or _CAPITAL.search(text) is not None
        or _START.match(text) is not None
        or (not text.isascii() and any(marker in text for marker in (_GOOD, *_BAD)))
    )


def read_form(text: str) -> Found | None:
    """Return the entry that a line is by its form, None where it has none."""
    first = text[:1]
    for form in _BY_FIRST.get(first, ()) or _OTHERS:
        if found := form(text):
            return found
    return _time_form(text) or _logfmt(text) or _marker(text)


def read_words(text: str) -> Found | None:
    """Return a line as an entry when it tells of an error or a warning in words, None where it does not.

    `0 errors`, `error_log.txt`, `--error`, `error handling` and tests that passed do not.
    """
    for match in _WORD.finditer(text, 0, _LONGEST):
        if _NONE_OF_IT.search(text, max(match.start() - 20, 0), match.start()):
            continue
        if _PASSED.match(text, 0, _LONGEST):
            return None
        return "error" if match["error"] else "warn", text.strip(), None, {}
    return None


def _bracketed(text: str) -> Found | None:
    match = _BRACKETED.match(text)
    return (LEVEL_NAMES[match[1].lower()], match[2], None, {}) if match else None


def _apache(text: str) -> Found | None:
    """Read a line of Apache's error log: time without a zone, module and level, process, message."""
    match = _APACHE.match(text)
    level = level_of(match[2].rstrip("12345678")) if match else None  # trace1 to trace8
    if match is None or level is None:
        return None
    context = {**({"logger": match[1]} if match[1] else {}), **({"pid": int(match[3])} if match[3] else {})}
    return level, match[4], None, context


def _json(text: str) -> Found | None:
    return read_json(text) if text.rstrip().endswith("}") else None


def _logfmt(text: str) -> Found | None:
    return read_logfmt(text) if "level=" in text or "lvl=" in text else None


def _marker(text: str) -> Found | None:
    if _GOOD in text:
        return "info", text.replace(_GOOD, "").strip(), None, {}
    if any(marker in text for marker in _BAD):
        for marker in _BAD:
            text = text.replace(marker, "")
        return "warn", text.strip(), None, {}
    return None


def _python(text: str) -> Found | None:
    match = _PYTHON.match(text)
    return (LEVEL_NAMES[match[1].lower()], match[3].strip(), None, {"logger": match[2]}) if match else None


def _plain(pattern: re.Pattern[str]) -> Callable[[str], Found | None]:
    def read(text: str) -> Found | None:
        match = pattern.match(text)
        return (LEVEL_NAMES[match[1].lower()], match[2].strip(), None, {}) if match else None

    return read


def _logrus(text: str) -> Found | None:
    match = _LOGRUS.match(text)
    return (level_of(match[1].replace("PANI", "panic")) or "error", match[2], None, {}) if match else None


def _glog(text: str) -> Found | None:
    match = _GLOG.match(text)
    if not match:
        return None
    level = {"I": "info", "W": "warn"}.get(match[1], "error")
    return level, match[4], None, {"thread": match[2], "source": match[3]}


def _dotnet(text: str) -> Found | None:
    """Read a line of .NET's console logger; the message is on the next line, which is indented."""
    match = _DOTNET.match(text)
    if not match:
        return None
    return LEVEL_NAMES[match[1]], match[4], None, {"logger": match[2], "event_id": int(match[3][:9])}


def _npm(text: str) -> Found | None:
    match = _NPM.match(text)
    if not match or not match[2]:
        return None
    return LEVEL_NAMES[match[1].lower().rstrip("!")], match[2].strip(), None, {"logger": "npm"}


def _github(text: str) -> Found | None:
    match = _GITHUB.match(text)
    if not match:
        return None
    pairs = (pair.partition("=") for pair in (match[2] or "").split(","))
    context: dict[str, Any] = {key.strip(): value for key, _, value in pairs if value}
    message = match[3].replace("%0D", "").replace("%0A", "\n").replace("%25", "%")
    return LEVEL_NAMES[match[1]], message, None, context


def _priority(text: str) -> Found | None:
    """Read syslog with its priority, whose lower three bits are the severity (RFC 3164, RFC 5424)."""
    match = _PRIORITY.match(text)
    if not match or int(match[1]) > 191:
        return None
    level = level_of(int(match[1]) & 7) or "info"
    inner = _syslog(match[2]) or _time_form(match[2])
    return (level, *inner[1:]) if inner else (level, match[2], None, {})


def _syslog(text: str) -> Found | None:
    match = _SYSLOG.match(text)
    if not match:
        return None
    context = {"host": match[1], "program": match[2], **({"pid": int(match[3][:9])} if match[3] else {})}
    inner = _bracketed(match[4]) or _COLON_FORM(match[4]) or read_words(match[4])
    level, message = inner[:2] if inner else ("info", match[4])
    return level, message, None, context


def _time_form(text: str) -> Found | None:
    """Read a line that begins with date and time: log4j, Python, nginx, zap, loguru, tracing, Spring.

    Without a level it is information.
    """
    bracket = text.startswith("[")
    match = find_time(text[1:] if bracket else text)
    if match is None:
        clock = _CLOCK.match(text)
        return _levelled(text[clock.end() :], None) if clock else None
    rest, time = text[match.end() + bracket :], zoned(match)
    if bracket and rest[:1] != "]":
        header, _, message = rest.partition("]")
        found = _levelled(f"{header}:{message}", time)  # `[2026-01-02T03:04:05Z ERROR module] message`
    else:
        rest = rest[bracket:].lstrip(_SEPARATORS)
        found = _levelled(rest, time) or _nested(rest, time)
    return found or (("info", rest, time, {}) if rest else None)


def _nested(text: str, time: str | None) -> Found | None:
    """Read what a program printed when another has put the time before it."""
    for form in _BY_FIRST.get(text[:1], ()):
        if found := form(text):
            return found[0], found[1], found[2] or time, found[3]
    return None


def _levelled(rest: str, time: str | None) -> Found | None:
    """Find the level among the first words; what stands before it names the logger, or the thread."""
    words = rest[:_LONGEST].split(None, 6)[:6]
    for index, word in enumerate(words):
        bare = word.strip("[]()<>|:-,")
        level = LEVEL_NAMES.get(bare.lower())
        if level and (index == 0 or bare.isupper() or word[0] in "[(<" or word[-1] in ":])"):
            message = rest[_end_of(rest, words[: index + 1]) :].lstrip(_SEPARATORS + "]")
            logger = " ".join(words[:index]).strip(_SEPARATORS)
            return level, message or rest.strip(), time, {"logger": logger} if logger else {}
    return None


def _end_of(text: str, words: list[str]) -> int:
    end = 0
    for word in words:
        end = text.index(word, end) + len(word)
    return end


_Form = Callable[[str], Found | None]
_COLON_FORM = _plain(_COLON)
_OTHERS: tuple[_Form, ...] = (_python, _dotnet, _npm, _glog, _logrus, _COLON_FORM, _plain(_CAPITALS), _syslog)
_BY_FIRST: dict[str, tuple[_Form, ...]] = {
    "[": (_bracketed, _apache),
    "{": (_json,),
    "<": (_priority,),
    ":": (_github,),
    "#": (_plain(_HASHES),),
}
