"""Making run folders of a bundle's runs, aside: checked while they are written, all of them or none.

Nothing is written but what the bundle's manifest and the runs' records speak of, at paths that were checked,
into folders that were just made.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from collector import durable
from collector.bundle.container import RefusedError
from collector.bundle.names import KEPT_BESIDE
from collector.bundle.reading import Bundle, BundledFile, BundledRun
from collector.config import Config
from collector.record.content import FRAME_BYTES, SUFFIX
from collector.record.encrypting import encrypt_files
from collector.record.imported import write_import
from collector.record.keep import LEVEL, MIN_GAIN, Keeping, drop_plain, is_compressible
from collector.record.run_json import write_run_json

THREADS = 2
_BATCH_FILES = 64
_BUFFER_BYTES = 1 << 20

Done = Callable[[int], None]
"""Told how many bytes have been written."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A file to write: `target` is None where another name of the same content does."""

    file: BundledFile
    run: BundledRun
    target: str | None
    compress: bool


@dataclass(frozen=True, slots=True)
class _Written:
    """What became of a file: how long its stored form is, and whether that is compressed."""

    crc: int
    stored: int = 0
    compressed: bool = False


class Stage:
    """A folder in which a bundle's runs are made.

    Args:
        path: the folder, which does not exist.
        bundle: where they come from.
        how: permissions, and what is compressed or encrypted.
        note: what each run gets as its import.json, but for its name.
    """

    def __init__(self, path: str, bundle: Bundle, how: tuple[Config, Keeping], note: dict[str, str]) -> None:
        self._path, self._bundle, self._note = path, bundle, note
        self._config, keeping = how
        self._keeping = keeping
        self._first: dict[tuple[str, str, int], str] = {}

    def write(self, wanted: frozenset[str], done: Done) -> None:
        """Write the runs with these ids, durably; the content of all others is only checked.

        Raises:
            RefusedError: some content is not what it should be.
            OSError: the disk refuses something.
        """
        durable.make_folders(self._path, self._config.dir_mode)
        crcs: list[int] = []
        with ThreadPoolExecutor(THREADS, "acode-import") as pool:
            for run in self._bundle.runs:
                is_wanted = run.run_id in wanted
                folder = os.path.join(self._path, run.name)
                if is_wanted:
                    os.mkdir(folder, self._config.dir_mode)
                jobs = [self._job(run, folder if is_wanted else None, file) for file in run.files]
                written = list(self._run_jobs(pool, jobs, done))
                crcs += [one.crc for one in written]
                crcs.append(self._check_record(run))
                if is_wanted:
                    self._finish(run, folder, jobs, written)
        self._bundle.check_packed(crcs)
        durable.sync_tree(self._path)

    def _job(self, run: BundledRun, folder: str | None, file: BundledFile) -> _Job:
        if folder is None:
            return _Job(file, run, None, compress=False)
        target = os.path.join(folder, file.path)
        if file.path in KEPT_BESIDE:
            return _Job(file, run, target, compress=False)
        key = (run.run_id, file.sha256, file.entry.size)
        if file.entry.size and self._first.setdefault(key, target) != target:
            return _Job(file, run, None, compress=False)
        return _Job(file, run, target, self._is_compressed(run, file))

    def _is_compressed(self, run: BundledRun, file: BundledFile) -> bool:
        artifact = next((a for a in run.record["artifacts"] if a["path"] == file.path), None)
        paths = {item.path for item in run.files}
        return (
            artifact is not None
            and is_compressible(artifact, file.entry.size, self._keeping)
            and file.path + SUFFIX not in paths
            and len(os.path.basename(os.fsencode(file.path))) + len(SUFFIX) <= 255
        )

    def _run_jobs(self, pool: ThreadPoolExecutor, jobs: list[_Job], done: Done) -> Iterator[_Written]:
        for begin in range(0, len(jobs), _BATCH_FILES):
            batch = jobs[begin : begin + _BATCH_FILES]
            for job, written in zip(batch, pool.map(self._write, batch), strict=True):
                done(job.file.entry.size)
                yield written

    def _check_record(self, run: BundledRun) -> int:
        crcs: list[int] = []
        if b"".join(self._bundle.iter_content(run.record_entry, crcs)) != run.record_bytes:
            raise RefusedError("it changed while it was read", run.record_entry.name)
        return crcs[0]

    # Files

    def _write(self, job: _Job) -> _Written:
        crcs: list[int] = []
        content = self._checked(job.file, crcs)
        if job.target is None:
            for _ in content:
                pass
            return _Written(crcs[0])
        durable.make_folders(os.path.dirname(job.target), self._config.dir_mode)
        if job.compress:
            stored = self._write_compressed(job.target + SUFFIX, content)
            if stored <= job.file.entry.size * MIN_GAIN:
                return _Written(crcs[0], stored, compressed=True)
            durable.unlink_quietly(job.target + SUFFIX)
            crcs = []
            content = self._checked(job.file, crcs)
        with os.fdopen(self._new_file(job.target), "wb", buffering=_BUFFER_BYTES) as file:
            for data in content:
                file.write(data)
        return _Written(crcs[0], job.file.entry.size)

    def _checked(self, file: BundledFile, crcs: list[int]) -> Iterator[bytes]:
        """Yield a content; RefusedError at its end when it is another."""
        digest = hashlib.sha256()
        for data in self._bundle.iter_content(file.entry, crcs):
            digest.update(data)
            yield data
        if digest.hexdigest() != file.sha256:
            raise RefusedError("its content is not what the manifest says", file.entry.name)

    def _new_file(self, path: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(path, flags, self._config.file_mode)

    def _write_compressed(self, path: str, content: Iterator[bytes]) -> int:
        from pyzstd import CParameter, SeekableZstdFile

        options: dict[int, int] = {CParameter.compressionLevel: LEVEL, CParameter.checksumFlag: 1}
        with (
            os.fdopen(self._new_file(path), "wb", buffering=_BUFFER_BYTES) as file,
            SeekableZstdFile(
                file, "w", level_or_option=options, max_frame_content_size=FRAME_BYTES
            ) as packed,
        ):
            for data in content:
                packed.write(data)
        return os.lstat(path).st_size

    # Records

    def _finish(self, run: BundledRun, folder: str, jobs: list[_Job], written: list[_Written]) -> None:
        """Link what has the same content, and write the record as this store keeps the files."""
        facts = {job.file.path: one for job, one in zip(jobs, written, strict=True)}
        for job in jobs:
            if job.target is None:  # another has the same content
                first = self._first[run.run_id, job.file.sha256, job.file.entry.size]
                facts[job.file.path] = self._link(folder, first, job.file.path, facts)
        entries: list[Any] = [
            _stored_entry(entry, facts.get(entry["path"])) for entry in run.record["artifacts"]
        ]
        write_import(folder, {**self._note, "name": run.name}, self._config.file_mode)
        self._write_record(folder, run, entries)
        if self._keeping.key is not None:
            entries = encrypt_files(folder, entries, self._keeping.key)
            self._write_record(folder, run, entries)
            drop_plain(folder, entries)

    def _write_record(self, folder: str, run: BundledRun, entries: list[Any]) -> None:
        record = {**run.record, "artifacts": entries}
        write_run_json(folder, record, self._config.file_mode, sync=False)

    def _link(self, folder: str, first: str, path: str, facts: dict[str, _Written]) -> _Written:
        known = facts[os.path.relpath(first, folder)]
        suffix = SUFFIX if known.compressed else ""
        target = os.path.join(folder, path) + suffix
        durable.make_folders(os.path.dirname(target), self._config.dir_mode)
        durable.link_or_copy(first + suffix, target)
        return known


def _stored_entry(entry: dict[str, Any], written: _Written | None) -> dict[str, Any]:
    if written is None:
        return entry
    return {**entry, "stored_bytes": written.stored, "compressed": written.compressed}
