"""Exporting runs: read, masked, packed and written in one go, in memory that does not grow with them.

What leaves is what was recorded, or nothing does: an artifact that is missing, or not what its checksum says,
stops the export unless that was allowed, and is then said in the bundle. The files appear under their names
when all are whole.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from collector import __version__, durable
from collector.audit import append_audit
from collector.bundle.choosing import ExportOptions, ExportReport, Progress, estimate_export, wanted_of
from collector.bundle.manifest import Omitted, dump_manifest
from collector.bundle.packing import Packed, Packer, Source, pack_small
from collector.bundle.parts import Part
from collector.bundle.records import masked_name
from collector.bundle.sources import Making, RunExport, is_ready, open_run, whole
from collector.errors import AccessError, ConflictError, CorruptError, LimitError
from collector.model.run import Run
from collector.workspace import ANNOTATIONS_JSON, OUTPUT_INDEX, RUN_JSON, Workspace

PRODUCER = f"acode {__version__}"
_SEAL_SECONDS = 600.0
_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.05
_MOST_NAMES = 100
_CODES = {"missing": "ACODE-ART-011", "corrupt": "ACODE-RUN-007", "unreadable": "ACODE-ART-006"}


def export_bundle(
    workspace: Workspace,
    runs: Iterable[Run],
    target: str,
    options: ExportOptions,
    progress: Progress | None = None,
) -> ExportReport:
    """Write runs into a bundle, or several where `max_bytes` says so.

    A run that is still running is left out, and said. What is there under a name stays, unless `replace`.

    Args:
        workspace: whose runs they are.
        runs: which; in the bundle they are in the order of their names.
        target: the file to make; of several `NAME-001.zip`, `NAME-002.zip` …
        options: how.
        progress: told about every file.

    Raises:
        ConflictError: there is a file already.
        CorruptError: an artifact is missing or damaged; nothing was written.
        LimitError: a run alone is larger than `max_bytes`.
        AcodeError: nothing was written.
    """
    chosen = sorted({run.run_id: run for run in runs}.values(), key=lambda run: run.name)
    if not options.replace:
        _refuse_existing(target)
    report = ExportReport(redacted=options.redact)
    ready = _ready(workspace, chosen, report)
    if not ready:
        reason = f": {report.skipped[0][0]} {report.skipped[0][1]}" if report.skipped else ""
        raise ConflictError(
            "ACODE-RUN-008", f"there is no run to export{reason}", "'acode runs list' lists them"
        )
    _remove_left(target)
    exporting = _Exporting(workspace, target, options, report)
    try:
        exporting.write(ready, progress)
        exporting.publish()
    except OSError as error:
        raise AccessError(
            "ACODE-RUN-008", f"cannot write {target}: {error.strerror or error}", "nothing was left behind"
        ) from error
    finally:
        exporting.clean_up()
    return report


def _refuse_existing(path: str) -> None:
    if os.path.lexists(path):
        raise ConflictError("ACODE-RUN-008", f"{path} is there already", "--force replaces it")


def _remove_left(target: str) -> None:
    """Remove what an export to the same file that was killed has left beside it."""
    folder, name = os.path.split(target)
    pattern = re.compile(rf"\.{re.escape(name[-150:])}\.(\d{{1,9}})-\d+\.tmp")
    for path in Path(folder or ".").glob(".*.tmp"):
        match = pattern.fullmatch(path.name)
        if match is not None and not _is_alive(int(match[1])):
            durable.unlink_quietly(str(path))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _ready(workspace: Workspace, runs: list[Run], report: ExportReport) -> list[Run]:
    """Return the runs that have ended, sealed if need be; the others are noted."""
    waiting = [run for run in runs if run.is_finished and not _is_ready(workspace, run)]
    if waiting:
        _wait_for_sealing(workspace, waiting)
    ready = []
    for run in runs:
        if not run.is_finished:
            report.skipped.append((run.name, "is still running"))
        elif not _is_ready(workspace, run):
            report.skipped.append((run.name, "is not sealed yet, its artifacts have no checksums"))
        else:
            ready.append(run)
    return ready


def _wait_for_sealing(workspace: Workspace, runs: list[Run]) -> None:
    """See to it that runs are sealed: here, or by the collector, which is given some time."""
    from collector.store.waiting import index_waiting

    deadline = time.monotonic() + _PATIENCE_SECONDS
    index_waiting(workspace, _SEAL_SECONDS)
    while time.monotonic() < deadline and not all(_is_ready(workspace, run) for run in runs):
        time.sleep(_POLL_SECONDS)
        index_waiting(workspace, _SEAL_SECONDS)


def _is_ready(workspace: Workspace, run: Run) -> bool:
    try:
        return is_ready(workspace, run)
    except (OSError, ValueError) as error:
        raise _damaged(run.name, error) from error


def _damaged(name: str, error: Exception) -> CorruptError:
    return CorruptError(
        "ACODE-ART-007", f"the record of {name} cannot be exported: {error}", "leave the run out"
    )


class _Exporting:
    """One export under way."""

    def __init__(
        self, workspace: Workspace, target: str, options: ExportOptions, report: ExportReport
    ) -> None:
        self._workspace, self._target, self._options, self._report = workspace, target, options, report
        self._parts: list[Part] = []
        self._temporary: list[str] = []
        self._names: list[str] = []

    def write(self, runs: list[Run], progress: Progress | None) -> None:
        """Write every run into as many parts as it takes, and finish them."""
        done, total = 0, estimate_export(runs, self._options).bytes
        making = self._making()
        self._parts.append(self._new_part())
        with Packer(self._options.compression_level) as packer:
            named = _named(runs, making)
            for run, path, packed in _iter_packed(self._workspace, named, making, packer):
                self._add(run, path, packed)
                done += packed.size
                if progress is not None:
                    progress(min(done, total), total)
        for part in self._parts:
            self._finish(part)

    def _making(self) -> Making:
        wanted = wanted_of(self._options.include, self._options.exclude)
        if not self._options.redact:
            return Making(wanted)
        from collector.bundle.redacting import masking_of

        return Making(wanted, *masking_of(self._workspace))

    def _temporary_path(self) -> str:
        folder, name = os.path.split(self._target)
        path = str(Path(folder, f".{name[-150:]}.{os.getpid()}-{len(self._temporary)}.tmp"))
        durable.unlink_quietly(path)
        self._temporary.append(path)
        return path

    def _new_part(self) -> Part:
        path = self._temporary_path()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        return Part(path, os.open(path, flags, 0o644 if self._options.encrypt is None else 0o600))

    # Runs

    def _add(self, run: RunExport, path: str, packed: Packed) -> None:
        """Write a file of a run; after the last one what is said of the run."""
        part = self._parts[-1]
        if not run.packed:
            part.begin_run()
        run.packed[path] = packed
        if path == OUTPUT_INDEX:
            if run.has_index():
                part.add(packed.source.name, packed)
            self._end_run(part, run)
            return
        if not part.add(packed.source.name, packed):
            self._note_problem(run, path, packed)
        for rule, count in packed.findings.items():
            self._report.masked[rule] = self._report.masked.get(rule, 0) + count
        packed.pieces = ()

    def _note_problem(self, run: RunExport, path: str, packed: Packed) -> None:
        if not self._options.allow_incomplete or packed.problem == "unreadable":
            raise CorruptError(
                _CODES[packed.problem], f"{path} of {run.name} is {packed.problem}: {packed.why}",
                "--allow-incomplete exports the rest",
            )  # fmt: skip

    def _end_run(self, part: Part, run: RunExport) -> None:
        try:
            record, omitted = run.finished_record()
        except ValueError as error:
            raise _damaged(run.name, error) from error
        self._refuse_silence(run, omitted)
        for name, data in ((run.place + ANNOTATIONS_JSON, run.beside()), (run.place + RUN_JSON, record)):
            if data:
                part.add(name, pack_small(whole(name, data), self._options.compression_level))
        part.end_run(run.run_id, run.name, omitted)
        self._names.append(run.name)
        self._report.omitted += [(run.name, item.path, item.reason) for item in omitted]
        if part.is_larger_than(self._options.max_bytes):
            self._split(part, run.name)

    def _refuse_silence(self, run: RunExport, omitted: Sequence[Omitted]) -> None:
        """A file that was known to be missing before stops an export, too."""
        gone = next((item for item in omitted if item.reason in _CODES), None)
        if gone is not None and not self._options.allow_incomplete:
            raise CorruptError(
                _CODES[gone.reason], f"{gone.path} of {run.name} is {gone.reason}",
                "--allow-incomplete exports the rest",
            )  # fmt: skip

    def _split(self, part: Part, name: str) -> None:
        """Put the last run into a part of its own, which must be large enough for it."""
        if len(part.runs) > 1 and self._options.max_bytes:
            other = self._new_part()
            part.move_last_run(other)
            self._parts.append(other)
            part = other
        if part.is_larger_than(self._options.max_bytes):
            hint = "leave files out with --exclude" if self._options.max_bytes else "split it with --max-size"
            raise LimitError("ACODE-RUN-004", f"{name} is too large for one bundle", hint)

    # The end

    def _finish(self, part: Part) -> None:
        manifest = part.manifest(PRODUCER, self._options.redact)
        signature = self._options.sign(dump_manifest(manifest)) if self._options.sign else b""
        size = part.finish(manifest, signature)
        if self._options.encrypt is not None:
            plain, part.path = part.path, self._temporary_path()
            self._options.encrypt(plain, part.path)
            durable.unlink_quietly(plain)
            size = Path(part.path).stat().st_size
        report = self._report
        report.runs += len(manifest.runs)
        report.files += len(manifest.files)
        report.bytes += manifest.bytes
        report.size += size

    def publish(self) -> None:
        """Let every part appear under its name, or none."""
        paths = [self._target] if len(self._parts) == 1 else part_paths(self._target, len(self._parts))
        for path in paths:
            if not self._options.replace:
                _refuse_existing(path)
        self._note(paths)
        done: list[str] = []
        try:
            for part, path in zip(self._parts, paths, strict=True):
                durable.publish(part.path, path, self._options.replace)
                done.append(path)
        except OSError:
            for path in () if self._options.replace else done:
                durable.unlink_quietly(path)
            raise
        self._report.paths = tuple(paths)

    def _note(self, paths: list[str]) -> None:
        """Say in the audit log what leaves; nothing leaves that is not said."""
        report, target = self._report, os.path.realpath(paths[0])
        details = {
            "runs": report.runs, "files": report.files, "bytes": report.bytes, "parts": len(paths),
            "redacted": report.redacted, "signed": self._options.sign is not None,
            "encrypted": self._options.encrypt is not None, "names": self._names[:_MOST_NAMES],
        }  # fmt: skip
        if not report.redacted:
            append_audit(self._workspace, "redaction.off", target, {"by": "export"})
        append_audit(self._workspace, "export", target, details)

    def clean_up(self) -> None:
        """Remove what has no name yet."""
        for part in self._parts:
            os.close(part.fd)
        for path in self._temporary:
            durable.unlink_quietly(path)


def part_paths(target: str, count: int) -> list[str]:
    """Return how the parts of a bundle are called: `NAME-001.zip` and so on."""
    folder, name = os.path.split(target)
    stem, dot, suffix = name.partition(".zip")
    return [str(Path(folder, f"{stem}-{number:03d}{dot}{suffix}")) for number in range(1, count + 1)]


def _named(runs: list[Run], making: Making) -> list[tuple[str, Run]]:
    """Return the runs in the order of the names they will have, none like another once secrets are masked."""
    named: dict[str, Run] = {}
    for run in runs:
        base = name = run.name if making.mask_text is None else masked_name(run.name, making.mask_text)
        number = 0
        while name in named:
            number += 1
            name = f"{base}-{number}"
        named[name] = run
    return sorted(named.items())


def _iter_packed(
    workspace: Workspace, runs: list[tuple[str, Run]], making: Making, packer: Packer
) -> Iterator[tuple[RunExport, str, Packed]]:
    """Yield every file of every run with its path in the record, packed."""
    asked: deque[tuple[RunExport, str]] = deque()

    def sources() -> Iterator[Source]:
        for name, run in runs:
            try:
                export = open_run(workspace, run, name, making)
            except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
                raise _damaged(run.name, error) from error
            for path, source in export.iter_sources():
                asked.append((export, path))
                yield source

    for packed in packer.iter_packed(sources()):
        yield *asked.popleft(), packed
