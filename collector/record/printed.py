"""What a run printed of itself: log entries (`logs.jsonl`), JSON artifacts (`artifact.json`), metrics.

Done once, when the run is sealed; what a program prints can cost time and memory only within bounds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from collector import clock, durable
from collector.config import Config
from collector.extract.json_blocks import FoundJson, find_json
from collector.extract.json_schema import check_schema
from collector.extract.logs import LogScanner
from collector.extract.metrics import MetricScanner
from collector.extract.text import LineSplitter
from collector.ids import slug
from collector.record.content import open_content
from collector.record.output_index import iter_output
from collector.record.run_json import made_entry
from collector.workspace import BUILD_LOG, JSON_ARTIFACT, LOGS, OUTPUT, RESTORE_LOG, STDERR, STDOUT, Workspace

_CHUNK = 1 << 20
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
    splitters = {number: LineSplitter() for number in _STREAMS}
    scanners = {number: LogScanner(name, failed) for number, name in _STREAMS.items()}
    metrics = MetricScanner()
    start, seen, at = clock.parse_iso(record["start_time"]), 0, None

    def take(number: int, lines: Iterator[tuple[int, str]]) -> None:
        for line, text in lines:
            if looking.logs:
                scanners[number].feed(line, text, at)
            metrics.feed(text)

    for milliseconds, number, data in iter_output(folder):
        if _STREAMS[number] not in looking.streams:
            continue
        seen += len(data)
        if seen > looking.max_bytes:
            found.summary["partial"] = True
            break
        at = clock.format_iso(start + milliseconds)
        take(number, splitters[number].feed(data))
    for number, splitter in splitters.items():
        take(number, splitter.finish())
    found.metrics = dict(metrics.found())
    _write_logs(folder, record["run_id"], list(scanners.values()), mode, found)


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
    found.summary["logs"] = counts
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
        return find_json(chunks(), looking.patterns.get(agent))
    except (OSError, ValueError):
        return FoundJson()


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
