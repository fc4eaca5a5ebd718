"""How the files of an ended run are kept: with their checksum, large text compressed, what is there already
only once.

The order makes a crash harmless: another form is whole and durable before run.json speaks of it, and the
plain one goes after that (`drop_plain`). Keeping twice changes nothing.
"""  # noqa: D205 - one thought

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from collector import durable
from collector.config import Config
from collector.encryption.problem import KeyProblem
from collector.keys.encryption_keys import key_places
from collector.record.content import (
    ENCRYPTED,
    FORMS,
    FRAME_BYTES,
    SUFFIX,
    form_of,
    open_content,
    open_regular,
    stored_form,
)
from collector.record.encrypting import CurrentKey, encrypt_files, encryption_of
from collector.workspace import Workspace

LEVEL = 1
"""Beyond it zstd takes twice the time for a tenth less."""
MIN_GAIN = 0.9
MIN_LINK_BYTES = 4096
_LEFT_ALONE = ("run.json",)
_COMPRESSIBLE = ("json", "xml", "javascript", "yaml", "x-ndjson", "x-sh", "sql", "toml", "svg+xml")
_CHUNK = 1 << 20
_MISSING = {"missing": True, "checksum_sha256": hashlib.sha256(b"").hexdigest()}
_NO_FILE = frozenset({None, errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})
"""What the disk says where there is no regular file, but perhaps a link, a pipe or a folder."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

Same = Callable[[str, int], Iterable[str]]
"""Names stored files, by absolute path, that may have a content: its SHA-256 and size."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Whether text of at least `min_bytes` is compressed, and with which key everything is encrypted."""

    compress: bool = True
    min_bytes: int = 64 << 10
    key: CurrentKey | None = None


def keeping_of(config: Config, workspace: Workspace, environ: Mapping[str, str]) -> Keeping:
    """Return how a configuration wants files to be kept."""
    keeping = plain_keeping_of(config)
    if not config.get("runs.encryption.enabled"):
        return keeping
    return replace(keeping, key=encryption_of(lambda: key_places(config, workspace.root, environ)))


def plain_keeping_of(config: Config) -> Keeping:
    """Return how a configuration wants files to be kept, but for encryption."""
    least = config.get("runs.artifacts.compressMinSize")
    return Keeping(
        bool(config.get("runs.artifacts.compressText")), least if isinstance(least, int) else 64 << 10
    )


def no_same(checksum: str, size: int) -> tuple[str, ...]:  # noqa: ARG001, RUF100
    """Know of no other file."""
    return ()


def keep_files(
    folder: str,
    artifacts: Iterable[dict[str, Any]],
    fresh: Collection[str],
    keeping: Keeping,
    same: Same = no_same,
) -> list[dict[str, Any]]:
    """Return the entries of a run's files with their checksums, each kept as it should be.

    Args:
        folder: the run folder.
        artifacts: the entries.
        fresh: paths of those that are new, although they may have a checksum; others that have one were
            kept before and are left as they are.
        keeping: the settings.
        same: knows the files of other runs.

    Raises:
        OSError: the disk is full, or there is no key; a second call goes on.
    """
    entries = list(artifacts)
    keeper = _Keeper(folder, {entry["path"] for entry in entries}, keeping, no_same if keeping.key else same)
    kept = [
        entry if entry.get("checksum_sha256") and entry["path"] not in fresh else keeper.keep(entry)
        for entry in entries
    ]
    return kept if keeping.key is None else encrypt_files(folder, kept, keeping.key)


def drop_plain(folder: str, artifacts: Iterable[dict[str, Any]]) -> None:
    """Remove other forms of files once that which run.json speaks of is there, and as long as it says."""
    entries = [(artifact["path"], _form_of(artifact), artifact["stored_bytes"]) for artifact in artifacts]
    taken = {path for path, _, _ in entries} | {path + form for path, form, _ in entries}
    for path, form, size in entries:
        try:
            full = durable.safe_join(folder, path)
            status = os.lstat(full + form)
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(status.st_mode) and status.st_size == size:
            for other in FORMS:
                if other != form and (not other or path + other not in taken):
                    durable.unlink_quietly(full + other)


def _form_of(artifact: dict[str, Any]) -> str:
    return form_of(artifact.get("compressed") is True, artifact.get("encrypted") is True)


class _Keeper:
    """Keeps the files of one run."""

    def __init__(self, folder: str, names: set[str], keeping: Keeping, same: Same) -> None:
        self._folder = folder
        self._names = names
        self._keeping = keeping
        self._same = same
        self._done: dict[tuple[int, int], dict[str, Any]] = {}
        self._mine: dict[tuple[str, int], str] = {}

    def keep(self, artifact: dict[str, Any]) -> dict[str, Any]:
        try:
            with open_content(self._folder, artifact["path"]) as content:
                status = _status(content)
                if status is None:
                    return {**artifact, **self._found_stored(artifact["path"], content)}
                return self._keep(artifact, content, status)
        except ValueError:
            return {**artifact, **_MISSING}
        except KeyProblem:
            raise
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
            return {**artifact, **_MISSING}

    def _found_stored(self, path: str, content: BinaryIO) -> dict[str, Any]:
        """What an earlier sealing stored in another form, and could not say any more."""
        full = os.path.join(self._folder, path)
        form = stored_form(full, FORMS[1:]) or ""
        return {
            "checksum_sha256": _checksum(content), "size_bytes": content.tell(),
            "stored_bytes": os.lstat(full + form).st_size,
            "compressed": form.startswith(SUFFIX), "encrypted": form.endswith(ENCRYPTED),
        }  # fmt: skip

    def _keep(self, artifact: dict[str, Any], content: BinaryIO, status: os.stat_result) -> dict[str, Any]:
        path = os.path.join(self._folder, artifact["path"])
        known = self._done.get((status.st_dev, status.st_ino))
        if known is not None:
            return self._link_to_known(artifact, path, known)
        facts = self._compressed(content, path, artifact) if self._is_worth_it(artifact, status) else None
        if facts is None:
            if artifact["path"] + SUFFIX not in self._names:
                durable.unlink_quietly(path + SUFFIX)
            content.seek(0)
            checksum = artifact.get("checksum_sha256") or _checksum(content)
            facts = {
                "checksum_sha256": checksum,
                "size_bytes": status.st_size,
                "stored_bytes": status.st_size,
            }
        kept = {**artifact, **facts}
        self._done[status.st_dev, status.st_ino] = {**facts, "stored": path}
        self._link_to_same(path + SUFFIX if kept["compressed"] else path, kept)
        return kept

    def _link_to_known(self, artifact: dict[str, Any], path: str, known: dict[str, Any]) -> dict[str, Any]:
        """Another name of a file that has just been kept, as output.txt often is of stdout.txt."""
        facts = {name: value for name, value in known.items() if name != "stored"}
        if facts.get("compressed"):
            durable.link_over(known["stored"] + SUFFIX, path + SUFFIX)
        return {**artifact, **facts}

    def _has_to(self, artifact: dict[str, Any]) -> bool:
        """Tell whether a file is compressed since `NAME.enc` is the name of another one."""
        return self._keeping.key is not None and artifact["path"] + ENCRYPTED in self._names

    def _is_worth_it(self, artifact: dict[str, Any], status: os.stat_result) -> bool:
        if artifact["path"] + SUFFIX in self._names or artifact["path"] in _LEFT_ALONE:
            return False
        return self._has_to(artifact) or is_compressible(artifact, status.st_size, self._keeping)

    def _compressed(self, content: BinaryIO, path: str, artifact: dict[str, Any]) -> dict[str, Any] | None:
        """Write the compressed form beside a file; None if it saves little, or its name is too long."""
        if len(os.path.basename(os.fsencode(path))) + len(SUFFIX) > 255:
            return None
        mode = stat.S_IMODE(os.fstat(content.fileno()).st_mode)
        try:
            size, checksum = write_compressed(content, path + SUFFIX, mode)
        except OSError as error:
            if error.errno in _FULL:
                raise
            return None
        stored = os.lstat(path + SUFFIX).st_size
        if stored > size * MIN_GAIN and not self._has_to(artifact):
            durable.unlink_quietly(path + SUFFIX)
            return None
        return {
            "checksum_sha256": checksum, "size_bytes": size, "stored_bytes": stored, "compressed": True,
        }  # fmt: skip

    def _link_to_same(self, path: str, kept: dict[str, Any]) -> None:
        """Let a file be another name of one with the same content, if there is one that still has it."""
        size, key = kept["stored_bytes"], (kept["checksum_sha256"], kept["size_bytes"])
        if size < MIN_LINK_BYTES:
            return
        others = (self._mine[key],) if key in self._mine else self._same(*key)
        for other in others:
            if _are_alike(path, other):
                try:
                    durable.link_over(other, path)
                except OSError:
                    continue
                break
        self._mine.setdefault(key, path)


def is_compressible(artifact: Mapping[str, Any], size: int, keeping: Keeping) -> bool:
    """Tell whether a file is text that is large enough to be kept compressed."""
    kind = str(artifact.get("content_type"))
    return (
        keeping.compress
        and size >= max(1, keeping.min_bytes)
        and (kind.startswith("text/") or kind.rpartition("/")[2].endswith(_COMPRESSIBLE))
        and artifact["path"] not in _LEFT_ALONE
    )


def write_compressed(content: BinaryIO, target: str, mode: int) -> tuple[int, str]:
    """Write the compressed form of a content durably; return the content's size and SHA-256.

    Hashing is done by a second thread: both are the work of libraries that let others run meanwhile.

    Raises:
        OSError: there is no new file.
    """
    from pyzstd import CParameter, SeekableZstdFile

    options: dict[int, int] = {CParameter.compressionLevel: LEVEL, CParameter.checksumFlag: 1}
    digest, size = hashlib.sha256(), 0
    with (
        durable.NewFile(target, mode) as fd,
        os.fdopen(os.dup(fd), "wb") as file,
        ThreadPoolExecutor(1, "acode-hash") as pool,
        SeekableZstdFile(file, "w", level_or_option=options, max_frame_content_size=FRAME_BYTES) as packed,
    ):
        hashed: Future[None] = pool.submit(digest.update, b"")
        while data := content.read(_CHUNK):
            hashed.result()  # no more than one piece waits
            hashed = pool.submit(digest.update, data)
            size += len(data)
            packed.write(data)
    return size, digest.hexdigest()


def _checksum(content: BinaryIO) -> str:
    digest = hashlib.sha256()
    while data := content.read(_CHUNK):
        digest.update(data)
    return digest.hexdigest()


def _status(content: BinaryIO) -> os.stat_result | None:
    """Return what fstat(2) says of a plain file; None for one that is read out of its compressed form."""
    try:
        return os.fstat(content.fileno())
    except io.UnsupportedOperation:
        return None


def _are_alike(path: str, other: str) -> bool:
    """Tell whether two files are two, with the same bytes, permissions and owner."""
    try:
        with open(path, "rb") as mine, open(open_regular(other), "rb") as theirs:
            one, two = os.fstat(mine.fileno()), os.fstat(theirs.fileno())
            if os.path.samestat(one, two) or _likeness(one) != _likeness(two):
                return False
            while data := mine.read(_CHUNK):
                if data != theirs.read(_CHUNK):
                    return False
    except OSError:
        return False
    return True


def _likeness(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_mode, status.st_uid, status.st_size, status.st_dev
