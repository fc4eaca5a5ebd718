"""Signed and encrypted bundles: who vouches for one, and for whom it is.

A signature is an in-toto Statement about manifest.json in a DSSE envelope, kept in the bundle; so it covers
every byte of content. An encrypted bundle is a bundle in an encrypted stream.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from collector import durable
from collector.bundle.container import RefusedError
from collector.bundle.manifest import MANIFEST
from collector.encryption.header import MAGIC, DamagedFile
from collector.encryption.key import BY_PASSPHRASE, Key, KeyName
from collector.encryption.problem import KeyProblem
from collector.encryption.signing import (
    STATEMENT_TYPE,
    PrivateKey,
    PublicKey,
    read_statement,
    sign_statement,
    statement,
    verify_envelope,
)
from collector.encryption.stream import encrypt_stream, open_decrypted
from collector.errors import AcodeError, CorruptError, InputError, UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.encryption.key import FindKey

PREDICATE = "urn:acode:bundle:v1"
ENCRYPTED_SUFFIX = ".enc"


class Trust(NamedTuple):
    """Whose signature counts, and whether there must be one."""

    keys: Sequence[PublicKey] = ()
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """What a bundle's signature is worth.

    Attributes:
        state: `none`, `valid`, `untrusted` (none of the trusted keys signed it), or `unchecked` (the optional
            part that could tell is not installed).
        signer: whose key, where it is valid.
        problem: why the bundle is not to be taken; empty for none.
    """

    state: str = "none"
    signer: str = ""
    problem: str = ""


def signing_with(key: PrivateKey) -> Callable[[bytes], bytes]:
    """Return what makes signature.dsse.json of manifest.json."""

    def sign(manifest: bytes) -> bytes:
        subjects = {MANIFEST: hashlib.sha256(manifest).hexdigest()}
        return sign_statement(statement(subjects, PREDICATE, {}), STATEMENT_TYPE, key)

    return sign


def check_signature(envelope: bytes, manifest_digest: str, trust: Trust) -> Signature:
    """Tell what a bundle's signature is worth.

    Args:
        envelope: signature.dsse.json; empty for none.
        manifest_digest: SHA-256 of manifest.json.
        trust: whose signature counts.
    """
    if not envelope:
        return Signature("none", problem="it is not signed" if trust.is_required else "")
    try:
        signed = verify_envelope(envelope, trust.keys)
    except UnavailableError as error:
        return Signature("unchecked", problem=str(error) if trust.is_required else "")
    except CorruptError as error:
        return Signature("untrusted", problem=error.message if trust.is_required else "")
    signer = signed.signer.name or signed.signer.key_id[:16]
    try:
        subjects, _ = read_statement(signed.payload, PREDICATE)
    except AcodeError as error:
        return Signature("invalid", signer, error.message)
    if subjects != {MANIFEST: manifest_digest}:
        return Signature("invalid", signer, "it was signed with other content")
    return Signature("valid", signer)


# Encryption


def encrypting_with(key: Key) -> Callable[[str, str], None]:
    """Return what writes an encrypted copy of a file, whole and durable, to another path."""

    def encrypt(plain: str, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with Path(plain).open("rb") as source, os.fdopen(os.open(path, flags, 0o644), "wb") as target:
            encrypt_stream(source, target, key)
            target.flush()
            durable.sync_descriptor(target.fileno())

    return encrypt


def is_encrypted(file: BinaryIO) -> bool:
    """Tell whether a file is an encrypted stream; it is read from its beginning afterwards."""
    head = file.read(len(MAGIC))
    file.seek(0)
    return head == MAGIC


def no_key(name: KeyName) -> Key:
    """Find no key.

    Raises:
        KeyProblem: always.
    """
    hint = "give its passphrase" if name.kind == BY_PASSPHRASE else "its key is needed"
    raise KeyProblem(InputError("ACODE-RUN-034", "the bundle is encrypted", hint))


class Decrypted:
    """Reads an encrypted bundle anywhere, from several threads.

    Raises:
        AcodeError: there is no key, or it is the wrong one.
        RefusedError: the file is damaged or was altered.
    """

    def __init__(self, file: BinaryIO, find_key: FindKey) -> None:
        self._lock = threading.Lock()
        with _translated():
            self.file = open_decrypted(file, find_key)
            self.size = self.file.seek(0, os.SEEK_END)

    def read_at(self, count: int, offset: int) -> bytes:
        """Return bytes from a place."""
        with self._lock, _translated():
            self.file.seek(offset)
            return self.file.read(count)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except KeyProblem as problem:
        raise problem.error from problem
    except DamagedFile as error:
        raise RefusedError("it is encrypted, and was damaged or altered") from error
