"""Collecting the files that a command produced: copied into its run folder, with their checksums.

Done by whoever seals the run, so that no command waits for it. A file is copied in one pass together with
its checksum, several at a time; its name appears once it is whole and durable. Nothing that one file does
(vanish, grow, refuse) stops the others.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from collector import clock, durable
from collector.record.choose import Candidate, Chooser, Skipped, Wanted
from collector.record.file_facts import HEAD_BYTES, content_type_of, encoding_of
from collector.record.ignore import IgnoreRules
from collector.record.run_json import artifact_entry
from collector.record.scan import (
    ALWAYS_PRUNED,
    PRUNED,
    Found,
    TimeIsUpError,
    iter_paths,
    iter_tree,
    open_beneath,
    open_folder,
)
from collector.workspace import RESERVED_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.redaction import Rules, StreamRedactor

COPIES_AT_ONCE = 4
MAX_UNKEPT = 20
_CHUNK = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_ELSEWHERE = "collected"
"""Where a file goes whose path is that of one of acode's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much to collect for one run; 0 for no limit. `redacted` is what must not be kept of text.

    Without `is_durable` the caller makes the copies durable, all at once.
    """

    file_bytes: int = 10 << 20
    files: int = 50
    run_bytes: int = 100 << 20
    seconds: float = 30.0
    skip_binary: bool = False
    file_mode: int = 0o644
    dir_mode: int = 0o755
    redacted: Rules | None = None
    is_durable: bool = True


class Unkept(NamedTuple):
    """A report that is too large to keep, but can be read: its path, and a descriptor for who reads it."""

    path: str
    fd: int


@dataclass(slots=True)
class Collected:
    """What a collection did: entries for the run's record, what was left out, and how files were found.

    `unkept` are reports whose descriptors the caller closes.
    """

    artifacts: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unkept: list[Unkept] = field(default_factory=list)
    how: str = "scan"


class RunPlace(NamedTuple):
    """Where files of a run go: its folder, its id, the folder of all runs, and what paths are taken."""

    folder: str
    run_id: str
    store: str
    taken: frozenset[str] = frozenset()


def collect(
    run: RunPlace, source: str, wanted: Wanted, limits: Limits, changed: Iterable[str] | None = None
) -> Collected:
    """Copy what a run produced into its folder.

    Args:
        run: the run.
        source: the folder that the command ran in.
        wanted: which files.
        limits: how many and how much.
        changed: paths below `source` that may have changed, from whoever watched it; None to look for them.

    Raises:
        OSError: the disk is full; what was copied so far is as it should be.
    """
    result = Collected(how="scan" if changed is None else "watch")
    try:
        source_fd = open_folder(source)
    except OSError as error:
        result.skipped.append(Skipped("", f"the working directory cannot be read: {error.strerror}"))
        return result
    try:
        deadline = time.monotonic() + limits.seconds if limits.seconds else 0.0
        chooser = Chooser(wanted, IgnoreRules(source).is_ignored, limits.files)
        found = _find(source_fd, run.store, wanted, changed, deadline)
        chosen = chooser.choose(_until_time_is_up(found, result.skipped))
        copier = _Copier(run, source_fd, limits)
        result.unkept = _open_unkept(source_fd, chosen, limits)
        fitting = list(_fitting(chosen, limits, chooser))
        shown = partial(shown_path, rules=limits.redacted)
        places = places_of([shown(candidate.path) for candidate in fitting], run.taken)
        with ThreadPoolExecutor(min(COPIES_AT_ONCE, max(1, len(fitting))), "acode-collect") as pool:
            for candidate, copied in zip(fitting, pool.map(copier.copy, fitting, places), strict=True):
                if isinstance(copied, str):
                    chooser.skip(candidate.path, copied)
                else:
                    result.artifacts.append(copied)
        result.skipped += [Skipped(shown(path), reason) for path, reason in chooser.skipped()]
    finally:
        os.close(source_fd)
    return result


def _find(
    source_fd: int, store: str, wanted: Wanted, changed: Iterable[str] | None, deadline: float
) -> Iterator[Found]:
    pruned = ALWAYS_PRUNED if wanted.everything else PRUNED
    status = os.stat(store)
    own = [(status.st_dev, status.st_ino)]
    if changed is not None and not wanted.everything:
        return iter_paths(source_fd, changed, pruned, own, deadline)
    return iter_tree(source_fd, pruned, own, deadline)


def _until_time_is_up(found: Iterator[Found], skipped: list[Skipped]) -> Iterator[Found]:
    try:
        yield from found
    except TimeIsUpError:
        skipped.append(Skipped("", "the time limit was reached before every folder was looked through"))


def _fitting(chosen: Iterable[Candidate], limits: Limits, chooser: Chooser) -> Iterator[Candidate]:
    """Yield what fits the limits of size; a text log that is too long is kept in part."""
    left = limits.run_bytes or (1 << 62)
    most = limits.file_bytes or (1 << 62)
    for candidate in chosen:
        size = min(candidate.size, most)
        if candidate.size > most and candidate.kind != "log":
            chooser.skip(candidate.path, f"larger than {most} bytes ({candidate.size})")
        elif size > left:
            chooser.skip(candidate.path, f"the limit of {limits.run_bytes} bytes for a run was reached")
        else:
            left -= size
            yield candidate


def _open_unkept(source_fd: int, chosen: Iterable[Candidate], limits: Limits) -> list[Unkept]:
    """Open the reports that are larger than what is kept of a file."""
    opened: list[Unkept] = []
    for candidate in chosen:
        too_large = candidate.size > (limits.file_bytes or candidate.size)
        if too_large and candidate.kind in ("test_result", "coverage") and len(opened) < MAX_UNKEPT:
            try:
                opened.append(Unkept(candidate.path, open_beneath(source_fd, candidate.path)))
            except OSError:
                continue
    return opened


class _Copier:
    """Copies files from one folder into a run folder; used by several threads at once."""

    def __init__(self, run: RunPlace, source_fd: int, limits: Limits) -> None:
        self._folder = run.folder
        self._run_id = run.run_id
        self._source_fd = source_fd
        self._limits = limits

    def copy(self, candidate: Candidate, place: str) -> dict[str, Any] | str:
        """Copy a file to a place in the run folder; return its entry, or why it was left out.

        Raises:
            OSError: the disk is full.
        """
        try:
            fd = open_beneath(self._source_fd, candidate.path)
        except OSError as error:
            return _said(error)
        try:
            return self._copy(fd, candidate, place)
        except OSError as error:
            if error.errno in _FULL:
                raise
            return _said(error)
        finally:
            os.close(fd)

    def _copy(self, fd: int, candidate: Candidate, place: str) -> dict[str, Any] | str:
        before = os.fstat(fd)
        encoding = encoding_of(os.pread(fd, HEAD_BYTES, 0), before.st_size <= HEAD_BYTES)
        if encoding is None and self._limits.skip_binary:
            return "binary"
        _make_parents(self._folder, place, self._limits.dir_mode)
        copied = copy_durably(fd, os.path.join(self._folder, place), self._limits, before)
        after = os.fstat(fd)
        entry = file_entry(self._run_id, candidate.kind, place, encoding, before)
        entry |= {"size_bytes": copied.size, "stored_bytes": copied.size, "checksum_sha256": copied.checksum}
        if copied.is_cut:
            entry |= {"truncated": True, "truncation_reason": "size_limit"}
        if place != candidate.path:
            entry["metadata"]["found_at"] = shown_path(readable(candidate.path), self._limits.redacted)
        if copied.redacted:
            entry["metadata"]["redacted"] = copied.redacted
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            entry["metadata"]["changed_while_read"] = True
        return entry


def file_entry(
    run_id: str, kind: str, path: str, encoding: str | None, status: os.stat_result
) -> dict[str, Any]:
    """Return the entry of a file that was copied into a run folder, without size and checksum."""
    entry: dict[str, Any] = dict(
        artifact_entry(run_id, kind, path, status.st_size, status.st_mtime_ns // 1_000_000)
    )
    entry |= {
        "file_name": path.rpartition("/")[2],
        "content_type": content_type_of(path, encoding),
        "encoding": encoding,
        "created_at": clock.format_iso(clock.now_ms()),
        "source": "file",
    }
    return entry


class Copied(NamedTuple):
    """What a copy holds: its size, the SHA-256 of its content, whether something was left out, and how often
    each rule found a secret in it.
    """  # noqa: D205 - one sentence

    size: int
    checksum: str
    is_cut: bool
    redacted: dict[str, int] = {}  # noqa: RUF012 - never changed


def copy_durably(fd: int, target: str, limits: Limits, status: os.stat_result | None = None) -> Copied:
    """Copy what a descriptor yields under a name that appears once the copy is whole and durable.

    Args:
        fd: what to read, to its end or as far as `status` says it goes.
        target: the new file; its folder exists.
        limits: its mode, and how much of it is kept.
        status: of a file: its size, so that one that grows is copied as it was, and its times.

    Raises:
        OSError: there is no new file.
    """
    most = limits.file_bytes or (1 << 62)
    digest, size = hashlib.sha256(), 0
    source = _Source(fd, status.st_size if status else 1 << 62, limits.redacted)
    with durable.NewFile(target, limits.file_mode, limits.is_durable) as new_fd:
        while size < most and (data := source.read(min(_CHUNK, most - size))):
            size += len(data)
            digest.update(data)
            durable.write_all(new_fd, data)
        is_cut = size == most and source.has_more()
        if is_cut:
            mark = _mark(max(0, status.st_size - most) if status else 0)
            size += len(mark)
            digest.update(mark)
            durable.write_all(new_fd, mark)
        if status is not None:
            os.utime(new_fd, ns=(status.st_atime_ns, status.st_mtime_ns))
    return Copied(size, digest.hexdigest(), is_cut, source.found)


class _Source:
    """What is copied: the bytes of a descriptor up to a size; text without its secrets, if it must be.

    Text is masked before it is cut, so that no part of a secret is left at the end.
    """

    def __init__(self, fd: int, size: int, rules: Rules | None) -> None:
        self._fd = fd
        self._left = size
        self._ready = b""
        self._redactor: StreamRedactor | None = None
        self._is_over = False
        if rules is not None:
            self._mask(rules)

    @property
    def found(self) -> dict[str, int]:
        """How often each rule found a secret."""
        return dict(self._redactor.findings) if self._redactor else {}

    def _mask(self, rules: Rules) -> None:
        head = self._raw(HEAD_BYTES)
        if encoding_of(head, len(head) < HEAD_BYTES) is None:
            self._ready = head  # binary: changing it would break it; it is flagged when the run is sealed
            return
        from collector.redaction import StreamRedactor

        self._redactor = StreamRedactor(rules)
        self._ready = self._redactor.feed(head)

    def read(self, count: int) -> bytes:
        """Return up to so many bytes; none at the end."""
        while not self._ready and (data := self._raw(_CHUNK if self._redactor else count)):
            self._ready = self._redactor.feed(data) if self._redactor else data
        if not self._ready and self._redactor and not self._is_over:
            self._ready, self._is_over = self._redactor.finish(), True
        data, self._ready = self._ready[:count], self._ready[count:]
        return data

    def has_more(self) -> bool:
        """Tell whether something is left."""
        if not self._ready:
            self._ready = self.read(1)
        return bool(self._ready)

    def _raw(self, count: int) -> bytes:
        data = os.read(self._fd, min(count, self._left)) if self._left else b""
        self._left -= len(data)
        return data


def shown_path(path: str, rules: Rules | None) -> str:
    """Return a path as it may be told; slashes stay, each name is masked by itself."""
    if rules is None:
        return path
    from collector.redaction import mask_text

    return "/".join([mask_text(name, rules) for name in path.split("/")])


def _mark(cut: int) -> bytes:
    how_many = f"{cut} bytes" if cut else "the rest"
    return f"\n[acode: {how_many} cut here: the limit for a file was reached]\n".encode()


def places_of(paths: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return where files go in the run folder: each at its own path, unless that is acode's own or taken.

    Bytes that are no UTF-8 are written as `%XX`.
    """
    used, places = set(taken), []
    for path in paths:
        place = readable(path)
        while place in used or place.partition("/")[0] in RESERVED_NAMES:
            place = f"{_ELSEWHERE}/{place}"
        used.add(place)
        places.append(place)
    return places


def readable(path: str) -> str:
    """Return a path as text: bytes that are no UTF-8 as `%XX`."""
    return "".join([f"%{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in path])


def _make_parents(folder: str, path: str, mode: int) -> None:
    """Make the folders that a path below a folder needs; a link on the way is refused.

    Raises:
        OSError: one cannot be made.
    """
    current = folder
    for part in path.split("/")[:-1]:
        current = os.path.join(current, part)
        try:
            os.mkdir(current, mode)
        except FileExistsError:
            if os.path.islink(current):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), current) from None


def _said(error: OSError) -> str:
    """Return why a file could not be taken, in a few words."""
    return (error.strerror or str(error)).lower()


def skipped_json(skipped: Iterable[Skipped]) -> list[Mapping[str, str]]:
    """Return what was left out as `run.json` has it."""
    return [{"path": readable(path), "reason": reason} for path, reason in skipped]
