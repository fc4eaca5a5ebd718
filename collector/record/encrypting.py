"""Files of ended runs in encrypted form: `NAME.enc`, or `NAME.zst.enc` of what was compressed before.

What is encrypted is a stored form as it is, so that turning encryption on, off or over to another key never
touches the content. A file says which run and path it is of: put into the place of another, it is refused.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

from collector import durable
from collector.config import load_config
from collector.encryption.key import Key, KeyName
from collector.encryption.library import require_cryptography
from collector.encryption.problem import KeyProblem
from collector.encryption.stream import encrypt_stream, open_decrypted
from collector.errors import AcodeError
from collector.keys.encryption_keys import KeyPlaces, key_places
from collector.record.content import ENCRYPTED, SUFFIX, open_regular
from collector.workspace import RUN_JSON, find_root

MAX_RUN_JSON_BYTES = 16 << 20

CurrentKey = Callable[[], Key]
"""Returns the key that encrypts now; raises KeyProblem."""


def identity_of(run_id: str, path: str) -> bytes:
    """Return what an encrypted file is bound to, besides its content."""
    return f"{run_id}/{path}".encode("utf-8", "surrogatepass")


def open_encrypted(file: BinaryIO, folder: str, path: str) -> BinaryIO:
    """Open the encrypted form of a file in a run folder; it must be of this run, and of this path.

    Raises:
        KeyProblem: there is no key.
        OSError: it is damaged, or another file's.
    """
    try:
        identity = identity_of(_run_id(folder), path)
    except OSError:
        file.close()
        raise
    return open_decrypted(file, lambda name: _find_key(folder, name), identity)


def encryption_of(places: Callable[[], KeyPlaces]) -> CurrentKey:
    """Return what names the key for new files, read anew each time: it may have been changed."""

    def current() -> Key:
        try:
            require_cryptography("encryption")
            return places().current()
        except AcodeError as error:
            raise KeyProblem(error) from error

    return current


def encrypt_files(folder: str, artifacts: Iterable[dict[str, Any]], key: CurrentKey) -> list[dict[str, Any]]:
    """Return the entries of a run's files, each with its encrypted form beside what there was.

    The other form is still there: `run.json` does not speak of this one yet.

    Raises:
        KeyProblem: there is no key.
        OSError: the disk refuses; a second call goes on.
    """
    entries = list(artifacts)
    waiting = [entry for entry in entries if wants_encryption(entry)]
    if not waiting:
        return entries
    current, run_id, names = key(), _run_id(folder), {entry["path"] for entry in entries}
    return [
        _encrypt(folder, run_id, entry, names, current) if entry in waiting else entry for entry in entries
    ]


def wants_encryption(entry: Mapping[str, Any]) -> bool:
    """Tell whether a file is there, kept, and not encrypted."""
    return bool(entry.get("checksum_sha256")) and not entry.get("encrypted") and not entry.get("missing")


def _encrypt(folder: str, run_id: str, entry: dict[str, Any], names: set[str], key: Key) -> dict[str, Any]:
    form = SUFFIX if entry.get("compressed") else ""
    stored = entry["path"] + form + ENCRYPTED
    if stored in names or len(os.path.basename(os.fsencode(stored))) > 255:
        return entry  # its place is taken: docs/encryption.md says so
    try:
        full = durable.safe_join(folder, entry["path"])
        fd = open_regular(full + form)
    except (ValueError, FileNotFoundError):
        return entry
    with os.fdopen(fd, "rb") as source:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        with durable.NewFile(full + form + ENCRYPTED, mode) as new, os.fdopen(os.dup(new), "wb") as target:
            encrypt_stream(source, target, key, identity_of(run_id, entry["path"]))
    stored_bytes = os.lstat(full + form + ENCRYPTED).st_size
    return {**entry, "encrypted": True, "stored_bytes": stored_bytes, "metadata": _without_content(entry)}


def _without_content(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of a file without what a JSON Schema's check quoted from it: where it is, stays."""
    metadata = dict(entry.get("metadata") or {})
    problems = metadata.get("problems")
    if isinstance(problems, list):
        metadata["problems"] = [str(problem).partition(": ")[0] for problem in problems]
    return metadata


def _run_id(folder: str) -> str:
    """Return whose run folder it is, as its record says."""
    with os.fdopen(open_regular(os.path.join(folder, RUN_JSON)), "rb") as file:
        data = file.read(MAX_RUN_JSON_BYTES)
    try:
        return str(json.loads(data)["run_id"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise OSError("its run.json is damaged, which says whose file it is") from error


def _find_key(folder: str, name: KeyName) -> Key:
    """Find a key where the settings of the workspace around a run folder have it."""
    environ = dict(os.environ)
    try:
        root = find_root(os.path.dirname(folder), environ)  # what a run collected is no settings
        places = key_places(load_config(root, environ), root, environ)
    except AcodeError as error:
        raise KeyProblem(error) from error
    return places.find(name)
