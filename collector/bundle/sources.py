"""What of a run goes into a bundle: which files under which names, and the record they are told of in."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from collector import durable
from collector.bundle.manifest import Omitted, dump_json
from collector.bundle.names import PAYLOAD, bundle_names
from collector.bundle.packing import Masking, Packed, Source
from collector.bundle.records import (
    LEFT_OUT,
    STREAMS,
    Content,
    Mask,
    check_record,
    exported_artifact,
    masked,
    masked_paths,
    masked_record,
    omitted_of,
)
from collector.model.run import Run
from collector.record.annotate import annotated, read_call
from collector.record.annotations import EMPTY, read_annotations
from collector.record.content import open_content
from collector.record.seal import is_sealed, read_record
from collector.workspace import OUTPUT_INDEX, Workspace

Wanted = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Making:
    """How runs are exported: which artifacts, and masked by what."""

    wanted: Wanted
    mask_text: Mask | None = None
    mask_content: Callable[[], Masking] | None = None


@dataclass(slots=True)
class RunExport:
    """A run on its way into a bundle: its files one after the other, then its record."""

    run_id: str
    name: str
    record: dict[str, Any]
    annotations: Mapping[str, Any]
    folder: str
    making: Making
    kept: dict[str, str] = field(default_factory=dict)
    """Stored path of each artifact that goes along, by its path in the record."""
    packed: dict[str, Packed] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The run's folder in the bundle, with a slash."""
        return f"{PAYLOAD}{self.name}/"

    def iter_sources(self) -> Iterator[tuple[str, Source]]:
        """Yield the artifacts by their path in the record, sorted by their place; last, `output.idx`."""
        checksums = {entry["path"]: entry["checksum_sha256"] for entry in self.record["artifacts"]}
        names = bundle_names(self.kept)
        for path in sorted(names, key=names.__getitem__):
            stored = self.kept[path]
            yield (
                path,
                Source(
                    self.place + names[path], self._opener(stored), checksums[path], self.making.mask_content
                ),
            )
        yield OUTPUT_INDEX, Source(self.place + OUTPUT_INDEX, self._index)

    def _opener(self, stored: str) -> Callable[[], BinaryIO]:
        return lambda: open_content(self.folder, stored)

    def _index(self) -> BinaryIO:
        """Open what tells how the streams were interleaved, which only whole and unchanged streams have."""
        return open_content(self.folder, OUTPUT_INDEX)

    def has_index(self) -> bool:
        """Tell whether both streams are in the bundle as they were recorded."""
        streams = [entry["path"] for entry in self.record["artifacts"] if entry["type"] in STREAMS]
        packed = [self.packed.get(path) for path in streams]
        return all(one is not None and not one.changed and not one.problem for one in packed)

    def finished_record(self) -> tuple[bytes, list[Omitted]]:
        """Return run.json, once everything has been packed, and what is not in the bundle.

        Raises:
            ValueError: the record is one that nobody would import.
        """
        entries = [self._entry(entry) for entry in self.record["artifacts"]]
        record = {**self.record, "artifacts": entries}
        check_record(record, self.name)
        return dump_json(record), omitted_of(record)

    def _entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        packed = self.packed.get(entry["path"])
        if packed is None or packed.problem:
            return exported_artifact(entry, None, packed.problem if packed else "")
        return exported_artifact(entry, Content(packed.size, packed.sha256))

    def beside(self) -> bytes:
        """Return annotations.json; empty where nobody said anything."""
        return b"" if self.annotations == EMPTY else dump_json(self.annotations)


def is_ready(workspace: Workspace, run: Run) -> bool:
    """Tell whether a run has ended and been sealed.

    Raises:
        OSError, ValueError: its folder holds no record.
    """
    record = read_record(durable.safe_join(workspace.artifacts, run.folder))
    return record.get("status") != "running" and is_sealed(record)


def open_run(workspace: Workspace, run: Run, name: str, making: Making) -> RunExport:
    """Read what a run folder says.

    Args:
        workspace: whose run it is.
        run: which.
        name: the name it will have in the bundle.
        making: how it is exported.

    Raises:
        OSError, ValueError: it holds no usable record.
    """
    folder = durable.safe_join(workspace.artifacts, run.folder)
    record = annotated(read_record(folder), read_call(folder))
    record["skipped"] = [dict(skipped) for skipped in record.get("skipped") or ()]
    kept = [entry for entry in record["artifacts"] if making.wanted(entry["path"])]
    left = [entry for entry in record["artifacts"] if not making.wanted(entry["path"])]
    record["skipped"] += [{"path": entry["path"], "reason": LEFT_OUT} for entry in left]
    stored = [entry["path"] for entry in kept]
    annotations = read_annotations(folder)
    record, paths = {**record, "artifacts": kept, "name": name}, {path: path for path in stored}
    if making.mask_text is not None:
        paths = masked_paths(stored, making.mask_text)
        renamed = [{**entry, "path": paths[entry["path"]]} for entry in kept]
        record = masked_record({**record, "artifacts": renamed}, making.mask_text)
        annotations = masked(annotations, making.mask_text)
    there = {path for path, entry in zip(stored, kept, strict=True) if not entry.get("missing")}
    return RunExport(
        str(record["run_id"]), name, record, annotations, folder, making,
        {paths[path]: path for path in stored if path in there},
    )  # fmt: skip


def whole(name: str, data: bytes) -> Source:
    """Return a source for what is in memory."""
    return Source(name, lambda: io.BytesIO(data))
