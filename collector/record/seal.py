"""After the end of a run: checksums, `output.txt`, `error.json`; or the closing of one cut short.

Done by whoever holds the collector's lock, never by the recorder, so that no command waits for a hash.
Sealing twice changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from collector import clock, durable
from collector.config import Config
from collector.record.annotate import annotated, forget_call, read_call
from collector.record.content import ENCRYPTED, SUFFIX, open_content
from collector.record.encrypting import encrypt_files, wants_encryption
from collector.record.gather import KNOWS_NOTHING, PROVENANCE, Gathering, Knowing, gather, gathering_of
from collector.record.handed_in import forget_incoming, has_incoming
from collector.record.keep import Keeping, Same, drop_plain, keep_files, keeping_of, no_same
from collector.record.output_index import MAX_COMBINED_BYTES, iter_output
from collector.record.printed import Looking, Printed, find_printed, link_logs, looking_of
from collector.record.redacting import STORE, mode_of, rules_anyway
from collector.record.results import find_results
from collector.record.run_json import artifact_entry, write_run_json
from collector.record.sensitive import flag_artifacts, flag_record, redact_made
from collector.workspace import (
    ANNOTATIONS_JSON,
    CALL_JSON,
    DAMAGE_JSON,
    ERROR_JSON,
    IMPORT_JSON,
    INCOMING,
    OUTPUT,
    OUTPUT_INDEX,
    RUN_JSON,
    STDERR,
    STDOUT,
    Workspace,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.redaction import Rules

MAX_RUN_JSON_BYTES = 16 << 20
_LAST_LINES_BYTES = 4096
_LAST_LINES = 20


def read_record(folder: str) -> dict[str, Any]:
    """Return what a run folder's run.json says.

    Raises:
        OSError: it is not there or cannot be read, or it is a symbolic link.
        ValueError: it is not the JSON object it should be.
    """
    fd = _open(folder, RUN_JSON)
    with os.fdopen(fd, "rb") as file:
        data = file.read(MAX_RUN_JSON_BYTES + 1)
    if len(data) > MAX_RUN_JSON_BYTES:
        raise ValueError("run.json is too large")
    try:
        record = json.loads(data)
    except RecursionError as error:
        raise ValueError("run.json is nested too deeply") from error
    if not isinstance(record, dict):
        raise ValueError("run.json is not an object")
    if b"\\u" in data:
        json.dumps(record, ensure_ascii=False).encode()  # half of a surrogate pair is no Unicode
    return record


def is_sealed(record: dict[str, Any]) -> bool:
    """Tell whether every artifact of a finished record has its checksum."""
    return all(artifact.get("checksum_sha256") for artifact in record.get("artifacts", ()))


@dataclass(frozen=True, slots=True)
class Sealing:
    """How runs are sealed: what is gathered, and how it is kept."""

    gathering: Gathering
    looking: Looking
    keeping: Keeping
    secrets: Rules | None = None
    """What is looked for to flag it; None for nothing."""
    redacts: bool = False
    """Whether what is looked for must not be kept at all."""


def sealing_of(config: Config, workspace: Workspace) -> Sealing:
    """Return how a configuration wants runs to be sealed."""
    rules, redacts = rules_anyway(config, os.environ), mode_of(config) == STORE
    gathering = gathering_of(config, workspace, rules if redacts else None)
    keeping = keeping_of(config, workspace, os.environ)
    return Sealing(gathering, looking_of(config, workspace), keeping, rules, redacts)


class Surroundings(NamedTuple):
    """Who knows of the rest of the workspace: what happened in it, and which files are stored already."""

    knowing: Knowing = KNOWS_NOTHING
    same: Same = no_same


def seal(folder: str, record: dict[str, Any], sealing: Sealing, surroundings: Surroundings) -> dict[str, Any]:
    """Gather what a run produced; add checksums, combined output and error details; return the new record.

    Args:
        folder: the run folder.
        record: its run.json.
        sealing: the settings.
        surroundings: who knows more.

    Raises:
        OSError: nothing was changed that a second call would not mend.
    """
    call = read_call(folder)
    is_done = is_sealed(record) and call is None and not has_incoming(folder)
    if record["status"] == "running" or is_done:
        return _kept(folder, record, sealing.keeping)
    if sealing.keeping.key is not None:
        sealing.keeping.key()  # without one, nothing is begun
    durable.remove_temporaries(folder)
    before, record = record, annotated(record, call)
    gathered = gather(folder, record, sealing.gathering, surroundings.knowing)
    redacted = sealing.secrets if sealing.redacts else None
    found = find_results(folder, gathered, lambda path: open_content(folder, path), _mode(folder), redacted)
    artifacts = [*found.artifacts, *_made(folder, record, {entry["path"] for entry in found.artifacts})]
    record = {**gathered.record, "summary": found.summary}
    if PROVENANCE in record["provenance"] and PROVENANCE not in (before.get("provenance") or {}):
        printed = _printed(folder, record, sealing.looking)
        artifacts += printed.artifacts
        record |= {"metrics": printed.metrics, "summary": {**found.summary, **printed.summary}}
    new = {a["path"] for a in artifacts if not a.get("checksum_sha256") or a["path"] in gathered.fresh}
    if redacted is not None:
        record, artifacts = redact_made(folder, record, artifacts, new, redacted)
    record = {**record, "artifacts": artifacts}
    if sealing.secrets is not None:
        record = flag_record(flag_artifacts(folder, record, new, sealing.secrets), sealing.secrets)
    kept = keep_files(folder, record["artifacts"], gathered.fresh, sealing.keeping, surroundings.same)
    sealed = {**record, "artifacts": kept}
    write_run_json(folder, sealed, _mode(folder), sync=True)
    if call is not None:
        forget_call(folder, call)
    forget_incoming(folder)
    drop_plain(folder, kept)
    return sealed


def _kept(folder: str, record: dict[str, Any], keeping: Keeping) -> dict[str, Any]:
    """Return the record of a run that was sealed before, its files encrypted if they should be by now."""
    entries = record["artifacts"]
    if record["status"] != "running" and keeping.key is not None and any(map(wants_encryption, entries)):
        durable.remove_temporaries(folder)
        record = {**record, "artifacts": encrypt_files(folder, entries, keeping.key)}
        write_run_json(folder, record, _mode(folder), sync=True)
    drop_plain(folder, record["artifacts"])
    return record


def remove_leftovers(folder: str, record: dict[str, Any]) -> None:
    """Remove files that a sealing which was cut short made and never spoke of; the next makes them anew."""
    if record["status"] == "running" or is_sealed(record) or has_incoming(folder):
        return  # what was handed in may be in its place already, and only there
    known = {RUN_JSON, STDOUT, STDERR, OUTPUT_INDEX, CALL_JSON, ANNOTATIONS_JSON, IMPORT_JSON, DAMAGE_JSON}
    known |= {artifact["path"] for artifact in record["artifacts"]}
    for above, folders, names in os.walk(folder):
        relative = os.path.relpath(above, folder)
        if relative == ".":
            folders[:] = [name for name in folders if name != INCOMING]
        for name in names:
            path = name if relative == "." else f"{relative}/{name}"
            plain = path.removesuffix(ENCRYPTED).removesuffix(SUFFIX)
            if not {path, path.removesuffix(SUFFIX), plain} & known:
                durable.unlink_quietly(os.path.join(above, name))


def _printed(folder: str, record: dict[str, Any], looking: Looking) -> Printed:
    """Look through the output; whatever is in it, the run is sealed."""
    try:
        found = find_printed(folder, record, looking, _mode(folder))
        found.artifacts += link_logs(folder, record)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of ours must not cost more than what it was about
        return Printed(
            summary={"problem": f"its output was not looked through: {type(error).__name__}: {error}"}
        )
    return found


def _made(folder: str, record: dict[str, Any], known: set[str]) -> Iterator[dict[str, Any]]:
    """Make the files that every run has, and yield their entries."""
    for name, kind, build in ((OUTPUT, "output", _combine), (ERROR_JSON, "json", _explain)):
        if name not in known and build(folder, record):
            yield _artifact(folder, record, name, kind)


def close_abandoned(folder: str, record: dict[str, Any]) -> dict[str, Any]:
    """End the record of a run whose recorder died: cancelled, with what had been captured.

    The end is when the last byte came, and the exit code is not guessed.

    Raises:
        OSError: the record is as it was.
    """
    start = clock.parse_iso(record["start_time"])
    end = max([start, *_modified(folder)])
    artifacts = [
        _artifact(folder, record, name, kind)
        for name, kind in ((STDOUT, "stdout"), (STDERR, "stderr"))
        if os.path.isfile(os.path.join(folder, name))
    ]
    closed = {
        **record,
        "status": "cancelled",
        "end_time": clock.format_iso(end),
        "duration_ms": end - start,
        "error_code": "ACODE-RUN-011",
        "error_message": "the recorder was killed; what had been captured is kept",
        "artifacts": artifacts,
        "provenance": {"exit_code": "none", "timing": "last output", "output": "recorder"},
    }
    write_run_json(folder, closed, _mode(folder), sync=True)
    return closed


def _combine(folder: str, record: dict[str, Any]) -> bool:
    """Make output.txt from both streams in their order; False where there is none to make."""
    sizes = {name: _size(folder, name) for name in (STDOUT, STDERR)}
    if sum(sizes.values()) > MAX_COMBINED_BYTES or not all(size >= 0 for size in sizes.values()):
        return False
    path = os.path.join(folder, OUTPUT)
    durable.unlink_quietly(path)
    if sizes[STDERR] == 0:
        durable.link_or_copy(os.path.join(folder, STDOUT), path)
    elif sizes[STDOUT] == 0:
        durable.link_or_copy(os.path.join(folder, STDERR), path)
    else:
        data = b"".join(data for _, _, data in iter_output(folder))
        durable.replace_file(path, data, _mode(folder), sync=False)
    return True


def _explain(folder: str, record: dict[str, Any]) -> bool:
    """Make error.json for a run that did not succeed."""
    if record["status"] not in ("failure", "timeout"):
        return False
    details = {
        name: record.get(name) for name in ("run_id", "name", "command_line", "status", "exit_code", "signal")
    }
    details["error_code"] = record.get("error_code")
    details["error_message"] = record.get("error_message")
    details["last_lines"] = _last_lines(folder, STDERR) or _last_lines(folder, STDOUT)
    data = json.dumps(details, indent=2, ensure_ascii=False) + "\n"
    path = os.path.join(folder, ERROR_JSON)
    durable.replace_file(path, data.encode("utf-8", "replace"), _mode(folder), sync=False)
    return True


def _last_lines(folder: str, name: str) -> list[str]:
    size = _size(folder, name)
    if size <= 0:
        return []
    with os.fdopen(_open(folder, name), "rb") as file:
        file.seek(max(0, size - _LAST_LINES_BYTES))
        text = file.read(_LAST_LINES_BYTES).decode("utf-8", "replace")
    return text.splitlines()[-_LAST_LINES:]


def _artifact(folder: str, record: dict[str, Any], name: str, kind: str) -> dict[str, Any]:
    size = max(0, _size(folder, name))
    return dict(artifact_entry(record["run_id"], kind, name, size, max(0, _modified_of(folder, name))))


def _open(folder: str, name: str) -> int:
    path = os.path.join(folder, name)
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _mode(folder: str) -> int:
    """New files are as open as the streams are."""
    for name in (STDOUT, RUN_JSON):
        try:
            return os.lstat(os.path.join(folder, name)).st_mode & 0o777
        except OSError:
            continue
    return 0o644


def _size(folder: str, name: str) -> int:
    try:
        return os.lstat(os.path.join(folder, name)).st_size
    except OSError:
        return -1


def _modified(folder: str) -> Iterator[int]:
    for name in (STDOUT, STDERR, OUTPUT_INDEX):
        yield _modified_of(folder, name)


def _modified_of(folder: str, name: str) -> int:
    try:
        return os.lstat(os.path.join(folder, name)).st_mtime_ns // 1_000_000
    except OSError:
        return 0
