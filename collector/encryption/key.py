"""Keys that encrypt files: their ids, the text they are kept as, and those made of a passphrase."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import unicodedata

from collector.encryption.problem import KeyProblem
from collector.errors import InputError, UnavailableError
from collector.model.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    FindKey = Callable[["KeyName"], "Key"]
    """Returns the key of a name; raises KeyProblem."""

BY_KEY = 1
BY_PASSPHRASE = 2
SECRET_BYTES = 32
ID_BYTES = 16
WORK = 17
"""scrypt takes 128 MB and a third of a second."""
MIN_WORK, MAX_WORK = 10, 18
"""What a file may ask of its reader: at most 256 MB."""
_BLOCK_SIZE = 8
_PREFIX = "ACODE-KEY-"
_CHECK_BYTES = 4


@dataclass(frozen=True, slots=True)
class KeyName:
    """What a file says of the key it needs.

    `id` names a key, or is the salt that turns a passphrase into one; `work` is how hard that is, as the
    logarithm of scrypt's N.
    """

    kind: int
    id: bytes
    work: int = 0

    @property
    def text(self) -> str:
        """The id in hexadecimal."""
        return self.id.hex()


@dataclass(frozen=True, slots=True)
class Key:
    """A key of 32 bytes; they are never shown by mistake."""

    name: KeyName
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.name.text})"


def new_key() -> Key:
    """Make a key."""
    return key_of(os.urandom(SECRET_BYTES))


def key_of(secret: bytes) -> Key:
    """Return the key of 32 bytes; its id tells nothing of them."""
    digest = hashlib.sha256(b"acode key id v1" + secret).digest()
    return Key(KeyName(BY_KEY, digest[:ID_BYTES]), secret)


def format_key(key: Key) -> str:
    """Return the text a key is kept as, with a check against typing errors."""
    data = key.secret + _check(key.secret)
    return _PREFIX + base64.urlsafe_b64encode(data).decode("ascii")


def parse_key(text: str) -> Key:
    """Read a key as `format_key` writes it.

    Raises:
        InputError: it is none; what it was is not repeated.
    """
    word = text.strip()
    try:
        data = base64.b64decode(word.removeprefix(_PREFIX).encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    secret = data[:SECRET_BYTES]
    if (
        not word.startswith(_PREFIX)
        or len(data) != SECRET_BYTES + _CHECK_BYTES
        or data[SECRET_BYTES:] != _check(secret)
    ):
        raise InputError(
            "ACODE-RUN-034", "that is no encryption key, or not all of it",
            f"one begins with {_PREFIX}; 'acode keys create' makes one",
        )  # fmt: skip
    return key_of(secret)


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(b"acode key check v1" + secret).digest()[:_CHECK_BYTES]


def among(keys: Sequence[Key]) -> FindKey:
    """Return what finds a key among these."""
    known = {key.name: key for key in keys}

    def find(name: KeyName) -> Key:
        if name not in known:
            raise missing_key(name)
        return known[name]

    return find


def passphrase_key(passphrase: str, salt: bytes = b"", work: int = WORK) -> Key:
    """Return the key that a passphrase stands for, by scrypt (RFC 7914).

    Args:
        passphrase: at least one character; composed and decomposed letters are the same.
        salt: 16 bytes; a new one if there is none.
        work: the logarithm of N.

    Raises:
        InputError: the passphrase is empty.
    """
    if not passphrase:
        raise InputError("ACODE-RUN-034", "the passphrase is empty")
    salt = salt or os.urandom(ID_BYTES)
    text = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogateescape")
    memory = 256 * _BLOCK_SIZE << work
    secret = hashlib.scrypt(
        text, salt=salt, n=1 << work, r=_BLOCK_SIZE, p=1, maxmem=memory, dklen=SECRET_BYTES
    )
    return Key(KeyName(BY_PASSPHRASE, salt, work), secret)


def by_passphrase(passphrase: str) -> FindKey:
    """Return what finds the keys of files that a passphrase opens."""

    def find(name: KeyName) -> Key:
        if name.kind != BY_PASSPHRASE:
            raise missing_key(name)
        return passphrase_key(passphrase, name.id, name.work)

    return find


def missing_key(name: KeyName) -> KeyProblem:
    """Return what to raise where the key of a file is not known."""
    if name.kind == BY_PASSPHRASE:
        return KeyProblem(UnavailableError("ACODE-RUN-034", "it is encrypted with a passphrase"))
    hint = "'acode keys list' shows what is there; without it nobody can read the content"
    return KeyProblem(
        UnavailableError("ACODE-RUN-035", f"it is encrypted, and its key {name.text} was not found", hint)
    )


def wrong_passphrase() -> KeyProblem:
    """Return what to raise where a passphrase does not open a file."""
    return KeyProblem(InputError("ACODE-RUN-034", "the passphrase is wrong, or the file was altered"))
