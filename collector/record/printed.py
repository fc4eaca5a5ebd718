"""What a run printed of itself: log entries (`logs.jsonl`), JSON artifacts (`artifact.json`), metrics.

Done once, when the run is sealed; what a program prints can cost time and memory only within bounds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from collector import clock, durable
from collector.config import Config
from collector.extract.json_blocks import FoundJson, find_json
from collector.extract.json_schema import check_schema
from collector.extract.logs import LogScanner
from collector.extract.metrics import MetricScanner
from collector.extract.text import iter_lines
from collector.ids import slug
from collector.record.content import open_content
from collector.record.output_index import iter_output
from collector.record.run_json import made_entry
from collector.workspace import BUILD_LOG, JSON_ARTIFACT, LOGS, OUTPUT, RESTORE_LOG, STDERR, STDOUT, Workspace

_CHUNK = 1 << 20
_KEY = re.compile(r"[\w.@$-]+")
_MAX_SCHEMA = 4 << 20
_STREAMS = {1: "stdout", 2: "stderr"}
_FAILED = ("failure", "timeout")
_RESTORES = (
    "restore", "npm ci", "npm install", "pip install", "yarn install", "pnpm install", "bundle install",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What is looked for: in which streams, in how many bytes, and per agent what its JSON is like."""

    root: str
    streams: tuple[str, ...] = ("stdout", "stderr")
    logs: bool = True
    max_bytes: int = 100 << 20
    patterns: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)


def looking_of(config: Config, workspace: Workspace) -> Looking:
    """Return what a configuration wants to be looked for."""

    def table(name: str) -> dict[str, str]:
        value = config.get(name)
        return {key.lstrip("@"): text for key, text in value.items()} if isinstance(value, dict) else {}

    megabytes = config.get("output.maxLogSizeMb")
    return Looking(
        root=workspace.root,
        streams=tuple(s for s in ("stdout", "stderr") if config.get(f"output.capture{s.title()}")),
        logs=bool(config.get("output.captureLogs")),
        max_bytes=(megabytes << 20) if isinstance(megabytes, int) and megabytes else 1 << 62,
        patterns=table("output.artifactPatterns"), schemas=table("output.artifactSchemas"),
    )  # fmt: skip


@dataclass(slots=True)
class Printed:
    """What was found: entries for the run's record, its metrics, and the counts for its summary."""

    artifacts: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)


def find_printed(folder: str, record: Mapping[str, Any], looking: Looking, mode: int) -> Printed:
    """Look through a finished run's output, and write what is found into its folder.

    Raises:
        OSError: the disk is full.
    """
    found = Printed()
    if looking.streams:
        _look_through(folder, record, looking, mode, found)
    if "stdout" in looking.streams:
        _find_artifacts(folder, record, looking, mode, found)
    return found


def _look_through(
    folder: str, record: Mapping[str, Any], looking: Looking, mode: int, found: Printed
) -> None:
    failed = record["status"] in _FAILED
    metrics = MetricScanner()
    scanners = []
    for number, name in _STREAMS.items():
        if name not in looking.streams:
            continue
        scanner, pieces = LogScanner(name, failed), _Pieces(folder, number, record, looking.max_bytes)
        for line, text in iter_lines(pieces):
            if looking.logs:
                scanner.feed(line, text, pieces.at)
            metrics.feed(text)
        scanners.append(scanner)
        if pieces.is_cut:
            found.summary["partial"] = True
    found.metrics = dict(metrics.found())
    _write_logs(folder, record["run_id"], scanners, mode, found)


class _Pieces:
    """The pieces of one stream in their order; `at` is when the latest one was printed."""

    def __init__(self, folder: str, number: int, record: Mapping[str, Any], limit: int) -> None:
        self._folder, self._number, self._left = folder, number, limit
        self._start = clock.parse_iso(record["start_time"])
        self.at: str | None = None
        self.is_cut = False

    def __iter__(self) -> Iterator[bytes]:
        for milliseconds, number, data in iter_output(self._folder):
            if number != self._number:
                continue
            self.at = clock.format_iso(self._start + milliseconds)
            yield data[: self._left]
            self._left -= len(data)
            if self._left <= 0:
                self.is_cut = True
                return


def _write_logs(folder: str, run_id: str, scanners: list[LogScanner], mode: int, found: Printed) -> None:
    entries = [entry for scanner in scanners for entry in scanner.finish()]
    if not entries:
        return
    entries.sort(key=lambda entry: entry.timestamp or "")
    lines = [json.dumps(entry.to_json(), ensure_ascii=False) + "\n" for entry in entries]
    durable.replace_file(os.path.join(folder, LOGS), "".join(lines).encode("utf-8", "replace"), mode)
    counts: dict[str, int] = {}
    for scanner in scanners:
        for level, number in scanner.counts().items():
            counts[level] = counts.get(level, 0) + number
    found.summary["logs"] = {level: number for level, number in counts.items() if number}
    found.artifacts.append(made_entry(folder, run_id, "log", LOGS, "application/x-ndjson"))


def _find_artifacts(
    folder: str, record: Mapping[str, Any], looking: Looking, mode: int, found: Printed
) -> None:
    agent = str(record.get("agent") or "").lstrip("@")
    json_found = _json_of(folder, looking, agent)
    for number, block in enumerate(json_found.blocks, 1):
        name = JSON_ARTIFACT if number == 1 else f"artifact-{number}.json"
        text = json.dumps(block.value, ensure_ascii=False, indent=2) + "\n"
        durable.replace_file(os.path.join(folder, name), text.encode("utf-8", "replace"), mode)
        entry = made_entry(folder, record["run_id"], "json", name, "application/json")
        metadata: dict[str, Any] = {"how": block.how, "lines": [block.first_line, block.last_line]}
        if number == 1 and agent in looking.schemas:
            schema = looking.schemas[agent]
            problems = _check(block.value, looking, schema)
            metadata |= {"schema": schema, "valid": not problems, "problems": problems}
        entry["metadata"] = metadata
        found.artifacts.append(entry)
        if number == 1:
            found.artifacts += _phase(folder, record, agent, entry)
    if json_found.problems:
        found.summary["json_problems"] = list(json_found.problems)


def _json_of(folder: str, looking: Looking, agent: str) -> FoundJson:
    def chunks() -> Iterator[bytes]:
        with open_content(folder, STDOUT) as content:
            while data := content.read(_CHUNK):
                yield data

    try:
        return find_json(chunks(), _pattern(looking.patterns.get(agent)))
    except (OSError, ValueError):
        return FoundJson()


def _pattern(text: str | None) -> tuple[str, ...] | re.Pattern[str] | None:
    """Return what an agent's artifact looks like: words with commas are the keys it has."""
    if not text:
        return None
    keys = tuple(key.strip() for key in text.split(","))
    if all(_KEY.fullmatch(key) for key in keys):
        return keys
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        return None


def _check(value: Any, looking: Looking, name: str) -> list[str]:
    """Check a value against a schema file of the workspace."""
    path = os.path.join(looking.root, name)
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            schema = json.loads(file.read(_MAX_SCHEMA))
    except (OSError, ValueError, RecursionError) as error:
        return [f"the schema {name} cannot be read: {error}"]
    return list(check_schema(value, schema))


def _phase(folder: str, record: Mapping[str, Any], agent: str, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the artifact of a run with a phase (`--tag phase=2`, or ACODE_PHASE) a name that says so."""
    tags, environment = record.get("tags") or {}, record.get("environment") or {}
    phase = slug(str(tags.get("phase") or environment.get("ACODE_PHASE") or ""))
    if not phase:
        return []
    stamp = str(record["end_time"]).replace(":", "-").replace(".", "-")
    name = f"phase_{phase}_{slug(agent) or 'agent'}_{stamp}.json"
    target = os.path.join(folder, name)
    durable.unlink_quietly(target)
    durable.link_or_copy(os.path.join(folder, JSON_ARTIFACT), target)
    named = made_entry(folder, record["run_id"], "json", name, "application/json")
    return [{**named, "metadata": entry["metadata"]}]


def link_logs(folder: str, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the output of a build, or of a restore of packages, the name under which it is looked for."""
    line = str(record.get("command_line") or "").lower()
    name = RESTORE_LOG if any(words in line for words in _RESTORES) else BUILD_LOG
    if name == BUILD_LOG and record.get("type") != "build":
        return []
    source = next((n for n in (OUTPUT, STDOUT, STDERR) if _has_content(folder, n)), None)
    if source is None:
        return []
    target = os.path.join(folder, name)
    durable.unlink_quietly(target)
    durable.link_or_copy(os.path.join(folder, source), target)
    return [made_entry(folder, record["run_id"], "log", name, "text/plain")]


def _has_content(folder: str, name: str) -> bool:
    try:
        return os.lstat(os.path.join(folder, name)).st_size > 0
    except OSError:
        return False
