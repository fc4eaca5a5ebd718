"""Secrets and texts with secrets; what looks like a real token is put together here, and stands nowhere."""

from __future__ import annotations

import random
import string

LETTERS = string.ascii_letters + string.digits


def token(length: int, seed: int = 0, alphabet: str = LETTERS) -> str:
    """Return random characters, the same for the same arguments."""
    chosen = random.Random(seed * 1000 + length)
    return "".join(chosen.choice(alphabet) for _ in range(length))


def pem(lines: int = 4, seed: int = 0) -> list[str]:
    """Return the lines of a private key's body."""
    return [*(token(64, seed + line) for line in range(lines)), token(20, seed) + "=="]


def private_key(kind: str = "RSA ", lines: int = 4, seed: int = 0) -> str:
    """Return a private key in PEM that opens nothing."""
    body = "\n".join(pem(lines, seed))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----\n"


def text_with_secrets() -> bytes:
    """Return some lines of a log in which every kind of rule has something to find."""
    lines = [
        "building 14 targets, commit 3f786850e387550fdab836ed7e6dc881de23001b",
        f"export GITHUB_TOKEN={'ghp_' + token(36)}",
        f"aws {'AKIA' + token(16, 1, 'ABCDEFGHIJKLMNOP234567')} ok",
        f"\tpassword: '{token(14, 2)}' # café",
        f"GET https://bob:{token(12, 3)}@example.org/x?token={token(24, 4)}&page=2",
        f"Authorization: Bearer {token(40, 5)}\r",
        private_key(seed=6).rstrip("\n"),
        "all tests passed: 12 of 12",
        f'{{"key": "{private_key(seed=9)}"}}'.replace("\n", "\\n"),
        f"progress 10%\rprogress 20% secret_key={token(20, 10)}\rprogress 30%",
        "done",
    ]
    return "\n".join(lines).encode()
