"""An artifact: one file that a run produced."""

from __future__ import annotations

from collector.clock import format_iso, parse_iso
from collector.model.check import check_types
from collector.model.frozen import dataclass, field, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_TIMES = frozenset({"created_at", "modified_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file of a run.

    `path` is relative to the run folder, with forward slashes. `size_bytes` and `checksum_sha256` are
    those of the content, `stored_bytes` what it takes on disk; the checksum is None until the
    collector has sealed the run. `missing` and `corrupt` flag a damaged item instead of an exception.
    """

    artifact_id: str
    run_id: str
    type: str
    path: str
    file_name: str
    size_bytes: int
    stored_bytes: int
    created_at: int
    modified_at: int
    checksum_sha256: str | None = None
    content_type: str = "text/plain"
    encoding: str | None = "utf-8"
    description: str | None = None
    source: str = "file"
    truncated: bool = False
    truncation_reason: str | None = None
    original_size_bytes: int | None = None
    compressed: bool = False
    encrypted: bool = False
    sensitive: bool = False
    missing: bool = False
    corrupt: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the artifact as `run.json` holds it."""
        record = {name: getattr(self, name) for name in FIELDS}
        for name in _TIMES:
            record[name] = format_iso(record[name])
        record["metadata"] = dict(self.metadata)
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Artifact:
        """Read an artifact as `to_json` wrote it.

        Raises:
            ValueError: when a required field is missing or a value has the wrong form.
        """
        try:
            values = {name: record[name] for name in FIELDS if name in record}
            for name in _TIMES:
                values[name] = parse_iso(values[name])
            return cls(**values)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not an artifact record: {error}") from error

    def check(self) -> None:
        """Refuse a record that no store should hold.

        Raises:
            ValueError: naming the first field that is wrong.
        """
        check_types(self, _KINDS)


FIELDS = tuple(item.name for item in fields(Artifact))
_KINDS = {
    "text": ("artifact_id", "run_id", "type", "path", "file_name", "content_type", "source"),
    "text or null": ("checksum_sha256", "encoding", "description", "truncation_reason"),
    "a whole number": ("size_bytes", "stored_bytes", "created_at", "modified_at"),
    "a whole number or null": ("original_size_bytes",),
    "true or false": ("truncated", "compressed", "encrypted", "sensitive", "missing", "corrupt"),
    "an object": ("metadata",),
}
