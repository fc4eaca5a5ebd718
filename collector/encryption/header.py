"""The head of an encrypted file: what it is, and its own key, wrapped by another.

    8  magic          | fixed for the life of the file,
    1  version        | authenticated with every chunk
   32  identity       | SHA-256 of what the file is said to be
   16  salt           | for the key of the content
    1  kind           how the key that wraps is found: by its id, or from a passphrase
    1  work           scrypt's log2 N, 0 for a key
   16  id             of the key; the salt of the passphrase
   16  wrap salt
   48  the file's key, wrapped: AES-256-GCM under HKDF-SHA256(key, wrap salt), all of the above authenticated

Changing the key of a file changes the second half alone (`rewrap`). The keys that encrypt are used once each,
so that their nonces may be counters.
"""

from __future__ import annotations

import hashlib
import os

from collector.encryption.key import (
    BY_KEY,
    BY_PASSPHRASE,
    ID_BYTES,
    MAX_WORK,
    MIN_WORK,
    Key,
    KeyName,
    wrong_passphrase,
)
from collector.model.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from collector.encryption.key import FindKey

MAGIC = b"acodeENC"
VERSION = 1
TAG_BYTES = 16
_FIXED_BYTES = len(MAGIC) + 1 + 32 + 16
_WRAPPED_BYTES = 32 + TAG_BYTES
_AUTHENTICATED_BYTES = _FIXED_BYTES + 2 + ID_BYTES + 16
HEADER_BYTES = _AUTHENTICATED_BYTES + _WRAPPED_BYTES
_WRAP_INFO = b"acode wrap v1"
_CONTENT_INFO = b"acode content v1"
_NO_NONCE = bytes(12)


class DamagedFile(OSError):
    """An encrypted file that is not what was written."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header that was read, and not yet verified: `open_header` does that."""

    data: bytes
    key_name: KeyName

    @property
    def fixed(self) -> bytes:
        """The part that never changes."""
        return self.data[:_FIXED_BYTES]

    @property
    def identity(self) -> bytes:
        """The hash of what the file is said to be."""
        return self.data[len(MAGIC) + 1 :][:32]


def hash_identity(identity: bytes) -> bytes:
    """Return what a header holds of what a file is."""
    return hashlib.sha256(b"acode identity v1" + identity).digest()


def new_header(key: Key, identity: bytes) -> tuple[Header, AESGCM]:
    """Make the header of a new file; return the cipher of its content, too."""
    fixed = MAGIC + bytes([VERSION]) + hash_identity(identity) + os.urandom(16)
    file_key = os.urandom(32)
    return Header(_wrap(fixed, file_key, key), key.name), _content_cipher(file_key, fixed)


def parse_header(data: bytes) -> Header:
    """Read a header.

    Raises:
        DamagedFile: it is none, or asks more of its reader than acode ever would.
    """
    if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
        raise DamagedFile("it is no encrypted file of acode, or its beginning is damaged")
    if data[len(MAGIC)] != VERSION:
        raise DamagedFile(f"it is encrypted in form {data[len(MAGIC)]}, which this acode does not know")
    kind, work = data[_FIXED_BYTES : _FIXED_BYTES + 2]
    name = KeyName(kind, data[_FIXED_BYTES + 2 :][:ID_BYTES], work)
    if not ((kind == BY_KEY and work == 0) or (kind == BY_PASSPHRASE and MIN_WORK <= work <= MAX_WORK)):
        raise DamagedFile("its encryption header is damaged")
    return Header(data[:HEADER_BYTES], name)


def open_header(header: Header, find_key: FindKey) -> AESGCM:
    """Verify a header; return the cipher of the content.

    Raises:
        DamagedFile: it was altered.
        KeyProblem: the key was not found, or the passphrase is wrong.
    """
    return _content_cipher(_unwrap(header, find_key), header.fixed)


def rewrap(header: Header, find_key: FindKey, key: Key) -> Header:
    """Return the header that lets another key open the same content.

    Raises:
        DamagedFile, KeyProblem: as `open_header`.
    """
    return Header(_wrap(header.fixed, _unwrap(header, find_key), key), key.name)


def _wrap(fixed: bytes, file_key: bytes, key: Key) -> bytes:
    name, salt = key.name, os.urandom(16)
    authenticated = fixed + bytes([name.kind, name.work]) + name.id + salt
    return authenticated + _cipher(key.secret, salt, _WRAP_INFO).encrypt(_NO_NONCE, file_key, authenticated)


def _unwrap(header: Header, find_key: FindKey) -> bytes:
    from cryptography.exceptions import InvalidTag

    data = header.data
    key = find_key(header.key_name)
    salt = data[_AUTHENTICATED_BYTES - 16 : _AUTHENTICATED_BYTES]
    wrapped, authenticated = data[_AUTHENTICATED_BYTES:], data[:_AUTHENTICATED_BYTES]
    try:
        return _cipher(key.secret, salt, _WRAP_INFO).decrypt(_NO_NONCE, wrapped, authenticated)
    except InvalidTag as error:
        if header.key_name.kind == BY_PASSPHRASE:
            raise wrong_passphrase() from error
        raise DamagedFile("its encryption header was altered") from error


def _content_cipher(file_key: bytes, fixed: bytes) -> AESGCM:
    return _cipher(file_key, fixed[-16:], _CONTENT_INFO)


def _cipher(secret: bytes, salt: bytes, info: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return AESGCM(HKDF(SHA256(), 32, salt, info).derive(secret))
