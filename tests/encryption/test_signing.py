"""Signatures: what is vouched for, by whom, and whatever else is refused."""

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.encryption.signing import (
    STATEMENT_TYPE,
    PublicKey,
    format_public_key,
    new_private_key,
    parse_public_key,
    pre_authentication_encoding,
    read_statement,
    sign_statement,
    statement,
    verify_envelope,
)
from collector.errors import AccessError, AcodeError, ConflictError, CorruptError, InputError, NotFoundError
from collector.keys import signing_keys

KEY = new_private_key("mine")
PAYLOAD = statement({"manifest.json": "ab" * 32}, "https://example.org/bundle/v1", {"runs": 3})
ENVELOPE = sign_statement(PAYLOAD, STATEMENT_TYPE, KEY)


def test_pae_is_that_of_the_dsse_specification() -> None:
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_what_was_signed_comes_out_with_its_signer() -> None:
    signed = verify_envelope(ENVELOPE, [new_private_key("other").public, KEY.public])
    assert (signed.payload, signed.payload_type) == (PAYLOAD, STATEMENT_TYPE)
    assert signed.signer == KEY.public
    subjects, predicate = read_statement(signed.payload, "https://example.org/bundle/v1")
    assert subjects == {"manifest.json": "ab" * 32}
    assert predicate == {"runs": 3}


def test_openssl_finds_the_signature_good(tmp_path: Path) -> None:
    envelope = json.loads(ENVELOPE)
    der = bytes.fromhex("302a300506032b6570032100") + KEY.public.raw  # RFC 8410, section 10.1
    pem = b"-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % base64.b64encode(der)
    (tmp_path / "key").write_bytes(pem)
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    body = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"]
    (tmp_path / "message").write_bytes(f"DSSEv1 {len(kind)} {kind} {len(body)} ".encode() + body)
    command = "openssl pkeyutl -verify -pubin -inkey key -rawin -in message -sigfile signature"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Signature Verified Successfully")


@pytest.mark.parametrize("trusted", [[], [new_private_key("other").public]])
def test_an_unknown_signer_is_refused(trusted: list[PublicKey]) -> None:
    with pytest.raises(CorruptError, match="ACODE-RUN-033"):
        verify_envelope(ENVELOPE, trusted)


def test_a_private_key_is_not_shown_by_mistake() -> None:
    assert KEY.seed.hex() not in repr(KEY)
    assert repr(KEY.seed) not in repr(KEY)


def test_an_envelope_of_something_else_is_refused() -> None:
    other = sign_statement(PAYLOAD, "application/json", KEY)
    with pytest.raises(CorruptError, match="ACODE-RUN-033"):
        verify_envelope(other, [KEY.public])


def _edited(change: Callable[[dict[str, object]], object]) -> bytes:
    envelope = json.loads(ENVELOPE)
    change(envelope)
    return json.dumps(envelope).encode()


@pytest.mark.parametrize(
    "envelope",
    [
        b"", b"[]", b"{}", b"null", b"\xff", b'{"payload": 1}', ENVELOPE[:-3],
        b"[" * 100_000,
        _edited(lambda e: e.update(payload="AAAA")),
        _edited(lambda e: e.update(payload="\u00e9")),
        _edited(lambda e: e.update(payloadType="\ud800")),
        _edited(lambda e: e.update(payloadType=7)),
        _edited(lambda e: e.update(signatures=[])),
        _edited(lambda e: e.update(signatures=[{"sig": ""}])),
        _edited(lambda e: e.update(signatures=[{"sig": "AAAA"}] * 1000)),
        _edited(lambda e: e.update(signatures={"sig": "AAAA"})),
    ],
    ids=range(16),
)  # fmt: skip
def test_what_is_no_envelope_of_ours_is_refused_in_one_line(envelope: bytes) -> None:
    with pytest.raises(CorruptError, match="ACODE-RUN-033") as caught:
        verify_envelope(envelope, [KEY.public])
    assert "\n" not in str(caught.value)


def test_every_flipped_bit_of_payload_and_signature_is_found() -> None:
    envelope = json.loads(ENVELOPE)
    for name in ("payload", "sig"):
        data = base64.b64decode(
            envelope["payload"] if name == "payload" else envelope["signatures"][0]["sig"]
        )
        for bit in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            text = base64.b64encode(flipped).decode()
            changed = (
                {**envelope, "payload": text}
                if name == "payload"
                else {**envelope, "signatures": [{"sig": text}]}
            )
            with pytest.raises(CorruptError):
                verify_envelope(json.dumps(changed).encode(), [KEY.public])


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_verified_without_a_crash(data: bytes) -> None:
    with pytest.raises(AcodeError):
        verify_envelope(data, [KEY.public])


@pytest.mark.parametrize("payload", [b"[]", b"{}", b"x", b'{"_type": "https://in-toto.io/Statement/v1"}'])
def test_a_payload_that_is_no_statement_is_refused(payload: bytes) -> None:
    with pytest.raises(CorruptError, match="ACODE-RUN-033"):
        read_statement(payload, "https://example.org/bundle/v1")


@given(st.binary(min_size=32, max_size=32), st.text())
def test_a_public_key_survives_being_written_as_a_line(raw: bytes, name: str) -> None:
    line = format_public_key(PublicKey(raw, name))
    assert len(line.splitlines()) == 1
    assert parse_public_key(line).raw == raw


@pytest.mark.parametrize(
    "line",
    ["", "ssh-ed25519", "ssh-rsa AAAA", "ssh-ed25519 AAAA", "ssh-ed25519 \u00e9", "ssh-ed25519 " + "A" * 68],
)
def test_what_is_no_public_key_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        parse_public_key(line)


# Keys on disk


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def test_a_created_key_signs_and_is_trusted_by_its_owner(home: dict[str, str], tmp_path: Path) -> None:
    public = signing_keys.create_signing_key(home, "me@here")
    envelope = sign_statement(PAYLOAD, STATEMENT_TYPE, signing_keys.get_signing_key(home))
    assert verify_envelope(envelope, signing_keys.list_trusted(home)).signer == public
    path = tmp_path / ".config/acode/signing_key"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConflictError):
        signing_keys.create_signing_key(home, "again")


def test_without_a_key_the_error_says_how_to_make_one(home: dict[str, str]) -> None:
    assert signing_keys.find_signing_key(home) is None
    assert signing_keys.list_trusted(home) == ()
    with pytest.raises(NotFoundError, match="acode keys create --signing"):
        signing_keys.get_signing_key(home)


def test_trusted_keys_are_added_once_and_taken_out(home: dict[str, str]) -> None:
    key = new_private_key("alice").public
    assert signing_keys.trust(home, key)
    assert not signing_keys.trust(home, key)
    assert signing_keys.list_trusted(home) == (key,)
    signing_keys.distrust(home, key)
    assert signing_keys.list_trusted(home) == ()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_signing_key_that_others_can_read_is_refused(
    home: dict[str, str], tmp_path: Path, mode: int
) -> None:
    signing_keys.create_signing_key(home, "me")
    (tmp_path / ".config/acode/signing_key").chmod(mode)
    with pytest.raises(AccessError, match="chmod 600"):
        signing_keys.get_signing_key(home)


def test_trusted_keys_that_others_can_write_are_refused(home: dict[str, str], tmp_path: Path) -> None:
    signing_keys.trust(home, KEY.public)
    (tmp_path / ".config/acode/trusted_keys").chmod(0o666)
    with pytest.raises(AccessError):
        signing_keys.list_trusted(home)


@pytest.mark.skipif(which("ssh-keygen") is None, reason="no OpenSSH")
def test_a_key_that_ssh_keygen_made_signs(home: dict[str, str], tmp_path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", str(tmp_path / "id")]
    subprocess.run(command, check=True)
    key = signing_keys.get_signing_key(home, str(tmp_path / "id"))
    assert key.public.raw == parse_public_key((tmp_path / "id.pub").read_text()).raw


@pytest.mark.parametrize("text", ["", "x", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key_is_refused_in_one_line(
    home: dict[str, str], tmp_path: Path, text: str
) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(InputError):
        signing_keys.get_signing_key(home, str(path))


def test_a_link_to_nowhere_and_a_pipe_are_no_keys(home: dict[str, str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(AccessError):
        signing_keys.get_signing_key(home, str(tmp_path / "pipe"))
