"""Encrypted files: AES-256-GCM in chunks of 64 KiB that stand in their place, each or none of them.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) as age and Tink use it: the nonce is the
chunk's number and whether it is the last, so that a chunk left out, moved, taken from another file or put
behind the end is found. A reader verifies the last chunk first, every other before its bytes come out.
"""

from __future__ import annotations

import io
import os

from collector.encryption.header import (
    HEADER_BYTES,
    TAG_BYTES,
    DamagedFile,
    Header,
    hash_identity,
    new_header,
    open_header,
    parse_header,
)
from collector.encryption.library import require_cryptography
from collector.encryption.problem import KeyProblem
from collector.errors import UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, Protocol

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from collector.encryption.key import FindKey, Key

    class Target(Protocol):
        """Something that takes bytes."""

        def write(self, data: bytes, /) -> object:
            """Take them all."""


CHUNK_BYTES = 64 << 10
_STORED_BYTES = CHUNK_BYTES + TAG_BYTES
_PURPOSE = "encryption"
_PIECE = 1 << 20


def encrypt_stream(source: BinaryIO, target: Target, key: Key, identity: bytes = b"") -> None:
    """Write the encrypted form of what is left to read of a file.

    Args:
        source: the content.
        target: where it goes; not closed.
        key: opens it again.
        identity: what the file is; opening it as something else fails.

    Raises:
        UnavailableError: `cryptography` is not installed.
    """
    with EncryptingWriter(target, key, identity) as writer:
        while data := source.read(_PIECE):
            writer.write(data)


class EncryptingWriter:
    """A file to write to, which is encrypted on the way; without `close` what was written is not whole.

    Leaving `with` by an exception leaves it so. No `io.IOBase`, which would close itself when forgotten.

    Args:
        target: where it goes; not closed.
        key: opens it again.
        identity: what the file is.

    Raises:
        UnavailableError: `cryptography` is not installed.
    """

    def __init__(self, target: Target, key: Key, identity: bytes = b"") -> None:
        require_cryptography(_PURPOSE)
        self._target = target
        header, self._cipher = new_header(key, identity)
        self._fixed = header.fixed
        self._waiting = bytearray()
        self._number = 0
        self._is_closed = False
        target.write(header.data)

    def __enter__(self) -> EncryptingWriter:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.close()

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Take bytes; they are written by the chunk, the last of them when it is known to be."""
        view = memoryview(data).cast("B")
        start = 0
        if self._waiting:
            start = min(len(view), CHUNK_BYTES - len(self._waiting))
            self._waiting += view[:start]
        while start < len(view):  # there is more, so what waits is not the last, nor is it empty
            if self._waiting:
                self._put(self._waiting, is_last=False)
                self._waiting = bytearray()
            piece = view[start : start + CHUNK_BYTES]
            start += len(piece)
            if start < len(view):
                self._put(piece, is_last=False)
            else:
                self._waiting += piece
        return len(view)

    def flush(self) -> None:
        """Do nothing: half a chunk cannot be written."""

    def close(self) -> None:
        """Write the last chunk; a second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._put(self._waiting, is_last=True)

    def _put(self, chunk: bytearray | memoryview, is_last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._number, is_last), chunk, self._fixed))
        self._number += 1


def open_decrypted(file: BinaryIO, find_key: FindKey, identity: bytes | None = None) -> BinaryIO:
    """Open an encrypted file for reading from anywhere in its content.

    Args:
        file: can seek; closed with what is returned, or when it cannot be opened.
        find_key: knows the keys.
        identity: what it must be; None for anything.

    Raises:
        KeyProblem: there is no key, the passphrase is wrong, or `cryptography` is not installed.
        OSError: it is damaged or something else; reading may raise it too.
    """
    try:
        return io.BufferedReader(_Decrypted(file, find_key, identity), CHUNK_BYTES)
    except BaseException:
        file.close()
        raise


def read_header(file: BinaryIO) -> Header:
    """Return the header at the beginning of an encrypted file.

    Raises:
        OSError: it has none.
    """
    file.seek(0)
    return parse_header(_read(file, HEADER_BYTES))


def content_length(stored_bytes: int) -> int:
    """Return how long the content of an encrypted file of this length is; -1 if none can be so long."""
    rest = stored_bytes - HEADER_BYTES
    chunks = max(1, -(-rest // _STORED_BYTES))
    last = rest - (chunks - 1) * _STORED_BYTES - TAG_BYTES
    return (chunks - 1) * CHUNK_BYTES + last if last > 0 or (last == 0 and chunks == 1) else -1


class _Decrypted(io.RawIOBase):
    """The content of an encrypted file; one chunk of it is held."""

    def __init__(self, file: BinaryIO, find_key: FindKey, identity: bytes | None) -> None:
        self._file = file
        header = read_header(file)
        self._cipher = _open_cipher(header, find_key)
        if identity is not None and header.identity != hash_identity(identity):
            raise DamagedFile("it is the encrypted form of another file")
        self._fixed = header.fixed
        self._length = content_length(file.seek(0, os.SEEK_END))
        if self._length < 0:
            raise DamagedFile("its encrypted form was cut off")
        self._last = max(0, self._length - 1) // CHUNK_BYTES
        self._position = 0
        self._number, self._chunk = -1, b""
        self._load(self._last)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if not view or self._position >= self._length:
            return 0
        number, start = divmod(self._position, CHUNK_BYTES)
        self._load(number)
        data = memoryview(self._chunk)[start : start + len(view)]
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise ValueError("a position before the beginning")
        self._position = base + offset
        return self._position

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _load(self, number: int) -> None:
        """Hold a chunk, once it is verified."""
        if number != self._number:
            self._file.seek(HEADER_BYTES + number * _STORED_BYTES)
            self._chunk = self._decrypt(_read(self._file, _STORED_BYTES), number)
            self._number = number

    def _decrypt(self, stored: bytes, number: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(_nonce(number, number == self._last), stored, self._fixed)
        except (InvalidTag, ValueError) as error:
            raise DamagedFile("its encrypted form was altered or cut off") from error


def _open_cipher(header: Header, find_key: FindKey) -> AESGCM:
    try:
        require_cryptography(_PURPOSE)
    except UnavailableError as error:
        raise KeyProblem(error) from error
    return open_header(header, find_key)


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if is_last else b"\0")


def _read(file: BinaryIO, size: int) -> bytes:
    """Read so many bytes, or all there are; a file without a buffer may give them in parts."""
    data = file.read(size)
    while data and len(data) < size:
        more = file.read(size - len(data))
        if not more:
            break
        data += more
    return data
