"""Private keys of several lines are masked, and what only speaks of them is not."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from collector.redaction import build_rules, find_secrets, mask
from tests.redaction.samples import pem, private_key

RULES = build_rules()
PRIVATE = serialization.PrivateFormat


def written(kind: str) -> str:
    """Return a key as the library that makes most of them writes it."""
    if kind == "ed25519":
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
        key, form = ed25519.Ed25519PrivateKey.generate(), PRIVATE.PKCS8
    elif kind == "openssh":
        key, form = ed25519.Ed25519PrivateKey.generate(), PRIVATE.OpenSSH
    elif kind == "ec":
        key, form = ec.generate_private_key(ec.SECP256R1()), PRIVATE.TraditionalOpenSSL
    else:
        key = rsa.generate_private_key(65537, 2048)
        form = PRIVATE.PKCS8 if kind == "rsa, pkcs8" else PRIVATE.TraditionalOpenSSL
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if kind == "rsa, locked":
        lock = serialization.BestAvailableEncryption(b"x")
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


KINDS = ("rsa, pkcs1", "rsa, pkcs8", "rsa, locked", "ec", "ed25519", "openssh")
PLACES: dict[str, Callable[[str], str]] = {
    "as it is": lambda key: key,
    "with CRLF": lambda key: key.replace("\n", "\r\n"),
    "indented": lambda key: "key: |\n" + "".join(f"    {line}\n" for line in key.splitlines()),
    "in JSON": lambda key: json.dumps({"key": key, "more": 1}),
    "in JSON in JSON": lambda key: json.dumps(json.dumps({"key": key, "more": 1})),
    "in a container's log": lambda key: "".join(f"web_1  | {line}\n" for line in key.splitlines()),
    "behind times": lambda key: "".join(f"2026-01-20T10:00:00Z {line}\n" for line in key.splitlines()),
    "in a program": lambda key: "".join(f'  "{line}\\n" +\n' for line in key.splitlines()),
    "in one line": lambda key: "KEY=" + " ".join(key.splitlines()),
    "cut off": lambda key: key[: len(key) // 2] + "\n",
    "cut off in JSON": lambda key: json.dumps(key)[: len(key) // 2],
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_masked(kind: str, place: str) -> None:
    key = written(kind)
    body = "".join(line for line in key.splitlines() if "-----" not in line and ":" not in line)
    masked = mask(f"before\n{PLACES[place](key)}\nafter".encode(), RULES).decode()
    assert [body[at : at + 12] for at in range(len(body) - 11) if body[at : at + 12] in masked] == []
    assert masked.startswith("before\n")
    assert masked.endswith("\nafter")


def test_a_key_counts_once() -> None:
    assert [one.is_rest for one in find_secrets(private_key().encode(), RULES)] == [False] + [True] * 4


def test_pgp_and_putty_keys_are_masked() -> None:
    body = "\n".join(pem(3, 40))
    pgp = private_key("PGP ", 3, 40).replace("KEY-----", "KEY BLOCK-----")
    pgp = pgp.replace("BLOCK-----\n", "BLOCK-----\nVersion: 1\n\n", 1)
    pgp = pgp.replace("==\n", "==\n=aBcD\n")
    putty = f"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 4\n{body}\nPrivate-MAC: 12\n"
    for text in (pgp, putty):
        masked = mask(text.encode(), RULES).decode()
        assert not any(line in masked for line in body.splitlines())
        assert masked.splitlines()[0] == text.splitlines()[0]
        assert masked.splitlines()[-1] == text.splitlines()[-1]


def test_a_key_across_the_pieces_of_a_long_line_is_masked() -> None:
    key = written("rsa, pkcs8")
    for before in range((64 << 10) - 1800, (64 << 10) + 100, 97):
        masked = mask(json.dumps(["." * before, key]).encode(), RULES).decode()
        lines = key.splitlines()[1:-1]
        assert not any(line[:40] in masked for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        'if line == "-----BEGIN PRIVATE KEY-----":\n    return Key(line)\n',
        "grep -r 'BEGIN RSA PRIVATE KEY' .\nno matches found in 12 files\n",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n",
        "expected -----BEGIN OPENSSH PRIVATE KEY-----\nbut the file is empty\n",
    ],
)
def test_what_speaks_of_keys_stays(text: str) -> None:
    assert mask(text.encode(), RULES).decode() == text
