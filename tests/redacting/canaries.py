"""Secrets to look for afterwards, made up anew each time so that none stands in this repository."""

from __future__ import annotations

import base64
import os
import random
import string
from collections.abc import Iterator
from pathlib import Path

from collector.record.content import open_content

LETTERS = string.ascii_letters + string.digits


def word(length: int) -> str:
    """Return letters and digits that nobody can guess."""
    return "".join(random.SystemRandom().choices(LETTERS, k=length))


def github_token() -> str:
    """Return what looks like a personal access token of GitHub."""
    return "ghp_" + word(36)


def private_key(lines: int = 24) -> str:
    """Return what looks like a private key, of so many lines."""
    body = base64.b64encode(os.urandom(48 * lines)).decode()
    parts = [body[start : start + 64] for start in range(0, len(body), 64)]
    kind = "RSA PRIVATE KEY"
    return "\n".join([f"-----BEGIN {kind}-----", *parts, f"-----END {kind}-----"])


def files_with(folder: Path, secrets: list[str]) -> Iterator[str]:
    """Yield each file below a folder that holds one of some secrets, in its bytes or in its path.

    Compressed files are looked into.
    """
    for path in sorted(folder.rglob("*")):
        relative = str(path.relative_to(folder))
        if path.is_symlink():
            data = bytes(path.readlink())
        elif path.is_file():
            data = path.read_bytes()
            if path.suffix == ".zst":
                with open_content(str(path.parent), path.name.removesuffix(".zst")) as content:
                    data += content.read()
        else:
            data = b""
        for number, secret in enumerate(secrets):
            if secret.encode() in data or secret in relative:
                yield f"secret {number} in {relative}"
