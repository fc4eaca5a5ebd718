"""Every setting: its name, the kind of its value, its default, and what it does.

docs/configuration.md is compared with this table. Parsing takes text, wherever it comes from, so that a
file and a variable mean the same. Nothing heavy is imported: this is on the way to every recorded command.
"""

from __future__ import annotations

from collector.errors import InputError
from collector.units import parse_duration, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

Value = bool | int | str | tuple[str, ...] | dict[str, str] | None

COLLECT_PATTERNS = (
    "*.log", "*.trx", "**/TestResults/**", "**/junit*.xml", "**/test-results/**", "coverage/**",
    "coverage.xml", "coverage.json", "lcov.info", "*.diff", "*.patch",
)  # fmt: skip
CHOICES = {
    "runs.artifacts.truncate": ("head", "head_tail"),
    "runs.artifacts.collect": ("matching", "all"),
    "runs.artifacts.collectIgnored": ("builtin", "always", "never"),
    "runs.artifacts.layout": ("flat", "dated"),
}
"""The values of settings that are a choice."""


class Setting:
    """One setting: `key` is its normalized name; `waits` while what reads it is still to come."""

    __slots__ = ("default", "help", "key", "kind", "name", "waits")

    def __init__(self, name: str, kind: str, default: Value, text: str, waits: bool = False) -> None:
        self.name = name
        self.key = normalize(name)
        self.kind = kind
        self.default = default
        self.help = text
        self.waits = waits


def _settings() -> dict[str, Setting]:
    on, off = False, True  # whether it waits
    table: tuple[tuple[str, str, Value, str, bool], ...] = (
        ("runs.enabled", "bool", True, "record commands at all", on),
        ("runs.environment", "list", (), "more environment variables to record, by name", on),
        ("runs.queryTimeout", "duration", 30_000, "show what was found after so long; 0: wait", on),
        ("runs.dirMode", "mode", 0o755, "permissions of run folders", on),
        ("runs.fileMode", "mode", 0o644, "permissions of the files in them", on),
        ("runs.artifacts.enabled", "bool", True, "collect files that a command produced", on),
        ("runs.artifacts.directory", "path", None, "where run folders go (.acode/artifacts)", on),
        ("runs.artifacts.maxSizePerArtifact", "size", 10 << 20, "keep so much of a stream; 0: all", on),
        ("runs.artifacts.layout", "choice", "flat", "run folders flat, or dated: in folders of days", on),
        ("runs.artifacts.truncate", "choice", "head", "which end to keep: head or head_tail", on),
        ("runs.artifacts.collect", "choice", "matching", "files that match the patterns, or all", on),
        ("runs.artifacts.maxArtifactsPerRun", "count", 50, "collect at most so many files; 0: all", on),
        ("runs.artifacts.maxBytesPerRun", "size", 100 << 20, "collect at most so much; 0: all", on),
        ("runs.artifacts.collectTimeout", "duration", 30_000, "look for files no longer than this", on),
        ("runs.artifacts.skipBinary", "bool", False, "collect text files only", on),
        ("runs.artifacts.compressText", "bool", True, "compress text once a run has ended", off),
        ("runs.artifacts.compressMinSize", "size", 64 << 10, "leave smaller files as they are", off),
        ("runs.artifacts.collectPatterns", "list", COLLECT_PATTERNS, "files to collect", on),
        ("runs.artifacts.excludePatterns", "list", (), "files never to collect", on),
        ("runs.artifacts.collectIgnored", "choice", "builtin", "files in .gitignore: when a built-in pattern "
         "fits (builtin), always or never", on),
        ("runs.retention.enabled", "bool", False, "delete old runs", off),
        ("runs.retention.maxAge", "duration", 30 * 86_400_000, "delete runs older than this", off),
        ("runs.retention.keepFailures", "duration", 90 * 86_400_000, "keep failures for longer", off),
        ("runs.retention.minAge", "duration", 0, "never delete anything younger", off),
        ("runs.retention.maxCount", "count", 0, "keep at most so many runs; 0: no limit", off),
        ("runs.retention.maxSize", "size", 0, "keep at most so many bytes; 0: no limit", off),
        ("runs.retention.preserveTags", "list", (), "never delete runs with one of these tags", off),
        ("runs.retention.logRetentionDays", "count", 0, "delete logs after so many days; 0: never", off),
        ("runs.retention.schedule", "text", None, "when to clean up, as cron writes it", off),
        ("runs.retention.autoPrune", "bool", False, "clean up when a limit was crossed", off),
        ("collector.autostart", "bool", True, "start the collector where it is useful", on),
        ("collector.watch", "bool", True, "watch the workspace, to know what a run changed", on),
        ("collector.receiver", "bool", True, "take telemetry of agents on a port of this machine", on),
        ("agents.follow", "bool", True, "follow the transcripts of agents at work here", on),
        ("output.captureStdout", "bool", True, "look through stdout for what it says", on),
        ("output.captureStderr", "bool", True, "look through stderr for what it says", on),
        ("output.captureLogs", "bool", True, "take log entries out of the output", on),
        ("output.maxLogSizeMb", "count", 100, "look through so many megabytes of output at most", on),
        ("output.artifactPatterns", "word map", {}, "per agent: keys of its JSON, or a pattern", on),
        ("output.artifactSchemas", "map", {}, "per agent: the JSON Schema of its artifacts, a file", on),
        ("tasks", "map", {}, "the commands of `acode task run NAME`", on),
    )  # fmt: skip
    return {normalize(row[0]): Setting(*row) for row in table}


def normalize(name: str) -> str:
    """Return a name without what camelCase and snake_case differ in."""
    return name.replace("_", "").replace("-", "").lower()


SETTINGS = _settings()
"""Each setting by its normalized name."""

MAPS = ("map", "word map")
"""Kinds whose value is names with a text each; in a `word map` a list of words may stand for a text."""

SYNONYMS = {
    "artifacts.basepath": "runs.artifacts.directory",
    "artifacts.maxsize": "runs.retention.maxsize",
    "artifacts.retention.maxruns": "runs.retention.maxcount",
    "artifacts.retention.maxagedays": "runs.retention.maxage",
    "artifacts.autoprune": "runs.retention.autoprune",
    "output.compresslogs": "runs.artifacts.compresstext",
    "output.logretentiondays": "runs.retention.logretentiondays",
    "output.artifactretentiondays": "runs.retention.maxage",
}
"""The names of `.agent/config.yml`, normalized, and what they mean here."""

SYNONYM_NAMES = (
    "artifacts.base_path", "artifacts.max_size", "artifacts.retention.max_runs",
    "artifacts.retention.max_age_days", "artifacts.auto_prune", "output.compress_logs",
    "output.log_retention_days", "output.artifact_retention_days",
)  # fmt: skip
_DAYS = frozenset({"artifacts.retention.maxagedays", "output.artifactretentiondays"})


def find_setting(name: str) -> Setting | None:
    """Return the setting that a name, in any spelling, means."""
    key = normalize(name)
    return SETTINGS.get(SYNONYMS.get(key, key))


def variable(setting: Setting) -> str:
    """Return the environment variable of a setting: `ACODE_RUNS_ARTIFACTS_DIRECTORY`."""
    words = "".join(["_" + c if c.isupper() else c for c in setting.name])
    return "ACODE_" + words.replace(".", "_").upper()


def parse_value(setting: Setting, text: str, name: str = "") -> Value:
    """Parse the text of a scalar.

    Args:
        setting: what it is for.
        text: as it was typed.
        name: the name it was given under, for a synonym with a unit of its own.

    Raises:
        InputError: saying what is wrong with it.
    """
    if normalize(name) in _DAYS:
        return _count(text) * 86_400_000
    if setting.kind == "choice":
        return _choice(text.strip(), CHOICES[setting.name])
    return _PARSERS[setting.kind](text.strip())


def _bad(message: str, hint: str) -> InputError:
    return InputError("ACODE-RUN-023", message, hint)


def _bool(text: str) -> bool:
    known = {"true": True, "yes": True, "on": True, "1": True}
    known |= {"false": False, "no": False, "off": False, "0": False}
    if text.lower() not in known:
        raise _bad(f"{text!r} is neither true nor false", "write true or false")
    return known[text.lower()]


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise _bad(f"{text!r} is not a whole number", "write 0 or more")
    return int(text)


def _limit(parse: Callable[[str], int], text: str) -> int:
    return 0 if text.lower() in ("unlimited", "never") else parse(text)


def _mode(text: str) -> int:
    """Octal, as chmod has it; the owner keeps what acode itself needs."""
    digits = text.lower().removeprefix("0o").lstrip("0")
    if len(digits) != 3 or not set(digits) <= set("01234567"):
        raise _bad(f"{text!r} is not a mode", "write 755 or 700 for folders, 644 or 600 for files")
    mode = int(digits, 8)
    if mode & 0o600 != 0o600:
        raise _bad(f"mode {text!r} keeps acode itself out", "the owner must read and write")
    return mode


def _choice(text: str, known: tuple[str, ...]) -> str:
    value = text.lower().replace("-", "_")
    if value not in known:
        raise _bad(f"{text!r} is not one of the choices", f"use {', '.join(known[:-1])} or {known[-1]}")
    return value


def _text(text: str) -> str:
    if not text or "\0" in text:
        raise _bad("the value is empty", "leave the line out instead")
    return text


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _map(text: str) -> dict[str, str]:
    raise _bad(f"{text!r} is not a list of names and values", "write name: value lines below it")


_PARSERS: dict[str, Callable[[str], Value]] = {
    "bool": _bool, "count": _count, "duration": lambda text: _limit(parse_duration, text),
    "list": _list, "map": _map, "word map": _map, "mode": _mode, "path": _text,
    "size": lambda text: _limit(parse_size, text), "text": _text,
}  # fmt: skip
