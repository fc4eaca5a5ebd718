"""Signatures: who vouches for a statement, in the envelope that other tools read.

An envelope is DSSE v1 (https://github.com/secure-systems-lab/dsse) with an Ed25519 signature over type and
payload; the payload of acode's is an in-toto Statement v1 (https://in-toto.io/Statement/v1). Public keys are
written as OpenSSH does, so that a line of `~/.ssh/id_ed25519.pub` is one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re

from collector.encryption.library import require_cryptography
from collector.errors import CorruptError, InputError
from collector.model.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

STATEMENT_TYPE = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
MAX_ENVELOPE_BYTES = 32 << 20
_MAX_SIGNATURES = 64
_PURPOSE = "signing"
_PREFIX = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"
"""What every Ed25519 key of OpenSSH begins with (RFC 8709, section 4)."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key; `name` says whose, and is no part of what is signed."""

    raw: bytes
    name: str = ""

    @property
    def key_id(self) -> str:
        """The SHA-256 of the key in hexadecimal."""
        return hashlib.sha256(self.raw).hexdigest()


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """An Ed25519 private key, its 32 bytes; never shown."""

    seed: bytes
    name: str = ""

    def __repr__(self) -> str:
        return f"PrivateKey(name={self.name!r})"

    @property
    def public(self) -> PublicKey:
        """What others verify with.

        Raises:
            UnavailableError: `cryptography` is not installed.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return PublicKey(
            Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw(), self.name
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """What an envelope holds, and which of the trusted keys signed it."""

    payload: bytes
    payload_type: str
    signer: PublicKey


def new_private_key(name: str = "") -> PrivateKey:
    """Make a key."""
    require_cryptography(_PURPOSE)
    return PrivateKey(os.urandom(32), name)


def sign_statement(payload: bytes, payload_type: str, private_key: PrivateKey) -> bytes:
    """Return a DSSE envelope of a payload, as JSON.

    Raises:
        UnavailableError: `cryptography` is not installed.
    """
    require_cryptography(_PURPOSE)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(private_key.seed)
    signature = {
        "keyid": private_key.public.key_id,
        "sig": _to_base64(key.sign(pre_authentication_encoding(payload_type, payload))),
    }
    envelope = {"payloadType": payload_type, "payload": _to_base64(payload), "signatures": [signature]}
    return json.dumps(envelope).encode() + b"\n"


def verify_envelope(
    envelope: bytes, trusted: Sequence[PublicKey], payload_type: str = STATEMENT_TYPE
) -> Signed:
    """Return what a DSSE envelope holds, if one of the trusted keys signed it.

    The ids of keys in it are hints that nobody vouches for: every signature is tried with every key.

    Args:
        envelope: as `sign_statement` made it.
        trusted: keys to believe.
        payload_type: what it must be an envelope of; a signature for one purpose is none for another.

    Raises:
        CorruptError: it is no envelope, of something else, or no trusted key signed it.
        UnavailableError: `cryptography` is not installed.
    """
    require_cryptography(_PURPOSE)
    body, kind, signatures = _parse(envelope)
    if kind != payload_type:
        raise _refused(f"it signs {kind!r}, not {payload_type!r}")
    message = pre_authentication_encoding(kind, body)
    for signature in signatures:
        for key in trusted:
            if _fits(signature, message, key):
                return Signed(body, kind, key)
    known = "no key is trusted" if not trusted else f"none of the {len(trusted)} trusted keys signed it"
    raise CorruptError(
        "ACODE-RUN-033", f"the signature is not valid: {known}", "acode keys trust adds a key you trust"
    )


def statement(subjects: Mapping[str, str], predicate_type: str, predicate: Mapping[str, object]) -> bytes:
    """Return an in-toto Statement v1 as JSON: that a predicate is true of files with these SHA-256s.

    Args:
        subjects: SHA-256 in hexadecimal, by name.
        predicate_type: a URI.
        predicate: what is said.
    """
    record = {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def read_statement(payload: bytes, predicate_type: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return subjects (SHA-256 by name) and predicate of a statement.

    Raises:
        CorruptError: it is none, or about something else.
    """
    try:
        record = json.loads(payload)
        if record["_type"] != _STATEMENT or record["predicateType"] != predicate_type:
            raise _refused("it is a statement about something else")
        subjects = {str(item["name"]): str(item["digest"]["sha256"]) for item in record["subject"]}
        if len(subjects) != len(record["subject"]):
            raise _refused("it names something twice")
        return subjects, dict(record["predicate"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _refused("it is no statement") from error


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: DSSE's PAE, from which no other pair of type and payload follows."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def format_public_key(key: PublicKey) -> str:
    """Return a key as a line of OpenSSH, its name behind it."""
    name = re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", key.name).strip()
    return f"ssh-ed25519 {_to_base64(_PREFIX + key.raw)} {name}".strip()


def parse_public_key(line: str) -> PublicKey:
    """Read a key as `format_public_key` and OpenSSH write it.

    Raises:
        InputError: it is none, or of another kind.
    """
    words = line.split(maxsplit=2)
    blob = _from_base64(words[1]) if len(words) > 1 else None
    prefix = _PREFIX
    if (
        blob is None
        or words[0] != "ssh-ed25519"
        or len(blob) != len(prefix) + 32
        or not blob.startswith(prefix)
    ):
        raise InputError(
            "ACODE-RUN-019", f"{line[:60]!r} is no public key", "it looks like: ssh-ed25519 AAAA... name"
        )
    return PublicKey(blob[len(prefix) :], words[2].strip() if len(words) > 2 else "")


def _fits(signature: bytes, message: bytes, key: PublicKey) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parse(envelope: bytes) -> tuple[bytes, str, list[bytes]]:
    """Return payload, its type and the signatures of an envelope."""
    if len(envelope) > MAX_ENVELOPE_BYTES:
        raise _refused("it is too large")
    try:
        record = json.loads(envelope)
        body, kind = _from_base64(record["payload"]), record["payloadType"]
        found = [_from_base64(item["sig"]) for item in record["signatures"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _refused("it is no DSSE envelope") from error
    if body is None or not isinstance(kind, str) or not 0 < len(found) <= _MAX_SIGNATURES:
        raise _refused("it is no DSSE envelope")
    try:
        kind.encode()
    except UnicodeEncodeError as error:
        raise _refused("its type is no text") from error
    return body, kind, [signature for signature in found if signature is not None]


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _from_base64(text: object) -> bytes | None:
    """Standard or URL-safe, as DSSE allows both; None for anything else."""
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return None


def _refused(why: str) -> CorruptError:
    return CorruptError("ACODE-RUN-033", f"the signature is not valid: {why}")
