"""A run's record as it stands in a bundle: how it is made of the stored one, and what is accepted. Pure.

In a bundle nothing is said that depends on how a store keeps a file: artifacts are their original bytes, so
`compressed` and `encrypted` are false. Whatever is exported passes the check that an import makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from collector.bundle.manifest import Omitted, dump_json
from collector.bundle.names import check_artifact_paths, is_run_name
from collector.bundle.strict_json import parse_object
from collector.ids import is_ulid
from collector.model.artifact import FIELDS, Artifact
from collector.model.run import CONTEXTS, SCHEMA_VERSION, TYPES, Run

MAX_RUN_JSON_BYTES = 16 << 20
MAX_ANNOTATIONS_BYTES = 4 << 20
LEFT_OUT = "left out of the bundle"
"""The reason in `skipped` of a file that was not exported though it is there."""
STREAMS = ("stdout", "stderr")
SOURCES = ("stdout", "stderr", "file", "extracted", "imported")
ARTIFACT_TYPES = (
    "stdout", "stderr", "output", "log", "test_result", "coverage", "diff", "build_output", "json", "other",
)  # fmt: skip
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OF_A_RUN = frozenset({
    "schema_version", "run_id", "name", "status", "type", "context", "start_time", "end_time", "artifacts",
})  # fmt: skip
_OF_AN_ARTIFACT = frozenset({
    "artifact_id", "run_id", "type", "checksum_sha256", "content_type", "encoding", "created_at",
    "modified_at", "source",
})  # fmt: skip
"""What acode itself writes, in one of few forms; these are not masked."""
_STAMP = re.compile(r"-\d{8}-\d{6}(-\d+)?$")

Mask = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Content:
    """What was put into a bundle for an artifact; None in its place says that nothing was."""

    size: int
    sha256: str


def exported_artifact(
    artifact: Mapping[str, Any], content: Content | None, problem: str = ""
) -> dict[str, Any]:
    """Return an artifact's entry in the record of a bundle.

    Args:
        artifact: the stored entry.
        content: what lies in the bundle.
        problem: `missing` or `corrupt`, where nothing does.
    """
    entry: dict[str, Any] = {**artifact, **Artifact.from_json(artifact).to_json()}
    entry |= {"compressed": False, "encrypted": False, "file_name": entry["path"].rpartition("/")[2]}
    if content is None:
        return entry | {
            "stored_bytes": 0,
            "missing": True,
            "corrupt": problem == "corrupt" or entry["corrupt"],
        }
    return entry | {
        "size_bytes": content.size, "stored_bytes": content.size, "checksum_sha256": content.sha256,
        "missing": False, "corrupt": False,
    }  # fmt: skip


def masked(value: Any, mask: Mask) -> Any:
    """Return a JSON value with every text masked, also that of keys."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    if isinstance(value, dict):
        return {mask(key): masked(item, mask) for key, item in value.items()}
    return value


def masked_record(record: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    """Return a record in which whatever somebody else than acode wrote is masked."""
    result = _masked_fields(record, mask, _OF_A_RUN)
    result["artifacts"] = [_masked_fields(entry, mask, _OF_AN_ARTIFACT) for entry in record["artifacts"]]
    return result


def _masked_fields(fields: Mapping[str, Any], mask: Mask, kept: frozenset[str]) -> dict[str, Any]:
    return {key: value if key in kept else masked(value, mask) for key, value in fields.items()}


def masked_name(name: str, mask: Mask) -> str:
    """Return the name of a run, whose first part is what somebody called the task."""
    if mask(name) == name:
        return name
    stamp = _STAMP.search(name)
    return f"run{stamp[0]}" if stamp else name


def masked_paths(paths: list[str], mask: Mask) -> dict[str, str]:
    """Return what the paths of a run become, none like another."""
    found: dict[str, str] = {}
    taken = {path for path in paths if mask(path) == path}
    for path in paths:
        new, number = mask(path), 2
        while new != path and new in taken:
            new, number = f"{mask(path)}-{number}", number + 1
        taken.add(new)
        found[path] = new
    return found


def omitted_of(record: dict[str, Any]) -> list[Omitted]:
    """Return what a record says is not in the bundle."""
    run_id = record["run_id"]
    entries = [entry for entry in record["artifacts"] if entry["missing"]]
    found = [Omitted(run_id, e["path"], "corrupt" if e["corrupt"] else "missing") for e in entries]
    skipped = [item for item in record.get("skipped") or () if isinstance(item, dict)]
    left_out = [item for item in skipped if item.get("reason") == LEFT_OUT]
    return found + [Omitted(run_id, str(item.get("path")), LEFT_OUT) for item in left_out]


# What is accepted


def parse_record(data: bytes, name: str) -> dict[str, Any]:
    """Return the record that a run.json of a bundle holds.

    Args:
        data: the file.
        name: the folder it lies in.

    Raises:
        ValueError: it is not one that acode would export.
    """
    record = parse_object(data, MAX_RUN_JSON_BYTES)
    check_record(record, name)
    if dump_json(record) != data:
        raise ValueError("it is not written as acode writes it")
    return record


def check_record(record: dict[str, Any], name: str) -> None:
    """Refuse a record that a store should not take in.

    Raises:
        ValueError: saying what is wrong.
    """
    if record.get("schema_version") != SCHEMA_VERSION or type(record["schema_version"]) is not int:
        raise ValueError(f"its schema_version is {record.get('schema_version')!r}, not {SCHEMA_VERSION}")
    if not is_run_name(name) or record.get("name") != name:
        raise ValueError(f"it says its run is {str(record.get('name'))[:80]!r}, and lies in {name!r}")
    if not isinstance(record.get("run_id"), str) or not is_ulid(record["run_id"]):
        raise ValueError(f"its run_id is {str(record.get('run_id'))[:80]!r}")
    if not isinstance(record.get("artifacts"), list) or not isinstance(record.get("skipped"), list):
        raise ValueError("its artifacts or skipped is no list")
    run = Run.from_json(record)
    if not run.is_finished:
        raise ValueError("its run has not ended")
    if run.type not in TYPES or run.context not in CONTEXTS:
        raise ValueError("its type or context is unknown")
    _check_times(run)
    for artifact, entry in zip(run.artifacts, record["artifacts"], strict=True):
        _check_artifact(artifact, entry, run.run_id)
    check_artifact_paths(artifact.path for artifact in run.artifacts)
    if len({artifact.artifact_id for artifact in run.artifacts}) != len(run.artifacts):
        raise ValueError("two of its artifacts have the same id")


def _check_times(run: Run) -> None:
    ends = (run.start_time, run.end_time or 0)
    if not all(0 <= ms < 253_402_300_800_000 for ms in ends) or (run.duration_ms or 0) < 0:
        raise ValueError("its times are out of range")


def _check_artifact(artifact: Artifact, entry: dict[str, Any], run_id: str) -> None:
    what = f"artifact {artifact.path[:80]!r}"
    artifact.check()
    if not is_ulid(artifact.artifact_id) or artifact.run_id != run_id:
        raise ValueError(f"{what} has no id, or says it is another run's")
    if artifact.type not in ARTIFACT_TYPES or artifact.source not in SOURCES:
        raise ValueError(f"{what} is of an unknown type or source")
    if _SHA256.fullmatch(artifact.checksum_sha256 or "") is None or artifact.size_bytes < 0:
        raise ValueError(f"{what} has no checksum or size")
    if artifact.compressed or artifact.encrypted:
        raise ValueError(f"{what} says it is compressed or encrypted")
    if artifact.stored_bytes != (0 if artifact.missing else artifact.size_bytes):
        raise ValueError(f"{what} says two sizes")
    if artifact.file_name != artifact.path.rpartition("/")[2]:
        raise ValueError(f"{what} has another file name")
    said = artifact.to_json()
    if other := [name for name in FIELDS if name not in entry or entry[name] != said[name]]:
        raise ValueError(f"{what} does not say its {other[0]} as acode does")


def parse_annotations(data: bytes) -> dict[str, Any]:
    """Return what an annotations.json of a bundle holds.

    Raises:
        ValueError: it is not what acode writes.
    """
    from collector.record.annotations import EMPTY, check_annotations

    value = parse_object(data, MAX_ANNOTATIONS_BYTES)
    checked = dict(check_annotations(value))
    if checked != value or checked == EMPTY or dump_json(value) != data:
        raise ValueError("it is not written as acode writes it")
    return value
