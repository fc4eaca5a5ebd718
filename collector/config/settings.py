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
    "runs.redact": ("never", "display", "store"),
    "runs.encryption.keySource": ("keyring", "file", "environment"),
}
"""The values of settings that are a choice."""


class Setting:
    """One setting: `key` is its normalized name."""

    __slots__ = ("default", "help", "key", "kind", "name")

    def __init__(self, name: str, kind: str, default: Value, text: str) -> None:
        self.name = name
        self.key = normalize(name)
        self.kind = kind
        self.default = default
        self.help = text


def _settings() -> dict[str, Setting]:
    table: tuple[tuple[str, str, Value, str], ...] = (
        ("runs.enabled", "bool", True, "record commands at all"),
        ("runs.environment", "list", (), "more environment variables to record, by name"),
        ("runs.queryTimeout", "duration", 30_000, "show what was found after so long; 0: wait"),
        ("runs.dirMode", "mode", 0o755, "permissions of run folders"),
        ("runs.fileMode", "mode", 0o644, "permissions of the files in them"),
        ("runs.artifacts.enabled", "bool", True, "collect files that a command produced"),
        ("runs.artifacts.directory", "path", None, "where run folders go (.acode/artifacts)"),
        ("runs.artifacts.maxSizePerArtifact", "size", 10 << 20, "keep so much of a stream; 0: all"),
        ("runs.artifacts.layout", "choice", "flat", "run folders flat, or dated: in folders of days"),
        ("runs.artifacts.truncate", "choice", "head", "which end to keep: head or head_tail"),
        ("runs.artifacts.collect", "choice", "matching", "files that match the patterns, or all"),
        ("runs.artifacts.maxArtifactsPerRun", "count", 50, "collect at most so many files; 0: all"),
        ("runs.artifacts.maxBytesPerRun", "size", 100 << 20, "collect at most so much; 0: all"),
        ("runs.artifacts.collectTimeout", "duration", 30_000, "look for files no longer than this"),
        ("runs.artifacts.skipBinary", "bool", False, "collect text files only"),
        ("runs.artifacts.compressText", "bool", True, "compress text once a run has ended"),
        ("runs.artifacts.compressMinSize", "size", 64 << 10, "leave smaller files as they are"),
        ("runs.artifacts.collectPatterns", "list", COLLECT_PATTERNS, "files to collect"),
        ("runs.artifacts.excludePatterns", "list", (), "files never to collect"),
        ("runs.artifacts.collectIgnored", "choice", "builtin", "files in .gitignore: when a built-in pattern "
         "fits (builtin), always or never"),
        ("runs.retention.enabled", "bool", False, "delete old runs"),
        ("runs.retention.maxAge", "duration", 30 * 86_400_000, "delete runs older than this"),
        ("runs.retention.keepFailures", "duration", 90 * 86_400_000, "keep failures for longer"),
        ("runs.retention.minAge", "duration", 3_600_000, "never delete anything younger"),
        ("runs.retention.maxCount", "count", 0, "keep at most so many runs; 0: no limit"),
        ("runs.retention.maxSize", "size", 1 << 30, "keep at most so many bytes; 0: no limit"),
        ("runs.retention.keepLast", "count", 0, "never delete the newest runs: so many"),
        ("runs.retention.keepDaily", "count", 0, "keep the newest run of each of so many days"),
        ("runs.retention.keepWeekly", "count", 0, "keep the newest run of each of so many weeks"),
        ("runs.retention.preserveTags", "list", (), "never delete runs with one of these tags"),
        ("runs.retention.logRetentionDays", "count", 0, "delete what runs printed after so many days"),
        ("runs.retention.schedule", "text", None, "when to clean up, as cron writes it"),
        ("runs.retention.autoPrune", "bool", False, "clean up when a limit was crossed"),
        ("runs.retention.trashTime", "duration", 7 * 86_400_000, "deleted runs can come back for so long"),
        ("runs.redact", "choice", "display", "mask secrets: never, when shown (display), or when stored"),
        ("runs.redactPatterns", "map", {}, "more secrets to find: a regular expression for each name"),
        ("runs.redactEnvironment", "list", (), "more environment variables whose values are secrets"),
        ("runs.redactAllow", "list", (), "regular expressions of what is no secret"),
        ("runs.encryption.enabled", "bool", False, "encrypt artifacts once a run has ended"),
        ("runs.encryption.keySource", "choice", "keyring", "where the key is: keyring, file or environment"),
        ("runs.encryption.keyFile", "path", None, "the file that holds the key"),
        ("audit.enabled", "bool", True, "keep a log of exports, imports and deletions"),
        ("audit.access", "bool", True, "log reading of artifacts, too"),
        ("collector.autostart", "bool", True, "start the collector where it is useful"),
        ("collector.watch", "bool", True, "watch the workspace, to know what a run changed"),
        ("collector.receiver", "bool", True, "take telemetry of agents on a port of this machine"),
        ("agents.follow", "bool", True, "follow the transcripts of agents at work here"),
        ("output.captureStdout", "bool", True, "look through stdout for what it says"),
        ("output.captureStderr", "bool", True, "look through stderr for what it says"),
        ("output.captureLogs", "bool", True, "take log entries out of the output"),
        ("output.maxLogSizeMb", "count", 100, "look through so many megabytes of output at most"),
        ("output.artifactPatterns", "word map", {}, "per agent: keys of its JSON, or a pattern"),
        ("output.artifactSchemas", "map", {}, "per agent: the JSON Schema of its artifacts, a file"),
        ("tasks", "map", {}, "the commands of `acode task run NAME`"),
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
