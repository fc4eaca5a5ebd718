"""Reading run folders as a store must: nothing that a hostile or damaged record says leads out of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import Any

from collector import durable
from collector.ids import is_ulid
from collector.model.frozen import replace
from collector.model.run import Run
from collector.record.annotate import annotated, read_call
from collector.record.annotations import read_annotations, with_annotations
from collector.record.damage import read_damage, with_damage
from collector.record.imported import read_import, with_import
from collector.record.seal import read_record
from collector.store.trouble import Log, ignore
from collector.workspace import RUN_JSON, Workspace


class RunFolders:
    """The run folders of a workspace, named relative to its artifact store."""

    def __init__(self, workspace: Workspace, log: Log = ignore) -> None:
        self._workspace = workspace
        self._log = log

    def read_run(self, folder: str) -> Run:
        """Return the run of a folder, checked against what a hostile record could say.

        Raises:
            OSError, ValueError: the folder holds no usable record.
        """
        path = self.path(folder)
        record = annotated(read_record(path), read_call(path))
        record = with_damage(with_import(record, read_import(path)), read_damage(path))
        return self.to_run(folder, with_annotations(record, read_annotations(path)))

    def path(self, folder: str) -> str:
        """Return the absolute path of a run folder.

        Raises:
            ValueError: the name leads out of the store, or is a link.
        """
        path = durable.safe_join(self._workspace.artifacts, folder)
        if os.path.islink(path):
            raise ValueError(f"{folder} is a symbolic link")
        return path

    def to_run(self, folder: str, record: dict[str, Any]) -> Run:
        """Return the run that a record tells of, without the artifacts that a store refuses.

        Raises:
            ValueError: the record is not that of this folder, or makes no sense.
        """
        if record.get("name") != os.path.basename(folder):
            raise ValueError(f"run.json says it is {record.get('name')!r}")
        if not is_ulid(str(record.get("run_id"))):
            raise ValueError(f"run_id is {record.get('run_id')!r}")
        artifacts = record.get("artifacts") or []
        if not isinstance(artifacts, list):
            raise ValueError("artifacts is not a list")
        safe = []
        path = self.path(folder)
        for artifact in artifacts:
            try:
                durable.safe_join(path, artifact["path"])
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                self._log("artifact.refused", folder=folder, code="ACODE-ART-009", error=str(error))
                continue
            safe.append({**artifact, "run_id": record.get("run_id")})
        values = Run.from_json({**record, "artifacts": safe})
        sizes = sum(a.size_bytes for a in values.artifacts if a.type in ("stdout", "stderr"))
        return replace(values, folder=folder, output_bytes=sizes)

    def holds(self, folder: str, claimed: Collection[str]) -> bool:
        """Tell whether a folder has the record of a run of this identity or name."""
        try:
            record = read_record(self.path(folder))
        except (OSError, ValueError):
            return False
        return record.get("run_id") in claimed or record.get("name") in claimed

    def checked(self, folder: str, record: dict[str, Any]) -> dict[str, Any]:
        """Return a record without the artifacts that the store refuses."""
        return {**record, "artifacts": [a.to_json() for a in self.to_run(folder, record).artifacts]}

    def move(self, folder: str, place: str) -> bool:
        """Move a run folder within the store; tell whether it had to be moved.

        Raises:
            OSError: it is where it was.
            ValueError: a name leads out of the store, or the new place is taken.
        """
        if folder == place:
            return False
        source, target = self.path(folder), self.path(place)
        if os.path.lexists(target):
            raise ValueError(f"{place} is there already")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        durable.move(source, target)
        self._remove_empty(folder.rpartition("/")[0])
        return True

    def _remove_empty(self, folder: str) -> None:
        """Remove the folders of a day that is empty by now."""
        while folder:
            try:
                os.rmdir(os.path.join(self._workspace.artifacts, folder))
            except OSError:
                return
            folder = folder.rpartition("/")[0]

    def iter_folders(self, with_record: bool = True) -> Iterator[str]:
        """Yield run folders, those with a run.json or those without."""
        yield from _iter_folders(self._workspace.artifacts, "", with_record)


def _iter_folders(base: str, relative: str, with_record: bool) -> Iterator[str]:
    """Walk the store, flat or dated: a folder of digits alone holds more folders."""
    try:
        entries = sorted(os.scandir(os.path.join(base, relative)), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False) or entry.name.startswith("."):
            continue
        path = f"{relative}/{entry.name}" if relative else entry.name
        if entry.name.isdigit():
            yield from _iter_folders(base, path, with_record)
        elif os.path.isfile(os.path.join(entry.path, RUN_JSON)) == with_record:
            yield path
